//! `malloclint init` sets a project up, and leaves what is there.

use std::path::Path;

use crate::support::run::{Run, folder, run, write};

fn read(at: &Path, path: &str) -> String {
    std::fs::read_to_string(at.join(path)).unwrap()
}

/// What is expected, with the address and the version of this crate.
fn own(text: &str) -> String {
    let home = env!("CARGO_PKG_REPOSITORY");
    let (_, slug) = home.split_once(".com/").unwrap();
    text.replace("{home}", home)
        .replace("{slug}", slug)
        .replace("{version}", env!("CARGO_PKG_VERSION"))
        .replace("{major}", env!("CARGO_PKG_VERSION_MAJOR"))
}

fn init(at: &Path, arguments: &[&str]) -> Run {
    run(at, [&["init"], arguments].concat())
}

#[test]
fn an_empty_project_gets_all_of_it_once() {
    let folder = folder([("Dockerfile", "FROM scratch\n")]);
    let at = folder.path();
    let shown = init(at, &["--diff"]);
    assert_eq!(shown.out.matches("\n+++ b/").count(), 3, "{}", shown.out);
    assert!(!at.join("malloclint.toml").exists());
    let made = init(at, &[]);
    assert_eq!(made.code, Some(0), "{}", made.err);
    assert_eq!(
        made.out,
        "made malloclint.toml\nmade .pre-commit-config.yaml\nmade .github/workflows/malloclint.yml\nnext: `pre-commit install`, and `malloclint check .`\n"
    );
    let hooks = read(at, ".pre-commit-config.yaml");
    assert_eq!(
        hooks,
        own(
            "repos:\n  - repo: {home}-pre-commit\n    rev: v{version}\n    hooks:\n      - id: malloclint-fix\n      - id: malloclint\n"
        )
    );
    assert!(
        read(at, ".github/workflows/malloclint.yml")
            .contains(&own("      - uses: {slug}@v{major}\n"))
    );
    // The configuration can be read, and says nothing yet.
    assert_eq!(run(at, ["check", "."]).code, Some(0));
    let again = init(at, &[]);
    assert_eq!((again.code, again.out.as_str()), (Some(0), ""));
    assert_eq!(again.err.matches(" stays: ").count(), 3, "{}", again.err);
    assert_eq!(read(at, ".pre-commit-config.yaml"), hooks);
}

#[test]
fn hooks_are_added_behind_others_and_comments_stay() {
    for (before, after) in [
        (
            "# ours\nrepos:\n- repo: https://example.com/a\n  rev: v1  # pinned\n  hooks:\n  - id: a\n# the end\n",
            "# ours\nrepos:\n- repo: https://example.com/a\n  rev: v1  # pinned\n  hooks:\n  - id: a\n- repo: {home}-pre-commit\n  rev: v{version}\n  hooks:\n    - id: malloclint-fix\n    - id: malloclint\n# the end\n",
        ),
        (
            "default_stages: [pre-commit]\nrepos:\n    -   repo: local\n        hooks:\n        -   id: x\n            name: x\nci:\n    skip: [x]\n",
            "default_stages: [pre-commit]\nrepos:\n    -   repo: local\n        hooks:\n        -   id: x\n            name: x\n    -   repo: {home}-pre-commit\n        rev: v{version}\n        hooks:\n          - id: malloclint-fix\n          - id: malloclint\nci:\n    skip: [x]\n",
        ),
    ] {
        let folder = folder([(".pre-commit-config.yaml", before)]);
        let made = init(folder.path(), &[]);
        assert!(
            made.out
                .contains("added the hooks to .pre-commit-config.yaml"),
            "{}{}",
            made.out,
            made.err
        );
        assert_eq!(read(folder.path(), ".pre-commit-config.yaml"), own(after));
    }
}

#[test]
fn what_cannot_be_added_to_is_left_with_what_to_write() {
    for broken in [
        "repos: []\n",
        "repos: [{repo: local}]\n",
        "repos: &a\n- {",
        "- repo: x\n",
    ] {
        let folder = folder([(".pre-commit-config.yaml", broken)]);
        let ran = init(folder.path(), &[]);
        assert_eq!(ran.code, Some(0));
        assert_eq!(read(folder.path(), ".pre-commit-config.yaml"), broken);
        assert!(
            ran.err.contains(&own("-pre-commit\n    rev: v{version}")),
            "{}",
            ran.err
        );
    }
}

#[test]
fn what_is_there_already_stays() {
    let files = [
        (
            "pyproject.toml",
            "[tool.malloclint]\ngoal = \"low-memory\"\n",
        ),
        (
            ".github/workflows/lint.yaml",
            "jobs: {a: {steps: [{run: malloclint check .}]}}\n",
        ),
        (
            ".pre-commit-config.yaml",
            "repos:\n- repo: https://example.com/malloclint\n",
        ),
    ];
    let folder = folder(files);
    let ran = init(folder.path(), &[]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""));
    for (path, text) in files {
        assert_eq!(read(folder.path(), path), text);
        assert!(ran.err.contains(&format!("{path} stays: ")), "{}", ran.err);
    }
    // GitLab's jobs stand in a file of their own.
    write(folder.path(), ".gitlab-ci.yml", "stages: [test]\n");
    std::fs::remove_dir_all(folder.path().join(".github")).unwrap();
    let ran = init(folder.path(), &[]);
    assert!(
        ran.err
            .contains(".gitlab-ci.yml stays: the job to include is in https://"),
        "{}",
        ran.err
    );
    assert!(!folder.path().join(".github").exists());
}

#[test]
fn a_comment_about_it_is_no_hook_and_no_workflow() {
    let folder = folder([
        (
            ".pre-commit-config.yaml",
            "# TODO: malloclint\nrepos:\n- repo: local # malloclint\n  hooks: []\n",
        ),
        (
            ".github/workflows/a.yaml",
            "# malloclint some day\njobs: {}\n",
        ),
    ]);
    let ran = init(folder.path(), &[]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(read(folder.path(), ".pre-commit-config.yaml").contains("id: malloclint"));
    assert!(
        folder
            .path()
            .join(".github/workflows/malloclint.yml")
            .exists()
    );
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_link_that_leads_out() {
    use std::os::unix::fs::symlink;
    let outside = folder([("hooks.yaml", "repos:\n- repo: local\n  hooks: []\n")]);
    let inside = folder([("own/x", "")]);
    let at = inside.path();
    symlink(outside.path(), at.join(".github")).unwrap();
    symlink(
        outside.path().join("hooks.yaml"),
        at.join(".pre-commit-config.yaml"),
    )
    .unwrap();
    let ran = init(at, &[]);
    assert_eq!(ran.code, Some(2));
    assert_eq!(
        ran.err.matches("a link leads out of this folder").count(),
        2,
        "{}",
        ran.err
    );
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 1);
    assert!(!read(outside.path(), "hooks.yaml").contains("malloclint"));
    // Twin: a link to a folder of the project.
    let inside = folder([("own/x", "")]);
    symlink("own", inside.path().join(".github")).unwrap();
    assert_eq!(init(inside.path(), &[]).code, Some(0));
    assert!(inside.path().join("own/workflows/malloclint.yml").exists());
}
