//! What `fix --inject` adds to a pod, as texts of YAML.

use std::sync::OnceLock;

use serde::Deserialize;

const TEXT: &str = include_str!("../../templates/inject.toml");

/// What a pod gets so that jemalloc comes from an image of its own.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Inject {
    /// The name of the init container and of the volume.
    pub name: String,
    /// Where the volume is mounted.
    pub folder: String,
    /// The library's file name.
    pub library: String,
    /// What it needs beyond glibc.
    pub needs: Vec<String>,
    /// The distributions whose images can be copied from.
    pub from: Vec<String>,
    /// The kinds of object whose pods can get it.
    pub kinds: Vec<String>,
    /// Where that was read or run.
    #[expect(dead_code, reason = "says where the fact was read")]
    pub source: String,
    pub volume: String,
    /// The mount of a container that uses it.
    pub mount: String,
    container: String,
    resources: String,
    user: String,
}

/// Who runs an init container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// Whoever the image or the pod says.
    Any,
    /// Anybody but root, whom the pod names.
    NotRoot,
    /// This user, who is not root; without a name the template's own.
    User(Option<String>),
}

impl Inject {
    /// The init container that copies from `image`.
    #[must_use]
    pub(crate) fn container(&self, image: &str, runner: &Runner, with_resources: bool) -> String {
        let not_root = "  runAsNonRoot: true\n";
        let user = match runner {
            Runner::Any => String::new(),
            Runner::NotRoot => not_root.to_owned(),
            Runner::User(user) => {
                let user = user.as_deref().unwrap_or(&self.user);
                format!("{not_root}  runAsUser: {user}\n")
            }
        };
        let resources = if with_resources { &*self.resources } else { "" };
        self.container
            .replace("{image}", image)
            .replace("{user}", &user)
            .replace("{resources}", resources)
    }

    /// The value of `LD_PRELOAD` in an image that lacks `lacking`.
    #[must_use]
    pub(crate) fn preload(&self, lacking: &[String]) -> String {
        let needed = self.needs.iter().filter(|need| lacking.contains(need));
        let files = std::iter::once(&self.library).chain(needed);
        let paths: Vec<_> = files
            .map(|file| format!("{}/{file}", self.folder))
            .collect();
        paths.join(":")
    }
}

/// The template.
#[must_use]
pub(crate) fn inject() -> Option<&'static Inject> {
    static READ: OnceLock<Option<Inject>> = OnceLock::new();
    READ.get_or_init(|| toml_edit::de::from_str(TEXT).ok())
        .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_are_about_the_same_names() {
        let read: Inject = toml_edit::de::from_str(TEXT).unwrap();
        let container = read.container("a/b:1", &Runner::Any, false);
        for part in [&container, &read.mount] {
            assert!(part.contains(&format!("name: {}\n", read.name)), "{part}");
            assert!(part.contains(&format!("mountPath: {}\n", read.folder)));
        }
        assert!(read.volume.contains(&format!("name: {}\n", read.name)));
        for file in read.needs.iter().chain([&read.library]) {
            assert!(
                container.contains(&format!("-linux-gnu*/{file} ")),
                "{file}"
            );
        }
        assert!(container.contains("image: a/b:1\n") && !container.contains("{user}"));
    }

    #[test]
    fn what_the_pod_asks_for_is_in_the_container() {
        let read = inject().unwrap();
        let container = |runner| read.container("a", &runner, true);
        assert!(container(Runner::Any).contains("limits: {cpu: "));
        assert!(!container(Runner::Any).contains("runAs"));
        let inherited = container(Runner::NotRoot);
        assert!(inherited.contains("runAsNonRoot") && !inherited.contains("runAsUser"));
        let own = container(Runner::User(Some("1000".into())));
        assert!(own.contains("  runAsNonRoot: true\n  runAsUser: 1000\n"));
        let nobody = container(Runner::User(None));
        assert!(nobody.contains("  runAsUser: 65534\n"));
    }

    #[test]
    fn only_what_is_lacking_is_preloaded_and_behind_the_library() {
        let read = inject().unwrap();
        assert_eq!(read.preload(&[]), "/malloclint/libjemalloc.so.2");
        let lacking = ["libgcc_s.so.1", "libstdc++.so.6"].map(str::to_owned);
        assert_eq!(
            read.preload(&lacking),
            "/malloclint/libjemalloc.so.2:/malloclint/libstdc++.so.6:/malloclint/libgcc_s.so.1"
        );
    }
}
