//! Names of rules, as configurations and arguments write them: `preload-wrong-path`, `preload-*`, `all`.

use serde::de::{Deserialize, Deserializer, Error};

use crate::rules::{self, RULES};

/// A list of rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleNames(Vec<String>);

impl RuleNames {
    /// The rules that a text names.
    ///
    /// # Errors
    /// Where there is no such rule: what to write instead.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let pattern = if text == "all" { "*" } else { text };
        let one = Self(vec![pattern.to_owned()]);
        if RULES.iter().any(|rule| one.hold(rule.id)) {
            return Ok(one);
        }
        Err(match rules::nearest(text) {
            Some(near) => format!("there is no rule `{text}`: did you mean `{near}`?"),
            None => format!("there is no rule `{text}`: `malloclint rules` lists them"),
        })
    }

    /// All of several lists.
    #[must_use]
    pub(crate) fn all(lists: impl IntoIterator<Item = Self>) -> Self {
        Self(lists.into_iter().flat_map(|list| list.0).collect())
    }

    /// Whether a rule is among them.
    #[must_use]
    pub(crate) fn hold(&self, id: &str) -> bool {
        self.0.iter().any(|pattern| is_like(pattern, id))
    }
}

impl<'de> Deserialize<'de> for RuleNames {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}

/// Whether a name fits a pattern, in which `*` stands for any run of characters: each part as early as it can be.
fn is_like(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        let Some(at) = rest.find(part) else {
            return false;
        };
        rest = rest.get(at + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_by_name_and_pattern() {
        let of = |text: &str| RuleNames::read(text).unwrap();
        assert!(of("all").hold("allocator-unset"));
        assert!(of("preload-*").hold("preload-wrong-path"));
        assert!(of("*-unset").hold("malloc-conf-unset"));
        assert!(!of("preload-*").hold("allocator-unset"));
        let why = RuleNames::read("preload-wrong-pat").unwrap_err();
        assert!(why.contains("did you mean `preload-wrong-path`?"), "{why}");
        assert!(of("*a*-*set").hold("allocator-unset") && !of("*a*-*set").hold("env-duplicate"));
        // Many of them take no longer.
        assert!(RuleNames::read(&format!("{}zq", "*".repeat(10_000))).is_err());
        for wrong in ["", "DL3008", "nothing-*", "allocator-unset*unset"] {
            assert!(RuleNames::read(wrong).is_err(), "{wrong}");
        }
    }
}
