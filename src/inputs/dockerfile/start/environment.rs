//! What happens to the environment between the start of the container and the process.

use std::ops::Range;

use memchr::memmem;

use super::words::is_service;
use super::{Follower, Made, decides};
use crate::inputs::dockerfile::effects::{families_named, pattern};
use crate::inputs::dockerfile::files;
use crate::inputs::dockerfile::state::Preloading;
use crate::inputs::shell;
use crate::inputs::shell::effects::{Effect, EffectKind};
use crate::inputs::shell::script::Part;
use crate::model::{Setting, Strip, Value, Via};
use crate::text::{Place, Span, Traced};

impl Follower<'_> {
    /// What one effect of a start script does to the environment of what it starts.
    pub(super) fn environment(
        &mut self,
        text: &Traced,
        file: &Place,
        effect: &Effect,
        hops: usize,
    ) {
        let at = placed(text, file, &effect.range);
        match &effect.kind {
            EffectKind::Export {
                name,
                value: Some(value),
            } => {
                let keeps = value.parts.iter().any(
                    |part| matches!(part, Part::Variable { name, .. } if name == "LD_PRELOAD"),
                );
                let pattern = pattern(self.walker, self.state, value);
                let place = placed(text, file, &value.range);
                self.set(
                    name,
                    &pattern,
                    &[&at, &place],
                    (Via::Script, effect.context.conditional),
                );
                let literal = value.literal().is_some_and(|text| !text.is_empty());
                if name == "LD_PRELOAD"
                    && literal
                    && !keeps
                    && !effect.context.conditional
                    && families_named(&pattern).is_empty()
                {
                    let (path, line) = (&file.file.path, at.line());
                    self.started.replaces = Some(format!("`{path}` sets it anew in line {line}"));
                }
            }
            // What else is set for one command counts where that is the service.
            EffectKind::Inline { name, value } if name == "LD_PRELOAD" => {
                let pattern = pattern(self.walker, self.state, value);
                let place = placed(text, file, &value.range);
                self.set(
                    name,
                    &pattern,
                    &[&at, &place],
                    (Via::Command, effect.context.conditional),
                );
            }
            EffectKind::DropsEnvironment { by, command } if is_service(command) => {
                self.started.strips.push(Strip {
                    by: by.clone(),
                    only_non_root: false,
                    place: at,
                });
            }
            EffectKind::RunScript {
                path,
                sourced: true,
            } if hops > 0 => {
                let path = pattern(self.walker, self.state, path);
                if let Some(readable) = files::find(self.walker, self.state, &path) {
                    let (text, file) = self.open(readable);
                    for effect in shell::effects::read(text.as_str()) {
                        self.environment(&text, &file, &effect, hops - 1);
                    }
                }
            }
            _ => {}
        }
    }

    /// What is set for the command in `range` alone: the one that is the service.
    pub(super) fn inline(
        &mut self,
        effects: &[Effect],
        range: &Range<usize>,
        text: &Traced,
        file: &Place,
    ) {
        let around = |outer: &Range<usize>| outer.start <= range.start && range.end <= outer.end;
        for effect in effects.iter().filter(|effect| around(&effect.range)) {
            let EffectKind::Inline { name, value } = &effect.kind else {
                continue;
            };
            if name != "LD_PRELOAD" {
                let pattern = pattern(self.walker, self.state, value);
                let at = placed(text, file, &effect.range);
                let place = placed(text, file, &value.range);
                self.set(
                    name,
                    &pattern,
                    &[&at, &place],
                    (Via::Command, effect.context.conditional),
                );
            }
        }
    }

    /// A variable is set on the way to the process, in one of the places given.
    pub(super) fn set(&mut self, name: &str, pattern: &str, places: &[&Place], how: (Via, bool)) {
        let preload = name == "LD_PRELOAD" && !families_named(pattern).is_empty();
        if !preload && !decides(name) {
            return;
        }
        let (name_place, place) = self.written(name, pattern, places);
        let mut text = Traced::new();
        if place.file.slice(place.span) == pattern.as_bytes() {
            text.push(&place.file.bytes, place.span);
        } else {
            text.push_from(pattern, place.span);
        }
        let unknown = pattern.contains('*') && !preload;
        let value = Value {
            text,
            unknown: unknown.then(|| name.to_owned()),
            ..Value::default()
        };
        let (via, conditional) = how;
        let setting = Setting {
            value,
            place,
            name_place,
            step: self.state.step + 1,
            via,
        };
        if preload {
            self.started.preloads.push(Preloading {
                setting,
                conditional,
            });
        } else {
            let name = name.to_owned();
            self.started.settings.push(Made {
                name,
                setting,
                conditional,
            });
        }
    }

    /// Where the name and the value stand, the value without its quotes, where it stands there once
    /// and as it is. The words of ENTRYPOINT and CMD are one command.
    fn written(&self, name: &str, value: &str, places: &[&Place]) -> (Place, Place) {
        let commands = [self.state.entrypoint.as_ref(), self.state.cmd.as_ref()];
        let commands = commands.iter().flatten().map(|command| &command.place);
        let mut all = places.iter().copied().chain(commands);
        let found = all.find_map(|place| assignment(name, value, place));
        found.unwrap_or_else(|| {
            let last = places.last().copied().unwrap_or(&self.state.from);
            (last.clone(), last.clone())
        })
    }
}

/// Where a part of a script stands.
fn placed(text: &Traced, file: &Place, range: &Range<usize>) -> Place {
    text.source(range.clone())
        .map_or_else(|| file.clone(), |span| file.at(span))
}

/// Where a place says, once, that `name` is `value`, or is that value: the name and the value.
fn assignment(name: &str, value: &str, place: &Place) -> Option<(Place, Place)> {
    let text = place.file.slice(place.span);
    let mut names = memmem::find_iter(text, name.as_bytes())
        .filter(|at| text.get(at + name.len()) == Some(&b'='));
    let (key, start) = match (names.next(), names.next()) {
        (None, _) => (0..text.len(), 0),
        (Some(at), None) => (at..at + name.len(), at + name.len() + 1),
        (Some(_), Some(_)) => return None,
    };
    let quote = |byte: &&u8| matches!(byte, b'"' | b'\'' | b'\\');
    let start = start + text.get(start..)?.iter().take_while(quote).count();
    let end = start + value.len();
    let ends = |byte: &u8| matches!(byte, b'"' | b'\'' | b'\\') || byte.is_ascii_whitespace();
    let is_it = !value.is_empty() && text.get(start..end) == Some(value.as_bytes());
    let at = |range: Range<usize>| {
        let from = place.span.start;
        place.at(Span::new(from + range.start, from + range.end))
    };
    (is_it && text.get(end).is_none_or(ends)).then(|| (at(key), at(start..end)))
}
