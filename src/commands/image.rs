//! `malloclint image check`: built images.

use std::io;

use super::wanted::Wanted;
use super::{Status, check, outputs, trouble};
use crate::check::images;
use crate::cli::Colour;
use crate::cli::image::{Image, ImageCheck};
use crate::image::{self, Reference};
use crate::project::{Failure, Wishes as _};
use crate::report::{self, Run, harmless};

pub(super) fn run(
    command: &Image,
    colour: Colour,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    match command {
        Image::Check(arguments) => check_all(arguments, colour, out, err),
    }
}

fn check_all(
    arguments: &ImageCheck,
    colour: Colour,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let wanted = match Wanted::of(&arguments.selection, &[]) {
        Ok(wanted) => wanted,
        Err(why) => return trouble(&why, err),
    };
    let mut run = Run::default();
    for text in &arguments.images {
        if let Err(reason) = one(text, arguments, &wanted, &mut run, err)? {
            let path = text.clone();
            writeln!(
                err,
                "malloclint: {}: {}",
                harmless(&path),
                harmless(&reason)
            )?;
            run.failures.push(Failure { path, reason });
        }
    }
    run.show = arguments.show;
    run.narrowed = !arguments.selection.select.is_empty()
        || !arguments.selection.ignore.is_empty()
        || arguments.selection.min_confidence.is_some();
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

/// Looks at all images behind a reference; why it could not be done stands inside.
fn one(
    text: &str,
    arguments: &ImageCheck,
    wanted: &Wanted,
    run: &mut Run,
    err: &mut dyn io::Write,
) -> io::Result<Result<(), String>> {
    let found = match Reference::parse(text).and_then(|reference| {
        image::find(&reference, &arguments.platform).map_err(|why| why.to_string())
    }) {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    if !arguments.quiet {
        for other in &found.images.others {
            let other = harmless(other);
            writeln!(
                err,
                "malloclint: {}: {other} is no image, and not checked",
                harmless(text)
            )?;
        }
    }
    let (images, unwanted) = (&found.images.images, &found.images.unwanted);
    if images.is_empty() {
        let there: Vec<String> = unwanted.iter().map(ToString::to_string).collect();
        return Ok(Err(match there.is_empty() {
            true => "no image is stored there".to_owned(),
            false => format!(
                "no image there is for that platform (there are: {})",
                there.join(", ")
            ),
        }));
    }
    let several = images.len() + unwanted.len() > 1;
    for image in images {
        let shown = match several {
            true => format!("{text} ({})", image.platform),
            false => text.to_owned(),
        };
        let read = match found.read(image, &shown) {
            Ok(read) => read,
            Err(why) => return Ok(Err(why.to_string())),
        };
        let checked = images::examine(&read, &wanted.policy(&shown));
        run.files += 1;
        run.looked_at.push((shown, None));
        run.units.extend(checked.units);
        run.findings
            .extend(checked.findings.into_iter().map(report::without));
    }
    Ok(Ok(()))
}
