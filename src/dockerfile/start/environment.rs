//! What happens to the environment between the start of the container and the process.

use std::ops::Range;

use super::words::is_service;
use super::{Follower, places};
use crate::dockerfile::copy;
use crate::dockerfile::image::Preloading;
use crate::dockerfile::run::{families_named, pattern};
use crate::model::{Strip, Via};
use crate::shell;
use crate::shell::effects::{Effect, EffectKind};
use crate::shell::syntax::Part;
use crate::text::{Place, Traced};

/// So many settings of `LD_PRELOAD` are looked for in the text.
const FEW: usize = 64;

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
                self.preload(
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
                self.preload(
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
                ..
            } if hops > 0 => {
                let path = pattern(self.walker, self.state, path);
                if let Some((text, file)) = self.next_script(&path) {
                    for effect in shell::effects::read(text.as_str()) {
                        self.environment(&text, &file, &effect, hops - 1);
                    }
                }
            }
            _ => {}
        }
    }

    /// `LD_PRELOAD` is set on the way to the process, in one of the places given.
    pub(super) fn preload(
        &mut self,
        name: &str,
        pattern: &str,
        places: &[&Place],
        how: (Via, bool),
    ) {
        if name != "LD_PRELOAD" || families_named(pattern).is_empty() {
            return;
        }
        let (via, conditional) = how;
        // Nobody sets it so often; then where it stands is not worth the search.
        let few = self.started.preloads.len() < FEW;
        let places = if few {
            places
        } else {
            places.get(..1).unwrap_or_default()
        };
        let setting = places::setting(self.state, name, pattern, places, via);
        self.started.preloads.push(Preloading {
            setting,
            conditional,
        });
    }

    /// The text of a script that is started or read, as long as there are not too many.
    pub(super) fn next_script(&mut self, path: &str) -> Option<(Traced, Place)> {
        self.scripts = self.scripts.checked_sub(1)?;
        let readable = copy::find(self.walker, self.state, path)?;
        Some(self.open(readable))
    }
}

/// Where a part of a script stands.
pub(super) fn placed(text: &Traced, file: &Place, range: &Range<usize>) -> Place {
    text.source(range.clone())
        .map_or_else(|| file.clone(), |span| file.at(span))
}
