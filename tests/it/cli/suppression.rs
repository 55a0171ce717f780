//! `# malloclint: ignore[...]` comments.

use std::path::Path;

use crate::support::run::{finish, program};

/// What `check -` says about a text, without the path; one finding in a line.
fn findings(text: &str) -> Vec<String> {
    let run = finish(
        program(Path::new(".")).args(["check", "--format", "concise", "-"]),
        text.as_bytes(),
    );
    run.out
        .lines()
        .map(|line| line.strip_prefix("Dockerfile:").unwrap().to_owned())
        .collect()
}

const FAULT: &str = "error[glibc-tunable-misspelt] nothing reads `MALLOC_ARENA_MAX_`";

#[test]
fn a_comment_above_the_instruction_silences_it() {
    let from = "FROM python:3.12-slim\n";
    let env = "ENV MALLOC_ARENA_MAX_=2\n";
    assert_eq!(findings(&format!("{from}{env}")), [format!("2:5: {FAULT}")]);
    for comment in [
        "# malloclint: ignore[glibc-tunable-misspelt]\n",
        "# malloclint: ignore[glibc-tunable-misspelt] another program reads it\n",
        "#malloclint:ignore[glibc-tunable-misspelt]\n",
        "# malloclint: ignore[ glibc-tunable-misspelt ]\n# and another comment\n\n",
        "  # malloclint: ignore[glibc-tunable-misspelt]\n",
    ] {
        assert!(
            findings(&format!("{from}{comment}{env}")).is_empty(),
            "{comment}"
        );
    }
}

#[test]
fn a_comment_within_the_instruction_silences_it() {
    let text = "FROM python:3.12-slim\nENV A=1 \\\n    # malloclint: ignore[glibc-tunable-misspelt] another program reads it\n    MALLOC_ARENA_MAX_=2\n";
    assert!(findings(text).is_empty());
}

#[test]
fn a_comment_holds_for_its_instruction_and_its_rule_only() {
    let text = "FROM python:3.12-slim\n\
        # malloclint: ignore[glibc-tunable-misspelt]\n\
        ENV MALLOC_ARENA_MAX_=2 MALLOC_MMAP_THRESHOLD_=128K\n\
        ENV MALLOC_TOP_PAD=4\n";
    let found = findings(text);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].starts_with("3:48: error[glibc-tunable-bad-value]"),
        "{found:?}"
    );
    assert_eq!(
        found[1],
        "4:5: error[glibc-tunable-misspelt] nothing reads `MALLOC_TOP_PAD`"
    );
}

#[test]
fn one_comment_may_name_several_rules() {
    let text = "FROM python:3.12-slim\n\
        # malloclint: ignore[glibc-tunable-misspelt, glibc-tunable-bad-value] measured\n\
        ENV MALLOC_ARENA_MAX_=2 MALLOC_MMAP_THRESHOLD_=128K\n";
    assert!(findings(text).is_empty());
}

#[test]
fn a_comment_that_silences_nothing_is_a_finding() {
    let unused = "warning[suppression-unused] `preload-malformed` finds nothing here";
    let text = "FROM python:3.12-slim\n# malloclint: ignore[preload-malformed]\nENV A=1\n";
    assert_eq!(findings(text), [format!("2:22: {unused}")]);
    let two = "FROM python:3.12-slim\n# malloclint: ignore[glibc-tunable-misspelt,preload-malformed]\nENV MALLOC_ARENA_MAX_=2\n";
    assert_eq!(findings(two), [format!("2:45: {unused}")]);
}

#[test]
fn a_comment_behind_the_last_instruction_silences_nothing_either() {
    let text = "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX_=2\n# malloclint: ignore[glibc-tunable-misspelt]\n";
    let unused = "3:22: warning[suppression-unused] `glibc-tunable-misspelt` finds nothing here";
    assert_eq!(findings(text), [format!("2:5: {FAULT}"), unused.to_owned()]);
}

#[test]
fn a_rule_that_does_not_exist_is_a_finding_with_a_suggestion() {
    let text = "FROM python:3.12-slim\n# malloclint: ignore[glibc-tunable-mispelt]\nENV MALLOC_ARENA_MAX_=2\n";
    let unknown = "2:22: warning[suppression-unknown] there is no rule `glibc-tunable-mispelt`";
    assert_eq!(
        findings(text),
        [unknown.to_owned(), format!("3:5: {FAULT}")]
    );
    let human = finish(
        program(Path::new(".")).args(["check", "-"]),
        text.as_bytes(),
    );
    assert!(
        human.out.contains("did you mean `glibc-tunable-misspelt`?"),
        "{}",
        human.out
    );
}

#[test]
fn comments_of_other_tools_are_left_alone() {
    let text = "FROM python:3.12-slim\n# hadolint ignore=DL3006\n# malloclint is not run here\n# malloc hint: ignore it\n# mallocs: [a]\nENV MALLOC_ARENA_MAX_=2\n";
    assert_eq!(findings(text), [format!("6:5: {FAULT}")]);
}

/// Comments that are nearly right, and what is told.
const NEARLY: [(&str, &str); 14] = [
    (
        "# malloclint: ignore",
        "it is not written as it must be, and silences nothing",
    ),
    (
        "# malloclint: ignore glibc-tunable-misspelt",
        "it is not written as it must be, and silences nothing",
    ),
    (
        "# malloclint: ignore=glibc-tunable-misspelt",
        "it is not written as it must be, and silences nothing",
    ),
    (
        "# malloclint: ignore(glibc-tunable-misspelt)",
        "it is not written as it must be, and silences nothing",
    ),
    (
        "# malloclint ignore[glibc-tunable-misspelt]",
        "it is not written as it must be, and silences nothing",
    ),
    (
        "# malloclint: Ignore[glibc-tunable-misspelt]",
        "it is not written as it must be, and silences nothing",
    ),
    (
        "# malloclint: ignore[glibc-tunable-misspelt",
        "the bracket is not closed, and it silences nothing",
    ),
    (
        "# malloclint: ignore[]",
        "it names no rule, and silences nothing",
    ),
    (
        "# malloclint: ignore-file",
        "`ignore-file` is not known, and silences nothing: `[[ignore]]` in `malloclint.toml` holds for whole files",
    ),
    (
        "# malloclint: disable=all",
        "`disable` is not known, and silences nothing",
    ),
    (
        "# malloclint: ignore-next-line",
        "`ignore-next-line` is not known, and silences nothing",
    ),
    (
        "# malloclint: noqa",
        "`noqa` is not known, and silences nothing",
    ),
    (
        "# mallocint: ignore[glibc-tunable-misspelt]",
        "`mallocint` is not known, and silences nothing",
    ),
    (
        "# MallocLynt:ignore[glibc-tunable-misspelt]",
        "`MallocLynt` is not known, and silences nothing",
    ),
];

#[test]
fn comments_that_are_nearly_right_are_told() {
    for (comment, said) in NEARLY {
        let found = findings(&format!(
            "FROM python:3.12-slim\n{comment}\nENV MALLOC_ARENA_MAX_=2\n"
        ));
        let told = format!("2:1: warning[suppression-malformed] {said}");
        assert_eq!(found, [told, format!("3:5: {FAULT}")], "{comment}");
    }
    // A day that cannot be read: the comment holds, and that is told.
    let found = findings(
        "FROM python:3.12-slim\n# malloclint: ignore[glibc-tunable-misspelt] until=May\nENV MALLOC_ARENA_MAX_=2\n",
    );
    assert_eq!(
        found,
        ["2:1: warning[suppression-malformed] `May` is no day, and it holds for good"]
    );
    // What merely speaks about it.
    for other in [
        "# malloclint",
        "# malloclint: two arenas were measured to be enough",
        "# see malloclint: ignore[x]",
        "# malloclinter: ignore[x]",
        "# malloclint found nothing here to ignore",
    ] {
        let found = findings(&format!("FROM python:3.12-slim\n{other}\nENV A=1\n"));
        assert!(found.is_empty(), "{other}: {found:?}");
    }
}
