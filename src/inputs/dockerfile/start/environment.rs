//! What happens to the environment between the start of the container and the process.

use super::Follower;
use super::words::is_service;
use crate::inputs::dockerfile::effects::{families_named, pattern};
use crate::inputs::dockerfile::files;
use crate::inputs::dockerfile::state::Preloading;
use crate::inputs::shell;
use crate::inputs::shell::effects::{Effect, EffectKind};
use crate::inputs::shell::script::Part;
use crate::model::{Setting, Strip, Value, Via};
use crate::text::{Place, Traced};

impl Follower<'_> {
    /// What one effect of a start script does to the environment of what it starts.
    pub(super) fn environment(
        &mut self,
        text: &Traced,
        file: &Place,
        effect: &Effect,
        hops: usize,
    ) {
        let at = text
            .source(effect.range.clone())
            .map_or_else(|| file.clone(), |span| file.at(span));
        match &effect.kind {
            EffectKind::Export {
                name,
                value: Some(value),
            } => {
                let keeps = value.parts.iter().any(
                    |part| matches!(part, Part::Variable { name, .. } if name == "LD_PRELOAD"),
                );
                let pattern = pattern(self.walker, self.state, value);
                let place = text
                    .source(value.range.clone())
                    .map_or_else(|| at.clone(), |span| file.at(span));
                self.set(
                    name,
                    &pattern,
                    &place,
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
            EffectKind::Inline { name, value } => {
                let pattern = pattern(self.walker, self.state, value);
                let place = text
                    .source(value.range.clone())
                    .map_or_else(|| at.clone(), |span| file.at(span));
                self.set(
                    name,
                    &pattern,
                    &place,
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

    /// A variable is set on the way to the process.
    pub(super) fn set(&mut self, name: &str, pattern: &str, place: &Place, how: (Via, bool)) {
        if name != "LD_PRELOAD" || families_named(pattern).is_empty() {
            return;
        }
        let mut text = Traced::new();
        if place.file.slice(place.span) == pattern.as_bytes() {
            text.push(&place.file.bytes, place.span);
        } else {
            text.push_from(pattern, place.span);
        }
        let value = Value {
            text,
            ..Value::default()
        };
        let setting = Setting {
            value,
            place: place.clone(),
            name_place: place.clone(),
            step: self.state.step + 1,
        };
        let (via, conditional) = how;
        self.started.preloads.push(Preloading {
            setting,
            via,
            conditional,
        });
    }
}
