//! The stages of a Dockerfile and who builds on whom.

use super::syntax::{Args, Dockerfile, Instruction, Keyword};

/// One stage: its FROM and what follows.
#[derive(Debug)]
pub(super) struct Stage<'a> {
    pub(super) from: &'a Instruction,
    /// The name after `AS`, in lower case as the builder compares it.
    pub(super) name: Option<String>,
    pub(super) body: Vec<&'a Instruction>,
}

/// The instructions before the first FROM, and the stages.
pub(super) fn split(dockerfile: &Dockerfile) -> (Vec<&Instruction>, Vec<Stage<'_>>) {
    let mut globals = Vec::new();
    let mut stages: Vec<Stage<'_>> = Vec::new();
    for instruction in dockerfile.instructions() {
        if instruction.keyword == Keyword::From {
            stages.push(Stage { from: instruction, name: name(instruction), body: Vec::new() });
        } else if let Some(stage) = stages.last_mut() {
            stage.body.push(instruction);
        } else {
            globals.push(instruction);
        }
    }
    (globals, stages)
}

fn name(from: &Instruction) -> Option<String> {
    let Args::Words(words) = &from.args else { return None };
    match words.as_slice() {
        [_, keyword, name, ..] if keyword.raw.as_str().eq_ignore_ascii_case("as") => {
            Some(name.raw.as_str().to_lowercase())
        }
        _ => None,
    }
}

/// The earlier stage that `reference` names, by name or, where `by_number`, by its position.
pub(super) fn find(stages: &[Stage<'_>], before: usize, reference: &str, by_number: bool) -> Option<usize> {
    let reference = reference.to_lowercase();
    let named = stages.iter().take(before).rposition(|stage| stage.name.as_deref() == Some(reference.as_str()));
    named.or_else(|| reference.parse().ok().filter(|&index: &usize| by_number && index < before))
}

/// For every stage whether another one builds on it or takes files from it.
pub(super) fn used(stages: &[Stage<'_>]) -> Vec<bool> {
    let mut used = vec![false; stages.len()];
    let mut mark = |index: Option<usize>| {
        if let Some(flag) = index.and_then(|index| used.get_mut(index)) {
            *flag = true;
        }
    };
    for (index, stage) in stages.iter().enumerate() {
        if let Args::Words(words) = &stage.from.args
            && let Some(base) = words.first()
        {
            mark(find(stages, index, base.raw.as_str(), false));
        }
        for instruction in &stage.body {
            for source in sources(instruction) {
                mark(find(stages, index, source, true));
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
            "mount" => value.split(',').find_map(|option| option.trim().strip_prefix("from=")),
            _ => None,
        }
    })
}
