//! The fix loop: find, spell, apply, read again, compare; until nothing is left that may be applied.
//!
//! A remedy is applied whole or not at all, and only where the file, read again, differs from before
//! by what the remedy promised (the frame check). This module knows no format and never writes.

mod in_turn;
mod inject;
mod others;
mod promise;
mod set;
mod untouched;
mod waits;

pub(crate) use in_turn::in_turn;
pub(crate) use set::set;
pub use untouched::untouched;
use waits::Waits;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::check::{self, Checked, Examined, Wish};
use crate::finding::{Applicability, Finding, Severity, Subject};
use crate::manifests::Sheet;
use crate::model::Unit;
use crate::project::Project;
use crate::templates::Style;
use crate::text::{self, Edit, SourceFile, Span};
use crate::yaml::Tree;

/// So often a file is read again after edits: what one remedy brings to light, the next may fix.
const ROUNDS: usize = 8;
/// So many bytes are read in all attempts, and so many attempts are made at least: each reads the whole file again, and judges
/// each of its units, which costs as much as so many bytes.
const READ: usize = 768 << 10;
const UNIT: usize = 512;
const FEWEST_ATTEMPTS: usize = 6;

/// What may be applied.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Remedies that may change what the image does in ways that were not asked for, too.
    pub unsafe_too: bool,
    /// The rules whose findings are fixed; all where none is named.
    pub only: Vec<String>,
    /// How changes are spelled.
    pub style: Style,
    /// Advice about images that set nothing, too.
    pub advice: bool,
    /// The image that brings jemalloc to containers whose own is built elsewhere.
    pub inject: Option<String>,
}

/// What became of one file.
#[derive(Debug)]
pub struct Fixed {
    /// The file as it was.
    pub before: Arc<SourceFile>,
    /// The file as it should be; the same where nothing is to be changed.
    pub after: Arc<SourceFile>,
    /// What was applied, in order.
    pub applied: Vec<Applied>,
    /// What was not, and why.
    pub left: Vec<Left>,
    /// Why the file was not judged, where it was not.
    pub skipped: Option<String>,
    /// Why it was not, though it may be one of ours.
    pub unread: Option<String>,
}

impl Fixed {
    /// Whether there is anything to write.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.before.bytes != self.after.bytes
    }

    /// The same file, left as it was because other programs make a Dockerfile of it.
    #[must_use]
    pub fn as_template(self) -> Self {
        Self {
            after: Arc::clone(&self.before),
            before: self.before,
            applied: Vec::new(),
            left: Vec::new(),
            skipped: Some("a template: it is never patched".into()),
            unread: None,
        }
    }
}

/// A remedy that was applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The rule that asked for it.
    pub rule: &'static str,
    /// What was done.
    pub title: String,
}

/// A finding that is left.
#[derive(Clone, Debug)]
pub struct Left {
    /// The finding, at its place in the file as it should be.
    pub finding: Finding,
    /// Why it was not fixed, in a few words.
    pub reason: String,
}

/// What is to be done with a file.
#[derive(Clone, Copy)]
struct Order<'a> {
    options: &'a Options,
    /// What is wanted beside what the rules find.
    wish: Wish<'a>,
}

/// Fixes one file as far as `options` allow.
#[must_use]
pub fn fix(file: &Arc<SourceFile>, project: &Project<'_>, options: &Options) -> Fixed {
    let wish: Wish<'_> = &|_| Vec::new();
    carry_out(file, project, Order { options, wish })
}

fn carry_out(file: &Arc<SourceFile>, project: &Project<'_>, order: Order<'_>) -> Fixed {
    let start = Version::read(file, project, order);
    let faults = Faults::of(&start);
    let cost = file.bytes.len() + UNIT * (start.units.len() + 1);
    let mut attempts = (READ / cost).max(FEWEST_ATTEMPTS);
    let mut work = Work::run(project, order, start, BTreeMap::new(), &mut attempts);
    let mut why = String::new();
    let mut trials = (TRIED / cost).clamp(FEWEST, TRIALS);
    while trials > 0 {
        let Some(worse) = faults.worse(&work) else {
            return work.done(file);
        };
        why = format!("what it leads to is no better: {worse}");
        match work.without_one(file, &faults, &why, (&mut trials, &mut attempts)) {
            Some(other) => work = other,
            None => break,
        }
    }
    work.nothing(file, &why)
}

/// So often the work is done again with a remedy less, where all of them together lead to something worse: each time costs as much
/// as the first.
const TRIALS: usize = 24;
/// Fewer where the file is large: so many bytes in all, and so often at least.
const TRIED: usize = 192 << 10;
const FEWEST: usize = 2;
/// So many remedies are left out one by one, the last one first.
const LEFT_OUT: usize = 12;

/// What was wrong with a file before anything was done.
struct Faults {
    file: Arc<SourceFile>,
    known: BTreeSet<(&'static str, String)>,
    kinds: BTreeMap<(&'static str, usize), usize>,
}

impl Faults {
    fn of(version: &Version) -> Self {
        Self {
            file: Arc::clone(&version.file),
            known: version.messages(Severity::Warning).into_iter().collect(),
            kinds: version.kinds(),
        }
    }

    /// What the work has come to that is no better, if anything is: in the file itself, or for others.
    fn worse(&self, work: &Work<'_>) -> Option<String> {
        let others = || {
            let changed = work.now.file.bytes != self.file.bytes;
            let (project, style) = (work.project, work.order.options.style);
            let worse = || others::worse_off(&self.file, &work.now.file, project, style);
            changed.then(worse).flatten()
        };
        self.new_here(&work.now).or_else(others)
    }

    /// What is wrong with the file now and was not, if anything is: an error, or more findings of a kind at a warning.
    fn new_here(&self, now: &Version) -> Option<String> {
        let mut errors = now.messages(Severity::Error).into_iter();
        if let Some((rule, message)) = errors.find(|error| !self.known.contains(error)) {
            return Some(format!("{rule}, {message}"));
        }
        let before = |kind| self.kinds.get(kind).copied().unwrap_or(0);
        let kinds = now.kinds();
        let (rule, unit) = kinds.iter().find(|(kind, count)| **count > before(kind))?.0;
        let mut findings = now.checked.findings.iter();
        let finding = findings.rfind(|finding| finding.rule == *rule && finding.unit == *unit)?;
        Some(format!("{rule}, {}", finding.message))
    }
}

/// The file at one point of the loop.
struct Version {
    file: Arc<SourceFile>,
    checked: Checked,
    units: Vec<Unit>,
    tree: Option<Tree>,
    unsafe_too: bool,
}

impl Version {
    fn read(file: &Arc<SourceFile>, project: &Project<'_>, order: Order<'_>) -> Self {
        let Order { options, wish } = order;
        let Examined {
            mut checked,
            units,
            mut wished,
            tree,
            ..
        } = check::examine_for(file, project, options.style, wish);
        checked.findings.append(&mut wished);
        let text = std::str::from_utf8(&file.bytes);
        if let (Some(image), Some(tree), Ok(text)) = (&options.inject, &tree, text) {
            let sheet = Sheet { file, text, tree };
            inject::inject(sheet, &mut checked, &units, image, options.style);
        }
        Self {
            file: Arc::clone(file),
            checked,
            units,
            tree,
            unsafe_too: options.unsafe_too,
        }
    }

    /// What is wrong with it, from that severity on.
    fn messages(&self, least: Severity) -> Vec<(&'static str, String)> {
        let errors = self
            .checked
            .findings
            .iter()
            .filter(|finding| finding.severity >= least);
        errors
            .map(|finding| (finding.rule, finding.message.clone()))
            .collect()
    }

    /// How many findings of each kind the units have, from a warning on.
    fn kinds(&self) -> BTreeMap<(&'static str, usize), usize> {
        let mut counts = BTreeMap::new();
        let findings = self.checked.findings.iter();
        let heavy = findings.filter(|finding| finding.is_heavy());
        // Who takes a setting away on request hears that there is none.
        let asked = |finding: &&Finding| !self.unsafe_too || finding.subject != Subject::Image;
        for finding in heavy.filter(asked) {
            *counts.entry((finding.rule, finding.unit)).or_default() += 1;
        }
        counts
    }
}

struct Work<'a> {
    project: &'a Project<'a>,
    order: Order<'a>,
    now: Version,
    applied: Vec<Applied>,
    /// Whose remedies were applied, in order.
    done_for: Vec<Key>,
    /// Remedies that were refused before anything was tried.
    barred: BTreeMap<Key, String>,
    /// Remedies that were tried and did not do what they promised: whose, and what went wrong.
    refused: BTreeMap<Key, String>,
    seen: Vec<Vec<u8>>,
}

/// What tells one finding from another while places move.
type Key = (&'static str, String, usize);

fn key(finding: &Finding) -> Key {
    (finding.rule, finding.message.clone(), finding.unit)
}

/// How often each key stands among findings.
fn counted<'f>(findings: impl Iterator<Item = &'f Finding>) -> BTreeMap<Key, usize> {
    let mut counts = BTreeMap::new();
    for finding in findings {
        *counts.entry(key(finding)).or_default() += 1;
    }
    counts
}

impl<'a> Work<'a> {
    /// Does what may be done with the file, but for what is barred.
    fn run(
        project: &'a Project<'a>,
        order: Order<'a>,
        start: Version,
        barred: BTreeMap<Key, String>,
        attempts: &mut usize,
    ) -> Self {
        let mut work = Self {
            project,
            order,
            seen: vec![start.file.bytes.clone()],
            now: start,
            applied: Vec::new(),
            done_for: Vec::new(),
            refused: barred.clone(),
            barred,
        };
        work.rounds(attempts);
        work
    }

    /// The work without one of its remedies: one without which it comes to nothing worse, else the last.
    fn without_one(
        &self,
        file: &Arc<SourceFile>,
        faults: &Faults,
        why: &str,
        (trials, attempts): (&mut usize, &mut usize),
    ) -> Option<Self> {
        let mut last = None;
        for key in self.done_for.iter().rev().take(LEFT_OUT) {
            *trials = trials.checked_sub(1)?;
            if *attempts == 0 {
                break;
            }
            let mut barred = self.barred.clone();
            barred.entry(key.clone()).or_insert_with(|| why.to_owned());
            let start = Version::read(file, self.project, self.order);
            let work = Self::run(self.project, self.order, start, barred, attempts);
            if faults.worse(&work).is_none() {
                return Some(work);
            }
            last.get_or_insert(work);
        }
        last
    }

    fn rounds(&mut self, attempts: &mut usize) {
        let mut width = usize::MAX;
        while self.seen.len() <= ROUNDS && *attempts > 0 {
            *attempts -= 1;
            let batch = self.batch(width);
            let Some(first) = batch.first() else { return };
            match self.attempt(&batch) {
                Ok(version) => {
                    self.accept(&batch, version);
                    width = usize::MAX;
                }
                Err(reason) if batch.len() == 1 => {
                    self.refused.entry(key(first)).or_insert(reason);
                }
                // One of them spoils the others: each for itself, then.
                Err(_) => width = 1,
            }
        }
    }

    /// The first findings that may be fixed and whose edits do not touch each other.
    fn batch(&self, width: usize) -> Vec<Finding> {
        let mut batch: Vec<Finding> = Vec::new();
        let mut taken = Taken::default();
        let findings = self.now.checked.findings.iter();
        let open: Vec<&Finding> = findings.filter(|one| self.reason(one).is_none()).collect();
        let waits = Waits::of(&open, &self.now.units);
        for finding in open {
            if batch.len() < width && !waits.wait(finding) && taken.take(&finding.edits) {
                batch.push(finding.clone());
            }
        }
        batch
    }

    /// Why a finding is not to be fixed, if it is not.
    fn reason(&self, finding: &Finding) -> Option<String> {
        let (key, options) = (key(finding), self.order.options);
        if !options.only.is_empty() && !options.only.iter().any(|id| id == finding.rule) {
            return Some("not asked for with `--only`".into());
        }
        if finding.severity == Severity::Info
            && finding.subject == Subject::Image
            && !self.takes_advice(finding)
        {
            return Some("advice: `--advice` takes it".into());
        }
        if let Some(why) = self.refused.get(&key) {
            return Some(why.clone());
        }
        if let Some(refusal) = &finding.refusal {
            return Some(refusal.clone());
        }
        match finding.remedy.as_ref().map(|remedy| &remedy.applicability) {
            None if !std::ptr::eq(&raw const *finding.place.file, &raw const *self.now.file) => {
                let path = &finding.place.file.path;
                Some(format!(
                    "it is in {path}, which is not edited: change it there"
                ))
            }
            None => Some("a person must decide".into()),
            Some(Applicability::Unsafe(why)) if !options.unsafe_too => {
                Some(format!("only with `--unsafe`: {why}"))
            }
            Some(_) if finding.edits.is_empty() => Some("a person must decide".into()),
            Some(_) => None,
        }
    }

    /// Whether somebody asks for what may as well be left.
    fn takes_advice(&self, finding: &Finding) -> bool {
        let options = self.order.options;
        options.advice
            || options.inject.is_some()
            || options.only.iter().any(|id| id == finding.rule)
    }

    /// The file with the edits of all findings of `batch`, where it then is as they promise.
    fn attempt(&self, batch: &[Finding]) -> Result<Version, String> {
        let edits: Vec<Edit> = batch
            .iter()
            .flat_map(|finding| finding.edits.clone())
            .collect();
        let bytes =
            text::apply(&self.now.file.bytes, &edits).ok_or("its edits touch each other")?;
        if self.seen.contains(&bytes) {
            return Err("it undoes what another remedy did".into());
        }
        let file = SourceFile::new(self.now.file.path.clone(), bytes);
        let next = Version::read(&file, self.project, self.order);
        let (before, after) = (
            counted(self.now.checked.findings.iter()),
            counted(next.checked.findings.iter()),
        );
        // The same may be wrong in several places.
        let count =
            |counts: &BTreeMap<Key, usize>, key: &Key| counts.get(key).copied().unwrap_or(0);
        let promised = counted(batch.iter());
        let still = promised
            .iter()
            .find(|(key, fixed)| count(&after, key) + **fixed > count(&before, key));
        if let Some(((rule, ..), _)) = still {
            return Err(format!("the edit does not fix it ({rule} is still there)"));
        }
        if next.checked.skipped != self.now.checked.skipped {
            return Err("the file could not be judged any more".into());
        }
        if let Some(before) = &self.now.tree {
            let after = next.tree.as_ref();
            untouched::same(before, after.ok_or("it would be no YAML any more")?)?;
        }
        match promise::broken(&self.now.units, &next.units, batch) {
            Some(why) => Err(why),
            None => Ok(next),
        }
    }

    fn accept(&mut self, batch: &[Finding], version: Version) {
        for finding in batch {
            self.done_for.push(key(finding));
            let title = finding
                .remedy
                .as_ref()
                .map_or_else(String::new, |remedy| remedy.title.clone());
            self.applied.push(Applied {
                rule: finding.rule,
                title,
            });
        }
        self.seen.push(version.file.bytes.clone());
        self.now = version;
        // In another text what was tried in vain may do what it promises.
        self.refused.clone_from(&self.barred);
    }

    fn done(self, before: &Arc<SourceFile>) -> Fixed {
        let findings = self.now.checked.findings.iter();
        let left = findings.map(|finding| Left {
            finding: finding.clone(),
            reason: self
                .reason(finding)
                .unwrap_or_else(|| "too many rounds: run it again".into()),
        });
        let mut left: Vec<Left> = left.collect();
        check::say_once(&mut left, |left| &left.finding);
        Fixed {
            before: Arc::clone(before),
            after: Arc::clone(&self.now.file),
            left,
            skipped: self.now.checked.skipped,
            unread: self.now.checked.unread,
            applied: self.applied,
        }
    }

    /// The file stays as it was, for a reason that holds for all that is wrong with it.
    fn nothing(self, before: &Arc<SourceFile>, why: &str) -> Fixed {
        let mut checked = Version::read(before, self.project, self.order).checked;
        check::say_once(&mut checked.findings, |finding| finding);
        let left = checked.findings.into_iter().map(|finding| Left {
            finding,
            reason: why.to_owned(),
        });
        Fixed {
            before: Arc::clone(before),
            after: Arc::clone(before),
            applied: Vec::new(),
            left: left.collect(),
            skipped: checked.skipped,
            unread: checked.unread,
        }
    }
}

/// The bytes that the edits of a batch touch.
#[derive(Debug, Default)]
struct Taken(BTreeMap<usize, usize>);

impl Taken {
    /// Takes the bytes of all the edits, where none of them is taken.
    fn take(&mut self, edits: &[Edit]) -> bool {
        let free = edits.iter().all(|edit| self.is_free(edit));
        if free {
            let spans = edits.iter().map(|edit| (edit.span.start, edit.span.end));
            self.0.extend(spans);
        }
        free
    }

    /// Two edits meet that touch the same bytes, or begin at the same place.
    fn is_free(&self, edit: &Edit) -> bool {
        let Span { start, end } = edit.span;
        let before = self.0.range(..=start).next_back();
        let after = self.0.range(start..).next();
        before.is_none_or(|(from, to)| *to <= start && *from != start)
            && after.is_none_or(|(from, _)| *from >= end && *from != start)
    }
}
