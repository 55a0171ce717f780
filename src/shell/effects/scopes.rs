//! Scopes across a text and the texts inside it, and which settings reach a command.

use std::collections::HashSet;

use crate::shell::syntax::{Context, Scope, ScopeKind};

/// Nobody nests deeper; beyond that nothing is sure.
const DEEPEST: usize = 64;

/// The scopes of a text and of those inside it; the first is the whole.
#[derive(Debug)]
pub(crate) struct Scopes(Vec<Scope>);

/// Whether what one command sets reaches another behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// It does.
    Surely,
    /// It does where a branch is taken, or a function called.
    Maybe,
    /// It ends before.
    Never,
}

/// Whether a function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Called {
    /// It is, between what it sets and what is asked about.
    Surely,
    /// It may be.
    Maybe,
    /// Nothing calls it.
    Never,
}

impl Default for Scopes {
    fn default() -> Self {
        Self(vec![Scope::default()])
    }
}

impl Scopes {
    /// Adds a scope.
    pub(super) fn add(&mut self, parent: usize, kind: ScopeKind) -> usize {
        self.0.push(Scope { parent, kind });
        self.0.len() - 1
    }

    /// Adds the scopes of a text that stands in `outer`; returns where they begin.
    pub(super) fn adopt(&mut self, scopes: &[Scope], outer: usize) -> usize {
        let first = self.0.len();
        // The text's outermost scope is the one that it stands in.
        let inside = scopes.iter().skip(1).map(|scope| Scope {
            parent: home(scope.parent, first, outer),
            kind: scope.kind.clone(),
        });
        self.0.extend(inside);
        first
    }

    /// Whether what a command in `from` sets reaches one in `to` that is run later. `called` says
    /// which functions are.
    #[must_use]
    pub(crate) fn reach(
        &self,
        from: Context,
        to: Context,
        called: &dyn Fn(&str) -> Called,
    ) -> Reach {
        if from.pipeline && !to.pipeline {
            return Reach::Never;
        }
        let mut reach = if from.tested && !to.tested {
            Reach::Maybe
        } else {
            Reach::Surely
        };
        let around: HashSet<usize> = self.up(to.scope).map(|(at, _)| at).collect();
        let inside = self
            .up(from.scope)
            .take_while(|(at, _)| !around.contains(at));
        for (depth, (_, kind)) in inside.enumerate() {
            match kind {
                ScopeKind::Subshell => return Reach::Never,
                ScopeKind::Function(name) if called(name) == Called::Never => return Reach::Never,
                ScopeKind::Function(name) if called(name) == Called::Maybe => reach = Reach::Maybe,
                ScopeKind::Branch => reach = Reach::Maybe,
                _ if depth > DEEPEST => return Reach::Maybe,
                ScopeKind::Function(_) | ScopeKind::Group => {}
            }
        }
        reach
    }

    /// The functions around a command, the innermost first: name and scope.
    pub(crate) fn functions(&self, of: Context) -> impl Iterator<Item = (&str, usize)> {
        self.up(of.scope).filter_map(|(at, kind)| match kind {
            ScopeKind::Function(name) => Some((name.as_str(), at)),
            _ => None,
        })
    }

    /// The innermost subshell around a command.
    #[must_use]
    pub(crate) fn subshell(&self, of: Context) -> Option<usize> {
        let mut around = self.up(of.scope);
        around.find_map(|(at, kind)| (*kind == ScopeKind::Subshell).then_some(at))
    }

    /// Whether a command stands in that scope.
    #[must_use]
    pub(crate) fn is_in(&self, of: Context, scope: usize) -> bool {
        self.up(of.scope).any(|(at, _)| at == scope)
    }

    fn up(&self, from: usize) -> impl Iterator<Item = (usize, &ScopeKind)> {
        let mut next = Some(from);
        std::iter::from_fn(move || {
            let at = next?;
            let scope = self.0.get(at)?;
            next = (at != 0).then_some(scope.parent);
            Some((at, &scope.kind))
        })
    }
}

/// A scope of a text among all.
pub(super) const fn home(scope: usize, first: usize, outer: usize) -> usize {
    match scope.checked_sub(1) {
        Some(inside) => first + inside,
        None => outer,
    }
}
