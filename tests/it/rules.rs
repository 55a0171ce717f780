//! Runs the rule pages: every example of `rules/*.md` goes through the library, and what comes out
//! must be what the page says, to the letter.
//!
//! `UPDATE=1 cargo test --test it rules` writes what came out into the pages. It changes findings
//! and fixed files only: an example that must be silent and is not stays a failure.
//!
//! Fences of a page that are read here:
//!
//! | fence | what it holds |
//! |---|---|
//! | `LANGUAGE example` | a file with the fault; a `text finding` fence follows |
//! | `text finding` | what `--format concise` prints about it |
//! | `LANGUAGE fixed` | what `fix --unsafe --only RULE` makes of the example; may follow a finding |
//! | `LANGUAGE silent` | a file about which no rule says anything |
//! | `ANY file=NAME` | a file that stands beside the next example, and only that |
//!
//! LANGUAGE is `dockerfile`, `kubernetes` or `compose`.

mod page;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use malloclint::internals::finding::{Applicability, Finding};
use malloclint::internals::pages::{self, Fix};
use malloclint::internals::rules::RULES;

use page::{Case, Expected, Page};

/// The headings of a page, in this order.
const SECTIONS: [&str; 5] = [
    "## What it finds",
    "## Why it matters",
    "## When to leave it",
    "## Fix",
    "## Examples",
];

/// One of these stands in the section `Fix`.
const VERDICTS: [&str; 3] = [
    "### Why the fix is safe",
    "### Why the fix is unsafe",
    "### Why the fix is not automatic",
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("rules")
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let pages: BTreeSet<String> = files.collect();
    let rules: BTreeSet<String> = RULES.iter().map(|rule| format!("{}.md", rule.id)).collect();
    assert_eq!(pages, rules);
}

#[test]
fn every_page_is_complete() {
    let mut faults = String::new();
    for rule in &RULES {
        for fault in incomplete(rule.id, rule.page) {
            writeln!(faults, "rules/{}.md: {fault}", rule.id).unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

fn incomplete(id: &str, text: &str) -> Vec<String> {
    let (meta, body) = match pages::read(text) {
        Ok(read) => read,
        Err(error) => return vec![error.to_string()],
    };
    let mut faults = Vec::new();
    let mut check = |holds: bool, fault: &str| {
        if !holds {
            faults.push(fault.to_owned());
        }
    };
    check(
        body.starts_with(&format!("# {id}\n")),
        "the first line is not its title",
    );
    check(
        !meta.summary.is_empty() && !meta.summary.ends_with('.'),
        "the summary is empty or ends in a full stop",
    );
    check(meta.since.split('.').count() == 3, "`since` is no version");
    check(!meta.inputs.is_empty(), "no inputs");
    let headings: Vec<&str> = outside_of_fences(body)
        .filter(|line| line.starts_with("## "))
        .collect();
    check(
        headings == SECTIONS,
        &format!("its sections are {headings:?}"),
    );
    let verdicts: Vec<&str> = outside_of_fences(body)
        .filter(|line| line.starts_with("### Why the fix"))
        .collect();
    check(
        verdicts.len() == 1 && VERDICTS.contains(&verdicts[0]),
        &format!("its verdicts on the fix are {verdicts:?}"),
    );
    check(
        meta.fix != Fix::Safe || verdicts == ["### Why the fix is safe"],
        "`fix` and the verdict on it disagree",
    );
    let cases = Page::new(id, text).cases();
    match cases {
        Err(fault) => check(false, &fault),
        Ok(cases) => {
            let silent = cases
                .iter()
                .filter(|case| case.expected == Expected::Silence)
                .count();
            check(cases.len() > silent, "no example with a finding");
            check(silent >= 2, "fewer than two silent examples");
        }
    }
    faults
}

/// The lines of the prose.
fn outside_of_fences(body: &str) -> impl Iterator<Item = &str> {
    let mut inside = false;
    body.lines().filter(move |line| {
        let fence = line.starts_with("```");
        inside ^= fence;
        !inside && !fence
    })
}

#[test]
fn every_example_does_what_its_page_says() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut faults = String::new();
    for rule in &RULES {
        let path = folder().join(format!("{}.md", rule.id));
        let text = std::fs::read_to_string(&path).unwrap();
        let page = Page::new(rule.id, &text);
        let cases = page.cases().unwrap_or_default();
        for case in &cases {
            faults.extend(judge(&page, case, update));
        }
        if update {
            let updated = page.updated(&cases);
            if updated != text {
                std::fs::write(&path, updated).unwrap();
            }
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// What is wrong with a case; nothing if it is as it should be, or will be after an update.
fn judge(page: &Page<'_>, case: &Case<'_>, update: bool) -> Option<String> {
    let got = case.run();
    let named = format!("[{}]", page.id);
    let fault = match case.expected {
        Expected::Silence if !got.printed.is_empty() => {
            format!("should be silent, and prints\n{}", got.printed)
        }
        Expected::Findings(_) if !got.printed.contains(&named) => {
            format!("has no finding of its own rule:\n{}", got.printed)
        }
        Expected::Findings(lines) if lines != got.printed && !update => {
            format!(
                "should print\n{lines}and prints\n{}(UPDATE=1 takes that over)",
                got.printed
            )
        }
        _ if got.units == 0 && page.id != "unreadable-input" => "was not judged at all".to_owned(),
        _ => return None,
    };
    Some(format!(
        "\nrules/{}.md, line {}: {fault}\n",
        page.id, case.line
    ))
}

/// The text after the fix is what the page shows, and the page shows it where it says there is one.
#[test]
fn fixes_are_as_shown() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut faults = String::new();
    for rule in &RULES {
        let text = std::fs::read_to_string(folder().join(format!("{}.md", rule.id))).unwrap();
        let mut shown = 0;
        for case in Page::new(rule.id, &text).cases().unwrap_or_default() {
            let Some(fixed) = case.fixed else { continue };
            shown += 1;
            let is = case.fix(rule.id).text;
            if is == case.text() {
                write!(
                    faults,
                    "\nrules/{}.md, line {}: nothing is fixed",
                    rule.id, case.line
                )
                .unwrap();
            }
            if is != fixed && !update {
                write!(
                    faults,
                    "\nrules/{}.md, line {}: the fix gives\n{is}",
                    rule.id, case.line
                )
                .unwrap();
            }
        }
        if (rule.meta().fix == Fix::None) != (shown == 0) {
            write!(
                faults,
                "\nrules/{}.md: `fix` is {:?}, and {shown} are shown",
                rule.id,
                rule.meta().fix
            )
            .unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// What holds of every fix, of whatever rule.
#[test]
fn fixes_mend_what_they_are_for_and_nothing_twice() {
    let mut faults = String::new();
    for rule in &RULES {
        for case in Page::new(rule.id, rule.page).cases().unwrap_or_default() {
            let before = case.check(case.text()).findings;
            let fixed = case.fix_text(case.text(), &[]);
            let again = case.fix_text(&fixed.text, &[]);
            let left = case.check(&fixed.text).findings;
            let of = |findings: &[Finding]| {
                findings
                    .iter()
                    .filter(|finding| finding.rule == "unreadable-input")
                    .count()
            };
            let worse = left.iter().any(|finding| {
                finding.severity > malloclint::internals::finding::Severity::Info
                    && !before.iter().any(|other| other.rule == finding.rule)
            });
            let fault = match () {
                () if again.text != fixed.text => "fixed twice it is another file",
                () if fixed.left.len() != left.len() => {
                    "what `fix` says is left is not what `check` finds"
                }
                () if of(&left) > of(&before) => "the builder refuses the result",
                () if worse => "the fix brings what was not there",
                () => continue,
            };
            write!(
                faults,
                "\nrules/{}.md, line {}: {fault}:\n{}",
                rule.id, case.line, fixed.text
            )
            .unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// The page says whether there is a fix: always and safely, sometimes, or never.
#[test]
fn pages_say_whether_there_is_a_fix() {
    let mut faults = String::new();
    for rule in &RULES {
        let (mut with, mut without, mut unsafe_ones) = (0, 0, 0);
        for case in Page::new(rule.id, rule.page).cases().unwrap_or_default() {
            let findings = case.check(case.text()).findings;
            for finding in findings.iter().filter(|finding| finding.rule == rule.id) {
                let safe = finding
                    .remedy
                    .as_ref()
                    .is_some_and(|remedy| remedy.applicability == Applicability::Safe);
                let spelled = !finding.edits.is_empty();
                with += usize::from(spelled);
                without += usize::from(!spelled);
                unsafe_ones += usize::from(spelled && !safe);
            }
        }
        let says = rule.meta().fix;
        let is = match (with, without, unsafe_ones) {
            (0, _, _) => Fix::None,
            (_, 0, 0) => Fix::Safe,
            _ => Fix::Sometimes,
        };
        // A page may know of cases that its examples do not show.
        if says != is && !(says == Fix::Sometimes && with > 0) {
            write!(
                faults,
                "\nrules/{}.md: `fix` is {says:?}, and its examples say {is:?}",
                rule.id
            )
            .unwrap();
        }
    }
    assert!(faults.is_empty(), "{faults}");
}

/// The table of a page that begins so is this one.
#[track_caller]
fn table_is(page: &str, begin: &str, table: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let start = text.find(begin).unwrap();
    let end = start + text[start..].find("\n\n").unwrap() + 1;
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, format!("{}{table}{}", &text[..start], &text[end..])).unwrap();
        return;
    }
    assert_eq!(
        &text[start..end],
        table,
        "UPDATE=1 takes over what was measured"
    );
}

/// What the page of `malloc-conf-serialises-threads` says of threads is what was measured (bench/threads).
#[test]
fn costs_of_a_page_are_those_measured() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let results: serde_json::Value =
        serde_json::from_str(&read("bench/threads/results.json")).unwrap();
    let median = |program: &str, setting: &str| {
        let rounds = results["nanoseconds"][program][setting].as_array().unwrap();
        let mut rounds: Vec<f64> = rounds.iter().map(|one| one.as_f64().unwrap()).collect();
        rounds.sort_by(f64::total_cmp);
        rounds[rounds.len() / 2]
    };
    let mut table = String::from(
        "| setting | native code, one thread | native code, two threads | Python code, two threads |\n|---|---|---|---|\n",
    );
    for (name, setting) in [
        ("`narenas:1,tcache:false`", "article"),
        ("`narenas:1,tcache_max:1024`", "article, with small caches"),
        ("as `fix` sets it", "balanced"),
        ("glibc", "glibc"),
    ] {
        let [one, two, python] =
            ["native, 1", "native, 2", "python, 2"].map(|program| median(program, setting));
        writeln!(table, "| {name} | {one:.0} | {two:.0} | {python:.0} |").unwrap();
    }
    // What a finding says is of the same measurement.
    let facts = read("src/facts/native-threads.toml");
    for (key, setting) in [
        ("without_caches", "article"),
        ("with_caches", "article, with small caches"),
    ] {
        let said = format!("{key} = {:.0}\n", median("native, 2", setting));
        assert!(facts.contains(&said), "native-threads.toml: {said}");
    }
    table_is(
        "rules/malloc-conf-serialises-threads.md",
        "| setting | native",
        &table,
    );
    let malloc = "objects, PYTHONMALLOC=malloc, 1";
    let mut table = String::from(
        "| setting | Python's own pools | `PYTHONMALLOC=malloc` | two threads |\n|---|---|---|---|\n",
    );
    for (name, setting) in [
        ("`narenas:1,tcache:false`", "article"),
        ("`narenas:1,tcache_max:1024`", "article, with small caches"),
        ("glibc", "glibc"),
    ] {
        let [own, one, two] = ["objects, 1", malloc, "objects, PYTHONMALLOC=malloc, 2"]
            .map(|program| median(program, setting));
        writeln!(table, "| {name} | {own:.0} | {one:.0} | {two:.0} |").unwrap();
    }
    let [without, with] =
        ["article", "article, with small caches"].map(|setting| median(malloc, setting));
    let said = format!("[objects]\nwithout_caches = {without:.0}\nwith_caches = {with:.0}\n");
    assert!(facts.contains(&said), "native-threads.toml: {said}");
    table_is(
        "rules/malloc-conf-serialises-threads.md",
        "| setting | Python's own pools",
        &table,
    );
}

/// What `explain` prints fits on two screens.
#[test]
fn the_longest_page_fits_on_two_screens() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = crate::support::run::run(root, ["explain", "allocator-unset"]).out;
    assert!(out.lines().count() <= 100, "{} lines", out.lines().count());
}
