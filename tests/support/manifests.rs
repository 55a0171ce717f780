//! The fixtures of manifests and Compose files, and the programs of others that judge what we make of them.

#![allow(dead_code, reason = "no test file needs all of it")]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use malloclint::internals::fix::{self, Fixed, Options};
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::text::SourceFile;
use similar::TextDiff;

/// A file of manifests or a Compose file.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl Case {
    pub(crate) fn is_compose(&self) -> bool {
        self.name.starts_with("compose")
    }

    pub(crate) fn path(&self) -> &'static str {
        if self.is_compose() {
            "compose.yaml"
        } else {
            "deployment.yaml"
        }
    }

    pub(crate) fn fix(&self, text: &str) -> Fixed {
        self.fix_with(text, None)
    }

    /// The same with jemalloc from that image.
    pub(crate) fn fix_with(&self, text: &str, inject: Option<&str>) -> Fixed {
        let options = Options {
            advice: true,
            unsafe_too: true,
            inject: inject.map(str::to_owned),
            ..Options::default()
        };
        fix::fix(
            &SourceFile::new(self.path(), text.as_bytes().to_vec()),
            &Project::of(&Nowhere),
            &options,
        )
    }
}

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/yaml")
}

/// The cases of a file in `tests/yaml/`: `=== NAME`, then the text as it is, or as a JSON string where its
/// name says `(escaped)`.
pub(crate) fn cases(file: &str) -> Vec<Case> {
    let all = std::fs::read_to_string(folder().join(file)).unwrap();
    let parts = all.split("=== ").skip(1);
    let case = |part: &str| {
        let (name, text) = part.split_once('\n').unwrap();
        match name.strip_suffix(" (escaped)") {
            Some(name) => Case {
                name: name.to_owned(),
                text: serde_json::from_str(text).unwrap(),
            },
            None => Case {
                name: name.to_owned(),
                text: text.to_owned(),
            },
        }
    };
    parts.map(case).collect()
}

pub(crate) fn after(fixed: &Fixed) -> String {
    String::from_utf8(fixed.after.bytes.clone()).unwrap()
}

/// What became of cases, as Markdown.
pub(crate) fn told(title: &str, cases: &[(Case, Fixed)]) -> String {
    let mut out = format!("# {title}\n");
    for (case, fixed) in cases {
        write!(out, "\n## {}\n", case.name).unwrap();
        if let Some(why) = &fixed.skipped {
            writeln!(out, "\nnot read: {why}").unwrap();
        }
        for applied in &fixed.applied {
            writeln!(out, "\nfixed {}: {}", applied.rule, applied.title).unwrap();
        }
        for left in &fixed.left {
            writeln!(out, "\nleft {}: {}", left.finding.rule, left.reason).unwrap();
        }
        if fixed.changes() {
            let text = after(fixed).replace('\r', "␍");
            let before = case.text.replace('\r', "␍");
            let diff = TextDiff::from_lines(before.as_str(), text.as_str());
            let diff = diff.unified_diff().context_radius(2).to_string();
            let diff = diff.trim_start_matches("--- a\n+++ b\n");
            writeln!(out, "\n```diff\n{diff}```").unwrap();
        }
    }
    out
}

/// Compares with a file in `tests/yaml/`, or writes it with `UPDATE=1`.
pub(crate) fn is_shown(file: &str, out: &str) {
    let path = folder().join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, out).unwrap();
    }
    let shown = std::fs::read_to_string(&path).unwrap_or_default();
    // All of both would be thousands of lines.
    let differs = shown.lines().zip(out.lines()).find(|(a, b)| a != b);
    assert!(shown == out, "{differs:?}: UPDATE=1 writes it");
}

/// What a script in `tests/yaml/` answers; `None` where there is no Python for it.
pub(crate) fn ask(script: &str, question: &serde_json::Value) -> Option<Vec<serde_json::Value>> {
    let Some(python) = std::env::var_os("MALLOCLINT_ORACLE_PYTHON") else {
        assert!(
            std::env::var_os("MALLOCLINT_REQUIRE_ORACLES").is_none(),
            "MALLOCLINT_ORACLE_PYTHON names no Python for {script}"
        );
        println!(
            "skipped: MALLOCLINT_ORACLE_PYTHON names no Python for {script} (`make oracle` installs one)"
        );
        return None;
    };
    let mut child = Command::new(python)
        .arg(folder().join(script))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(question.to_string().as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{script} failed");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
