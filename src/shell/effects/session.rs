//! How a script is read: with what it finds when it starts, alone or with others.

use std::collections::HashMap;

use super::{Effect, Scopes};

/// What a script finds when it starts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Start<'s> {
    /// Its arguments; without any it is not known which.
    pub arguments: &'s [String],
    /// Variables with their values.
    pub known: Vec<(&'s str, &'s str)>,
    /// The names of others in its environment.
    pub exported: &'s [String],
    /// The names of those whose value is not known.
    pub unsure: &'s [String],
    /// `set -a` is in force.
    pub all: bool,
}

/// What a script does, in order, and in which scopes.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// What it does.
    pub effects: Vec<Effect>,
    /// The scopes that the effects name.
    pub scopes: Scopes,
}

/// Reads scripts that belong together, such as the RUN instructions of one stage: groups of
/// packages (`apk add --virtual`) live on from one to the next, variables do not.
#[derive(Debug, Default)]
pub struct Reader {
    pub(super) groups: HashMap<String, Vec<(String, Option<String>)>>,
    pub(super) known: Vec<(String, String)>,
    pub(super) exported: Vec<String>,
    pub(super) unsure: Vec<String>,
    pub(super) export_all: bool,
    /// What the script is started with; nothing where that is not known.
    pub(super) arguments: Vec<String>,
    /// The scopes of the text that was read last.
    pub(super) scopes: Scopes,
}

impl Reader {
    /// Tells the value of a variable that the scripts find in their environment (ENV, ARG).
    pub fn know(&mut self, name: &str, value: &str) {
        self.known.retain(|(known, _)| known != name);
        self.known.push((name.to_owned(), value.to_owned()));
    }

    /// A reader for one script that is started so.
    pub(super) fn starting(start: &Start<'_>) -> Self {
        let mut reader = Self {
            arguments: start.arguments.to_vec(),
            exported: start.exported.to_vec(),
            unsure: start.unsure.to_vec(),
            export_all: start.all,
            ..Self::default()
        };
        for (name, value) in &start.known {
            reader.know(name, value);
        }
        reader
    }
}
