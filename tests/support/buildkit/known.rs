//! Where the oracle and our parser may differ, and why.
//!
//! The package is frozen at a BuildKit of early 2024. Each reason names one rule that BuildKit has
//! changed since, or one thing that the package does to its strings, and holds only for a command
//! that shows the construct in question.

use malloclint::internals::dockerfile::syntax::parse;
use malloclint::internals::dockerfile::syntax::{Dockerfile, Escape, Keyword};

use super::oracle::Verdict;
use super::view::{self, Command};

const DIRECTIVE: &str = "the old parser knows no `check` directive and no Unicode blank before one";
const JSON_TAIL: &str = "the old parser takes a JSON array with text behind it for a JSON form";
const HEREDOC: &str =
    "the old lexer reads otherwise `<< EOF`, `<<EOF${a}`, `${a#b}`, `${a%b}`, `${a/b/c}`";
const FLAG_ESCAPE: &str =
    "the old parser escapes with a backslash in flags, whatever `# escape` says";
const BYTEWISE: &str = "BuildKit reads flags and HEALTHCHECK byte by byte, each as Latin-1";

/// Parses `text` and compares with what the oracle says of it. Returns the reasons for which
/// differences were let pass.
///
/// # Errors
/// The first difference that no reason explains.
pub(crate) fn reconcile(text: &str, theirs: &Verdict) -> Result<Vec<&'static str>, String> {
    let mut reasons = Vec::new();
    let file = parse(text.as_bytes());
    let outcome = compare(text, &file, theirs, &mut reasons);
    if outcome.is_ok() {
        return Ok(reasons);
    }
    let Some(older) = without_new_directives(text) else {
        return outcome.map(|()| reasons);
    };
    let mut reasons = vec![DIRECTIVE];
    compare(&older, &parse(older.as_bytes()), theirs, &mut reasons)?;
    Ok(reasons)
}

fn compare(
    text: &str,
    file: &Dockerfile,
    theirs: &Verdict,
    reasons: &mut Vec<&'static str>,
) -> Result<(), String> {
    let ours = view::commands(text.as_bytes(), file);
    match theirs {
        Err(_) if !file.is_accepted() => Ok(()),
        Ok(Some(theirs)) if file.is_accepted() => lists(&ours, theirs, file.escape, reasons),
        Ok(None) if file.is_accepted() && ours.iter().any(cuts_characters) => {
            reasons.push(BYTEWISE);
            Ok(())
        }
        // Our heredoc swallows what is theirs, and may not end. Up to there they agree.
        Ok(Some(theirs)) if ours.iter().any(|c| newer_heredoc(c) || json_heredoc(c)) => {
            lists(&ours, theirs, file.escape, reasons)
        }
        Err(_) if ours.iter().any(newer_heredoc) => {
            reasons.push(HEREDOC);
            Ok(())
        }
        Err(_)
            if ours
                .iter()
                .any(|command| json_tail(command).is_some_and(|s| s.is_none())) =>
        {
            reasons.push(JSON_TAIL);
            Ok(())
        }
        _ => {
            let fatal: Vec<_> = file
                .problems
                .iter()
                .filter(|problem| problem.fatal)
                .collect();
            Err(format!("ours {fatal:?}, theirs {theirs:?}"))
        }
    }
}

fn lists(
    ours: &[Command],
    theirs: &[Command],
    escape: Escape,
    reasons: &mut Vec<&'static str>,
) -> Result<(), String> {
    let mut theirs_left = theirs.iter();
    for ours in ours {
        let theirs = theirs_left.next();
        let Some(theirs) = theirs.map(|theirs| normal(ours, theirs)) else {
            return Err(format!("only we have {ours:?}"));
        };
        if *ours == theirs {
            continue;
        }
        let reason = reason(ours, &theirs, escape)
            .ok_or_else(|| format!("ours {ours:?}\ntheirs {theirs:?}"))?;
        reasons.push(reason);
        if reason == HEREDOC || json_heredoc(ours) {
            // From here on the two read different lines.
            return Ok(());
        }
    }
    theirs_left
        .next()
        .map_or(Ok(()), |theirs| Err(format!("only they have {theirs:?}")))
}

/// Their command with keywords in capitals, and without what ours does not report.
fn normal(ours: &Command, theirs: &Command) -> Command {
    let capitals = |word: &str| match Keyword::of(word) {
        Keyword::Unknown => word.to_owned(),
        known => known.as_str().to_owned(),
    };
    let mut theirs = theirs.clone();
    theirs.cmd = capitals(&theirs.cmd);
    theirs.sub_cmd = theirs.sub_cmd.as_deref().map(capitals);
    theirs.original.clone_from(&ours.original);
    // An unknown keyword over several lines stands in our report as it stands in the file.
    if ours.cmd.contains('\n') {
        theirs.cmd.clone_from(&ours.cmd);
    }
    if ours
        .sub_cmd
        .as_deref()
        .is_some_and(|word| word.contains('\n'))
    {
        theirs.sub_cmd.clone_from(&ours.sub_cmd);
    }
    theirs
}

fn reason(ours: &Command, theirs: &Command, escape: Escape) -> Option<&'static str> {
    let mut but_json = Command {
        json: ours.json,
        value: ours.value.clone(),
        ..theirs.clone()
    };
    if json_heredoc(ours) {
        but_json.heredocs.clone_from(&ours.heredocs);
        but_json.end_line = ours.end_line;
    }
    if theirs.json && but_json == *ours && json_tail(ours) == Some(Some(theirs.value.clone())) {
        return Some(JSON_TAIL);
    }
    let but_flags = Command {
        flags: ours.flags.clone(),
        ..theirs.clone()
    };
    if but_flags == *ours && same_as_latin1(&ours.flags, &theirs.flags) {
        return Some(BYTEWISE);
    }
    let but_value = Command {
        value: ours.value.clone(),
        ..theirs.clone()
    };
    if but_value == *ours && cuts_characters(ours) {
        return Some(BYTEWISE);
    }
    let but_heredocs = Command {
        heredocs: ours.heredocs.clone(),
        end_line: ours.end_line,
        ..theirs.clone()
    };
    if but_heredocs == *ours && newer_heredoc(ours) {
        return Some(HEREDOC);
    }
    let all_flags = ours.flags.iter().chain(&theirs.flags);
    let but_args = Command {
        flags: ours.flags.clone(),
        value: ours.value.clone(),
        json: ours.json,
        sub_cmd: ours.sub_cmd.clone(),
        ..theirs.clone()
    };
    let escapes = |text: &str| text.contains(['\\', '`']);
    if escape == Escape::Backtick
        && but_args == *ours
        && all_flags.into_iter().any(|flag| escapes(flag))
    {
        return Some(FLAG_ESCAPE);
    }
    None
}

/// Whether a heredoc word of the command is read by rules that the old lexer lacks.
fn newer_heredoc(command: &Command) -> bool {
    let text = &command.original;
    let blank = |rest: &str| rest.starts_with([' ', '\t', '\r']);
    let glued = |rest: &str| {
        rest.split_whitespace()
            .next()
            .is_some_and(|w| w.contains("${"))
    };
    let operator = |rest: &str| {
        let name = rest.trim_start_matches(|ch: char| ch.is_alphanumeric() || ch == '_');
        name.trim_start_matches(':').starts_with(['#', '%', '/'])
    };
    let keyword = command.sub_cmd.as_ref().unwrap_or(&command.cmd);
    matches!(keyword.as_str(), "RUN" | "COPY" | "ADD")
        && text.contains("<<")
        && (text
            .split("<<")
            .skip(1)
            .any(|rest| blank(rest) || glued(rest))
            || text.split("${").skip(1).any(operator))
}

/// Whether the command opens a heredoc behind what the old parser takes for its JSON form.
fn json_heredoc(command: &Command) -> bool {
    command.original.contains("<<") && json_tail(command).is_some()
}

/// What the old parser makes of a JSON array with text behind it: `Some(None)` where it holds
/// something else than strings.
fn json_tail(command: &Command) -> Option<Option<Vec<String>>> {
    let text = &command.original;
    let start = text.find('[')?;
    let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter();
    let serde_json::Value::Array(array) = values.next()?.ok()? else {
        return None;
    };
    if text[start + values.byte_offset()..].is_empty() {
        return None;
    }
    let strings = array.into_iter().map(|value| match value {
        serde_json::Value::String(string) => Some(string),
        _ => None,
    });
    let before = text[..start]
        .split_whitespace()
        .map(str::to_owned)
        .map(Some);
    let before = if command.cmd == "HEALTHCHECK" {
        before.collect()
    } else {
        Vec::new()
    };
    Some(before.into_iter().chain(strings).collect())
}

/// Whether BuildKit takes a byte of a character for a blank here.
fn cuts_characters(command: &Command) -> bool {
    let keyword = command.sub_cmd.as_ref().unwrap_or(&command.cmd);
    let cut = |text: &String| text.contains('\u{fffd}');
    command.flags.iter().any(cut)
        || keyword == "HEALTHCHECK" && command.value.iter().any(cut)
        || command.original.contains('\u{fffd}')
}

/// Whether `theirs` are the bytes of `ours`, each taken for a character; a character that was cut
/// is one in ours and a byte or more in theirs.
fn same_as_latin1(ours: &[String], theirs: &[String]) -> bool {
    let latin1 = |flag: &str| flag.bytes().map(char::from).collect::<String>();
    ours.len() == theirs.len()
        && ours
            .iter()
            .zip(theirs)
            .all(|(ours, theirs)| match ours.split_once('\u{fffd}') {
                Some((before, _)) => theirs.starts_with(&latin1(before)),
                None => *theirs == latin1(ours),
            })
}

/// Whether directives stand in a text that the old parser takes for comments.
pub(crate) fn has_new_directives(text: &str) -> bool {
    without_new_directives(text).is_some()
}

/// `text` with its first directive that only a newer BuildKit knows made a plain comment, which
/// ends the block of directives, as it does in the old parser.
fn without_new_directives(text: &str) -> Option<String> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let head = line.trim_start_matches('\u{feff}').trim_start();
        let comment = head.strip_prefix('#')?;
        let name = comment.trim_start();
        let is_check = name
            .get(..5)
            .is_some_and(|name| name.eq_ignore_ascii_case("check"));
        let blanks = &comment[..comment.len() - name.len()];
        if is_check || blanks.contains(|ch: char| !ch.is_ascii() || ch == '\u{b}') {
            let hash = at + (line.len() - head.len()) + 1;
            return Some(format!("{} plain {}", &text[..hash], &text[hash..]));
        }
        at += line.len();
    }
    None
}
