//! The closed sets of words that facts, model and rules share, and how the world spells them.
//!
//! The spellings of architectures are data (`architectures.toml`); this module only looks up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::data::Table;

/// A processor architecture, named as Docker's `TARGETARCH` (with variant) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Arch {
    Amd64,
    Arm64,
    /// linux/arm/v7
    Armv7,
    /// linux/arm/v5 and v6
    Armv6,
    #[serde(rename = "386")]
    I386,
    Ppc64le,
    S390x,
    Riscv64,
    Loong64,
}

#[derive(Debug, Default, Deserialize)]
struct Architectures {
    architecture: Vec<Spelling>,
}

/// One architecture's names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    arch: Arch,
    docker: Vec<String>,
    triplet: String,
    dpkg: String,
    uname: Vec<String>,
    #[serde(default)]
    platform: Option<String>,
    #[cfg_attr(
        not(test),
        allow(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static SPELLINGS: Table<Architectures> = Table::new(include_str!("architectures.toml"));

impl Arch {
    /// Every architecture, in the order of the data.
    pub const ALL: [Self; 9] = [
        Self::Amd64,
        Self::Arm64,
        Self::Armv7,
        Self::Armv6,
        Self::I386,
        Self::Ppc64le,
        Self::S390x,
        Self::Riscv64,
        Self::Loong64,
    ];

    /// The architecture that a Docker platform string or `TARGETARCH` value names:
    /// `linux/arm64/v8`, `arm64`, `amd64`, `linux/arm/v7`. `None` for other systems than Linux.
    #[must_use]
    pub fn from_docker(platform: &str) -> Option<Self> {
        let lower = platform.trim().to_ascii_lowercase();
        let name = lower.strip_prefix("linux/").unwrap_or(&lower);
        Self::find(|spelling| spelling.docker.iter().any(|known| known == name))
    }

    /// What the loader puts in for `$PLATFORM`, where that is one name on all of its machines.
    #[must_use]
    pub fn loader_platform(self) -> Option<&'static str> {
        self.spelling()?.platform.as_deref()
    }

    /// The architecture whose Debian multiarch directory is called `triplet`.
    #[must_use]
    pub fn from_triplet(triplet: &str) -> Option<Self> {
        Self::find(|spelling| spelling.triplet == triplet)
    }

    /// The Debian multiarch directory name, such as `aarch64-linux-gnu`.
    #[must_use]
    pub fn triplet(self) -> &'static str {
        self.spelling()
            .map_or("", |spelling| spelling.triplet.as_str())
    }

    /// What `dpkg --print-architecture` prints there, such as `armhf`.
    #[must_use]
    pub fn dpkg(self) -> &'static str {
        self.spelling()
            .map_or("", |spelling| spelling.dpkg.as_str())
    }

    /// What `uname -m` prints on a machine of this architecture.
    #[must_use]
    pub fn uname(self) -> &'static str {
        self.spelling()
            .and_then(|spelling| spelling.uname.first())
            .map_or("", String::as_str)
    }

    /// The platform string of Docker without `linux/`: `amd64`, `arm/v7`.
    #[must_use]
    pub fn docker(self) -> &'static str {
        self.spelling()
            .and_then(|spelling| spelling.docker.first())
            .map_or("", String::as_str)
    }

    fn spelling(self) -> Option<&'static Spelling> {
        SPELLINGS
            .get()
            .architecture
            .iter()
            .find(|spelling| spelling.arch == self)
    }

    fn find(matches: impl Fn(&Spelling) -> bool) -> Option<Self> {
        SPELLINGS
            .get()
            .architecture
            .iter()
            .find(|spelling| matches(spelling))
            .map(|found| found.arch)
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.docker())
    }
}

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Libc {
    Glibc,
    Musl,
}

impl fmt::Display for Libc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Glibc => "glibc",
            Self::Musl => "musl",
        })
    }
}

/// A package manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Manager {
    /// apt-get, apt, and the `install_packages` wrapper of minideb images.
    Apt,
    Apk,
    Dnf,
    Microdnf,
    Yum,
    Zypper,
    Tdnf,
    Pacman,
    /// conda, mamba and micromamba.
    Conda,
}

impl Manager {
    /// The program that scripts call.
    #[must_use]
    pub const fn command(self) -> &'static str {
        match self {
            Self::Apt => "apt-get",
            Self::Apk => "apk",
            Self::Dnf => "dnf",
            Self::Microdnf => "microdnf",
            Self::Yum => "yum",
            Self::Zypper => "zypper",
            Self::Tdnf => "tdnf",
            Self::Pacman => "pacman",
            Self::Conda => "conda",
        }
    }

    /// Whether both install RPM packages, so that package names carry over.
    #[must_use]
    pub const fn is_rpm(self) -> bool {
        matches!(
            self,
            Self::Dnf | Self::Microdnf | Self::Yum | Self::Zypper | Self::Tdnf
        )
    }
}

impl fmt::Display for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.command())
    }
}

/// A family of replacement allocators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Family {
    Jemalloc,
    Tcmalloc,
    Mimalloc,
    /// Another malloc replacement that can be preloaded: hardened_malloc, snmalloc, libhoard...
    Other,
}

impl Family {
    /// What people call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jemalloc => "jemalloc",
            Self::Tcmalloc => "tcmalloc",
            Self::Mimalloc => "mimalloc",
            Self::Other => "another allocator",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_architecture_has_its_names() {
        let triplets = [
            "x86_64-linux-gnu",
            "aarch64-linux-gnu",
            "arm-linux-gnueabihf",
            "arm-linux-gnueabi",
            "i386-linux-gnu",
            "powerpc64le-linux-gnu",
            "s390x-linux-gnu",
            "riscv64-linux-gnu",
            "loongarch64-linux-gnu",
        ];
        for (arch, triplet) in Arch::ALL.into_iter().zip(triplets) {
            assert_eq!(arch.triplet(), triplet);
            assert_eq!(Arch::from_triplet(triplet), Some(arch));
            assert_eq!(Arch::from_docker(&format!("linux/{arch}")), Some(arch));
        }
        assert!(
            SPELLINGS
                .get()
                .architecture
                .iter()
                .all(|spelling| !spelling.source.is_empty())
        );
    }

    #[test]
    fn docker_spellings() {
        for (text, arch) in [
            ("linux/arm64/v8", Some(Arch::Arm64)),
            ("arm64", Some(Arch::Arm64)),
            ("linux/amd64", Some(Arch::Amd64)),
            ("Linux/AMD64", Some(Arch::Amd64)),
            ("amd64", Some(Arch::Amd64)),
            ("linux/arm/v7", Some(Arch::Armv7)),
            ("linux/arm", Some(Arch::Armv7)),
            ("linux/arm/v6", Some(Arch::Armv6)),
            ("linux/386", Some(Arch::I386)),
            ("windows/amd64", None),
            ("${TARGETPLATFORM}", None),
            ("", None),
        ] {
            assert_eq!(Arch::from_docker(text), arch, "{text}");
        }
    }
}
