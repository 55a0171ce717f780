//! Files that a program makes of others, or makes others of: they are judged as they stand, and never edited.

use crate::dockerfile::syntax::{Dockerfile, Keyword};
use crate::finding::Finding;

/// Takes the edits from all findings, for that reason.
pub(super) fn leave(findings: &mut [Finding], why: &str) {
    for finding in findings
        .iter_mut()
        .filter(|finding| !finding.edits.is_empty())
    {
        finding.edits.clear();
        finding.refusal = Some(why.to_owned());
    }
}

/// Why a manifest is not edited: `helm template` writes the name of its source above each object.
pub(super) fn manifest(text: &str) -> Option<&'static str> {
    let rendered = |line: &str| {
        let source = line.strip_prefix("# Source: ");
        source.is_some_and(|source| source.contains("/templates/"))
    };
    let says = "`helm template` made this file: change the chart, and render it again";
    text.lines().any(rendered).then_some(says)
}

/// Why a Dockerfile is not edited: something is put in the place of `{{ name }}` before it is built. (A RUN or a health
/// check may hold a format for another program, `docker ps --format '{{.Names}}'`, and the body of a here-document is a
/// file of its own.)
pub(super) fn dockerfile(dockerfile: &Dockerfile) -> Option<String> {
    let own = dockerfile.instructions().filter(|instruction| {
        !matches!(
            instruction.keyword,
            Keyword::Run | Keyword::Healthcheck | Keyword::Label | Keyword::Onbuild
        )
    });
    let mut gaps = own.filter_map(|instruction| gap(instruction.text.as_str()));
    let gap = gaps.next()?;
    Some(format!(
        "a template (`{gap}`): change what it is rendered from"
    ))
}

/// The first `{{ name }}` of a text.
fn gap(text: &str) -> Option<&str> {
    let opened = text
        .match_indices("{{")
        .filter_map(|(at, _)| text.get(at..));
    let mut gaps = opened.filter_map(|rest| rest.get(..rest.find("}}")? + 2));
    gaps.find(|gap| {
        let name = gap.trim_matches(['{', '}']).trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(plain)
    })
}
