//! What people should know of their own settings: that they are not what they seem.

use crate::facts::{Arch, jemalloc_build, jemalloc_versions};
use crate::model::malloc_conf::{Effect, Jemalloc, Setting, Verdict, read};

use super::Watcher;
use super::candidate::{self, Candidate};
use super::judge::Tried;
use super::proof::Proof;

/// What is asked for with `--try`: variables that nothing reads, numbers that are read as others.
pub(super) fn on_asked(asked: &[Candidate], watcher: &dyn Watcher) {
    for candidate in asked {
        for name in candidate::unread(candidate) {
            watcher.note(&format!(
                "no allocator that is known reads `{name}`: whether it has an effect is not proved"
            ));
        }
        let conf = candidate.variable("MALLOC_CONF").unwrap_or_default();
        for (pair, number) in other_numbers(conf) {
            watcher.note(&format!("jemalloc reads `{pair}` as {number}"));
        }
    }
}

/// What is set now: a preload that has no effect.
pub(super) fn on_first_run(tried: &Tried, proof: &Proof, watcher: &dyn Watcher) {
    let own = tried.runs.is_empty() && tried.candidate.is_current();
    let preload = tried.candidate.variable("LD_PRELOAD").filter(|_| own);
    if let Some(preload) = preload.filter(|_| proof.library.is_none()) {
        watcher.note(&format!(
            "`LD_PRELOAD={preload}` is not in force: `current` runs on the C library's allocator"
        ));
    }
}

/// The settings of which jemalloc reads another number than is written, each with what the newest
/// version makes of it.
fn other_numbers(conf: &str) -> Vec<(&str, i128)> {
    let arch = Arch::Amd64;
    let jemalloc = jemalloc_versions().last().zip(jemalloc_build(None, arch));
    let Some((version, build)) = jemalloc else {
        return Vec::new();
    };
    let jemalloc = Jemalloc {
        version,
        build,
        arch,
    };
    let other = |setting: Setting| {
        let (Verdict::Taken(_, Effect::Number(number))
        | Verdict::Taken(_, Effect::Clipped(number))) = setting.verdict
        else {
            return None;
        };
        let written: i128 = conf.get(setting.value.clone())?.trim().parse().ok()?;
        (written != number).then_some((conf.get(setting.all())?, number))
    };
    read(conf, jemalloc)
        .settings
        .into_iter()
        .filter_map(other)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_octal_and_clipped() {
        assert_eq!(
            other_numbers(
                "narenas:4294967297,dirty_decay_ms:010,lg_tcache_max:99,muzzy_decay_ms:0"
            ),
            [
                ("narenas:4294967297", 1),
                ("dirty_decay_ms:010", 8),
                ("lg_tcache_max:99", 15)
            ]
        );
        assert!(other_numbers("narenas:2,tcache:false").is_empty());
        assert!(other_numbers("").is_empty());
    }
}
