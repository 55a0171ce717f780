//! The stages of a Dockerfile and who builds on whom.

use std::collections::BTreeMap;

use super::syntax::{Args, Dockerfile, Instruction, Keyword, Word};

/// One stage: its FROM and what follows.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) from: &'a Instruction,
    /// The name after `AS`, in lower case as the builder compares it.
    pub(super) name: Option<String>,
    pub(super) body: Vec<&'a Instruction>,
}

impl<'a> Stage<'a> {
    /// The word that says what it stands on.
    pub(super) fn base(&self) -> Option<&'a Word> {
        match &self.from.args {
            Args::Words(words) => words.first(),
            _ => None,
        }
    }
}

/// The instructions before the first FROM, and the stages.
pub(super) fn split(dockerfile: &Dockerfile) -> (Vec<&Instruction>, Vec<Stage<'_>>) {
    let mut globals = Vec::new();
    let mut stages: Vec<Stage<'_>> = Vec::new();
    for instruction in dockerfile.instructions() {
        if instruction.keyword == Keyword::From {
            stages.push(Stage {
                from: instruction,
                name: name(instruction),
                body: Vec::new(),
            });
        } else if let Some(stage) = stages.last_mut() {
            stage.body.push(instruction);
        } else {
            globals.push(instruction);
        }
    }
    (globals, stages)
}

/// The stage of that name, else the last one, counted from 0.
pub(super) fn find(stages: &[Stage<'_>], target: Option<&str>) -> Option<usize> {
    let named = |name: &str| {
        let mut names = stages.iter().map(|stage| stage.name.as_deref());
        names.position(|own| own.is_some_and(|own| own.eq_ignore_ascii_case(name)))
    };
    target.map_or_else(|| stages.len().checked_sub(1), named)
}

fn name(from: &Instruction) -> Option<String> {
    let Args::Words(words) = &from.args else {
        return None;
    };
    match words.as_slice() {
        [_, keyword, name, ..] if keyword.raw.as_str().eq_ignore_ascii_case("as") => {
            Some(name.raw.as_str().to_lowercase())
        }
        _ => None,
    }
}

/// The names of all stages, for look-ups that do not walk the file.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, Vec<usize>>);

impl Names {
    pub(super) fn of(stages: &[Stage<'_>]) -> Self {
        let mut names = Self::default();
        for (index, stage) in stages.iter().enumerate() {
            if let Some(name) = &stage.name {
                names.0.entry(name.clone()).or_default().push(index);
            }
        }
        names
    }

    /// The stages before `before` that a reference with a variable in it can name:
    /// `common-${TARGETARCH}`.
    pub(super) fn family(&self, before: usize, reference: &str) -> Vec<usize> {
        let Some((head, rest)) = reference.split_once('$') else {
            return Vec::new();
        };
        let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let tail = rest.strip_prefix('{').map_or_else(
            || rest.trim_start_matches(name),
            |braced| braced.split_once('}').map_or("", |(_, tail)| tail),
        );
        if head.is_empty() && tail.is_empty() {
            return Vec::new();
        }
        let (head, tail) = (head.to_lowercase(), tail.to_lowercase());
        let fits = |name: &&String| {
            name.len() > head.len() + tail.len() && name.starts_with(&head) && name.ends_with(&tail)
        };
        let named = self
            .0
            .range(head.clone()..)
            .take_while(|(name, _)| name.starts_with(&head));
        named
            .filter(|(name, _)| fits(name))
            .flat_map(|(_, all)| all)
            .copied()
            .filter(|&at| at < before)
            .collect()
    }

    /// The last stage before `before` that `reference` names, by name or, where `by_number`, by its
    /// position.
    pub(super) fn find(&self, before: usize, reference: &str, by_number: bool) -> Option<usize> {
        let named = self.0.get(&reference.to_lowercase());
        let last = named.and_then(|all| {
            all.get(..all.partition_point(|&at| at < before))?
                .last()
                .copied()
        });
        last.or_else(|| {
            reference
                .parse()
                .ok()
                .filter(|&index: &usize| by_number && index < before)
        })
    }
}

/// How long a stage's state is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LastUse {
    /// To the end: it is an image of its own, or files are taken from it.
    Never,
    /// Until the stage at this index has started from it.
    Base(usize),
}

impl LastUse {
    /// The last use of every stage.
    pub(super) fn of(stages: &[Stage<'_>], names: &Names) -> Vec<Self> {
        let mut uses = vec![Self::Never; stages.len()];
        let mut kept = vec![false; stages.len()];
        for (index, stage) in stages.iter().enumerate() {
            if let Some(base) = stage.base() {
                let reference = base.raw.as_str();
                let found = names.find(index, reference, false);
                for parent in found.into_iter().chain(names.family(index, reference)) {
                    if let Some(last) = uses.get_mut(parent) {
                        *last = Self::Base(index);
                    }
                }
            }
            for source in stage
                .body
                .iter()
                .flat_map(|instruction| sources(instruction))
            {
                let found = names.find(index, source, true);
                for at in found.into_iter().chain(names.family(index, source)) {
                    if let Some(flag) = kept.get_mut(at) {
                        *flag = true;
                    }
                }
            }
        }
        let ends = uses.iter_mut().zip(kept).filter(|(_, kept)| *kept);
        ends.for_each(|(last, _)| *last = Self::Never);
        uses
    }
}

/// For every stage whether another one builds on it or takes files from it.
pub(super) fn used(stages: &[Stage<'_>], names: &Names) -> Vec<bool> {
    let mut used = vec![false; stages.len()];
    let mut mark = |index: Option<usize>| {
        if let Some(flag) = index.and_then(|index| used.get_mut(index)) {
            *flag = true;
        }
    };
    for (index, stage) in stages.iter().enumerate() {
        if let Some(base) = stage.base() {
            mark(names.find(index, base.raw.as_str(), false));
            for member in names.family(index, base.raw.as_str()) {
                mark(Some(member));
            }
        }
        for instruction in &stage.body {
            for source in sources(instruction) {
                mark(names.find(index, source, true));
                for member in names.family(index, source) {
                    mark(Some(member));
                }
            }
        }
    }
    used
}

/// The stages or images that an instruction takes files from.
pub(super) fn sources(instruction: &Instruction) -> impl Iterator<Item = &str> {
    instruction.flags.iter().filter_map(|flag| {
        let value = flag.value.as_ref()?.as_str();
        match flag.name.as_str() {
            "from" => Some(value),
            "mount" => value
                .split(',')
                .find_map(|option| option.trim().strip_prefix("from=")),
            _ => None,
        }
    })
}
