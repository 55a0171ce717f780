//! What lines of a log mean that allocators, loaders, servers and kernels print. The data is `log_lines/*.toml`:
//!
//! - `pattern`: what the line holds, in the syntax of the `regex` crate; what stands around it does not matter
//! - `who` prints it, what it `means` (`{group}` stands for what the named group matched), its `causes`, likeliest first
//! - `rule`: the rule that finds the cause in a Dockerfile, where one does; `fix`: what to do; `next`: the next command
//! - `examples`: real lines; `source`: where they were read or how they were made

use std::sync::OnceLock;

use regex::{Regex, RegexSet};
use serde::Deserialize;

use super::data::Table;

/// A kind of line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogLine {
    /// What it is called in tests.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "tests tell entries apart by it")
    )]
    name: String,
    pattern: String,
    /// Who prints it.
    pub who: String,
    means: String,
    /// Why it is printed, likeliest first.
    pub causes: Vec<String>,
    /// The rule that finds the cause.
    pub rule: Option<String>,
    /// The next command.
    pub next: String,
    /// What to do.
    pub fix: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "tests match them"))]
    examples: Vec<String>,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// What a line means.
#[derive(Debug)]
pub(crate) struct Meaning {
    /// The kind of line.
    pub line: &'static LogLine,
    /// What it says, with the names that stand in it.
    pub means: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    line: Vec<LogLine>,
}

/// The first kind that fits counts: special ones stand before general ones.
static FILES: [Table<File>; 5] = [
    Table::new(include_str!("log_lines/loaders.toml")),
    Table::new(include_str!("log_lines/jemalloc.toml")),
    Table::new(include_str!("log_lines/allocators.toml")),
    Table::new(include_str!("log_lines/programs.toml")),
    Table::new(include_str!("log_lines/killed.toml")),
];

/// What a line of a log means, if it is one that is known.
#[must_use]
pub(crate) fn meaning(text: &str) -> Option<Meaning> {
    // All patterns in one: a log has many lines.
    static ALL: OnceLock<Option<RegexSet>> = OnceLock::new();
    let all = ALL.get_or_init(|| RegexSet::new(lines().map(|line| &line.pattern)).ok());
    match all {
        Some(all) => lines().nth(all.matches(text).iter().min()?)?.read(text),
        // One of them may be broken: the others still count.
        None => lines().find_map(|line| line.read(text)),
    }
}

fn lines() -> impl Iterator<Item = &'static LogLine> {
    FILES.iter().flat_map(|file| &file.get().line)
}

impl LogLine {
    fn read(&'static self, text: &str) -> Option<Meaning> {
        let pattern = Regex::new(&self.pattern).ok()?;
        let found = pattern.captures(text)?;
        let mut means = self.means.clone();
        for name in pattern.capture_names().flatten() {
            let group = found.name(name).map_or("", |group| group.as_str());
            means = means.replace(&format!("{{{name}}}"), group);
        }
        Some(Meaning { line: self, means })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_can_be_read_and_says_where_it_is_from() {
        for file in &FILES {
            file.check().unwrap();
        }
        let mut names = std::collections::BTreeSet::new();
        for line in lines() {
            assert!(names.insert(&line.name), "{} stands twice", line.name);
            assert!(
                !line.source.is_empty() && !line.causes.is_empty(),
                "{}",
                line.name
            );
            assert!(
                !line.examples.is_empty() && !line.fix.is_empty(),
                "{}",
                line.name
            );
            assert!(!line.next.contains('\n'), "{}", line.name);
            Regex::new(&line.pattern).unwrap();
        }
        assert!(names.len() > 100, "{}", names.len());
    }

    #[test]
    fn every_real_line_is_told_by_its_own_entry() {
        for line in lines() {
            for example in &line.examples {
                for whole in [
                    example.clone(),
                    format!("2026-11-29T10:00:00Z python: {example}"),
                    format!("web-1  | {example}"),
                ] {
                    let found = meaning(&whole).unwrap();
                    assert_eq!(found.line.name, line.name, "{whole}");
                    let pattern = Regex::new(&line.pattern).unwrap();
                    for group in pattern.capture_names().flatten() {
                        let open = format!("{{{group}}}");
                        assert!(!found.means.contains(&open), "{}", found.means);
                    }
                }
            }
        }
    }

    #[test]
    fn other_lines_are_not_known() {
        for line in include_str!("log_lines/unknown.txt").lines() {
            assert!(meaning(line).is_none(), "{line}");
        }
    }
}
