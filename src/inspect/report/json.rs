//! For machines: version 1 (docs/json.md).

use std::io;

use serde::Serialize;

use super::lines::{in_force, rows, settings};
use crate::inspect::account::Account;
use crate::inspect::map::Strip;
use crate::inspect::settings::Idle;
use crate::inspect::trend::{Sample, Trend};
use crate::inspect::verdict::Lever;

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    /// Seconds since 1970.
    time: u64,
    processes: Vec<One<'a>>,
    #[serde(skip_serializing_if = "<[Sample]>::is_empty")]
    samples: &'a [Sample],
    #[serde(skip_serializing_if = "<[Trend]>::is_empty")]
    trends: &'a [Trend],
}

#[derive(Serialize)]
struct One<'a> {
    pid: u32,
    parent: u32,
    name: &'a str,
    command: &'a str,
    python: Option<String>,
    threads: u64,
    rss: u64,
    anonymous: u64,
    /// Of the anonymous memory: what no other process maps.
    private: u64,
    swapped: u64,
    allocator: Allocator<'a>,
    settings: Vec<String>,
    without_effect: &'a [Idle],
    memory: serde_json::Map<String, serde_json::Value>,
    live: u64,
    free: u64,
    verdict: &'static str,
    reason: &'a str,
    levers: &'a [Lever],
    checks: Checks,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    map: Vec<&'a Strip>,
}

#[derive(Serialize)]
struct Allocator<'a> {
    name: &'static str,
    shown: String,
    library: Option<&'a str>,
    glibc: Option<&'a str>,
    jemalloc: Option<&'a str>,
    arenas: usize,
}

#[derive(Serialize)]
struct Checks {
    /// What could not be read of the heaps, as a share of 1.
    unwalked: Option<f64>,
    /// Pages of no file that were counted, against what the kernel says: the difference as a share of 1.
    pages: f64,
    /// In use or free by the allocators' word, and not in memory, as nobody has touched it: `memory` comes to so much more.
    untouched: u64,
    /// What `malloc_trim(0)` would give back.
    trimmable: u64,
    live_blocks: u64,
    thread_caches: u64,
    pymalloc_arenas: u64,
    pymalloc_sparse: u64,
    jemalloc_extents: u64,
    /// Addresses that jemalloc keeps without memory, in bytes.
    jemalloc_retained: u64,
    seconds: f64,
}

/// What was found.
pub(crate) struct Found<'a> {
    pub(crate) accounts: &'a [Account],
    /// Each look, where there were several.
    pub(crate) samples: &'a [Sample],
    pub(crate) trends: &'a [Trend],
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// The maps of the heaps are long, and for those who ask.
    pub(crate) with_map: bool,
}

/// Writes the report.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(found: &Found<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let accounts = found.accounts.iter();
    let report = Report {
        version: 1,
        time: found.time,
        processes: accounts
            .map(|account| one(account, found.with_map))
            .collect(),
        samples: found.samples,
        trends: found.trends,
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn one(account: &Account, with_map: bool) -> One<'_> {
    let status = &account.status;
    let memory = rows(account)
        .into_iter()
        .map(|row| (row.key.to_owned(), row.bytes.into()));
    One {
        pid: account.pid,
        parent: status.parent,
        name: &status.name,
        command: &account.command,
        python: account
            .python
            .map(|(major, minor)| format!("{major}.{minor}")),
        threads: status.threads,
        rss: status.resident,
        anonymous: status.anonymous,
        private: account.census.private,
        swapped: status.swapped,
        allocator: allocator(account),
        settings: settings(account),
        without_effect: &account.without_effect,
        memory: memory.collect(),
        live: account.live(),
        free: account.free(),
        verdict: account.verdict.kind.word(),
        reason: &account.verdict.reason,
        levers: &account.verdict.levers,
        checks: checks(account),
        map: account.strips().filter(|_| with_map).collect(),
    }
}

fn allocator(account: &Account) -> Allocator<'_> {
    let glibc = account.glibc.as_ref().ok();
    Allocator {
        name: match account.family() {
            Some(family) => family.name(),
            None if account.stranger().is_some() => "unknown",
            None if account.library.is_none() && glibc.is_none() => "unknown",
            None => "glibc",
        },
        shown: in_force(account),
        library: account.library.as_deref(),
        glibc: glibc.and_then(|glibc| glibc.version.as_deref()),
        jemalloc: account.jemalloc().map(|jemalloc| jemalloc.version.as_str()),
        arenas: match account.jemalloc() {
            Some(jemalloc) => jemalloc.arenas,
            None => glibc.map_or(account.mapped_arenas, |glibc| glibc.heaps.len()),
        },
    }
}

fn checks(account: &Account) -> Checks {
    let glibc = account.glibc.as_ref().ok();
    let jemalloc = account.jemalloc();
    let said = (account.status.anonymous as f64).max(1.0);
    Checks {
        unwalked: glibc.map(crate::inspect::glibc::Glibc::unwalked),
        pages: (account.census.anonymous() as f64 - said) / said,
        untouched: account.untouched(),
        trimmable: account.in_heaps(|heap| heap.free_pages + heap.trimmed_top),
        live_blocks: account.in_heaps(|heap| heap.blocks),
        thread_caches: account.in_heaps(|heap| heap.caches),
        pymalloc_arenas: account.pymalloc.arenas,
        pymalloc_sparse: account.pymalloc.sparse,
        jemalloc_extents: jemalloc.map_or(0, |jemalloc| jemalloc.extents),
        jemalloc_retained: jemalloc.map_or(0, |jemalloc| jemalloc.retained),
        seconds: account.took,
    }
}
