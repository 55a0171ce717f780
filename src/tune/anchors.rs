//! What is always compared with the C library's own allocator: what `fix` would write, and the one
//! variable that needs no library. Nobody has to guess whether those would have done as well.

use crate::model::ProcessModel;
use crate::templates::{self, Goal, Need};

use super::candidate::{Candidate, Origin};
use super::libraries::Library;
use super::proof::Proof;
use crate::facts::Family;

const ARENA_MAX: (&str, &str) = ("MALLOC_ARENA_MAX", "2");

/// What `fix` would write for each jemalloc at hand; none for one that is too old for it.
pub(super) fn fix(libraries: &[Library], goal: Goal, baseline: &Proof) -> Vec<Candidate> {
    let jemalloc = libraries
        .iter()
        .filter(|library| library.family == Family::Jemalloc);
    let of = |library: &Library| {
        let version = library.version.map(|version| version.to_string());
        let need = Need {
            model: model(baseline),
            goal,
            version: version.as_deref(),
            ..Need::default()
        };
        let conf = templates::malloc_conf(&need)?.value.clone();
        let env = vec![("MALLOC_CONF".to_owned(), conf)];
        Some(Candidate::new(Origin::Fix, Some(library), env))
    };
    jemalloc.filter_map(of).collect()
}

/// One process makes no workers; of several nobody has said how they were made.
fn model(baseline: &Proof) -> Option<ProcessModel> {
    (baseline.processes.0 == 1).then_some(ProcessModel::Threads)
}

/// `MALLOC_ARENA_MAX=2`.
pub(super) fn arena_max() -> Candidate {
    let (name, value) = ARENA_MAX;
    let env = vec![(name.to_owned(), value.to_owned())];
    Candidate::new(Origin::Known("mallopt(3)"), None, env)
}

/// Whether what is set now is `MALLOC_ARENA_MAX=2` and nothing else.
pub(super) fn is_arena_max(env: &[(String, String)]) -> bool {
    matches!(env, [(name, value)] if (name.as_str(), value.as_str()) == ARENA_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::JemallocVersion;
    use crate::tune::libraries::jemalloc;

    fn library(version: Option<&str>) -> Library {
        Library {
            version: version.and_then(JemallocVersion::parse),
            ..jemalloc()
        }
    }

    fn conf(version: Option<&str>, goal: Goal) -> Option<String> {
        let all = fix(&[library(version)], goal, &Proof::default());
        let first = all.first()?;
        assert_eq!(first.origin, Origin::Fix);
        first.variable("MALLOC_CONF").map(str::to_owned)
    }

    #[test]
    fn it_is_what_fix_writes_for_that_version_and_goal() {
        for goal in [Goal::LowMemory, Goal::Balanced, Goal::Throughput] {
            for version in ["5.0.1", "5.2.1", "5.3.0"] {
                let need = Need {
                    goal,
                    version: Some(version),
                    ..Need::default()
                };
                let written = &templates::malloc_conf(&need).unwrap().value;
                assert_eq!(conf(Some(version), goal).as_ref(), Some(written));
            }
        }
        let balanced = |version| conf(version, Goal::Balanced).unwrap();
        assert!(balanced(Some("5.2.1")).contains("lg_tcache_max"));
        assert_eq!(balanced(None), balanced(Some("5.3.0")));
        assert_eq!(conf(Some("3.6.0"), Goal::Balanced), None);
        assert!(fix(&[], Goal::Balanced, &Proof::default()).is_empty());
    }

    #[test]
    fn what_is_set_now_may_be_it() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let two = pair("MALLOC_ARENA_MAX", "2");
        assert!(is_arena_max(&arena_max().env));
        assert!(!is_arena_max(&[pair("MALLOC_ARENA_MAX", "1")]));
        assert!(!is_arena_max(&[two, pair("MALLOC_TOP_PAD_", "1")]));
        assert!(!is_arena_max(&[]));
    }
}
