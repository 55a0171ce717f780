//! The figures of a campaign.

use std::collections::BTreeMap;
use std::time::Instant;

use crate::mutants::{Kind, Mutant};
use crate::seeds::Seed;
use crate::trial::Outcome;

pub(crate) struct Tally {
    start: Instant,
    seeds: usize,
    mutants: usize,
    changed: usize,
    findings: usize,
    kinds: BTreeMap<Kind, usize>,
    formats: BTreeMap<String, usize>,
    /// How many fixed Dockerfiles BuildKit's parser read.
    pub(crate) asked_buildkit: usize,
    /// On how many mutants the real program ran.
    pub(crate) ran_program: usize,
}

impl Tally {
    pub(crate) fn new(seeds: &[Seed]) -> Self {
        Self {
            start: Instant::now(),
            seeds: seeds.len(),
            mutants: 0,
            changed: 0,
            findings: 0,
            kinds: BTreeMap::new(),
            formats: BTreeMap::new(),
            asked_buildkit: 0,
            ran_program: 0,
        }
    }

    pub(crate) fn count(&mut self, mutant: &Mutant, outcome: &Outcome) {
        self.mutants += 1;
        self.changed += usize::from(outcome.changed().is_some());
        self.findings += outcome.findings;
        *self.kinds.entry(mutant.kind).or_default() += 1;
        *self
            .formats
            .entry(format!("{:?}", mutant.format))
            .or_default() += 1;
    }

    pub(crate) fn tell(&self, seed: u64, buildkit: bool) {
        let took = self.start.elapsed().as_secs_f64();
        let speed = self.mutants as f64 / took.max(0.001);
        println!(
            "seed {seed}: {} mutants of {} files in {took:.0} s, {speed:.0} a second",
            self.mutants, self.seeds
        );
        println!("  made by {}", listed(&self.kinds));
        println!("  read as {}", listed(&self.formats));
        println!(
            "  {} findings, {} mutants changed by fix",
            self.findings, self.changed
        );
        if buildkit {
            println!(
                "  {} fixed Dockerfiles read by BuildKit's parser",
                self.asked_buildkit
            );
        } else {
            println!("  left out: BuildKit's parser (`make oracles` installs it)");
        }
        println!("  {} mutants given to the program", self.ran_program);
        if let Some(peak) = peak() {
            println!("  {} MiB of memory at the peak", peak >> 10);
        }
    }
}

fn listed<K: std::fmt::Debug>(counts: &BTreeMap<K, usize>) -> String {
    let each = counts
        .iter()
        .map(|(kind, count)| format!("{kind:?} {count}"));
    each.collect::<Vec<_>>()
        .join(", ")
        .to_lowercase()
        .replace('"', "")
}

/// The most memory that this process held so far, in KiB, where the system tells.
pub(crate) fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse().ok()
}
