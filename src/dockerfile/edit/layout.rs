//! How a Dockerfile is laid out: its line ends, how it continues lines, where a stage has room.

use std::cell::OnceCell;

use crate::dockerfile::stages;
use crate::dockerfile::syntax::{Args, Dockerfile, Instruction, Item, ItemKind, Keyword, Pair};
use crate::text::{SourceFile, Span, paths};

/// The habits of one file, and the stage that is written into.
pub(super) struct Layout<'a> {
    file: &'a SourceFile,
    dockerfile: &'a Dockerfile,
    /// The stage's FROM.
    pub(super) from: Option<&'a Instruction>,
    /// What follows it.
    pub(super) body: Vec<&'a Instruction>,
    /// `\n` or `\r\n`.
    pub(super) newline: &'static str,
    lower: bool,
    /// How the first RUN with several commands puts them under each other.
    style: OnceCell<Chain>,
}

impl<'a> Layout<'a> {
    /// The layout of one stage, counted from 0.
    pub(super) fn of(file: &'a SourceFile, dockerfile: &'a Dockerfile, stage: usize) -> Self {
        let (_, mut all) = stages::split(dockerfile);
        let stage = (stage < all.len()).then(|| all.swap_remove(stage));
        let (from, body) = stage.map_or((None, Vec::new()), |stage| (Some(stage.from), stage.body));
        let first = memchr::memchr(b'\n', &file.bytes);
        let crlf = first.is_some_and(|at| at > 0 && file.bytes.get(at - 1) == Some(&b'\r'));
        let keyword = from.map(|from| file.text(from.keyword_span));
        Self {
            file,
            dockerfile,
            from,
            body,
            newline: if crlf { "\r\n" } else { "\n" },
            lower: keyword.is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase())),
            style: OnceCell::new(),
        }
    }

    /// A keyword in the file's own case.
    pub(super) fn keyword(&self, keyword: Keyword) -> String {
        if self.lower {
            keyword.as_str().to_lowercase()
        } else {
            keyword.as_str().to_owned()
        }
    }

    /// Whether the builder of the file reads here-documents: the file has some, or its frontend does (`reads` says so of
    /// one that is named). A builder that is not named is taken for a recent one, but for files that are called as
    /// Podman's and Buildah's.
    pub(super) fn has_heredocs(&self, reads: impl Fn(&str) -> bool) -> bool {
        let mut instructions = self.dockerfile.instructions();
        if instructions.any(|instruction| !instruction.heredocs.is_empty()) {
            return true;
        }
        let named = self
            .dockerfile
            .items
            .iter()
            .find_map(|item| match &item.kind {
                ItemKind::Directive(one)
                    if self.file.text(one.name).eq_ignore_ascii_case("syntax") =>
                {
                    Some(self.file.text(one.value))
                }
                _ => None,
            });
        match named {
            Some(frontend) => reads(&frontend),
            None => !paths::file_name(&self.file.path).starts_with("Containerfile"),
        }
    }

    /// What ends a line that goes on.
    pub(super) fn continued(&self) -> String {
        let escape = char::from(self.dockerfile.escape.byte());
        format!(" {escape}{}", self.newline)
    }

    /// The item that holds an instruction: all of its lines.
    pub(super) fn item(&self, instruction: &Instruction) -> Option<&'a Item> {
        let items = &self.dockerfile.items;
        let after = items.partition_point(|item| item.span.start <= instruction.span.start);
        items.get(after.checked_sub(1)?)
    }

    /// The items that begin before a byte.
    fn before(&self, at: usize) -> &'a [Item] {
        let items = &self.dockerfile.items;
        let count = items.partition_point(|item| item.span.start < at);
        items.get(..count).unwrap_or_default()
    }

    /// The end of an instruction's last line.
    pub(super) fn end(&self, instruction: &Instruction) -> usize {
        self.item(instruction)
            .map_or(instruction.span.end, |item| item.span.end)
    }

    /// The start of an instruction's first line, or of the comments right above it.
    pub(super) fn start(&self, instruction: &Instruction) -> usize {
        let Some(item) = self.item(instruction) else {
            return instruction.span.start;
        };
        let above = self.before(item.span.start).iter().rev();
        let above = above.take_while(|other| matches!(other.kind, ItemKind::Comment(_)));
        above
            .last()
            .map_or(item.span.start, |first| first.span.start)
    }

    /// The comments right above an instruction, as one text; empty where there are none.
    pub(super) fn heading(&self, instruction: &Instruction) -> String {
        let start = self.item(instruction).map(|item| item.span.start);
        let start = start.unwrap_or(instruction.span.start);
        let above = self.start(instruction);
        self.file
            .text(Span::new(above, start.max(above)))
            .into_owned()
    }

    /// The instruction of this stage that holds `span`.
    pub(super) fn holder(&self, span: Span) -> Option<&'a Instruction> {
        let begins = |instruction: &&Instruction| {
            let item = self.item(instruction);
            item.is_some_and(|item| item.span.start <= span.start)
        };
        let last = self.body.partition_point(begins).checked_sub(1)?;
        let last = self.body.get(last).copied()?;
        let holds = self.item(last)?.span.contains(span);
        holds.then_some(last)
    }

    /// The first place of the stage where something can be installed: behind FROM and what prepares
    /// the build (proxies, shell), but before a preload that would be in force.
    pub(super) fn first_gap(&self) -> usize {
        let mut gap = self.from.map_or(0, |from| self.end(from));
        for instruction in &self.body {
            let prepares = matches!(
                instruction.keyword,
                Keyword::Arg | Keyword::Env | Keyword::Label | Keyword::Shell | Keyword::Maintainer
            );
            if !prepares || sets(instruction, "LD_PRELOAD") {
                break;
            }
            gap = self.end(instruction);
        }
        gap
    }

    /// The line of the last instruction, where that ends at `at`, the end of the file, and goes on: what is written there
    /// would be a part of it.
    pub(super) fn goes_on_at(&self, at: usize) -> Option<usize> {
        let mut items = self.dockerfile.items.iter().rev();
        let item = items.find(|item| matches!(item.kind, ItemKind::Instruction(_)))?;
        if at != self.file.bytes.len() || item.span.end != at {
            return None;
        }
        let text = self.file.text(item.span);
        let said = |line: &&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let last = text.lines().rev().find(said)?.trim_end();
        let escape = char::from(self.dockerfile.escape.byte());
        let line = || {
            self.file
                .lines()
                .locate(&self.file.bytes, item.span.start)
                .line
        };
        last.ends_with(escape).then(line)
    }

    /// Lines for insertion behind the line that ends at `at`: they start on a line of their own, and
    /// a blank line sets them off where one follows there. (`text` ends with a line end.)
    pub(super) fn insertion(&self, at: usize, text: &str) -> String {
        let before = self.file.bytes.get(..at).unwrap_or_default();
        if !before.is_empty() && !before.ends_with(b"\n") {
            return format!("{}{}", self.newline, text.trim_end_matches(['\r', '\n']));
        }
        let from = self.dockerfile.items.get(self.before(at).len()..);
        let follow = from.unwrap_or_default().iter();
        let mut here = follow.take_while(|item| item.span.start == at);
        if here.any(|item| matches!(item.kind, ItemKind::Blank)) {
            return format!("{}{text}", self.newline);
        }
        text.to_owned()
    }

    /// The same without a blank line: for what belongs to the line before.
    pub(super) fn insertion_tight(&self, at: usize, text: &str) -> String {
        let before = self.file.bytes.get(..at).unwrap_or_default();
        if before.is_empty() || before.ends_with(b"\n") {
            return text.to_owned();
        }
        format!("{}{}", self.newline, text.trim_end_matches(['\r', '\n']))
    }

    /// How the commands of a RUN are put under each other.
    pub(super) fn chain(&self, commands: &[String]) -> String {
        let first = || {
            let mut instructions = self.dockerfile.instructions();
            let style = instructions.find_map(|instruction| {
                let is_run = instruction.keyword == Keyword::Run;
                is_run.then(|| Chain::of(&self.file.text(instruction.span)))?
            });
            style.unwrap_or_default()
        };
        let style = self.style.get_or_init(first);
        style.join(commands, &self.continued())
    }

    /// What stands before the second line of an ENV.
    pub(super) fn env_indent(&self) -> String {
        let envs = self.dockerfile.instructions();
        let envs = envs.filter(|instruction| instruction.keyword == Keyword::Env);
        envs.filter_map(|env| second_indent(&self.file.text(env.span)))
            .next()
            .unwrap_or_else(|| "    ".into())
    }

    /// Whether a RUN of the file mounts one of these folders as a cache.
    pub(super) fn caches(&self, folders: &[String]) -> bool {
        let runs = self.dockerfile.instructions();
        runs.flat_map(|instruction| &instruction.flags).any(|flag| {
            let value = flag.value.as_ref().map_or("", |value| value.as_str());
            flag.name == "mount"
                && value.contains("type=cache")
                && folders.iter().any(|folder| value.contains(folder.as_str()))
        })
    }
}

/// The pairs of an ENV or ARG.
pub(super) fn pairs(instruction: &Instruction) -> &[Pair] {
    match &instruction.args {
        Args::Pairs(pairs) => pairs,
        _ => &[],
    }
}

/// Whether an ENV sets the variable.
pub(super) fn sets(instruction: &Instruction, name: &str) -> bool {
    instruction.keyword == Keyword::Env
        && pairs(instruction)
            .iter()
            .any(|pair| pair.key.raw.as_str() == name)
}

/// `&&` at the start of lines or at their end, and the indent.
#[derive(Debug, PartialEq, Eq)]
struct Chain {
    leading: bool,
    indent: String,
}

impl Default for Chain {
    fn default() -> Self {
        Self {
            leading: true,
            indent: "    ".into(),
        }
    }
}

impl Chain {
    /// The style of a RUN that has several commands under each other.
    fn of(text: &str) -> Option<Self> {
        let mut trailing = false;
        for line in text.lines().skip(1) {
            let indent = line.len() - line.trim_start().len();
            let indent = line.get(..indent).unwrap_or_default().to_owned();
            if line.trim_start().starts_with("&&") {
                return Some(Self {
                    leading: true,
                    indent,
                });
            }
            if trailing {
                return Some(Self {
                    leading: false,
                    indent,
                });
            }
            trailing = ends_with_and(line);
        }
        let first = text.lines().next().unwrap_or_default();
        let second = second_indent(text)?;
        ends_with_and(first).then_some(Self {
            leading: false,
            indent: second,
        })
    }

    fn join(&self, commands: &[String], continued: &str) -> String {
        let between = if self.leading {
            format!("{continued}{}&& ", self.indent)
        } else {
            format!(" &&{continued}{}", self.indent)
        };
        commands.join(&between)
    }
}

fn ends_with_and(line: &str) -> bool {
    line.trim_end()
        .strip_suffix(['\\', '`'])
        .is_some_and(|line| line.trim_end().ends_with("&&"))
}

/// The indent of the second line, where it is no comment.
fn second_indent(text: &str) -> Option<String> {
    let line = text.lines().nth(1)?;
    let words = line.trim_start();
    let indent = line.get(..line.len() - words.len())?;
    (!words.starts_with('#') && !indent.is_empty()).then(|| indent.to_owned())
}
