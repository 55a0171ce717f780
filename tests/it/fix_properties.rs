//! What the fix loop promises, held against mutants of Dockerfiles: the same ones on every run.
//!
//! `MUTANTS=25000 cargo test --test it fix_properties` tries more of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use malloclint::internals::check;
use malloclint::internals::finding::{Finding, Severity};
use malloclint::internals::fix::{self, Fixed, Options};
use malloclint::internals::pages::fences;
use malloclint::internals::project::Project;
use malloclint::internals::rules::RULES;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

use crate::support::random::Random;

/// So many are tried where nobody asks for more.
const MUTANTS: usize = 1_500;

/// Instructions that may get into any file.
const LINES: &[&str] = &[
    "FROM python:3.12-slim",
    "FROM python:3.12-slim AS final",
    "FROM python:3.12-alpine",
    "FROM debian:12 AS base",
    "FROM base AS dev",
    "FROM ubuntu:24.04",
    "FROM acme/base:1",
    "FROM nvcr.io/nvidia/pytorch:24.01-py3",
    "FROM --platform=linux/arm64 python:3.13-slim",
    "USER 1000",
    "USER root",
    "ARG ARCH",
    "RUN apt-get update && apt-get install -y libjemalloc2",
    "RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc-dev curl",
    "RUN apt-get install -y google-perftools chromium",
    "RUN apk add --no-cache jemalloc",
    "RUN pip install openvino playwright && playwright install chromium",
    "RUN export LD_PRELOAD=libjemalloc.so.2",
    "RUN echo /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 > /etc/ld.so.preload",
    "ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.1",
    "ENV LD_PRELOAD=\"/usr/lib/libjemalloc.so.2:${LD_PRELOAD}\"",
    "ENV LD_PRELOAD='/usr/$LIB/libjemalloc.so.2'",
    "ENV LD_PRELOAD=$LD_PRELOAD:libtcmalloc.so.4",
    "ENV LD_PRELOAD=/usr/lib",
    "ENV LD_PRELOAD \"libjemalloc.so.2,libgomp.so.1\"",
    "ENV MALLOC_CONF=background_thread:true,dirty_decay_ms:-1",
    "ENV MALLOC_CONF=\"narenas=2;tcache:false\"",
    "ENV MALLOC_CONF=narenas:2,prof:true",
    "ENV MALLOC_CONF=lg_chunk:20,dirty_decay:3",
    "ENV MALLOC_ARENA_MAX=2 PYTHONMALLOC=mimalloc",
    "ENV MALLOC_ARENA_MAX_=2",
    "ENV MALLOC_TRIM_THRESHOLD=1M PYTHONMALLOC=malloc",
    "ENV PYTHONMALLOC=jemalloc",
    "EXPOSE 8000",
    "CMD [\"gunicorn\", \"--threads\", \"4\", \"a:b\"]",
    "CMD [\"uvicorn\", \"a:b\"]",
    "CMD LD_PRELOAD=libjemalloc.so.2 exec gunicorn a:b",
    "CMD [\"python\", \"manage.py\", \"runserver\"]",
    "CMD exec setpriv --reuid app celery -A a worker",
];

#[test]
fn a_fix_keeps_its_promises() {
    let seeds = seeds();
    let wanted = std::env::var("MUTANTS")
        .ok()
        .and_then(|text| text.parse().ok());
    let mut random = Random::new(0x5EED);
    let mut broken: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for _ in 0..wanted.unwrap_or(MUTANTS) {
        let text = mutant(&mut random, &seeds);
        for (promise, why) in failures(&text) {
            let cases = broken.entry(promise).or_default();
            cases.push(format!("--- {why}\n{text}"));
        }
    }
    let mut report = String::new();
    for (promise, cases) in &mut broken {
        cases.sort_by_key(String::len);
        report.push_str(&format!("\n=== {promise}: {}\n", cases.len()));
        report.push_str(
            &cases
                .iter()
                .take(6)
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    assert!(broken.is_empty(), "{report}");
}

/// The Dockerfiles of the rule pages.
fn seeds() -> Vec<Vec<String>> {
    let pages = RULES.iter().map(|rule| rule.page);
    let texts = pages.flat_map(|page| {
        let dockerfile = |info: &str| info.starts_with("dockerfile");
        let found = fences(page)
            .into_iter()
            .filter(move |fence| dockerfile(fence.info));
        found.map(|fence| fence.text.to_owned()).collect::<Vec<_>>()
    });
    texts
        .map(|text| text.lines().map(str::to_owned).collect())
        .collect()
}

/// A seed with one to four changes.
fn mutant(random: &mut Random, seeds: &[Vec<String>]) -> String {
    let mut lines = random.pick(seeds).clone();
    for _ in 0..=random.below(4) {
        let at = random.below(lines.len() + 1);
        match random.below(8) {
            0 if at < lines.len() => {
                lines.remove(at);
            }
            1 if at < lines.len() => lines.insert(at, lines[at].clone()),
            2 => {
                let other = random.pick(seeds);
                let from = random.below(other.len());
                lines.splice(at..at, other[from..].iter().take(3).cloned());
            }
            3 if !lines.is_empty() => {
                lines[0] = random.pick(&LINES[..9]).to_string();
            }
            _ => lines.insert(at, random.pick(LINES).to_string()),
        }
    }
    lines.join("\n") + "\n"
}

fn fixed(text: &str, options: &Options) -> Fixed {
    let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
    fix::fix(&file, &Project::of(&Nowhere), options)
}

fn findings(text: &[u8]) -> Vec<Finding> {
    let file = SourceFile::new("Dockerfile", text.to_vec());
    check::check(&file, &Project::of(&Nowhere), Style::default()).findings
}

/// The promises that fixing a text breaks, each with how.
fn failures(text: &str) -> Vec<(&'static str, String)> {
    let mut failures = Vec::new();
    let before = findings(text.as_bytes());
    if before
        .iter()
        .any(|finding| finding.rule == "unreadable-input")
    {
        // No builder takes it.
        return failures;
    }
    let once = fixed(text, &Options::default());
    let after = String::from_utf8(once.after.bytes.clone()).unwrap();
    let twice = fixed(&after, &Options::default());
    if twice.changes() {
        failures.push(("one run does what two would do", shown(&twice.after)));
    }
    if let Some(why) = more(&before, &findings(after.as_bytes())) {
        failures.push(("no rule finds more than before", format!("{why}\n{after}")));
    }
    let left: Vec<Finding> = once.left.iter().map(|left| left.finding.clone()).collect();
    if let Some(why) = more(&before, &left) {
        failures.push(("what is left was there before", why));
    }
    let (old, new) = (References::of(text), References::of(&after));
    if new.dead.iter().any(|name| !old.dead.contains(name)) {
        failures.push((
            "no reference gets into quotes that expand nothing",
            after.clone(),
        ));
    }
    let from_outside = |text: &str| {
        let alone = text.matches("FROM ").count() == 1;
        // What the file itself set before is what a reference stands for: the base's is lost then.
        let first = text.lines().find(|line| line.contains("LD_PRELOAD="));
        let base =
            first.is_some_and(|line| line.contains("$LD_PRELOAD") || line.contains("${LD_PRELOAD"));
        alone && base && (text.contains("FROM acme") || text.contains("FROM nvcr"))
    };
    if from_outside(text) && new.preloads < old.preloads {
        failures.push(("what a base preloads stays", after.clone()));
    }
    let mut lines = after.lines();
    if kept(text)
        .into_iter()
        .any(|line| !lines.any(|other| other == line))
    {
        failures.push(("what runs stays as it is", after.clone()));
    }
    let rules: Vec<&str> = before.iter().map(|finding| finding.rule).collect();
    for rule in rules {
        let options = Options {
            only: vec![rule.to_owned()],
            ..Options::default()
        };
        let alone = fixed(text, &options);
        if let Some(other) = alone.applied.iter().find(|applied| applied.rule != rule) {
            failures.push((
                "--only brings no other rule",
                format!("{rule}: {}", other.rule),
            ));
        }
        let after = findings(&alone.after.bytes);
        if let Some(why) = more(&before, &after) {
            failures.push((
                "--only finds no more than before",
                format!("{rule}: {why}\n{}", shown(&alone.after)),
            ));
        }
    }
    failures
}

fn shown(file: &Arc<SourceFile>) -> String {
    String::from_utf8_lossy(&file.bytes).into_owned()
}

/// A rule that speaks more often at a warning or error than before.
fn more(before: &[Finding], after: &[Finding]) -> Option<String> {
    let heavy = |findings: &[Finding]| {
        let mut counts = BTreeMap::<&'static str, usize>::new();
        for finding in findings
            .iter()
            .filter(|finding| finding.severity >= Severity::Warning)
        {
            *counts.entry(finding.rule).or_default() += 1;
        }
        counts
    };
    let (before, after) = (heavy(before), heavy(after));
    let more = after
        .iter()
        .find(|(rule, count)| before.get(*rule).copied().unwrap_or(0) < **count)?;
    Some(format!("{} {} times", more.0, more.1))
}

/// The references to variables in the values of ENV.
#[derive(Default)]
struct References {
    /// Those that expand to nothing: in single quotes or behind a backslash.
    dead: Vec<String>,
    /// How often `LD_PRELOAD` is one that expands.
    preloads: usize,
}

impl References {
    fn of(text: &str) -> Self {
        let mut found = Self::default();
        for line in text.lines().filter(|line| line.starts_with("ENV")) {
            let mut single = false;
            for (at, char) in line.char_indices() {
                single ^= char == '\'';
                if char != '$' {
                    continue;
                }
                let name = line[at + 1..].trim_start_matches('{');
                let part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let name: String = name.chars().take_while(part).collect();
                let dead = single || line[..at].ends_with('\\');
                found.preloads += usize::from(!dead && name == "LD_PRELOAD");
                // What the loader itself puts in is right there.
                if dead && name != "LIB" {
                    found.dead.push(name);
                }
            }
        }
        found
    }
}

/// The lines that no fix may take away or change: what is built on, copied and started.
fn kept(text: &str) -> Vec<&str> {
    let words = ["FROM", "CMD", "ENTRYPOINT", "EXPOSE", "ARG"];
    let sets = |line: &&str| !line.contains("MALLOC_CONF=") && !line.contains("LD_PRELOAD=");
    let keeps = |line: &&str| words.iter().any(|word| line.starts_with(word));
    text.lines().filter(keeps).filter(sets).collect()
}
