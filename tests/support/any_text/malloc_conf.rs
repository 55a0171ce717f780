//! What holds of every reading of `MALLOC_CONF`, for every version of jemalloc.

use malloclint::internals::facts::{Arch, jemalloc_build, jemalloc_versions};
use malloclint::internals::model::malloc_conf::{Jemalloc, read};

/// Reads `text` as every jemalloc does, and panics where a setting lies outside of it or out of order.
pub(crate) fn check(text: &str) {
    let builds = [Arch::Amd64, Arch::Arm64].map(|arch| (arch, jemalloc_build(None, arch)));
    for version in jemalloc_versions() {
        for (arch, build) in builds {
            let build = build.unwrap();
            let jemalloc = Jemalloc {
                version,
                build,
                arch,
            };
            let reading = read(text, jemalloc);
            let mut last = 0;
            for setting in &reading.settings {
                assert!(last <= setting.key.start && setting.key.end <= setting.value.start);
                assert!(text.get(setting.key.clone()).is_some());
                assert!(text.get(setting.value.clone()).is_some());
                assert_eq!(
                    setting.verdict.is_rejection(),
                    setting.verdict.message().is_some()
                );
                last = setting.value.end;
            }
            // What breaks off or aborts says so of the same text again.
            assert_eq!(reading.aborts(), read(text, jemalloc).aborts());
        }
    }
}
