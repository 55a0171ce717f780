//! Which files a run looks at.

use std::path::Path;

use crate::support::run::{CLEAN, FAULT, FAULTY, folder, run, write};

/// The paths that a run over these arguments reports, every file of it being faulty.
fn checked(folder: &Path, arguments: &[&str]) -> Vec<String> {
    let run = run(
        folder,
        [&["check", "--format", "concise"], arguments].concat(),
    );
    assert_eq!(run.err, "");
    let paths = run.out.lines().map(|line| {
        line.strip_suffix(FAULT)
            .unwrap_or_else(|| panic!("{line}"))
            .to_owned()
    });
    paths.collect()
}

#[test]
fn names_that_are_ours() {
    let ours = [
        ".Dockerfile",
        "Containerfile",
        "Containerfile.x",
        "DOCKERFILE.up",
        "Dockerfile",
        "Dockerfile-alpine",
        "Dockerfile.dev",
        "a.containerfile",
        "api-Dockerfile",
        "app.dockerfile",
        "dev.Dockerfile",
        "x.Containerfile",
        "z/dockerfile",
    ];
    let folder = folder(ours.map(|name| (name, FAULTY)));
    for name in [
        "Dockerfile.md",
        "Dockerfile.dockerignore",
        "Dockerfile.txt",
        "dockerfile.py",
        "mydockerfile",
        "compose.yaml",
        "README",
    ] {
        write(folder.path(), name, FAULTY);
    }
    assert_eq!(checked(folder.path(), &[]), ours);
}

#[test]
fn a_file_that_is_named_is_checked_whatever_its_name() {
    for name in [
        "Dockerfile.md",
        "build.txt",
        "no-ending",
        "node_modules/x/Dockerfile",
        "ignored/Dockerfile",
        "-x",
    ] {
        let folder = folder([(name, FAULTY), (".gitignore", "ignored\n")]);
        assert_eq!(checked(folder.path(), &["--", name]), [name]);
    }
}

#[test]
fn gitignore_is_respected_with_and_without_a_repository() {
    for repository in [true, false] {
        let folder = folder([
            ("Dockerfile", FAULTY),
            ("out/Dockerfile", FAULTY),
            ("a/gen.Dockerfile", FAULTY),
            ("a/Dockerfile", FAULTY),
            ("a/keep.Dockerfile", FAULTY),
            (".gitignore", "/out/\n*.Dockerfile\n"),
            ("a/.gitignore", "!keep.Dockerfile\n"),
        ]);
        if repository {
            write(folder.path(), ".git/HEAD", "ref: refs/heads/main\n");
        }
        assert_eq!(
            checked(folder.path(), &[]),
            ["Dockerfile", "a/Dockerfile", "a/keep.Dockerfile"],
            "repository: {repository}"
        );
    }
}

#[test]
fn hidden_folders_are_searched_and_other_peoples_are_not() {
    let folder = folder([
        (".devcontainer/Dockerfile", FAULTY),
        ("b/.ci/Dockerfile", FAULTY),
        ("node_modules/x/Dockerfile", FAULTY),
        (".git/Dockerfile", FAULTY),
        (".venv/x/Dockerfile", FAULTY),
        ("b/node_modules/y/z/Dockerfile", FAULTY),
        ("lib/site-packages/x/Dockerfile", FAULTY),
    ]);
    assert_eq!(
        checked(folder.path(), &[]),
        [".devcontainer/Dockerfile", "b/.ci/Dockerfile"]
    );
}

#[test]
fn several_paths_each_file_once_sorted() {
    let folder = folder([
        ("b/Dockerfile", FAULTY),
        ("a/Dockerfile", FAULTY),
        ("a/x/Dockerfile", FAULTY),
        ("c/Dockerfile", FAULTY),
    ]);
    assert_eq!(
        checked(
            folder.path(),
            &["b", "a", "./b/Dockerfile", "b/Dockerfile", "a/x"]
        ),
        ["a/Dockerfile", "a/x/Dockerfile", "b/Dockerfile"]
    );
}

#[test]
fn paths_are_relative_to_where_the_tool_runs() {
    let folder = folder([("a/Dockerfile", FAULTY), ("a/b/c.txt", "")]);
    let path = folder.path();
    assert_eq!(checked(path, &["./a/"]), ["a/Dockerfile"]);
    assert_eq!(checked(&path.join("a"), &["."]), ["Dockerfile"]);
    assert_eq!(checked(&path.join("a/b"), &[".."]), ["../Dockerfile"]);
    // A path that was given as absolute, too, where it lies below: reports must match the repository.
    let real = path.canonicalize().unwrap();
    let absolute = real.join("a/Dockerfile").to_str().unwrap().to_owned();
    assert_eq!(checked(&real, &[&absolute]), ["a/Dockerfile"]);
    assert_eq!(checked(&real.join("a/b"), &[&absolute])[0], absolute);
}

#[test]
fn links_to_folders_are_not_followed_and_links_to_files_can_be_named() {
    let folder = folder([("a/Dockerfile", FAULTY), ("a/b/x", "")]);
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("..", folder.path().join("a/b/up")).unwrap();
        std::os::unix::fs::symlink("a/Dockerfile", folder.path().join("link")).unwrap();
        assert_eq!(checked(folder.path(), &["link"]), ["link"]);
    }
    assert_eq!(checked(folder.path(), &["a"]), ["a/Dockerfile"]);
}

#[test]
fn the_order_is_the_same_in_every_run() {
    let names: Vec<String> = (0..60)
        .map(|number| format!("{}/{number:02}/Dockerfile", number % 7))
        .collect();
    let folder = folder(names.iter().map(|name| (name.as_str(), FAULTY)));
    let mut sorted = names;
    sorted.sort();
    for _ in 0..20 {
        assert_eq!(checked(folder.path(), &[]), sorted);
    }
}

#[test]
fn nothing_to_check_is_said_and_is_no_failure() {
    let empty = folder([("readme.txt", "")]);
    let loud = run(empty.path(), ["check"]);
    assert_eq!(loud.code, Some(0));
    assert!(loud.err.contains("found no Dockerfile"), "{}", loud.err);
    assert_eq!(
        (
            run(empty.path(), ["check", "--quiet"]).err.as_str(),
            loud.out.as_str()
        ),
        ("", "no findings in 0 files\n")
    );
    let clean = folder([("Dockerfile", CLEAN)]);
    let clean = run(clean.path(), ["check"]);
    assert_eq!(
        (clean.code, clean.out.as_str(), clean.err.as_str()),
        (
            Some(0),
            "no findings in 1 file\n1 production image or container: 1 could not be judged (`--show undecided`)\n",
            ""
        )
    );
}

#[test]
fn templates_and_fragments_are_skipped_with_a_note() {
    let folder = folder([
        (
            "Dockerfile.j2",
            "FROM python:{{ version }}\n{% if x %}\nENV MALLOC_ARENA_MAX_=2\n{% endif %}\n",
        ),
        (
            "Dockerfile.erb",
            "FROM python:<%= version %>\nENV MALLOC_ARENA_MAX_=2\n",
        ),
        (
            "Dockerfile.tmpl",
            "FROM {{ .Base }}\nENV MALLOC_ARENA_MAX_=2\n",
        ),
        ("Dockerfile.part", "ENV MALLOC_ARENA_MAX_=2\n"),
    ]);
    let loud = run(folder.path(), ["check", "--format", "concise"]);
    assert_eq!((loud.code, loud.out.as_str()), (Some(0), ""));
    for name in [
        "Dockerfile.j2",
        "Dockerfile.erb",
        "Dockerfile.tmpl",
        "Dockerfile.part",
    ] {
        assert!(
            loud.err
                .lines()
                .any(|line| line.contains(name) && line.contains(": not checked, ")),
            "{name}: {}",
            loud.err
        );
    }
    assert_eq!(
        run(folder.path(), ["check", "--format", "concise", "-q"]).err,
        ""
    );
}

#[test]
fn a_template_that_is_a_dockerfile_already_is_checked() {
    let folder = folder([("Dockerfile.in", FAULTY)]);
    assert_eq!(checked(folder.path(), &[]), ["Dockerfile.in"]);
}
