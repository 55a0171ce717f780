//! `PYTHONMALLOC` values that are for debugging or cost speed.

use super::Report;
use crate::facts::{self, PythonMalloc};
use crate::finding::Applicability;
use crate::model::{Change, Unit, is_python};
use crate::text::paths;

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    development_mode(unit, report);
    statistics(unit, report);
    let Some(var) = unit
        .env
        .get("PYTHONMALLOC")
        .filter(|_| !unit.role.is_build())
    else {
        return;
    };
    if unit.replacement().is_some() {
        // Everything on one allocator: some measure that and want it.
        return;
    }
    let Some(value) = var.now.value.known() else {
        return;
    };
    let version = unit.python.value().and_then(|python| python.version);
    let PythonMalloc::Slow(reason) =
        facts::pythonmalloc(value, version, unit.free_threaded().is_some())
    else {
        return;
    };
    report.add(
        report
            .finding(
                &var.now.place,
                format!("`PYTHONMALLOC={value}` in production: {reason}"),
            )
            .caption("slower than the default")
            .help("drop it, unless a measurement of this service says otherwise")
            .remedy(
                "drop `PYTHONMALLOC`",
                Applicability::Unsafe("someone may have measured that it helps here".into()),
                vec![Change::UnsetEnv {
                    name: "PYTHONMALLOC".into(),
                }],
            ),
    );
}

/// `PYTHONMALLOCSTATS` prints at every new arena of pymalloc, and does nothing without that
/// (docs.python.org/3/using/cmdline.html#envvar-PYTHONMALLOCSTATS): any text switches it on.
fn statistics(unit: &Unit, report: &mut Report<'_>) {
    let Some(var) = unit.env.get("PYTHONMALLOCSTATS") else {
        return;
    };
    let Some(value) = var.now.value.known().filter(|value| !value.is_empty()) else {
        return;
    };
    if unit.role.is_build() || unit.process.development || unit.python.value().is_none() {
        return;
    }
    let malloc = unit
        .env
        .get("PYTHONMALLOC")
        .and_then(|var| var.now.value.known());
    let raw = malloc.is_some_and(|malloc| malloc.starts_with("malloc"));
    let (what, caption) = if raw {
        (
            "does nothing where `PYTHONMALLOC` chooses `malloc`",
            "without effect",
        )
    } else {
        (
            "prints statistics of pymalloc at each new arena and at the end",
            "for debugging",
        )
    };
    let mut finding = report
        .finding(
            &var.now.place,
            format!("`PYTHONMALLOCSTATS={value}` in production: it {what}"),
        )
        .caption(caption)
        .help("drop it: it saves no memory");
    if value == "0" {
        finding = finding.note("any text switches it on, `0`, too");
    }
    report.add(finding.remedy(
        "drop `PYTHONMALLOCSTATS`",
        Applicability::Unsafe("someone may read the statistics".into()),
        vec![Change::UnsetEnv {
            name: "PYTHONMALLOCSTATS".into(),
        }],
    ));
}

/// Python's development mode, which puts its debug hooks on every block
/// (docs.python.org/3/library/devmode.html): `PYTHONDEVMODE=1`, `python -X dev`.
fn development_mode(unit: &Unit, report: &mut Report<'_>) {
    let hooked = unit.env.get("PYTHONMALLOC").is_none();
    if unit.role.is_build() || !hooked || unit.process.development || unit.python.value().is_none()
    {
        return;
    }
    let variable = unit.env.get("PYTHONDEVMODE");
    let on = variable.filter(|var| var.now.value.known().is_some_and(|value| !value.is_empty()));
    let argv = &unit.process.argv;
    let python = argv
        .first()
        .is_some_and(|program| is_python(paths::base_name(program)));
    let options = argv
        .iter()
        .skip(1)
        .take_while(|word| word.starts_with('-') || *word == "dev");
    let words: Vec<&str> = options.map(String::as_str).collect();
    let asked = words.contains(&"-Xdev") || words.windows(2).any(|pair| pair == ["-X", "dev"]);
    let (place, what) = match (on, &unit.process.place) {
        (Some(var), _) => (
            &var.now.place,
            format!("`PYTHONDEVMODE={}`", var.now.value.text.as_str()),
        ),
        (None, Some(place)) if python && asked => (place, "`-X dev`".to_owned()),
        _ => return,
    };
    let finding = report
        .finding(place, format!("{what} in production: debug hooks check every block"))
        .caption("slower than the default")
        .note("the development mode sets `PYTHONMALLOC=debug`, and shows warnings that are for developers")
        .help("drop it");
    report.add(if on.is_some() {
        finding.remedy(
            "drop `PYTHONDEVMODE`",
            Applicability::Unsafe("someone may read the warnings that it shows".into()),
            vec![Change::UnsetEnv {
                name: "PYTHONDEVMODE".into(),
            }],
        )
    } else {
        finding
    });
}
