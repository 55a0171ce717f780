//! `tune --write`: how the files that start the command would get what is best for it.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{done, file, has_jemalloc, json, tune};
use crate::support::run::{self, Run, finish, folder};

const ARENAS: &str = "MALLOC_ARENA_MAX=2";
const CONF: &str = "narenas:3,lg_tcache_max:13";

/// Measures `python3 prefers.py SETTING`, and writes.
fn written(folder: &Path, test: &str, setting: &str, arguments: &[&str]) -> Run {
    let run = done(
        tune(folder, test)
            .args(["--budget", "25s", "--candidates", "1", "--write"])
            .args(arguments)
            .args(["--", "python3", &file("prefers.py"), setting]),
        test,
    );
    assert_eq!(run.code, Some(0), "{run:?}");
    run
}

/// The diff at the end of what was printed.
fn diff(run: &Run) -> &str {
    run.out.find("--- a/").map_or("", |at| &run.out[at..])
}

/// Applies a diff, as people would.
fn apply(folder: &Path, diff: &str) {
    let mut git = Command::new("git");
    git.args(["apply", "-"]).current_dir(folder);
    let applied = finish(&mut git, diff.as_bytes());
    assert_eq!(applied.code, Some(0), "{}{diff}", applied.err);
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

fn dockerfile(setting: &str) -> String {
    format!(
        "FROM python:3.12-slim-bookworm\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"prefers.py\", \"{setting}\"]\n"
    )
}

/// Variables alone: `fix` knows no setting for them, and the files get them all the same.
#[test]
fn variables_that_win_are_shown_in_the_files_that_start_the_command() {
    let (image, command) = (dockerfile(ARENAS), format!("python prefers.py {ARENAS}"));
    let compose = format!(
        "services:\n  api:\n    image: registry.example/other:1\n    command: {command}\n    environment:\n      - LOG=1\n"
    );
    let files = [
        ("Dockerfile", image.as_str()),
        ("compose.yaml", &compose),
        (
            "other/Dockerfile",
            "FROM python:3.12\nCMD [\"python\", \"other.py\"]\n",
        ),
    ];
    let folder = folder(files);
    let arguments = ["--allocators", "glibc"];
    let run = written(folder.path(), "arenas", ARENAS, &arguments);
    assert!(run.out.contains(&format!("set {ARENAS}: 0.")), "{run:?}");
    for said in [
        "nothing is written to malloclint.toml: it has no key for variables alone",
        "this change sets `MALLOC_ARENA_MAX=2` in Dockerfile:",
        "this change sets `MALLOC_ARENA_MAX=2` in compose.yaml:",
    ] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    assert!(!folder.path().join("malloclint.toml").exists());
    assert_eq!(
        text(folder.path(), "Dockerfile"),
        image,
        "it is shown alone"
    );
    apply(folder.path(), diff(&run));
    assert!(text(folder.path(), "Dockerfile").contains(&format!("ENV {ARENAS}\n")));
    let item = format!("      - LOG=1\n      - {ARENAS}\n");
    assert!(text(folder.path(), "compose.yaml").contains(&item));
    assert!(!text(folder.path(), "other/Dockerfile").contains(ARENAS));
    let again = written(folder.path(), "arenas-again", ARENAS, &arguments);
    assert_eq!(diff(&again), "");
    for file in ["Dockerfile", "compose.yaml"] {
        let said = format!("{file} has `MALLOC_ARENA_MAX=2` already");
        assert!(again.err.contains(&said), "{}", again.err);
    }
}

/// What is written into the configuration is what `fix` brings; JSON on standard output stays whole.
#[test]
fn jemalloc_that_wins_is_shown_as_fix_writes_it() {
    if !has_jemalloc() {
        return;
    }
    let setting = format!("MALLOC_CONF={CONF}");
    let image = dockerfile(&setting);
    // Of a program that nobody knows its text tells that it keeps running.
    let serves = "import http.server\nhttp.server.HTTPServer(address, handler).serve_forever()\n";
    let folder = folder([("Dockerfile", image.as_str()), ("prefers.py", serves)]);
    let tried = ["--allocators", "jemalloc", "--try", setting.as_str()];
    let arguments = [&tried[..], &["--format", "json"]].concat();
    let done = written(folder.path(), "brought", &setting, &arguments);
    assert_eq!(json(&done)["best"], format!("jemalloc {CONF}"));
    let conf = format!("malloc-conf = \"{CONF}\"\n");
    assert_eq!(text(folder.path(), "malloclint.toml"), conf);
    let said = "`malloclint fix --advice Dockerfile` would make this change:\n--- a/Dockerfile\n";
    assert!(done.err.contains(said), "{}", done.err);
    let shown = &done.err[done.err.find("--- a/").unwrap()..];
    let fixed = run::run(folder.path(), ["fix", "--diff", "--advice", "Dockerfile"]);
    assert_eq!(shown, fixed.out);
    assert!(fixed.out.contains(&setting), "{}", fixed.out);
}

/// Nothing here starts it: what to do is one line.
#[test]
fn a_command_that_no_file_starts_is_said() {
    let image = dockerfile("A=1");
    let folder = folder([
        ("Dockerfile", image.as_str()),
        ("charts/app.yaml", "{{ x }}\n"),
    ]);
    let run = written(folder.path(), "nowhere", ARENAS, &["--allocators", "glibc"]);
    let said = "malloclint: no Dockerfile, Compose file or manifest here starts `python3 ";
    let line = run.err.lines().find(|line| line.starts_with(said));
    let line = line.unwrap_or_else(|| panic!("{}", run.err));
    assert!(line.ends_with("put the recommended lines into the one that does"));
    assert_eq!(diff(&run), "");
}
