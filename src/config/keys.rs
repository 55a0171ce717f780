//! What keys hold.

use std::fmt;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use ignore::gitignore::{Gitignore, GitignoreBuilder};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};

use crate::facts::Arch;
use crate::model::malloc_conf;
use crate::policy::{Date, Exception, RuleNames};

/// What an image is built from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(
    untagged,
    expecting = "a path, or `{ dockerfile = \"...\", target = \"...\" }`"
)]
pub(crate) enum Image {
    /// The last stage of a Dockerfile.
    Whole(String),
    /// A stage of it.
    Stage(Stage),
}

/// A stage of a Dockerfile.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stage {
    /// The Dockerfile.
    pub dockerfile: String,
    /// The stage; the last one where nothing is said.
    pub target: Option<String>,
}

/// A `MALLOC_CONF` that lives as long as the program: a configuration is read once per folder, and
/// handed around by value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MallocConf(&'static str);

impl MallocConf {
    /// Whether a text can be one.
    #[must_use]
    pub(crate) fn accepts(text: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_:,.-|".contains(c);
        !text.is_empty() && text.chars().all(plain)
    }

    /// Its text.
    #[must_use]
    pub(crate) const fn text(self) -> &'static str {
        self.0
    }
}

impl<'de> Deserialize<'de> for MallocConf {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if !Self::accepts(&text) {
            let reason = "it must be pairs `key:value`, separated by commas";
            return Err(de::Error::custom(reason));
        }
        if let Some(why) = malloc_conf::rejected(&text) {
            return Err(de::Error::custom(why));
        }
        Ok(Self(Box::leak(text.into_boxed_str())))
    }
}

/// Rules of which there is one at least: with none of them, nothing would ever be reported.
pub(super) fn some_rules<'de, D: Deserializer<'de>>(
    from: D,
) -> Result<Option<Vec<RuleNames>>, D::Error> {
    let rules = Vec::<RuleNames>::deserialize(from)?;
    if rules.is_empty() {
        return Err(de::Error::custom(
            "it selects no rule: name some, or drop the key",
        ));
    }
    Ok(Some(rules))
}

/// A platform that images are built for, as Docker writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Platform(String);

impl Platform {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Platform {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        if text.split('/').count() < 2 || text.split('/').any(str::is_empty) {
            let reason = format!("`{text}` is no platform: write it as `linux/amd64`");
            return Err(de::Error::custom(reason));
        }
        if Arch::from_docker(&text).is_none() {
            let reason = format!("`{text}` is no platform that we know: write it as `linux/amd64`");
            return Err(de::Error::custom(reason));
        }
        Ok(Self(text))
    }
}

/// One of `ignore`: the name of a rule, or findings that were judged already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ignore {
    /// The rule says nothing.
    Rule(RuleNames),
    /// Some findings are not reported.
    Findings(Findings),
}

impl<'de> Deserialize<'de> for Ignore {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Ignore;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of a rule, or a table with `paths` and `rules`")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Ignore, E> {
                RuleNames::read(text).map(Ignore::Rule).map_err(E::custom)
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Ignore, A::Error> {
                Findings::deserialize(MapAccessDeserializer::new(map)).map(Ignore::Findings)
            }
        }
        from.deserialize_any(Either)
    }
}

/// Findings that were judged already.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Findings {
    /// Where, as in `.gitignore`; everywhere where nothing is said.
    #[serde(default)]
    paths: Vec<Pattern>,
    /// Of which rules; of all where nothing is said.
    rules: Option<Vec<RuleNames>>,
    /// Why: for those who read it.
    reason: Option<String>,
    /// The last day on which it holds.
    until: Option<Until>,
}

impl Findings {
    /// As a policy takes it; paths count from `folder`.
    pub(crate) fn exception(&self, folder: &Path) -> Exception {
        Exception {
            paths: (!self.paths.is_empty()).then(|| patterns(folder, &self.paths)),
            rules: self.rules.clone().map(RuleNames::all),
            until: self.until.as_ref().map(|until| until.0.clone()),
            used: AtomicBool::new(false),
        }
    }
}

/// A pattern as in `.gitignore`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pattern(String);

impl Pattern {
    /// Reads one.
    ///
    /// # Errors
    /// Where it is none.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        const LONGEST: usize = 1_000;
        let plain = text.len() <= LONGEST && text.matches('{').count() <= 20;
        let read = || GitignoreBuilder::new("/").add_line(None, text).is_ok();
        if plain && !text.trim().is_empty() && read() {
            return Ok(Self(text.to_owned()));
        }
        let shown: String = text.chars().take(40).collect();
        Err(format!("`{shown}` is no pattern as in .gitignore"))
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Self::read(&String::deserialize(from)?).map_err(de::Error::custom)
    }
}

/// Patterns from a folder on.
pub(crate) fn patterns(folder: &Path, patterns: &[Pattern]) -> Gitignore {
    let mut builder = GitignoreBuilder::new(folder);
    for Pattern(text) in patterns {
        // It was read before.
        let _ = builder.add_line(None, text);
    }
    builder.build().unwrap_or_else(|_| Gitignore::empty())
}

/// The last day on which something holds: a date of TOML, or its text.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Until(Date);

impl<'de> Deserialize<'de> for Until {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a day: `2027-01-01`")]
        enum Written {
            Text(String),
            Date(toml_edit::Datetime),
        }
        let text = match Written::deserialize(from)? {
            Written::Text(text) => text,
            Written::Date(date) => date.to_string(),
        };
        let day = Date::read(&text);
        let why = || de::Error::custom(format!("`{text}` is no day: write it as `2027-01-01`"));
        day.map(Self).ok_or_else(why)
    }
}
