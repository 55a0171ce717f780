//! The settings that every form shows, whatever came out: the best, what is set now, the C library's
//! own, what `fix` would write, and `MALLOC_ARENA_MAX=2`.

use crate::tune::{Outcome, Tried};

/// What a setting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Best,
    Nearly,
    Current,
    Baseline,
    Fix,
    ArenaMax,
}

/// A setting that is always shown; each once, with all that it is.
pub(super) struct Shown<'a> {
    pub(super) index: usize,
    roles: Vec<Role>,
    pub(super) tried: &'a Tried,
}

/// Those of them that were measured.
pub(super) fn shown(outcome: &Outcome) -> Vec<Shown<'_>> {
    let all = [
        (Role::Best, outcome.leader),
        (Role::Nearly, outcome.nearly),
        (Role::Current, outcome.current),
        (Role::Baseline, Some(0)),
        (Role::Fix, outcome.fix),
        (Role::ArenaMax, outcome.arena_max),
    ];
    let mut shown: Vec<Shown<'_>> = Vec::new();
    for (role, index) in all {
        let Some((index, tried)) = index.and_then(|index| Some((index, outcome.tried.get(index)?)))
        else {
            continue;
        };
        match shown.iter_mut().find(|own| own.index == index) {
            Some(own) => own.roles.push(role),
            None if tried.runs.is_empty() || tried.discarded.is_some() => {}
            None => shown.push(Shown {
                index,
                roles: vec![role],
                tried,
            }),
        }
    }
    shown
}

impl Role {
    /// The class of its colour in the pictures.
    const fn class(self) -> &'static str {
        match self {
            Self::Best => "best",
            Self::Nearly => "nearly",
            Self::Current => "current",
            Self::Baseline => "baseline",
            Self::Fix => "fix",
            Self::ArenaMax => "arena",
        }
    }

    /// What it is called; the baseline by its name, which is the C library's.
    fn name(self, tried: &Tried) -> &str {
        match self {
            Self::Baseline => &tried.candidate.name,
            Self::ArenaMax => "ARENA_MAX=2",
            other => other.class(),
        }
    }
}

impl Shown<'_> {
    /// The class of its colour in the pictures.
    pub(super) fn class(&self) -> &'static str {
        self.roles.first().map_or("", |role| role.class())
    }

    /// With its whole name: `best = fix: jemalloc narenas:2`.
    pub(super) fn title(&self) -> String {
        let name = &self.tried.candidate.name;
        let says_more = |role: &&Role| !name.ends_with(role.name(self.tried));
        let roles = self.roles.iter().filter(says_more);
        let roles: Vec<&str> = roles.map(|role| role.name(self.tried)).collect();
        if roles.is_empty() {
            return name.clone();
        }
        format!("{}: {name}", roles.join(" = "))
    }

    /// In a picture, where there is little room: `best = fix`.
    pub(super) fn short(&self) -> String {
        let roles = self.roles.iter().map(|role| role.name(self.tried));
        roles.collect::<Vec<_>>().join(" = ")
    }
}
