//! `# malloclint: ignore[rule-a, rule-b] reason until=2027-01-01`: findings that a person has judged already.
//!
//! A comment holds for the instruction it stands above or within. One that silences nothing, is over, names a rule that does
//! not exist or is not written as it must be, is a finding itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::facts::roles;
use crate::finding::{Applicability, Finding};
use crate::policy::{Date, Policy};
use crate::rules;
use crate::text::{Edit, Place, SourceFile, Span, near};

/// What comments are addressed to.
const NAME: &str = "malloclint";

/// So many rules of one comment are read; there are fewer.
const MOST: usize = 100;

/// One `ignore` comment and what it holds for.
#[derive(Clone, Debug)]
pub(crate) struct Suppression {
    /// The rule ids named, each with its place.
    pub rules: Vec<(String, Span)>,
    /// The last day on which it holds.
    pub until: Option<Date>,
    /// The text that it holds for.
    pub scope: Span,
    /// Where it stands.
    stands: Span,
    /// The comment that it is; nothing where it is a list that stands alone.
    comment: Option<Span>,
    /// Why it does nothing as it is written, and what to write.
    fault: Option<(String, &'static str)>,
}

/// Reads the comment at `comment`; `None` where it is not one of ours.
#[must_use]
pub(crate) fn read(file: &SourceFile, comment: Span, scope: Span) -> Option<Suppression> {
    let text = std::str::from_utf8(file.slice(comment)).ok()?;
    let said = text.trim_start_matches('#').trim_start();
    let (name, after) = addressed(said)?;
    let mut suppression = Suppression {
        rules: Vec::new(),
        until: None,
        scope,
        stands: comment,
        comment: Some(comment),
        fault: None,
    };
    let list = after.strip_prefix(':').map(str::trim_start);
    let list = list.and_then(|after| after.strip_prefix("ignore["));
    let ours = near::slips(NAME, &name.to_ascii_lowercase()) == 0;
    let Some((list, rest)) = list.and_then(|list| list.split_once(']')).filter(|_| ours) else {
        let fault = if ours {
            misspelt(after)?
        } else {
            // Another word is ours only where what follows is.
            misspelt(after).filter(|_| after.contains('['))?;
            format!("`{name}` is not known, and silences nothing")
        };
        suppression.fault = Some((fault, "write `# malloclint: ignore[RULE]`"));
        return Some(suppression);
    };
    suppression.rules = names(
        list,
        comment.start + text.find("ignore[")? + "ignore[".len(),
    );
    if suppression.rules.is_empty() {
        let why = "it names no rule, and silences nothing".to_owned();
        suppression.fault = Some((why, "write the rules between the brackets"));
    }
    suppression.until_in(rest);
    Some(suppression)
}

/// What a comment is addressed by: our name, or nearly so, and what follows.
fn addressed(said: &str) -> Option<(&str, &str)> {
    let end = said.find(|c: char| !c.is_ascii_alphanumeric());
    let (word, after) = said.split_at_checked(end.unwrap_or(said.len()))?;
    let lower = word.to_ascii_lowercase();
    // A longer word that begins with it is another's.
    let longer = lower.starts_with(NAME) && word.len() > NAME.len();
    let nearly = word.len().abs_diff(NAME.len()) <= 2 && near::slips(NAME, &lower) <= 2;
    (nearly && !longer).then_some((word, after))
}

impl Suppression {
    /// Reads the last day on which it holds from what stands behind the rules.
    fn until_in(&mut self, rest: &str) {
        let until = |word: &&str| {
            let word = word
                .trim_start_matches(['(', ',', '['])
                .to_ascii_lowercase();
            word.starts_with("until") && (word.contains(['=', ':']) || word == "until")
        };
        let mut days = rest.split_whitespace().filter(until);
        if let Some(word) = days.next() {
            let day = word.strip_prefix("until=");
            self.until = day.and_then(Date::read).filter(|_| days.next().is_none());
            let said = rest.contains(char::is_numeric) || day.is_some();
            if self.until.is_none() && said {
                let shown = day.unwrap_or(word);
                let why = format!("`{shown}` is no day, and it holds for good");
                self.fault = Some((why, "write the last day as `until=2027-01-01`, once"));
            }
        }
    }
}

/// What a comment would be that is nearly one of ours: `malloclint ignore=rule`.
fn misspelt(after: &str) -> Option<String> {
    let said = after.trim_start_matches([':', ' ', '\t', '=']);
    if said.len() == after.len() && !said.is_empty() {
        return None;
    }
    let word = said.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'));
    let word = word.into_iter().next().unwrap_or_default();
    let lower = word.to_ascii_lowercase();
    let slip = near::slips("ignore", &lower) <= 2 && said.contains('[');
    if !slip && !roles::is_ignore_word(&lower) {
        return None;
    }
    Some(match lower.strip_prefix("ignore") {
        Some("-file" | "_file") => "`ignore-file` is not known, and silences nothing: `[[ignore]]` in `malloclint.toml` holds for whole files".into(),
        Some("") if said.contains('[') && !said.contains(']') => {
            "the bracket is not closed, and it silences nothing".into()
        }
        Some("") => "it is not written as it must be, and silences nothing".into(),
        _ => format!("`{word}` is not known, and silences nothing"),
    })
}

/// The names of a list that begins at `at`.
fn names(list: &str, mut at: usize) -> Vec<(String, Span)> {
    let mut rules = Vec::new();
    for part in list.split(',').take(MOST) {
        let id = part.trim_matches([' ', '\t', '"', '\'']);
        let lead = part.find(id).unwrap_or_default();
        if !id.is_empty() {
            let span = Span::new(at + lead, at + lead + id.len());
            rules.push((id.to_owned(), span));
        }
        at += part.len() + 1;
    }
    rules
}

/// A list of rules that stands alone, as in an annotation's value.
#[must_use]
pub(crate) fn listed(file: &SourceFile, list: Span, scope: Span) -> Suppression {
    let text = String::from_utf8_lossy(file.slice(list)).into_owned();
    // What follows the rules is parted from them by a blank only.
    let until = text.match_indices("until").map(|(at, _)| at);
    let mut until = until.filter(|at| {
        let before = text.get(..*at).unwrap_or_default();
        before.ends_with([' ', '\t', ',', '('])
    });
    let (list_text, rest) = match until.next() {
        Some(at) => text.split_at_checked(at).unwrap_or((&text, "")),
        None => (text.as_str(), ""),
    };
    let mut suppression = Suppression {
        rules: names(list_text.trim_end_matches('('), list.start),
        until: None,
        scope,
        stands: list,
        comment: None,
        fault: None,
    };
    suppression.until_in(rest.trim_end_matches(['"', '\'']));
    suppression
}

/// Takes away the findings that are suppressed, and adds those about the suppressions themselves.
pub(crate) fn apply(
    file: &Arc<SourceFile>,
    suppressions: &[Suppression],
    findings: &mut Vec<Finding>,
    policy: &Policy,
) {
    if policy.no_ignores {
        return;
    }
    // Of each rule where its findings are: there may be thousands of names.
    let mut places: BTreeMap<&str, Vec<(usize, usize)>> = BTreeMap::new();
    for (at, finding) in findings.iter().enumerate() {
        if Arc::ptr_eq(&finding.place.file, file) {
            let start = finding.place.span.start;
            places.entry(finding.rule).or_default().push((start, at));
        }
    }
    places
        .values_mut()
        .for_each(|places| places.sort_unstable());
    let mut silenced = vec![false; findings.len()];
    let mut told = Vec::new();
    let head = if suppressions.is_empty() {
        0
    } else {
        head(&file.bytes)
    };
    for suppression in suppressions {
        told.extend(malformed(file, suppression));
        if let Some(until) = suppression.ended(policy) {
            told.extend(expired(file, suppression, until, head));
            continue;
        }
        for (id, span) in &suppression.rules {
            let place = Place::new(file, *span);
            if rules::find(id).is_none() {
                told.extend(unknown(&place, id));
                continue;
            }
            let scope = suppression.scope;
            let own = places.get(id.as_str()).map_or(&[][..], Vec::as_slice);
            let from = own.partition_point(|(start, _)| *start < scope.start);
            let own = own.get(from..).unwrap_or_default();
            let own = own.iter().take_while(|(start, _)| *start <= scope.end);
            let mut any = false;
            for (_, at) in own {
                let inside = findings
                    .get(*at)
                    .is_some_and(|finding| scope.contains(finding.place.span));
                if let Some(silenced) = silenced.get_mut(*at).filter(|_| inside) {
                    // What another comment silenced is no use of this one.
                    any |= !std::mem::replace(silenced, true);
                }
            }
            if !any {
                told.extend(unused(file, suppression, (id, *span), head));
            }
        }
    }
    let mut gone = silenced.into_iter();
    findings.retain(|_| !gone.next().unwrap_or(false));
    findings.append(&mut told);
}

impl Suppression {
    /// The same for another part of the text.
    #[must_use]
    pub(crate) fn held_for(self, scope: Span) -> Self {
        Self { scope, ..self }
    }

    /// The day on which it ended, where that lies behind.
    fn ended(&self, policy: &Policy) -> Option<&Date> {
        let today = policy.today.as_ref()?;
        self.until.as_ref().filter(|until| *until < today)
    }

    /// Gives a finding about it the edits that take the comment out; the text begins at byte `head`.
    fn taken_out(&self, file: &Arc<SourceFile>, finding: Finding, head: usize) -> Finding {
        let comment = self.comment.filter(|comment| comment.start > head);
        let span = comment.and_then(|comment| whole(file, comment));
        dropped(file, finding, span, "drop the comment")
    }
}

/// The same finding with the edit that drops those bytes.
fn dropped(file: &Arc<SourceFile>, finding: Finding, span: Option<Span>, title: &str) -> Finding {
    let Some(span) = span else {
        return finding;
    };
    let mut finding = finding.remedy(title, Applicability::Safe, Vec::new());
    finding.edits = vec![Edit {
        span,
        text: String::new(),
    }];
    finding.edited = Some(Arc::clone(file));
    finding
}

/// Where the first line begins that is neither blank nor a comment. Above the first instruction of a Dockerfile a comment ends
/// the parser directives: without it another one might be read as one.
fn head(bytes: &[u8]) -> usize {
    let of_head = |line: &&[u8]| {
        let line = line.trim_ascii();
        line.is_empty() || line.starts_with(b"#")
    };
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.take_while(of_head).map(<[u8]>::len).sum()
}

/// A comment with its line where it stands alone, else with the blanks before it.
fn whole(file: &SourceFile, comment: Span) -> Option<Span> {
    let (before, rest) = file.bytes.split_at_checked(comment.start)?;
    let line = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let lead = before.get(line..)?;
    if lead.trim_ascii().is_empty() {
        let end = memchr::memchr(b'\n', rest).map_or(file.bytes.len(), |at| comment.start + at + 1);
        return Some(Span::new(line, end));
    }
    let blanks = lead.len() - lead.trim_ascii_end().len();
    Some(Span::new(comment.start - blanks, comment.end))
}

fn malformed(file: &Arc<SourceFile>, suppression: &Suppression) -> Option<Finding> {
    let (why, help) = suppression.fault.as_ref()?;
    let place = Place::new(file, suppression.stands);
    let finding = rules::of_tool("suppression-malformed", &place, why.clone())?;
    Some(finding.caption("does not do what it says").help(*help))
}

fn expired(
    file: &Arc<SourceFile>,
    suppression: &Suppression,
    until: &Date,
    head: usize,
) -> Option<Finding> {
    let place = Place::new(file, suppression.stands);
    let message = format!("it held until {until}, and silences nothing any more");
    let finding = rules::of_tool("suppression-expired", &place, message)?;
    let finding = finding.caption("over").help(
        "look at what it silenced again: fix that and drop the comment, or give it another day",
    );
    Some(suppression.taken_out(file, finding, head))
}

fn unused(
    file: &Arc<SourceFile>,
    suppression: &Suppression,
    (id, span): (&str, Span),
    head: usize,
) -> Option<Finding> {
    let place = Place::new(file, span);
    let message = format!("`{id}` finds nothing here");
    let finding = rules::of_tool("suppression-unused", &place, message)?;
    let finding = finding
        .caption("silences nothing")
        .help("drop it from the comment");
    if suppression.rules.len() < 2 {
        return Some(suppression.taken_out(file, finding, head));
    }
    // A list that stands alone may be quoted in its format's own way.
    let part = suppression.comment.and_then(|_| with_its_comma(file, span));
    Some(dropped(file, finding, part, "drop it from the comment"))
}

/// The name of a list with the comma behind it, or, of the last one, before it.
fn with_its_comma(file: &SourceFile, name: Span) -> Option<Span> {
    let (before, _) = file.bytes.split_at_checked(name.start)?;
    let (_, after) = file.bytes.split_at_checked(name.end)?;
    if before
        .last()
        .is_some_and(|byte| matches!(byte, b'"' | b'\''))
    {
        // Its quotes would stay.
        return None;
    }
    let blanks = |text: &[u8]| text.len() - text.trim_ascii_start().len();
    let rest = after.trim_ascii_start();
    if rest.first() == Some(&b',') {
        let next = after.get(blanks(after) + 1..)?;
        let end = name.end + blanks(after) + 1 + blanks(next);
        return Some(Span::new(name.start, end));
    }
    let comma = memchr::memrchr(b',', before)?;
    Some(Span::new(comma, name.end))
}

/// Takes away the findings in other files than `own`, start scripts say, that a comment there
/// suppresses: on their line, or above it.
pub(crate) fn apply_elsewhere(own: &Arc<SourceFile>, findings: &mut Vec<Finding>, policy: &Policy) {
    if policy.no_ignores {
        return;
    }
    findings
        .retain(|finding| Arc::ptr_eq(&finding.place.file, own) || !is_silenced(finding, policy));
}

fn is_silenced(finding: &Finding, policy: &Policy) -> bool {
    let (file, at) = (&finding.place.file, finding.place.span.start);
    let (before, after) = file.bytes.split_at_checked(at).unwrap_or_default();
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let end = memchr::memchr(b'\n', after).map_or(file.bytes.len(), |end| at + end);
    let names = |line: Span| {
        let mut marks = memchr::memchr_iter(b'#', file.slice(line));
        marks.any(|mark| {
            let comment = Span::new(line.start + mark, line.end);
            let read = read(file, comment, line);
            let read = read.filter(|read| read.ended(policy).is_none());
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
        for wrong in [
            "# malloclint: ignore x",
            "# malloclint: ignore=x",
            "# malloclint ignore[x]",
            "#malloclint:disable[x]",
            "# malloclint: ignore[a",
            "# malloclint: ignore[]",
            "# malloclint: ignore-file",
            "# malloclint: ignore[x] until=soon",
        ] {
            let file = SourceFile::new("Dockerfile", wrong.as_bytes().to_vec());
            let read = super::read(&file, Span::new(0, wrong.len()), Span::default());
            assert!(read.is_some_and(|read| read.fault.is_some()), "{wrong}");
        }
        for other in [
            "# hadolint ignore=DL3006",
            "# malloclint",
            "# malloclint says so: ignore it",
            "# malloclint: measured, no gain",
            "# malloclinter: ignore[x]",
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
            apply_elsewhere(&own, &mut findings, &Policy::default());
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
