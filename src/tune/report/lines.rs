//! The lines of a Dockerfile that set what is recommended.

use crate::tune::{Outcome, Tried};

/// The lines; what is set now and has to go is named in a comment.
pub(super) fn lines(outcome: &Outcome) -> Vec<String> {
    let Some(best) = outcome.leader.and_then(|leader| outcome.tried.get(leader)) else {
        return Vec::new();
    };
    if is_dead(best) {
        return Vec::new();
    }
    let env = variables(outcome, best);
    let mut lines: Vec<String> = gone(outcome, best, &env).into_iter().collect();
    let line = |(name, value): &(String, String)| format!("ENV {name}={}", quoted(value));
    lines.extend(env.iter().map(line));
    lines
}

/// What is set now, and the loader passes over: nothing to write down.
fn is_dead(best: &Tried) -> bool {
    let loaded = best
        .runs
        .last()
        .is_some_and(|(_, run)| run.proof.library.is_some());
    best.candidate.is_current() && best.candidate.variable(PRELOAD).is_some() && !loaded
}

const PRELOAD: &str = "LD_PRELOAD";
const TUNABLES: &str = "GLIBC_TUNABLES";

/// All variables that the setting was measured with.
fn variables(outcome: &Outcome, best: &Tried) -> Vec<(String, String)> {
    let candidate = &best.candidate;
    if candidate.is_current() {
        return candidate.env.clone();
    }
    let (beside, own) = (&outcome.beside, candidate.library.as_ref());
    let current = outcome
        .current
        .and_then(|current| outcome.tried.get(current));
    // What stands beside an allocator that goes has to be written anew.
    let is_set = |name: &str| current.is_some_and(|one| one.candidate.variable(name).is_some());
    let mut env = Vec::new();
    if own.is_some() || is_set(PRELOAD) && !beside.preloads.is_empty() {
        let names = beside.preloads.iter().map(String::as_str);
        let names: Vec<&str> = names
            .chain(own.map(|library| library.name.as_str()))
            .collect();
        env.push((PRELOAD.to_owned(), names.join(":")));
    }
    let tunables = candidate.variable(TUNABLES);
    if tunables.is_some() || is_set(TUNABLES) && !beside.tunables.is_empty() {
        let all = beside.tunables.iter().map(String::as_str);
        let all: Vec<&str> = all.chain(tunables).collect();
        env.push((TUNABLES.to_owned(), all.join(":")));
    }
    let others = candidate.env.iter().filter(|(name, _)| name != TUNABLES);
    env.extend(others.cloned());
    env
}

/// The variables that are set now, and that the setting does without.
fn gone(outcome: &Outcome, best: &Tried, env: &[(String, String)]) -> Option<String> {
    let current = outcome.tried.get(outcome.current?)?;
    let kept = |name: &str| env.iter().any(|(own, _)| own == name);
    let all = current.candidate.env.iter().map(|(name, _)| name.as_str());
    let gone: Vec<&str> = all.filter(|name| !kept(name)).collect();
    (!gone.is_empty() && !best.candidate.is_current())
        .then(|| format!("# and no longer: {}", gone.join(", ")))
}

/// A value so that a Dockerfile takes it as it is.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-:,+@%|=*".contains(c);
    if value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::from("\"");
    for c in value.chars() {
        if matches!(c, '"' | '\\' | '$') {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_value_is_written_as_a_dockerfile_reads_it() {
        for (value, text) in [
            ("narenas:2,tcache:false", "narenas:2,tcache:false"),
            (
                "libm.so.6 libjemalloc.so.2",
                "\"libm.so.6 libjemalloc.so.2\"",
            ),
            ("prof_prefix:$HOME/x", "\"prof_prefix:\\$HOME/x\""),
            ("a\"b\\c", "\"a\\\"b\\\\c\""),
        ] {
            assert_eq!(quoted(value), text);
        }
    }
}
