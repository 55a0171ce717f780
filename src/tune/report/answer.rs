//! What is recommended, in sentences: first the answer with its number, then what stands behind it.

use super::{as_shown, shown_cost, speed_name, stop};
use crate::tune::floor::{Saving, likely_saving, takes_too_much};
use crate::tune::search_space::{floor, margins};
use crate::tune::size::{Size, mib};
use crate::tune::verdict::{Verdict, Verdicts};
use crate::tune::{Estimate, Goal, Outcome, Standing, Tried, why};

/// The answer, as one sentence with its number.
pub(super) fn answer(outcome: &Outcome) -> String {
    let Some((leader, there)) = pair(outcome, outcome.leader) else {
        return format!(
            "nothing can be recommended, since nothing could be compared: {}",
            stop(outcome)
        );
    };
    if outcome.leader == Some(outcome.stays) {
        return keep(outcome, there);
    }
    let number = gain(outcome, leader, there);
    match outcome.leader {
        Some(0) => format!("drop what is set now: {} takes {number}", name(leader)),
        _ => format!("{}: {number}{}", set(outcome, leader), aside(outcome)),
    }
}

/// What stands behind the answer, one sentence each.
pub(super) fn reasons(outcome: &Outcome) -> Vec<String> {
    let mut said = Vec::new();
    if outcome.leader.is_none() {
        return said;
    }
    said.extend(size(outcome));
    said.extend(why_less(outcome));
    said.extend(contained(outcome));
    said.extend(apart(outcome));
    said
}

/// What the kernel counts for a container at rest: without any setting, and with the best.
fn contained(outcome: &Outcome) -> Option<String> {
    let usage = |index: usize| outcome.tried.get(index)?.typical_run()?.usage;
    let first = usage(0)?;
    let limit = first.limit.map_or_else(String::new, |limit| {
        format!(", of {} that it may take", mib(limit as f64))
    });
    let best = outcome.leader.filter(|leader| *leader != 0).and_then(usage);
    let best = best.map_or_else(String::new, |usage| {
        format!("; with what is recommended {}", mib(usage.memory as f64))
    });
    Some(format!(
        "the kernel counts {} for the container at rest with nothing set{limit}{best} (its own memory and read files included)",
        mib(first.memory as f64)
    ))
}

/// What is said of each figure of a setting beside the C library's own allocator, in one line.
pub(super) fn figures(outcome: &Outcome, index: usize) -> Option<String> {
    let standing = outcome.standings.get(index).filter(|_| index != 0)?;
    let verdicts = Verdicts::of(standing);
    let cost = match outcome.judge.more_is_better {
        Some(true) => verdicts.cost.turned(),
        _ => verdicts.cost,
    };
    let all = [
        figure("memory", verdicts.memory, standing.memory),
        figure("CPU", verdicts.cpu, standing.cpu),
        figure(speed_name(outcome), cost, shown_cost(outcome, index)),
    ];
    Some(all.join("; "))
}

fn figure(what: &str, verdict: Verdict, estimate: Option<Estimate>) -> String {
    let words = verdict.words();
    match verdict {
        Verdict::Unchanged => format!("{what} is {words}"),
        _ => format!("{what} is {words}: {}", super::ratio(estimate)),
    }
}

/// A setting, and what is there.
fn pair(outcome: &Outcome, index: Option<usize>) -> Option<(&Tried, &Tried)> {
    let there = outcome.tried.get(outcome.stays)?;
    Some((outcome.tried.get(index?)?, there))
}

fn name(tried: &Tried) -> &str {
    &tried.candidate.name
}

/// What is there, as people call it.
fn there_is(there: &Tried) -> &str {
    if there.candidate.is_current() {
        return "what is set now";
    }
    name(there)
}

/// What is to be done for a setting.
fn set(outcome: &Outcome, best: &Tried) -> String {
    let candidate = &best.candidate;
    if candidate.library.is_some() {
        let by_fix = outcome.leader == outcome.fix;
        let by_fix = if by_fix {
            ", as `malloclint fix` writes it"
        } else {
            ""
        };
        return format!("use {}{by_fix}", candidate.name);
    }
    let env = candidate.env.iter();
    let env: Vec<String> = env.map(|(name, value)| format!("{name}={value}")).collect();
    format!("set {}", env.join(" "))
}

/// What speaks for a setting, with its number; and what it takes for that, where it is memory.
fn gain(outcome: &Outcome, one: &Tried, there: &Tried) -> String {
    let standing = outcome.judge.against(one, there);
    let (memory, margin) = (ratio(standing.memory), margins().memory);
    if memory < 1.0 - margin {
        let of = format!("{memory:.2} of the memory of {}", there_is(there));
        return of + &sizes(outcome, one, there);
    }
    let mut gain = faster(outcome, &standing, there_is(there));
    if memory > 1.0 + margin {
        gain.push_str(&format!(", and {memory:.2} of its memory"));
        gain.push_str(&sizes(outcome, one, there));
    }
    gain
}

fn ratio(estimate: Option<Estimate>) -> f64 {
    estimate.map_or(1.0, |one| one.ratio().0)
}

/// The figure by which a setting is faster: the speed itself where that is sure, else the CPU time; of two that are not sure
/// the better one.
fn faster(outcome: &Outcome, standing: &Standing, than: &str) -> String {
    let verdicts = Verdicts::of(standing);
    let by_cpu = match (verdicts.cost, verdicts.cpu) {
        (Verdict::Lower, _) => false,
        (_, Verdict::Lower) => true,
        _ => ratio(standing.cpu) < ratio(standing.cost),
    };
    if by_cpu {
        return format!("{:.2} of the CPU time of {than}", ratio(standing.cpu));
    }
    let speed = ratio(as_shown(outcome, standing.cost));
    format!("{speed:.2} of the {} of {than}", speed_name(outcome))
}

/// ` (100 instead of 200 MiB)`.
fn sizes(outcome: &Outcome, one: &Tried, there: &Tried) -> String {
    let typical = |tried: &Tried| tried.typical(|run| outcome.judge.memory(run)).map(mib);
    let (Some(now), Some(before)) = (typical(one), typical(there)) else {
        return String::new();
    };
    let now = now.strip_suffix(" MiB").unwrap_or(&now);
    format!(" ({now} instead of {before})")
}

/// Where a small service gets the variable that needs no library: why not more.
fn aside(outcome: &Outcome) -> String {
    let size = outcome.size.as_ref().filter(|size| size.is_small());
    match size.filter(|_| outcome.leader == outcome.arena_max) {
        Some(size) => format!("; {size}, too little for another allocator to be worth it"),
        None => String::new(),
    }
}

/// What stays, and why.
fn keep(outcome: &Outcome, there: &Tried) -> String {
    let why = why_kept(outcome, there);
    let kept = format!("keep {}", there_is(there));
    match outcome.size.as_ref().filter(|size| size.is_small()) {
        Some(size) => format!("{kept}: {size}, too little to gain, and {why}"),
        None => format!("{kept}: {why}"),
    }
}

fn why_kept(outcome: &Outcome, there: &Tried) -> String {
    let lost = outcome.current.filter(|current| *current != outcome.stays);
    if lost.is_some() {
        return "nothing that was tried is surely better, and what is set now cannot be measured"
            .into();
    }
    if let Some((nearly, there)) = pair(outcome, outcome.nearly) {
        return format!(
            "{} looks better: {}; the runs do not prove it, a longer `--budget` may",
            name(nearly),
            gain(outcome, nearly, there)
        );
    }
    if let Some((better, there)) = pair(outcome, outcome.too_little) {
        return format!(
            "{} is surely better, but {}",
            name(better),
            too_little(outcome, better, there)
        );
    }
    none_saves(outcome, there)
}

/// Why a setting that is surely better is not worth a change.
fn too_little(outcome: &Outcome, better: &Tried, there: &Tried) -> String {
    let saving = likely_saving(&outcome.judge, better, there);
    if let Some(saving) = saving.filter(Saving::is_something) {
        return format!(
            "saves only {}: below {:.0} % or {:.0} MiB a change is not worth it",
            part(saving),
            floor().share * 100.0,
            floor().mib
        );
    }
    let standing = outcome.judge.against(better, there);
    if takes_too_much(&outcome.judge, &standing) {
        return format!(
            "takes {:.2} of its memory{}: {}",
            ratio(standing.memory),
            sizes(outcome, better, there),
            not_for(outcome.judge.goal)
        );
    }
    "saves no memory, and is not surely faster by enough".into()
}

/// Why speed is not worth that memory.
fn not_for(goal: &Goal) -> String {
    match goal.more_memory {
        most if most > 0.0 => format!("speed is worth {:.2} at most", 1.0 + most),
        _ => "`--goal throughput` takes more memory for speed".into(),
    }
}

/// `3.1 % of its memory (4.2 MiB)`.
fn part(saving: Saving) -> String {
    let percent = saving.share * 100.0;
    format!("{percent:.1} % of its memory ({})", mib(saving.bytes))
}

/// The most that any setting saves, where none is better.
fn none_saves(outcome: &Outcome, there: &Tried) -> String {
    let others = outcome.tried.iter().enumerate();
    let others = others.filter(|(index, one)| *index != outcome.stays && one.discarded.is_none());
    let others: Vec<(&Tried, Saving)> = others
        .filter_map(|(_, one)| Some((one, likely_saving(&outcome.judge, one, there)?)))
        .collect();
    let share = |one: &&(&Tried, Saving)| one.1.share;
    let most = others
        .iter()
        .max_by(|one, other| share(one).total_cmp(&share(other)));
    let Some((most, saved)) = most else {
        return "nothing that was tried is surely better".into();
    };
    let who = match others.len() {
        1 => "the only other setting does not save".to_owned(),
        several => format!("none of the {several} other settings saves"),
    };
    if saved.is_enough() {
        format!(
            "nothing that was tried is surely better; {}",
            price(outcome, most, there)
        )
    } else if saved.is_something() {
        format!("{who} more than {}", part(*saved))
    } else {
        format!("{who} memory")
    }
}

/// What a setting takes that saves memory, and is not better for that.
fn price(outcome: &Outcome, one: &Tried, there: &Tried) -> String {
    let standing = outcome.judge.against(one, there);
    format!(
        "{} takes {}, but {:.2} of its CPU time and {:.2} of its {}",
        name(one),
        gain(outcome, one, there),
        ratio(standing.cpu),
        ratio(as_shown(outcome, standing.cost)),
        speed_name(outcome)
    )
}

/// How large the workload is, where the answer does not say it.
fn size(outcome: &Outcome) -> Option<String> {
    let size = outcome.size.as_ref().filter(|_| !is_plain(outcome))?;
    let with = outcome.tried.first().map_or("", name);
    Some(format!("with {with} {size}"))
}

/// Whether a small service gets its plain answer, which says all.
fn is_plain(outcome: &Outcome) -> bool {
    let plain = [Some(outcome.stays), outcome.arena_max];
    let is_small = outcome.size.as_ref().is_some_and(Size::is_small);
    is_small && plain.contains(&outcome.leader)
}

/// Why the best takes less memory than the C library's own, or why what looks better does.
fn why_less(outcome: &Outcome) -> Option<String> {
    let best = outcome
        .nearly
        .or(outcome.leader)
        .filter(|best| *best != 0)?;
    why::why(outcome.tried.get(best)?, outcome.tried.first()?)
}

/// What could not be told apart from the best.
fn apart(outcome: &Outcome) -> Option<String> {
    if is_plain(outcome) {
        return None;
    }
    let open = outcome.undecided.iter();
    let open = open.filter(|index| Some(**index) != outcome.nearly);
    let open: Vec<&str> = open
        .filter_map(|index| outcome.tried.get(*index))
        .map(name)
        .collect();
    (!open.is_empty()).then(|| format!("not told apart from it: {}", open.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::session::fixture::{Figures, fast_outcome, outcome};

    const THERE: Figures = (200.0, 1.0, 100.0);

    #[test]
    fn the_answer_has_a_number() {
        let of = |fix, arena_max| answer(&outcome([THERE, fix, arena_max], 1));
        for (fix, arena_max, expected) in [
            (
                (100.0, 1.0, 100.0),
                THERE,
                "set MALLOC_CONF=narenas:2: 0.50 of the memory of glibc (100 instead of 200 MiB)",
            ),
            (
                THERE,
                (200.0, 0.8, 100.0),
                "set MALLOC_ARENA_MAX=2: 0.80 of the CPU time of glibc",
            ),
            (
                THERE,
                (200.0, 1.0, 130.0),
                "set MALLOC_ARENA_MAX=2: 1.30 of the metric of glibc",
            ),
            (
                (192.0, 1.0, 100.0),
                THERE,
                "keep glibc: glibc narenas:2 is surely better, but saves only 4.0 % of its memory (8.0 MiB): below 5 % or 10 MiB a change is not worth it",
            ),
            (
                THERE,
                (210.0, 1.0, 100.0),
                "keep glibc: none of the 2 other settings saves memory",
            ),
            (
                THERE,
                (120.0, 4.0, 100.0),
                "keep glibc: nothing that was tried is surely better; glibc MALLOC_ARENA_MAX=2 takes 0.60 of the memory of glibc (120 instead of 200 MiB), but 4.00 of its CPU time and 1.00 of its metric",
            ),
        ] {
            assert_eq!(of(fix, arena_max), expected);
        }
    }

    #[test]
    fn what_speed_takes_is_said() {
        let faster = (220.0, 0.8, 120.0);
        assert_eq!(
            answer(&fast_outcome([THERE, faster, THERE])),
            "set MALLOC_CONF=narenas:2: 1.20 of the metric of glibc, and 1.10 of its memory (220 instead of 200 MiB)"
        );
        assert_eq!(
            answer(&fast_outcome([THERE, (280.0, 1.0, 150.0), THERE])),
            "keep glibc: glibc narenas:2 is surely better, but takes 1.40 of its memory (280 instead of 200 MiB): speed is worth 1.25 at most"
        );
        assert_eq!(
            answer(&outcome([THERE, (220.0, 1.0, 150.0), THERE], 1)),
            "keep glibc: glibc narenas:2 is surely better, but takes 1.10 of its memory (220 instead of 200 MiB): `--goal throughput` takes more memory for speed"
        );
    }

    #[test]
    fn a_small_service_gets_one_plain_sentence() {
        let of = |fix: f64, arena_max: f64| {
            let figures = [90.0, fix, arena_max].map(|memory| (memory, 1.0, 100.0));
            let outcome = outcome(figures, 10);
            assert!(reasons(&outcome).iter().all(|line| !line.contains("peak")));
            answer(&outcome)
        };
        assert_eq!(
            of(90.0, 91.0),
            "keep glibc: the command took 90 MiB at its peak in 10 processes, too little to gain, and none of the 2 other settings saves memory"
        );
        assert_eq!(
            of(72.0, 75.0),
            "set MALLOC_ARENA_MAX=2: 0.83 of the memory of glibc (75 instead of 90 MiB); the command took 90 MiB at its peak in 10 processes, too little for another allocator to be worth it"
        );
    }

    #[test]
    fn each_figure_has_its_word() {
        let outcome = outcome([THERE, (100.0, 1.0, 80.0), THERE], 1);
        assert_eq!(
            figures(&outcome, 1).unwrap(),
            "memory is surely lower: 0.50 ± 0.00; CPU is unchanged; metric is surely lower: 0.80 ± 0.00"
        );
        assert_eq!(figures(&outcome, 0), None, "all ratios are against it");
    }
}
