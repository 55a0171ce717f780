//! Looks again and again: what grows, and how sure is that?

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use super::{Seen, selected};
use crate::cli::inspect::{Inspect, InspectFormat};
use crate::commands::trouble;
use crate::inspect::{self, Account, Sample};
use crate::text::duration;
use crate::tune::Interrupt;
use crate::write;

/// Without a word about it, so often, and not more often than once a second.
const LOOKS: u32 = 30;
const SOONEST: Duration = Duration::from_secs(1);
/// A wait is looked up from so often, for somebody who wants it to end.
const BLINK: Duration = Duration::from_millis(100);

/// Watches for a time; an error that ends it all stands inside.
pub(super) fn run(
    arguments: &Inspect,
    time: &str,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Result<Seen, String>> {
    let (whole, every) = match times(arguments, time) {
        Ok(times) => times,
        Err(why) => return Ok(Err(why)),
    };
    let interrupt = Interrupt::or_end()?;
    let mut watch = Watch::begin(arguments)?;
    let begun = Instant::now();
    let mut next = Duration::ZERO;
    loop {
        let pids = match selected(arguments) {
            Ok(pids) => pids,
            // Whoever was there has been seen.
            Err(_) if !watch.last.is_empty() => break,
            Err(why) => return Ok(Err(why)),
        };
        watch.look(&pids, begun.elapsed(), out, err)?;
        next += every;
        // A look that takes longer than that does not make the next one hurry.
        next = next.max(begun.elapsed());
        if watch.is_over() || next > whole || !rest(begun, next, &interrupt) {
            break;
        }
    }
    watch.end(out)
}

fn times(arguments: &Inspect, time: &str) -> Result<(Duration, Duration), String> {
    let read = |option: &str, text: &str| {
        duration::parse(text).map_err(|error| format!("{option}: {error}"))
    };
    let whole = read("--watch", time)?;
    let every = match &arguments.every {
        Some(text) => read("--every", text)?,
        None => (whole / LOOKS).max(SOONEST),
    };
    if every.is_zero() {
        return Err("--every: it cannot be nothing: write `1s` or more".into());
    }
    Ok((whole, every))
}

/// Waits; `false` where somebody wants it to end.
fn rest(begun: Instant, until: Duration, interrupt: &Interrupt) -> bool {
    while begun.elapsed() < until && !interrupt.came() {
        std::thread::sleep(BLINK.min(until.saturating_sub(begun.elapsed())));
    }
    !interrupt.came()
}

struct Watch {
    is_human: bool,
    csv: Option<(String, Box<dyn io::Write>)>,
    first: BTreeMap<u32, Account>,
    last: BTreeMap<u32, Account>,
    samples: Vec<Sample>,
    /// How many of those that were asked for were there the last time.
    found: usize,
    failed: bool,
}

impl Watch {
    fn begin(arguments: &Inspect) -> io::Result<Self> {
        let mut csv: Option<(String, Box<dyn io::Write>)> = None;
        if let Some(path) = &arguments.csv {
            let mut file: Box<dyn io::Write> = Box::new(write::report::open(path)?);
            writeln!(file, "{}", inspect::CSV_HEAD)?;
            csv = Some((path.display().to_string(), file));
        }
        Ok(Self {
            is_human: arguments.format == InspectFormat::Human,
            csv,
            first: BTreeMap::new(),
            last: BTreeMap::new(),
            samples: Vec::new(),
            found: 0,
            failed: false,
        })
    }

    fn look(
        &mut self,
        pids: &[u32],
        at: Duration,
        out: &mut dyn io::Write,
        err: &mut dyn io::Write,
    ) -> io::Result<()> {
        self.found = 0;
        for pid in pids {
            let account = match inspect::look(*pid) {
                Ok(account) => account,
                // That a worker ends is no fault, where it was seen before.
                Err(why) => {
                    if !self.last.contains_key(pid) {
                        self.failed = true;
                        trouble(&why.to_string(), err)?;
                    }
                    continue;
                }
            };
            self.found += 1;
            let known = self.last.get(pid).map(|last| &last.identity);
            if known.is_some_and(|known| *known != account.identity) {
                // Another program under the same number.
                self.samples.retain(|sample| sample.pid != *pid);
                self.first.remove(pid);
            }
            let sample = Sample::of(&account, at);
            if self.is_human {
                inspect::look_line(&sample, out)?;
            }
            self.write(&sample, err)?;
            self.samples.push(sample);
            self.first.entry(*pid).or_insert_with(|| account.clone());
            self.last.insert(*pid, account);
        }
        out.flush()
    }

    /// A line of the file; one that cannot be written is no reason to stop looking.
    fn write(&mut self, sample: &Sample, err: &mut dyn io::Write) -> io::Result<()> {
        let Some((name, csv)) = &mut self.csv else {
            return Ok(());
        };
        let written = inspect::csv_line(sample, csv).and_then(|()| csv.flush());
        if let Err(error) = written {
            let why = format!("{name}: {error}: no further look is written there");
            self.csv = None;
            self.failed = true;
            trouble(&why, err)?;
        }
        Ok(())
    }

    /// Nobody is left.
    fn is_over(&self) -> bool {
        self.found == 0
    }

    fn end(self, out: &mut dyn io::Write) -> io::Result<Result<Seen, String>> {
        let trend = |pid: &u32| {
            let own = self.samples.iter().filter(|sample| sample.pid == *pid);
            inspect::trend_of(&own.collect::<Vec<_>>())
        };
        if self.is_human {
            writeln!(out)?;
        }
        Ok(Ok(Seen {
            trends: self.last.keys().filter_map(trend).collect(),
            accounts: self.last.into_values().collect(),
            before: self.first.into_values().collect(),
            samples: self.samples,
            failed: self.failed,
        }))
    }
}
