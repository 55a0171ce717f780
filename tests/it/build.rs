//! `malloclint build`: what an engine is given, and what is said of what it makes. The engine is a script; real ones are in
//! tests/images.

#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tempfile::TempDir;

use crate::image::saved;
use crate::support::run::{Run, finish, folder, program};

/// It writes down what it was given, and saves an image that is there.
const ENGINE: &str = r#"#!/bin/sh
echo "$@" >> "$HOME/log"
case "$1" in
build)
    shift
    file=Dockerfile
    for word; do
        case "$word" in
        --iidfile=*) echo sha256:0123 > "${word#--iidfile=}" ;;
        --file=*) file=${word#--file=} ;;
        fail) echo "it fails" >&2; exit 3 ;;
        -) cat > "$HOME/stdin" ;;
        esac
    done
    cp "$file" "$HOME/built" 2>/dev/null
    ls -A "$(dirname "$file")" > "$HOME/beside"
    ;;
save) cp "$HOME/saved.tar" "$3" ;;
esac
exit 0
"#;

const DOCKERFILE: &str = "FROM python:3.11-slim\nCOPY . /app\nCMD [\"python3\", \"-m\", \"gunicorn\", \"app:app\", \"--threads\", \"8\"]\n";

/// A machine with that engine, and a folder to build from.
struct Machine {
    home: TempDir,
    context: TempDir,
}

impl Machine {
    fn new(preload: &str) -> Self {
        let (home, context) = (folder([]), folder([("Dockerfile", DOCKERFILE)]));
        let engine = home.path().join("docker");
        fs::write(&engine, ENGINE).unwrap();
        fs::set_permissions(&engine, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(home.path().join("saved.tar"), saved(preload)).unwrap();
        Self { home, context }
    }

    fn build(&self, arguments: &[&str], input: &[u8]) -> Run {
        let path = format!("{}:/usr/bin:/bin", self.home.path().display());
        let mut command = program(self.context.path());
        command.env("HOME", self.home.path()).env("PATH", path);
        let own = ["build", "--isolated", "--engine", "docker"];
        finish(command.args(own).args(arguments), input)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }

    fn is_untouched(&self) {
        let names: Vec<_> = fs::read_dir(self.context.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        let text = fs::read_to_string(self.context.path().join("Dockerfile")).unwrap();
        assert_eq!(text, DOCKERFILE);
    }
}

#[test]
fn the_fixed_dockerfile_is_built_and_the_tree_stays_as_it_is() {
    let machine = Machine::new("libjemalloc.so.2");
    let run = machine.build(&["-t", "app:1", "--build-arg", "f=1", "."], b"");
    assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{}", run.err);
    assert!(
        machine
            .text("built")
            .contains("ENV LD_PRELOAD=libjemalloc.so.2"),
        "{}",
        machine.text("built")
    );
    let log = machine.text("log");
    assert!(
        log.lines()
            .next()
            .unwrap()
            .ends_with("-t app:1 --build-arg f=1 ."),
        "{log}"
    );
    assert!(
        run.err.contains("fixed allocator-unset") && run.err.contains("no findings in 1 image"),
        "{}",
        run.err
    );
    machine.is_untouched();
}

#[test]
fn what_an_image_is_without_fails() {
    let machine = Machine::new("/usr/lib/aarch64-linux-gnu/libjemalloc.so.2");
    let run = machine.build(&["-t", "app:1", "."], b"");
    assert_eq!(run.code, Some(1), "{}", run.err);
    assert!(
        run.err.contains("preload-wrong-arch") && run.err.contains("[app:1:"),
        "{}",
        run.err
    );
    let failed = machine.build(&["-t", "fail", "."], b"");
    assert_eq!(failed.code, Some(2), "{}", failed.err);
    assert!(
        failed.err.contains("it fails") && !failed.err.contains("image"),
        "{}",
        failed.err
    );
}

#[test]
fn what_lies_beside_a_dockerfile_goes_with_it() {
    let machine = Machine::new("libjemalloc.so.2");
    let context = machine.context.path();
    fs::create_dir(context.join("docker")).unwrap();
    fs::rename(
        context.join("Dockerfile"),
        context.join("docker/api.Dockerfile"),
    )
    .unwrap();
    fs::write(
        context.join("docker/api.Dockerfile.dockerignore"),
        "*.log\n",
    )
    .unwrap();
    let run = machine.build(
        &[
            "-qt",
            "app:1",
            "-f",
            "docker/api.Dockerfile",
            "--target=x",
            ".",
        ],
        b"",
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let beside = machine.text("beside");
    assert!(
        beside.contains("api.Dockerfile\napi.Dockerfile.dockerignore\n"),
        "{beside}"
    );
    assert!(
        machine.text("log").contains("-qt app:1 --target=x ."),
        "{}",
        machine.text("log")
    );
    assert!(machine.text("built").contains("LD_PRELOAD"));
}

#[test]
fn standard_input_is_fixed_on_its_way() {
    let machine = Machine::new("libjemalloc.so.2");
    let run = machine.build(&["-t", "app:1", "-"], DOCKERFILE.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        machine.text("stdin").contains("LD_PRELOAD"),
        "{}",
        machine.text("stdin")
    );
    let run = machine.build(&["-t", "app:1", "-f", "-", "."], DOCKERFILE.as_bytes());
    assert_eq!(run.code, Some(0), "{}", run.err);

    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("a.py", "pass\n"), ("Dockerfile", DOCKERFILE)] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive
            .append_data(&mut header, name, text.as_bytes())
            .unwrap();
    }
    let run = machine.build(&["-t", "app:1", "-"], &archive.into_inner().unwrap());
    assert_eq!(run.code, Some(0), "{}", run.err);
    let given = fs::read(machine.home.path().join("stdin")).unwrap();
    let mut names = Vec::new();
    for entry in tar::Archive::new(given.as_slice()).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        std::io::Read::read_to_string(&mut entry, &mut text).unwrap();
        names.push((
            entry.path().unwrap().display().to_string(),
            text.contains("LD_PRELOAD"),
        ));
    }
    assert_eq!(names, [("a.py".into(), false), ("Dockerfile".into(), true)]);
    machine.is_untouched();
}

#[test]
fn what_cannot_be_built_says_what_to_do() {
    let machine = Machine::new("libjemalloc.so.2");
    let says = |arguments: &[&str], why: &str| {
        let run = machine.build(arguments, b"");
        assert_eq!(run.code, Some(2), "{}", run.err);
        assert!(run.err.contains(why), "`{why}` is not in {}", run.err);
    };
    says(
        &["https://example.org/a.git"],
        "clone it, and build the folder",
    );
    says(&["-t", "x"], "`malloclint build -t NAME .`");
    says(
        &["-t", "x", "--run", "true", "."],
        "put it before the arguments of docker",
    );
    says(&["nowhere"], "there is no such file or folder");
    says(&["--run", "'x", "."], "a quote in it has no end");
    let run = machine.build(&["--output", "dist", "."], b"");
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("files and no image"), "{}", run.err);
    let mut command = program(machine.context.path());
    command.env("PATH", "/nowhere").args(["build", "."]);
    let run = finish(&mut command, b"");
    assert!(
        run.err
            .contains("no engine is installed here (docker, podman, buildah)"),
        "{}",
        run.err
    );
    assert!(Path::new(machine.home.path()).exists());
}
