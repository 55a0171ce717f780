//! `tune --docker`: services in containers. The engine is a program whose daemon starts their processes; real ones are in
//! tests/e2e/tuned.py.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::processes::{mark, marked, wait_until};
use super::{done, file, has_jemalloc, port, tune};
use crate::image::{Image, saved_image};
use crate::support::run::{Run, folder};

/// A machine with an engine. Its daemon belongs to the machine: malloclint has not started it.
struct Machine {
    home: TempDir,
    work: TempDir,
    daemon: Child,
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// Images: their names, what they are, and what a container of them runs.
fn machine(images: &[(&str, Image, &[&str])]) -> Machine {
    let home = folder([]);
    let engine = file("engine.py");
    let client = home.path().join("docker");
    fs::write(
        &client,
        format!("#!/bin/sh\nexec python3 {engine} \"$@\"\n"),
    )
    .unwrap();
    fs::set_permissions(&client, fs::Permissions::from_mode(0o755)).unwrap();
    let mut all = serde_json::Map::new();
    for (name, image, command) in images {
        let (archive, variables) = saved_image(*image);
        fs::write(home.path().join(format!("{name}.tar")), archive).unwrap();
        let id = format!(
            "sha256:{}",
            name.bytes()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>()
        );
        let value = json!({"id": id, "archive": format!("{name}.tar"), "command": command, "variables": variables});
        all.insert((*name).to_owned(), value);
    }
    fs::write(
        home.path().join("images.json"),
        Value::Object(all).to_string(),
    )
    .unwrap();
    let daemon = Command::new("python3")
        .args([&engine, "daemon", &home.path().display().to_string()])
        .spawn()
        .unwrap();
    let start = Instant::now();
    while !home.path().join("ready").exists() {
        assert!(start.elapsed() < Duration::from_secs(20), "no daemon");
        std::thread::sleep(Duration::from_millis(20));
    }
    Machine {
        home,
        work: folder([]),
        daemon,
    }
}

impl Machine {
    fn tune(&self, test: &str, arguments: &[&str]) -> Command {
        let path = format!(
            "{}:/usr/local/bin:/usr/bin:/bin",
            self.home.path().display()
        );
        let mut command = tune(self.work.path(), test);
        command
            .env("ENGINE_HOME", self.home.path())
            .env("PATH", path);
        command.args(["--engine", "docker"]).args(arguments);
        command
    }

    fn run(&self, test: &str, arguments: &[&str]) -> Run {
        done(&mut self.tune(test, arguments), test)
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.home.path().join(name)).unwrap_or_default()
    }

    /// All that were made are removed, too.
    fn is_empty(&self) {
        let log = self.text("log");
        let begin = |verb: &str| log.lines().filter(|line| line.starts_with(verb)).count();
        assert!(begin("rm ") >= begin("run ") + begin("create "), "{log}");
    }
}

const QUICK: [&str; 8] = [
    "--budget",
    "26s",
    "--requests",
    "40",
    "--settle",
    "100ms",
    "--allocators",
    "jemalloc",
];

#[test]
fn a_service_in_a_container_is_measured_under_each_setting() {
    if !has_jemalloc() {
        return;
    }
    let (pages, port) = (file("pages.py"), port());
    let command = ["python3", &pages, &port, "ok"];
    let machine = machine(&[("app", Image::Jemalloc, &command)]);
    let arguments = [
        &QUICK[..],
        &[
            "--docker",
            "app",
            "--candidates",
            "1",
            "--format",
            "json",
            "--",
            "--memory=512m",
        ],
    ]
    .concat();
    let run = machine.run("containers-all", &arguments);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let all = super::json(&run);
    assert_eq!(
        (&all["image"], &all["command"]),
        (&json!("app"), &json!(command))
    );
    for name in ["glibc", all["fix"].as_str().unwrap()] {
        let run = &super::candidate(&all, name)["runs"][0];
        let library = run["proof"]["library"].as_str().unwrap_or_default();
        assert_eq!(library.contains("libjemalloc"), name != "glibc", "{run}");
        assert!(run["memory_end_bytes"].as_f64() > Some(5e6), "{run}");
        assert!(run["cpu_seconds"].as_f64() > Some(0.0), "{run}");
    }
    // What the image sets is what is there now.
    assert!(!super::candidate(&all, "current")["runs"][0]["proof"]["library"].is_null());
    let log = machine.text("log");
    let runs = log.lines().filter(|line| line.starts_with("run "));
    assert!(
        runs.clone().all(|line| line.contains(" --memory=512m ")),
        "{log}"
    );
    let plain = runs.clone().any(|line| line.contains("--env=LD_PRELOAD= "));
    assert!(plain, "the baseline is without what the image sets: {log}");
    assert!(!log.contains("build"), "it has jemalloc: {log}");
    machine.is_empty();
}

#[test]
fn every_run_asks_the_same_port() {
    if !has_jemalloc() {
        return;
    }
    let (two, first, second) = (file("two.py"), port(), port());
    let command = ["python3", &two, &first, &second];
    let machine = machine(&[("app", Image::Jemalloc, &command)]);
    let asked = |options: &[&str]| {
        for port in [&first, &second] {
            let _ = fs::remove_file(machine.home.path().join(format!("asked-{port}")));
        }
        let quick = ["--docker", "app", "--server", "--allocators", "glibc"];
        let rounds = ["--candidates", "0", "--rounds", "3", "--format", "json"];
        let arguments = [&QUICK[..6], &quick, &rounds, options].concat();
        let run = machine.run("containers-ports", &arguments);
        assert_eq!(run.code, Some(0), "{}", run.err);
        let of = |port: &str| machine.text(&format!("asked-{port}")).lines().count();
        let told = super::json(&run)["requests"]["port"].to_string();
        (
            (first.clone(), of(&first)),
            (second.clone(), of(&second)),
            told,
        )
    };
    // What opened first in the first container is asked in each, though it opens last in every other.
    let (one, other, told) = asked(&[]);
    let (most, least) = if one.1 > other.1 {
        (one, other)
    } else {
        (other, one)
    };
    assert!(
        most.1 > 160 && least.1 == 0 && told == most.0,
        "{most:?} {least:?} {told}"
    );
    // The other one can be named, for pages that name none, too.
    let (one, other, told) = asked(&["--port", &least.0, "--url", "/page"]);
    let (own, elsewhere) = if one.0 == least.0 {
        (one, other)
    } else {
        (other, one)
    };
    assert!(
        own.1 > 160 && elsewhere.1 == 0 && told == own.0,
        "{own:?} {elsewhere:?} {told}"
    );
}

#[test]
fn an_image_without_jemalloc_is_measured_as_a_copy_that_goes() {
    if !has_jemalloc() {
        return;
    }
    let (pages, port) = (file("pages.py"), port());
    let command = ["python3", &pages, &port, "ok"];
    let machine = machine(&[
        ("app", Image::Plain, &command),
        ("built", Image::Jemalloc, &command),
    ]);
    let arguments = [
        &QUICK[..],
        &[
            "--docker",
            "app",
            "--candidates",
            "1",
            "--format",
            "json",
            "--build",
            "--network=host --build-arg 'A=b c'",
        ],
    ]
    .concat();
    let run = machine.run("containers-copy", &arguments);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.err.contains("measured is a copy of `app`: "),
        "{}",
        run.err
    );
    let dockerfile = machine.text("dockerfile");
    assert!(
        dockerfile.starts_with("FROM app\n") && dockerfile.contains("libjemalloc2"),
        "{dockerfile}"
    );
    let log = machine.text("log");
    assert!(
        log.contains("build --network=host --build-arg A=b c --iidfile="),
        "{log}"
    );
    assert!(
        log.lines().last().unwrap().starts_with("rmi sha256:"),
        "{log}"
    );
    // What the copy sets is not what people have.
    let all = super::json(&run);
    let names: Vec<&str> = all["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(!names.contains(&"current"), "{names:?}");
    machine.is_empty();
    let failed = machine.run(
        "containers-copy-fails",
        &["--docker", "app", "--build", "--fail"],
    );
    assert_eq!(failed.code, Some(2));
    assert!(
        failed
            .err
            .contains("| E: Unable to locate package libjemalloc2"),
        "{}",
        failed.err
    );
    machine.is_empty();
}

#[test]
fn images_that_cannot_be_measured_are_refused_with_the_reason() {
    let sleep = ["sleep", "60"];
    let machine = machine(&[
        ("musl", Image::Musl, &sleep),
        ("app", Image::Jemalloc, &sleep),
    ]);
    for (arguments, reason) in [
        (
            &["--docker", "musl"][..],
            "`musl` runs on musl: `fix` adds no jemalloc there",
        ),
        (&["--docker", "nothing"], "repository does not exist"),
        (
            &["--docker", "app", "--", "gunicorn"],
            "No such image: gunicorn",
        ),
        (
            &["--docker", "app", "--", "musl"],
            "takes a word behind `--` for the image",
        ),
        (
            &["--docker", "app", "--allocators", "mimalloc"],
            "mimalloc is not in `app`",
        ),
        (
            &["--docker", "app", "--libs", "x.so"],
            "cannot be used with",
        ),
    ] {
        let run = machine.run("containers-refused", arguments);
        assert_eq!(run.code, Some(2), "{arguments:?}: {}", run.err);
        assert!(run.err.contains(reason), "{arguments:?}: {}", run.err);
        machine.is_empty();
    }
}

#[test]
fn what_ends_a_container_is_told() {
    if !has_jemalloc() {
        return;
    }
    let script = ["sh", "-c", "sleep 0.5; echo no database >&2; exit 3"];
    let machine = machine(&[("app", Image::Jemalloc, &script)]);
    let begin = [&QUICK[..], &["--docker", "app", "--server"]].concat();
    for (more, reasons) in [
        (
            &[][..],
            &["the server ended with exit code 3", "| no database"][..],
        ),
        (
            &["--", "--env=OUT_OF_MEMORY=1"],
            &["ran out of memory (it may take 64 MiB)"],
        ),
        (
            &["--", "--refused"],
            &[
                "the engine does not start the container",
                "port is already allocated",
            ],
        ),
    ] {
        let run = machine.run("containers-ends", &[&begin[..], more].concat());
        assert_eq!(run.code, Some(2), "{}", run.err);
        for reason in reasons {
            assert!(run.err.contains(reason), "{}", run.err);
        }
    }
    machine.is_empty();
}

/// However it ends, no container stays, though no process of it is below malloclint.
#[test]
fn no_container_stays_behind() {
    if !has_jemalloc() {
        return;
    }
    let (pages, port) = (file("pages.py"), port());
    let command = ["python3", &pages, &port, "ok"];
    let machine = machine(&[("app", Image::Jemalloc, &command)]);
    for name in ["INT", "TERM", "KILL"] {
        let test = format!("containers-{name}");
        let mut child = machine
            .tune(&test, &["--docker", "app", "--load-time", "1m"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let asked = machine.home.path().join("asked");
        wait_until(&mark(&test), |_| asked.exists());
        let own = Command::new("kill")
            .args([&format!("-{name}"), &child.id().to_string()])
            .status();
        assert!(own.unwrap().success());
        assert_eq!(
            child.wait().unwrap().code(),
            (name != "KILL").then_some(2),
            "{name}"
        );
        wait_until(&mark(&test), <[_]>::is_empty);
        machine.is_empty();
        fs::remove_file(asked).unwrap();
    }
    assert!(marked(&mark("containers-KILL")).is_empty());
}
