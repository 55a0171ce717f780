//! `tune --write`: shows how the files that start what was measured would get the best setting. It writes none of them.

mod setting;
mod starter;
#[cfg(test)]
mod tests;

pub(super) use setting::Setting;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::skipped::skipped;
use super::wanted::Wanted;
use super::{Status, alone, failed, trouble};
use crate::check::{self, Examined, WISH};
use crate::cli::Selection;
use crate::finding::{Finding, Subject};
use crate::fix::{self, Left, Options};
use crate::model::{Change, Role, Source, Unit};
use crate::project::{self, Claim, Failure, Format, Project};
use crate::report::diff;
use crate::templates::Style;
use crate::text::{SourceFile, paths};
use crate::verdict::{Judged, Verdict};
use setting::loads_jemalloc;
use starter::Command;

/// Says how the files of the current folder that start `command` would get a setting. The diffs go to `out`; where that is for
/// something else, to `err` like all that is said about them.
pub(super) fn tell(
    command: &[OsString],
    setting: Setting<'_>,
    out: Option<&mut dyn io::Write>,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    below(Path::new("."), command, setting, out, err)
}

/// The same of the files of a folder.
fn below(
    folder: &Path,
    command: &[OsString],
    setting: Setting<'_>,
    out: Option<&mut dyn io::Write>,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let paths = [folder.to_path_buf()];
    let wanted = match Wanted::of(&Selection::default(), &paths) {
        Ok(wanted) => wanted,
        Err(why) => return trouble(&why, err),
    };
    let disk = wanted.disk();
    let project = wanted.project(&disk);
    let search = Search {
        command: &Command::of(command, folder, &project),
        setting,
        wanted: &wanted,
    };
    let Looked {
        starting,
        passed_over,
        mut failures,
    } = search.look_below(&paths, &project);
    let said = search.said(starting, &project);
    failures.extend(wanted.unread_bases());
    for failure in &failures {
        failed(failure, err)?;
    }
    if said.is_empty() {
        for line in skipped(&passed_over, "not read") {
            writeln!(err, "malloclint: {line}")?;
        }
    }
    search.tell(&said, out, err)?;
    Ok(match failures.is_empty() {
        true => Status::Clean,
        false => Status::Trouble,
    })
}

/// What is looked for.
struct Search<'a> {
    command: &'a Command,
    setting: Setting<'a>,
    wanted: &'a Wanted,
}

/// A file that was looked at.
enum Seen {
    /// It starts the command.
    Starts(Start),
    /// It was not judged: its path, and why.
    PassedOver(String, String),
    /// It has nothing to do with it.
    Other,
}

/// What was found.
struct Looked {
    starting: Vec<Start>,
    /// What was not judged, and why.
    passed_over: Vec<(String, String)>,
    failures: Vec<Failure>,
}

/// A file that starts the command.
struct Start {
    file: Arc<SourceFile>,
    style: Style,
    /// All that starts it there has the setting.
    has: bool,
}

/// What is to be said of a file.
enum Said {
    /// With this change it has the setting.
    Change(Changed),
    /// It has it.
    Has(String),
    /// Another file brings it: the image that its container runs.
    Elsewhere,
    /// It does not come to have it: its path, and why, where that is known.
    Lacks(String, Option<String>),
}

/// A file that would have the setting.
struct Changed {
    before: Arc<SourceFile>,
    after: Arc<SourceFile>,
    /// It is what `fix --advice` does.
    by_fix: bool,
}

/// A file as it would be.
struct Made {
    after: Arc<SourceFile>,
    by_fix: bool,
    left: Vec<Left>,
}

impl Search<'_> {
    fn look_below(&self, paths: &[PathBuf], project: &Project<'_>) -> Looked {
        let found = self.wanted.find(paths);
        let seen = found.files.par_iter().map(|path| self.look(path, project));
        let seen: Vec<_> = seen.collect();
        let mut looked = Looked {
            starting: Vec::new(),
            passed_over: Vec::new(),
            failures: found.failures,
        };
        for seen in seen {
            match seen {
                Ok(Seen::Starts(start)) => looked.starting.push(start),
                Ok(Seen::PassedOver(path, why)) => looked.passed_over.push((path, why)),
                Ok(Seen::Other) => {}
                // Many files may have the same broken configuration.
                Err(failure) if looked.failures.contains(&failure) => {}
                Err(failure) => looked.failures.push(failure),
            }
        }
        looked
    }

    fn look(&self, path: &Path, project: &Project<'_>) -> Result<Seen, Failure> {
        let _alone = alone(path);
        let file = project::read(path)?;
        let config = self.wanted.config(path).map_err(|error| Failure {
            path: error.path,
            reason: error.reason,
        })?;
        let style = config.style();
        let examined = check::examine(&file, project, style);
        let path = || file.path.clone();
        if let Some(reason) = examined.checked.unread {
            let path = path();
            return Err(Failure { path, reason });
        }
        if let Some(why) = examined.checked.skipped {
            return Ok(Seen::PassedOver(path(), why));
        }
        let mut started = self.started(&examined.units).peekable();
        if started.peek().is_none() {
            return Ok(Seen::Other);
        }
        let has = started.all(|(_, unit)| self.setting.is_in(unit));
        Ok(Seen::Starts(Start { file, style, has }))
    }

    /// The units that start the command, with where they stand.
    fn started<'u>(&self, units: &'u [Unit]) -> impl Iterator<Item = (usize, &'u Unit)> {
        let units = units.iter().enumerate();
        units.filter(|(_, unit)| self.command.is_started_by(unit))
    }

    /// What is to be said of the files, images before the containers that run them.
    fn said(&self, mut starting: Vec<Start>, project: &Project<'_>) -> Vec<Said> {
        let is_container =
            |start: &Start| Format::of(&start.file.path, &start.file.bytes) != Format::Dockerfile;
        starting.sort_by_key(is_container);
        let files: Vec<_> = starting
            .iter()
            .map(|start| Arc::clone(&start.file))
            .collect();
        let (mut starts, mut said) = (starting.iter(), Vec::new());
        fix::in_turn(&files, project, &mut |file, project| {
            let Some(start) = starts.next() else {
                return Arc::clone(file);
            };
            let one = self.one(start, project, &files);
            let after = match &one {
                Said::Change(changed) => Arc::clone(&changed.after),
                _ => Arc::clone(file),
            };
            said.push(one);
            after
        });
        said
    }

    /// What is to be said of a file, where others are as they would be.
    fn one(&self, start: &Start, project: &Project<'_>, files: &[Arc<SourceFile>]) -> Said {
        let (file, style) = (&start.file, start.style);
        let name = paths::file_name(&file.path);
        let path = file.path.clone();
        if start.has {
            return Said::Has(path);
        }
        if project::claim(name) == Some(Claim::Template) {
            return Said::Lacks(path, Some("a template: it is never patched".into()));
        }
        let made = self.made(file, style, project);
        let has = |file: &Arc<SourceFile>| {
            let units = check::examine(file, project, style).units;
            let started = self.started(&units);
            started.filter(|(_, unit)| self.setting.is_in(unit)).count()
        };
        if made.after.bytes != file.bytes && has(&made.after) > has(file) {
            return Said::Change(Changed {
                before: Arc::clone(file),
                after: made.after,
                by_fix: made.by_fix,
            });
        }
        self.kept(file, style, project, (&made.left, files))
    }

    /// What is to be said of a file to which nothing can be done: what starts the command there has the setting by now, or why not.
    fn kept(
        &self,
        file: &Arc<SourceFile>,
        style: Style,
        project: &Project<'_>,
        (left, files): (&[Left], &[Arc<SourceFile>]),
    ) -> Said {
        let Examined { checked, units, .. } = check::examine(file, project, style);
        let lacks = |(_, unit): &(usize, &Unit)| !self.setting.is_in(unit);
        // What an image lacks is said of the file that builds it.
        let said_there = |unit: &Unit| {
            let plain = |path: &str| paths::join("", path);
            let built = |path: &str| files.iter().any(|file| plain(&file.path) == plain(path));
            matches!(&unit.source, Source::Linked(path, _) if built(path))
        };
        let mut lacking = self.started(&units).filter(lacks);
        let Some((index, unit)) = lacking.find(|(_, unit)| !said_there(unit)) else {
            return Said::Elsewhere;
        };
        let why = why(index, unit, left, checked.units.get(index));
        Said::Lacks(file.path.clone(), why)
    }

    /// A file with all that is to be done with it.
    fn made(&self, file: &Arc<SourceFile>, style: Style, project: &Project<'_>) -> Made {
        let mut fixed = Made {
            after: Arc::clone(file),
            by_fix: false,
            left: Vec::new(),
        };
        if matches!(self.setting, Setting::Jemalloc(_)) && self.lacks_jemalloc(file, style, project)
        {
            let options = Options {
                advice: true,
                style,
                ..Options::default()
            };
            let done = fix::fix(file, project, &options);
            fixed = Made {
                after: done.after,
                by_fix: true,
                left: done.left,
            };
        }
        let wish = |unit: &Unit| match self.command.is_started_by(unit) {
            true => self.setting.lacking(unit),
            false => Vec::new(),
        };
        let set = fix::set(&fixed.after, project, style, &wish);
        fixed.by_fix &= set.after.bytes == fixed.after.bytes;
        fixed.after = set.after;
        fixed.left.extend(set.left);
        fixed
    }

    fn lacks_jemalloc(&self, file: &Arc<SourceFile>, style: Style, project: &Project<'_>) -> bool {
        let units = check::examine(file, project, style).units;
        self.started(&units).any(|(_, unit)| !loads_jemalloc(unit))
    }

    fn tell(
        &self,
        said: &[Said],
        mut out: Option<&mut dyn io::Write>,
        err: &mut dyn io::Write,
    ) -> io::Result<()> {
        let (command, setting) = (self.command.shown(), self.setting.shown());
        if said.is_empty() {
            return writeln!(
                err,
                "malloclint: no Dockerfile, Compose file or manifest here starts `{command}`: put the recommended lines into the one that does"
            );
        }
        for one in said {
            match one {
                Said::Change(changed) => {
                    let out = out.as_mut().map(|out| &mut **out as &mut dyn io::Write);
                    changed.tell(&setting, out, err)?;
                }
                Said::Has(path) => writeln!(err, "malloclint: {path} has {setting} already")?,
                Said::Elsewhere => {}
                Said::Lacks(path, why) => {
                    let why = why.as_ref().map(|why| format!("{why}; "));
                    writeln!(
                        err,
                        "malloclint: {path} starts `{command}`, and is left as it is: {}put the recommended lines in by hand",
                        why.unwrap_or_default()
                    )?;
                }
            }
        }
        Ok(())
    }
}

impl Changed {
    fn tell(
        &self,
        setting: &str,
        out: Option<&mut dyn io::Write>,
        err: &mut dyn io::Write,
    ) -> io::Result<()> {
        let path = &self.before.path;
        match self.by_fix {
            true => {
                let quoted = shlex::try_quote(path).unwrap_or_else(|_| path.into());
                let order = format!("malloclint fix --advice {quoted}");
                writeln!(err, "malloclint: `{order}` would make this change:")?;
            }
            false => writeln!(err, "malloclint: this change sets {setting} in {path}:")?,
        }
        let Some(out) = out else {
            return diff::write(&self.before, &self.after, err);
        };
        // On a terminal the line stands above its diff.
        err.flush()?;
        writeln!(out)?;
        diff::write(&self.before, &self.after, out)?;
        out.flush()
    }
}

/// Why a unit does not come to have the setting, where that is known.
fn why(index: usize, unit: &Unit, left: &[Left], judged: Option<&Judged>) -> Option<String> {
    if let Role::Shown(why) | Role::Build(why) = &unit.role {
        return Some(format!("it is not for production: {why}"));
    }
    let of_unit = |left: &&Left| left.finding.unit == index;
    let of_unit: Vec<&Left> = left.iter().filter(of_unit).collect();
    if let Some(left) = of_unit.iter().find(|left| brings(&left.finding)) {
        return Some(left.reason.clone());
    }
    let lacks = |left: &&&Left| left.finding.subject == Subject::Image;
    if let Some(left) = of_unit.iter().find(lacks) {
        // Nothing is offered where too little is known.
        return Some(left.finding.doubt.as_ref().unwrap_or(&left.reason).clone());
    }
    let told = |judged: &&Judged| !matches!(judged.verdict, Verdict::Findings | Verdict::Advice);
    judged.filter(told).map(|judged| judged.reason.clone())
}

/// Whether what a finding asks for would have given its unit the setting.
fn brings(finding: &Finding) -> bool {
    let changes = finding.remedy.iter().flat_map(|remedy| &remedy.changes);
    let brings = |change: &Change| matches!(change, Change::Preload(_) | Change::Tune);
    finding.rule == WISH || changes.into_iter().any(brings)
}
