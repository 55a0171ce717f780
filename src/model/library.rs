//! Allocator libraries in the image, and what we cannot see of its files.

use crate::facts::{Arch, Family};
use crate::text::Place;

/// One allocator library file (or link to one) in the image.
#[derive(Clone, Debug)]
pub struct Library {
    /// Which allocator.
    pub family: Family,
    /// Where it lies.
    pub path: PathPattern,
    /// How it got there.
    pub origin: Origin,
    /// The allocator's version where the package says it.
    pub version: Option<String>,
    /// Libraries beyond libc that it links against.
    pub needs: Vec<String>,
    /// The oldest glibc it runs with, and the C library it was built for.
    pub min_glibc: Option<String>,
    /// The C library it was built for, where that is known.
    pub libc: Option<crate::facts::Libc>,
    /// It may not be there: a condition decides.
    pub conditional: bool,
    /// Where it is put there.
    pub place: Place,
    /// The build step that puts it there.
    pub step: usize,
}

/// How a library got into the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// By a package of the distribution or of conda.
    Package {
        /// The package's name.
        name: String,
        /// It is the development package.
        dev: bool,
    },
    /// Copied from another stage or image.
    Copied {
        /// The stage or image.
        from: String,
    },
    /// Copied from the build context.
    Context,
    /// Built from source.
    Built,
    /// A link or copy made within the image.
    Linked,
    /// The base image brings it.
    Base,
    /// It was read where it lies in a built image, in a folder of libraries; no package brought it.
    Read,
}

/// A path that may hold `{triplet}` (the multiarch folder, one for each architecture) and `*`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPattern(String);

/// How well a path fits a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// On every architecture.
    Always,
    /// Where the multiarch triplet is that of this architecture.
    On(Arch),
    /// Not at all.
    Never,
}

impl PathPattern {
    /// A pattern from its text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The pattern's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path as a report shows it: `*` for the folder that differs by architecture, and the
    /// folder alone where the file's name is not known.
    #[must_use]
    pub fn shown(&self) -> String {
        let path = if self.file_name().contains('*') {
            self.folder()
        } else {
            self.as_str()
        };
        path.replace(TRIPLET, "*")
    }

    /// The last component.
    #[must_use]
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// The folder, without the final slash.
    #[must_use]
    pub fn folder(&self) -> &str {
        self.0.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    /// Whether the pattern is right on several architectures only through its `{triplet}`.
    #[must_use]
    pub fn has_triplet(&self) -> bool {
        self.0.contains(TRIPLET)
    }

    /// The path on one architecture.
    #[must_use]
    pub fn on(&self, arch: Arch) -> String {
        self.0.replace(TRIPLET, arch.triplet())
    }

    /// How well `path` fits.
    #[must_use]
    pub fn fit(&self, path: &str) -> Fit {
        if path == self.0 {
            return Fit::Always;
        }
        if !self.has_triplet() {
            return if matches(&self.0, path) {
                Fit::Always
            } else {
                Fit::Never
            };
        }
        let (before, after) = self.0.split_once(TRIPLET).unwrap_or((&self.0, ""));
        let Some(rest) = path.strip_prefix(before) else {
            return Fit::Never;
        };
        let triplet = rest.split('/').next().unwrap_or_default();
        let tail = rest.get(triplet.len()..).unwrap_or_default();
        match Arch::from_triplet(triplet) {
            Some(arch) if matches(after, tail) => Fit::On(arch),
            _ => Fit::Never,
        }
    }
}

const TRIPLET: &str = "{triplet}";

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters.
#[must_use]
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut parts = parts.peekable();
    if parts.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return rest.ends_with(part);
        }
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    true
}

/// A part of the file system that may hold anything, and why.
#[derive(Clone, Debug)]
pub struct Opaque {
    /// The folder or file; `/` for the whole image.
    pub path: String,
    /// Why we cannot see: `the script install.sh is not beside the Dockerfile`.
    pub why: String,
    /// It may hold a library that nothing else brings, but nobody would put one there that a package
    /// of this image brings elsewhere: `make`, an archive.
    pub weak: bool,
}

impl Opaque {
    /// Whether `path` may have been put there unseen.
    #[must_use]
    pub fn covers(&self, path: &str) -> bool {
        let folder = self.path.trim_end_matches('/');
        matches(folder, path)
            || path
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
            || folder.contains('*') && matches(&format!("{folder}/*"), path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triplets_and_stars() {
        let debian = PathPattern::new("/usr/lib/{triplet}/libjemalloc.so.2");
        assert_eq!(
            debian.fit("/usr/lib/aarch64-linux-gnu/libjemalloc.so.2"),
            Fit::On(Arch::Arm64)
        );
        assert_eq!(
            debian.fit("/usr/lib/{triplet}/libjemalloc.so.2"),
            Fit::Always
        );
        assert_eq!(debian.fit("/usr/lib/$LIB/libjemalloc.so.2"), Fit::Never);
        assert_eq!(
            debian.fit("/usr/lib/amd64-linux-gnu/libjemalloc.so.2"),
            Fit::Never
        );
        assert_eq!(debian.fit("/usr/lib/libjemalloc.so.2"), Fit::Never);
        assert_eq!(
            debian.on(Arch::S390x),
            "/usr/lib/s390x-linux-gnu/libjemalloc.so.2"
        );
        let copied = PathPattern::new("/opt/lib/libjemalloc*");
        assert_eq!(copied.fit("/opt/lib/libjemalloc.so.2"), Fit::Always);
        assert_eq!(
            (copied.folder(), copied.file_name()),
            ("/opt/lib", "libjemalloc*")
        );
        assert!(matches("a*b*c", "aXbYbc") && !matches("a*b", "abc") && matches("*", ""));
    }

    #[test]
    fn what_is_covered_by_an_unseen_folder() {
        let opaque = |path: &str| Opaque {
            path: path.into(),
            why: String::new(),
            weak: false,
        };
        assert!(opaque("/").covers("/usr/lib/x") && opaque("/usr/lib/").covers("/usr/lib/x"));
        assert!(!opaque("/usr/lib").covers("/usr/lib64/x"));
    }
}
