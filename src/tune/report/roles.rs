//! The settings that every form shows, whatever came out: the best, what is set now, the C library's
//! own, what `fix` would write, and `MALLOC_ARENA_MAX=2`.

use crate::tune::{Outcome, Tried};

/// A setting that is always shown; each once, with all that it is.
pub(super) struct Shown<'a> {
    pub(super) index: usize,
    /// `best`, `fix`.
    roles: Vec<&'a str>,
    pub(super) tried: &'a Tried,
}

const ARENA_MAX: &str = "ARENA_MAX=2";

/// Those of them that were measured.
pub(super) fn shown(outcome: &Outcome) -> Vec<Shown<'_>> {
    let baseline = outcome.tried.first();
    let baseline = baseline.map_or("", |first| first.candidate.name.as_str());
    let all = [
        ("best", outcome.leader),
        ("nearly", outcome.nearly),
        ("current", outcome.current),
        (baseline, Some(0)),
        ("fix", outcome.fix),
        (ARENA_MAX, outcome.arena_max),
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

impl Shown<'_> {
    /// With its whole name: `best = fix: jemalloc narenas:2`.
    pub(super) fn title(&self) -> String {
        let name = &self.tried.candidate.name;
        let said = |role: &&&str| **role == name || **role == ARENA_MAX && name.ends_with(**role);
        let roles: Vec<&str> = (self.roles.iter())
            .filter(|role| !said(role))
            .copied()
            .collect();
        if roles.is_empty() {
            return name.clone();
        }
        format!("{}: {name}", roles.join(" = "))
    }

    /// In a picture, where there is little room: `best = fix`.
    pub(super) fn short(&self) -> String {
        self.roles.join(" = ")
    }
}
