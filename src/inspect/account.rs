//! One process: all that is known of its memory, and what was set and has no effect.

use std::path::Path;

use super::elf;
use super::glibc::Glibc;
use super::jemalloc::{self, Jemalloc};
use super::process::{Mapping, Process, Unread};
use super::pymalloc::{self, Pymalloc};
use super::verdict::Verdict;
use crate::facts::{Family, family_of_library, tunable};
use crate::secrets;

/// What is known of one process: sizes in bytes.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) pid: u32,
    pub(super) name: String,
    pub(super) command: String,
    pub(super) python: Option<(u32, u32)>,
    pub(super) threads: u64,
    pub(super) resident: u64,
    pub(super) anonymous: u64,
    pub(super) file: u64,
    pub(super) shared: u64,
    pub(super) swapped: u64,
    /// The file whose `malloc` it calls.
    pub(super) library: Option<String>,
    /// Which allocator that is, where it is not the C library's.
    pub(super) family: Option<Family>,
    pub(super) glibc: Result<Glibc, String>,
    /// Where it is the one that is called.
    pub(super) jemalloc: Option<Result<Jemalloc, String>>,
    pub(super) pymalloc: Pymalloc,
    pub(super) without_effect: Vec<Idle>,
    pub(super) verdict: Verdict,
}

/// A setting of the environment that has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Idle {
    pub(super) name: String,
    pub(super) why: String,
    /// The rule that says the same of a file.
    pub(super) rule: &'static str,
}

/// Reads a process; the verdict is still to come.
pub(super) fn read(pid: u32) -> Result<Account, Unread> {
    let process = Process::open(pid)?;
    let python = python(&process);
    let library = elf::allocator(&process);
    let family = library
        .as_deref()
        .and_then(|path| family_of_library(file_name(path)));
    let glibc = Glibc::read(&process);
    let jemalloc = library
        .as_deref()
        .filter(|_| family == Some(Family::Jemalloc))
        .map(|library| jemalloc::read(&process, library));
    let pymalloc = match python {
        Some(_) => pymalloc::read(&process, python),
        None => Pymalloc::default(),
    };
    let without_effect = idle(&process, family, glibc.as_ref().ok());
    if !process.is_same() {
        return Err(Unread::Changed(pid));
    }
    let status = process.status.clone();
    Ok(Account {
        pid,
        name: status.name,
        command: secrets::command(&process.command, &[]),
        python,
        threads: status.threads,
        resident: status.resident,
        anonymous: status.anonymous,
        file: status.file,
        shared: status.shared,
        swapped: status.swapped,
        without_effect,
        library,
        family,
        glibc,
        jemalloc,
        pymalloc,
        verdict: Verdict::default(),
    })
}

impl Account {
    /// Bytes of a figure of all heaps.
    pub(super) fn in_heaps(&self, of: fn(&super::glibc::Heap) -> u64) -> u64 {
        let heaps = self.glibc.iter().flat_map(|glibc| &glibc.heaps);
        heaps.map(of).sum()
    }

    /// What is neither in a heap nor Python's: blocks that were mapped by themselves, stacks, data of libraries.
    pub(super) fn rest(&self) -> u64 {
        let heaps = self.in_heaps(|heap| heap.live + heap.cached + heap.free_pages + heap.top);
        let jemalloc = self.jemalloc().map_or(0, |jemalloc| {
            jemalloc.active + jemalloc.dirty + jemalloc.muzzy
        });
        let known = heaps + self.small_free() + self.pymalloc.pools + jemalloc;
        self.anonymous.saturating_sub(known)
    }

    /// jemalloc, where it is called and could be read.
    pub(super) fn jemalloc(&self) -> Option<&Jemalloc> {
        self.jemalloc.as_ref()?.as_ref().ok()
    }

    /// What is free in blocks that are smaller than a page, and at the ends of others.
    pub(super) fn small_free(&self) -> u64 {
        let heaps = self.glibc.iter().flat_map(|glibc| &glibc.heaps);
        let small = heaps.map(|heap| heap.small());
        small.sum()
    }

    /// What was mapped for single blocks.
    pub(super) fn big_blocks(&self) -> u64 {
        let parameters = self.glibc.as_ref().ok().and_then(|glibc| glibc.parameters);
        parameters
            .map_or(0, |parameters| parameters.mapped_bytes)
            .min(self.rest())
    }
}

fn file_name(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or_default()
}

/// Whether a process runs Python, by what is mapped into it.
pub(super) fn is_python(pid: u32) -> bool {
    Process::open(pid).is_ok_and(|process| python(&process).is_some())
}

/// The version of Python that runs, by the names of its program and library.
fn python(process: &Process) -> Option<(u32, u32)> {
    let program = process.program();
    let program = program
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let libraries = process
        .maps
        .iter()
        .filter(|map| map.path.contains("/libpython"));
    let named = libraries
        .map(|map| file_name(&map.path).to_owned())
        .chain(program);
    named
        .into_iter()
        .find_map(|name| version(&name))
        .or_else(|| {
            // `/usr/local/bin/python` may be a program without a version in its name.
            let mut folders = process
                .maps
                .iter()
                .filter_map(|map: &Mapping| map.path.split("/python").nth(1));
            folders.find_map(|rest| version(&format!("python{rest}")))
        })
}

/// `python3.11`, `libpython3.11.so.1.0`.
fn version(name: &str) -> Option<(u32, u32)> {
    let rest = name.split_once("python")?.1;
    let (major, rest) = rest.split_once('.')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((major.parse().ok()?, rest.get(..end)?.parse().ok()?))
}

/// What the environment says and nothing does.
fn idle(process: &Process, family: Option<Family>, glibc: Option<&Glibc>) -> Vec<Idle> {
    let mut found = Vec::new();
    let mapped = |name: &str| {
        process
            .maps
            .iter()
            .any(|map| file_name(&map.path) == file_name(name))
    };
    let secure = process.is_secure();
    let variables = process.environment();
    let mut tunables = variables.iter();
    // What stands there counts more than the variable of its own.
    let tuned =
        tunables.any(|(name, value)| name == "GLIBC_TUNABLES" && value.contains("arena_max"));
    for (name, value) in variables {
        let mut say = |why: String, rule: &'static str| {
            found.push(Idle {
                name: name.clone(),
                why,
                rule,
            });
        };
        match name.as_str() {
            "LD_PRELOAD" => {
                for entry in value.split([' ', ':']).filter(|entry| !entry.is_empty()) {
                    if family_of_library(file_name(entry)).is_none() || mapped(entry) {
                        continue;
                    }
                    let why = if secure {
                        "the process gained rights when it was started: the loader ignores it"
                    } else {
                        "it is not mapped: the loader did not find it, or the variable was set too late"
                    };
                    say(format!("`{entry}`: {why}"), "preload-not-installed");
                }
            }
            "MALLOC_CONF" if family != Some(Family::Jemalloc) => {
                say(
                    "this process calls no jemalloc".into(),
                    "malloc-conf-without-jemalloc",
                );
            }
            _ if tunable(&name).is_some() && family.is_some() => {
                say(
                    "glibc's malloc is not the one that is called".into(),
                    "glibc-tunable-dead",
                );
            }
            "MALLOC_ARENA_MAX" if !tuned => {
                let parameters = glibc.and_then(|glibc| glibc.parameters);
                let in_force = parameters.map(|parameters| parameters.arena_max);
                let why = match (in_force, number(&value)) {
                    (Some(0), None) => "glibc reads no number in it",
                    (Some(most), Some(wanted)) if most != wanted => {
                        "glibc has another value in force: it was set too late"
                    }
                    _ => continue,
                };
                say(why.into(), "glibc-tunable-bad-value");
            }
            _ => {}
        }
    }
    found
}

/// A number as glibc reads it: blanks around it, and hexadecimal digits behind `0x`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_names() {
        assert_eq!(version("python3.11"), Some((3, 11)));
        assert_eq!(version("libpython3.9.so.1.0"), Some((3, 9)));
        assert_eq!(version("python3.13t"), Some((3, 13)));
        assert_eq!(version("python3"), None);
        assert_eq!(version("gunicorn"), None);
    }
}
