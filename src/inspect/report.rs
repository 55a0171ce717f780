//! What was seen of processes, for people and for machines.

mod csv;
mod growth;
mod html;
mod json;
mod lines;
mod picture;
mod suggest;
mod svg;
mod terminal;

pub(crate) use csv::{HEAD as CSV_HEAD, line as csv_line};
pub(crate) use growth::{look as look_line, write as growth};
pub(crate) use html::{Page, write as html};
pub(crate) use json::{Found, write as json};
pub(crate) use picture::write as map;
pub(crate) use suggest::{Form, write as suggest};
pub(crate) use terminal::write as human;
