//! One process: all that is known of its memory, and what was set and has no effect.

use serde::{Deserialize, Serialize};

use super::census::{self, Census};
use super::elf;
use super::glibc::{self, Glibc, Heap};
use super::interpreter;
use super::jemalloc::{self, Jemalloc};
use super::map::Strip;
use super::process::{Process, Status, Unread, file_name};
use super::pymalloc::{self, Pymalloc};
use super::settings::{self, Idle, Known};
use super::verdict::Verdict;
use crate::facts::{Family, family_of_library};
use crate::secrets;

/// What is known of one process: sizes in bytes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Account {
    pub(crate) pid: u32,
    pub(super) command: String,
    pub(super) python: Option<(u32, u32)>,
    pub(super) status: Status,
    /// The file whose `malloc` it calls.
    pub(super) library: Option<String>,
    pub(super) glibc: Result<Glibc, String>,
    /// Where it is the one that is called.
    pub(super) jemalloc: Option<Result<Jemalloc, String>>,
    pub(super) pymalloc: Pymalloc,
    pub(super) census: Census,
    /// Its heap lies in huge pages, which are not read.
    pub(super) has_huge_pages: bool,
    /// When it began, and the program that it runs: another one may come under the same number.
    pub(crate) identity: (u64, String),
    pub(super) without_effect: Vec<Idle>,
    /// Why its memory could not be read, and what to do.
    pub(crate) shut: Option<String>,
    /// So many arenas its mappings show, where that is all that can be had.
    pub(super) mapped_arenas: usize,
    /// How long it took to read it, in seconds.
    pub(super) took: f64,
    pub(super) verdict: Verdict,
}

/// Reads a process; the verdict is still to come.
pub(super) fn read(pid: u32) -> Result<Account, Unread> {
    let process = Process::open(pid)?;
    let mut account = of(&process);
    if !process.is_same() {
        return Err(Unread::Changed(pid));
    }
    account.pid = pid;
    Ok(account)
}

/// What an open process shows.
pub(super) fn of(process: &Process) -> Account {
    let begun = std::time::Instant::now();
    let python = interpreter::python(process);
    let library = elf::allocator(process);
    let family = library.as_deref().and_then(family_of);
    let glibc = Glibc::read(process);
    let jemalloc = library
        .as_deref()
        .filter(|_| family == Some(Family::Jemalloc))
        .map(|library| jemalloc::read(process, library));
    let heaps = glibc.as_ref().map_or(&[][..], |glibc| &glibc.parts);
    let pymalloc = match python {
        Some(_) if !interpreter::is_free_threaded(process) => {
            pymalloc::read(process, python, heaps)
        }
        _ => Pymalloc::default(),
    };
    let without_effect = settings::without_effect(&Known {
        process,
        family,
        glibc: glibc.as_ref().ok(),
    });
    let census = census::take(process);
    let mapped_arenas = glibc::arenas_by_mappings(process);
    Account {
        pid: 0,
        command: secrets::live::command(&process.command),
        python,
        status: process.status.clone(),
        library,
        glibc,
        jemalloc,
        pymalloc,
        census,
        has_huge_pages: process.has_huge_pages(),
        identity: (process.began, process.program_name()),
        without_effect,
        shut: process.shut.as_ref().map(ToString::to_string),
        mapped_arenas,
        took: begun.elapsed().as_secs_f64(),
        verdict: Verdict::default(),
    }
}

fn family_of(path: &str) -> Option<Family> {
    family_of_library(file_name(path))
}

impl Account {
    /// What anybody may know of a process, where that is all.
    pub(super) fn closed(pid: u32, status: Status, command: &[String], why: &Unread) -> Self {
        Self {
            pid,
            command: secrets::live::command(command),
            python: None,
            status,
            library: None,
            glibc: Err(why.to_string()),
            jemalloc: None,
            pymalloc: Pymalloc::default(),
            census: Census::default(),
            has_huge_pages: false,
            identity: (0, String::new()),
            without_effect: Vec::new(),
            shut: Some(why.to_string()),
            mapped_arenas: 0,
            took: 0.0,
            verdict: Verdict::default(),
        }
    }

    /// Which allocator is called, where it is not the C library's.
    pub(super) fn family(&self) -> Option<Family> {
        self.library.as_deref().and_then(family_of)
    }

    /// What it is called by: its command, without secrets.
    pub(crate) fn command(&self) -> &str {
        &self.command
    }

    /// Whether it runs Python.
    pub(crate) const fn is_python(&self) -> bool {
        self.python.is_some()
    }

    /// The allocator in force where it is not the C library's, and its file: `jemalloc 5.3.0 (/usr/lib/…)`.
    pub(crate) fn in_force(&self) -> Option<String> {
        let path = self.library.as_deref()?;
        let name = self.family()?.name();
        let version = self
            .jemalloc()
            .map(|jemalloc| format!(" {}", jemalloc.version));
        Some(format!("{name}{} ({path})", version.unwrap_or_default()))
    }

    /// Settings that are there and do nothing, each with the reason.
    pub(crate) fn idle(&self) -> impl Iterator<Item = String> {
        self.without_effect
            .iter()
            .map(|idle| format!("{}: {}", idle.name, idle.why))
    }

    /// A library whose `malloc` is called, and that is neither the C library nor an allocator that is known.
    pub(super) fn stranger(&self) -> Option<&str> {
        let path = self
            .library
            .as_deref()
            .filter(|_| self.family().is_none())?;
        let name = file_name(path);
        let is_libc = name.starts_with("libc.so") || name.starts_with("libc-2.");
        (!is_libc).then_some(path)
    }

    /// Bytes of a figure of all heaps.
    pub(super) fn in_heaps(&self, of: fn(&Heap) -> u64) -> u64 {
        let heaps = self.glibc.iter().flat_map(|glibc| &glibc.heaps);
        heaps.map(of).fold(0, u64::saturating_add)
    }

    /// jemalloc, where it is called and could be read.
    pub(super) fn jemalloc(&self) -> Option<&Jemalloc> {
        self.jemalloc.as_ref()?.as_ref().ok()
    }

    /// The maps of all that it has.
    pub(super) fn strips(&self) -> impl Iterator<Item = &Strip> {
        let glibc = self.glibc.iter().flat_map(|glibc| &glibc.strips);
        let jemalloc = self.jemalloc().map(|jemalloc| &jemalloc.strip);
        let all = glibc.chain(jemalloc).chain([&self.pymalloc.strip]);
        all.filter(|strip| !strip.cells.is_empty())
    }

    /// What was mapped for single blocks, by glibc's own word.
    pub(super) fn big_blocks(&self) -> u64 {
        let parameters = self.glibc.as_ref().ok().and_then(|glibc| glibc.parameters);
        parameters.map_or(0, |parameters| parameters.mapped_bytes)
    }

    /// What of memory without a name nobody is known to have asked for.
    pub(super) fn unexplained(&self) -> u64 {
        let all = self.census.unnamed + self.census.heap;
        all.saturating_sub(self.in_memory())
    }

    /// What allocators hold that is in memory.
    fn in_memory(&self) -> u64 {
        self.in_parts() + self.big_blocks_in_memory()
    }

    /// The same without blocks that were mapped by themselves.
    fn in_parts(&self) -> u64 {
        let jemalloc = self.jemalloc().map_or(0, |jemalloc| jemalloc.resident);
        self.in_heaps(|heap| heap.resident) + self.pymalloc.resident + jemalloc
    }

    /// What of blocks that were mapped by themselves is in memory. Where they were not found it is as much as they have, unless there is
    /// less: then nobody knows.
    pub(super) fn big_blocks_in_memory(&self) -> u64 {
        let found = self.glibc.as_ref().ok();
        if let Some(there) = found.and_then(|glibc| glibc.mapped_in_memory) {
            return there;
        }
        let all = self.census.unnamed + self.census.heap;
        let (left, blocks) = (all.saturating_sub(self.in_parts()), self.big_blocks());
        if blocks <= left { blocks } else { 0 }
    }

    /// What allocators handed out or keep free by their own word, and is not in memory: nobody has touched it.
    pub(super) fn untouched(&self) -> u64 {
        let heaps = self.in_heaps(Heap::known);
        let jemalloc = self.jemalloc().map_or(0, |jemalloc| {
            jemalloc.active + jemalloc.dirty + jemalloc.muzzy
        });
        let known = heaps + self.big_blocks() + self.pymalloc.pools + jemalloc;
        known.saturating_sub(self.in_memory())
    }

    /// Whether its allocators could be read.
    pub(super) fn is_known(&self) -> bool {
        self.shut.is_none()
            && self.stranger().is_none()
            && (self.jemalloc().is_some() || self.family().is_none() && self.glibc.is_ok())
    }

    /// What is free, whoever keeps it.
    pub(super) fn free(&self) -> u64 {
        self.free_in_heaps() + self.pymalloc.kept()
    }

    /// What is free in the heaps of malloc and in memory.
    pub(super) fn free_in_heaps(&self) -> u64 {
        let jemalloc = self
            .jemalloc()
            .map_or(0, |jemalloc| jemalloc.between() + jemalloc.free_resident);
        self.in_heaps(|heap| heap.free_pages + heap.top + heap.small()) + jemalloc
    }

    /// What is in use and in memory, as far as allocators say it.
    pub(super) fn live(&self) -> u64 {
        let jemalloc = self.jemalloc().map_or(0, Jemalloc::in_use);
        let blocks = self.in_heaps(|heap| heap.live + heap.cached);
        // What is free in the heaps is in memory; the rest of what is not is handed out.
        let blocks = blocks.min(self.in_heaps(|heap| heap.resident));
        blocks + self.big_blocks_in_memory() + self.pymalloc.live + jemalloc
    }

    /// Of what is of no file: what other processes map, too, as since a fork.
    pub(super) fn shared_since_fork(&self) -> u64 {
        self.census.anonymous().saturating_sub(self.census.private)
    }
}
