//! Spells changes of a unit in the text of its Dockerfile.
//!
//! What is spelled is the smallest edit that makes the change true and keeps the file's own style;
//! what cannot be spelled without guessing is refused with the reason.

use super::syntax::{Args, Dockerfile, Instruction, Keyword, Pair};
use crate::model::{Change, EnvVar, Unit};
use crate::text::{Edit, SourceFile, Span};

/// Why a change cannot be spelled here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Refusal(pub String);

/// The edits that make `change` true of `unit`.
///
/// # Errors
/// Where the text does not allow it; the reason is for people.
pub fn spell(
    file: &SourceFile,
    dockerfile: &Dockerfile,
    unit: &Unit,
    change: &Change,
) -> Result<Vec<Edit>, Refusal> {
    let name = match change {
        Change::SetEnv { name, .. }
        | Change::UnsetEnv { name }
        | Change::RenameEnv { from: name, .. } => name,
    };
    let var = unit
        .env
        .get(name)
        .ok_or_else(|| Refusal(format!("`{name}` is not set by an `ENV` of this file")))?;
    let (instruction, index) = find(dockerfile, var)?;
    let pairs = pairs(instruction);
    let pair = pairs
        .get(index)
        .ok_or_else(|| Refusal(format!("`{name}` is not set by an `ENV` of this file")))?;
    match change {
        Change::SetEnv { value, .. } => set(file, pair, value),
        Change::RenameEnv { to, .. } => Ok(vec![Edit {
            span: pair.key.span,
            text: to.clone(),
        }]),
        Change::UnsetEnv { .. } if is_read(file, dockerfile, name) => {
            Err(Refusal(format!("`{name}` is used by other lines")))
        }
        Change::UnsetEnv { .. } => unset(dockerfile, instruction, index),
    }
}

/// The ENV that makes the setting in force, and which of its pairs.
fn find<'d>(dockerfile: &'d Dockerfile, var: &EnvVar) -> Result<(&'d Instruction, usize), Refusal> {
    let place = var.now.name_place.span;
    dockerfile
        .instructions()
        .filter(|instruction| instruction.keyword == Keyword::Env)
        .find_map(|instruction| {
            let index = pairs(instruction)
                .iter()
                .position(|pair| pair.key.span == place)?;
            Some((instruction, index))
        })
        .ok_or_else(|| {
            Refusal(format!(
                "`{}` is not set by an `ENV` of this file",
                var.name
            ))
        })
}

fn pairs(instruction: &Instruction) -> &[Pair] {
    match &instruction.args {
        Args::Pairs(pairs) => pairs,
        _ => &[],
    }
}

fn set(file: &SourceFile, pair: &Pair, value: &str) -> Result<Vec<Edit>, Refusal> {
    let word = pair
        .value
        .as_ref()
        .ok_or_else(|| Refusal("the variable has no value here".into()))?;
    let old = file.text(word.span);
    if old.contains(['\n', '\r']) {
        return Err(Refusal("the value goes over several lines".into()));
    }
    Ok(vec![Edit {
        span: word.span,
        text: quoted(value, &old, pair.legacy)?,
    }])
}

/// `value` so that the builder reads it as it is, in the quotes that stood there.
fn quoted(value: &str, old: &str, legacy: bool) -> Result<String, Refusal> {
    if value.contains('\'') {
        return Err(Refusal("the value holds a quote".into()));
    }
    let plain = value.chars().all(|c| {
        c.is_ascii_alphanumeric()
            || matches!(c, '/' | '.' | '_' | '-' | ':' | ',' | '+' | '@' | '%')
    });
    let expands = value.contains(['$', '\\', '`', '"']);
    Ok(match old.chars().next() {
        Some('"') if !expands => format!("\"{value}\""),
        Some('\'') => format!("'{value}'"),
        _ if plain || legacy && !expands => value.to_owned(),
        _ => format!("'{value}'"),
    })
}

/// Whether another line puts the variable's value in.
fn is_read(file: &SourceFile, dockerfile: &Dockerfile, name: &str) -> bool {
    dockerfile.instructions().any(|instruction| {
        let text = file.text(instruction.span);
        let mut rest = text.as_ref();
        while let Some(at) = rest.find('$') {
            let after = rest.get(at + 1..).unwrap_or_default();
            let named = after.trim_start_matches('{').strip_prefix(name);
            let ends =
                |tail: &str| !tail.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            if named.is_some_and(ends) {
                return true;
            }
            rest = after;
        }
        false
    })
}

/// Takes a pair out; the whole instruction where it is the only one.
fn unset(
    dockerfile: &Dockerfile,
    instruction: &Instruction,
    index: usize,
) -> Result<Vec<Edit>, Refusal> {
    let pairs = pairs(instruction);
    let whole = |pair: &Pair| {
        pair.value
            .as_ref()
            .map_or(pair.key.span, |value| pair.key.span.join(value.span))
    };
    let spans: Vec<Span> = pairs.iter().map(whole).collect();
    let here = spans.get(index).copied().unwrap_or_default();
    let span = match (
        index.checked_sub(1).and_then(|before| spans.get(before)),
        spans.get(index + 1),
    ) {
        (Some(before), _) => Span::new(before.end, here.end),
        (None, Some(after)) => Span::new(here.start, after.start),
        (None, None) => item(dockerfile, instruction),
    };
    if instruction
        .comments
        .iter()
        .any(|comment| span.contains(*comment))
    {
        return Err(Refusal(
            "a comment stands among the lines that would go".into(),
        ));
    }
    Ok(vec![Edit {
        span,
        text: String::new(),
    }])
}

/// The lines of an instruction.
fn item(dockerfile: &Dockerfile, instruction: &Instruction) -> Span {
    dockerfile
        .items
        .iter()
        .map(|item| item.span)
        .find(|span| span.contains(instruction.span))
        .unwrap_or(instruction.span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inputs::Nowhere;
    use crate::inputs::dockerfile::{parse, read};

    fn spelled(text: &str, change: &Change) -> Result<String, Refusal> {
        let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
        let dockerfile = parse(&file.bytes);
        let unit = read(&file, &dockerfile, &Nowhere).pop().unwrap();
        let edits = spell(&file, &dockerfile, &unit, change)?;
        let mut out = text.to_owned();
        for edit in edits.iter().rev() {
            out.replace_range(edit.span.start..edit.span.end, &edit.text);
        }
        Ok(out)
    }

    #[test]
    fn a_value_is_replaced_in_its_own_quotes() {
        let change = |value: &str| Change::SetEnv {
            name: "A".into(),
            value: value.into(),
        };
        for (before, value, after) in [
            ("ENV A=x B=y\n", "z", "ENV A=z B=y\n"),
            ("ENV A=\"x y\"\r\n", "z", "ENV A=\"z\"\r\n"),
            ("ENV A x y", "z", "ENV A z"),
            ("ENV A='x' \\\n  B=y\n", "q r", "ENV A='q r' \\\n  B=y\n"),
            ("ENV A=x\n", "/usr/$LIB/y", "ENV A='/usr/$LIB/y'\n"),
            ("ENV A=\n", "z", "ENV A=z\n"),
        ] {
            let file = format!("FROM python:3.12\n{before}");
            assert_eq!(
                spelled(&file, &change(value)),
                Ok(format!("FROM python:3.12\n{after}")),
                "{before}"
            );
        }
    }

    #[test]
    fn a_pair_goes_with_its_line_or_its_instruction() {
        let change = Change::UnsetEnv { name: "A".into() };
        for (before, after) in [
            ("ENV A=x\nUSER u\n", "USER u\n"),
            ("ENV B=y A=x\n", "ENV B=y\n"),
            ("ENV A=x \\\n    B=y\n", "ENV B=y\n"),
            ("ENV B=y \\\n    A=x \\\n    C=z\n", "ENV B=y \\\n    C=z\n"),
        ] {
            let file = format!("FROM python:3.12\n{before}");
            assert_eq!(
                spelled(&file, &change),
                Ok(format!("FROM python:3.12\n{after}")),
                "{before}"
            );
        }
        let refused = spelled("FROM python:3.12\nENV B=y \\\n# why\n A=x\n", &change);
        assert!(refused.is_err());
    }

    #[test]
    fn a_name_is_mended_and_what_is_not_set_is_refused() {
        let rename = Change::RenameEnv {
            from: "A".into(),
            to: "B".into(),
        };
        assert_eq!(
            spelled("FROM x\nENV A=1\n", &rename),
            Ok("FROM x\nENV B=1\n".into())
        );
        assert!(spelled("FROM x\nENV C=1\n", &rename).is_err());
    }
}
