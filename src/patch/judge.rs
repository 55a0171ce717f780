//! What an image needs so that its Python runs on jemalloc, held against the rules before anything is written.

use std::collections::BTreeSet;

use super::edit::{self, Base, Change};
use super::json::Object;
use super::layer::{File, Layer};
use super::library::choose;
use super::{Patched, Wish, hook};
use crate::check::images::{self, Variable};
use crate::facts::Family;
use crate::finding::{Finding, Severity};
use crate::image::{Blob, Digest, Read, Refused};
use crate::model::{self, Found, Fragile, Unit, finds};

/// An image as it is stored: the manifest, the configuration that it names, and what names the manifest.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'a> {
    pub(super) manifest: &'a str,
    pub(super) config: &'a str,
    pub(super) digest: &'a Digest,
}

/// The image with what it needs; nothing where it needs nothing.
///
/// # Errors
/// Where it cannot or must not be done; the reason says what to do.
pub(super) fn patched(
    image: &Read<'_>,
    platform: &str,
    text: Text<'_>,
    wish: &Wish<'_>,
) -> Result<Option<Patched>, Refused> {
    let unit = started(image)?;
    if let Some(why) = against(image, &unit) {
        return Err(Refused::new(why));
    }
    let changes = needed(&unit, wish);
    let hook = match wish.style.thread_hook {
        true => hook::files(image)?,
        false => Vec::new(),
    };
    if changes.is_empty() && hook.is_empty() {
        return Ok(None);
    }
    let mut notes = Vec::new();
    let mut files = files(image, &unit, platform, wish, &mut notes)?;
    files.extend(hook);
    let layer = match files.is_empty() {
        true => None,
        false => Some(layer(image, text, files, wish)?),
    };
    let variables = variables(image, text, layer.as_ref(), &changes, wish)?;
    let config = changed(text, &variables, layer.as_ref(), wish)?;
    let after = image.with(layer.as_ref().map(Layer::added), config.as_bytes())?;
    notes.extend(proved(image, &after, wish)?);
    let base = Base {
        digest: text.digest,
        name: wish.name,
    };
    let named = Blob::of(config.as_bytes());
    let manifest = edit::manifest(text.manifest, &named, layer.as_ref(), base);
    Ok(Some(Patched {
        platform: platform.to_owned(),
        base: text.digest.clone(),
        manifest: manifest.map_err(|error| misread(&error))?.into_bytes(),
        config: config.into_bytes(),
        variables,
        layer,
        notes,
    }))
}

fn misread(error: &serde_json::Error) -> Refused {
    Refused::new(format!(
        "its configuration or manifest is not what it must be: {error}"
    ))
}

/// The environment in which it starts.
fn started(image: &Read<'_>) -> Result<Unit, Refused> {
    let unit = images::unit(image);
    unit.ok_or_else(|| Refused::new("what starts in it cannot be told".into()))
}

/// Why jemalloc is of no use in an image, whatever library is brought.
fn against(image: &Read<'_>, unit: &Unit) -> Option<String> {
    let built = &image.built;
    if built.windows {
        return Some("it is an image of Windows, where nothing is preloaded: choose others with `--platform linux/…`".into());
    }
    match built.python {
        None => {
            return Some("no Python is in it: malloclint brings jemalloc to images that run Python, for which its settings were measured".into());
        }
        Some(python) if python.pypy => {
            return Some(
                "its Python is PyPy, whose objects do not come from malloc: it would gain nothing"
                    .into(),
            );
        }
        Some(_) => {}
    }
    if built.arch.is_none() {
        return Some(
            "its architecture is not one that is known: bring jemalloc with its Dockerfile".into(),
        );
    }
    let (family, _) = unit
        .replacement()
        .filter(|(family, _)| *family != Family::Jemalloc)?;
    Some(format!(
        "{family} is loaded in it already: take that out first, where jemalloc is wanted in its place"
    ))
}

/// What must become true of it.
fn needed(unit: &Unit, wish: &Wish<'_>) -> Vec<model::Change> {
    let mut changes = Vec::new();
    if unit.replacement().is_none() {
        changes.push(model::Change::Preload(Family::Jemalloc));
    }
    if unit.env.get("MALLOC_CONF").is_none() {
        changes.push(model::Change::Tune);
    }
    if wish.style.thread_hook && !unit.runs_thread() {
        changes.push(model::Change::RunThread);
    }
    changes
}

/// Whether the loader finds a jemalloc in it, or it runs on one.
fn has_library(unit: &Unit) -> bool {
    let jemallocs = unit.libraries.iter();
    let mut jemallocs = jemallocs.filter(|library| library.family == Family::Jemalloc);
    unit.replacement().is_some() || jemallocs.any(|library| finds(unit, library.path.file_name()))
}

/// The library, where it has none: one that is named, or that of the image's own apt.
fn files(
    image: &Read<'_>,
    unit: &Unit,
    platform: &str,
    wish: &Wish<'_>,
    notes: &mut Vec<String>,
) -> Result<Vec<File>, Refused> {
    match wish.libraries {
        _ if has_library(unit) => Ok(Vec::new()),
        [] => {
            let fetched = wish.apt.library(image)?;
            notes.extend(fetched.notes);
            choose(&[fetched.library], image, platform)?.files(image)
        }
        named => choose(named, image, platform)?.files(image),
    }
}

/// The layer that brings them.
fn layer(
    image: &Read<'_>,
    text: Text<'_>,
    files: Vec<File>,
    wish: &Wish<'_>,
) -> Result<Layer, Refused> {
    let folders = missing(&files, image);
    let like = like(text.manifest).map_err(|error| misread(&error))?;
    let time = wish.epoch.or_else(|| edit::created(text.config));
    Layer::of(files, &folders, like.as_deref(), time.unwrap_or(0))
        .map_err(|error| Refused::new(format!("the new layer: {error}")))
}

/// The folders that files need and that an image does not have.
fn missing(files: &[File], image: &Read<'_>) -> BTreeSet<String> {
    let above = files.iter().flat_map(|file| {
        let slashes = file.path.match_indices('/');
        slashes.filter_map(|(at, _)| file.path.get(..at))
    });
    let new = above.filter(|folder| !image.has_folder(folder));
    new.map(str::to_owned).collect()
}

/// The type of the uppermost layer.
fn like(manifest: &str) -> Result<Option<String>, serde_json::Error> {
    let layers = Object::read(manifest)?.list("layers")?;
    let last = layers.0.last().map(|layer| Object::read(layer));
    Ok(last.transpose()?.and_then(|layer| layer.text("mediaType")))
}

fn changed(
    text: Text<'_>,
    variables: &[Variable],
    layer: Option<&Layer>,
    wish: &Wish<'_>,
) -> Result<String, Refused> {
    let change = Change {
        variables,
        layer,
        epoch: wish.epoch,
    };
    edit::config(text.config, change).map_err(|error| misread(&error))
}

/// The variables that are set, with the values that `fix` would give them in a Dockerfile.
fn variables(
    image: &Read<'_>,
    text: Text<'_>,
    layer: Option<&Layer>,
    changes: &[model::Change],
    wish: &Wish<'_>,
) -> Result<Vec<Variable>, Refused> {
    let config = changed(text, &[], layer, wish)?;
    let with_library = image.with(layer.map(Layer::added), config.as_bytes())?;
    images::settings(&with_library, changes, wish.style).map_err(|why| {
        Refused::new(format!(
            "{why}: set its variables in a Dockerfile that starts from it"
        ))
    })
}

/// Holds the image as it will be against the rules: jemalloc is loaded, and nothing is worse than before. What is to be known is given back.
fn proved(before: &Read<'_>, after: &Read<'_>, wish: &Wish<'_>) -> Result<Vec<String>, Refused> {
    if let Some(why) = lacking(before, after) {
        return Err(Refused::new(why));
    }
    let unit = started(after)?;
    let loaded = unit.replacement().map(|(family, _)| family);
    if loaded != Some(Family::Jemalloc) {
        return Err(Refused::new(unloaded(&unit)));
    }
    let newly = started(before)?.replacement().is_none();
    let broken = unit.endangered_by_preload().filter(|_| newly);
    let worse = images::worse(before, after);
    let (bad, mild): (Vec<&Finding>, Vec<&Finding>) = worse
        .iter()
        .partition(|finding| finding.harm || finding.severity == Severity::Error);
    let told = |finding: &&Finding| format!("{}: {}", finding.rule, finding.message);
    // A rule says the same of a program that surely breaks.
    let bad = bad
        .into_iter()
        .filter(|finding| finding.rule != "preload-breaks-program");
    let harm: Vec<String> = broken
        .map(endangered)
        .chain(bad.map(|finding| told(&finding)))
        .collect();
    match harm.first() {
        Some(why) if !wish.unsafe_too => Err(Refused::new(format!(
            "{why} (`--unsafe` does it all the same)"
        ))),
        _ => Ok(harm.into_iter().chain(mild.iter().map(told)).collect()),
    }
}

/// What the new library needs and the image does not have: no program would start.
fn lacking(before: &Read<'_>, after: &Read<'_>) -> Option<String> {
    let new = after.built.lacks.iter();
    let new: Vec<&str> = new
        .filter(|name| !before.built.lacks.contains(name))
        .map(String::as_str)
        .collect();
    (!new.is_empty()).then(|| {
        format!(
            "the image lacks {}, which the library needs: take one that was built without C++ (`--disable-cxx`)",
            new.join(" and ")
        )
    })
}

/// What a program suffers that does not live with a preload, and what to do.
fn endangered(fragile: &Fragile) -> String {
    let program = fragile.program;
    let is_there = match fragile.found {
        _ if Unit::is_uncertain(fragile) => "is in it, in a version that is not known",
        Found::Named => "may be in it",
        Found::Installed | Found::Started => "is in it",
    };
    format!(
        "{} {is_there}, and {}: {}",
        program.name, program.what, program.help
    )
}

/// Why jemalloc would not be loaded.
fn unloaded(unit: &Unit) -> String {
    let mut preloads = unit.preloads.iter();
    let own = preloads.find(|preload| preload.family == Some(Family::Jemalloc));
    match own {
        Some(preload) => format!(
            "`{}` would not be loaded there: {}",
            preload.name,
            preload.outcome.word()
        ),
        None => "its start replaces `LD_PRELOAD`: set it in the start script".to_owned(),
    }
}
