//! What Kubernetes manifests and Compose files share: texts with their places, and what a change means
//! for a list of variables.

pub(crate) mod compose;
mod dotenv;
pub(crate) mod kubernetes;
pub(crate) mod kustomize;
pub(crate) mod quantity;

use std::cell::Cell;
use std::sync::Arc;

use crate::facts::Family;
use crate::model::set_at_start as start;
use crate::model::{
    Change, Expanded, Named, Setting, Unit, Value, Via, Words, entries_of, family_of, finds,
};
use crate::templates::Style;
use crate::templates::tuning;
use crate::text::{Edit, Place, SourceFile, Span, Traced};
use crate::yaml::{Id, Tree};

/// A command has so many words at most.
const WORDS: usize = 1 << 10;

/// A file of manifests with its tree.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// The file.
    pub file: &'a Arc<SourceFile>,
    /// Its bytes as text: who writes thousands of edits looks once whether they are.
    pub text: &'a str,
    /// Its tree.
    pub tree: &'a Tree,
}

impl Sheet<'_> {
    /// The place of a node.
    #[must_use]
    pub fn place(&self, id: Id) -> Place {
        Place::new(self.file, self.tree.span(id))
    }

    /// The text of a scalar, byte for byte where it is written so.
    #[must_use]
    pub fn traced(&self, id: Id) -> Traced {
        let id = self.tree.resolve(id);
        let text = self.tree.text(id).unwrap_or_default();
        let span = self.tree.span(id);
        let inner = Span::new(span.start + 1, span.end.saturating_sub(1));
        let mut traced = Traced::new();
        let verbatim = [span, inner]
            .into_iter()
            .find(|span| self.file.slice(*span) == text.as_bytes());
        match verbatim {
            Some(span) => traced.push_text(text, span),
            None => traced.push_from(text, span),
        }
        traced
    }

    /// A scalar as a name, where it is one.
    #[must_use]
    pub fn named(&self, id: Id) -> Option<Named> {
        let text = self.tree.word(id)?.to_owned();
        let place = self.place(self.tree.resolve(id));
        Some(Named { text, place })
    }

    /// The setting of a variable: `value` where the text says it, the whole at `whole`.
    #[must_use]
    pub fn setting(&self, value: Value, name: Id, whole: Span) -> Setting {
        Setting {
            value,
            place: Place::new(self.file, whole),
            name_place: self.place(name),
            step: 0,
            via: Via::Environment,
        }
    }

    /// A list of words; `None` where there is none. An empty list is one.
    #[must_use]
    pub(crate) fn words(&self, id: Id, expand: &dyn Fn(&str) -> Expanded) -> Option<Words> {
        if self.tree.is_null(id) {
            return None;
        }
        let items = self.tree.items(id).iter().take(WORDS);
        let texts = items.filter_map(|item| self.tree.text(*item));
        let (mut words, mut hidden) = (Vec::new(), Vec::new());
        for mut expanded in texts.map(expand) {
            words.push(expanded.text);
            hidden.append(&mut expanded.hidden);
        }
        Some(Words {
            words,
            hidden,
            place: self.place(self.tree.resolve(id)),
        })
    }
}

/// What the containers of one file may still hold together. A list that thousands of containers share by
/// an alias is read once for each, and variables that double each other grow without end.
#[derive(Debug)]
pub(crate) struct Room {
    variables: Cell<usize>,
    bytes: Cell<usize>,
}

impl Room {
    /// The room for a file of that many bytes.
    #[must_use]
    pub(crate) const fn of(length: usize) -> Self {
        Self {
            variables: Cell::new((1 << 14) + length / 4),
            bytes: Cell::new((1 << 20) + 8 * length),
        }
    }

    /// Takes room for one variable with a value of that many bytes, if it is there.
    #[must_use]
    pub(crate) fn take(&self, bytes: usize) -> bool {
        let left = (
            self.variables.get().checked_sub(1),
            self.bytes.get().checked_sub(bytes),
        );
        let (Some(variables), Some(left)) = left else {
            return false;
        };
        self.variables.set(variables);
        self.bytes.set(left);
        true
    }

    /// What is said where it is used up.
    #[must_use]
    pub(crate) fn spent() -> String {
        "the file holds more variables than can be followed".into()
    }
}

/// What becomes of a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// It has this value.
    Set(String, String),
    /// The list gives it this value, as text.
    Text(String, String),
    /// It is not set.
    Unset(String),
    /// Of several settings only the last one stays.
    Once(String),
    /// It is called otherwise.
    Rename(String, String),
}

/// The changes with the value that tuning comes to.
///
/// # Errors
/// Where there is no value for the jemalloc of the image; the reason is for people.
pub(crate) fn tuned(unit: &Unit, style: Style, changes: &[Change]) -> Result<Vec<Change>, String> {
    let jemalloc = |library: &&crate::model::Library| library.family == Family::Jemalloc;
    let library = unit.libraries.iter().find(jemalloc);
    let version = library.and_then(|library| library.version.as_deref());
    let hook = unit.runs_thread();
    let one = |change: &Change| match change {
        Change::Tune if unit.env.get("MALLOC_CONF").is_some() => Ok(None),
        Change::Tune => tuning(unit, style, version, hook).map(|value| {
            let name = "MALLOC_CONF".into();
            Some(Change::SetEnv { name, value })
        }),
        change => Ok(Some(change.clone())),
    };
    changes
        .iter()
        .filter_map(|change| one(change).transpose())
        .collect()
}

/// What `changes` mean for the variables of a container.
///
/// # Errors
/// Where one of them is about the image, or cannot be told; the reason is for people.
pub(crate) fn wanted(unit: &Unit, changes: &[Change]) -> Result<Vec<Wanted>, String> {
    let one = |change: &Change| match change {
        Change::SetEnv { name, .. } if is_put_together(unit, name) => Err(format!(
            "the value of `{name}` is put together from variables: change it by hand"
        )),
        Change::SetEnv { name, value } => Ok(Some(Wanted::Set(name.clone(), value.clone()))),
        Change::WriteAsText { name, value } => Ok(Some(Wanted::Text(name.clone(), value.clone()))),
        Change::UnsetEnv { name } => Ok(Some(Wanted::Unset(name.clone()))),
        Change::SetOnce { name } => Ok(Some(Wanted::Once(name.clone()))),
        Change::RenameEnv { from, to } => Ok(Some(Wanted::Rename(from.clone(), to.clone()))),
        Change::Preload(family) => {
            preload(unit, *family).map(|value| Some(Wanted::Set("LD_PRELOAD".into(), value)))
        }
        Change::Install(_)
        | Change::Tune
        | Change::RunThread
        | Change::SetAfterLibrary { .. }
        | Change::InstallAsRoot { .. }
        | Change::ReplacePackage { .. } => Err(image(unit)),
    };
    let all: Result<Vec<_>, _> = changes.iter().map(one).collect();
    Ok(all?.into_iter().flatten().collect())
}

/// Whether the value in force holds references, as it is written here: written anew, they would become the text that
/// they stand for today, or nothing. (A value of the image is not rewritten: one of the container goes over it.)
fn is_put_together(unit: &Unit, name: &str) -> bool {
    unit.env.get(name).is_some_and(|var| {
        let (place, value) = (&var.now.place, var.now.value_place());
        let written = |place: &Place| {
            place.same_file(&unit.place) && place.file.text(place.span).contains('$')
        };
        written(place) || written(&value)
    })
}

/// The edit of a variable that the container's own command sets; nothing where it does not.
///
/// # Errors
/// Where it cannot be changed there; the reason is for people.
pub(crate) fn started(
    file: &SourceFile,
    unit: &Unit,
    wanted: &Wanted,
) -> Result<Option<Edit>, String> {
    match wanted {
        Wanted::Set(name, value) => start::reset(file, unit, name, value),
        // These are about the list, whatever goes over it.
        Wanted::Text(..) | Wanted::Once(_) => Ok(None),
        Wanted::Unset(name) | Wanted::Rename(name, _) => {
            start::started(unit, name).map_or(Ok(None), Err)
        }
    }
}

fn image(unit: &Unit) -> String {
    match &unit.source {
        crate::model::Source::Linked(path, _) => {
            format!("it is the image that must change: see `{path}`")
        }
        _ => "it is the image that must change, and it is not built here".into(),
    }
}

/// The value that loads a library which is in the image, and keeps the others.
fn preload(unit: &Unit, family: Family) -> Result<String, String> {
    let before = unit.env.get("LD_PRELOAD");
    let text = before.map_or("", |var| var.now.value.text.as_str());
    let kept = entries_of(unit, text)
        .into_iter()
        .filter_map(|range| text.get(range))
        .filter(|entry| family_of(entry).is_none());
    let libraries = unit.libraries.iter();
    let mut names = libraries
        .filter(|library| library.family == family)
        .map(|library| library.path.file_name());
    let name = names
        .find(|name| !name.contains(['*', '{']) && finds(unit, name))
        .ok_or("where the library lies in the image cannot be told")?;
    Ok(kept.chain([name]).collect::<Vec<_>>().join(":"))
}
