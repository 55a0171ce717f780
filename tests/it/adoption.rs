//! What a stranger's repository may try against those who adopt the program: names and texts that are orders to a runner,
//! configurations that never end, reports that would replace sources.

use crate::support::run::{FAULTY, folder, run, write};

#[test]
fn no_name_is_an_order_to_a_runner() {
    for name in [
        "##[add-mask]x/Dockerfile",
        "::error title=x::y/Dockerfile",
        "a\n::error::x/Dockerfile",
        "a\u{1b}[31m/Dockerfile",
    ] {
        let folder = folder([(name, FAULTY)]);
        for format in [
            "human",
            "concise",
            "json",
            "sarif",
            "github",
            "gitlab",
            "rdjson",
            "markdown",
            "ndjson",
            "junit",
            "checkstyle",
            "sonarqube",
            "azure",
        ] {
            let ran = run(folder.path(), ["check", "--format", format, "."]);
            let out = format!("{}{}", ran.out, ran.err);
            assert!(
                !out.contains("##[") && !out.contains('\u{1b}'),
                "{format}: {out}"
            );
            let orders = out
                .lines()
                .filter(|line| line.trim_start().starts_with("::"));
            let own =
                orders.filter(|line| format != "github" || !line.contains("title=malloclint"));
            assert_eq!(own.count(), 0, "{format}: {out}");
        }
        for arguments in [
            ["check", "--show-files", "."].as_slice(),
            &["units", "."],
            &["fix", "."],
        ] {
            let ran = run(folder.path(), arguments);
            let out = format!("{}{}", ran.out, ran.err);
            let order = out.contains("##[") || out.lines().any(|line| line.starts_with("::"));
            assert!(!order && !out.contains('\u{1b}'), "{arguments:?}: {out}");
        }
    }
    // Whatever is said of what was asked for.
    let odd = "no\u{1b}[2J\n::error::x";
    let plain = folder([("Dockerfile", FAULTY)]);
    for arguments in [
        ["explain", odd].as_slice(),
        &["explain", "<jemalloc>: Invalid conf pair: a\u{1b}[2J:1"],
        &["fix", "--only", odd],
        &["check", odd],
        &["check", "--baseline", odd],
        &["check", "--changed-since", odd],
    ] {
        let ran = run(plain.path(), arguments);
        let said = format!("{}{}", ran.out, ran.err);
        let order = said.lines().any(|line| line.starts_with("::"));
        assert!(!order && !said.contains('\u{1b}'), "{arguments:?}: {said}");
    }
    // JSON still says what the path is.
    let folder = folder([("##[x]/Dockerfile", FAULTY)]);
    let ran = run(folder.path(), ["check", "--format", "json", "."]);
    let document: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(document["findings"][0]["path"], "##[x]/Dockerfile");
}

#[test]
fn hostile_configurations_end() {
    let stars = format!("select = [\"{}zq\"]\n", "*".repeat(5_000));
    let braces = format!(
        "exclude = [\"{}a{}\"]\n",
        "{".repeat(20_000),
        "}".repeat(20_000)
    );
    for (text, said) in [
        (stars.as_str(), "there is no rule"),
        (braces.as_str(), "is no pattern as in .gitignore"),
        (
            "exclude = [\"[z-a]\"]\n",
            "`[z-a]` is no pattern as in .gitignore",
        ),
        ("\"x\\n::error::y\" = 1\n", "there is no key"),
    ] {
        let folder = folder([("Dockerfile", FAULTY), ("malloclint.toml", text)]);
        let ran = run(folder.path(), ["check", "."]);
        assert_eq!(ran.code, Some(2), "{}", ran.err);
        assert!(ran.err.contains(said), "{}", ran.err);
        assert!(
            !ran.err.lines().any(|line| line.starts_with("::")),
            "{}",
            ran.err
        );
    }
    let folder = folder([("Dockerfile", FAULTY)]);
    let ran = run(folder.path(), ["check", "--config", "/dev/zero", "."]);
    assert!(ran.err.contains("it is no file"), "{}", ran.err);
    let ran = run(folder.path(), ["check", "--exclude", "[z-a]", "."]);
    assert!(
        ran.err.contains("`--exclude`: `[z-a]` is no pattern"),
        "{}",
        ran.err
    );
}

#[test]
fn many_names_in_many_comments_end() {
    let rules = "allocator-unset, preload-noise, env-duplicate, env-not-string, malloc-conf-unset";
    let comment = format!("# malloclint: ignore[{rules}, {rules}, {rules}]\nENV A=1\n");
    let folder = folder([(
        "Dockerfile",
        format!("FROM scratch\n{}", comment.repeat(1_000)).as_str(),
    )]);
    assert_eq!(
        run(folder.path(), ["check", "-q", "--format", "concise", "."]).code,
        Some(1)
    );
}

#[test]
fn reports_replace_no_source() {
    let folder = folder([("a/Dockerfile", FAULTY), ("notes.txt", "mine\n")]);
    let at = folder.path();
    for arguments in [
        ["--output-file", "a/Dockerfile"],
        ["--write-baseline", "a/Dockerfile"],
        ["--format", "sarif=a/../a/Dockerfile"],
        ["--write-baseline", "notes.txt"],
    ] {
        let ran = run(at, [&["check"], &arguments[..], &["."]].concat());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
    }
    let read = |path: &str| std::fs::read_to_string(at.join(path)).unwrap();
    assert_eq!(
        (read("a/Dockerfile").as_str(), read("notes.txt").as_str()),
        (FAULTY, "mine\n")
    );
    // A baseline of before is written anew.
    assert_eq!(
        run(at, ["check", "--write-baseline", "known.json", "."]).code,
        Some(0)
    );
    assert_eq!(
        run(at, ["check", "--write-baseline", "known.json", "."]).code,
        Some(0)
    );
}

#[test]
fn a_comment_above_directives_is_not_taken_out() {
    let text = "# malloclint: ignore[preload-noise]\n# syntax=evil/frontend:1\nFROM scratch\n";
    let folder = folder([("Dockerfile", text)]);
    let at = folder.path();
    run(at, ["fix", "."]);
    assert_eq!(
        std::fs::read_to_string(at.join("Dockerfile")).unwrap(),
        text
    );
    // Nor is a name in quotes, which would stay.
    let quoted =
        "FROM scratch\n# malloclint: ignore[\"preload-noise\", \"env-duplicate\"]\nENV A=1\n";
    write(at, "Dockerfile", quoted);
    run(at, ["fix", "."]);
    assert_eq!(
        std::fs::read_to_string(at.join("Dockerfile")).unwrap(),
        quoted
    );
}

#[test]
fn init_keeps_a_configuration_by_tables() {
    let folder = folder([(
        "pyproject.toml",
        "[tool.malloclint.rules]\nallocator-unset = \"off\"\n",
    )]);
    let ran = run(folder.path(), ["init"]);
    assert!(
        ran.err
            .contains("pyproject.toml stays: the configuration is there"),
        "{}",
        ran.err
    );
    assert!(!folder.path().join("malloclint.toml").exists());
}

#[test]
fn nothing_in_a_table_is_markdown() {
    let text = "FROM python:3.12-slim\nENV PYTHONMALLOC=\"x`![i](//e/i.png) @org/team <b>`|\"\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let folder = folder([("a`[x]`/Dockerfile", text)]);
    let out = run(folder.path(), ["check", "--format", "markdown", "."]).out;
    let row = out
        .lines()
        .find(|line| line.contains("pythonmalloc-invalid"))
        .unwrap();
    assert!(
        !row.contains("![i]") && !row.contains("@org") && !row.contains("<b>"),
        "{row}"
    );
    assert_eq!(row.matches('|').count(), 5, "{row}");
}

#[test]
fn options_are_not_dropped_without_a_word() {
    let folder = folder([("Dockerfile", FAULTY)]);
    for arguments in [
        &["--format", "sarif=a.sarif", "--output-file", "b.sarif"][..],
        &["--statistics", "--format", "json"],
        &["--statistics", "--output-file", "s.txt"],
    ] {
        let ran = run(folder.path(), [&["check"], arguments, &["."]].concat());
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{arguments:?}");
    }
}

#[test]
fn what_the_configuration_ignores_in_vain_is_steered_by_it_too() {
    let config = |rules: &str| {
        format!("[[ignore]]\npaths = [\"nowhere\"]\n[rules]\nsuppression-unused = \"{rules}\"\n")
    };
    let said = |rules: &str| {
        let folder = folder([
            ("Dockerfile", "FROM scratch\n"),
            ("malloclint.toml", config(rules).as_str()),
        ]);
        run(folder.path(), ["check", "--format", "concise", "."]).out
    };
    assert_eq!(said("off"), "");
    assert!(said("error").starts_with("malloclint.toml:1:1: error[suppression-unused]"));
}
