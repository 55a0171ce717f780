//! `malloclint image`: built images.

pub(super) mod access;
pub(super) mod list;
mod patch;

use std::fs;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use super::interrupted;
use super::progress::Progress;
use super::wanted::Wanted;
use super::{Status, check, outputs, trouble};
use crate::check::{Checked, images};
use crate::cli::Colour;
use crate::cli::image::{Image, ImageCheck};
use crate::image::{Access, Sources};
use crate::project::{Failure, Wishes as _};
use crate::report::{self, Run, harmless};
use list::Wish;

pub(super) fn run(
    command: &Image,
    colour: Colour,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    match command {
        Image::Check(arguments) => check_all(arguments, colour, out, err),
        Image::Patch(arguments) => patch::run(arguments, out, err),
    }
}

fn check_all(
    arguments: &ImageCheck,
    colour: Colour,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let wanted = match Wanted::of(&arguments.rules.selection(), &[]) {
        Ok(wanted) => wanted,
        Err(why) => return trouble(&why, err),
    };
    let wishes = match list::wishes(&arguments.images, arguments.from.as_deref()) {
        Ok(wishes) if wishes.is_empty() => return trouble("the list names no image", err),
        Ok(wishes) => wishes,
        Err(why) => return trouble(&why, err),
    };
    // Where there is no room for it, nothing is kept.
    let passing = TempDir::with_prefix("malloclint-").ok();
    let folder = passing.as_ref().map(|folder| folder.path().to_owned());
    if let Some(folder) = folder.clone() {
        interrupted::first(move || drop(fs::remove_dir_all(folder)));
    }
    let look = Look {
        wanted: &wanted,
        access: Access {
            passing: folder,
            ..access::access(&arguments.fetch.registry, arguments.fetch.cache.clone())
        },
        platforms: &arguments.platform,
        jobs: arguments.fetch.jobs.into(),
        quiet: arguments.quiet,
    };
    let mut run = look.at(&wishes, err)?;
    run.show = arguments.show;
    run.narrowed = arguments.rules.narrows();
    let outputs = outputs::or_usual(&arguments.formats, false);
    let style = check::style_of_report(colour);
    let written = outputs::all(&run, &outputs, false, style, out, err)?;
    let mut findings = run.findings.iter();
    let fails = findings.any(|finding| wanted.fails(arguments.fail_on, finding));
    Ok(match (run.failures.is_empty() && written, fails) {
        (false, _) => Status::Trouble,
        (true, true) => Status::Findings,
        (true, false) => Status::Clean,
    })
}

/// What came of an image that was asked for.
#[derive(Default)]
struct Seen {
    /// What is there and is no image.
    others: Vec<String>,
    /// What each of its platforms is called, and what was found there.
    images: Vec<(String, Checked)>,
    /// Why not all of it was looked at.
    failure: Option<String>,
}

/// How images are looked at.
pub(super) struct Look<'a> {
    pub(super) wanted: &'a Wanted,
    pub(super) access: Access,
    /// Only these; all where none is named.
    pub(super) platforms: &'a [String],
    /// So many at the same time.
    pub(super) jobs: usize,
    /// Whether only what went wrong is told.
    pub(super) quiet: bool,
}

impl Look<'_> {
    /// Looks at all of them, and tells what is to be known at once.
    ///
    /// # Errors
    /// Where nobody listens.
    pub(super) fn at(&self, wishes: &[Wish], err: &mut dyn io::Write) -> io::Result<Run> {
        let mut run = Run {
            of_images: true,
            ..Run::default()
        };
        for (wish, seen) in wishes.iter().zip(self.all(wishes)) {
            tell(wish, seen, &mut run, self.quiet, err)?;
        }
        Ok(run)
    }

    /// Several at a time, in their order.
    fn all(&self, wishes: &[Wish]) -> Vec<Seen> {
        let sources = Sources::new(self.access.clone());
        let progress = Progress::of("images", Instant::now(), wishes.len(), self.quiet);
        let next = AtomicUsize::new(0);
        let seen: Vec<Mutex<Seen>> = wishes.iter().map(|_| Mutex::default()).collect();
        let work = || {
            while let Some((wish, place)) =
                pair(wishes, &seen, next.fetch_add(1, Ordering::Relaxed))
            {
                let mut found = Seen::default();
                found.failure = self.one(wish, &sources, &mut found).err();
                if let Ok(mut place) = place.lock() {
                    *place = found;
                }
                progress.step();
            }
        };
        thread::scope(|scope| {
            for _ in 1..self.jobs.min(wishes.len()) {
                scope.spawn(work);
            }
            work();
        });
        let seen = seen.into_iter().map(|seen| seen.into_inner());
        seen.map(Result::unwrap_or_default).collect()
    }

    /// All images behind a reference.
    fn one(&self, wish: &Wish, sources: &Sources, seen: &mut Seen) -> Result<(), String> {
        let reference = wish.reference.as_ref().map_err(Clone::clone)?;
        let found = sources
            .find(reference, self.platforms)
            .map_err(|why| why.to_string())?;
        seen.others.clone_from(&found.images.others);
        let (images, unwanted) = (&found.images.images, &found.images.unwanted);
        if let Some(why) = found.images.why_none() {
            return Err(why);
        }
        let several = images.len() + unwanted.len() > 1;
        for image in images {
            let shown = match several {
                true => format!("{} ({})", wish.text, image.platform),
                false => wish.text.clone(),
            };
            let read = found.read(image, &shown).map_err(|why| why.to_string())?;
            let checked = images::examine(&read, &self.wanted.policy(&shown));
            seen.images.push((shown, checked));
        }
        Ok(())
    }
}

fn pair<'a>(
    wishes: &'a [Wish],
    seen: &'a [Mutex<Seen>],
    number: usize,
) -> Option<(&'a Wish, &'a Mutex<Seen>)> {
    Some((wishes.get(number)?, seen.get(number)?))
}

/// Takes what came of an image into the run, and tells what is to be known at once.
fn tell(
    wish: &Wish,
    seen: Seen,
    run: &mut Run,
    quiet: bool,
    err: &mut dyn io::Write,
) -> io::Result<()> {
    let name = harmless(&wish.text);
    for other in seen.others.iter().filter(|_| !quiet) {
        writeln!(
            err,
            "malloclint: {name}: {} is no image, and not checked",
            harmless(other)
        )?;
    }
    for (shown, checked) in seen.images {
        run.files += 1;
        run.looked_at.push((shown, None));
        run.units.extend(checked.units);
        let findings = checked.findings.into_iter().map(report::without);
        run.findings.extend(findings);
    }
    if let Some(reason) = seen.failure {
        writeln!(err, "malloclint: {name}: {}", harmless(&reason))?;
        let path = wish.text.clone();
        run.failures.push(Failure { path, reason });
    }
    Ok(())
}
