//! A Python without the interpreter's lock is told by the names that people write for it, and one with the lock is not taken for it.

use crate::support::run::{folder, run};

const RULE: &str = "malloc-conf-serialises-threads";
const SETTING: &str = "LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:1,tcache:false";
const COMMAND: &str = "CMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]";

/// What is said of threads in an image: the name in the message, where it is said.
fn named(base: &str, lines: &str, command: &str, files: &[(&str, &str)]) -> Option<String> {
    let dockerfile = format!(
        "FROM {base}\nRUN apt-get update && apt-get install -y libjemalloc2\n{lines}\nENV {SETTING}\n{command}\n"
    );
    let all = [("Dockerfile", dockerfile.as_str())];
    let folder = folder(all.into_iter().chain(files.iter().copied()));
    let arguments = ["check", "--isolated", "--format", "concise", "."];
    let out = run(folder.path(), arguments).out;
    let line = out.lines().find(|line| line.contains(RULE))?;
    assert!(line.contains("info["), "{line}");
    Some(line.split('`').nth(1).unwrap().to_owned())
}

#[test]
fn builds_without_the_lock_are_known_by_their_names() {
    for (base, lines, expected) in [
        (
            "debian:trixie-slim",
            "RUN uv python install 3.14t && uv venv",
            "3.14t",
        ),
        (
            "debian:trixie-slim",
            "RUN uv venv -p cpython-3.14+freethreaded",
            "cpython-3.14+freethreaded",
        ),
        (
            "debian:trixie-slim",
            "RUN /bin/uv sync --python 3.13.1t --frozen",
            "3.13.1t",
        ),
        (
            "debian:trixie-slim",
            "ARG V=3.14t\nRUN uv python install $V",
            "3.14t",
        ),
        (
            "debian:trixie-slim",
            "ENV UV_PYTHON=3.14t\nRUN uv sync",
            "UV_PYTHON=3.14t",
        ),
        ("debian:trixie-slim", "RUN pyenv install 3.13t", "3.13t"),
        (
            "ubuntu:24.04",
            "RUN apt-get install -y python3.13-nogil",
            "python3.13-nogil",
        ),
        (
            "debian:trixie-slim",
            "RUN ./configure --disable-gil && make install",
            "--disable-gil",
        ),
        (
            "debian:trixie-slim",
            "RUN python3.14t -m venv /venv",
            "python3.14t",
        ),
        ("debian:trixie-slim", "ENV PYTHON_GIL=0", "PYTHON_GIL=0"),
        // The image has one with the lock, and uv brings another.
        ("python:3.14-slim-trixie", "RUN uv sync -p 3.14t", "3.14t"),
    ] {
        let said = named(base, lines, COMMAND, &[]);
        assert_eq!(said.as_deref(), Some(expected), "{base}: {lines}");
    }
}

#[test]
fn a_command_says_which_python_it_starts() {
    for (command, expected) in [
        (
            "CMD [\"python3.14t\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"app:app\"]",
            Some("python3.14t"),
        ),
        (
            "CMD [\"python3\", \"-X\", \"gil=0\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"app:app\"]",
            Some("-X gil=0"),
        ),
        (
            "CMD [\"python3\", \"-X\", \"gil=1\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"app:app\"]",
            None,
        ),
        (
            "CMD [\"python3.12\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"app:app\"]",
            None,
        ),
    ] {
        let said = named("debian:trixie-slim", "", command, &[]);
        assert_eq!(said.as_deref(), expected, "{command}");
    }
}

#[test]
fn the_file_that_uv_reads_says_it() {
    let lines = "WORKDIR /app\nCOPY .python-version pyproject.toml ./\nRUN uv sync --frozen";
    for (version, expected) in [("3.14t\n", Some("3.14t")), ("3.14\n", None)] {
        let files = [
            (".python-version", version),
            ("pyproject.toml", "[project]\nname = \"a\"\n"),
        ];
        let said = named("debian:trixie-slim", lines, COMMAND, &files);
        assert_eq!(said.as_deref(), expected, "{version}");
    }
}

#[test]
fn a_python_that_comes_from_another_stage_is_the_same() {
    let build = "debian:trixie-slim AS build\nRUN uv python install 3.14t && uv venv /app/.venv\n\nFROM debian:trixie-slim";
    let said = named(
        build,
        "COPY --from=build /app/.venv /app/.venv",
        COMMAND,
        &[],
    );
    assert_eq!(said.as_deref(), Some("3.14t"));
}

#[test]
fn with_the_lock_it_is_another() {
    for (base, lines) in [
        ("debian:trixie-slim", "RUN uv python install 3.14"),
        (
            "debian:trixie-slim",
            "RUN uv python install 3.14t 3.13 && uv venv --python 3.13",
        ),
        (
            "debian:trixie-slim",
            "RUN uv python install 3.14t\nENV PYTHON_GIL=1",
        ),
        ("debian:trixie-slim", "RUN echo 3.14t"),
        ("debian:trixie-slim", "RUN apt-get install -y nogil-tools"),
        // It does not start, which is no matter of threads.
        ("python:3.14-slim-trixie", "ENV PYTHON_GIL=0"),
        ("python:3.12-slim-bookworm", "ENV PYTHON_GIL=0"),
    ] {
        assert_eq!(named(base, lines, COMMAND, &[]), None, "{base}: {lines}");
    }
    // Nobody shares a process.
    let forks = "CMD [\"gunicorn\", \"--workers\", \"4\", \"app:app\"]";
    assert_eq!(
        named(
            "debian:trixie-slim",
            "RUN uv python install 3.14t",
            forks,
            &[]
        ),
        None
    );
}
