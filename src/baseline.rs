//! A baseline: the findings that a project has today, so that only new ones are reported. A file that people commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// The findings of a run, without places: lines move.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Baseline {
    version: u32,
    findings: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Known {
    path: String,
    rule: String,
    fingerprint: String,
}

/// The only version there is.
const VERSION: u32 = 1;

impl Baseline {
    /// That of findings with their fingerprints; `path` gives a file's path in its repository.
    #[must_use]
    pub(crate) fn of(
        findings: &[Finding],
        fingerprints: Vec<String>,
        path: &dyn Fn(&str) -> String,
    ) -> Self {
        let known = findings.iter().zip(fingerprints);
        let known = known.map(|(finding, fingerprint)| Known {
            path: path(&finding.place.file.path),
            rule: finding.rule.to_owned(),
            fingerprint,
        });
        let mut findings: Vec<Known> = known.collect();
        findings.sort();
        Self {
            version: VERSION,
            findings,
        }
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with the text, and what to do.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let read: Self = serde_json::from_str(text).map_err(|error| {
            format!("it is no baseline ({error}): write it anew with `--write-baseline`")
        })?;
        if read.version != VERSION {
            let version = read.version;
            return Err(format!(
                "it is of version {version}, which this malloclint does not know: write it anew with `--write-baseline`"
            ));
        }
        Ok(read)
    }

    /// Its text.
    ///
    /// # Errors
    /// What the writer says.
    pub(crate) fn text(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self).map(|text| text + "\n")
    }

    /// Takes away the findings that it knows; gives how many those are, and how many of its own are gone from the files
    /// `looked_at`.
    pub(crate) fn apply(
        &self,
        findings: &mut Vec<Finding>,
        fingerprints: &[String],
        looked_at: &dyn Fn(&str) -> bool,
    ) -> (usize, usize) {
        let mut left: BTreeMap<&str, usize> = BTreeMap::new();
        for known in self.findings.iter().filter(|known| looked_at(&known.path)) {
            *left.entry(&known.fingerprint).or_default() += 1;
        }
        let before = findings.len();
        let mut prints = fingerprints.iter();
        findings.retain(|_| {
            let known = prints.next().and_then(|print| left.get_mut(print.as_str()));
            match known {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    false
                }
                _ => true,
            }
        });
        (before - findings.len(), left.values().sum())
    }
}
