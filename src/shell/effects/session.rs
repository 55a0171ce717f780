//! How a script is read: with what it finds when it starts, alone or with others.

use std::collections::HashMap;

use super::reader::walk;
use super::variables::Variables;
use super::{Effect, Scopes};
use crate::shell::syntax::{Context, Part, Word};

/// Says what `text` does, in order. See [`is_interesting`] for passing over text that says nothing.
#[must_use]
pub fn read(text: &str) -> Vec<Effect> {
    Reader::default().read(text)
}

/// What a script finds when it starts.
#[derive(Clone, Debug, Default)]
pub struct Start<'s> {
    /// Its arguments; without any it is not known which.
    pub arguments: &'s [String],
    /// Variables with their values.
    pub known: Vec<(&'s str, &'s str)>,
    /// The names of others in its environment.
    pub exported: &'s [String],
    /// `set -a` is in force.
    pub all: bool,
}

/// What a script does, in order, and in which scopes.
#[derive(Debug, Default)]
pub struct Reading {
    /// What it does.
    pub effects: Vec<Effect>,
    /// The scopes that the effects name.
    pub scopes: Scopes,
}

/// Says what `text` does when it is started so.
#[must_use]
pub fn read_with(text: &str, start: &Start<'_>) -> Reading {
    let mut reader = Reader::starting(start);
    let effects = reader.read(text);
    Reading {
        effects,
        scopes: reader.scopes,
    }
}

/// Reads scripts that belong together, such as the RUN instructions of one stage: groups of
/// packages (`apk add --virtual`) live on from one to the next, variables do not.
#[derive(Debug, Default)]
pub struct Reader {
    pub(super) groups: HashMap<String, Vec<(String, Option<String>)>>,
    known: Vec<(String, String)>,
    exported: Vec<String>,
    export_all: bool,
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
            export_all: start.all,
            ..Self::default()
        };
        for (name, value) in &start.known {
            reader.know(name, value);
        }
        reader
    }

    /// Says what `text` does, in order.
    pub fn read(&mut self, text: &str) -> Vec<Effect> {
        let mut variables = Variables::new(text.len());
        variables.set_arguments(&self.arguments);
        self.scopes = Scopes::default();
        for (name, value) in &self.known {
            let word = Word {
                range: 0..0,
                parts: vec![Part::Literal {
                    text: value.clone(),
                    range: 0..0,
                    quoted: false,
                }],
            };
            variables.set(name, word, false, Context::default());
        }
        for name in &self.exported {
            variables.export(name, Context::default());
        }
        variables.export_all = self.export_all;
        let mut effects = Vec::new();
        walk(
            text,
            Context::default(),
            0,
            self,
            &mut variables,
            &mut effects,
        );
        effects
    }
}
