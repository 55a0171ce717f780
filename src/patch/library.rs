//! Libraries that a user names, alone or in packages, and which of them an image can load.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::deb::Package;
use super::dpkg;
use super::layer::File;
use crate::disk;
use crate::facts::{self, Family, Libc};
use crate::image::{self, LARGEST_LIBRARY, Library, Read, Refused};
use crate::model::{Built, newer};
use crate::text::paths;

/// A library of jemalloc.
#[derive(Clone, Debug)]
pub(crate) struct Supplied {
    /// As it was named.
    shown: String,
    /// The name by which the loader knows it: `libjemalloc.so.2`.
    soname: String,
    bytes: Vec<u8>,
    told: Library,
    /// What brings it.
    package: Option<Package>,
}

/// No package with a library is larger, in bytes, and no folder holds so many.
pub(super) const LARGEST_PACKAGE: u64 = 64 << 20;
const PACKAGES: usize = 256;

impl Supplied {
    /// Reads one.
    ///
    /// # Errors
    /// Where it cannot be read, or is no jemalloc.
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        let shown = path.display().to_string();
        let bytes = bytes(path, LARGEST_LIBRARY)?;
        Self::of(shown, bytes, None)
    }

    /// Reads those of a package, or of all packages in a folder.
    ///
    /// # Errors
    /// Where one cannot be read, or brings no jemalloc. Of a folder the others are passed over.
    pub(crate) fn of_packages(path: &Path) -> Result<Vec<Self>, String> {
        if !path.is_dir() {
            return Self::of_package(path).map(|one| vec![one]);
        }
        let wrong = |error: io::Error| format!("{}: {error}", path.display());
        let mut packages: Vec<PathBuf> = Vec::new();
        for entry in fs::read_dir(path).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let may_be_one = name.contains("jemalloc") && !name.contains("-dev");
            if path.extension() == Some(OsStr::new("deb")) && may_be_one {
                packages.push(path);
            }
        }
        packages.sort();
        let read = packages.iter().take(PACKAGES);
        let read: Vec<Self> = read
            .map(|path| Self::of_package(path))
            .collect::<Result<_, _>>()?;
        match read.is_empty() {
            true => Err(format!(
                "{}: no package of jemalloc is in it (`libjemalloc2_….deb`)",
                path.display()
            )),
            false => Ok(read),
        }
    }

    fn of_package(path: &Path) -> Result<Self, String> {
        let shown = path.display().to_string();
        Self::of_package_bytes(shown, &bytes(path, LARGEST_PACKAGE)?)
    }

    /// Reads that of a package. `shown`: what people call it.
    ///
    /// # Errors
    /// Where it is none, or brings no jemalloc.
    pub(super) fn of_package_bytes(shown: String, bytes: &[u8]) -> Result<Self, String> {
        let read = Package::read(bytes);
        let package = read.map_err(|why| format!("{shown}: {why}"))?;
        Self::of(shown, package.library.bytes.clone(), Some(package))
    }

    fn of(shown: String, bytes: Vec<u8>, package: Option<Package>) -> Result<Self, String> {
        let told = image::library(&bytes);
        if !told.loads {
            return Err(format!("{shown}: it is no library for Linux (ELF)"));
        }
        let own = image::soname(&bytes);
        let brought = package
            .as_ref()
            .map(|package| package.library.path.as_str());
        let file = paths::file_name(brought.unwrap_or(&shown));
        let soname = own.unwrap_or_else(|| file.to_owned());
        // The name becomes part of a path.
        let is_one = facts::family_of_library(&soname) == Some(Family::Jemalloc);
        if !is_one || soname.contains('/') {
            return Err(format!(
                "{shown}: it calls itself `{soname}`, and is no jemalloc: name a `libjemalloc.so.2`"
            ));
        }
        Ok(Self {
            shown,
            soname,
            bytes,
            told,
            package,
        })
    }

    /// What it brings to an image.
    ///
    /// # Errors
    /// Where there is no place for it; the reason says what to do.
    pub(super) fn files(&self, image: &Read<'_>) -> Result<Vec<File>, Refused> {
        if let Some(package) = &self.package {
            return dpkg::files(package, image);
        }
        let folder = image.library_folder().ok_or_else(|| {
            Refused::new("where its loader looks for libraries cannot be told: it has no C library, or one in an unusual place".into())
        })?;
        Ok(vec![File {
            path: format!("{folder}/{}", self.soname),
            bytes: self.bytes.clone(),
        }])
    }

    /// Why an image cannot load it, and what to do.
    fn unfit(&self, image: &Read<'_>) -> Option<String> {
        let (shown, built) = (&self.shown, &image.built);
        if let (Some(own), Some(here)) = (self.told.libc(), built.libc)
            && own != here
        {
            return Some(format!(
                "`{shown}` was built for {own}, and the image has {here}: {}",
                take_from(built)
            ));
        }
        let least = self.told.glibc.as_deref()?;
        let release = || built.release?.libc_version.clone();
        let here = image.glibc().or_else(release)?;
        newer(least, &here).then(|| {
            format!(
                "`{shown}` needs glibc {least}, and the image has {here}: {}",
                take_from(built)
            )
        })
    }
}

fn bytes(path: &Path, largest: u64) -> Result<Vec<u8>, String> {
    let shown = path.display();
    disk::bytes(path, largest).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{shown}: there is no such file"),
        io::ErrorKind::InvalidInput => format!("{shown}: it is not a plain file"),
        _ => format!("{shown}: {error}"),
    })
}

/// The one that an image can load.
///
/// # Errors
/// Where there is none; the reason says what to do.
pub(super) fn choose<'s>(
    supplied: &'s [Supplied],
    image: &Read<'_>,
    platform: &str,
) -> Result<&'s Supplied, Refused> {
    let built = &image.built;
    let of_arch: Vec<&Supplied> = supplied
        .iter()
        .filter(|one| one.told.fits(built.arch))
        .collect();
    if of_arch.is_empty() {
        let named: Vec<String> = supplied.iter().map(Supplied::described).collect();
        return Err(Refused::new(format!(
            "none of the libraries is for {platform} ({}): name one more with `--library FILE`, and {}",
            named.join(", "),
            take_from(built)
        )));
    }
    let mut against = None;
    for one in of_arch {
        match one.unfit(image) {
            None => return Ok(one),
            why => against = against.or(why),
        }
    }
    Err(Refused::new(against.unwrap_or_default()))
}

impl Supplied {
    /// `lib/libjemalloc.so.2 is for arm64`
    fn described(&self) -> String {
        match self.told.arch {
            Some(arch) => format!("`{}` is for {}", self.shown, arch.docker()),
            None => format!("`{}` is for another machine", self.shown),
        }
    }
}

/// What people do where nothing was named and nothing can be fetched. `why` that is.
pub(super) fn unnamed(built: &Built, why: &str) -> Refused {
    Refused::new(format!(
        "jemalloc is not in the image, and {why}: name its package with `--deb FILE`, or its library with `--library FILE`, and {}",
        take_from(built)
    ))
}

/// Where the right one comes from.
fn take_from(built: &Built) -> String {
    let packaged = built.release.and_then(|release| {
        let mut packages = release.packages_of(Family::Jemalloc);
        let package = packages.find(|package| !package.dev)?;
        Some(format!(
            "take the one of the package `{}` of {} {}",
            package.name, release.distro, release.release
        ))
    });
    packaged.unwrap_or_else(|| match built.libc {
        Some(Libc::Musl) => "take one that was built for musl".to_owned(),
        _ => "take one that was built on the image's release or an older one".to_owned(),
    })
}
