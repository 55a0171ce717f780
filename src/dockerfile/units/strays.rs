//! Settings and libraries of other stages: made, but not for this image.

use crate::dockerfile::build::Build;
use crate::dockerfile::copy::stage_name;
use crate::model::{Reach, Stray};
use crate::text::Place;

/// Allocator settings and libraries of all stages, with the stage they are made in.
pub(super) struct OtherStages(Vec<(usize, Stray)>);

/// So many of them are told; nobody reads more.
const STRAYS: usize = 64;

impl OtherStages {
    pub(super) fn of(build: &Build<'_>) -> Self {
        let mut strays = Vec::new();
        for (index, state) in build.made.states.iter().enumerate() {
            let reach = Reach::Stage(stage_name(build, index));
            let own = |place: &Place| {
                place.span.start >= state.from.span.start || !place.same_file(&state.from)
            };
            for library in state.libraries.iter().filter(|library| own(&library.place)) {
                let value = library.path.as_str().to_owned();
                let (family, place) = (Some(library.family), library.place.clone());
                strays.push((
                    index,
                    Stray {
                        variable: None,
                        value,
                        family,
                        reach: reach.clone(),
                        conditional: false,
                        place,
                    },
                ));
            }
            let preload = state
                .env
                .get("LD_PRELOAD")
                .filter(|var| own(&var.now.place));
            for var in preload.into_iter().chain(
                state
                    .env
                    .get("MALLOC_CONF")
                    .filter(|var| own(&var.now.place)),
            ) {
                let value = var.now.value.text.as_str().to_owned();
                let family = crate::facts::families_named(&value).first().copied();
                let (variable, place) = (Some(var.name.clone()), var.now.place.clone());
                strays.push((
                    index,
                    Stray {
                        variable,
                        value,
                        family,
                        reach: reach.clone(),
                        conditional: false,
                        place,
                    },
                ));
            }
        }
        Self(strays)
    }

    /// Those of stages that the stage at `index` does not stand on.
    pub(super) fn seen_from(&self, build: &Build<'_>, index: usize) -> Vec<Stray> {
        if self.0.is_empty() {
            return Vec::new();
        }
        let mut below = std::collections::BTreeSet::new();
        let mut next = Some(index);
        while let Some(at) = next {
            below.insert(at);
            next = build.made.parents.get(at).copied().flatten();
        }
        let others = self.0.iter().filter(|(other, _)| !below.contains(other));
        others
            .take(STRAYS)
            .map(|(_, stray)| stray.clone())
            .collect()
    }
}
