//! `malloclint init`.

use std::io;
use std::path::{Path, PathBuf};

use super::Status;
use crate::config::Configs;
use crate::disk::{self, Roots};
use crate::init::{self, Plan};
use crate::project::{self, Disk};
use crate::report::{diff, harmless};
use crate::write;

pub(super) fn run(
    only_diff: bool,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let below = project::Repositories::of_here().folder();
    if !below.is_empty() {
        writeln!(
            err,
            "malloclint: hooks and workflows belong to the top of the repository: run it there, not in {}",
            harmless(&below)
        )?;
        return Ok(Status::Trouble);
    }
    let configured = match Configs::file_here() {
        Ok(file) => file.map(|file| disk::shown(&file)),
        Err(error) => {
            writeln!(err, "malloclint: {}", harmless(&error.to_string()))?;
            return Ok(Status::Trouble);
        }
    };
    let branch = project::default_branch();
    let disk = Disk::below(Roots::of(&[PathBuf::from(".")], None));
    let (plans, kept) = init::plan(&disk, configured.as_deref(), branch.as_deref());
    let mut status = Status::Clean;
    for plan in &plans {
        if only_diff {
            diff::write(&plan.before, &plan.after, out)?;
            continue;
        }
        let path = &plan.after.path;
        match written(plan) {
            Ok(()) if plan.new => writeln!(out, "made {path}")?,
            Ok(()) => writeln!(out, "added the hooks to {path}")?,
            Err(why) => {
                writeln!(err, "malloclint: {path}: {why}")?;
                status = Status::Trouble;
            }
        }
    }
    for kept in &kept {
        writeln!(err, "malloclint: {} stays: {}", kept.path, kept.why)?;
    }
    if !only_diff && !plans.is_empty() {
        writeln!(out, "next: `pre-commit install`, and `malloclint check .`")?;
    }
    Ok(status)
}

fn written(plan: &Plan) -> Result<(), String> {
    let path = Path::new(&plan.after.path);
    if leads_out(path) {
        return Err("a link leads out of this folder there: nothing is written through it".into());
    }
    let done = if plan.new {
        write::with_folders(path, &plan.after.bytes)
    } else {
        write::replace(path, &plan.before.bytes, &plan.after.bytes)
    };
    done.map_err(|error| error.to_string())
}

/// Whether a link on the way to a file leads out of the current folder.
fn leads_out(path: &Path) -> bool {
    let Ok(here) = Path::new(".").canonicalize() else {
        return false;
    };
    let there = path
        .ancestors()
        .find(|part| part.symlink_metadata().is_ok());
    // A link to nowhere is one, too.
    there.is_some_and(|there| {
        !there
            .canonicalize()
            .is_ok_and(|lies| lies.starts_with(&here))
    })
}
