//! Which images are asked for: those of the command line, and those of a list.

use std::collections::HashSet;
use std::io::{self, Read as _};
use std::path::Path;

use crate::disk;
use crate::image::Reference;

/// No list has more bytes.
const LARGEST: u64 = 64 << 20;

/// An image that is asked for.
#[derive(Debug)]
pub(in crate::commands) struct Wish {
    /// As it is written.
    pub(in crate::commands) text: String,
    /// Why it is none stands inside.
    pub(in crate::commands) reference: Result<Reference, String>,
}

/// All of them, each once.
///
/// # Errors
/// Where the list cannot be read.
pub(in crate::commands) fn wishes(
    named: &[String],
    list: Option<&Path>,
) -> Result<Vec<Wish>, String> {
    let mut wishes: Vec<Wish> = named
        .iter()
        .map(|text| Wish {
            text: text.clone(),
            reference: Reference::parse(text),
        })
        .collect();
    if let Some(path) = list {
        let text = text(path).map_err(|why| format!("`--from {}`: {why}", path.display()))?;
        wishes.extend(listed(&text));
    }
    let mut known = HashSet::new();
    wishes.retain(|wish| known.insert(wish.text.clone()));
    Ok(wishes)
}

/// Several names may stand in a line, as `kubectl get pods -o jsonpath` prints them; `#` begins a comment.
fn listed(text: &str) -> impl Iterator<Item = Wish> {
    let lines = text.trim_start_matches('\u{feff}').lines();
    let lines = lines.map(|line| line.split_once('#').map_or(line, |(line, _)| line));
    lines.flat_map(str::split_whitespace).map(|text| Wish {
        text: text.to_owned(),
        reference: Reference::parse_listed(text),
    })
}

fn text(path: &Path) -> Result<String, String> {
    if path != Path::new("-") {
        let bytes = disk::bytes(path, LARGEST).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no such file".to_owned(),
            io::ErrorKind::InvalidInput => {
                "it is not a plain file: `-` reads standard input".to_owned()
            }
            _ => error.to_string(),
        })?;
        return String::from_utf8(bytes)
            .map_err(|_| "it is not UTF-8 text: write one image name per line".to_owned());
    }
    let mut text = String::new();
    let read = io::stdin().lock().take(LARGEST).read_to_string(&mut text);
    read.map_err(|error| error.to_string())?;
    Ok(text)
}
