//! Spells changes of a unit in the text of its Dockerfile.
//!
//! What is spelled is the smallest edit that makes the changes true and keeps the file's own style;
//! what cannot be spelled without guessing is refused with the reason.

mod copy;
mod env;
mod hook;
mod install;
mod layout;
mod merge;
mod preload;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::syntax::Dockerfile;
use super::units::Site;
use crate::facts::AllocatorPackage;
use crate::model::{Change, Unit, newer};
use crate::templates::Style;
use crate::templates::tuning;
use crate::text::{Edit, SourceFile, Span};
use layout::Layout;

/// Why a change cannot be spelled here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub String);

impl Refusal {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// What is written into, and for whom.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scene<'a> {
    pub file: &'a SourceFile,
    /// Its tree.
    pub dockerfile: &'a Dockerfile,
    /// The unit that is to change.
    pub unit: &'a Unit,
    /// Where it stands in the file.
    pub site: &'a Site,
    /// How the user wants it.
    pub style: Style,
}

/// The edits that make all of `changes` true of the scene's unit.
///
/// # Errors
/// Where the text does not allow one of them; the reason is for people.
pub(crate) fn spell(scene: &Scene<'_>, changes: &[Change]) -> Result<Vec<Edit>, Refusal> {
    Writer::of(scene).spell(changes)
}

type Spelled = Result<Vec<Edit>, Refusal>;

/// Spells many changes of one unit: what each of them would ask of the whole file is asked once.
pub(crate) struct Writer<'a> {
    scene: &'a Scene<'a>,
    /// The same, where what its images lack is added to another stage.
    serving: Option<Site>,
    layouts: RefCell<BTreeMap<usize, Rc<Layout<'a>>>>,
    /// What was spelled before: thousands of findings may wish the same.
    known: RefCell<BTreeMap<Vec<Change>, Spelled>>,
}

impl<'a> Writer<'a> {
    /// For the scene's unit.
    pub(crate) fn of(scene: &'a Scene<'a>) -> Self {
        let serving = scene.site.serving.as_ref().map(|(stage, starter)| Site {
            stage: *stage,
            starter: starter.clone(),
            serving: None,
            ..scene.site.clone()
        });
        Self {
            scene,
            serving,
            layouts: RefCell::default(),
            known: RefCell::default(),
        }
    }

    /// The edits that make all of `changes` true of the unit.
    ///
    /// # Errors
    /// Where the text does not allow one of them; the reason is for people.
    pub(crate) fn spell(&self, changes: &[Change]) -> Result<Vec<Edit>, Refusal> {
        if let Some(known) = self.known.borrow().get(changes) {
            return known.clone();
        }
        let spelled = self.plan(changes);
        let mut known = self.known.borrow_mut();
        known.insert(changes.to_vec(), spelled.clone());
        spelled
    }

    fn plan(&self, changes: &[Change]) -> Result<Vec<Edit>, Refusal> {
        let additions = changes.iter().all(Change::is_an_addition);
        let serving = self.serving.as_ref().filter(|_| additions);
        let scene = Scene {
            site: serving.unwrap_or(self.scene.site),
            ..*self.scene
        };
        let mut plan = Plan {
            scene: &scene,
            layout: self.layout(&scene),
            edits: Vec::new(),
            arrival: None,
            package: None,
            copied_to: None,
            joined: None,
            vars: Vec::new(),
            beside: None,
        };
        for change in changes {
            plan.add(change)?;
        }
        plan.finish()
    }

    /// How the stage is laid out that is written into.
    fn layout(&self, scene: &Scene<'_>) -> Rc<Layout<'a>> {
        let stage = scene.site.stage;
        let mut layouts = self.layouts.borrow_mut();
        let layout = layouts.entry(stage);
        Rc::clone(
            layout.or_insert_with(|| {
                Rc::new(Layout::of(self.scene.file, self.scene.dockerfile, stage))
            }),
        )
    }
}

/// Where a library comes into the stage.
#[derive(Clone, Copy, Debug)]
struct Arrival {
    /// Behind this byte, the end of an instruction's last line, the library is there.
    at: usize,
    /// The edit that writes the instruction, where it is a new one.
    edit: Option<usize>,
}

/// A command that installs one package more than before.
#[derive(Clone, Copy, Debug)]
struct Joined {
    /// Where it ends.
    end: usize,
    /// Another command can follow it: it is not inside quotes.
    open: bool,
    /// Commands are parted by `;` there, and `&&` would hide a failure from `set -e`.
    semicolon: bool,
    /// It stands in a here-document, where lines are commands.
    heredoc: bool,
}

/// The edits as far as they are known.
struct Plan<'a> {
    scene: &'a Scene<'a>,
    layout: Rc<Layout<'a>>,
    edits: Vec<Edit>,
    /// Where the library comes that is installed by one of the changes.
    arrival: Option<Arrival>,
    /// The package that brings it.
    package: Option<&'static AllocatorPackage>,
    /// The folder that the library is copied to, with a final slash, where the image has no manager.
    copied_to: Option<&'static str>,
    /// The list of packages that one was added to.
    joined: Option<Joined>,
    /// Variables to be set anew, with their values as they are written.
    vars: Vec<(String, String)>,
    /// The `ENV` pair beside which new variables go: by its key's place.
    beside: Option<Span>,
}

impl Plan<'_> {
    fn add(&mut self, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::SetEnv { name, value } => self.set(name, value),
            Change::RenameEnv { from, to } => self.rename(from, to),
            Change::UnsetEnv { name } => self.unset(name),
            Change::Install(family) => self.install(*family),
            Change::Preload(family) => {
                let value = self.preload(*family)?;
                self.set("LD_PRELOAD", &value)
            }
            Change::Tune => self.tune(),
            Change::RunThread => self.run_thread(),
            Change::WriteAsText { name, .. } => Err(Refusal(format!("`{name}` is text"))),
            // A later `ENV` replaces an earlier one by its nature.
            Change::SetOnce { name } => Err(Refusal(format!("`{name}` is set once"))),
            Change::SetAfterLibrary { name } => self.set_after_library(name),
            Change::InstallAsRoot { install } => self.install_as_root(*install),
            Change::ReplacePackage { from, to } => self.replace_package(from, to),
        }
    }

    /// A profile for the process, where nobody has set one.
    fn tune(&mut self) -> Result<(), Refusal> {
        let unit = self.scene.unit;
        if unit.env.get("MALLOC_CONF").is_some() {
            return Ok(());
        }
        // Who builds on another base may get an older one: what both know is written.
        let from = self.scene.file.text(unit.place.span);
        let release = unit.platform.release.value();
        let named = release.is_some_and(|release| {
            let codename = release.codename.as_deref();
            from.contains(&release.release) || codename.is_some_and(|name| from.contains(name))
        });
        // So may who wrote a digest behind a tag that moves: it stands still.
        let open = from.contains(['$', '@']) && !named;
        let old = "5.2.1";
        let own = self.version();
        let version = match own {
            Some(own) if !open || !newer(&own, old) => Some(own),
            None if !open => None,
            _ => Some(old.to_owned()),
        };
        let value = tuning(self.scene.unit, self.scene.style, version.as_deref(), false);
        if self.vars.is_empty() && self.beside.is_none() {
            // It belongs to what is preloaded.
            self.beside = self.own_key("LD_PRELOAD");
        }
        self.set("MALLOC_CONF", &value.map_err(Refusal)?)
    }

    /// The version of the jemalloc that is there or will be, where it is known.
    fn version(&self) -> Option<String> {
        let jemalloc = |library: &&crate::model::Library| {
            library.family == crate::facts::Family::Jemalloc && library.version.is_some()
        };
        let there = self.scene.unit.libraries.iter().find(jemalloc);
        match self.package {
            Some(package) => package.version.clone(),
            None => there.and_then(|library| library.version.clone()),
        }
    }

    /// All edits, the new variables among them.
    fn finish(mut self) -> Result<Vec<Edit>, Refusal> {
        if !self.vars.is_empty() {
            self.write_vars()?;
        }
        for edit in &self.edits {
            if let Some(line) = self.layout.goes_on_at(edit.span.start) {
                return Err(Refusal(format!(
                    "line {line} goes on behind the end of the file: drop the `{}` at its end",
                    char::from(self.scene.dockerfile.escape.byte())
                )));
            }
        }
        Ok(self.edits)
    }
}

#[cfg(test)]
mod tests;
