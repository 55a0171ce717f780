//! The state of reading one text, and a command of it that is being read.

use std::collections::HashMap;
use std::ops::Range;

use super::scopes::home;
use super::session::Reader;
use super::variables::{MOST_VARIANTS, Variables};
use super::{Effect, EffectKind, Package, Usually};
use crate::facts;
use crate::shell::syntax::{self, Context, Part, Redirect, Script, Word};

/// The state of reading one text.
pub(super) struct Walk<'a> {
    pub(super) text: &'a str,
    pub(super) script: &'a Script,
    pub(super) groups: HashMap<usize, usize>,
    pub(super) outer: Context,
    /// Where the scopes of this text begin among all.
    pub(super) first_scope: usize,
    pub(super) depth: u8,
    pub(super) reader: &'a mut Reader,
    pub(super) variables: &'a mut Variables,
    pub(super) effects: &'a mut Vec<Effect>,
    /// Whether the command runs where nobody sets the variables that its branches look at.
    pub(super) usually: Usually,
    /// The prefix that `configure` or `cmake` was given.
    pub(super) prefix: Option<String>,
    /// Something was installed with that prefix.
    pub(super) built: bool,
}

/// A command that is being read: its wrappers are off, its variables replaced.
pub(super) struct Call<'a> {
    /// The command's place among the script's, for its neighbour in a pipe.
    pub(super) index: usize,
    /// The base name of the first word; empty if it is not literal.
    pub(super) name: String,
    pub(super) words: &'a [Word],
    pub(super) assignments: &'a [syntax::Assignment],
    pub(super) redirects: &'a [Redirect],
    pub(super) range: Range<usize>,
    pub(super) context: Context,
    /// More arguments come from a pipe.
    pub(super) fed: bool,
}

impl Call<'_> {
    /// The same command under other circumstances.
    pub(super) fn under(&self, context: Context) -> Call<'_> {
        Call {
            name: self.name.clone(),
            range: self.range.clone(),
            context,
            ..*self
        }
    }

    /// The words behind the command.
    pub(super) fn arguments(&self) -> &[Word] {
        self.words.get(1..).unwrap_or_default()
    }
}

impl Walk<'_> {
    pub(super) fn emit(&mut self, call: &Call<'_>, kind: EffectKind) {
        let folder = self.variables.folder(call.context);
        self.effects.push(Effect {
            kind,
            range: call.range.clone(),
            context: call.context,
            usually: self.usually,
            folder,
        });
    }

    /// The values that a word may have, each with its circumstances.
    pub(super) fn values(&mut self, word: &Word, context: Context) -> Vec<(Word, Context)> {
        let (choices, certain) = self
            .variables
            .choices(std::slice::from_ref(word), MOST_VARIANTS);
        let several = !certain || choices.len() > 1;
        let context = Context {
            conditional: context.conditional || several,
            tested: context.tested || several,
            ..context
        };
        choices
            .into_iter()
            .flatten()
            .map(|value| (value, context))
            .collect()
    }

    /// What a command of this text hangs on, with what the text hangs on.
    pub(super) const fn merged(&self, context: Context) -> Context {
        Context {
            conditional: context.conditional || self.outer.conditional,
            subshell: context.subshell || self.outer.subshell,
            function: context.function || self.outer.function,
            tested: context.tested || self.outer.tested,
            pipeline: context.pipeline || self.outer.pipeline,
            scope: home(context.scope, self.first_scope, self.outer.scope),
            piped: context.piped,
        }
    }
}

/// Whether the word names an allocator, in any of its parts.
pub(super) fn names_allocator(word: &Word) -> bool {
    word.parts.iter().any(|part| match part {
        Part::Literal { text, .. }
        | Part::Command { text, .. }
        | Part::Variable {
            operation: text, ..
        } => facts::names_allocator(text.as_bytes()),
    })
}

/// A package at `range`.
pub(super) fn package(name: &str, version: Option<String>, range: &Range<usize>) -> Package {
    Package {
        name: name.to_owned(),
        version,
        range: range.clone(),
    }
}
