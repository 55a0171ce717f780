//! For people, in 80 columns.

use std::io;

use super::lines::{Row, in_force, rows, settings};
use crate::inspect::account::Account;
use crate::inspect::verdict::Kind;
use crate::text::wording::is_harmful;

/// Writes what is known of a process.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    head(account, out)?;
    writeln!(out)?;
    table(account, out)?;
    writeln!(out)?;
    verdict(account, out)?;
    checks(account, out)
}

const fn mib(bytes: u64) -> u64 {
    (bytes + (1 << 19)) >> 20
}

fn head(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    let python = account
        .python
        .map(|(major, minor)| format!("   Python {major}.{minor}"));
    writeln!(
        out,
        "{} (pid {}){}   {} threads   RSS {} MiB",
        title(account),
        account.pid,
        python.unwrap_or_default(),
        account.status.threads,
        mib(account.status.resident)
    )?;
    let idle = account
        .without_effect
        .iter()
        .map(|idle| format!("{}: {} [{}]", idle.name, idle.why, idle.rule));
    entry("allocator in force", vec![in_force(account)], out)?;
    entry("settings in force", settings(account), out)?;
    entry("set without effect", idle.collect(), out)
}

/// A name, and what it is on lines beside it.
fn entry(name: &str, texts: Vec<String>, out: &mut dyn io::Write) -> io::Result<()> {
    let mut lead = name;
    for text in texts {
        for line in textwrap::wrap(&text, 78 - 21) {
            writeln!(out, "{lead:<20} {line}")?;
            lead = "";
        }
    }
    Ok(())
}

fn table(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    let rows = rows(account);
    let largest = rows
        .iter()
        .filter(|row| row.free)
        .map(|row| row.bytes)
        .max();
    let mut last = "";
    for row in &rows {
        let group = if row.group == last { "" } else { row.group };
        last = row.group;
        let share = row.shown as f64 * 100.0 / account.status.resident.max(1) as f64;
        let is_it = |row: &Row| {
            row.free && Some(row.bytes) == largest && account.verdict.kind == Kind::Retention
        };
        let mark = if is_it(row) { "  <--" } else { "" };
        writeln!(
            out,
            "  {group:<8} {:<44} {:>6} MiB {share:>4.0} %{mark}",
            row.what,
            mib(row.shown)
        )?;
    }
    let apart = account.shared_since_fork();
    if apart >= 1 << 20 && account.shut.is_none() {
        writeln!(
            out,
            "  of it shared with other processes, as since a fork: {} MiB",
            mib(apart)
        )?;
    }
    let untouched = account.untouched();
    if untouched >= 1 << 20 {
        writeln!(
            out,
            "  of it never touched, and not in memory: {} MiB",
            mib(untouched)
        )?;
    }
    if account.status.swapped > 0 {
        writeln!(
            out,
            "  swapped out, and not read: {} MiB",
            mib(account.status.swapped)
        )?;
    }
    Ok(())
}

fn verdict(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    let verdict = &account.verdict;
    let head = match verdict.kind {
        Kind::Retention => "RETENTION, not live objects",
        Kind::Live if verdict.levers.is_empty() => "NOTHING TO GAIN",
        Kind::Live => "LIVE MEMORY: a leak, a cache, or the work",
        Kind::Mixed => "MIXED: some is kept free, some is in use",
        Kind::Unknown => "NO VERDICT",
    };
    for line in textwrap::wrap(&format!("{head}: {}", verdict.reason), 78) {
        writeln!(out, "{line}")?;
    }
    for lever in &verdict.levers {
        for (index, line) in textwrap::wrap(&lever.text, 74).iter().enumerate() {
            let lead = if index == 0 { "  " } else { "    " };
            writeln!(out, "{lead}{line}")?;
        }
    }
    Ok(())
}

fn checks(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    let Some(glibc) = account
        .glibc
        .as_ref()
        .ok()
        .filter(|_| account.family().is_none())
    else {
        return Ok(());
    };
    let read = 100.0 - glibc.unwalked() * 100.0;
    let counted = account.census.anonymous() as f64;
    let said = (account.status.anonymous as f64).max(1.0);
    writeln!(
        out,
        "checked {read:.1} % of the heaps, pages differ by {:.1} %, {:.1} s; nothing was stopped",
        ((counted - said) / said * 100.0).abs(),
        account.took
    )
}

/// The command without the folder of its program, cut short.
pub(super) fn title(account: &Account) -> String {
    let program = account.command.split(' ').next().unwrap_or_default();
    let folder = program.rfind('/').map_or(0, |slash| slash + 1);
    let text = match account.command.get(folder..) {
        Some(text) if !text.is_empty() => text,
        _ => &account.status.name,
    };
    // Whoever started it had a say in that.
    let text: String = text
        .chars()
        .map(|c| if is_harmful(c) { '?' } else { c })
        .collect();
    match text.char_indices().nth(36) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or(&text)),
        None => text,
    }
}
