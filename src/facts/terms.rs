//! The closed sets of words that facts, model and rules share.

use serde::Deserialize;

/// A processor architecture, named as Docker's `TARGETARCH` (with variant) names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
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

/// A C library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Libc {
    Glibc,
    Musl,
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
