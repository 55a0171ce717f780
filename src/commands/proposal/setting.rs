//! What is best for a command, as files have it.

use crate::facts::Family;
use crate::model::{Change, Outcome, Preload, Role, Unit};

/// What is best for a command, as files have it.
#[derive(Clone, Copy, Debug)]
pub(in crate::commands) enum Setting<'a> {
    /// jemalloc with this `MALLOC_CONF`: the configuration holds it, and `fix` brings it.
    Jemalloc(&'a str),
    /// Variables alone, of which `fix` knows nothing.
    Variables(&'a [(String, String)]),
}

impl<'a> Setting<'a> {
    /// Whether a unit has it.
    pub(super) fn is_in(self, unit: &Unit) -> bool {
        let loaded = match self {
            Self::Jemalloc(_) => loads_jemalloc(unit),
            Self::Variables(_) => true,
        };
        loaded && self.unset(unit).is_empty()
    }

    /// What would give a unit its variables. (Without jemalloc, which `fix` brings, those of jemalloc are no use.)
    pub(super) fn lacking(self, unit: &Unit) -> Vec<Change> {
        let useless = matches!(self, Self::Jemalloc(_)) && !loads_jemalloc(unit);
        if useless || unit.role != Role::Runtime {
            return Vec::new();
        }
        let set = |(name, value): (&str, &str)| Change::SetEnv {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        self.unset(unit).into_iter().map(set).collect()
    }

    /// Those of its variables that a unit does not have.
    fn unset(self, unit: &Unit) -> Vec<(&'a str, &'a str)> {
        let has = |(name, value): &(&str, &str)| {
            let var = unit.env.get(name);
            var.and_then(|var| var.now.value.known()) == Some(*value)
        };
        let all = self.variables().into_iter();
        all.filter(|pair| !has(pair)).collect()
    }

    fn variables(self) -> Vec<(&'a str, &'a str)> {
        match self {
            Self::Jemalloc(conf) => vec![("MALLOC_CONF", conf)],
            Self::Variables(all) => {
                let pairs = all.iter();
                let pairs = pairs.map(|(name, value)| (name.as_str(), value.as_str()));
                pairs.collect()
            }
        }
    }

    /// It as people read it.
    pub(super) fn shown(self) -> String {
        let all = self.variables().into_iter();
        let all = all.map(|(name, value)| format!("`{name}={value}`"));
        all.collect::<Vec<_>>().join(" and ")
    }
}

/// Whether jemalloc is loaded, or may be and nothing says otherwise.
pub(super) fn loads_jemalloc(unit: &Unit) -> bool {
    let preloads = |preload: &Preload| {
        let may = preload.outcome.works() || matches!(preload.outcome, Outcome::Unknown(_));
        may && preload.family == Some(Family::Jemalloc)
    };
    let mut linked = unit.linked.iter();
    unit.preloads.iter().any(preloads) || linked.any(|(family, _)| *family == Family::Jemalloc)
}
