//! The formats malloclint reads. Each turns its own text into [`crate::model`] units; no format
//! knows a rule, a report or another format (`shell` is the one seam that several share).

pub mod dockerfile;
pub mod shell;
