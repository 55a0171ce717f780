//! Variables: set, renamed, dropped, added.

use super::layout::{pairs, sets};
use super::{Arrival, Plan, Refusal};
use crate::dockerfile::syntax::{Instruction, Keyword, Pair};
use crate::facts::roles;
use crate::model::set_at_start;
use crate::text::{Edit, Span};
use std::ops::Range;

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
            if !self.is_here(instruction) {
                // The stages beside this one may have the library that it names.
                let text = quoted(value, "", false)?;
                self.vars.push((name.to_owned(), text));
                return Ok(());
            }
            let text = self.moved(name, value, instruction, index)?;
            self.take_out(name, instruction, index)?;
            self.vars.push((name.to_owned(), text));
            return Ok(());
        }
        let Some(pair) = pairs(instruction).get(index) else {
            return Err(not_here(name));
        };
        let word = pair.value.as_ref().ok_or_else(|| not_here(name))?;
        let old = self.scene.file.text(word.span);
        self.beside = Some(pair.key.span);
        if old.contains('$') {
            // Written anew, a reference would become the text that it stands for today, or nothing.
            let edit = self.part(name, value)?;
            self.edits.push(edit);
            return Ok(());
        }
        if old.contains(['\n', '\r']) {
            return Err(Refusal::new("the value goes over several lines"));
        }
        self.edits.push(Edit {
            span: word.span,
            text: quoted(value, &old, pair.legacy)?,
        });
        Ok(())
    }

    /// How the value is written where the pair moves: with its references, where it has some.
    fn moved(
        &self,
        name: &str,
        value: &str,
        instruction: &Instruction,
        index: usize,
    ) -> Result<String, Refusal> {
        let word = pairs(instruction)
            .get(index)
            .and_then(|pair| pair.value.as_ref());
        let word = word.ok_or_else(|| not_here(name))?;
        let mut old = self.scene.file.text(word.span).into_owned();
        if !old.contains('$') {
            return quoted(value, "", false);
        }
        let edit = self.part(name, value)?;
        let at = edit.span.start.checked_sub(word.span.start);
        let range = at.map(|at| at..at + edit.span.end.saturating_sub(edit.span.start));
        let range = range.filter(|range| old.get(range.clone()).is_some());
        let range = range.ok_or_else(|| not_here(name))?;
        old.replace_range(range, &edit.text);
        Ok(old)
    }

    /// The edit of the bytes that differ between the value in force and `value`; all others stay as they are
    /// written, with their references and quotes.
    fn part(&self, name: &str, value: &str) -> Result<Edit, Refusal> {
        let var = self
            .scene
            .unit
            .env
            .get(name)
            .ok_or_else(|| not_here(name))?;
        let traced = &var.now.value.text;
        let (range, text) = difference(traced.as_str(), value);
        let mut span = traced.source(range.clone());
        if range.is_empty() || traced.is_verbatim(range.clone()) {
            span = span.filter(|_| text.chars().all(is_plain));
        } else {
            // Part of what a reference stands for changes: it goes as a whole, where nothing else comes from it.
            let alone = |span: &Span| {
                let before = traced.source(0..range.start).filter(|_| range.start > 0);
                let after = traced
                    .source(range.end..traced.as_str().len())
                    .filter(|_| range.end < traced.as_str().len());
                before.is_none_or(|before| before.end <= span.start)
                    && after.is_none_or(|after| after.start >= span.end)
            };
            span = span.filter(|span| text.chars().all(is_plain) && alone(span));
        }
        // A variable that vanished from that part goes with it.
        let here = |at: usize| range.start <= at && at <= range.end;
        let erased = var.now.value.erased.iter().filter(|erased| here(erased.at));
        let span = span.map(|span| erased.fold(span, |span, erased| span.join(erased.place.span)));
        let span = span.ok_or_else(|| {
            Refusal(format!(
                "the value of `{name}` is put together from variables: change it by hand"
            ))
        })?;
        let text = text.to_owned();
        Ok(Edit { span, text })
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

    /// The ENV that makes the setting in force, of this stage or of one that it stands on, and which of its pairs.
    fn own(&self, name: &str) -> Option<(&'a Instruction, usize)> {
        let var = self.scene.unit.env.get(name)?;
        let place = &var.now.name_place;
        if !std::ptr::eq(&raw const *place.file, self.scene.file) {
            return None;
        }
        let own = |pair: &Pair| pair.key.span == place.span;
        let mut all = self.scene.dockerfile.instructions();
        all.find_map(|instruction| {
            let env = Some(instruction).filter(|env| env.keyword == Keyword::Env)?;
            Some((env, pairs(env).iter().position(own)?))
        })
    }

    /// Where the ENV of this stage names a variable that it sets.
    pub(super) fn own_key(&self, name: &str) -> Option<Span> {
        let (instruction, index) = self.own(name)?;
        let pair = pairs(instruction).get(index)?;
        self.is_here(instruction).then_some(pair.key.span)
    }

    /// Whether an instruction is one of this stage, not of one that it stands on.
    fn is_here(&self, instruction: &Instruction) -> bool {
        let mut body = self.layout.body.iter();
        body.any(|own| own.span == instruction.span)
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
                && roles::is_general_heading(&self.layout.heading(instruction))
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
    let plain = value.chars().all(is_plain);
    let expands = value.contains(['$', '\\', '`', '"']);
    Ok(match old.chars().next() {
        Some('"') if !expands => format!("\"{value}\""),
        Some('\'') => format!("'{value}'"),
        _ if plain || legacy && !expands => value.to_owned(),
        _ => format!("'{value}'"),
    })
}

/// Whether the builder reads a character as it is, in quotes of any kind and without.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | ':' | ',' | '+' | '@' | '%')
}

/// Which part of `old` is another in `new`, and what stands there: whole entries of a list.
fn difference<'v>(old: &str, new: &'v str) -> (Range<usize>, &'v str) {
    let ends = |c: char| matches!(c, ':' | ',' | ' ');
    let same = old.chars().zip(new.chars()).take_while(|(a, b)| a == b);
    let mut start: usize = same.map(|(c, _)| c.len_utf8()).sum();
    let head = old.get(..start).unwrap_or_default();
    if start < old.len() || start < new.len() {
        start = head.rfind(ends).map_or(0, |at| at + 1);
    }
    let (old_rest, new_rest) = (
        old.get(start..).unwrap_or_default(),
        new.get(start..).unwrap_or_default(),
    );
    let same = old_rest.chars().rev().zip(new_rest.chars().rev());
    let same: usize = same
        .take_while(|(a, b)| a == b)
        .map(|(c, _)| c.len_utf8())
        .sum();
    let tail = old_rest.get(old_rest.len() - same..).unwrap_or_default();
    let kept = tail.find(ends).map_or(0, |at| tail.len() - at);
    let text = new_rest.get(..new_rest.len() - kept).unwrap_or_default();
    (start..start + old_rest.len() - kept, text)
}
