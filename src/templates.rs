//! Reads `templates/*.toml`: what the fixer writes. Texts with `{gaps}`, never logic.
//!
//! Templates are compiled in and parsed at their first use. This module knows no format.

mod hook;
mod inject;
mod profiles;
mod style;
mod tuning;

use std::sync::OnceLock;

use serde::Deserialize;

use crate::facts::{Manager, Release};

pub(crate) use hook::{Parts, thread_hook};
pub(crate) use inject::{Inject, Runner, inject};
pub(crate) use profiles::{Goal, Need, is_profile, malloc_conf};
pub(crate) use style::PreloadStyle;
pub use style::Style;
pub(crate) use tuning::tuning;

/// How a package manager installs in a build step.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Installer {
    /// Which manager.
    pub manager: Manager,
    /// The commands in order; `{packages}` stands for the names.
    pub steps: Vec<String>,
    /// What keeps the layer small.
    pub cleanup: Option<String>,
    /// The flags of a RUN that keeps the downloads in cache mounts.
    pub cache: Vec<String>,
    /// The folders of those mounts.
    pub cached: Vec<String>,
    /// Lists the files of an installed `{package}`, one absolute path a line.
    pub files: String,
    #[serde(default)]
    release: Vec<OfRelease>,
    /// Where that was read or run.
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    pub source: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfRelease {
    distro: String,
    releases: Vec<String>,
    cleanup: String,
}

impl Installer {
    /// The clean-up of a release that is known for sure; without one, that which works on all.
    #[must_use]
    pub(crate) fn cleanup(&self, release: Option<&Release>) -> Option<&str> {
        let of_release = release.and_then(|release| {
            self.release
                .iter()
                .find(|own| own.distro == release.distro && own.releases.contains(&release.release))
        });
        of_release
            .map(|own| own.cleanup.as_str())
            .or(self.cleanup.as_deref())
    }
}

/// How an image without a package manager gets a library: from a stage that has one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Copy {
    /// The distribution of the image.
    pub distro: String,
    /// The image of the stage; `{release}` stands for the release.
    pub image: String,
    /// Its package manager.
    pub manager: Manager,
    /// Where its packages put libraries; may hold `*`.
    pub folder: String,
    /// The folder they are copied to, with a final slash.
    pub to: String,
    /// Where that was read or run.
    #[expect(dead_code, reason = "says where the fact was read")]
    pub source: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Copies {
    distro: Vec<Copy>,
}

const INSTALLERS: [&str; 9] = [
    include_str!("../templates/apt.toml"),
    include_str!("../templates/apk.toml"),
    include_str!("../templates/dnf.toml"),
    include_str!("../templates/microdnf.toml"),
    include_str!("../templates/yum.toml"),
    include_str!("../templates/zypper.toml"),
    include_str!("../templates/tdnf.toml"),
    include_str!("../templates/pacman.toml"),
    include_str!("../templates/conda.toml"),
];
const COPIES: &str = include_str!("../templates/copy.toml");

/// How `manager` installs.
#[must_use]
pub(crate) fn installer(manager: Manager) -> Option<&'static Installer> {
    static ALL: OnceLock<Vec<Installer>> = OnceLock::new();
    let read = || {
        let all = INSTALLERS.iter();
        all.filter_map(|text| toml_edit::de::from_str(text).ok())
            .collect()
    };
    ALL.get_or_init(read)
        .iter()
        .find(|installer| installer.manager == manager)
}

/// How an image of `release` without a package manager gets a library.
#[must_use]
pub(crate) fn copy(release: &Release) -> Option<&'static Copy> {
    static ALL: OnceLock<Vec<Copy>> = OnceLock::new();
    let read =
        || toml_edit::de::from_str::<Copies>(COPIES).map_or_else(|_| Vec::new(), |all| all.distro);
    ALL.get_or_init(read)
        .iter()
        .find(|copy| copy.distro == release.distro)
}

/// The numbers of a version, so that versions compare.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split(['.', '-'])
        .map_while(|part| part.parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_can_be_read() {
        for text in INSTALLERS {
            let read: Installer = toml_edit::de::from_str(text).unwrap();
            assert!(
                !read.source.is_empty() && read.files.contains('{')
                    || read.manager == Manager::Conda
            );
            assert!(read.steps.iter().any(|step| step.contains("{packages}")));
            assert_eq!(installer(read.manager).unwrap().steps, read.steps);
        }
        toml_edit::de::from_str::<Copies>(COPIES).unwrap();
    }

    #[test]
    fn the_clean_up_is_that_of_the_release() {
        let apt = installer(Manager::Apt).unwrap();
        let cleanup = |release: &str| apt.cleanup(crate::facts::release("debian", release));
        assert_eq!(cleanup("13"), Some("apt-get dist-clean"));
        assert_eq!(cleanup("12"), Some("rm -rf /var/lib/apt/lists/*"));
        assert_eq!(apt.cleanup(None), Some("rm -rf /var/lib/apt/lists/*"));
    }
}
