//! From a file to a configuration, or to what is wrong with it.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Config, ConfigError, Image, Stage};
use crate::disk::Roots;
use crate::image::{Reference, Sources};
use crate::text::near;

#[derive(Debug, Default, Deserialize)]
struct PyProject {
    tool: Option<Tool>,
}

#[derive(Debug, Deserialize)]
struct Tool {
    malloclint: Option<Config>,
}

/// The names of files that hold nothing else.
const OWN: [&str; 2] = ["malloclint.toml", ".malloclint.toml"];

/// What the folder itself says.
pub(super) fn in_it(folder: &Path, roots: &Roots) -> Result<Option<Config>, ConfigError> {
    // What a link brings in from elsewhere is not the project's.
    let leads_out = |path: &Path| path.is_symlink() && roots.shut_out(path);
    let text_in = |path: &Path| match leads_out(path) {
        true => Err(wrong(
            path,
            "it is a link that leads out of the project, and is not read".into(),
        )),
        false => text(path),
    };
    let shared = folder.join("pyproject.toml");
    // Whether one of those has a table for us nobody knows: mostly it has none.
    let shared_text = || match leads_out(&shared) {
        true => Ok(None),
        false => text(&shared),
    };
    for name in OWN {
        let own = folder.join(name);
        let Some(own_text) = text_in(&own)? else {
            continue;
        };
        // One of two would be without effect.
        let others = OWN.iter().filter(|other| **other != name);
        let mut others = others.filter(|other| folder.join(other).exists());
        if let Some(other) = others.next() {
            return Err(wrong(
                &own,
                format!("`{other}` stands beside it: keep one of them"),
            ));
        }
        if shared_text()?.is_some_and(|text| has_table(&text)) {
            let reason =
                "`pyproject.toml` beside it has `[tool.malloclint]`, too: keep one of them";
            return Err(wrong(&own, reason.into()));
        }
        return placed(parse(&own, &own_text)?, &own, Some(roots)).map(Some);
    }
    match shared_text()? {
        Some(text) => self::shared(&shared, &text, Some(roots)),
        None => Ok(None),
    }
}

/// Whether a file that others use, too, holds a configuration of ours.
fn has_table(text: &str) -> bool {
    let table = || toml_edit::Document::parse(text).ok();
    let table = text.contains("malloclint").then(table).flatten();
    table.is_some_and(|table| {
        let tool = table.as_item().get("tool");
        tool.is_some_and(|tool| tool.get("malloclint").is_some())
    })
}

/// The configuration in a file that was named.
pub(super) fn file(path: &Path) -> Result<Config, ConfigError> {
    let path = &path
        .canonicalize()
        .map_err(|error| wrong(path, error.to_string()))?;
    if path
        .file_name()
        .is_some_and(|name| name == "pyproject.toml")
    {
        let text = text(path)?.unwrap_or_default();
        let found = shared(path, &text, None)?;
        return found.ok_or_else(|| wrong(path, "it has no `[tool.malloclint]`".into()));
    }
    let text = text(path)?.unwrap_or_default();
    placed(parse(path, &text)?, path, None)
}

/// What is wrong with a configuration of that name and text, if anything is. Files that it names are not looked for.
#[must_use]
pub fn wrong_in(name: &str, text: &str) -> Option<String> {
    let path = Path::new(name);
    let read = if name == "pyproject.toml" {
        parse::<PyProject>(path, text).err()
    } else {
        parse::<Config>(path, text).err()
    };
    read.map(|error| error.to_string())
}

fn shared(path: &Path, text: &str, roots: Option<&Roots>) -> Result<Option<Config>, ConfigError> {
    if !text.contains("malloclint") {
        return Ok(None);
    }
    let project: PyProject = parse(path, text)?;
    let config = project.tool.and_then(|tool| tool.malloclint);
    config.map(|config| placed(config, path, roots)).transpose()
}

/// The configuration with the Dockerfiles of its images where they lie: below the roots, where it is not one that the
/// user names.
fn placed(mut config: Config, path: &Path, roots: Option<&Roots>) -> Result<Config, ConfigError> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    stored(&mut config, path, folder, roots)?;
    for (image, source) in &mut config.images {
        let (Image::Whole(file)
        | Image::Stage(Stage {
            dockerfile: file, ..
        })) = source;
        let whole = folder.join(&*file);
        if roots.is_some_and(|roots| roots.shut_out(&whole)) {
            let reason = format!(
                "`images`: `{file}` lies outside of the project (`--root` names another folder)"
            );
            return Err(wrong(path, reason));
        }
        if !whole.is_file() {
            let reason = format!("`images`: there is no file `{file}` to build `{image}` from");
            return Err(wrong(path, reason));
        }
        *file = whole.to_string_lossy().into_owned();
    }
    config.file = Some(path.to_owned());
    Ok(config)
}

/// Takes out those of its images that are stored as they were built; what is not there is told at once.
fn stored(
    config: &mut Config,
    path: &Path,
    folder: &Path,
    roots: Option<&Roots>,
) -> Result<(), ConfigError> {
    let is_stored =
        |source: &Image| matches!(source, Image::Whole(text) if Reference::is_stored(text));
    let names: Vec<String> = config
        .images
        .iter()
        .filter(|(_, source)| is_stored(source))
        .map(|(name, _)| name.clone())
        .collect();
    for name in names {
        let Some(Image::Whole(text)) = config.images.remove(&name) else {
            continue;
        };
        let wrong = |why: String| wrong(path, format!("`images`: `{text}`: {why}"));
        let reference = Reference::parse(&text).map_err(wrong)?.below(folder);
        if reference
            .path()
            .is_some_and(|lies| roots.is_some_and(|roots| roots.shut_out(lies)))
        {
            return Err(wrong(
                "it lies outside of the project (`--root` names another folder)".into(),
            ));
        }
        Sources::default()
            .find(&reference, &[])
            .map_err(|why| wrong(why.to_string()))?;
        config.built.insert(name, reference);
    }
    Ok(())
}

/// A configuration is no larger, in bytes.
const LARGEST: u64 = 1 << 20;

fn text(path: &Path) -> Result<Option<String>, ConfigError> {
    if let Ok(meta) = std::fs::metadata(path) {
        if !meta.is_file() {
            return Err(wrong(path, "it is no file".into()));
        }
        if meta.len() > LARGEST {
            return Err(wrong(
                path,
                format!("it is larger than {} MiB", LARGEST >> 20),
            ));
        }
    }
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(wrong(path, error.to_string())),
    }
}

fn parse<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, ConfigError> {
    toml_edit::de::from_str(text).map_err(|error| {
        let place = error.span().map_or_else(String::new, |span| {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            let column = before
                .rsplit('\n')
                .next()
                .map_or(0, |line| line.chars().count())
                + 1;
            format!("line {line}, column {column}: ")
        });
        wrong(path, place + &said(error.message()))
    })
}

/// What is wrong, in our words where the parser's help nobody on.
fn said(message: &str) -> String {
    let message = message.trim_end();
    let (rest, what) = match (
        message.strip_prefix("unknown field `"),
        message.strip_prefix("unknown variant `"),
    ) {
        (Some(rest), _) => (rest, "there is no key"),
        (_, Some(rest)) => (rest, "there is no value"),
        _ => return message.replace('\n', ": "),
    };
    let mut words = rest.split('`');
    let written = words.next().unwrap_or_default();
    if written == "tool" {
        return "`[tool.malloclint]` is for `pyproject.toml`: here the keys stand at the top"
            .into();
    }
    if written == "prefork-hook" {
        return "`prefork-hook` is called `thread-hook` now".into();
    }
    let known: Vec<&str> = words.skip(1).step_by(2).collect();
    let nearest = known.iter().map(|name| (near::slips(name, written), *name));
    match nearest.min().filter(|(edits, _)| *edits <= 3) {
        Some((_, near)) => format!("{what} `{written}`: did you mean `{near}`?"),
        None => format!("{what} `{written}`: there are {}", known.join(", ")),
    }
}

fn wrong(path: &Path, reason: String) -> ConfigError {
    ConfigError {
        path: path.display().to_string(),
        reason,
    }
}
