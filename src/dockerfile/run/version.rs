//! Which version of an allocator a step builds.

use crate::dockerfile::image::ImageState;
use crate::facts::{Family, families_named};

/// Words of git in front of a tag or branch.
const ASKS: [&str; 6] = [
    "-b",
    "--branch",
    "checkout",
    "switch",
    "reset",
    "--revision",
];

/// A version that is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version<'t> {
    /// `5.3.0`
    Number(&'t str),
    /// What the repository's main branch holds.
    Newest,
}

/// The version, where the text of the step or a variable of the stage says one.
pub(super) fn of<'t>(state: &'t ImageState, family: Family, text: &'t str) -> Option<Version<'t>> {
    let vars = state
        .env
        .iter()
        .filter_map(|var| Some((var.name.as_str(), var.now.value.known()?)));
    let args = state
        .args
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_ref()?.known()?)));
    let named = |name: &str| {
        families_named(name).contains(&family) && name.to_lowercase().contains("version")
    };
    let set = vars.chain(args).find(|(name, _)| named(name));
    let number = set.and_then(|(_, value)| number(value));
    let number = number.or_else(|| behind_name(text, family));
    number.map(Version::Number).or_else(|| cloned(text, family))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';'))
        .filter(|word| !word.is_empty())
}

/// The version behind the allocator's name in a text: `jemalloc-5.3.0.tar.bz2`, `jemalloc/archive/5.2.1`.
fn behind_name(text: &str, family: Family) -> Option<&str> {
    let mut named = words(text).filter(|word| families_named(word).contains(&family));
    named.find_map(|word| word.split(['-', '/', '=', 'v']).find_map(number))
}

/// The version of a clone: the tag or branch that is asked for up to the next clone, else the newest.
fn cloned(text: &str, family: Family) -> Option<Version<'_>> {
    let words: Vec<&str> = words(text).collect();
    let mut clones = words.split(|word| *word == "clone").skip(1);
    let names = |word: &&str| word.contains("://") && families_named(word).contains(&family);
    let clone = clones.find(|words| words.iter().any(names))?;
    let mut asked = None;
    for (at, word) in clone.iter().enumerate() {
        if let Some(branch) = word.strip_prefix("--branch=") {
            asked = Some(branch);
        } else if ASKS.contains(word) {
            asked = Some(clone.get(at + 1).copied().unwrap_or_default());
        }
    }
    match asked {
        None | Some("dev" | "master" | "main") => Some(Version::Newest),
        Some(asked) => number(asked).map(Version::Number),
    }
}

/// The version at the start of a text: two numbers at least.
fn number(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('v');
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let number = text.get(..end)?.trim_end_matches('.');
    let digit = number.starts_with(|c: char| c.is_ascii_digit());
    (digit && number.contains('.')).then_some(number)
}
