//! Variables: set, renamed, dropped, added.

use super::layout::{pairs, sets};
use super::{Arrival, Plan, Refusal};
use crate::dockerfile::syntax::{Instruction, Keyword, Pair};
use crate::model::set_at_start;
use crate::text::{Edit, Span};

impl<'a> Plan<'a> {
    /// Sets a variable: in its place where this stage has one that comes after the library, else
    /// among the new ones.
    pub(super) fn set(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        let started = set_at_start::reset(self.scene.file, self.scene.unit, name, value);
        if let Some(edit) = started.map_err(Refusal)? {
            self.edits.push(edit);
            return Ok(());
        }
        let Some((instruction, index)) = self.own(name) else {
            let text = quoted(value, "", false)?;
            self.vars.push((name.to_owned(), text));
            return Ok(());
        };
        if self
            .arrival
            .is_some_and(|arrival| instruction.span.start < arrival.at)
        {
            self.take_out(name, instruction, index)?;
            let text = quoted(value, "", false)?;
            self.vars.push((name.to_owned(), text));
            return Ok(());
        }
        let Some(pair) = pairs(instruction).get(index) else {
            return Err(not_here(name));
        };
        let word = pair.value.as_ref().ok_or_else(|| not_here(name))?;
        let old = self.scene.file.text(word.span);
        if old.contains(['\n', '\r']) {
            return Err(Refusal::new("the value goes over several lines"));
        }
        self.beside = Some(pair.key.span);
        self.edits.push(Edit {
            span: word.span,
            text: quoted(value, &old, pair.legacy)?,
        });
        Ok(())
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) -> Result<(), Refusal> {
        let (instruction, index) = self.own(from).ok_or_else(|| self.not_here(from))?;
        let pair = pairs(instruction)
            .get(index)
            .ok_or_else(|| not_here(from))?;
        self.edits.push(Edit {
            span: pair.key.span,
            text: to.to_owned(),
        });
        Ok(())
    }

    pub(super) fn unset(&mut self, name: &str) -> Result<(), Refusal> {
        let (instruction, index) = self.own(name).ok_or_else(|| self.not_here(name))?;
        self.take_out(name, instruction, index)
    }

    /// Sets a variable, with the value as it is written, only when the library is there.
    pub(super) fn set_after_library(&mut self, name: &str) -> Result<(), Refusal> {
        let (instruction, index) = self.own(name).ok_or_else(|| self.not_here(name))?;
        let pair = pairs(instruction).get(index);
        let word = pair.and_then(|pair| pair.value.as_ref().map(|value| (pair, value)));
        let (pair, word) = word.ok_or_else(|| not_here(name))?;
        let text = self.scene.file.text(word.span).into_owned();
        if text.contains(['\n', '\r']) || pair.legacy && text.contains([' ', '\t']) {
            return Err(Refusal::new("the value cannot be moved as it is written"));
        }
        self.take_out(name, instruction, index)?;
        self.vars.push((name.to_owned(), text));
        Ok(())
    }

    /// The ENV of this stage that makes the setting in force, and which of its pairs.
    fn own(&self, name: &str) -> Option<(&'a Instruction, usize)> {
        let var = self.scene.unit.env.get(name)?;
        let place = var.now.name_place.span;
        self.layout
            .body
            .iter()
            .filter(|instruction| instruction.keyword == Keyword::Env)
            .find_map(|instruction| {
                let own = |pair: &Pair| pair.key.span == place;
                Some((*instruction, pairs(instruction).iter().position(own)?))
            })
    }

    fn not_here(&self, name: &str) -> Refusal {
        set_at_start::started(self.scene.unit, name).map_or_else(|| not_here(name), Refusal)
    }

    /// Takes a pair out; the whole instruction where it is the only one.
    fn take_out(
        &mut self,
        name: &str,
        instruction: &Instruction,
        index: usize,
    ) -> Result<(), Refusal> {
        if self.is_read(name) {
            return Err(Refusal(format!("`{name}` is used by other lines")));
        }
        let spans: Vec<Span> = pairs(instruction).iter().map(whole).collect();
        let here = spans.get(index).copied().unwrap_or_default();
        let before = index.checked_sub(1).and_then(|before| spans.get(before));
        let span = match (before, spans.get(index + 1)) {
            (Some(before), _) => Span::new(before.end, here.end),
            (None, Some(after)) => Span::new(here.start, after.start),
            (None, None) => self
                .layout
                .item(instruction)
                .map_or(instruction.span, |item| item.span),
        };
        let comment = |comment: &Span| span.contains(*comment);
        if instruction.comments.iter().any(comment) {
            return Err(Refusal::new(
                "a comment stands among the lines that would go",
            ));
        }
        self.edits.push(Edit {
            span,
            text: String::new(),
        });
        Ok(())
    }

    /// Whether another line puts the variable's value in.
    fn is_read(&self, name: &str) -> bool {
        self.scene.dockerfile.instructions().any(|instruction| {
            let text = self.scene.file.text(instruction.span);
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

    /// Writes the new variables: beside the one that was set, into a group of the stage that comes
    /// after the library, or on lines of their own behind it.
    pub(super) fn write_vars(&mut self) -> Result<(), Refusal> {
        let arrival = self.arrival.map_or_else(|| self.there(), Ok)?;
        if let Some(edit) = arrival.edit {
            let env = self.env();
            let bare = self
                .edits
                .get_mut(edit)
                .ok_or_else(|| Refusal::new("no such edit"))?;
            let ends = bare.text.ends_with('\n');
            let text = if ends {
                env
            } else {
                format!(
                    "{}{}",
                    self.layout.newline,
                    env.trim_end_matches(['\r', '\n'])
                )
            };
            bare.text.push_str(&text);
            return Ok(());
        }
        if let Some(edit) = self.extension(arrival) {
            self.edits.push(edit);
            return Ok(());
        }
        let text = self.layout.insertion_tight(arrival.at, &self.env());
        self.edits.push(Edit {
            span: Span::empty(arrival.at),
            text,
        });
        Ok(())
    }

    /// The variables as an instruction of their own.
    fn env(&self) -> String {
        let between = format!("{}{}", self.layout.continued(), self.layout.env_indent());
        let pairs: Vec<String> = self
            .vars
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        format!(
            "{} {}{}",
            self.layout.keyword(Keyword::Env),
            pairs.join(&between),
            self.layout.newline
        )
    }

    /// The variables behind a pair of an ENV that has several, in its own layout.
    fn extension(&self, arrival: Arrival) -> Option<Edit> {
        let beside = |instruction: &&&Instruction| {
            self.beside
                .is_some_and(|key| pairs(instruction).iter().any(|pair| pair.key.span == key))
        };
        let group = |instruction: &&&Instruction| {
            instruction.keyword == Keyword::Env
                && instruction.span.start >= arrival.at
                && pairs(instruction).len() > 1
                && !self.vars.iter().any(|(name, _)| sets(instruction, name))
        };
        let mut body = self.layout.body.iter();
        let target = body.clone().find(beside).or_else(|| body.find(group))?;
        let own = pairs(target);
        let after = match self.beside {
            Some(key) => own
                .iter()
                .find(|pair| pair.key.span == key)
                .or_else(|| own.last()),
            None => own.last(),
        }?;
        if own.iter().any(|pair| pair.legacy) {
            return None;
        }
        let end = whole(after).end;
        let gap = format!("{}{}", self.layout.continued(), self.indent_of(own));
        let text: String = self
            .vars
            .iter()
            .map(|(name, value)| format!("{gap}{name}={value}"))
            .collect();
        Some(Edit {
            span: Span::empty(end),
            text,
        })
    }

    /// What stands before the pairs on the further lines of an ENV.
    fn indent_of(&self, own: &[Pair]) -> String {
        let second = own.get(1).map(|pair| pair.key.span.start);
        let before = second.and_then(|start| self.scene.file.bytes.get(..start));
        let line = before.and_then(|text| text.rsplit(|&byte| byte == b'\n').next());
        let blank = line.filter(|line| line.iter().all(|byte| matches!(byte, b' ' | b'\t')));
        blank
            .and_then(|line| std::str::from_utf8(line).ok())
            .map_or_else(|| self.layout.env_indent(), str::to_owned)
    }
}

/// All of a pair.
fn whole(pair: &Pair) -> Span {
    pair.value
        .as_ref()
        .map_or(pair.key.span, |value| pair.key.span.join(value.span))
}

fn not_here(name: &str) -> Refusal {
    Refusal(format!("`{name}` is not set by an `ENV` of this stage"))
}

/// `value` so that the builder reads it as it is, in the quotes that stood there.
fn quoted(value: &str, old: &str, legacy: bool) -> Result<String, Refusal> {
    if value.contains(['\'', '\n', '\r']) {
        return Err(Refusal::new("the value holds a quote or a line end"));
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
