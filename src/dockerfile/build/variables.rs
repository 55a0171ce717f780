//! What variables stand for in a stage.

use super::{PLATFORM_ARGS, Walker, find_arg};
use crate::dockerfile::expand::Lookup;
use crate::dockerfile::image::State;

impl Walker<'_> {
    /// What a variable stands for in `state`: ENV wins over ARG.
    pub(in crate::dockerfile) fn variable(&self, state: &State, name: &str) -> Lookup {
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
    fn is_surely_unset(&self, state: &State, name: &str) -> bool {
        let elsewhere = || self.declared.iter().any(|declared| declared == name);
        let loader = matches!(name, "LIB" | "ORIGIN" | "PLATFORM");
        let preload = state.image.is_some()
            && matches!(name, "LD_PRELOAD" | "MALLOC_CONF" | "LD_LIBRARY_PATH");
        loader || preload || PLATFORM_ARGS.contains(&name) || (state.image.is_some() && elsewhere())
    }
}
