//! Where a library belongs in an image, and what of its C library decides whether it can be loaded there.

use super::contents::loader_dirs;
use super::files::{File, Files};
use crate::facts::{Arch, Family, Libc};
use crate::model::Built;

/// The folder for a library of jemalloc: where the distribution's package puts it, else where the C library lies. A real path without
/// a `/` in front; nothing where the loader looks in none.
pub(super) fn folder(files: &Files, built: &Built) -> Option<String> {
    let real = |folder: &str| {
        let real = files.resolved(folder)?;
        files.is_folder(&real).then_some(real)
    };
    if built.own_dirs {
        return built.search_dirs.iter().find_map(|folder| real(folder));
    }
    let searched = loader_dirs(built);
    let is_searched = |folder: &String| {
        let mut dirs = searched.iter();
        dirs.any(|dir| real(dir).as_ref() == Some(folder))
    };
    let packaged = packaged(built).and_then(|folder| real(&folder));
    packaged
        .or_else(|| match built.libc? {
            Libc::Glibc => real(glibc_folder(files, built)?),
            Libc::Musl => ["usr/lib", "lib"].into_iter().find_map(real),
        })
        .filter(is_searched)
}

/// Where the package of the distribution puts it.
fn packaged(built: &Built) -> Option<String> {
    let mut packages = built.release?.packages_of(Family::Jemalloc);
    let package = packages.find(|package| !package.dev)?;
    let folder = package.dir.replace("{triplet}", built.arch?.triplet());
    (!folder.contains('{')).then_some(folder)
}

/// The folder of the glibc that programs of the image's own architecture start with: beside it there may be one for others.
fn glibc_folder<'f>(files: &'f Files, built: &Built) -> Option<&'f str> {
    let own = built.arch.map(Arch::triplet);
    let rank = |folder: &str| {
        let name = folder.rsplit('/').next().unwrap_or_default();
        match name {
            _ if Some(name) == own => 0,
            "lib64" => 1,
            "lib" => 2,
            _ => 3,
        }
    };
    let all = files
        .all()
        .filter_map(|(path, _)| path.strip_suffix("/libc.so.6"));
    all.min_by_key(|folder| (rank(folder), folder.len()))
}

/// The file of that glibc.
pub(super) fn glibc<'f>(files: &'f Files, built: &Built) -> Option<&'f File> {
    let folder = glibc_folder(files, built)?;
    files.file(&format!("{folder}/libc.so.6"))
}
