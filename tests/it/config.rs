//! What configurations say: which rules speak, how severely, about which files; and what is told where they are wrong.

use crate::support::run::{finish, folder, program, run, write};

const ENV: &str = "FROM python:3.12-slim\nENV MALLOC_ARENA_MAX_=2\n";
const UNSET: &str = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";

/// What is reported with a configuration and arguments: severity, rule, path and line.
fn told(config: &str, arguments: &[&str]) -> Vec<String> {
    let folder = folder([
        ("a/Dockerfile", ENV),
        ("b/Dockerfile", UNSET),
        ("malloclint.toml", config),
    ]);
    let all = [&["check", "--format", "concise"], arguments, &["."]].concat();
    let ran = run(folder.path(), all);
    assert_ne!(ran.code, Some(2), "{}", ran.err);
    let lines = ran.out.lines().map(|line| {
        let (place, rest) = line.split_once(": ").unwrap();
        format!("{} {place}", rest.split(' ').next().unwrap())
    });
    lines.collect()
}

const A: &str = "error[glibc-tunable-misspelt] a/Dockerfile:2:5";
const B: &str = "warning[allocator-unset] b/Dockerfile:1:1";

#[test]
fn rules_are_chosen_by_name_and_pattern() {
    assert_eq!(told("", &[]), [A, B]);
    assert_eq!(told("select = [\"allocator-*\"]", &[]), [B]);
    assert_eq!(told("select = [\"all\"]\nignore = [\"glibc-*\"]", &[]), [B]);
    assert_eq!(told("ignore = [\"allocator-unset\"]", &[]), [A]);
    assert_eq!(told("[rules]\n\"glibc-*\" = \"off\"", &[]), [B]);
    // The command line counts more.
    assert_eq!(
        told(
            "ignore = [\"allocator-unset\"]",
            &["--select", "allocator-unset"]
        ),
        [B]
    );
    assert_eq!(
        told("[rules]\nallocator-unset = \"off\"", &["--select", "all"]),
        [A, B]
    );
    assert_eq!(told("", &["--ignore", "allocator-unset,preload-*"]), [A]);
    assert_eq!(
        told("select = [\"allocator-unset\"]", &["--isolated"]),
        [A, B]
    );
}

#[test]
fn severities_are_the_projects_own() {
    let said = told(
        "[rules]\nglibc-tunable-misspelt = \"info\"\nallocator-unset = \"error\"",
        &[],
    );
    assert_eq!(
        said,
        [
            "info[glibc-tunable-misspelt] a/Dockerfile:2:5",
            "error[allocator-unset] b/Dockerfile:1:1"
        ]
    );
}

#[test]
fn the_threshold_is_the_projects_own() {
    let code = |config: &str, arguments: &[&str]| {
        let folder = folder([("Dockerfile", UNSET), ("malloclint.toml", config)]);
        run(folder.path(), [&["check"], arguments, &["."]].concat()).code
    };
    assert_eq!(code("", &[]), Some(1));
    assert_eq!(code("fail-on = \"error\"", &[]), Some(0));
    assert_eq!(
        code("fail-on = \"error\"", &["--fail-on", "warning"]),
        Some(1)
    );
    assert_eq!(
        code(
            "fail-on = \"never\"\n[rules]\nallocator-unset = \"error\"",
            &[]
        ),
        Some(0)
    );
}

#[test]
fn what_was_judged_already_is_not_reported() {
    let ignore = |more: &str| format!("[[ignore]]\n{more}\n");
    assert_eq!(
        told(&ignore("paths = [\"a/**\"]\nreason = \"old\""), &[]),
        [B]
    );
    assert_eq!(
        told(
            &ignore("paths = [\"b\"]\nrules = [\"allocator-unset\"]"),
            &[]
        ),
        [A]
    );
    assert_eq!(
        told(&ignore("rules = [\"glibc-*\"]\nuntil = 2199-01-01"), &[]),
        [B]
    );
    assert_eq!(
        told("ignore = [{ paths = [\"a\"] }, \"allocator-*\"]", &[]),
        Vec::<String>::new()
    );
    assert_eq!(
        told(&ignore("paths = [\"a/**\"]"), &["--no-ignores"]),
        [A, B]
    );
    // Over, and of no use.
    let over = told(&ignore("paths = [\"a\"]\nuntil = \"2024-02-29\""), &[]);
    assert_eq!(
        over,
        [A, B, "warning[suppression-expired] malloclint.toml:1:1"]
    );
    let idle = told(
        &format!("{}{}", ignore("paths = [\"a\"]"), ignore("paths = [\"c\"]")),
        &[],
    );
    assert_eq!(idle, [B, "warning[suppression-unused] malloclint.toml:3:1"]);
    // Who looks at a part, or at some rules, cannot tell.
    assert_eq!(
        told(&ignore("paths = [\"c\"]"), &["--select", "allocator-unset"]),
        [B]
    );
}

#[test]
fn the_day_is_that_of_the_build() {
    let text = "FROM python:3.12-slim\n# malloclint: ignore[glibc-tunable-misspelt] why until=2026-01-31\nENV MALLOC_ARENA_MAX_=2\n";
    let folder = folder([("Dockerfile", text)]);
    let on = |seconds: &str| {
        let mut command = program(folder.path());
        command.env("SOURCE_DATE_EPOCH", seconds);
        let ran = finish(command.args(["check", "--format", "concise", "."]), b"");
        ran.out.lines().count()
    };
    // The last second of that day, and the next one.
    assert_eq!(on("1769903999"), 0);
    assert_eq!(on("1769904000"), 2);
}

#[test]
fn comments_that_do_nothing_are_dropped_by_fix() {
    let text = "FROM python:3.12-slim\n# malloclint: ignore[allocator-unset]\nENV A=1 # malloclint: ignore[env-duplicate]\n# malloclint: ignore[pythonmalloc-slow, env-duplicate, glibc-tunable-dead] we hunt a bug\nENV PYTHONMALLOC=debug \\\n    # malloclint: ignore[env-duplicate] until=2020-01-01\n    B=2\n";
    let folder = folder([("Dockerfile", text)]);
    run(folder.path(), ["fix", "."]);
    let after = std::fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    assert_eq!(
        after,
        "FROM python:3.12-slim\nENV A=1 # malloclint: ignore[env-duplicate]\n# malloclint: ignore[pythonmalloc-slow] we hunt a bug\nENV PYTHONMALLOC=debug \\\n    B=2\n"
    );
}

#[test]
fn files_are_chosen() {
    let files = [
        ("app/Dockerfile", UNSET),
        ("legacy/Dockerfile", UNSET),
        ("legacy/deep/Dockerfile", UNSET),
        ("build/web.docker", UNSET),
        (
            "malloclint.toml",
            "exclude = [\"legacy\"]\ninclude = [\"build/*.docker\"]\n",
        ),
        (
            "app/pod.yaml",
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - name: a\n    image: a\n",
        ),
    ];
    let folder = folder(files);
    let shown = |arguments: &[&str]| {
        let ran = run(
            folder.path(),
            [&["check", "--show-files"], arguments].concat(),
        );
        ran.out.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let own = ["app/Dockerfile", "app/pod.yaml", "build/web.docker"];
    assert_eq!(shown(&["."]), own);
    assert_eq!(
        shown(&["--exclude", "*.yaml", "--exclude", "build/", "."]),
        ["app/Dockerfile"]
    );
    assert_eq!(shown(&["--isolated", "."]).len(), 4);
    // A file that is named is taken, unless that is asked for: hooks name files.
    assert_eq!(shown(&["legacy/Dockerfile"]), ["legacy/Dockerfile"]);
    assert_eq!(
        shown(&["--force-exclude", "legacy/Dockerfile", "app/Dockerfile"]),
        ["app/Dockerfile"]
    );
    assert_eq!(shown(&["--force-exclude", "legacy"]), Vec::<String>::new());
    // A hook names every YAML file, broken ones and those that are about something else among them.
    write(folder.path(), "other.yaml", "a: [\n");
    assert_eq!(
        shown(&["--force-exclude", "other.yaml", "app/pod.yaml"]),
        ["app/pod.yaml"]
    );
    assert_eq!(shown(&["other.yaml"]), ["other.yaml"]);
    // Fix passes over them, too.
    run(folder.path(), ["fix", "."]);
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    assert_eq!(read("legacy/Dockerfile"), UNSET);
    assert_ne!(read("build/web.docker"), UNSET);
}

#[test]
fn platforms_are_known() {
    let text = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 MALLOC_CONF=narenas:1\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let said = |config: &str| {
        let folder = folder([("Dockerfile", text), (".malloclint.toml", config)]);
        run(folder.path(), ["check", "--format", "concise", "."]).out
    };
    assert!(said("").contains("preload-arch-specific"));
    assert_eq!(said("platforms = [\"linux/amd64\"]"), "");
    assert!(said("platforms = [\"linux/arm64\"]").contains("preload-wrong-arch"));
    assert!(
        said("platforms = [\"linux/amd64\", \"linux/arm64\"]").contains("preload-arch-specific")
    );
}

#[test]
fn a_configuration_may_be_named() {
    let folder = folder([
        ("Dockerfile", UNSET),
        ("ci/strict.toml", "[rules]\nallocator-unset = \"off\"\n"),
    ]);
    let ran = run(folder.path(), ["check", "--config", "ci/strict.toml", "."]);
    assert_eq!(ran.code, Some(0), "{}{}", ran.out, ran.err);
    let ran = run(folder.path(), ["check", "--config", "no.toml", "."]);
    assert_eq!(ran.code, Some(2));
    assert!(ran.err.contains("no.toml"), "{}", ran.err);
}

/// Configurations that are wrong, and what is told, behind the path.
const WRONG: [(&str, &str); 40] = [
    (
        "selct = []",
        "line 1, column 1: there is no key `selct`: did you mean `select`?",
    ),
    (
        "\n\nfail_on = \"error\"",
        "line 3, column 1: there is no key `fail_on`: did you mean `fail-on`?",
    ),
    (
        "per-file-ignores = {}",
        "line 1, column 1: there is no key `per-file-ignores`: there are select, ignore, rules, exclude, include, fail-on, min-confidence, platforms, preload, malloc-conf, goal, thread-hook, images",
    ),
    (
        "select = [\"preload-wrong-pat\"]",
        "line 1, column 10: there is no rule `preload-wrong-pat`: did you mean `preload-wrong-path`?",
    ),
    (
        "select = [\"DL3008\"]",
        "line 1, column 10: there is no rule `DL3008`: `malloclint rules` lists them",
    ),
    (
        "select = [\"hadolint-*\"]",
        "line 1, column 10: there is no rule `hadolint-*`: `malloclint rules` lists them",
    ),
    (
        "select = [\"\"]",
        "line 1, column 10: there is no rule ``: `malloclint rules` lists them",
    ),
    (
        "select = \"all\"",
        "line 1, column 10: invalid type: string \"all\", expected a sequence",
    ),
    (
        "select = [1]",
        "line 1, column 11: invalid type: integer `1`, expected a string",
    ),
    (
        "ignore = [\"allocator-unst\"]",
        "line 1, column 11: there is no rule `allocator-unst`: did you mean `allocator-unset`?",
    ),
    (
        "ignore = [1]",
        "line 1, column 11: invalid type: integer `1`, expected the name of a rule, or a table with `paths` and `rules`",
    ),
    (
        "ignore = \"allocator-unset\"",
        "line 1, column 10: invalid type: string \"allocator-unset\", expected a sequence",
    ),
    (
        "[[ignore]]\npath = [\"a\"]",
        "line 2, column 1: there is no key `path`: did you mean `paths`?",
    ),
    (
        "[[ignore]]\nrule = \"a\"",
        "line 2, column 1: there is no key `rule`: did you mean `rules`?",
    ),
    (
        "[[ignore]]\nrules = [\"nonsense\"]",
        "line 2, column 9: there is no rule `nonsense`: `malloclint rules` lists them",
    ),
    (
        "[[ignore]]\nuntil = \"soon\"",
        "line 2, column 9: `soon` is no day: write it as `2027-01-01`",
    ),
    (
        "[[ignore]]\nuntil = \"2026-02-30\"",
        "line 2, column 9: `2026-02-30` is no day: write it as `2027-01-01`",
    ),
    (
        "[[ignore]]\nuntil = 2026-02-01T10:00:00",
        "line 2, column 9: `2026-02-01T10:00:00` is no day: write it as `2027-01-01`",
    ),
    (
        "[[ignore]]\nuntil = 20270101",
        "line 2, column 9: a day: `2027-01-01`",
    ),
    (
        "[rules]\nallocator-unst = \"off\"",
        "line 2, column 1: there is no rule `allocator-unst`: did you mean `allocator-unset`?",
    ),
    (
        "[rules]\nallocator-unset = \"of\"",
        "line 2, column 19: there is no value `of`: did you mean `off`?",
    ),
    (
        "[rules]\nallocator-unset = \"critical\"",
        "line 2, column 19: there is no value `critical`: there are off, info, warning, error",
    ),
    ("[rules]\nallocator-unset = false", "line 2, column 19: "),
    (
        "rules = [\"allocator-unset\"]",
        "line 1, column 9: invalid type: sequence, expected a map",
    ),
    (
        "fail-on = \"errors\"",
        "line 1, column 11: there is no value `errors`: did you mean `error`?",
    ),
    ("fail-on = true", "line 1, column 11: "),
    (
        "platforms = [\"amd64\"]",
        "line 1, column 13: `amd64` is no platform: write it as `linux/amd64`",
    ),
    (
        "platforms = \"linux/amd64\"",
        "line 1, column 13: invalid type: string \"linux/amd64\", expected a sequence",
    ),
    (
        "exclude = \"legacy\"",
        "line 1, column 11: invalid type: string \"legacy\", expected a sequence",
    ),
    (
        "preload = \"bath\"",
        "line 1, column 11: there is no value `bath`: did you mean `path`?",
    ),
    (
        "goal = \"memory\"",
        "line 1, column 8: there is no value `memory`: there are low-memory, balanced, throughput",
    ),
    (
        "malloc-conf = \"narenas:2 tcache:false\"",
        "line 1, column 15: it must be pairs `key:value`, separated by commas",
    ),
    (
        "images = { api = 1 }",
        "line 1, column 18: a path, or `{ dockerfile = \"...\", target = \"...\" }`",
    ),
    ("select = [\"all\"", "line 1, column 16: "),
    (
        "select = []",
        "line 1, column 10: it selects no rule: name some, or drop the key",
    ),
    (
        "platforms = [\"linux/amd46\"]",
        "line 1, column 13: `linux/amd46` is no platform that we know: write it as `linux/amd64`",
    ),
    (
        "malloc-conf = \"narenas:2,tcach:false\"",
        "line 1, column 15: no jemalloc takes `tcach:false`: is `tcache` meant?",
    ),
    (
        "malloc-conf = \"narenas:lots\"",
        "line 1, column 15: no jemalloc takes `narenas:lots`",
    ),
    (
        "prefork-hook = true",
        "line 1, column 1: `prefork-hook` is called `thread-hook` now",
    ),
    (
        "malloc-conf = \"narenas\"",
        "line 1, column 15: no jemalloc takes `narenas`",
    ),
];

#[test]
fn wrong_configurations_are_told_with_the_place_and_what_to_write() {
    for (config, expected) in WRONG {
        for (path, text) in [
            ("malloclint.toml", config.to_owned()),
            (".malloclint.toml", config.to_owned()),
        ] {
            let folder = folder([("Dockerfile", UNSET), (path, text.as_str())]);
            let ran = run(folder.path(), ["check", "."]);
            assert_eq!(ran.code, Some(2), "{config}");
            let (_, said) = ran.err.split_once(&format!("{path}: ")).unwrap();
            assert!(said.starts_with(expected), "{config}: {said}");
            assert_eq!(said.trim_end().lines().count(), 1, "{config}: {said}");
        }
    }
}

#[test]
fn a_wrong_table_of_a_shared_file_is_told_at_its_line() {
    let text = "[project]\nname = \"x\"\n[tool.malloclint]\nselct = []\n";
    let folder = folder([("Dockerfile", UNSET), ("pyproject.toml", text)]);
    let ran = run(folder.path(), ["check", "."]);
    assert!(
        ran.err
            .contains("pyproject.toml: line 4, column 1: there is no key `selct`"),
        "{}",
        ran.err
    );
}

#[test]
fn two_configurations_in_one_folder_are_one_too_many() {
    let keys = "fail-on = \"error\"\n";
    let table = "[tool.malloclint]\nfail-on = \"error\"\n";
    for (files, said) in [
        (
            [("malloclint.toml", keys), (".malloclint.toml", keys)],
            "malloclint.toml: `.malloclint.toml` stands beside it: keep one of them",
        ),
        (
            [(".malloclint.toml", keys), ("pyproject.toml", table)],
            ".malloclint.toml: `pyproject.toml` beside it has `[tool.malloclint]`, too: keep one of them",
        ),
        (
            [
                ("malloclint.toml", table),
                ("pyproject.toml", "[project]\nname = \"malloclint\"\n"),
            ],
            "malloclint.toml: line 1, column 2: `[tool.malloclint]` is for `pyproject.toml`: here the keys stand at the top",
        ),
    ] {
        let folder = folder(files.into_iter().chain([("Dockerfile", UNSET)]));
        let ran = run(folder.path(), ["check", "."]);
        assert_eq!(ran.code, Some(2));
        assert!(ran.err.contains(said), "{}", ran.err);
    }
    // Twin: another's table in a shared file is no second one.
    let folder = folder([
        ("malloclint.toml", keys),
        (
            "pyproject.toml",
            "[project]\ndependencies = [\"malloclint\"]\n",
        ),
        ("Dockerfile", UNSET),
    ]);
    assert_eq!(run(folder.path(), ["check", "."]).code, Some(0));
}

#[cfg(unix)]
#[test]
fn patterns_hold_by_a_files_name_and_by_where_it_lies() {
    use std::os::unix::fs::symlink;
    let of = |config: &str| {
        let folder = folder([("real/Dockerfile", UNSET), ("malloclint.toml", config)]);
        symlink("real", folder.path().join("linked")).unwrap();
        symlink("real/Dockerfile", folder.path().join("Dockerfile")).unwrap();
        folder
    };
    let silent = |folder: &tempfile::TempDir, arguments: &[&str]| {
        let ran = run(
            folder.path(),
            [&["check", "--format", "concise"], arguments].concat(),
        );
        assert_eq!(ran.out, "", "{arguments:?}");
    };
    let judged = of("[[ignore]]\npaths = [\"real\"]\n");
    for path in ["real", "linked", "linked/Dockerfile", "Dockerfile"] {
        silent(&judged, &[path]);
    }
    let excluded = of("exclude = [\"real\"]\n");
    for path in ["linked", "linked/Dockerfile", "Dockerfile"] {
        silent(&excluded, &["--force-exclude", path]);
        let ran = run(excluded.path(), ["fix", "--force-exclude", path]);
        assert_eq!(ran.code, Some(0), "{}", ran.err);
    }
    let text = std::fs::read_to_string(excluded.path().join("real/Dockerfile")).unwrap();
    assert_eq!(text, UNSET);
    // Twin: what is not excluded is fixed through its link.
    let open = of("exclude = [\"other\"]\n");
    run(open.path(), ["fix", "--force-exclude", "Dockerfile"]);
    let text = std::fs::read_to_string(open.path().join("real/Dockerfile")).unwrap();
    assert!(text.contains("libjemalloc2"), "{text}");
}

#[test]
fn where_something_cannot_be_read_nothing_is_called_unused() {
    let folder = folder([
        ("malloclint.toml", "[[ignore]]\npaths = [\"big\"]\n"),
        ("big/Dockerfile", UNSET),
    ]);
    let big = std::fs::File::create(folder.path().join("big/Dockerfile")).unwrap();
    big.set_len(65 << 20).unwrap();
    let ran = run(folder.path(), ["check", "--format", "concise", "."]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{}", ran.err);
}

/// The program's own list of keys: what it says of one that is not known.
fn keys() -> Vec<String> {
    let (_, said) = WRONG
        .iter()
        .find(|(config, _)| config.starts_with("per-file"))
        .unwrap();
    let (_, list) = said.split_once("there are ").unwrap();
    list.split(", ").map(str::to_owned).collect()
}

#[test]
fn every_key_and_option_is_documented() {
    let document = include_str!("../../docs/configuration.md");
    let template = include_str!("../../templates/init/malloclint.toml");
    for key in keys() {
        let stands = |text: &str| {
            text.lines().any(|line| {
                let line = line.trim_start_matches(['#', ' ']);
                line.starts_with(&format!("{key} =")) || line.starts_with(&format!("[{key}]"))
            })
        };
        assert!(stands(document), "docs/configuration.md has no {key}");
        // Those that fix alone reads, or that name files, are for the document.
        let rare = ["include", "preload", "malloc-conf", "thread-hook", "images"];
        assert!(
            rare.contains(&key.as_str()) || stands(template),
            "the template has no {key}"
        );
    }
    let folder = folder([("Dockerfile", UNSET)]);
    let help = run(folder.path(), ["check", "--help"]).out;
    let (_, own) = help.split_once("Rules and files:").unwrap();
    let options = own.split_whitespace().filter(|word| word.starts_with("--"));
    for option in options {
        assert!(
            document.contains(option),
            "docs/configuration.md has no {option}"
        );
    }
}
