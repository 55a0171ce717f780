//! Mutants that broke a promise: kept below `target/campaign/`, as small as a few tries make them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::mutants::Mutant;
use crate::support::promises::Broken;
use crate::support::run;

/// So many of each promise are kept; the others are counted.
const KEPT: usize = 20;

/// So long a mutant is made smaller.
const PATIENCE: Duration = Duration::from_secs(4);

/// The failures of a campaign.
pub(crate) struct Failures {
    folder: PathBuf,
    seed: u64,
    /// How often each promise was broken.
    pub(crate) counts: BTreeMap<&'static str, usize>,
}

impl Failures {
    /// Those of a seed; what an earlier campaign of that seed kept is gone.
    pub(crate) fn of(seed: u64) -> Self {
        let folder = folder().join(format!("seed-{seed}"));
        drop(std::fs::remove_dir_all(&folder));
        Self {
            folder,
            seed,
            counts: BTreeMap::new(),
        }
    }

    /// Counts a failure; whether it is to be kept, too.
    pub(crate) fn count(&mut self, promise: &'static str) -> bool {
        let count = self.counts.entry(promise).or_default();
        *count += 1;
        *count <= KEPT
    }

    /// Writes the mutant, the smaller one, and how it is repeated.
    pub(crate) fn keep(&self, mutant: &Mutant, small: &Mutant, broken: &Broken) {
        let (promise, why) = broken;
        let folder = self.folder.join(format!("mutant-{}", mutant.number));
        for (part, files) in [("whole", &mutant.files), ("small", &small.files)] {
            for (path, bytes) in files {
                run::write(&folder, &format!("{part}/{path}"), bytes);
            }
        }
        let (seed, number) = (self.seed, mutant.number);
        let again = format!("make campaign SEED={seed} MUTANT={number}");
        let (kind, way, main) = (mutant.kind, mutant.way, &mutant.main);
        let text = format!("{again}\n\n{promise}\n{main}, {kind:?}, fixed as {way:?}\n\n{why}\n");
        let name = promise.replace([' ', '`'], "-");
        run::write(&folder, &format!("{name}.txt"), text);
        let lines = small.bytes().iter().filter(|byte| **byte == b'\n').count();
        println!(
            "broken: {promise}: {again} ({main}, {lines} lines, {})",
            shown(&folder)
        );
    }
}

/// Where failures are kept.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/campaign")
}

fn shown(folder: &Path) -> String {
    let below = folder.strip_prefix(env!("CARGO_MANIFEST_DIR"));
    below.unwrap_or(folder).display().to_string()
}

/// The mutant with as few lines as `fails` allows, and files beside it only where they are needed.
pub(crate) fn smaller(mutant: &Mutant, fails: impl Fn(&Mutant) -> bool) -> Mutant {
    let end = Instant::now() + PATIENCE;
    let mut small = mutant.clone();
    for path in mutant.files.keys().filter(|path| **path != mutant.main) {
        let mut less = small.clone();
        less.files.remove(path);
        if fails(&less) {
            small = less;
        }
    }
    let mut width = lines(&small).len() / 2;
    while width > 0 {
        let mut at = 0;
        while at < lines(&small).len() && Instant::now() < end {
            let mut rest = lines(&small);
            rest.drain(at..(at + width).min(rest.len()));
            let mut less = small.clone();
            less.files.insert(small.main.clone(), rest.concat());
            if fails(&less) {
                small = less;
            } else {
                at += width;
            }
        }
        width /= 2;
    }
    small
}

fn lines(mutant: &Mutant) -> Vec<Vec<u8>> {
    let lines = mutant.bytes().split_inclusive(|byte| *byte == b'\n');
    lines.map(<[u8]>::to_vec).collect()
}
