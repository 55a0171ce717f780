//! `/etc/ld.so.preload` in an image whose loader does not read it.

use super::Report;
use crate::finding::Applicability;
use crate::model::{Change, Outcome, Unit, finds};

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    for preload in &unit.preloads {
        let mut others = unit.preloads.iter();
        let loaded = others.any(|other| other.family == preload.family && other.outcome.works());
        if !matches!(preload.outcome, Outcome::Unread) || loaded {
            continue;
        }
        let finding = report
            .finding(&preload.place, "musl does not read `/etc/ld.so.preload`")
            .caption("only glibc's loader reads this file")
            .note(format!(
                "its C library is musl ({})",
                unit.platform.libc.because(&unit.place)
            ))
            .help(format!("set `LD_PRELOAD={}` with `ENV`", preload.name));
        let fits = unit.env.get("LD_PRELOAD").is_none() && finds(unit, &preload.name);
        report.add(if fits {
            let change = Change::SetEnv {
                name: "LD_PRELOAD".into(),
                value: preload.name.clone(),
            };
            let title = format!("set `LD_PRELOAD` to `{}`", preload.name);
            finding.remedy(title, Applicability::Safe, vec![change])
        } else {
            finding
        });
    }
}
