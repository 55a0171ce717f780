//! `background_thread:true` in forked workers: the thread does not survive the fork.

use super::Report;
use super::remedies::malloc_conf;
use crate::facts::Family;
use crate::finding::{Applicability, Finding};
use crate::model::malloc_conf::Effect;
use crate::model::{Change, PreforkHook, ProcessModel, Unit};

const OPTION: &str = "background_thread";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let forks = unit.process.model.known() == Some(&ProcessModel::Fork);
    let jemalloc = unit
        .replacement()
        .is_some_and(|(family, _)| family == Family::Jemalloc);
    if unit.role.is_build() || !forks || !jemalloc || unit.prefork_hook == PreforkHook::Installed {
        return;
    }
    let server = unit.process.server.as_deref().unwrap_or("the server");
    let wanted = unit.prefork_hook == PreforkHook::Wanted;
    let conf = malloc_conf(unit);
    let asked = conf.as_ref().and_then(|conf| {
        let pair = conf.last(OPTION)?;
        let on = pair
            .taken()
            .is_some_and(|(_, effect)| effect == Effect::Word("true"));
        on.then(|| conf.place(pair.setting.all()))
    });
    let finding = match asked {
        Some(place) => report
            .finding(&place, format!("`{server}` forks its workers, and jemalloc's background thread does not live on in them"))
            .caption("works in the parent only")
            .note("jemalloc switches the option off in a forked child; idle workers then keep their dirty pages"),
        None if wanted => report
            .finding(&unit.install_at, format!("`{server}` forks its workers, and the prefork hook that is asked for is not in the image"))
            .caption("not in this image")
            .note("without jemalloc's background thread idle workers keep their dirty pages"),
        None => return,
    };
    let finding = match &unit.process.place {
        Some(place) => finding.label(place, "workers are forked here"),
        None => finding,
    };
    report.add(remedy(finding, unit, wanted));
}

const EVERYWHERE: &str = "`background_thread:true` reaches every program that the image starts, and some die of a second thread";

fn remedy(finding: Finding, unit: &Unit, wanted: bool) -> Finding {
    if wanted {
        let finding = finding.help("start the thread again in every worker");
        let broken = unit.broken_by_thread().max_by_key(|fragile| fragile.found);
        let safe = match broken.map(|fragile| (fragile, fragile.program)) {
            Some((fragile, program)) => Applicability::Manual(format!(
                "{} is in the image (line {}), and it {}",
                program.name,
                fragile.place.line(),
                program.what
            )),
            None => Applicability::Unsafe(EVERYWHERE.into()),
        };
        return finding.remedy(
            "install the prefork hook",
            safe,
            vec![Change::RestartThread],
        );
    }
    finding.help("keep it, and shorten `dirty_decay_ms`, or start the thread again in every worker: `malloclint fix --prefork-hook`")
}
