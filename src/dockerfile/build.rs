//! What the reading of one Dockerfile shares: its stages, what they came to, and what words stand for there.

use std::borrow::Cow;
use std::sync::Arc;

use super::expand::{Lookup, Room, expand};
use super::image::ImageState;
use super::stages::{Names, Stage};
use super::syntax::Dockerfile;
use crate::facts::Image;
use crate::model::{Fact, User, Value};
use crate::surroundings::Surroundings;
use crate::text::{Place, SourceFile, Span, Traced};

/// What the reading of one Dockerfile shares.
pub(super) struct Build<'a> {
    pub(super) file: &'a Arc<SourceFile>,
    pub(super) dockerfile: &'a Dockerfile,
    pub(super) around: &'a dyn Surroundings,
    pub(super) stages: &'a [Stage<'a>],
    pub(super) names: Names,
    room: Room,
    pub(super) made: Cow<'a, Made>,
}

/// What is known of a Dockerfile as far as it was followed.
#[derive(Clone, Debug, Default)]
pub(super) struct Made {
    /// Arguments declared before the first FROM.
    pub(super) globals: Vec<(String, Option<Value>)>,
    /// Every name that any ARG of the file declares.
    pub(super) declared: Vec<String>,
    /// The final states of the stages read so far.
    pub(super) states: Vec<ImageState>,
    /// For every stage the one it stands on, where that is a stage.
    pub(super) parents: Vec<Option<usize>>,
    /// For every stage who it starts as.
    pub(super) starters: Vec<Fact<User>>,
}

/// Build arguments that the builder itself provides.
const PLATFORM_ARGS: [&str; 8] = [
    "TARGETPLATFORM",
    "TARGETOS",
    "TARGETARCH",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDOS",
    "BUILDARCH",
    "BUILDVARIANT",
];

impl<'a> Build<'a> {
    pub(super) fn new(
        file: &'a Arc<SourceFile>,
        dockerfile: &'a Dockerfile,
        around: &'a dyn Surroundings,
        stages: &'a [Stage<'a>],
        made: Cow<'a, Made>,
    ) -> Self {
        Self {
            file,
            dockerfile,
            around,
            stages,
            names: Names::of(stages),
            room: Room::of(file.bytes.len()),
            made,
        }
    }

    /// The place of `span` in this Dockerfile.
    pub(super) fn place(&self, span: Span) -> Place {
        Place::new(self.file, span)
    }

    /// Expands a word where only the arguments before the first FROM count.
    pub(super) fn expand_global(&self, raw: &Traced) -> Value {
        let lookup = |name: &str| match find_arg(&self.made.globals, name) {
            Some(Some(value)) => Lookup::Value(value.clone()),
            Some(None) => Lookup::Unknown,
            None if PLATFORM_ARGS.contains(&name) => Lookup::Unknown,
            None => Lookup::Unset,
        };
        expand(
            raw,
            self.dockerfile.escape,
            &self.place(Span::default()),
            &self.room,
            &lookup,
        )
    }

    /// Expands a word inside a stage.
    pub(super) fn expand(&self, state: &ImageState, raw: &Traced) -> Value {
        let lookup = |name: &str| self.variable(state, name);
        expand(
            raw,
            self.dockerfile.escape,
            &self.place(Span::default()),
            &self.room,
            &lookup,
        )
    }

    /// What a variable stands for in `state`: ENV wins over ARG.
    pub(super) fn variable(&self, state: &ImageState, name: &str) -> Lookup {
        if let Some(var) = state.env.get(name) {
            return Lookup::Value(var.now.value.clone());
        }
        match find_arg(&state.args, name) {
            Some(Some(value)) => Lookup::Value(value.clone()),
            Some(None) => Lookup::Unknown,
            None if self.is_surely_unset(state, name) => Lookup::Unset,
            None => Lookup::Unknown,
        }
    }

    /// A base image may set any variable; not the loader's own words, what the builder provides,
    /// or what this file declares as an argument of another scope.
    fn is_surely_unset(&self, state: &ImageState, name: &str) -> bool {
        let elsewhere = || self.made.declared.iter().any(|declared| declared == name);
        let loader = matches!(name, "LIB" | "ORIGIN" | "PLATFORM");
        // An image with more in it than anybody lists may preload something of its own.
        let all_known = |image: &Image| !image.crowded && !image.open;
        let listed = state.image.as_ref().is_some_and(all_known);
        let preload = listed && matches!(name, "LD_PRELOAD" | "MALLOC_CONF" | "LD_LIBRARY_PATH");
        loader || preload || PLATFORM_ARGS.contains(&name) || (state.image.is_some() && elsewhere())
    }
}

pub(super) fn find_arg<'v>(
    args: &'v [(String, Option<Value>)],
    name: &str,
) -> Option<&'v Option<Value>> {
    args.iter()
        .rev()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}
