//! What was seen of processes, for people and for machines.

use std::io;

use serde::Serialize;

use super::account::Account;
use super::verdict::Kind;
use crate::facts::Family;

/// One row: what it is, and how many bytes.
struct Row {
    group: &'static str,
    what: String,
    /// The name for machines.
    key: &'static str,
    bytes: u64,
}

/// Where the memory is.
fn rows(account: &Account) -> Vec<Row> {
    let python = account.pymalloc;
    let row = |group, what: &str, key, bytes| Row {
        group,
        what: what.to_owned(),
        key,
        bytes,
    };
    let big = account.big_blocks();
    let mut rows = Vec::new();
    if account.glibc.is_ok() {
        rows.extend([
            row(
                "malloc",
                "live blocks",
                "malloc_live",
                account.in_heaps(|heap| heap.live),
            ),
            row(
                "malloc",
                "big blocks, mapped by themselves",
                "malloc_mapped",
                big,
            ),
            row(
                "malloc",
                "free, whole pages (malloc_trim)",
                "malloc_free_pages",
                account.in_heaps(|heap| heap.free_pages),
            ),
            row(
                "malloc",
                "free, ends of arenas",
                "malloc_tops",
                account.in_heaps(|heap| heap.top),
            ),
            row(
                "malloc",
                "free, smaller than a page",
                "malloc_free_small",
                account.small_free(),
            ),
            row(
                "malloc",
                "caches of threads",
                "malloc_cached",
                account.in_heaps(|heap| heap.cached),
            ),
        ]);
    }
    if let Some(jemalloc) = account.jemalloc() {
        let between = jemalloc.active.saturating_sub(jemalloc.live);
        rows.extend([
            row(
                "jemalloc",
                "live blocks, caches of threads",
                "jemalloc_live",
                jemalloc.live,
            ),
            row(
                "jemalloc",
                "free between blocks",
                "jemalloc_between",
                between,
            ),
            row(
                "jemalloc",
                "free, dirty pages",
                "jemalloc_dirty",
                jemalloc.dirty,
            ),
            row(
                "jemalloc",
                "free, muzzy pages",
                "jemalloc_muzzy",
                jemalloc.muzzy,
            ),
        ]);
    }
    if python.arenas > 0 {
        let free = format!("free in {} arenas of Python's own", python.arenas);
        rows.push(row("python", "live objects", "pymalloc_live", python.live));
        rows.push(row("python", &free, "pymalloc_free", python.free));
    }
    let rest = account.rest().saturating_sub(big);
    rows.push(row(
        "other",
        "stacks, data of libraries, not explained",
        "other_anonymous",
        rest,
    ));
    rows.push(row("other", "files", "files", account.file));
    rows.push(row("other", "shared memory", "shared", account.shared));
    rows.retain(|row| row.bytes > 0);
    rows
}

/// Which allocator is called.
fn in_force(account: &Account) -> String {
    let version = account
        .glibc
        .as_ref()
        .ok()
        .and_then(|glibc| glibc.version.clone());
    match (&account.family, &account.library, version) {
        (Some(family), Some(path), _) => {
            let version = account
                .jemalloc()
                .map(|jemalloc| format!(" laid out as {}", jemalloc.version));
            format!("{family}{} ({path})", version.unwrap_or_default())
        }
        (None, _, Some(version)) => format!("glibc {version}"),
        (None, Some(path), None) => path.clone(),
        _ => "not known".into(),
    }
}

/// The parameters of glibc's malloc that are in force.
fn settings(account: &Account) -> Vec<String> {
    let Ok(glibc) = &account.glibc else {
        return Vec::new();
    };
    let Some(parameters) = glibc.parameters.filter(|_| account.family.is_none()) else {
        return Vec::new();
    };
    let arenas = glibc.heaps.len();
    let most = match parameters.arena_max {
        0 => "unlimited".to_owned(),
        most => most.to_string(),
    };
    let drift = if parameters.is_drifting {
        ", drifting"
    } else {
        ""
    };
    vec![
        format!(
            "MALLOC_ARENA_MAX {most}: {arenas} arenas for {} threads",
            account.threads
        ),
        format!(
            "blocks mapped from {} KiB, ends kept to {} KiB{drift}",
            parameters.mmap_threshold >> 10,
            parameters.trim_threshold >> 10
        ),
    ]
}

/// For people, in 80 columns.
pub(crate) fn human(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    let mib = |bytes: u64| (bytes + (1 << 19)) >> 20;
    let python = account
        .python
        .map(|(major, minor)| format!("   Python {major}.{minor}"));
    writeln!(
        out,
        "{} (pid {}){}   {} threads   RSS {} MiB",
        short(&account.command, &account.name),
        account.pid,
        python.unwrap_or_default(),
        account.threads,
        mib(account.resident)
    )?;
    writeln!(out, "allocator in force   {}", in_force(account))?;
    for (index, setting) in settings(account).iter().enumerate() {
        let lead = if index == 0 { "settings in force" } else { "" };
        writeln!(out, "{lead:<20} {setting}")?;
    }
    for (index, idle) in account.without_effect.iter().enumerate() {
        let lead = if index == 0 { "set without effect" } else { "" };
        writeln!(
            out,
            "{lead:<20} {}: {} [{}]",
            idle.name, idle.why, idle.rule
        )?;
    }
    writeln!(out)?;
    let mut last = "";
    for row in rows(account) {
        let group = if row.group == last { "" } else { row.group };
        last = row.group;
        let share = row.bytes as f64 * 100.0 / account.resident.max(1) as f64;
        writeln!(
            out,
            "  {group:<8} {:<44} {:>6} MiB {share:>4.0} %",
            row.what,
            mib(row.bytes)
        )?;
    }
    if account.swapped > 0 {
        writeln!(
            out,
            "  swapped out, and not read: {} MiB",
            mib(account.swapped)
        )?;
    }
    writeln!(out)?;
    let verdict = &account.verdict;
    let head = match verdict.kind {
        Kind::Retention => "RETENTION, not live objects",
        Kind::Live => "LIVE MEMORY: a leak, a cache, or the work",
        Kind::Mixed => "MIXED: some is kept free, some is in use",
        Kind::Unknown => "NO VERDICT",
    };
    writeln!(out, "{head}: {}", verdict.reason)?;
    for lever in &verdict.levers {
        for (index, line) in textwrap::wrap(lever, 76).iter().enumerate() {
            let lead = if index == 0 { "  " } else { "    " };
            writeln!(out, "{lead}{line}")?;
        }
    }
    if let Ok(glibc) = account.glibc.as_ref().map_err(|_| ()).and_then(|glibc| {
        if account.family.is_some() {
            Err(())
        } else {
            Ok(glibc)
        }
    }) {
        let read = 100.0 - glibc.unwalked() * 100.0;
        writeln!(out, "checked {read:.1} % of the heaps; nothing was stopped")?;
    }
    Ok(())
}

fn short(command: &str, name: &str) -> String {
    let text = if command.is_empty() { name } else { command };
    match text.char_indices().nth(36) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or(text)),
        None => text.to_owned(),
    }
}

#[derive(Serialize)]
struct Report<'a> {
    version: u32,
    processes: Vec<One<'a>>,
}

#[derive(Serialize)]
struct One<'a> {
    pid: u32,
    name: &'a str,
    command: &'a str,
    python: Option<String>,
    threads: u64,
    rss: u64,
    anonymous: u64,
    allocator: Allocator<'a>,
    settings: Vec<String>,
    without_effect: Vec<Idle<'a>>,
    memory: serde_json::Map<String, serde_json::Value>,
    verdict: &'static str,
    reason: &'a str,
    levers: &'a [String],
    checks: Checks,
}

#[derive(Serialize)]
struct Allocator<'a> {
    name: String,
    library: Option<&'a str>,
    glibc: Option<&'a str>,
    arenas: usize,
}

#[derive(Serialize)]
struct Idle<'a> {
    name: &'a str,
    why: &'a str,
    rule: &'a str,
}

#[derive(Serialize)]
struct Checks {
    /// What could not be read of the heaps, as a share of 1.
    unwalked: Option<f64>,
    live_blocks: u64,
    thread_caches: u64,
    pymalloc_arenas: u64,
    pymalloc_sparse: u64,
    jemalloc_extents: u64,
    /// Addresses that jemalloc keeps without memory, in bytes.
    jemalloc_retained: u64,
}

/// For machines.
pub(crate) fn json(accounts: &[Account], out: &mut dyn io::Write) -> io::Result<()> {
    let report = Report {
        version: 1,
        processes: accounts.iter().map(one).collect(),
    };
    serde_json::to_writer_pretty(&mut *out, &report)?;
    writeln!(out)
}

fn one(account: &Account) -> One<'_> {
    let glibc = account.glibc.as_ref().ok();
    let memory = rows(account)
        .into_iter()
        .map(|row| (row.key.to_owned(), row.bytes.into()));
    One {
        pid: account.pid,
        name: &account.name,
        command: &account.command,
        python: account
            .python
            .map(|(major, minor)| format!("{major}.{minor}")),
        threads: account.threads,
        rss: account.resident,
        anonymous: account.anonymous,
        allocator: Allocator {
            name: account
                .family
                .map_or_else(|| "glibc".into(), |family: Family| family.to_string()),
            library: account.library.as_deref(),
            glibc: glibc.and_then(|glibc| glibc.version.as_deref()),
            arenas: glibc.map_or(0, |glibc| glibc.heaps.len()),
        },
        settings: settings(account),
        without_effect: account
            .without_effect
            .iter()
            .map(|idle| Idle {
                name: &idle.name,
                why: &idle.why,
                rule: idle.rule,
            })
            .collect(),
        memory: memory.collect(),
        verdict: account.verdict.kind.word(),
        reason: &account.verdict.reason,
        levers: &account.verdict.levers,
        checks: Checks {
            unwalked: glibc.map(super::glibc::Glibc::unwalked),
            live_blocks: account.in_heaps(|heap| heap.blocks),
            thread_caches: account.in_heaps(|heap| heap.caches),
            pymalloc_arenas: account.pymalloc.arenas,
            pymalloc_sparse: account.pymalloc.sparse,
            jemalloc_extents: account.jemalloc().map_or(0, |jemalloc| jemalloc.extents),
            jemalloc_retained: account.jemalloc().map_or(0, |jemalloc| jemalloc.retained),
        },
    }
}
