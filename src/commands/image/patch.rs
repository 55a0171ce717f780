//! `malloclint image patch`: jemalloc into a built image.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::access;
use crate::cli::image::ImagePatch;
use crate::commands::progress::Progress;
use crate::commands::{Status, interrupted, trouble};
use crate::image::{Access, Reference, Sources};
use crate::patch::{self, Apt, Destination, Open, Patched, Plan, Supplied, Wish};
use crate::report::harmless;
use crate::templates::Style;

pub(super) fn run(
    arguments: &ImagePatch,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Status> {
    match patched(arguments, out, err) {
        Ok(written) => written.map(|()| Status::Clean),
        Err(why) => trouble(&why, err),
    }
}

/// Does it. Why it cannot be done is for people.
fn patched(
    arguments: &ImagePatch,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<io::Result<()>, String> {
    let reference = Reference::parse(&arguments.image)?;
    let libraries = libraries(arguments)?;
    let epoch = epoch(std::env::var("SOURCE_DATE_EPOCH").ok().as_deref())?;
    let destination = arguments.output.as_deref().map(Destination::parse);
    let destination = destination.transpose()?;
    let is_same = is_its_own(destination.as_ref(), &reference);
    let passing = TempDir::with_prefix("malloclint-").ok();
    let access = Access {
        passing: passing.as_ref().map(|folder| folder.path().to_owned()),
        ..access::access(&arguments.registry, arguments.cache.clone())
    };
    let apt = Apt::new(access.clone(), now());
    let sources = Sources::new(access);
    let to = destination.filter(|_| !arguments.dry_run);
    let to = to.map(|to| to.open(&sources, &reference)).transpose();
    let to = to.map_err(|why| why.to_string())?;
    leave_nothing(passing.as_ref().map(TempDir::path), to.as_ref());
    let named = |why: &dyn std::fmt::Display| format!("{}: {why}", arguments.image);
    let found = sources.find(&reference, &arguments.platform);
    let found = found.map_err(|why| named(&why))?;
    // Of an index nobody is to lose the other platforms.
    if is_same && !found.images.unwanted.is_empty() {
        return Err(named(
            &"the other platforms would be gone from this tag: name another one, or leave out `--platform`",
        ));
    }
    let name = reference.everywhere();
    let wish = Wish {
        libraries: &libraries,
        apt: &apt,
        style: Style {
            goal: arguments.goal,
            thread_hook: arguments.thread_hook,
            ..Style::default()
        },
        unsafe_too: arguments.unsafe_too,
        epoch,
        name: name.as_deref(),
        chosen: !arguments.platform.is_empty(),
    };
    let plan = patch::plan(&found, &arguments.image, &wish).map_err(|why| named(&why))?;
    if let Some(to) = to {
        let parts = plan.tree.made.len() + plan.tree.kept.len();
        let progress = Progress::of("parts", Instant::now(), parts, arguments.quiet);
        to.write(&plan, &|| progress.step())
            .map_err(|why| why.to_string())?;
    }
    let told = match arguments.dry_run {
        true => show(&plan, out),
        false => writeln!(out, "{}", plan.tree.root.blob.digest),
    };
    Ok(told.and_then(|()| match arguments.quiet {
        true => Ok(()),
        false => tell(&plan, &arguments.image, err),
    }))
}

/// Whether an image of a registry goes to its own tag.
fn is_its_own(destination: Option<&Destination>, reference: &Reference) -> bool {
    match (destination, reference) {
        (Some(Destination::Registry(to)), Reference::Registry(of)) => to == of,
        _ => false,
    }
}

/// All that are named: of several that an image can load the first is taken.
fn libraries(arguments: &ImagePatch) -> Result<Vec<Supplied>, String> {
    let mut libraries = Vec::new();
    for path in &arguments.deb {
        libraries.extend(Supplied::of_packages(path)?);
    }
    for path in &arguments.library {
        libraries.push(Supplied::read(path)?);
    }
    Ok(libraries)
}

/// Whoever ends the program finds nothing that it had not finished.
fn leave_nothing(passing: Option<&Path>, to: Option<&Open>) {
    let unfinished = to.and_then(Open::unfinished);
    let folders: Vec<PathBuf> = passing
        .into_iter()
        .chain(unfinished)
        .map(Path::to_owned)
        .collect();
    interrupted::first(move || {
        for folder in folders {
            drop(fs::remove_dir_all(folder));
        }
    });
}

/// The time on this machine, in seconds since 1970: what expires does so whatever builds are to believe.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// The time that builds are to believe in (reproducible-builds.org), in seconds since 1970.
fn epoch(told: Option<&str>) -> Result<Option<u64>, String> {
    let Some(told) = told.filter(|told| !told.is_empty()) else {
        return Ok(None);
    };
    /// The last second that the header of an archive and RFC 3339 both can name.
    const LAST: u64 = 8_589_934_591;
    let seconds = told.trim().parse().ok();
    match seconds.filter(|seconds| *seconds <= LAST) {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(format!(
            "`SOURCE_DATE_EPOCH={told}` is no number of seconds since 1970"
        )),
    }
}

/// What would be written.
fn show(plan: &Plan<'_>, out: &mut dyn Write) -> io::Result<()> {
    for image in &plan.images {
        show_image(image, out)?;
    }
    for platform in &plan.unchanged {
        writeln!(out, "{}: nothing to change", harmless(platform))?;
    }
    let kept: u64 = plan.tree.kept.iter().map(|blob| blob.size).sum();
    let made: usize = plan.tree.made.values().map(Vec::len).sum();
    writeln!(
        out,
        "{} ({made} new bytes, {kept} as they are)",
        plan.tree.root.blob.digest
    )
}

fn show_image(image: &Patched, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{} ({})", harmless(&image.platform), image.base)?;
    if let Some(layer) = &image.layer {
        for file in &layer.files {
            let (path, size) = (harmless(&file.path), file.bytes.len());
            writeln!(out, "  + /{path} ({size} bytes)")?;
        }
        let (blob, kind) = (&layer.blob, &layer.kind);
        writeln!(
            out,
            "  + layer {} ({} bytes, {})",
            blob.digest,
            blob.size,
            harmless(kind)
        )?;
    }
    for variable in &image.variables {
        if let Some(before) = &variable.before {
            writeln!(out, "  - {}={}", variable.name, harmless(before))?;
        }
        writeln!(out, "  + {}={}", variable.name, harmless(&variable.value))?;
    }
    Ok(())
}

/// What is to be known at once.
fn tell(plan: &Plan<'_>, shown: &str, err: &mut dyn Write) -> io::Result<()> {
    let shown = harmless(shown);
    let mut note = |text: &str| writeln!(err, "malloclint: {shown}: {}", harmless(text));
    for image in &plan.images {
        for text in &image.notes {
            note(&format!("{}: {text}", image.platform))?;
        }
    }
    for platform in &plan.unchanged {
        note(&format!(
            "{platform}: nothing to change, its Python runs on jemalloc with settings"
        ))?;
    }
    for text in &plan.tree.dropped {
        note(text)?;
    }
    if !plan.images.is_empty() {
        note("signatures of it do not hold for the patched image: sign that")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_of_seconds() {
        assert_eq!(epoch(None), Ok(None));
        assert_eq!(epoch(Some("")), Ok(None));
        assert_eq!(epoch(Some("1700000000")), Ok(Some(1_700_000_000)));
        assert!(epoch(Some("-1")).is_err() && epoch(Some("99999999999")).is_err());
    }
}
