//! Which remedies wait for others: what another one does better, or brings first.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::model::{Change, Unit};

/// The findings that may be fixed, by what others wait for. Each finding looks up those that it may wait for: pairs of all of
/// them would be too many.
pub(super) struct Waits<'a> {
    units: &'a [Unit],
    /// Those whose remedies make several changes, by their unit and each of these.
    several: BTreeMap<(usize, &'a Change), Vec<&'a [Change]>>,
    /// The units of which something else than their tuning is wrong.
    untuned: BTreeSet<usize>,
    /// The stages into which something is installed.
    installed: BTreeSet<usize>,
}

fn changes(finding: &Finding) -> &[Change] {
    let remedy = finding.remedy.as_ref();
    remedy.map_or(&[], |remedy| remedy.changes.as_slice())
}

fn installs(finding: &Finding) -> bool {
    let mut changes = changes(finding).iter();
    changes.any(|change| matches!(change, Change::Install(_)))
}

impl<'a> Waits<'a> {
    /// Of the findings that may be fixed, and the units that they are about.
    pub(super) fn of(open: &[&'a Finding], units: &'a [Unit]) -> Self {
        let mut waits = Self {
            units,
            several: BTreeMap::new(),
            untuned: BTreeSet::new(),
            installed: BTreeSet::new(),
        };
        for finding in open {
            let all = changes(finding);
            for change in all.iter().filter(|_| all.len() > 1) {
                let key = (finding.unit, change);
                waits.several.entry(key).or_default().push(all);
            }
            if all != [Change::Tune] {
                waits.untuned.insert(finding.unit);
            }
            if installs(finding) {
                waits.installed.extend(waits.stages(finding).first());
            }
        }
        waits
    }

    /// The stages that the image of a finding stands on, its own first.
    fn stages(&self, finding: &Finding) -> Vec<usize> {
        let unit = self.units.get(finding.unit);
        let stages = unit.into_iter().flat_map(|unit| &unit.stages);
        stages.copied().collect()
    }

    /// Whether a finding waits for another one.
    pub(super) fn wait(&self, finding: &Finding) -> bool {
        // What an image is tuned for is there first.
        let tunes = changes(finding) == [Change::Tune];
        tunes && self.untuned.contains(&finding.unit)
            || self.is_covered(finding)
            || self.is_inherited(finding)
    }

    /// Whether the remedy of another one does all that this one does, and more.
    fn is_covered(&self, finding: &Finding) -> bool {
        let these = changes(finding);
        let Some(first) = these.first() else {
            return false;
        };
        let others = self.several.get(&(finding.unit, first));
        let covers = |more: &&[Change]| {
            more.len() > these.len() && these.iter().all(|change| more.contains(change))
        };
        others.into_iter().flatten().any(covers)
    }

    /// Whether what another one brings may reach the image of this one of itself: that stands on the stage of the other.
    fn is_inherited(&self, finding: &Finding) -> bool {
        let below = || self.stages(finding).into_iter().skip(1);
        installs(finding) && below().any(|stage| self.installed.contains(&stage))
    }
}
