//! Parameters of an OpenShift Template: `${NAME}` stands for what the template says it is, unless somebody says
//! otherwise (docs.openshift.com, "Using templates").

use std::collections::HashMap;

use crate::yaml::{Id, Tree};

/// Longer texts are left as they are: no name of an image is so long.
const LONGEST: usize = 1_024;

/// The parameters of one object that have values.
#[derive(Debug)]
pub(super) struct Parameters<'t> {
    object: Id,
    values: HashMap<&'t str, &'t str>,
}

impl<'t> Parameters<'t> {
    /// Those of `object`.
    pub(super) fn of(tree: &'t Tree, object: Id) -> Self {
        let list = tree.get(object, "parameters");
        let items = list.map(|list| tree.items(list)).unwrap_or_default();
        let one = |parameter: &Id| {
            let word = |key: &str| tree.get(*parameter, key).and_then(|id| tree.word(id));
            Some((word("name")?, word("value")?))
        };
        Self {
            object,
            values: items.iter().filter_map(one).collect(),
        }
    }

    /// Whether they are those of `object`.
    pub(super) fn are_of(&self, object: Id) -> bool {
        self.object == object
    }

    /// The text with their values; names without one stay. What a value holds is not filled in again.
    pub(super) fn fill(&self, text: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, name, after)) = next(rest) {
            filled.push_str(before);
            match self.values.get(name) {
                Some(value) => filled.push_str(value),
                None => filled.push_str(&format!("${{{name}}}")),
            }
            rest = after;
            if filled.len() > LONGEST {
                return text.to_owned();
            }
        }
        filled + rest
    }
}

/// The next `${NAME}`, with what stands before and behind it.
fn next(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}
