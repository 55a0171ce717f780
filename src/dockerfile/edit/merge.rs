//! A package goes into a list of packages that the stage installs already, in that list's style.

use super::{Joined, Plan, Refusal};
use crate::dockerfile::syntax::Keyword;
use crate::facts::Manager;
use crate::model::{Install, User};
use crate::text::{Edit, Span};

impl Plan<'_> {
    /// The edit that adds `package` to the longest list that takes it, and the end of that RUN. (Short
    /// lists are often for one purpose: what fetches a key, what one tool needs.)
    pub(super) fn merged(&self, manager: Manager, package: &str) -> Option<(Edit, usize, Joined)> {
        let installs = self.scene.unit.installs.iter().rev();
        let lists = installs.filter_map(|install| {
            let run = self.layout.holder(install.place.span)?;
            if run.keyword == Keyword::Onbuild || unmarks(self.scene.file.text(run.span).as_ref()) {
                return None;
            }
            Some((List::of(self, install, manager)?, install.place.span, run))
        });
        let (list, command, run) = lists.max_by_key(|(list, ..)| list.names.len())?;
        let joined = Joined {
            end: command.end,
            open: !run.text.as_str().contains(" -c "),
            semicolon: self.followed_by(command, ";"),
            heredoc: run.heredocs.iter().any(|doc| doc.body.contains(command)),
        };
        let edit = list.insert(package, self.layout.newline);
        Some((edit, self.layout.end(run), joined))
    }

    /// Whether a command is followed by that sign, on its line or, continued, on the next.
    fn followed_by(&self, command: Span, sign: &str) -> bool {
        let rest = Span::new(command.end, self.scene.file.bytes.len());
        let rest = self.scene.file.text(rest);
        let blank = |c: char| c.is_whitespace() || matches!(c, '\\' | '`');
        rest.trim_start_matches(blank).starts_with(sign)
    }

    /// Another package in the place of one.
    pub(super) fn replace_package(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let unit = self.scene.unit;
        let package = unit
            .platform
            .release
            .value()
            .and_then(|release| release.package(to));
        let mut words = unit.installs.iter().flat_map(|install| {
            let named = install.packages.iter().zip(&install.words);
            named
                .filter(|(name, _)| *name == from)
                .map(|(_, place)| place)
        });
        let place = words.next().filter(|place| {
            self.layout.holder(place.span).is_some() && self.scene.file.text(place.span) == from
        });
        let place = place
            .ok_or_else(|| Refusal(format!("`{from}` is not named by a list of this stage")))?;
        self.package = package;
        self.edits.push(Edit {
            span: place.span,
            text: to.to_owned(),
        });
        Ok(())
    }
}

/// The packages of one command, as they stand in the file.
struct List<'a> {
    names: &'a [String],
    spans: Vec<Span>,
    bytes: &'a [u8],
    /// Where the command begins.
    start: usize,
}

impl<'a> List<'a> {
    /// The list of an installation, where it can take another package.
    fn of(plan: &Plan<'a>, install: &'a Install, manager: Manager) -> Option<Self> {
        let file = plan.scene.file;
        let command = file.text(install.place.span);
        // What is installed as a group goes as a group.
        let temporary =
            command.contains("--virtual") || command.split_whitespace().any(|word| word == "-t");
        let fits = same(install.manager, manager)
            && !install.conditional
            && install.user.value().is_some_and(User::is_root)
            && !temporary
            && !plan.followed_by(install.place.span, "||")
            && [" install", " add ", " -S", "install_packages"]
                .iter()
                .any(|verb| command.contains(verb))
            && !install.packages.is_empty();
        if !fits {
            return None;
        }
        let spans: Vec<Span> = install.words.iter().map(|place| place.span).collect();
        let inside = |span: &Span| install.place.span.contains(*span);
        let written = install.packages.iter().zip(&spans).all(|(name, span)| {
            let text = file.text(*span);
            text.trim_matches(['"', '\'']).starts_with(name.as_str())
        });
        let ordered = spans
            .windows(2)
            .all(|pair| matches!(pair, [a, b] if a.end < b.start));
        (written && ordered && spans.iter().all(inside)).then(|| Self {
            names: &install.packages,
            spans,
            bytes: &file.bytes,
            start: install.place.span.start,
        })
    }

    fn insert(&self, package: &str, newline: &str) -> Edit {
        if let Some(edit) = self.beside_groups(package, newline) {
            return edit;
        }
        let at = if self.is_sorted() {
            self.names.partition_point(|name| name.as_str() < package)
        } else {
            self.names.len()
        };
        let gap = self.gap(at, newline);
        match self.spans.get(at) {
            Some(next) if at < self.names.len() => Edit {
                span: Span::empty(next.start),
                text: format!("{package}{gap}"),
            },
            _ => Edit {
                span: Span::empty(self.spans.last().map_or(self.start, |last| last.end)),
                text: format!("{gap}{package}"),
            },
        }
    }

    /// Where comments part the list into groups: behind the first one, where that has none above it, else at the end with a
    /// comment of its own.
    fn beside_groups(&self, package: &str, newline: &str) -> Option<Edit> {
        let mut starts = vec![self.start];
        starts.extend(self.spans.iter().map(|span| span.end));
        let headed = |(from, next): (usize, &Span)| {
            let between = Span::new(from, next.start).slice(self.bytes);
            let mut lines = between.split(|byte| *byte == b'\n').skip(1);
            lines.any(|line| line.trim_ascii_start().starts_with(b"#"))
        };
        let mut gaps = starts.into_iter().zip(&self.spans);
        let first = gaps.position(headed)?;
        let gap = self.gap(self.names.len(), newline);
        let (at, text) = match first
            .checked_sub(1)
            .and_then(|before| self.spans.get(before))
        {
            Some(last) => (last.end, format!("{gap}{package}")),
            None => {
                let indent = gap.rsplit('\n').next().unwrap_or_default();
                let last = self.spans.last()?;
                let text = format!("{gap}# memory allocator{newline}{indent}{package}");
                (last.end, text)
            }
        };
        Some(Edit {
            span: Span::empty(at),
            text,
        })
    }

    fn is_sorted(&self) -> bool {
        self.names.len() > 1 && self.names.is_sorted()
    }

    /// What stands between the packages around place `at`: a blank, or a line of its own.
    fn gap(&self, at: usize, newline: &str) -> String {
        let around = at.clamp(1, self.spans.len().max(1));
        let before = around
            .checked_sub(1)
            .and_then(|index| self.spans.get(index));
        let between = match (before, self.spans.get(around)) {
            (Some(before), Some(next)) => Span::new(before.end, next.start),
            _ => self.last_gap(),
        };
        let text = String::from_utf8_lossy(between.slice(self.bytes)).into_owned();
        let Some((first, _)) = text.split_once('\n') else {
            return " ".into();
        };
        // Comments between the lines stay where they are.
        let indent = text.rsplit('\n').next().unwrap_or_default();
        format!("{}{newline}{indent}", first.trim_end())
    }

    /// The gap before the last package.
    fn last_gap(&self) -> Span {
        let last = self.spans.last().copied().unwrap_or_default();
        let before = self
            .spans
            .len()
            .checked_sub(2)
            .and_then(|index| self.spans.get(index));
        if let Some(before) = before {
            return Span::new(before.end, last.start);
        }
        // A single package: is it on a line of its own?
        let head = Span::new(self.start, last.start).slice(self.bytes);
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b'\\' | b'`');
        let words = head
            .iter()
            .rposition(|byte| !blank(byte))
            .map_or(0, |at| at + 1);
        Span::new(self.start + words, last.start)
    }
}

/// Whether a build step takes away again what it installs, unless it is in a list of its own.
fn unmarks(step: &str) -> bool {
    ["apt-mark auto", "history undo"]
        .iter()
        .any(|word| step.contains(word))
}

/// Whether the one takes what the other installs.
fn same(one: Manager, other: Manager) -> bool {
    one == other || one.is_rpm() && other.is_rpm()
}
