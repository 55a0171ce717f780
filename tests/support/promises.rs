//! What a fix promises, whatever the file: held against mutants, a few in every test run and many in a campaign.

use std::collections::BTreeMap;
use std::sync::Arc;

use malloclint::internals::check;
use malloclint::internals::dockerfile::syntax::{self, ItemKind, Keyword};
use malloclint::internals::finding::{Finding, Severity, Subject};
use malloclint::internals::fix::{self, Fixed, Options};
use malloclint::internals::project::{Format, Project};
use malloclint::internals::surroundings::Surroundings;
use malloclint::internals::text::SourceFile;
use similar::{DiffTag, TextDiff};

/// A promise that was broken, and how.
pub(crate) type Broken = (&'static str, String);

/// A file, where it stands, and how it is to be fixed.
pub(crate) struct Input<'a> {
    pub(crate) file: Arc<SourceFile>,
    pub(crate) around: &'a dyn Surroundings,
    pub(crate) options: &'a Options,
}

impl Input<'_> {
    pub(crate) fn findings(&self, file: &Arc<SourceFile>) -> Vec<Finding> {
        let style = self.options.style;
        check::check(file, &Project::of(self.around), style).findings
    }

    pub(crate) fn fix(&self, file: &Arc<SourceFile>, options: &Options) -> Fixed {
        fix::fix(file, &Project::of(self.around), options)
    }

    /// The promises that `fixed` breaks; `before` is what was found at first.
    pub(crate) fn broken(&self, before: &[Finding], fixed: &Fixed) -> Vec<Broken> {
        let mut broken = Vec::new();
        let after = &fixed.after;
        let twice = self.fix(after, self.options);
        // Of containers of one image each round fixes the next: who has many of them is told to run it again.
        let told = fixed
            .left
            .iter()
            .any(|left| left.reason.starts_with("too many rounds"));
        if twice.changes() && !told {
            broken.push(("one run does what two would do", shown(&twice.after)));
        }
        if let Some(why) = self.more(before, &self.findings(after)) {
            let why = format!("{why}\n{}", shown(after));
            broken.push(("no rule finds more than before", why));
        }
        let left: Vec<Finding> = fixed.left.iter().map(|left| left.finding.clone()).collect();
        if let Some(why) = self.more(before, &left) {
            broken.push(("what is left was there before", why));
        }
        if let Some(lost) = lost(&self.file, after) {
            let why = format!("{lost:?}\n{}", shown(after));
            broken.push(("what runs stays as it is", why));
        }
        broken.extend(ends_differ(&self.file.bytes, &after.bytes));
        broken
    }

    /// The promises of `--only` that are broken, for the rule of each of these findings.
    pub(crate) fn broken_alone(&self, before: &[Finding]) -> Vec<Broken> {
        let mut broken = Vec::new();
        let mut rules: Vec<&str> = before.iter().map(|finding| finding.rule).collect();
        rules.sort_unstable();
        rules.dedup();
        for rule in rules {
            let options = Options {
                only: vec![rule.to_owned()],
                ..self.options.clone()
            };
            let alone = self.fix(&self.file, &options);
            if let Some(other) = alone.applied.iter().find(|applied| applied.rule != rule) {
                let why = format!("{rule}: {}", other.rule);
                broken.push(("--only brings no other rule", why));
            }
            if let Some(why) = self.more(before, &self.findings(&alone.after)) {
                let why = format!("{rule}: {why}\n{}", shown(&alone.after));
                broken.push(("--only finds no more than before", why));
            }
        }
        broken
    }

    /// A rule that speaks more often at a warning or error than before.
    fn more(&self, before: &[Finding], after: &[Finding]) -> Option<String> {
        // Who takes a setting away on request hears that there is none.
        let asked =
            |finding: &Finding| self.options.unsafe_too && finding.subject == Subject::Image;
        let heavy = |findings: &[Finding]| {
            let mut counts = BTreeMap::<&'static str, usize>::new();
            let heavy = findings
                .iter()
                .filter(|finding| finding.severity >= Severity::Warning && !asked(finding));
            for finding in heavy {
                *counts.entry(finding.rule).or_default() += 1;
            }
            counts
        };
        let (before, after) = (heavy(before), heavy(after));
        let more = after
            .iter()
            .find(|(rule, count)| before.get(*rule).copied().unwrap_or(0) < **count)?;
        Some(format!("{} {} times", more.0, more.1))
    }
}

pub(crate) fn shown(file: &SourceFile) -> String {
    String::from_utf8_lossy(&file.bytes).into_owned()
}

/// The first part of a file that no fix may change and that is gone, or stands elsewhere.
fn lost(before: &SourceFile, after: &SourceFile) -> Option<String> {
    if before.bytes == after.bytes {
        return None;
    }
    if Format::of(&before.path, &before.bytes) != Format::Dockerfile {
        let touched = fix::untouched(before, after).err();
        return touched.or_else(|| lost_comment(&shown(before), &shown(after)));
    }
    let mut rest = all_items(after).into_iter();
    // Settings may come behind those of an ENV.
    let keeps = |new: &[u8], part: &[u8]| new == part || is_env(part) && new.starts_with(part);
    let mut old = items(before).into_iter();
    let lost = old.find(|part| !rest.any(|one| keeps(one, part)))?;
    Some(String::from_utf8_lossy(lost).into_owned())
}

/// A comment that stands alone, is not addressed to us, and went by itself: a setting goes with what is said in it.
pub(crate) fn lost_comment(before: &str, after: &str) -> Option<String> {
    let (old, new) = (parts(before), parts(after));
    let diff = TextDiff::from_slices(&old, &new);
    // Where what went stands beside its like, it may as well be said to begin some lines before.
    let begins_before = |range: &std::ops::Range<usize>| {
        let (mut start, mut end) = (range.start, range.end);
        while start > 0 && end > start && old[start - 1] == old[end - 1] {
            (start, end) = (start - 1, end - 1);
            if !is_comment(old[start]) {
                return true;
            }
        }
        false
    };
    let ops = diff.ops().iter().filter(|op| op.tag() != DiffTag::Equal);
    let ops = ops.filter(|op| !begins_before(&op.old_range()));
    let mut gone = ops.map(|op| (&old[op.old_range()], &new[op.new_range()]));
    gone.find_map(|(gone, come)| {
        let is_there = |line: &str| {
            let mut lines = come.iter().flat_map(|part| part.split_inclusive('\n'));
            lines.any(|new| new.trim() == line.trim())
        };
        let first = gone
            .iter()
            .take_while(|part| is_comment(part) || part.trim().is_empty());
        // A part that is still there has what was said in it.
        let inside = gone.iter().filter(|part| {
            let head = part.split_inclusive('\n').next().unwrap_or_default();
            !is_comment(part) && is_there(head)
        });
        let mut lines = first
            .chain(inside)
            .flat_map(|part| part.split_inclusive('\n'));
        let lost = lines
            .find(|line| is_comment(line) && !line.contains("malloclint") && !is_there(line))?;
        Some(lost.to_owned())
    })
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// The lines of a text, as everybody counts them here: a lone CR ends none. Comments that are indented below the first line of an item
/// belong to that.
fn parts(text: &str) -> Vec<&str> {
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let (mut parts, mut start, mut at, mut item) = (Vec::new(), 0, 0, None);
    for line in text.split_inclusive('\n') {
        let inside = item.is_some_and(|item| is_comment(line) && indent(line) > item);
        if !inside {
            if at > start {
                parts.push(&text[start..at]);
            }
            start = at;
            item = line
                .trim_start_matches(' ')
                .starts_with("- ")
                .then(|| indent(line));
        }
        at += line.len();
    }
    if at > start {
        parts.push(&text[start..]);
    }
    parts
}

fn is_env(text: &[u8]) -> bool {
    // Blanks of Unicode are blanks to the builder, too.
    let text = String::from_utf8_lossy(text);
    let mut words = text.split_whitespace();
    words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("ENV"))
}

fn all_items(file: &SourceFile) -> Vec<&[u8]> {
    let items = syntax::parse(&file.bytes).items;
    let bytes = items.iter().map(|item| trimmed(file.slice(item.span)));
    bytes.collect()
}

/// The items of a Dockerfile that no fix may take away or change, in order: whatever says nothing of allocators, and
/// installs nothing.
fn items(file: &SourceFile) -> Vec<&[u8]> {
    let items = syntax::parse(&file.bytes).items;
    let kept = items.iter().filter(|item| {
        let mut text = file.slice(item.span).to_vec();
        if let ItemKind::Instruction(instruction) = &item.kind {
            // A name may go on behind the end of a line, and the builder takes quotes and marks out of it.
            let joined = instruction.text.as_str().as_bytes().to_vec();
            let is_mark = |byte: &&u8| matches!(byte, b'\\' | b'`' | b'"' | b'\'');
            text.extend(joined.iter().filter(|byte| !is_mark(byte)));
            text.extend_from_slice(&joined);
        }
        let text = &text;
        match &item.kind {
            ItemKind::Bom | ItemKind::Directive(_) => true,
            ItemKind::Blank => false,
            ItemKind::Comment(_) => !has(text, &["malloclint"]),
            ItemKind::Instruction(instruction) if instruction.keyword == Keyword::Run => !has(
                text,
                &["malloc", "preload", "install", "add", "apk", "tunables"],
            ),
            ItemKind::Instruction(_) => !has(
                text,
                &["malloc", "preload", "tunables", "m_", "pythondevmode"],
            ),
        }
    });
    kept.map(|item| trimmed(file.slice(item.span))).collect()
}

fn has(text: &[u8], words: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    let holds = |word: &str| text.windows(word.len()).any(|part| part == word.as_bytes());
    words.iter().any(|word| holds(word))
}

/// Whether lines end otherwise, or the last one does.
fn ends_differ(before: &[u8], after: &[u8]) -> Option<Broken> {
    let shown = || String::from_utf8_lossy(after).into_owned();
    let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
    let pairs = |bytes: &[u8]| bytes.windows(2).filter(|pair| pair == b"\r\n").count();
    let all = |bytes: &[u8]| pairs(bytes) == lines(bytes);
    if pairs(before) > 0 && all(before) && !all(after) {
        return Some(("lines end as they did", shown()));
    }
    // Where the last line itself went, the one before it is whole.
    let last = before
        .rsplit(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let kept = last.is_empty() || after.windows(last.len()).any(|part| part == last);
    let differs = !after.is_empty() && kept && before.ends_with(b"\n") != after.ends_with(b"\n");
    differs.then(|| ("the last line ends as it did", shown()))
}

/// Without the blanks at its end, those of Unicode among them: to the builder they are blanks, too.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let mut end = bytes.len();
    while let Some(length) = (1..=4).find(|length| {
        let last = end.checked_sub(*length).map(|start| &bytes[start..end]);
        let text = last.and_then(|last| std::str::from_utf8(last).ok());
        text.is_some_and(|text| !text.is_empty() && text.chars().all(char::is_whitespace))
    }) {
        end -= length;
    }
    &bytes[..end]
}
