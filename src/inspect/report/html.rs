//! One page for people who were not there: no script, no network, readable in ten years.

use std::fmt::Write;
use std::io;

use super::growth::meaning;
use super::lines::{in_force, rows, settings};
use super::svg;
use super::terminal::title;
use crate::inspect::account::Account;
use crate::inspect::trend::{self, Sample};
use crate::text::date;
use crate::text::svg::escape;

const PAGE: &str = include_str!("../../../templates/inspect-report.html");

/// What is shown of the processes that were looked at: once, or over time.
pub(crate) struct Page<'a> {
    /// The last look at each.
    pub(crate) accounts: &'a [Account],
    /// The first one, where there were several.
    pub(crate) before: &'a [Account],
    pub(crate) samples: &'a [Sample],
    /// Seconds since 1970.
    pub(crate) time: u64,
}

/// Writes the page.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(page: &Page<'_>, out: &mut dyn io::Write) -> io::Result<()> {
    let sections: String = page
        .accounts
        .iter()
        .map(|account| process(page, account))
        .collect();
    let when = format!("looked at on {}", date::utc(page.time));
    for (number, part) in PAGE.split("{when}").enumerate() {
        if number > 0 {
            out.write_all(when.as_bytes())?;
        }
        for (number, part) in part.split("{processes}").enumerate() {
            if number > 0 {
                out.write_all(sections.as_bytes())?;
            }
            out.write_all(part.as_bytes())?;
        }
    }
    Ok(())
}

fn process(page: &Page<'_>, account: &Account) -> String {
    let mut html = String::new();
    let python = account.python.map_or_else(String::new, |(major, minor)| {
        format!(", Python {major}.{minor}")
    });
    let _ = write!(
        html,
        "<h2>{} <span class=\"dim\">(pid {}{python}, {} threads, RSS {} MiB)</span></h2>",
        escape(&title(account)),
        account.pid,
        account.status.threads,
        account.status.resident >> 20
    );
    html.push_str(&verdict(account));
    html.push_str(&over_time(page, account.pid));
    html.push_str(&facts(account));
    html.push_str(&table(account));
    html.push_str(&maps(page, account));
    html
}

fn verdict(account: &Account) -> String {
    let verdict = &account.verdict;
    let levers = verdict.levers.iter().map(|lever| &lever.text);
    let items: String = levers
        .map(|text| format!("<li>{}</li>", with_code(text)))
        .collect();
    format!(
        "<div class=\"verdict {0}\"><p><b>{0}</b>: {1}</p><ul>{items}</ul></div>",
        verdict.kind.word(),
        escape(&verdict.reason)
    )
}

/// Text of which what stands between backticks is code.
fn with_code(text: &str) -> String {
    let parts = escape(text);
    let parts = parts.split('`').enumerate();
    let marked = parts.map(|(number, part)| match number % 2 {
        1 => format!("<code>{part}</code>"),
        _ => part.to_owned(),
    });
    marked.collect()
}

fn facts(account: &Account) -> String {
    let mut html = format!("<p>Allocator in force: {}</p>", escape(&in_force(account)));
    for setting in settings(account) {
        let _ = write!(html, "<p class=\"dim\">{}</p>", escape(&setting));
    }
    for idle in &account.without_effect {
        let text = format!(
            "Set without effect: {}: {} [{}]",
            idle.name, idle.why, idle.rule
        );
        let _ = write!(html, "<p>{}</p>", escape(&text));
    }
    html
}

fn table(account: &Account) -> String {
    let all = account.status.resident.max(1) as f64;
    let row = |row: super::lines::Row| {
        let share = (row.shown as f64 * 100.0 / all).min(100.0);
        let class = if row.free { " class=\"free\"" } else { "" };
        format!(
            "<tr{class}><td>{}</td><td>{}</td><td>{:.1}</td><td>{share:.0} %</td><td class=\"bar\"><i style=\"width:{share:.1}%\"></i></td></tr>",
            row.group,
            escape(&row.what),
            row.shown as f64 / f64::from(1 << 20)
        )
    };
    let rows: String = rows(account).into_iter().map(row).collect();
    format!(
        "<h3>Where the memory is</h3><div class=\"wide\"><table><thead><tr><th></th><th></th><th>MiB</th><th>of RSS</th><th></th></tr></thead>\
         <tbody>{rows}</tbody></table></div>"
    )
}

fn over_time(page: &Page<'_>, pid: u32) -> String {
    let samples: Vec<&Sample> = page
        .samples
        .iter()
        .filter(|sample| sample.pid == pid)
        .collect();
    let Some(trend) = trend::of(&samples).filter(|trend| trend.looks > 1) else {
        return String::new();
    };
    format!(
        "<h3>Over time</h3><p>{}</p><p class=\"legend\"><span><i class=\"l0\"></i>RSS</span><span><i class=\"l1\"></i>live</span>\
         <span><i class=\"l2\"></i>free</span></p>{}",
        escape(&meaning(&trend)),
        svg::curves(&samples)
    )
}

fn maps(page: &Page<'_>, account: &Account) -> String {
    let before = page.before.iter().find(|before| before.pid == account.pid);
    let named = |name: &str, account: &Account| {
        let map = svg::map(account);
        if map.is_empty() {
            return map;
        }
        format!(
            "<h3>{name}</h3><p class=\"dim\">Green is in use, the rest of a cell is free and in memory; empty cells are not in memory.</p>{map}"
        )
    };
    match before {
        Some(before) => named("The heaps at first", before) + &named("The heaps at last", account),
        None => named("The heaps", account),
    }
}
