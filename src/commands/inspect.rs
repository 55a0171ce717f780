//! `malloclint inspect`: live processes, once or over time.

mod watch;

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Status, fix, trouble};
use crate::cli::inspect::{Inspect, InspectFormat, Suggest};
use crate::inspect::{self, Account, Form, Found, Page, Sample, Trend, Unread};
use crate::report::{Lines, harmless};
use crate::write;

/// What was seen, and whether one could not be read.
#[derive(Default)]
struct Seen {
    /// The last look at each.
    accounts: Vec<Account>,
    /// The first one, where there were several.
    before: Vec<Account>,
    samples: Vec<Sample>,
    trends: Vec<Trend>,
    failed: bool,
}

pub(super) fn run(
    arguments: &Inspect,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    if let Some(why) = mistake(arguments) {
        return trouble(why, err);
    }
    for path in [&arguments.csv, &arguments.html].into_iter().flatten() {
        if let Err(error) = write::report::check(path) {
            return trouble(&format!("{}: {error}", path.display()), err);
        }
    }
    let mut lines = Lines::to(out);
    let seen = match &arguments.watch {
        Some(time) => watch::run(arguments, time, &mut lines, err),
        None => once(arguments, err),
    };
    let mut seen = match seen? {
        Ok(seen) => seen,
        Err(why) => return trouble(&why, err),
    };
    for account in &seen.accounts {
        if let Some(why) = &account.shut {
            seen.failed = true;
            trouble(why, err)?;
        }
    }
    if let Some(form) = arguments.suggest {
        suggest(form, &seen.accounts, &mut lines, err)?;
    } else if arguments.format == InspectFormat::Patch {
        seen.failed |= patch(arguments, &seen.accounts, &mut lines, err)?;
    } else {
        show(arguments, &seen, &mut lines)?;
    }
    io::Write::flush(&mut lines)?;
    if let Some(path) = &arguments.html {
        page(path, &seen)?;
    }
    Ok(match seen.failed {
        true => Status::Trouble,
        false => Status::Clean,
    })
}

/// Options that make no sense together.
fn mistake(arguments: &Inspect) -> Option<&'static str> {
    let is_patch = arguments.format == InspectFormat::Patch;
    if arguments.file.is_some() && !is_patch {
        return Some("`--file` needs `--format patch`");
    }
    if is_patch && arguments.file.is_none() {
        return Some(
            "`--format patch` needs `--file`: the Dockerfile or manifest that starts the processes",
        );
    }
    if arguments.container && arguments.pids.len() > 1 {
        return Some("`--container` takes one PID");
    }
    let same = arguments.csv.is_some() && arguments.csv == arguments.html;
    same.then_some("`--csv` and `--html` need files of their own")
}

/// A process of another user reads for the one that asked.
pub(super) fn tell(pid: u32, whether_python: bool, out: &mut dyn io::Write) -> io::Result<Status> {
    let told = inspect::tell(pid, whether_python, out)?;
    Ok(if told { Status::Clean } else { Status::Trouble })
}

/// One look at each; an error that ends it all stands inside.
fn once(arguments: &Inspect, err: &mut dyn io::Write) -> io::Result<Result<Seen, String>> {
    let pids = match selected(arguments) {
        Ok(pids) => pids,
        Err(why) => return Ok(Err(why)),
    };
    let mut seen = Seen::default();
    for pid in pids {
        match inspect::look(pid) {
            Ok(account) => seen.accounts.push(account),
            Err(why) => {
                seen.failed = true;
                trouble(&why.to_string(), err)?;
            }
        }
    }
    Ok(Ok(seen))
}

/// The processes that are asked for, as they are now.
fn selected(arguments: &Inspect) -> Result<Vec<u32>, String> {
    let pids = match (arguments.pids.as_slice(), arguments.tree) {
        (pids, _) if arguments.container => {
            inspect::of_container(pids.first().copied()).map_err(|why: Unread| why.to_string())?
        }
        ([], _) => inspect::pythons(),
        (pids, true) => inspect::with_descendants(pids),
        (pids, false) => pids.to_vec(),
    };
    let mut known = BTreeSet::new();
    let pids: Vec<u32> = pids.into_iter().filter(|pid| known.insert(*pid)).collect();
    if pids.is_empty() {
        return Err(
            "no process here runs Python that this user may read: name one by its PID".into(),
        );
    }
    Ok(pids)
}

fn show(arguments: &Inspect, seen: &Seen, out: &mut dyn io::Write) -> io::Result<()> {
    if arguments.format == InspectFormat::Json {
        let found = Found {
            accounts: &seen.accounts,
            samples: &seen.samples,
            trends: &seen.trends,
            time: now(),
            with_map: arguments.map,
        };
        return inspect::json(&found, out);
    }
    for (index, account) in seen.accounts.iter().enumerate() {
        if index > 0 {
            writeln!(out)?;
        }
        inspect::human(account, out)?;
        if arguments.map {
            writeln!(out)?;
            inspect::map(account, out)?;
        }
    }
    for trend in &seen.trends {
        let own = seen.samples.iter().filter(|sample| sample.pid == trend.pid);
        writeln!(out)?;
        inspect::growth(&own.collect::<Vec<_>>(), trend, out)?;
    }
    Ok(())
}

/// What to set, or why there is nothing.
fn suggest(
    form: Suggest,
    accounts: &[Account],
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<()> {
    let form = match form {
        Suggest::Dockerfile => Form::Dockerfile,
        Suggest::Kubernetes => Form::Kubernetes,
    };
    if let Err(why) = inspect::suggest(accounts, form, out)? {
        writeln!(err, "malloclint: nothing to set: {}", harmless(&why))?;
    }
    Ok(())
}

/// What `fix` would change, with this as evidence; whether something went wrong.
fn patch(
    arguments: &Inspect,
    accounts: &[Account],
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<bool> {
    let Some(file) = &arguments.file else {
        return Ok(true);
    };
    let found = Found {
        accounts,
        samples: &[],
        trends: &[],
        time: now(),
        with_map: false,
    };
    let mut report = Vec::new();
    inspect::json(&found, &mut report)?;
    Ok(fix::patch(file, &report, out, err)? == Status::Trouble)
}

fn page(path: &Path, seen: &Seen) -> io::Result<()> {
    let page = Page {
        accounts: &seen.accounts,
        before: &seen.before,
        samples: &seen.samples,
        time: now(),
    };
    let mut file = write::report::open(path)?;
    inspect::html(&page, &mut file)?;
    io::Write::flush(&mut file)
}

/// Seconds since 1970.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
