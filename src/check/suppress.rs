//! `# malloclint: ignore[rule-a, rule-b] reason`: findings that a person has judged already.
//!
//! A comment holds for the instruction it stands above or within. One that silences nothing, or
//! names a rule that does not exist, is a finding itself.

use std::sync::Arc;

use crate::finding::Finding;
use crate::rules;
use crate::text::{Place, SourceFile, Span};

/// So many rules of one comment are read; there are fewer.
const MOST: usize = 100;

/// One `ignore` comment and what it holds for.
#[derive(Clone, Debug)]
pub(crate) struct Suppression {
    /// The rule ids named, each with its place.
    pub rules: Vec<(String, Span)>,
    /// The text that it holds for.
    pub scope: Span,
}

/// Reads the comment at `comment`; `None` where it is not one of ours.
#[must_use]
pub(crate) fn read(file: &SourceFile, comment: Span, scope: Span) -> Option<Suppression> {
    let text = std::str::from_utf8(file.slice(comment)).ok()?;
    let after = text
        .trim_start_matches('#')
        .trim_start()
        .strip_prefix("malloclint:")?;
    let list = after.trim_start().strip_prefix("ignore[")?;
    let (list, _) = list.split_once(']')?;
    let mut at = comment.start + text.find("ignore[")? + "ignore[".len();
    let mut rules = Vec::new();
    for part in list.split(',').take(MOST) {
        let blanks = part.len() - part.trim_start().len();
        let id = part.trim();
        if !id.is_empty() {
            rules.push((
                id.to_owned(),
                Span::new(at + blanks, at + blanks + id.len()),
            ));
        }
        at += part.len() + 1;
    }
    Some(Suppression { rules, scope })
}

/// A list of rules that stands alone, as in an annotation's value.
#[must_use]
pub(crate) fn listed(file: &SourceFile, list: Span, scope: Span) -> Suppression {
    let text = String::from_utf8_lossy(file.slice(list)).into_owned();
    let mut at = list.start;
    let mut rules = Vec::new();
    for part in text.split(',').take(MOST) {
        let id = part.trim_matches([' ', '"', '\'']);
        let lead = part.find(id).unwrap_or_default();
        if !id.is_empty() {
            rules.push((id.to_owned(), Span::new(at + lead, at + lead + id.len())));
        }
        at += part.len() + 1;
    }
    Suppression { rules, scope }
}

/// Takes away the findings that are suppressed, and adds those about the suppressions themselves.
pub(crate) fn apply(
    file: &Arc<SourceFile>,
    suppressions: &[Suppression],
    findings: &mut Vec<Finding>,
) {
    for suppression in suppressions {
        for (id, span) in &suppression.rules {
            let place = Place::new(file, *span);
            if rules::find(id).is_none() {
                findings.extend(unknown(&place, id));
                continue;
            }
            let before = findings.len();
            findings.retain(|finding| {
                let inside = Arc::ptr_eq(&finding.place.file, file)
                    && suppression.scope.contains(finding.place.span);
                !(finding.rule == id && inside)
            });
            if findings.len() == before {
                findings.extend(
                    rules::of_tool(
                        "suppression-unused",
                        &place,
                        format!("`{id}` finds nothing here"),
                    )
                    .map(|finding| {
                        finding
                            .caption("silences nothing")
                            .help("drop it from the comment")
                    }),
                );
            }
        }
    }
}

/// Takes away the findings in other files than `own`, start scripts say, that a comment there
/// suppresses: on their line, or above it.
pub(crate) fn apply_elsewhere(own: &Arc<SourceFile>, findings: &mut Vec<Finding>) {
    findings.retain(|finding| Arc::ptr_eq(&finding.place.file, own) || !is_silenced(finding));
}

fn is_silenced(finding: &Finding) -> bool {
    let (file, at) = (&finding.place.file, finding.place.span.start);
    let (before, after) = file.bytes.split_at_checked(at).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', after).map_or(file.bytes.len(), |end| at + end);
    let names = |line: Span| {
        let mut marks = memchr::memchr_iter(b'#', file.slice(line));
        marks.any(|mark| {
            let comment = Span::new(line.start + mark, line.end);
            let read = read(file, comment, line);
            read.is_some_and(|read| read.rules.iter().any(|(id, _)| id == finding.rule))
        })
    };
    let mut line = Span::new(start, end);
    let mut said = names(line);
    while !said && line.start > 0 {
        let end = line.start - 1;
        let start = memchr::memrchr(b'\n', file.slice(Span::new(0, end))).map_or(0, |end| end + 1);
        line = Span::new(start, end);
        if !file.slice(line).trim_ascii_start().starts_with(b"#") {
            break;
        }
        said = names(line);
    }
    said
}

fn unknown(place: &Place, id: &str) -> Option<Finding> {
    let help = rules::nearest(id).map_or_else(
        || "`malloclint rules` lists them".into(),
        |near| format!("did you mean `{near}`?"),
    );
    let finding = rules::of_tool(
        "suppression-unknown",
        place,
        format!("there is no rule `{id}`"),
    )?;
    Some(finding.caption("not a rule").help(help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_read_with_the_place_of_every_id() {
        let text = "# malloclint: ignore[allocator-unset, nonsense] measured, no gain";
        let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
        let read = read(&file, Span::new(0, text.len()), Span::new(0, 9)).unwrap();
        let ids: Vec<_> = read
            .rules
            .iter()
            .map(|(id, span)| (id.as_str(), file.text(*span).into_owned()))
            .collect();
        assert_eq!(
            ids,
            [
                ("allocator-unset", "allocator-unset".to_owned()),
                ("nonsense", "nonsense".to_owned())
            ]
        );
        for other in [
            "# hadolint ignore=DL3006",
            "# malloclint",
            "# malloclint: ignore x",
            "# malloclint: ignore[a",
        ] {
            let file = SourceFile::new("Dockerfile", other.as_bytes().to_vec());
            assert!(
                super::read(&file, Span::new(0, other.len()), Span::default()).is_none(),
                "{other}"
            );
        }
    }

    #[test]
    fn a_comment_in_a_script_holds_for_its_line_or_the_next() {
        let text = "#!/bin/sh\n# malloclint: ignore[a, b] why\n# more\nexport A=1\nexport B=2 # malloclint: ignore[a]\nexport C=3\n";
        let file = SourceFile::new("start.sh", text.as_bytes().to_vec());
        let own = SourceFile::new("Dockerfile", Vec::new());
        let left = |rule: &'static str, at: &str| {
            let at = text.find(at).unwrap();
            let place = Place::new(&file, Span::new(at, at + 1));
            let severity = crate::finding::Severity::Warning;
            let mut findings = vec![Finding::new(rule, severity, place, "x")];
            apply_elsewhere(&own, &mut findings);
            findings.len()
        };
        assert_eq!(
            [left("a", "A="), left("b", "A="), left("c", "A=")],
            [0, 0, 1]
        );
        assert_eq!(
            [left("a", "B="), left("b", "B="), left("a", "C=")],
            [0, 1, 1]
        );
    }
}
