//! A safe fix makes no image worse, and what the text proves is said: faults that users met, each as a kind, and beside it
//! a twin, nearly the same, that must stay as it is.

use malloclint::internals::check;
use malloclint::internals::fix::{self, Options};
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

use crate::support::run::{folder, run};

const JE: &str = "RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc2\n";
const PROFILE: &str = "narenas:1,tcache_max:1024,tcache_nslots_small_max:8,oversize_threshold:262144,dirty_decay_ms:500,muzzy_decay_ms:0";

/// The text after all safe fixes (of the rules named, where some are), and why the rest is left.
fn fixed(text: &str, only: &[&str]) -> (String, Vec<String>) {
    let options = Options {
        advice: true,
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        ..Options::default()
    };
    let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
    let fixed = fix::fix(&file, &Project::of(&Nowhere), &options);
    let left = fixed.left.iter();
    let left = left.map(|left| format!("{}: {}", left.finding.rule, left.reason));
    (
        String::from_utf8(fixed.after.bytes.clone()).unwrap(),
        left.collect(),
    )
}

/// The rules that speak about a Dockerfile, with the line of each.
fn said(path: &str, text: &str) -> Vec<(&'static str, usize)> {
    let file = SourceFile::new(path, text.as_bytes().to_vec());
    let checked = check::check(&file, &Project::of(&Nowhere), Style::default());
    let findings = checked.findings.iter();
    findings
        .map(|finding| (finding.rule, finding.place.line()))
        .collect()
}

fn says(text: &str, rule: &str) -> bool {
    said("Dockerfile", text).iter().any(|(id, _)| *id == rule)
}

/// The line that begins with `start`.
fn line(text: &str, start: &str) -> String {
    let found = text.lines().find(|line| line.starts_with(start));
    found.unwrap_or_default().to_owned()
}

#[test]
fn a_reference_stays_a_reference() {
    for (from, value, wanted) in [
        (
            "acme/base:1",
            "\"/usr/lib/aarch64-linux-gnu/libjemalloc.so.2:${LD_PRELOAD}\"",
            "\"libjemalloc.so.2:${LD_PRELOAD}\"",
        ),
        (
            "acme/base:1",
            "$EXTRA:/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
            "$EXTRA:libjemalloc.so.2",
        ),
        (
            "acme/base:1",
            "\"${A}/liba.so /usr/lib/x86_64-linux-gnu/libjemalloc.so.2:$B\"",
            "\"${A}/liba.so libjemalloc.so.2:$B\"",
        ),
        (
            "nvcr.io/nvidia/pytorch:24.01-py3",
            "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2:$LD_PRELOAD",
            "libjemalloc.so.2:$LD_PRELOAD",
        ),
    ] {
        let text = format!(
            "FROM {from}\n{JE}ENV LD_PRELOAD={value} MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        );
        let (after, _) = fixed(&text, &[]);
        assert_eq!(
            line(&after, "ENV"),
            format!("ENV LD_PRELOAD={wanted} MALLOC_CONF=narenas:2")
        );
        assert_eq!(fixed(&after, &[]).0, after);
    }
    // The allocator keeps its place in the list, so that what is put together behind it stays.
    let text = "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y libgomp1\nENV LD_PRELOAD=libgomp.so.1\nENV LD_PRELOAD=/opt/lib/libjemalloc.so.2${LD_PRELOAD:+:${LD_PRELOAD}} MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let (after, left) = fixed(text, &[]);
    assert!(
        after.contains(
            "ENV LD_PRELOAD=libjemalloc.so.2${LD_PRELOAD:+:${LD_PRELOAD}} MALLOC_CONF=narenas:2"
        ) && left.is_empty(),
        "{after}{left:?}"
    );
    // Twin: a value without references is written anew in its own quotes.
    let text = format!(
        "FROM python:3.12-slim\n{JE}ENV LD_PRELOAD='/usr/lib/libjemalloc.so.2'\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    assert!(
        fixed(&text, &[])
            .0
            .contains("LD_PRELOAD='libjemalloc.so.2'")
    );
}

#[test]
fn single_quotes_expand_nothing() {
    let with = |value: &str| {
        format!(
            "FROM python:3.12-slim\n{JE}ENV LD_PRELOAD={value} MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for value in [
        "'libjemalloc.so.2:${LD_PRELOAD}'",
        "'${EXTRA}:libjemalloc.so.2'",
        "libjemalloc.so.2:\\$OTHERS",
    ] {
        assert!(says(&with(value), "preload-not-expanded"), "{value}");
    }
    for value in [
        "'/usr/$LIB/libjemalloc.so.2'",
        "'/usr/${LIB}/libjemalloc.so.2'",
        "\"libjemalloc.so.2:${LD_PRELOAD}\"",
    ] {
        assert!(!says(&with(value), "preload-not-expanded"), "{value}");
    }
}

#[test]
fn a_fix_brings_what_its_rule_is_about() {
    for (from, command) in [
        ("ruby:3.3-slim", "bundle"),
        ("eclipse-temurin:21-jre", "java"),
        ("redis:7", "redis-server"),
        ("node:22-slim", "node"),
    ] {
        let text = format!(
            "FROM {from}\n{JE}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2\nCMD [\"{command}\", \"x\"]\n"
        );
        let (after, _) = fixed(&text, &[]);
        assert_eq!(after, text.replace("/usr/lib/libj", "libj"), "{from}");
    }
    let text = format!(
        "FROM python:3.12-slim\n{JE}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    let (after, left) = fixed(&text, &["preload-wrong-path"]);
    assert_eq!(after, text.replace("/usr/lib/libj", "libj"));
    // It was a finding before, and is one after.
    assert!(
        says(&text, "malloc-conf-unset")
            && left
                .iter()
                .any(|left| left.starts_with("malloc-conf-unset"))
    );
    // Twin: asked for everything, a Python service gets the settings, too, in one run.
    let (after, left) = fixed(&text, &[]);
    assert!(
        after.contains(&format!("MALLOC_CONF={PROFILE}")) && left.is_empty(),
        "{after}"
    );
}

#[test]
fn a_setting_that_never_purges_does_not_take_effect_by_a_safe_fix() {
    let with = |conf: &str| {
        format!(
            "FROM python:3.12-slim\n{JE}ENV MALLOC_CONF={conf}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let text = with("dirty_decay_ms:9000000000,muzzy_decay_ms:9000000000");
    let (after, left) = fixed(&text, &[]);
    assert_eq!(after, text);
    assert!(
        left.iter().any(|left| left.contains("would take effect")),
        "{left:?}"
    );
    let (after, _) = fixed(&with("dirty_decay_ms:5000"), &[]);
    assert!(after.contains("LD_PRELOAD=libjemalloc.so.2"));
}

#[test]
fn a_wrong_line_of_a_shared_stage_is_edited_where_it_stands() {
    let text = format!(
        "FROM python:3.12-slim AS shared\n{JE}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.1 MALLOC_CONF=narenas:2\nFROM shared AS worker\nCMD [\"celery\", \"-A\", \"a\", \"worker\"]\nFROM shared AS api\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    let (after, left) = fixed(&text, &[]);
    assert_eq!(
        after,
        text.replace("/usr/lib/libjemalloc.so.1", "libjemalloc.so.2")
    );
    assert!(left.is_empty(), "{left:?}");
    // What is right for one image and wrong for another stays where it is.
    let both = format!(
        "FROM python:3.12-slim AS shared\nENV MALLOC_CONF=narenas:2\nENV LD_PRELOAD=/opt/libjemalloc.so.2\nFROM shared AS worker\nCOPY libjemalloc.so.2 /opt/\nCMD [\"celery\", \"-A\", \"a\", \"worker\"]\nFROM shared AS api\n{JE}CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    for only in [&["preload-wrong-path"][..], &[]] {
        let (after, _) = fixed(&both, only);
        let worker = after.split("FROM ").nth(2).unwrap_or_default();
        let kept = after
            .contains("AS shared\nENV MALLOC_CONF=narenas:2\nENV LD_PRELOAD=/opt/libjemalloc.so.2");
        assert!(
            kept || worker.contains("LD_PRELOAD=/opt/libjemalloc.so.2"),
            "{after}"
        );
    }
    // Twin: what a stage sets itself is changed there alone.
    let own = format!(
        "FROM python:3.12-slim AS shared\n{JE}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nFROM shared AS api\nENV LD_PRELOAD=/usr/lib/libjemalloc.so.1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    assert_eq!(
        fixed(&own, &[]).0,
        own.replace("/usr/lib/libjemalloc.so.1", "libjemalloc.so.2")
    );
}

/// Whether jemalloc comes into the stage `name`.
fn brought_to(text: &str, name: &str) -> bool {
    let (after, _) = fixed(text, &[]);
    let mut stages = after.split("FROM ");
    stages.any(|stage| {
        stage
            .lines()
            .next()
            .is_some_and(|from| from.ends_with(&format!("AS {name}")))
            && stage.contains("libjemalloc2")
    }) && after.matches("libjemalloc2").count() == 1
}

#[test]
fn production_is_the_last_stage_unless_its_whole_name_says_otherwise() {
    let serve = "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    for (text, stage) in [
        // Only the name of the last one says that it is for developers.
        (
            format!(
                "FROM python:3.12-slim AS production\n{serve}FROM production AS local\nRUN pip install debugpy\n"
            ),
            "production",
        ),
        (
            format!(
                "FROM python:3.12-slim AS app\n{serve}FROM app AS dev\nCMD [\"flask\", \"run\", \"--debug\"]\n"
            ),
            "app",
        ),
        (
            format!("FROM python:3.12-slim AS app\n{serve}FROM app AS checks\nCMD [\"pytest\"]\n"),
            "app",
        ),
        // What stands on the stage that says what runs inherits it.
        (
            format!(
                "FROM python:3.12-slim AS production\n{serve}FROM production AS ollama\nRUN pip install ollama\n"
            ),
            "production",
        ),
        (
            format!(
                "FROM python:3.12-slim AS web\n{serve}FROM web AS extras\nRUN pip install x\nFROM extras AS debug\nRUN pip install y\n"
            ),
            "web",
        ),
        // A word inside a longer name means nothing.
        (
            format!(
                "FROM python:3.12-slim AS test-tools\nRUN pip install x\nFROM test-tools AS final-build\n{serve}"
            ),
            "final-build",
        ),
        // To force the tests to pass, production stands on them.
        (
            format!("FROM python:3.12-slim AS test\nRUN pytest\nFROM test AS release\n{serve}"),
            "release",
        ),
        // The only image of a file is what runs, whatever it is called.
        (format!("FROM python:3.12-slim AS dev\n{serve}"), "dev"),
    ] {
        assert!(brought_to(&text, stage), "{text}{}", fixed(&text, &[]).0);
    }
    // A service with a command of its own that stands on `develop` is one of production's; what stands on tests is not.
    let two = |below: &str| {
        format!(
            "FROM python:3.12-slim AS {below}\nRUN pip install x\nFROM {below} AS worker\nCMD [\"celery\", \"-A\", \"a\", \"worker\"]\nFROM python:3.12-slim AS web\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    assert_eq!(
        said("Dockerfile", &two("develop")),
        [("allocator-unset", 3), ("allocator-unset", 5)]
    );
    assert_eq!(said("Dockerfile", &two("test")), [("allocator-unset", 5)]);
    // Twin: a stage for tests that starts tests is one.
    let tests = "FROM python:3.12-slim AS test\nENV PYTHONMALLOC=debug\nCMD [\"pytest\"]\n";
    assert_eq!(said("Dockerfile", tests), []);
}

#[test]
fn no_profile_brings_a_second_thread() {
    for command in [
        "[\"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
        "[\"uvicorn\", \"a:b\"]",
        "[\"uvicorn\", \"--workers\", \"2\", \"a:b\"]",
        "[\"celery\", \"-A\", \"a\", \"worker\"]",
    ] {
        let text = format!(
            "FROM python:3.12-slim\nRUN pip install playwright==1.55.0 && playwright install --with-deps chromium\nCMD {command}\n"
        );
        let (after, _) = fixed(&text, &[]);
        assert!(after.contains(&format!("MALLOC_CONF={PROFILE}")), "{after}");
    }
}

#[test]
fn nothing_is_preloaded_that_the_start_takes_away() {
    let base = |from: &str| {
        format!(
            "FROM {from}\nUSER 0\nRUN dnf install -y https://dl.fedoraproject.org/pub/epel/epel-release-latest-9.noarch.rpm\nUSER 1001\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let text = base("registry.access.redhat.com/ubi9/python-312").replace(
        "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
        "CMD /usr/libexec/s2i/run || exec gunicorn --threads 8 a:b",
    );
    let (after, left) = fixed(&text, &[]);
    assert_eq!(after, text);
    assert!(
        left.iter()
            .any(|left| left.contains("a preload would be lost")),
        "{left:?}"
    );
    // Twin: nothing touches the environment of another command.
    let text = base("registry.access.redhat.com/ubi9/python-312");
    assert!(fixed(&text, &[]).0.contains("LD_PRELOAD=libjemalloc.so.2"));
    let text = base("rockylinux:9").replace("CMD", "RUN dnf install -y python3\nCMD");
    assert!(
        fixed(&text.replace("USER 1001\n", ""), &[])
            .0
            .contains("LD_PRELOAD=libjemalloc.so.2")
    );
}

#[test]
fn the_same_fault_in_several_places_is_fixed_in_one_run() {
    let text = "FROM python:3.12-slim\nUSER app\nRUN apt-get update && apt-get install -y git\nRUN apt-get install -y curl\nRUN apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let (after, left) = fixed(text, &[]);
    assert_eq!(
        (after.matches("USER root").count(), left.len()),
        (3, 0),
        "{after}{left:?}"
    );
    assert_eq!(fixed(&after, &[]).0, after);
}

#[test]
fn scripts_are_not_edited_and_it_is_said() {
    let folder = folder([
        (
            "Dockerfile",
            format!("FROM python:3.12-slim\n{JE}COPY start.sh /\nENTRYPOINT [\"/start.sh\"]\n")
                .as_str(),
        ),
        (
            "start.sh",
            "#!/bin/sh\nexport LD_PRELOAD=/usr/lib/libjemalloc.so.1\nexec gunicorn --threads 8 a:b\n",
        ),
    ]);
    let fixed = run(folder.path(), ["fix"]);
    assert!(
        fixed
            .out
            .contains("it is in start.sh, which is not edited: change it there"),
        "{}",
        fixed.out
    );
}

#[test]
fn check_says_of_a_misspelt_name_what_fix_does() {
    let with = |preload: &str| {
        format!(
            "FROM python:3.12-slim\n{JE}ENV {preload}MALLOC_TRIM_THRESHOLD=65536 MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for preload in [
        "LD_PRELOAD=libjemalloc.so.2 ",
        "LD_PRELOAD=/usr/lib/libjemalloc.so.2 ",
        "",
    ] {
        let file = SourceFile::new("Dockerfile", with(preload).into_bytes());
        let found = check::check(&file, &Project::of(&Nowhere), Style::default()).findings;
        let misspelt = found
            .iter()
            .find(|finding| finding.rule == "glibc-tunable-misspelt")
            .unwrap();
        assert_eq!(
            misspelt.remedy.as_ref().unwrap().title,
            "drop `MALLOC_TRIM_THRESHOLD`"
        );
        assert!(!fixed(&with(preload), &[]).0.contains("TRIM"));
    }
    // Twin: a library that the base brings for its own use is in nobody's way; and a server of another kind may link the package's.
    let other =
        format!("FROM redis:7\n{JE}ENV MALLOC_TRIM_THRESHOLD=65536\nCMD [\"redis-server\"]\n");
    assert_eq!(fixed(&other, &[]).0, other);
    // Twin: on glibc's malloc it is renamed, which is for a person to decide; and nothing else is brought.
    let glibc = "FROM python:3.12-slim\nENV MALLOC_TRIM_THRESHOLD=65536\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    assert_eq!(fixed(glibc, &[]).0, glibc);
}

#[test]
fn check_says_of_a_bad_value_what_fix_does() {
    let with = |preload: &str| {
        format!(
            "FROM python:3.12-slim\n{JE}ENV {preload}MALLOC_CONF=narenas:2 MALLOC_ARENA_MAX=two MALLOC_TRIM_THRESHOLD_=1M\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for preload in ["LD_PRELOAD=/usr/lib/libjemalloc.so.2 ", ""] {
        let file = SourceFile::new("Dockerfile", with(preload).into_bytes());
        let found = check::check(&file, &Project::of(&Nowhere), Style::default()).findings;
        let bad = found
            .iter()
            .filter(|finding| finding.rule == "glibc-tunable-bad-value");
        let titles: Vec<_> = bad
            .map(|finding| finding.remedy.as_ref().unwrap().title.as_str())
            .collect();
        assert_eq!(
            titles,
            ["drop `MALLOC_ARENA_MAX`", "drop `MALLOC_TRIM_THRESHOLD_`"]
        );
        let after = fixed(&with(preload), &[]).0;
        assert!(
            !after.contains("ARENA") && !after.contains("TRIM"),
            "{after}"
        );
    }
    // Twin: on glibc's malloc the value counts.
    let glibc = "FROM python:3.12-slim\nENV MALLOC_TRIM_THRESHOLD_=1M\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    assert_eq!(fixed(glibc, &[]).0, glibc);
}

#[test]
fn a_preload_that_is_no_allocator_says_nothing_about_allocators() {
    for library in ["libgomp.so.1", "libnss_wrapper.so"] {
        let text = format!(
            "FROM python:3.12-slim\nENV LD_PRELOAD={library}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        );
        let (after, _) = fixed(&text, &[]);
        assert!(
            after.contains(&format!("LD_PRELOAD={library}:libjemalloc.so.2")),
            "{after}"
        );
    }
    // Twins: one that no allocator may stand beside; and what nobody knows may be an allocator.
    let text = "FROM python:3.12-slim\nENV LD_PRELOAD=libfaketime.so.1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    assert_eq!(fixed(text, &[]).0, text);
    let text = "FROM python:3.12-slim\nCOPY libfast.so /usr/lib/\nENV LD_PRELOAD=/usr/lib/libfast.so\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    assert_eq!(
        told(&[("Dockerfile", text)]),
        ["info allocator-unset Dockerfile:1:1"]
    );
    assert_eq!(fixed(text, &[]).0, text);
}

#[test]
fn the_distributions_python_has_a_version() {
    let with = |from: &str, install: &str| {
        format!(
            "FROM {from}\nRUN {install}\nENV PYTHONMALLOC=mimalloc\nCMD [\"python3\", \"app.py\"]\n"
        )
    };
    for (from, install) in [
        (
            "ubuntu:24.04",
            "apt-get update && apt-get install -y python3",
        ),
        (
            "debian:12",
            "apt-get update && apt-get install -y python3-minimal",
        ),
        ("alpine:3.20", "apk add --no-cache python3"),
        ("amazonlinux:2023", "dnf install -y python3"),
    ] {
        assert!(says(&with(from, install), "pythonmalloc-invalid"), "{from}");
    }
    for (from, install) in [
        ("debian:13", "apt-get update && apt-get install -y python3"),
        (
            "ubuntu:24.04",
            "apt-get update && apt-get install -y python3.13",
        ),
        (
            "ubuntu:24.04",
            "uv python install 3.13 && apt-get install -y python3",
        ),
    ] {
        assert!(
            !says(&with(from, install), "pythonmalloc-invalid"),
            "{from}, {install}"
        );
    }
    // Another interpreter may be what starts.
    let with = |more: &str, command: &str| {
        format!(
            "FROM ubuntu:24.04\nRUN apt-get update && apt-get install -y python3\n{more}\nENV PYTHONMALLOC=mimalloc\nCMD {command}\n"
        )
    };
    for (more, command) in [
        ("RUN uv sync", "[\"uv\", \"run\", \"python3\", \"app.py\"]"),
        (
            "COPY --from=python:3.13 /usr/local /usr/local",
            "[\"python3\", \"app.py\"]",
        ),
        ("ENV PATH=/venv/bin:$PATH", "[\"python3\", \"app.py\"]"),
        (
            "RUN cd Python-3.13.0 && ./configure && make && make install",
            "[\"python3\", \"app.py\"]",
        ),
        (
            "RUN ln -sf /opt/python3.13 /usr/bin/python3",
            "[\"/usr/bin/python3\", \"app.py\"]",
        ),
        ("COPY . .", "[\"/venv/bin/python3\", \"app.py\"]"),
        ("COPY . .", "[\"gunicorn\", \"--threads\", \"8\", \"a:b\"]"),
        ("COPY . .", "poetry run python3 app.py"),
    ] {
        assert!(
            !says(&with(more, command), "pythonmalloc-invalid"),
            "{more}, {command}"
        );
    }
    for command in [
        "[\"/usr/bin/python3\", \"app.py\"]",
        "python3 app.py",
        "[\"python3\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
    ] {
        assert!(
            says(&with("COPY . .", command), "pythonmalloc-invalid"),
            "{command}"
        );
    }
}

#[test]
fn the_development_mode_is_the_debug_allocator() {
    let with =
        |env: &str, command: &str| format!("FROM python:3.12-slim\nENV A=1 {env}\nCMD {command}\n");
    let serve = "[\"gunicorn\", \"--threads\", \"8\", \"a:b\"]";
    for (env, command) in [
        ("PYTHONDEVMODE=1", serve),
        (
            "B=1",
            "[\"python\", \"-X\", \"dev\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
        ),
        ("B=1", "[\"python\", \"-Xdev\", \"app.py\"]"),
    ] {
        assert!(
            says(&with(env, command), "pythonmalloc-slow"),
            "{env} {command}"
        );
    }
    for (env, command) in [
        ("PYTHONDEVMODE=", serve),
        ("B=1", "[\"python\", \"app.py\", \"-X\", \"dev\"]"),
        (
            "PYTHONDEVMODE=1",
            "[\"python\", \"manage.py\", \"runserver\"]",
        ),
        ("B=1", "[\"python\", \"-X\", \"utf8\", \"app.py\"]"),
    ] {
        assert!(
            !says(&with(env, command), "pythonmalloc-slow"),
            "{env} {command}"
        );
    }
}

#[test]
fn a_leading_equals_sign_is_part_of_the_name() {
    let with = |value: &str| {
        format!(
            "FROM python:3.12-slim\n{JE}ENV LD_PRELOAD={value} MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    assert!(says(&with("=libjemalloc.so.2"), "preload-malformed"));
    assert_eq!(said("Dockerfile", &with("libjemalloc.so.2")), []);
}

#[test]
fn the_default_by_its_number_is_advice() {
    let text = "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX=0\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let folder = folder([("Dockerfile", text)]);
    let checked = run(folder.path(), ["check"]);
    assert!(
        checked.out.contains("info[glibc-tunable-bad-value]") && checked.code == Some(0),
        "{}",
        checked.out
    );
    let two = run(
        crate::support::run::folder([("Dockerfile", text.replace("=0", "=2x").as_str())]).path(),
        ["check"],
    );
    assert_eq!(two.code, Some(1));
}

#[test]
fn sonames_are_those_of_the_packages_name() {
    let with = |name: &str| {
        format!(
            "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y libtcmalloc-minimal4 python3\nENV LD_PRELOAD={name}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    assert!(says(&with("libtcmalloc.so.4"), "preload-wrong-soname"));
    assert!(!says(
        &with("libtcmalloc_minimal.so.4"),
        "preload-wrong-soname"
    ));
}

#[test]
fn a_container_has_no_stage() {
    let with = |value: &str, before: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - name: web\n      image: acme/web:1\n      env:\n{before}        - name: LD_PRELOAD\n          value: \"{value}\"\n"
        )
    };
    for value in [
        "libjemalloc.so.2:${LD_PRELOAD}",
        "$(LD_PRELOAD):libjemalloc.so.2",
        "$(EXTRA)/libjemalloc.so.2",
    ] {
        assert_eq!(
            said("pod.yaml", &with(value, "")),
            [("preload-not-expanded", 11)],
            "{value}"
        );
    }
    let folder = folder([(
        "pod.yaml",
        with("${LD_PRELOAD}:libjemalloc.so.2", "").as_str(),
    )]);
    let checked = run(folder.path(), ["check"]);
    assert!(!checked.out.contains("stage"), "{}", checked.out);
    // Twins: an earlier entry defines it; it may come from a ConfigMap.
    let before = "        - name: EXTRA\n          value: /opt\n";
    assert_eq!(
        said("pod.yaml", &with("$(EXTRA)/libjemalloc.so.2", before)),
        []
    );
    let from = with("$(EXTRA):libjemalloc.so.2", "").replace(
        "      env:\n",
        "      envFrom:\n        - configMapRef:\n            name: elsewhere\n      env:\n",
    );
    assert_eq!(said("pod.yaml", &from), []);
}

#[test]
fn what_is_rendered_from_something_else_is_not_edited() {
    let service = "FROM python:3.12-slim\nHEALTHCHECK CMD test {{.ok}}\nRUN docker ps --format '{{json .}} {{.Names}}' || true\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    for (from, to) in [
        ("a:b", "{{ cookiecutter.name }}:b"),
        (
            "FROM python",
            "FROM python AS x\nENV APP={{project}}\nFROM python",
        ),
    ] {
        let text = service.replacen(from, to, 1);
        let (after, left) = fixed(&text, &[]);
        assert_eq!(after, text);
        assert!(
            left.iter().all(|left| left.contains("a template (`{{")) && !left.is_empty(),
            "{left:?}"
        );
    }
    assert!(fixed(service, &[]).0.contains("libjemalloc2"));
    // A file that the Dockerfile writes may be a template for the service; what follows a format may be one all the same.
    let written = "FROM python:3.12-slim\nCOPY <<EOF /hello.j2\nhello {{ user }}\nEOF\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    assert!(fixed(written, &[]).0.contains("libjemalloc2"));
    let mixed = "FROM python:3.12-slim\nENV A=\"{{.X}} {{ name }}\"\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    assert_eq!(fixed(mixed, &[]).0, mixed);
    let manifest = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n  containers:\n    - name: web\n      image: acme/web:1\n      env:\n        - name: MALLOC_ARENA_MAX\n          value: 2\n";
    for (head, changes) in [
        ("---\n# Source: web/templates/pod.yaml\n", false),
        ("# Source: the wiki\n", true),
    ] {
        let text = format!("{head}{manifest}");
        let folder = folder([("pod.yaml", text.as_str())]);
        let told = run(folder.path(), ["fix"]);
        let after = std::fs::read_to_string(folder.path().join("pod.yaml")).unwrap();
        assert_eq!(after != text, changes, "{}", told.out);
        assert_eq!(
            told.out.contains("`helm template` made this file"),
            !changes
        );
    }
}

#[test]
fn what_was_measured_is_said_of_the_model_that_it_was_measured_for() {
    let told = |command: &str| {
        let text = format!("FROM python:3.12-slim\nCMD {command}\n");
        let file = SourceFile::new("Dockerfile", text.into_bytes());
        let found = check::check(&file, &Project::of(&Nowhere), Style::default()).findings;
        format!("{found:?}")
    };
    for command in [
        "[\"gunicorn\", \"-w\", \"4\", \"a:b\"]",
        "[\"celery\", \"-A\", \"a\", \"worker\"]",
    ] {
        let told = told(command);
        assert!(
            told.contains("one thread each")
                && !told.contains("heaps per core")
                && !told.contains("MALLOC_ARENA_MAX=2"),
            "{told}"
        );
    }
    for command in [
        "[\"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
        "[\"uvicorn\", \"a:b\"]",
    ] {
        let told = told(command);
        assert!(
            told.contains("heaps per core") && told.contains("MALLOC_ARENA_MAX=2"),
            "{told}"
        );
    }
}

#[test]
fn a_reference_in_a_manifest_stays_a_reference() {
    let dockerfile =
        format!("FROM python:3.12-slim\n{JE}CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n");
    for (value, changes) in [
        ("/usr/lib/libjemalloc.so.2:${EXTRA:-}", false),
        ("/usr/lib/libjemalloc.so.2:${EXTRA}", false),
        ("/usr/lib/libjemalloc.so.2", true),
    ] {
        let compose = format!(
            "services:\n  web:\n    build: .\n    environment:\n      MALLOC_CONF: narenas:2\n      LD_PRELOAD: \"{value}\"\n"
        );
        let folder = folder([
            ("Dockerfile", dockerfile.as_str()),
            ("compose.yaml", compose.as_str()),
        ]);
        let told = run(folder.path(), ["fix", "--unsafe", "compose.yaml"]);
        let after = std::fs::read_to_string(folder.path().join("compose.yaml")).unwrap();
        assert_eq!(after != compose, changes, "{}{after}", told.out);
    }
}

#[test]
fn a_preload_is_not_brought_where_it_breaks_a_program() {
    let image = |packages: &str, run: &str, command: &str| {
        format!(
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y python3 {packages}\n{run}CMD {command}\n"
        )
    };
    let threads = "[\"uvicorn\", \"a:b\"]";
    for text in [
        image("php8.2-cli", "", threads),
        image("curl", "RUN pip install openvino uvicorn\n", threads),
        image(
            "curl",
            "RUN uv pip install 'openvino-genai>=2024'\n",
            threads,
        ),
        image(
            "g++",
            "RUN g++ -O1 -fsanitize=address -o /usr/bin/tool tool.cc\n",
            threads,
        ),
    ] {
        assert!(says(&text, "allocator-unset"), "{text}");
        assert_eq!(fixed(&text, &[]).0, text);
        let idle = text.replace("python3", "python3 libjemalloc2");
        assert!(says(&idle, "jemalloc-not-preloaded"), "{idle}");
        assert_eq!(fixed(&idle, &[]).0, idle);
        // A preload that does nothing today would do harm.
        let dead = text.replace("python3", "python3 libjemalloc2").replace(
            "CMD",
            "ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD",
        );
        let (after, left) = fixed(&dead, &[]);
        if text.contains("openvino") {
            // It gets what it needs, in the same run.
            assert!(after.contains("TBB_ENABLE_SANITIZERS=1"), "{after}");
            continue;
        }
        assert_eq!(after, dead);
        assert!(
            left.iter()
                .any(|why| why.contains("preload-breaks-program")),
            "{left:?}"
        );
    }
    // The PHP of Debian 13 lives; others were not seen.
    let php = |from: &str| {
        image(
            "php-cli",
            "ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1\n",
            "[\"php\", \"a.php\"]",
        )
        .replace("python3", "python3 libjemalloc2")
        .replace("debian:12-slim", from)
    };
    for (from, severity) in [
        ("debian:12-slim", "error"),
        ("debian:13-slim", ""),
        ("ubuntu:24.04", "info"),
    ] {
        let said = told(&[("Dockerfile", &php(from))]);
        let found = said
            .iter()
            .find(|line| line.contains("preload-breaks-program"));
        let found = found.map_or("", |line| line.split(' ').next().unwrap());
        assert_eq!(found, severity, "{from}: {said:?}");
    }
    let official = php("php:8.3-cli-bookworm").replace("php-cli", "curl");
    let said = told(&[("Dockerfile", &official)]);
    assert!(
        said.contains(&"info preload-breaks-program Dockerfile:3:16".to_owned()),
        "{said:?}"
    );
    // Twins: what OpenVINO reads, another package of PHP, a stage that only builds, another sanitizer's option.
    for text in [
        image(
            "curl",
            "RUN pip install openvino uvicorn\nENV TBB_ENABLE_SANITIZERS=1\n",
            threads,
        ),
        image("php-common", "", threads),
        image("curl", "RUN pip install openvino-telemetry\n", threads),
        image(
            "g++",
            "RUN g++ -fsanitize=undefined -o /usr/bin/tool tool.cc\n",
            threads,
        ),
    ] {
        assert_ne!(fixed(&text, &[]).0, text);
    }
}

#[test]
fn openvino_is_told_what_it_needs() {
    let image = |run: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\n{JE}{run}\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD [\"uvicorn\", \"a:b\"]\n"
        )
    };
    let set = "TBB_ENABLE_SANITIZERS=1";
    for run in [
        "RUN pip install openvino==2024.6.0",
        "RUN pip install openvino",
    ] {
        assert!(fixed(&image(run), &[]).0.contains(set), "{run}");
    }
    // Twin: one that is too old to break.
    let text = image("RUN pip install openvino==2023.3.0");
    assert!(!says(&text, "preload-breaks-program") && fixed(&text, &[]).0 == text);
    // The lists of packages are read.
    let dir = folder([
        ("requirements.txt", "fastapi\nopenvino==2025.0.0\n"),
        (
            "Dockerfile",
            &*image("COPY requirements.txt .\nRUN pip install -r requirements.txt"),
        ),
    ]);
    let run = run(dir.path(), ["check", "."]);
    assert!(run.out.contains("preload-breaks-program"), "{}", run.out);
}

#[test]
fn a_second_thread_breaks_what_must_have_one() {
    let image = |run: &str, command: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\n{JE}{run}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true,narenas:2\nCMD {command}\n"
        )
    };
    let rule = "background-thread-breaks-program";
    let uvicorn = "[\"uvicorn\", \"a:b\"]";
    for text in [
        image("RUN apt-get install -y google-chrome-stable\n", uvicorn),
        image("RUN python -m playwright install\n", uvicorn),
        image("RUN uv run playwright install chrome\n", uvicorn),
        image("RUN npm install -g puppeteer@22\n", uvicorn),
        image("", "exec setpriv --reuid=1000 --clear-groups uvicorn a:b"),
        image(
            "",
            "[\"setpriv\", \"--reuid\", \"app\", \"uvicorn\", \"a:b\"]",
        ),
        image("", "unshare -Ur true; exec uvicorn a:b"),
        image("", uvicorn).replace(
            "python:3.12-slim-bookworm",
            "mcr.microsoft.com/playwright/python:v1.49.0-jammy",
        ),
    ] {
        assert!(says(&text, rule), "{text}");
        let asleep = text.replace("libjemalloc.so.2", "/opt/libjemalloc.so.2");
        assert!(!says(&asleep, rule), "{asleep}");
        assert!(
            !fixed(&asleep, &[])
                .0
                .contains("LD_PRELOAD=libjemalloc.so.2"),
            "{asleep}"
        );
    }
    for text in [
        image("RUN playwright install firefox\n", uvicorn),
        image("RUN apt-get install -y gosu\n", "gosu app uvicorn a:b"),
        image("", "exec setpriv --no-new-privs uvicorn a:b"),
        image("", "unshare -n true; exec uvicorn a:b"),
        image(
            "RUN apt-get install -y chromium\n",
            "env -u MALLOC_CONF chromium --headless & exec uvicorn a:b",
        ),
        image(
            "RUN apt-get install -y chromium\n",
            "chromium --headless --no-zygote & exec uvicorn a:b",
        ),
        image("RUN playwright install chromium\n", uvicorn).replace("background_thread:true,", ""),
    ] {
        assert!(!says(&text, rule), "{text}");
    }
    // The hook's thread is none of a browser's: it comes, and the variable that all programs read stays without it.
    let options = Options {
        advice: true,
        unsafe_too: true,
        style: Style {
            thread_hook: true,
            ..Style::default()
        },
        ..Options::default()
    };
    for run in ["RUN playwright install chromium\n", ""] {
        let text = image(run, "[\"gunicorn\", \"--threads\", \"8\", \"a:b\"]")
            .replace(" MALLOC_CONF=background_thread:true,narenas:2", "");
        let file = SourceFile::new("Dockerfile", text.into_bytes());
        let fixed = fix::fix(&file, &Project::of(&Nowhere), &options);
        let after = String::from_utf8(fixed.after.bytes.clone()).unwrap();
        assert!(!after.contains("background_thread:true"), "{after}");
        assert!(after.contains("JEMALLOC_THREAD_IN_PYTHON=1"), "{after}");
    }
}

#[test]
fn a_folder_is_no_library() {
    let image = |value: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\n{JE}ENV LD_PRELOAD={value} MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for value in [
        "/usr/lib",
        "/usr/lib/aarch64-linux-gnu",
        "/opt/jemalloc/lib/",
    ] {
        assert!(says(&image(value), "preload-not-a-library"), "{value}");
        let (after, _) = fixed(&image(value), &[]);
        assert!(after.contains("LD_PRELOAD=libjemalloc.so.2 "), "{after}");
    }
    for value in ["libjemalloc.so.2:", "/opt/tool", "libjemalloc.so.2"] {
        assert!(!says(&image(value), "preload-not-a-library"), "{value}");
    }
}

#[test]
fn musl_reads_no_file_of_preloads() {
    let image = |from: &str, more: &str| {
        format!(
            "FROM {from}\nRUN (apk add jemalloc || apt-get install -y libjemalloc2) && echo /usr/lib/libjemalloc.so.2 >> /etc/ld.so.preload\n{more}CMD [\"uvicorn\", \"a:b\"]\n"
        )
    };
    assert!(says(&image("alpine:3.20", ""), "preload-file-on-musl"));
    assert!(!says(&image("debian:12", ""), "preload-file-on-musl"));
    let both = image("alpine:3.20", "ENV LD_PRELOAD=libjemalloc.so.2\n");
    assert!(!says(&both, "preload-file-on-musl"));
}

#[test]
fn beside_programs_that_gain_rights_the_path_is_named() {
    let image = |from: &str, user: &str, command: &str| {
        format!(
            "FROM {from}\nRUN apt-get update && apt-get install -y python3 sudo nginx && setcap cap_net_bind_service=+ep /usr/sbin/nginx\n{user}CMD {command}\n"
        )
    };
    for command in [
        "sudo nginx && exec uvicorn a:b",
        "nginx && exec uvicorn a:b",
    ] {
        let (after, _) = fixed(&image("ubuntu:24.04", "USER app\n", command), &[]);
        assert!(after.contains("'/usr/$LIB/libjemalloc.so.2'"), "{after}");
        assert!(!says(&after, "preload-noise"), "{after}");
        let bare = after.replace("'/usr/$LIB/libjemalloc.so.2'", "libjemalloc.so.2");
        assert!(says(&bare, "preload-noise"), "{bare}");
        assert_eq!(fixed(&bare, &[]).0, after);
        // Twin: for root nothing gains rights.
        let (after, _) = fixed(&image("ubuntu:24.04", "", command), &[]);
        assert!(after.contains("LD_PRELOAD=libjemalloc.so.2"), "{after}");
    }
}

/// What is said about a Dockerfile and the files beside it: rule, file, line.
fn told(files: &[(&str, &str)]) -> Vec<String> {
    let dir = folder(files.iter().copied());
    let run = run(dir.path(), ["check", "--format", "concise", "."]);
    let lines = run.out.lines().filter(|line| line.contains('['));
    let short = |line: &str| {
        let (place, rest) = line.split_once(": ").unwrap();
        let mut words = rest.split(['[', ']']);
        let severity = words.next().unwrap();
        format!("{severity} {} {place}", words.next().unwrap())
    };
    lines.map(short).collect()
}

#[test]
fn a_service_is_one_whatever_its_program_is_called() {
    let image = |more: &str, command: &str| {
        format!("FROM python:3.12-slim-bookworm\n{JE}{more}EXPOSE 8000\nCMD [\"{command}\"]\n")
    };
    let rule = "jemalloc-not-preloaded";
    for (more, command) in [
        ("", "acme-serve"),
        ("HEALTHCHECK CMD true\n", "/srv/bin/run"),
    ] {
        let text = image(more, command);
        assert!(says(&text, rule), "{text}");
        assert_eq!(fixed(&text, &[]).0, text);
    }
    // Twins: a program that is known to be none, and one that another stage built, which is advice.
    for command in ["nginx", "redis-server", "node"] {
        assert!(!says(&image("", command), rule), "{command}");
    }
    let built = "FROM golang AS build\nRUN go build -o /out/acme\n".to_owned()
        + &image("COPY --from=build /out/acme /usr/local/bin/acme\n", "acme");
    let told = told(&[("Dockerfile", &built)]);
    assert_eq!(told, ["info jemalloc-not-preloaded Dockerfile:4:66"]);
}

#[test]
fn what_a_run_exports_is_gone_whatever_else_it_exports() {
    let image = |run: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\n{JE}{run}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for run in [
        "RUN export LD_PRELOAD=libjemalloc.so.2 && export MALLOC_CONF=narenas:1",
        "RUN export MALLOC_CONF=narenas:1; export LD_PRELOAD=libjemalloc.so.2",
        "RUN pip install x && export LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1",
        "RUN export MALLOC_CONF=\"narenas:1\"",
    ] {
        let text = image(run);
        assert!(says(&text, "preload-not-exported"), "{run}");
        let (after, left) = fixed(&text, &[]);
        let set = after.matches("MALLOC_CONF=narenas:1").count();
        assert!(
            set > 0 && after.contains("ENV ") && left.is_empty(),
            "{after}{left:?}"
        );
        assert!(after.contains("LD_PRELOAD=libjemalloc.so.2"), "{after}");
    }
    for run in [
        "RUN export MALLOC_CONF=narenas:1 && python -m compileall .",
        "ENV MALLOC_CONF=narenas:2 LD_PRELOAD=libjemalloc.so.2\nRUN export MALLOC_CONF=narenas:1",
    ] {
        assert!(!says(&image(run), "preload-not-exported"), "{run}");
    }
}

#[test]
fn start_scripts_are_found_in_path() {
    let image = |copy: &str, start: &str| {
        format!("FROM python:3.12-slim-bookworm\n{JE}{copy}\nENTRYPOINT [\"{start}\"]\n")
    };
    let script = "#!/bin/sh\nexport LD_PRELOAD=/usr/lib/libjemalloc.so.2 MALLOC_CONF=narenas:1\nexec gunicorn --threads 8 a:b\n";
    for (copy, start, path) in [
        (
            "COPY docker-entrypoint.sh /usr/local/bin/",
            "docker-entrypoint.sh",
            "docker-entrypoint.sh",
        ),
        (
            "COPY deploy/launch /usr/bin/launch",
            "launch",
            "deploy/launch",
        ),
        (
            "ENV PATH=/opt/bin:$PATH\nCOPY deploy/run.bash /opt/bin/run",
            "run",
            "deploy/run.bash",
        ),
        (
            "WORKDIR /srv\nCOPY bin/celery bin/celery",
            "./bin/celery",
            "bin/celery",
        ),
    ] {
        let said = told(&[("Dockerfile", &image(copy, start)), (path, script)]);
        assert_eq!(
            said,
            [format!("error preload-wrong-path {path}:2:19")],
            "{copy}"
        );
    }
    // Twin: what is copied elsewhere is not what runs, though it leaves a doubt.
    let text = image("COPY deploy/launch /opt/launch", "gunicorn");
    let said = told(&[("Dockerfile", &text), ("deploy/launch", script)]);
    assert_eq!(said, ["info jemalloc-not-preloaded Dockerfile:2:66"]);
}

#[test]
fn what_is_literal_of_a_computed_path_is_judged() {
    let image = format!("FROM python:3.12-slim-bookworm\n{JE}COPY run.sh /\nCMD [\"/run.sh\"]\n");
    let with = |path: &str| {
        let script = format!(
            "#!/bin/sh\nexport LD_PRELOAD={path} MALLOC_CONF=narenas:1\nexec gunicorn --threads 8 a:b\n"
        );
        told(&[("Dockerfile", &image), ("run.sh", &script)])
    };
    for (path, rule) in [
        (
            "/usr/lib/$(uname -m)-linux-gnu/libjemalloc.so.1",
            "preload-wrong-soname",
        ),
        (
            "/usr/local/lib/$(uname -m)/libjemalloc.so.2",
            "preload-wrong-path",
        ),
        ("/opt/$ARCH/libjemalloc.so.2", "preload-wrong-path"),
    ] {
        assert_eq!(with(path), [format!("error {rule} run.sh:2:19")], "{path}");
    }
    for path in [
        "/usr/lib/$(uname -m)-linux-gnu/libjemalloc.so.2",
        "$(find /usr/lib -name libjemalloc.so.2)",
        "/usr/lib/$(gcc -print-multiarch)/libjemalloc.so.2",
        "\"$JEMALLOC\"",
    ] {
        assert!(with(path).is_empty(), "{path}: {:?}", with(path));
    }
}

#[test]
fn other_allocators_lie_idle_too() {
    let image = |package: &str, more: &str| {
        format!(
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y python3 gunicorn {package}\n{more}CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let rule = "jemalloc-not-preloaded";
    for (package, name) in [
        ("libmimalloc2.0", "libmimalloc.so.2"),
        ("libtcmalloc-minimal4", "libtcmalloc_minimal.so.4"),
    ] {
        assert!(says(&image(package, ""), rule), "{package}");
        // What it does for such a service was not measured: installing it is no wish to preload it.
        assert_eq!(fixed(&image(package, ""), &[]).0, image(package, ""));
        let loaded = image(package, &format!("ENV LD_PRELOAD={name}\n"));
        assert!(!says(&loaded, rule), "{loaded}");
    }
}

#[test]
fn what_cannot_be_seen_is_advice_with_the_reason() {
    let compose = |more: &str| {
        format!("services:\n  web:\n    build: .\n    command: gunicorn --threads 8 a:b\n{more}")
    };
    let image = "FROM python:3.12-slim-bookworm\nRUN pip install gunicorn\n";
    let env = "    env_file: .env\n";
    let with = |files: &[(&str, &str)]| {
        let compose = compose(env);
        told(&[&[("Dockerfile", image), ("compose.yaml", &compose)], files].concat())
    };
    assert_eq!(with(&[]), ["info allocator-unset compose.yaml:2:3"]);
    assert_eq!(
        with(&[(".env.example", "A=1\n")]),
        ["info allocator-unset compose.yaml:2:3"]
    );
    // Twins: what shows how to write it sets one; it is there.
    assert!(with(&[(".env.example", "MALLOC_ARENA_MAX=2\n")]).is_empty());
    assert_eq!(
        with(&[(".env", "A=1\n")]),
        ["warning allocator-unset compose.yaml:2:3"]
    );
}

#[test]
fn files_that_are_not_linked_speak_for_nothing() {
    let image = "FROM python:3.12-slim-bookworm\nCOPY . /srv\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let with = |path: &str, text: &str| told(&[("api/Dockerfile", image), (path, text)]);
    let advice = ["info allocator-unset api/Dockerfile:1:1"];
    assert_eq!(
        with(
            "api/bench/run.sh",
            "LD_PRELOAD=libjemalloc.so.2 python bench.py\n"
        ),
        advice
    );
    let other =
        "services:\n  cache:\n    image: redis:7\n    environment: {MALLOC_CONF: 'narenas:1'}\n";
    assert_eq!(with("deploy/cache.yaml", other), advice);
    // Twins: one that names what is built here, and none at all.
    let own = other.replace("redis:7", "acme/api:1");
    // (What that one sets does nothing, and it is told so.)
    assert_eq!(
        with("deploy/cache.yaml", &own),
        ["error malloc-conf-without-jemalloc deploy/cache.yaml:4:19"]
    );
    let told = with(
        "api/README.md",
        "# An example\n\nThis is a sample. No longer maintained.\n",
    );
    assert_eq!(told, ["warning allocator-unset api/Dockerfile:1:1"]);
}

#[test]
fn an_assignment_is_no_export() {
    let image = |more: &str| {
        format!("FROM python:3.12-slim-bookworm\n{JE}{more}COPY run.sh /\nCMD [\"/run.sh\"]\n")
    };
    let script = |lines: &str| format!("#!/bin/sh\n{lines}\nexec gunicorn --threads 8 a:b\n");
    let with =
        |more: &str, lines: &str| told(&[("Dockerfile", &image(more)), ("run.sh", &script(lines))]);
    let assigned = "LD_PRELOAD=libjemalloc.so.2";
    assert_eq!(
        with("", assigned),
        ["error preload-not-exported run.sh:2:1"]
    );
    assert_eq!(
        with("", "if true; then LD_PRELOAD=\"libjemalloc.so.2\"; fi").len(),
        1
    );
    // Twins: exported before, behind, by the image, by `set -a`.
    for (more, lines) in [
        (
            "",
            "export LD_PRELOAD\nLD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1\nexport MALLOC_CONF",
        ),
        (
            "ENV MALLOC_CONF=narenas:1\n",
            "LD_PRELOAD=libjemalloc.so.2\nexport LD_PRELOAD",
        ),
        ("ENV LD_PRELOAD= MALLOC_CONF=narenas:1\n", assigned),
        (
            "ENV MALLOC_CONF=narenas:1\n",
            "set -a\nLD_PRELOAD=libjemalloc.so.2\nset +a",
        ),
    ] {
        let said = with(more, lines);
        assert!(said.is_empty(), "{more}{lines}: {said:?}");
    }
}

#[test]
fn the_branch_that_runs_by_default_is_the_service() {
    let image = "FROM python:3.12-slim-bookworm\nCOPY run.sh /\nENTRYPOINT [\"/run.sh\"]\n";
    let with = |script: &str| {
        let script = format!("#!/bin/sh\n{script}\n");
        let dir = folder([("Dockerfile", image), ("run.sh", script.as_str())]);
        run(dir.path(), ["check", "--format", "concise", "."]).out
    };
    for (script, server) in [
        (
            "if [ \"$DEV\" = 1 ]; then python manage.py runserver; else gunicorn --threads 8 a:b; fi",
            "gunicorn",
        ),
        (
            "case \"$MODE\" in\ndev) exec flask run --reload ;;\n*) exec uvicorn --limit-max-requests 9 a:b ;;\nesac",
            "uvicorn",
        ),
        (
            "case \"${1:-web}\" in\nworker) exec celery -A a worker ;;\nweb) exec gunicorn --threads 8 a:b ;;\nesac",
            "gunicorn",
        ),
        (
            "if [ \"$1\" = dev ]; then cmd='fastapi dev'; else cmd='gunicorn --threads 8 a:b'; fi\nexec $cmd",
            "gunicorn",
        ),
    ] {
        let said = with(script);
        assert!(
            said.contains(&format!("warning[allocator-unset] `{server}`")),
            "{script}: {said}"
        );
    }
    // Twin: where only a server for developers is started, that is what runs.
    let said = with("exec python manage.py runserver");
    assert!(said.contains("info[allocator-unset] `manage.py`"), "{said}");
    let said = with("[ -n \"$DEBUG\" ] && set -x\nexec python manage.py runserver");
    assert!(said.contains("info[allocator-unset] `manage.py`"), "{said}");
}

#[test]
fn a_test_of_what_nobody_sets_fails() {
    let starts = |image: &str, script: &str| {
        let image = format!("FROM python:3.12-slim-bookworm\nCOPY run.sh inner.sh /\n{image}\n");
        let script = format!("#!/bin/bash\n{script}\n");
        let inner = "#!/bin/sh\ncase $1 in w) celery -A a worker ;; web) gunicorn a ;; esac\n";
        let dir = folder([
            ("Dockerfile", image.as_str()),
            ("run.sh", script.as_str()),
            ("inner.sh", inner),
        ]);
        let out = run(dir.path(), ["units", "."]).out;
        let line = out
            .lines()
            .find(|line| line.contains(" starts "))
            .map(str::trim);
        line.unwrap_or_default()
            .trim_start_matches("starts")
            .trim()
            .to_owned()
    };
    let plain = "CMD [\"/run.sh\"]";
    let debug = "[ -n \"$DEBUG\" ] && exec flask run\nexec gunicorn a";
    let count = "if [ $# -eq 0 ]; then exec uvicorn a:b; else exec gunicorn a; fi";
    for (image, script, server) in [
        (plain, debug, "gunicorn a"),
        (
            plain,
            "[ -z \"$DEBUG\" ] || exec hypercorn a\nexec gunicorn a",
            "gunicorn a",
        ),
        (
            plain,
            "! [ \"$DEBUG\" ] || exec hypercorn a\nexec gunicorn a",
            "gunicorn a",
        ),
        // https://github.com/City-of-Helsinki/open-city-profile: an earlier `if` has a default of its own.
        (
            plain,
            "if [[ \"${SKIP:-0}\" == \"0\" ]]; then echo up; fi\nif [[ -n \"$*\" ]]; then \"$@\"\nelif [[ \"$DEV\" = 1 ]]; then python manage.py runserver\nelse uwsgi --ini a.ini; fi",
            "uwsgi --ini a.ini",
        ),
        (
            plain,
            "dev() { exec hypercorn a; }\nprod() { exec uvicorn a:b; }\nif [ \"$MODE\" = dev ]; then dev; else prod; fi",
            "uvicorn a:b",
        ),
        (
            plain,
            "if [ \"$A\" = 1 ] && [ -f x ]; then exec hypercorn a; fi\nexec gunicorn a",
            "gunicorn a",
        ),
        (
            plain,
            "if [[ \"$1\" = \"\" || \"$1\" = web ]]; then exec uvicorn a:b; else exec gunicorn a; fi",
            "uvicorn a:b",
        ),
        (
            plain,
            ": ${MODE:=web}\ncase $MODE in w) celery -A a worker ;; web) gunicorn a ;; esac",
            "gunicorn a",
        ),
        (plain, count, "uvicorn a:b"),
        ("CMD [\"/run.sh\", \"x\"]", count, "gunicorn a"),
        // A script gets its arguments wherever it is started.
        (
            "ENTRYPOINT [\"/bin/bash\", \"-c\", \"/run.sh ps0\"]",
            "TASK=$1\nif [ \"$TASK\" == ps0 ]; then python -u one.py; elif [ \"$TASK\" == w ]; then python -u two.py; fi",
            "python -u one.py",
        ),
        (
            "CMD [\"/run.sh\", \"web\"]",
            "exec /inner.sh \"$@\"",
            "gunicorn a",
        ),
        (
            "CMD [\"sh\", \"-c\", \"exec \\\"$@\\\"\", \"--\", \"gunicorn\", \"a\"]",
            "",
            "gunicorn a",
        ),
        // Twins: what the image sets is set, and what a command prints or another passes on cannot be told.
        ("ENV DEBUG=1\nCMD [\"/run.sh\"]", debug, "flask run"),
        (
            "ARG X\nENV DEBUG=$X\nCMD [\"/run.sh\"]",
            "[ -n \"$DEBUG\" ] && exec hypercorn a\nexec gunicorn a",
            "hypercorn a",
        ),
        (
            plain,
            "X=$(cat x)\nif [ \"$X\" = 1 ]; then exec uvicorn b; else exec gunicorn a; fi",
            "uvicorn b",
        ),
        (
            plain,
            "if [ -f x ]; then exec uvicorn b; else exec gunicorn a; fi",
            "uvicorn b",
        ),
        (plain, "exec /inner.sh \"$(cat x)\"", "celery -A a worker"),
        (
            plain,
            "set -- $(cat x)\nif [ -z \"$1\" ]; then exec uvicorn b; fi\nexec gunicorn a",
            "uvicorn b",
        ),
        (
            plain,
            "[ -n $DEBUG ] && exec hypercorn a\nexec gunicorn a",
            "hypercorn a",
        ),
        // Where the branch of production has to be asked for, it is still what the image is for.
        (
            plain,
            "if [ \"$ENV\" = production ]; then exec gunicorn a; else exec flask run; fi",
            "gunicorn a",
        ),
        (
            plain,
            "if [ \"$1\" = web ]; then exec gunicorn a; fi\nexec \"$@\"",
            "gunicorn a",
        ),
    ] {
        assert_eq!(starts(image, script), server, "{image}\n{script}");
    }
}

#[test]
fn what_something_builds_by_its_name_is_production() {
    let image = format!(
        "FROM python:3.12-slim-bookworm AS app\n{JE}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2 MALLOC_CONF=narenas:1\nFROM app AS api\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\nFROM api AS extras\nRUN pip install extras\nCMD [\"uvicorn\", \"c:d\"]\n"
    );
    let with = |path: &str, text: &str| {
        let dir = folder([("Dockerfile", image.as_str()), (path, text)]);
        run(dir.path(), ["units", "."]).out
    };
    let is_built =
        |out: &str| out.contains("stage `api` is what is built") && out.contains("stage `api`");
    for (path, text) in [
        (
            "compose.yaml",
            "services:\n  api:\n    build: {context: ., target: api}\n",
        ),
        (
            "docker-bake.hcl",
            "target \"x\" {\n  target = \"api\"\n  tags = [\"acme/api:1\"]\n}\n",
        ),
        (
            "skaffold.yaml",
            "build:\n  artifacts:\n  - image: acme/api\n    docker: {target: api}\n",
        ),
        (
            ".github/workflows/build.yml",
            "jobs:\n  x:\n    steps:\n    - uses: docker/build-push-action@v6\n      with: {context: ., target: api}\n",
        ),
    ] {
        let out = with(path, text);
        assert!(is_built(&out), "{path}: {out}");
    }
    // Twins: nothing names one; a name for developers names none of production's.
    assert!(!is_built(&with("notes.txt", "target: api")));
    let dev = image
        .replace("AS api", "AS dev")
        .replace("FROM api", "FROM dev");
    let dir = folder([
        ("Dockerfile", dev.as_str()),
        (
            "compose.yaml",
            "services:\n  x:\n    build: {context: ., target: dev}\n",
        ),
    ]);
    assert!(
        !run(dir.path(), ["units", "."])
            .out
            .contains("is what is built")
    );
}

#[test]
fn a_base_that_the_repository_builds_is_known() {
    let base = format!("FROM python:3.12-slim-bookworm\n{JE}");
    let web = "FROM acme/base:1\nENV LD_PRELOAD=libjemalloc.so.1 MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let compose =
        "services:\n  base:\n    image: acme/base:1\n    build: ./base\n  web:\n    build: ./web\n";
    let files = [("base/Dockerfile", base.as_str()), ("web/Dockerfile", web)];
    let said = told(&[&files[..], &[("compose.yaml", compose)]].concat());
    assert_eq!(said, ["error preload-wrong-soname web/Dockerfile:2:16"]);
    // What it brings and this does not use.
    let bare = "FROM acme/base:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let idle = [
        ("base/Dockerfile", base.as_str()),
        ("web/Dockerfile", bare),
        ("compose.yaml", compose),
    ];
    assert_eq!(
        told(&idle),
        ["warning jemalloc-not-preloaded web/Dockerfile:1:1"]
    );
    // Twins: nothing says who builds it; two that stand on each other.
    assert!(told(&files).is_empty());
    let circle =
        "services:\n  a: {image: 'acme/a:1', build: ./a}\n  b: {image: 'acme/b:1', build: ./b}\n";
    let of = |base: &str| {
        format!("FROM acme/{base}:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n")
    };
    let said = told(&[
        ("a/Dockerfile", &of("b")),
        ("b/Dockerfile", &of("a")),
        ("compose.yaml", circle),
    ]);
    assert!(said.iter().all(|line| line.starts_with("info")), "{said:?}");
}

#[test]
fn an_unknown_base_lowers_what_is_said() {
    let image = |from: &str, more: &str| {
        format!("FROM {from}\n{JE}{more}CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n")
    };
    let wrong = "ENV LD_PRELOAD=libjemalloc.so.1 MALLOC_CONF=narenas:1\n";
    let place = "Dockerfile:3:16";
    for (from, severity) in [
        ("python:3.12-slim-bookworm", "error"),
        ("acme/base:1", "warning"),
    ] {
        let said = told(&[("Dockerfile", &image(from, wrong))]);
        assert_eq!(said, [format!("{severity} preload-wrong-soname {place}")]);
    }
    let idle = |from: &str| told(&[("Dockerfile", &image(from, ""))]);
    assert_eq!(
        idle("acme/base:1"),
        ["info jemalloc-not-preloaded Dockerfile:2:66"]
    );
    // What a tag says of the distribution is taken for it.
    let bare = |from: &str| {
        told(&[(
            "Dockerfile",
            &format!("FROM {from}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"),
        )])
    };
    assert_eq!(
        bare("acme/base:1-bookworm"),
        ["info allocator-unset Dockerfile:1:1"]
    );
    assert_eq!(bare("acme/base:1"), ["info allocator-unset Dockerfile:1:1"]);
    // Twin: a library that only the base can have.
    let other = image("acme/base:1", "ENV LD_PRELOAD=libtcmalloc.so.4\n");
    assert!(told(&[("Dockerfile", &other)]).is_empty());
}

#[test]
fn libraries_that_are_built_lie_where_their_build_puts_them() {
    let image = |build: &str, path: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\nRUN {build}\nENV LD_PRELOAD={path} MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let jemalloc = "curl -L https://github.com/jemalloc/jemalloc/archive/5.3.0.tar.gz | tar xz && cd jemalloc-5.3.0 && ./configure --with-lg-page=16 --prefix=/opt/je && make && make install";
    for (path, rule) in [
        ("/opt/je/lib64/libjemalloc.so.2", "preload-wrong-path"),
        ("/opt/je/lib/libjemalloc.so.1", "preload-wrong-soname"),
        ("/usr/local/lib/libjemalloc.so.2", "preload-wrong-path"),
    ] {
        assert!(says(&image(jemalloc, path), rule), "{path}");
    }
    for path in ["/opt/je/lib/libjemalloc.so.2", "/opt/je/lib/libjemalloc.so"] {
        assert!(
            said("Dockerfile", &image(jemalloc, path)).is_empty(),
            "{path}"
        );
    }
    // A clone holds the newest, unless it is asked for another.
    let clone = |more: &str, to: &str| {
        let build = format!(
            "git clone {more} https://github.com/jemalloc/jemalloc && cd jemalloc && {to} ./autogen.sh --with-lg-page=16 && make && make install"
        );
        says(
            &image(&build, "/usr/local/lib/libjemalloc.so.1"),
            "preload-wrong-soname",
        )
    };
    assert!(clone("", "") && clone("--depth 1 -b 5.3.0", "") && clone("", "git checkout dev &&"));
    assert!(!clone("--branch=3.6.0", "") && !clone("", "git checkout 3.6.0 &&"));
    assert!(!clone("", "git checkout $TAG &&") && !clone("-b 1f2a3c", ""));
    let mimalloc = "git clone https://github.com/microsoft/mimalloc && cd mimalloc && cmake -DMI_SECURE=ON . && make install";
    let secure = image(mimalloc, "/usr/local/lib/libmimalloc-secure.so");
    assert!(!says(&secure, "preload-wrong-soname") && !says(&secure, "preload-wrong-path"));
}

#[test]
fn what_is_wrong_whatever_the_image_holds_is_wrong() {
    let pod = |more: &str, env: &str| {
        let text = format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: x}}\nspec:\n{more}  containers:\n  - name: x\n    image: acme/x:1\n    resources: {{limits: {{memory: 1Gi}}}}\n    env:\n{env}"
        );
        told(&[("pod.yaml", &text)])
    };
    let env = |name: &str, value: &str| format!("    - {{name: {name}, value: \"{value}\"}}\n");
    let path = env("LD_PRELOAD", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2");
    let arm = "  nodeSelector: {kubernetes.io/arch: arm64}\n";
    assert_eq!(pod(arm, &path), ["error preload-wrong-arch pod.yaml:11:34"]);
    assert!(pod("", &path).is_empty());
    let never = path + &env("MALLOC_CONF", "dirty_decay_ms:-1");
    assert_eq!(
        pod("", &never),
        ["warning malloc-conf-never-purges pod.yaml:11:35"]
    );
    let alone = env("MALLOC_CONF", "dirty_decay_ms:-1");
    assert!(pod("", &alone).is_empty());
}

#[test]
fn launchers_that_hand_nothing_on() {
    let image = |more: &str, command: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\n{JE}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1\n{more}CMD {command}\n"
        )
    };
    let rule = "preload-stripped";
    for (more, command) in [
        ("", "[\"circusd\", \"circus.ini\"]"),
        ("", "cron -f"),
        (
            "ENV RAY_LD_PRELOAD_ON_WORKERS=0\n",
            "ray start --head --block",
        ),
    ] {
        assert!(says(&image(more, command), rule), "{command}");
    }
    // Twins: a preload of the user's reaches Ray's workers; these hand it on.
    for command in [
        "ray start --head --block",
        "[\"supervisord\", \"-n\"]",
        "honcho start",
        "tini -- gunicorn --threads 8 a:b",
    ] {
        assert!(!says(&image("", command), rule), "{command}");
    }
}

#[test]
fn a_library_under_a_name_of_its_own_is_no_folder() {
    let image = |run: &str, path: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\n{JE}RUN {run}\nENV LD_PRELOAD={path} MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let library = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
    for (command, path) in [
        ("cp", "/usr/local/lib/libjemalloc5.so"),
        ("ln -s", "/opt/jemalloc.so"),
        ("mv", "/usr/lib/libje.so.5"),
    ] {
        let text = image(&format!("{command} {library} {path}"), path);
        assert!(
            said("Dockerfile", &text).is_empty(),
            "{text}{:?}",
            said("Dockerfile", &text)
        );
    }
    // Twin: a folder into which it is copied is one.
    let text = image(&format!("cp {library} /opt/je/"), "/opt/je");
    assert!(says(&text, "preload-not-a-library"));
}

#[test]
fn a_library_of_another_name_is_no_allocator() {
    let image = |preload: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\nENV LD_PRELOAD={preload}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for library in ["/usr/lib64/libjpeg.so.8", "/usr/lib/mariadb/libmariadb.so"] {
        let said = told(&[("Dockerfile", &image(library))]);
        assert_eq!(said, ["info allocator-unset Dockerfile:1:1"], "{library}");
        assert_eq!(fixed(&image(library), &[]).0, image(library));
    }
    // Twins: one that is known to be none; an allocator; and nothing, which is how preloading is switched off.
    let known = told(&[("Dockerfile", &image("libgomp.so.1"))]);
    assert_eq!(known, ["warning allocator-unset Dockerfile:1:1"]);
    for value in ["libhardened_malloc.so", "\"\""] {
        assert!(!says(&image(value), "allocator-unset"), "{value}");
    }
}

#[test]
fn an_image_that_takes_all_files_of_a_stage_is_like_it() {
    let image = |copy: &str| {
        format!(
            "FROM python:3.12-slim-bookworm AS base\n{JE}FROM scratch\n{copy}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2 MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let text = image("COPY --from=base / /\n");
    assert!(
        says(&text, "preload-wrong-path"),
        "{:?}",
        said("Dockerfile", &text)
    );
    // Twin: some of them tell nothing.
    assert!(!says(
        &image("COPY --from=base /srv /srv\n"),
        "preload-wrong-path"
    ));
}

#[test]
fn what_a_start_script_reads_reaches_the_service() {
    let image = format!(
        "FROM python:3.12-slim-bookworm\n{JE}ENV MALLOC_CONF=narenas:1\nRUN echo \"export LD_PRELOAD=libjemalloc.so.2\" >> /etc/environment\nCOPY run.sh /\nCMD [\"/run.sh\"]\n"
    );
    let with = |line: &str| {
        let script = format!("#!/bin/sh\n{line}\nexec gunicorn --threads 8 a:b\n");
        told(&[("Dockerfile", &image), ("run.sh", &script)])
    };
    assert!(
        with(". /etc/environment").is_empty(),
        "{:?}",
        with(". /etc/environment")
    );
    // Twin: one that reads another file.
    assert_eq!(
        with(". /etc/default/x"),
        ["warning preload-not-exported Dockerfile:4:10"]
    );
}

#[test]
fn a_workflow_says_what_an_image_is_built_for() {
    let image = format!(
        "FROM python:3.12-slim-bookworm\n{JE}ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    let with = |platforms: &str| {
        let workflow = format!(
            "jobs:\n  x:\n    steps:\n    - uses: docker/build-push-action@v6\n      with:\n        context: .\n{platforms}"
        );
        told(&[
            ("Dockerfile", &image),
            (".github/workflows/x.yaml", &workflow),
        ])
    };
    assert!(with("        platforms: linux/amd64\n").is_empty());
    let warning = ["warning preload-arch-specific Dockerfile:3:16"];
    for platforms in [
        "",
        "        platforms: linux/amd64,linux/arm64\n",
        "        platforms: ${{ matrix.platform }}\n",
    ] {
        assert_eq!(with(platforms), warning, "{platforms}");
    }
    assert_eq!(
        with("        platforms: linux/arm64\n"),
        ["error preload-wrong-arch Dockerfile:3:16"]
    );
}

#[test]
fn what_reviews_of_public_fixes_found() {
    // acsone/odoo-bedrock: Odoo ends workers by their address space.
    let serves = |command: &str| format!("FROM python:3.12-slim-bookworm\nCMD [\"{command}\"]\n");
    assert!(says(&serves("odoo"), "allocator-unset"));
    assert_eq!(fixed(&serves("odoo"), &[]).0, serves("odoo"));
    // dejablue79/pfsense_vpn_optimizer: a stage of a release whose packages are gone cannot be built.
    let bare = |release: &str| {
        format!(
            "FROM gcr.io/distroless/python3-debian{release}\nCMD [\"-m\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    assert_eq!(fixed(&bare("10"), &[]).0, bare("10"));
    assert_ne!(fixed(&bare("12"), &[]).0, bare("12"));
    // danny-avila/rag_api: blanks behind the backslash are not copied.
    let list = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y \\\n    libgl1 \\  \n    libglib2.0-0 \\\n    && rm -rf /var/lib/apt/lists/*\nCMD [\"uvicorn\", \"a:b\"]\n";
    let (after, _) = fixed(list, &[]);
    assert!(
        after.contains("libglib2.0-0 \\\n    libjemalloc2 \\\n"),
        "{after}"
    );
    // AVENTER-UG/docker-matrix: somebody switched it off.
    let off = "FROM python:3.12-slim-bookworm\n#ENV LD_PRELOAD=libjemalloc.so.2\nCMD [\"uvicorn\", \"a:b\"]\n";
    assert_eq!(
        told(&[("Dockerfile", off)]),
        ["info allocator-unset Dockerfile:1:1"]
    );
    assert_eq!(fixed(off, &[]).0, off);
    // dusty-nv/jetson-containers: who passes another base may get an older jemalloc.
    let open = "ARG BASE=python:3.12-slim-bookworm\nFROM ${BASE}\nRUN apt-get update && apt-get install -y curl\nCMD [\"uvicorn\", \"a:b\"]\n";
    assert!(fixed(open, &[]).0.contains("lg_tcache_max:10,"));
    // parkon-bot and its like: some versions of Chromium die of any preload.
    let browser = |version: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\nRUN pip install playwright{version} && playwright install chromium\nCMD [\"uvicorn\", \"a:b\"]\n"
        )
    };
    for version in ["==1.48.0", "==1.38.0", "==1.49.1"] {
        assert_eq!(
            fixed(&browser(version), &[]).0,
            browser(version),
            "{version}"
        );
    }
    for version in ["==1.37.0", "==1.50.0", "==1.55.0"] {
        assert_ne!(
            fixed(&browser(version), &[]).0,
            browser(version),
            "{version}"
        );
    }
}

#[test]
fn what_a_second_review_found() {
    let je = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y --no-install-recommends libjemalloc2\n";
    let serve = "CMD [\"uvicorn\", \"a:b\"]\n";
    // A setting that never purges does not come into force by another rule either.
    for lines in [
        "ENV LD_PRELOAD=libjemalloc.so.2\nRUN export MALLOC_CONF=dirty_decay_ms:9000000000\n",
        "ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.1 MALLOC_CONF=dirty_decay_ms:-1\n",
        "ENV MALLOC_CONF=dirty_decay_ms:-1\nRUN export LD_PRELOAD=libjemalloc.so.2\n",
    ] {
        let text = format!("{je}{lines}{serve}");
        assert_eq!(fixed(&text, &[]).0, text, "{:?}", fixed(&text, &[]).1);
    }
    // A stage beside the service that would be broken, and programs by other names.
    let beside = format!(
        "FROM python:3.12-slim-bookworm AS prod\nRUN apt-get update\n{serve}FROM prod AS test\nRUN pip install openvino && python -m pytest\nCMD [\"pytest\"]\n"
    );
    // It gets what saves it, in the same run; where nothing does, nothing is brought.
    assert!(fixed(&beside, &[]).0.contains("TBB_ENABLE_SANITIZERS=1"));
    let beside = beside.replace("pip install openvino", "apt-get install -y php-cli");
    assert_eq!(fixed(&beside, &[]).0, beside);
    for run in [
        "pip install optimum[openvino]",
        "pip3.12 install openvino",
        "apt-get install -y php8.2",
        "apt-get install -y composer",
    ] {
        let text = format!("FROM python:3.12-slim-bookworm\nRUN {run}\n{serve}");
        assert_eq!(fixed(&text, &[]).0, text, "{run}");
    }
    // Nothing is configured that is not loaded.
    let dead = format!(
        "{je}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.1\nRUN apt-get install -y php8.2-cli\n{serve}"
    );
    assert_eq!(fixed(&dead, &[]).0, dead);
    // Files of a stage that hold no program; a list that names it for something else.
    let thread = "ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true\n";
    let copied = format!(
        "FROM node:20 AS n\nRUN npm ci && npx playwright install chromium && npm test\n{je}{thread}COPY --from=n /app/dist /static\n{serve}"
    );
    assert!(!says(&copied, "background-thread-breaks-program"));
    let whole = copied.replace("/app/dist", "/root/.cache/ms-playwright");
    assert!(says(&whole, "background-thread-breaks-program"));
    let listed = format!(
        "{je}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\n{serve}"
    );
    let with = |list: &str| told(&[("Dockerfile", &listed), ("requirements.txt", list)]);
    assert!(with("torch  # for \"openvino\"\nfoo; extra == \"openvino\"\n").is_empty());
    assert!(!with("optimum[openvino]\n").is_empty());
    // Many bases that stand on each other, and many defaults, end.
    let compose: String = (0..10).fold("services:\n".to_owned(), |text, i| {
        text + &format!("  s{i}: {{image: 'acme/i{i}:1', build: ./d{i}}}\n")
    });
    let files: Vec<(String, String)> = (0..10)
        .map(|i| {
            let from = format!("FROM acme/i{}:1\n", (i + 1) % 10);
            (format!("d{i}/Dockerfile"), from.repeat(3))
        })
        .chain([("compose.yaml".to_owned(), compose)])
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert!(told(&files).iter().all(|line| line.starts_with("info")));
}

/// What `fix --diff` makes of files: the text of the diff.
fn diff(files: &[(&str, &str)]) -> String {
    let dir = folder(files.iter().copied());
    run(dir.path(), ["fix", "--diff", "."]).out
}

#[test]
fn a_stage_beside_the_image_is_not_broken() {
    // What runs in the stage runs while the image is built, on the preload of the stage below.
    let build = |installs: &str, preload: &str| {
        format!(
            "FROM python:3.12-slim-bookworm AS base\n{JE}ENV LD_PRELOAD={preload} MALLOC_CONF=narenas:1\n\
             FROM base AS assets\nRUN apt-get install -y {installs} && make assets\n\
             FROM base\nCOPY --from=assets /assets /assets\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let wrong = "/usr/lib/libjemalloc.so.2";
    let php = build("php-cli", wrong);
    let (after, left) = fixed(&php, &[]);
    assert_eq!(after, php);
    assert!(
        left.iter().any(|why| why.contains("PHP of stage `assets`")),
        "{left:?}"
    );
    // Twins: a stage that runs something else; one that stands elsewhere; a preload that works already.
    assert!(
        fixed(&build("nodejs", wrong), &[])
            .0
            .contains("LD_PRELOAD=libjemalloc.so.2")
    );
    let apart = php.replace("FROM base AS assets", "FROM debian:12 AS assets");
    assert!(fixed(&apart, &[]).0.contains("LD_PRELOAD=libjemalloc.so.2"));
    let loaded = build("php-cli", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2");
    assert!(
        fixed(&loaded, &[])
            .0
            .contains("LD_PRELOAD=libjemalloc.so.2"),
        "{:?}",
        fixed(&loaded, &[])
    );
}

#[test]
fn an_image_of_another_file_is_not_broken() {
    let base = format!(
        "FROM python:3.12-slim-bookworm\n{JE}ENV LD_PRELOAD=/usr/lib/libjemalloc.so.2 MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
    );
    let compose =
        "services:\n  base:\n    image: acme/base:1\n    build: ./base\n  web:\n    build: ./web\n";
    let web = |install: &str| {
        format!(
            "FROM acme/base:1\nRUN {install}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let with = |web: &str, compose: &str| {
        diff(&[
            ("base/Dockerfile", &base),
            ("web/Dockerfile", web),
            ("compose.yaml", compose),
        ])
    };
    assert_eq!(with(&web("apt-get install -y php-cli"), compose), "");
    // Twins: it runs nothing that breaks; nothing says that it stands on this one.
    assert!(with(&web("true"), compose).contains("+ENV LD_PRELOAD=libjemalloc.so.2"));
    let apart = "services:\n  base:\n    build: ./base\n  web:\n    build: ./web\n";
    assert!(with(&web("apt-get install -y php-cli"), apart).contains("libjemalloc.so.2"));
    // A setting of a container that nothing read so far.
    let keeps = "services:\n  base:\n    build: ./base\n    environment:\n      MALLOC_CONF: \"narenas:1,dirty_decay_ms:KEEP\"\n";
    let of = |keep: &str| with("FROM scratch\n", &keeps.replace("KEEP", keep));
    assert_eq!(of("-1"), "");
    assert!(of("5000").contains("+ENV LD_PRELOAD=libjemalloc.so.2"));
}

#[test]
fn packages_are_found_wherever_they_are_listed() {
    let serve = "CMD [\"uvicorn\", \"--limit-max-requests\", \"9\", \"a:b\"]\n";
    let brings = |run: &str, files: &[(&str, &str)]| {
        let text = format!("FROM python:3.12-slim-bookworm\n{run}\n{serve}");
        let all = [&[("Dockerfile", text.as_str())][..], files].concat();
        !diff(&all).contains("+ENV LD_PRELOAD=libjemalloc.so.2 \\\n+    MALLOC_CONF")
            && !diff(&all).contains("+ENV LD_PRELOAD")
    };
    let inner = ("base.txt", "openvino==2025.1\n");
    let outer = ("requirements.txt", "-r base.txt\nfastapi\n");
    let list = ("requirements.txt", "fastapi\nopenvino\n");
    let mount =
        "RUN --mount=type=bind,source=requirements.txt,target=/tmp/r.txt pip install -r /tmp/r.txt";
    let wheel = "RUN pip install ./w/openvino-2024.6.0-cp312-cp312-manylinux_2_28_x86_64.whl";
    let setup = ("setup.py", "setup(install_requires=['openvino>=2024'])\n");
    let project = "[project]\ndependencies = [\"openvino>=2024\"]\n";
    let extra =
        "[project]\ndependencies = []\n[project.optional-dependencies]\nintel = [\"openvino\"]\n";
    let all: [(&str, &[(&str, &str)]); 12] = [
        (
            "COPY *.txt .\nRUN pip install -r requirements.txt",
            &[outer, inner],
        ),
        ("RUN pip install fastapi 'openvino>=2024'", &[]),
        (mount, &[list]),
        (wheel, &[]),
        (
            "COPY . .\nRUN xargs -n1 pip install < requirements.txt",
            &[list],
        ),
        (
            "COPY . .\nRUN cat requirements.txt | xargs -n1 pip install",
            &[list],
        ),
        (
            "COPY . .\nRUN for p in $(cat requirements.txt); do pip install $p; done",
            &[list],
        ),
        ("COPY . .\nRUN pip install .", &[setup]),
        (
            "COPY . .\nRUN uv sync --no-dev",
            &[("pyproject.toml", project)],
        ),
        (
            "COPY . .\nRUN pip install .[intel]",
            &[("pyproject.toml", extra)],
        ),
        (
            "COPY . .\nRUN uv sync --extra intel",
            &[("pyproject.toml", extra)],
        ),
        ("RUN pip install 'openvino~=2024.0'", &[]),
    ];
    for (run, files) in all {
        assert!(brings(run, files), "{run}");
    }
    // Twins: what is not installed, and versions that live.
    let limit = ("limits.txt", "openvino\n");
    let developers = "[project]\ndependencies = []\n[dependency-groups]\ndev = [\"openvino\"]\n";
    let twins: [(&str, &[(&str, &str)]); 8] = [
        ("COPY . .\nRUN pip install -c limits.txt fastapi", &[limit]),
        ("RUN pip install fastapi -c openvino", &[]),
        ("COPY . .\nRUN pip install .", &[("pyproject.toml", extra)]),
        (
            "COPY . .\nRUN uv sync --no-dev",
            &[("pyproject.toml", developers)],
        ),
        ("RUN pip install 'openvino<2024'", &[]),
        ("RUN pip install openvino~=2023.1", &[]),
        (
            "RUN pip install './w/openvino-2024.3.0-cp312-cp312-linux_x86_64.whl'",
            &[],
        ),
        (
            "COPY . .\nRUN pip install -r requirements.txt",
            &[("requirements.txt", "# openvino\nfastapi\n")],
        ),
    ];
    for (run, files) in twins {
        assert!(!brings(run, files), "{run}");
    }
}

#[test]
fn a_browser_that_is_not_there_is_not_broken() {
    let of = |lines: &str| {
        let text = format!(
            "FROM python:3.12-slim-bookworm\n{JE}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true\n{lines}\nCMD [\"uvicorn\", \"a:b\"]\n"
        );
        says(&text, "background-thread-breaks-program")
    };
    for there in [
        "RUN apt-get install -y chromium",
        "RUN apt-get install -y chromium chromium-driver && apt-get purge -y chromium-driver",
        "RUN pip install playwright && playwright install firefox chromium",
        "RUN pip install playwright && playwright install",
        "RUN npm ci && npm i puppeteer",
        "ENV PUPPETEER_SKIP_DOWNLOAD=false\nRUN npm i puppeteer",
    ] {
        assert!(of(there), "{there}");
    }
    for gone in [
        "RUN apt-get install -y chromium && make && apt-get purge -y chromium",
        "RUN pip install playwright && playwright install --with-deps firefox",
        "RUN pip install playwright\nRUN playwright install webkit",
        "RUN playwright install --dry-run chromium",
    ] {
        assert!(!of(gone), "{gone}");
    }
    // A function that nothing calls.
    let script = |last: &str| {
        format!(
            "#!/bin/bash\nisolated() {{\n  unshare -Ur \"$@\"\n}}\n{last}\nexec gunicorn --threads 8 a:b\n"
        )
    };
    let text = format!(
        "FROM python:3.12-slim-bookworm\n{JE}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=background_thread:true\nCOPY e.sh /e.sh\nENTRYPOINT [\"/e.sh\"]\n"
    );
    let breaks = |last: &str| {
        let said = told(&[("Dockerfile", &text), ("e.sh", &script(last))]);
        said.iter()
            .any(|line| line.contains("background-thread-breaks-program"))
    };
    assert!(breaks("isolated make"));
    assert!(!breaks("echo start"));
}

#[test]
fn what_a_third_review_found() {
    let serve = "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    // What is made under a condition would always be.
    let of = |run: &str| format!("FROM python:3.12-slim-bookworm\nARG X\n{JE}RUN {run}\n{serve}");
    let sometimes = of("if [ \"$X\" = 1 ]; then export LD_PRELOAD=libjemalloc.so.2; fi");
    assert!(says(&sometimes, "preload-not-exported"));
    assert_eq!(fixed(&sometimes, &[]).0, sometimes);
    // Twin: a step that fails where the test does is one that made it.
    let always = of("[ -n \"$X\" ] && export LD_PRELOAD=libjemalloc.so.2");
    assert!(
        fixed(&always, &[])
            .0
            .contains("ENV LD_PRELOAD=libjemalloc.so.2")
    );
    // Of several exports of one variable the last counts.
    let twice = of("export LD_PRELOAD=libjemalloc.so.1 && export LD_PRELOAD=libjemalloc.so.2");
    assert_eq!(said("Dockerfile", &twice), [("preload-not-exported", 4)]);
    // A package that another one needs is there.
    let tools = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y google-perftools\nRUN export LD_PRELOAD=libtcmalloc.so.4\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let (after, _) = fixed(tools, &[]);
    assert!(after.contains("ENV LD_PRELOAD=libtcmalloc"), "{after}");
    assert!(!after.contains("libtcmalloc-minimal4"), "{after}");
    // Folders, and a library whose name has no ending.
    let preload = |path: &str, link: &str| {
        let text = format!(
            "FROM python:3.12-slim-bookworm\n{JE}{link}ENV LD_PRELOAD={path} MALLOC_CONF=narenas:1\n{serve}"
        );
        says(&text, "preload-not-a-library")
    };
    for folder in [
        "/usr/local/lib",
        "/opt/x/lib64",
        "/usr/lib/x86_64-linux-gnu",
    ] {
        assert!(preload(folder, ""), "{folder}");
    }
    let link = "RUN ln -s /usr/lib/*/libjemalloc.so.2 /usr/lib/jemalloc\n";
    assert!(!preload("/usr/lib/jemalloc", link));
    assert!(!preload("/opt/liberty", ""));
}

#[test]
fn what_a_fourth_review_found() {
    let serve = "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    // multi-py/python-gunicorn: the argument says whether it is Alpine.
    for (head, from) in [
        ("ARG target=3.9\n", "python:$target"),
        ("ARG BASE=python:3.12-slim-bookworm\n", "${BASE}"),
        ("ARG VARIANT=slim\n", "python:3.12-${VARIANT}"),
    ] {
        let text = format!("{head}FROM {from}\nRUN pip install gunicorn\n{serve}");
        let (after, left) = fixed(&text, &[]);
        assert_eq!(after, text);
        assert!(
            left.iter().any(|why| why.contains("chooses the base")),
            "{left:?}"
        );
        // Twin: a step that needs apt-get says that it is there.
        let apt = text.replace(
            "RUN pip",
            "RUN apt-get update && apt-get install -y curl\nRUN pip",
        );
        assert!(fixed(&apt, &[]).0.contains("libjemalloc2"));
    }
    for (head, from) in [
        ("ARG V=3.12\n", "python:${V}-slim"),
        ("ARG R=docker.io/library\n", "${R}/python:3.12-slim"),
        ("ARG T=bookworm\n", "debian:${T}"),
    ] {
        let text = format!("{head}FROM {from}\nRUN pip3 install gunicorn\n{serve}");
        let refused = fixed(&text, &[]).1;
        assert!(
            !refused.iter().any(|why| why.contains("chooses the base")),
            "{from}"
        );
    }
    // bgruening/docker-galaxy: the library takes the place of the distribution's, for a program that links that.
    let image = |run: &str| {
        format!(
            "FROM ubuntu:22.04\nRUN apt-get update && apt-get install -y python3 gridengine-drmaa1.0\nCOPY --from=jemalloc/build /usr/local/lib/libjemalloc.so.2 /usr/local/lib/libjemalloc.so.2\nRUN {run}\nCMD [\"python3\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let lib = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
    let place = image(&format!(
        "mv {lib} {lib}.orig && ln -s /usr/local/lib/libjemalloc.so.2 {lib}"
    ));
    assert!(!says(&place, "jemalloc-not-preloaded"));
    assert_eq!(fixed(&place, &[]).0, place);
    assert!(says(&image("ldconfig"), "jemalloc-not-preloaded"));
    // mozilla/normandy: what a digest holds is older than what its tag means today.
    let digest = format!("FROM python:3-slim@sha256:{}\n{serve}", "5".repeat(64));
    assert!(fixed(&digest, &[]).0.contains("lg_tcache_max:10,"));
    let named = digest.replace("3-slim@", "3-slim-bookworm@");
    assert!(fixed(&named, &[]).0.contains("tcache_max:1024,"));
    // huggingface/optimum-benchmark: beside sudo a bare name is complained about.
    let sudo = |user: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libjemalloc2 sudo\nENV LD_PRELOAD={lib} MALLOC_CONF=narenas:1\nUSER {user}\n{serve}"
        )
    };
    assert!(
        fixed(&sudo("app"), &[])
            .0
            .contains("LD_PRELOAD=/usr/$LIB/libjemalloc.so.2")
            || fixed(&sudo("app"), &[])
                .0
                .contains("LD_PRELOAD='/usr/$LIB/libjemalloc.so.2'")
            || fixed(&sudo("app"), &[]).0.contains("\\$LIB"),
        "{}",
        fixed(&sudo("app"), &[]).0
    );
    assert!(
        fixed(&sudo("root"), &[])
            .0
            .contains("LD_PRELOAD=libjemalloc.so.2")
    );
    // CenterForOpenScience/docker-library: what cannot be built is not touched.
    let gone = format!(
        "FROM python:3.7-slim-buster\nRUN apt-get update && apt-get install -y curl\n{serve}"
    );
    assert_eq!(fixed(&gone, &[]).0, gone);
    let archive = gone.replace(
        "RUN apt",
        "RUN sed -i s/deb.debian.org/archive.debian.org/ /etc/apt/sources.list\nRUN apt",
    );
    assert_ne!(fixed(&archive, &[]).0, archive);
    // dariuszpanas/django-ray: Ray sees to its own.
    let ray = format!("FROM python:3.12-slim-bookworm\nRUN pip install ray gunicorn\n{serve}");
    assert_eq!(fixed(&ray, &[]).0, ray);
}

#[test]
fn what_is_added_goes_where_it_belongs() {
    let serve = "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    // bacta-bio: a group of a list has a comment that tells what it is for.
    let groups = format!(
        "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y \\\n    # TLS\n    ca-certificates \\\n    # compression\n    zlib1g \\\n    && rm -rf /var/lib/apt/lists/*\n{serve}"
    );
    let (after, _) = fixed(&groups, &[]);
    assert!(
        after.contains("    zlib1g \\\n    # memory allocator\n    libjemalloc2 \\\n    && rm"),
        "{after}"
    );
    let first = groups.replace("    # TLS\n", "");
    let (after, _) = fixed(&first, &[]);
    assert!(
        after.contains("    ca-certificates \\\n    libjemalloc2 \\\n    # compression\n"),
        "{after}"
    );
    // UryxSoft: variables of one thing take no other.
    let env = |heading: &str| {
        let text = format!(
            "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y curl\n{heading}ENV HF_HOME=/cache \\\n    TORCH_HOME=/cache\n{serve}"
        );
        fixed(&text, &[]).0
    };
    assert!(env("# Hugging Face cache\n").contains("TORCH_HOME=/cache\nCMD"));
    for general in ["", "# Environment variables\n"] {
        assert!(
            env(general).contains("TORCH_HOME=/cache \\\n    LD_PRELOAD="),
            "{general}"
        );
    }
}

#[test]
fn what_a_fifth_review_found() {
    let serve = "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    // depictio/depictio: a browser of a version that is not known may be one of those that crash.
    let browser = |version: &str| {
        format!(
            "FROM python:3.12-slim-bookworm\nRUN pip install playwright{version} && playwright install --with-deps chromium\n{serve}"
        )
    };
    let (after, left) = fixed(&browser(""), &[]);
    assert_eq!(after, browser(""));
    assert!(
        left.iter()
            .any(|why| why.contains("which version it is, is not known")),
        "{left:?}"
    );
    assert!(fixed(&browser("==1.55.0"), &[]).0.contains("LD_PRELOAD"));
    // Nothing is said of it where jemalloc is loaded already: most versions live.
    let loaded = browser("").replace(
        "CMD",
        &format!("{JE}ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1\nCMD"),
    );
    assert!(!says(&loaded, "preload-breaks-program"));
    // charles-crawford/sentiment-light: a release whose packages will be moved.
    let ended = format!("FROM python:3.9-slim-bullseye\nRUN pip install gunicorn\n{serve}");
    assert_eq!(fixed(&ended, &[]).0, ended);
    let installs = ended.replace(
        "RUN pip",
        "RUN apt-get update && apt-get install -y curl\nRUN pip",
    );
    assert!(fixed(&installs, &[]).0.contains("curl libjemalloc2"));
    // getzep/graphiti: a group of another program's.
    let env = format!(
        "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y curl\n# Configure uv for runtime\nENV UV_A=1 \\\n    UV_B=2\n{serve}"
    );
    assert!(fixed(&env, &[]).0.contains("UV_B=2\nCMD"));
}

#[test]
fn what_a_review_of_silence_and_alarms_found() {
    // intel/confidential-computing-zoo: `bottleneck` is no bottle.
    let image = "FROM python:3.12-slim\nCOPY train.py /\nCMD [\"python\", \"/train.py\"]\n";
    let with = |program: &str| told(&[("Dockerfile", image), ("train.py", program)]);
    assert!(with("net(bottleneck=False)\ntf.app.run(main=main)\n").is_empty());
    assert!(!with("import bottle\napp.run(port=1)\n").is_empty());
    // hashcrush: what others wait for until it has ended is no service.
    let image =
        "FROM python:3.12-slim\nCOPY . /app\nEXPOSE 8000\nCMD [\"python\", \"-m\", \"app.main\"]\n";
    let of = |condition: &str| {
        let compose = format!(
            "services:\n  bootstrap:\n    build: .\n    command: [python, -m, app.bootstrap]\n  web:\n    build: .\n    command: [gunicorn, --threads, '8', 'a:b']\n    depends_on:\n      bootstrap:\n        condition: {condition}\n"
        );
        let said = told(&[("Dockerfile", image), ("compose.yaml", &compose)]);
        said.iter()
            .any(|line| line.ends_with("compose.yaml:3:5") || line.ends_with("compose.yaml:2:3"))
    };
    assert!(!of("service_completed_successfully"));
}
