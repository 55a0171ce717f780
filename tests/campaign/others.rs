//! What needs other programs, for many mutants at once: `git apply`, BuildKit's parser, and the real program.

use std::path::Path;
use std::process::Command;

use malloclint::internals::project::Format;

use crate::mutants::Mutant;
use crate::support::buildkit::{known, oracle};
use crate::support::promises::Broken;
use crate::support::run::{self, Raw};
use crate::trial::{Outcome, caught};

pub(crate) const DIFF: &str = "git makes the fixed file of the diff";
/// Told apart: to most programs, and to git, a CR alone is no end of a line.
pub(crate) const DIFF_CR: &str =
    "git makes the fixed file of the diff, with a CR that ends no line";
pub(crate) const BUILDKIT: &str = "BuildKit takes the fixed file where it took the mutant";
pub(crate) const PROGRAM: &str = "the program does what the library does";

/// A mutant and what became of it.
pub(crate) type Tried = (Mutant, Outcome);

/// Applies the diffs of all that changed, in one run of git; gives those of which git makes something else.
pub(crate) fn applied<'t>(tried: &[&'t Tried]) -> Vec<(&'t Mutant, Broken)> {
    let changed: Vec<&Tried> = tried
        .iter()
        .filter(|(_, outcome)| outcome.changed().is_some())
        .copied()
        .collect();
    let folder = run::folder([]);
    git(folder.path(), &["init", "--quiet"], b"");
    let mut wrong = Vec::new();
    apply(folder.path(), &changed, &mut wrong);
    wrong
}

/// git takes all parts of a diff or none: where it refuses, the halves are tried.
fn apply<'t>(folder: &Path, changed: &[&'t Tried], wrong: &mut Vec<(&'t Mutant, Broken)>) {
    let Some((first, _)) = changed.first() else {
        return;
    };
    for (mutant, _) in changed {
        run::write(folder, &mutant.path(), mutant.bytes());
    }
    let diffs: Vec<&[u8]> = changed
        .iter()
        .map(|(_, outcome)| outcome.diff.as_slice())
        .collect();
    let said = git(
        folder,
        &["apply", "--whitespace=nowarn", "-"],
        &diffs.concat(),
    );
    if said.code != Some(0) && changed.len() > 1 {
        let (one, other) = changed.split_at(changed.len() / 2);
        apply(folder, one, wrong);
        return apply(folder, other, wrong);
    }
    if said.code != Some(0) {
        let why = String::from_utf8_lossy(&said.err).into_owned();
        return wrong.push((first, (promise(first), why)));
    }
    for (mutant, outcome) in changed {
        let made = std::fs::read(folder.join(mutant.path())).unwrap();
        if outcome
            .changed()
            .is_some_and(|fixed| fixed.after.bytes != made)
        {
            let why = String::from_utf8_lossy(&made).into_owned();
            wrong.push((mutant, (promise(mutant), why)));
        }
    }
}

fn promise(mutant: &Mutant) -> &'static str {
    let mut parts = mutant.bytes().split(|byte| *byte == b'\r').skip(1);
    if parts.any(|rest| !rest.starts_with(b"\n")) {
        DIFF_CR
    } else {
        DIFF
    }
}

fn git(folder: &Path, arguments: &[&str], input: &[u8]) -> Raw {
    let mut git = Command::new("git");
    git.args(arguments).current_dir(folder);
    // What a user sets for all repositories says nothing here.
    git.env("GIT_CONFIG_GLOBAL", folder.join("none"));
    git.env("GIT_CONFIG_NOSYSTEM", "1");
    run::finish_raw(&mut git, input)
}

/// The fixed Dockerfiles that BuildKit refuses although it takes the mutants, and how many it was asked about.
pub(crate) fn refused<'t>(
    python: &Path,
    tried: &[&'t Tried],
) -> (Vec<(&'t Mutant, Broken)>, usize) {
    let mut pairs = Vec::new();
    for (mutant, outcome) in tried {
        let Some(fixed) = outcome
            .changed()
            .filter(|_| mutant.format == Format::Dockerfile)
        else {
            continue;
        };
        // The package wants UTF-8, and ends every string at a NUL.
        let text = |bytes| {
            std::str::from_utf8(bytes)
                .ok()
                .filter(|text| !text.contains('\0'))
        };
        if let (Some(before), Some(after)) = (text(mutant.bytes()), text(&fixed.after.bytes)) {
            pairs.push((mutant, before, after));
        }
    }
    let texts: Vec<&str> = pairs
        .iter()
        .flat_map(|(_, before, after)| [*before, *after])
        .collect();
    let verdicts = if texts.is_empty() {
        Vec::new()
    } else {
        oracle::batch(python, &texts)
    };
    let mut wrong = Vec::new();
    for ((mutant, _, after), verdicts) in pairs.iter().zip(verdicts.chunks(2)) {
        let [old, new] = verdicts else { continue };
        // What its old parser reads otherwise than today's, and ours with it, says nothing about the fix.
        let known = known::has_new_directives(after)
            || known::reconcile(after, new).is_ok_and(|reasons| !reasons.is_empty());
        if let (true, false, Err(why)) = (old.is_ok(), known, new) {
            wrong.push((*mutant, (BUILDKIT, format!("{why}\n{after}"))));
        }
    }
    (wrong, pairs.len())
}

/// Runs the program on a mutant, and compares with what the library made of it.
pub(crate) fn program(mutant: &Mutant, outcome: &Outcome) -> Vec<Broken> {
    // One that takes for ever is killed, and told of by a panic.
    let compared = caught(|| compared(mutant, outcome));
    compared.unwrap_or_else(|(_, why)| vec![(PROGRAM, why)])
}

fn compared(mutant: &Mutant, outcome: &Outcome) -> Vec<Broken> {
    let Some(fixed) = &outcome.fixed else {
        return Vec::new();
    };
    let folder = run::folder([]);
    let folder = folder.path();
    for (path, bytes) in &mutant.files {
        run::write(folder, &format!("{}/{path}", mutant.folder()), bytes);
    }
    std::fs::create_dir_all(folder.join(mutant.folder()).join(".git")).unwrap();
    let mut broken = Vec::new();
    let mut ask = |command: &[&str]| {
        let mut program = run::program(folder);
        program.args(command).arg(mutant.path());
        let said = run::finish_raw(&mut program, b"");
        if !matches!(said.code, Some(0..=2)) {
            let err = String::from_utf8_lossy(&said.err);
            broken.push((
                PROGRAM,
                format!("{command:?} ends with {:?}: {err}", said.code),
            ));
        }
        said
    };
    ask(&["check"]);
    ask(&["units"]);
    let way = mutant.way.arguments();
    let diff = ask(&[&["fix", "--diff"], way].concat()).out;
    ask(&[&["fix"], way].concat());
    if diff != outcome.diff {
        let diff = String::from_utf8_lossy(&diff).into_owned();
        broken.push((
            PROGRAM,
            format!("`fix --diff` prints another diff:\n{diff}"),
        ));
    }
    let made = std::fs::read(folder.join(mutant.path())).unwrap();
    if made != fixed.after.bytes {
        let made = String::from_utf8_lossy(&made).into_owned();
        broken.push((PROGRAM, format!("`fix` writes another file:\n{made}")));
    }
    broken
}
