//! What a live process does with its memory: whose malloc it calls, with which parameters, what of it is in use and what is free.
//! Everything is read from `/proc`: nothing is stopped, nothing is written, no code runs in it.

mod account;
mod census;
mod elf;
mod files;
mod glibc;
mod holdings;
mod interpreter;
mod jemalloc;
mod judge;
mod levers;
mod map;
mod memory;
mod process;
mod pymalloc;
mod reading;
mod recording;
mod report;
mod selection;
mod settings;
mod trend;
mod verdict;

pub(crate) use account::Account;
pub(crate) use holdings::Holdings;
pub(crate) use process::Unread;
pub(crate) use reading::{look, recorded, tell};
pub(crate) use report::{
    CSV_HEAD, Form, Found, Page, csv_line, growth, html, human, json, look_line, map, suggest,
};
pub(crate) use selection::{of_container, pythons, with_descendants};
pub(crate) use trend::{Sample, Trend, of as trend_of};
