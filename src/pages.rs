//! Reads the rule pages (`rules/*.md`): TOML front matter between `+++` lines, then Markdown whose
//! fenced examples are run as tests.
//!
//! A page is the single source of a rule's metadata, documentation and examples. Pages are compiled
//! in; a front matter is parsed when somebody asks for it.

use serde::Deserialize;

use crate::finding::Severity;

/// The metadata of a rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// One line: what it finds.
    pub summary: String,
    /// The severity of its findings; a finding may be less severe.
    pub severity: Severity,
    /// The version that brought it.
    pub since: String,
    /// The kinds of input it speaks about.
    pub inputs: Vec<String>,
    /// Whether findings can be fixed by the tool.
    pub fix: Fix,
}

/// Whether findings can be fixed by the tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fix {
    /// Always, safely.
    Safe,
    /// Sometimes, or not safely.
    Sometimes,
    /// Never; the page says why.
    None,
}

/// A page that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The `+++` lines are missing.
    #[error("the page has no front matter between two `+++` lines")]
    NoFrontMatter,
    /// The front matter is not what it should be.
    #[error("the front matter cannot be read: {0}")]
    FrontMatter(#[from] toml_edit::de::Error),
}

/// Splits a page into its metadata and its Markdown.
///
/// # Errors
/// Where the front matter is missing or not as [`Meta`] wants it.
pub fn read(page: &str) -> Result<(Meta, &str), PageError> {
    let rest = page.strip_prefix("+++\n").ok_or(PageError::NoFrontMatter)?;
    let (front, body) = rest.split_once("\n+++\n").ok_or(PageError::NoFrontMatter)?;
    Ok((
        toml_edit::de::from_str(front)?,
        body.trim_start_matches('\n'),
    ))
}

/// A fenced block of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fence<'a> {
    /// What stands behind the backticks: `dockerfile example`.
    pub info: &'a str,
    /// The text between the fences.
    pub text: &'a str,
    /// The line of the opening fence, from 1, counted in the text given.
    pub line: usize,
}

/// The fenced blocks of a Markdown text, in order.
#[must_use]
pub fn fences(body: &str) -> Vec<Fence<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(&str, usize, usize)> = None;
    let mut at = 0;
    for (number, line) in body.split_inclusive('\n').enumerate() {
        let end = at + line.len();
        match (open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some((info.trim(), end, number + 1)),
            (Some((info, start, line)), Some(_)) => {
                found.push(Fence {
                    info,
                    text: body.get(start..at).unwrap_or_default(),
                    line,
                });
                open = None;
            }
            _ => {}
        }
        at = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn front_matter_and_fences() {
        let page = "+++\nsummary = \"s\"\nseverity = \"info\"\nsince = \"0.1.0\"\ninputs = [\"dockerfile\"]\nfix = \"none\"\n+++\n\n# t\n\n```sh x\na\nb\n```\n";
        let (meta, body) = read(page).unwrap();
        assert_eq!((meta.severity, meta.fix), (Severity::Info, Fix::None));
        assert_eq!(
            fences(body),
            [Fence {
                info: "sh x",
                text: "a\nb\n",
                line: 3
            }]
        );
        assert!(matches!(read("# t"), Err(PageError::NoFrontMatter)));
        assert!(matches!(
            read("+++\nx = 1\n+++\n"),
            Err(PageError::FrontMatter(_))
        ));
    }
}
