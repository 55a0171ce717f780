//! Standard input, output and error; colours; exit codes.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::run::{CLEAN, FAULT, FAULTY, finish, folder, program, run};

const HERE: &str = env!("CARGO_MANIFEST_DIR");
/// Only advice: a `-dev` package in an image that compiles nothing.
const ADVICE: &str = "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y libjemalloc-dev\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
/// Only a warning: a service on glibc with no setting.
const WARNING: &str = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";

fn check_stdin(text: &str, arguments: &[&str]) -> crate::support::run::Run {
    let folder = folder([]);
    finish(
        program(folder.path()).arg("check").args(arguments).arg("-"),
        text.as_bytes(),
    )
}

#[test]
fn standard_input_is_reported_under_the_name_given() {
    let run = check_stdin(FAULTY, &["--format", "concise"]);
    assert_eq!(
        (run.code, run.out, run.err),
        (Some(1), format!("Dockerfile{FAULT}\n"), String::new())
    );
    let named = check_stdin(
        FAULTY,
        &[
            "--format",
            "concise",
            "--stdin-filename",
            "svc/api.Dockerfile",
        ],
    );
    assert_eq!(named.out, format!("svc/api.Dockerfile{FAULT}\n"));
}

#[test]
fn standard_input_and_files_can_be_mixed() {
    let folder = folder([("Dockerfile", FAULTY)]);
    let mut command = program(folder.path());
    let run = finish(
        command.args([
            "check",
            "--format",
            "concise",
            "-",
            ".",
            "--stdin-filename",
            "a/Dockerfile",
        ]),
        FAULTY.as_bytes(),
    );
    let mut lines: Vec<&str> = run.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [format!("Dockerfile{FAULT}"), format!("a/Dockerfile{FAULT}")]
    );
}

#[test]
fn fail_on_decides_about_the_exit_code_and_nothing_else() {
    let codes = |text: &str| {
        ["info", "warning", "error", "never"]
            .map(|level| check_stdin(text, &["--fail-on", level, "-q"]).code.unwrap())
    };
    assert_eq!(codes(CLEAN), [0, 0, 0, 0]);
    assert_eq!(codes(ADVICE), [1, 0, 0, 0]);
    assert_eq!(codes(WARNING), [1, 1, 0, 0]);
    assert_eq!(codes(FAULTY), [1, 1, 1, 0]);
    let outputs: Vec<String> = ["info", "never"]
        .map(|level| check_stdin(FAULTY, &["--fail-on", level]).out)
        .into();
    assert_eq!(outputs[0], outputs[1]);
}

#[test]
fn exit_codes_are_the_same_in_every_format() {
    for format in ["human", "concise", "json"] {
        let code = |text: &str| check_stdin(text, &["--format", format]).code;
        assert_eq!((code(CLEAN), code(FAULTY)), (Some(0), Some(1)), "{format}");
        let folder = folder([("Dockerfile", FAULTY)]);
        let trouble = run(
            folder.path(),
            [
                "check",
                "--format",
                format,
                "missing",
                "Dockerfile",
                "--fail-on",
                "never",
            ],
        );
        assert_eq!(trouble.code, Some(2), "{format}");
        assert!(
            trouble.out.contains("glibc-tunable-misspelt"),
            "{format}: the other file is checked, too"
        );
        assert_eq!(
            trouble.err, "malloclint: missing: there is no such file or folder\n",
            "{format}"
        );
    }
}

#[test]
fn mistakes_in_the_arguments_end_with_two() {
    for arguments in [
        &["chekc"][..],
        &["check", "--formt", "json"],
        &["check", "--format", "jsn"],
        &["explain"],
        &["explain", "nonsense"],
        &[],
    ] {
        let run = run(Path::new(HERE), arguments);
        assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(!run.err.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_reader_may_stop_early() {
    let names: Vec<String> = (0..3000)
        .map(|number| format!("{number}/Dockerfile"))
        .collect();
    let folder = folder(names.iter().map(|name| (name.as_str(), FAULTY)));
    for format in ["concise", "human", "json"] {
        let mut command = program(folder.path());
        let mut child = command
            .args(["check", "--format", format])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let mut err = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut err)
            .unwrap();
        let status = child.wait().unwrap();
        assert!(!line.is_empty());
        assert_eq!(err, "", "{format}");
        assert!(matches!(status.code(), Some(0 | 1)), "{format}: {status}");
    }
}

#[test]
fn pipes_get_no_colours_unless_asked_for() {
    let plain = check_stdin(FAULTY, &[]);
    assert!(!plain.out.contains('\u{1b}'));
    assert!(
        check_stdin(FAULTY, &["--color", "always"])
            .out
            .contains('\u{1b}')
    );
    for format in ["concise", "json"] {
        assert!(
            !check_stdin(FAULTY, &["--color", "always", "--format", format])
                .out
                .contains('\u{1b}'),
            "{format}"
        );
    }
}

/// A real terminal, where the machine has the program that makes one.
#[test]
fn terminals_get_colours_unless_refused() {
    let folder = folder([("Dockerfile", FAULTY)]);
    let on_terminal = |environment: &[(&str, &str)], arguments: &str| {
        let line = format!("{} check {arguments}", env!("CARGO_BIN_EXE_malloclint"));
        let mut command = Command::new("script");
        command
            .args(["-qec", &line, "/dev/null"])
            .current_dir(folder.path())
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR");
        finish(command.envs(environment.iter().copied()), b"").out
    };
    // A machine may lack the program, or be a container without pseudo-terminals.
    let probe = Command::new("script")
        .args(["-qec", "test -t 1", "/dev/null"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        eprintln!("left out: `script` makes no terminal here");
        return;
    }
    assert!(on_terminal(&[], "").contains('\u{1b}'));
    assert!(
        on_terminal(&[("NO_COLOR", "")], "").contains('\u{1b}'),
        "an empty NO_COLOR does not count"
    );
    assert!(
        on_terminal(&[("NO_COLOR", "1")], "--color always").contains('\u{1b}'),
        "the flag is nearer"
    );
    for (environment, arguments) in [
        (("NO_COLOR", "1"), ""),
        (("TERM", "dumb"), ""),
        (("TERM", "xterm"), "--color never"),
    ] {
        let out = on_terminal(&[environment], arguments);
        assert!(
            out.contains("glibc-tunable-misspelt") && !out.contains('\u{1b}'),
            "{environment:?} {arguments}: {out:?}"
        );
    }
}
