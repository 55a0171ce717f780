//! `malloclint inspect` on live processes, against what glibc and Python say of themselves there.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::support::run::{Run, finish, folder, program};

/// A program that makes a heap of some shape, and tells what its own allocator says of it when it is asked.
struct Target {
    child: Child,
    asked: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Target {
    fn start(shape: &str, variables: &[(&str, &str)]) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut child = Command::new("python3")
            .arg(root.join("tests/inspect/target.py"))
            .arg(shape)
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let asked = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        let mut target = Self {
            child,
            asked,
            answers,
        };
        assert_eq!(target.answer(), Value::String("ready".into()));
        target
    }

    fn ask(&mut self, what: &str) -> Value {
        writeln!(self.asked, "{what}").unwrap();
        self.asked.flush().unwrap();
        self.answer()
    }

    fn answer(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    fn inspect(&self) -> Value {
        let pid = self.child.id().to_string();
        let run = inspect(&[&pid, "--format", "json"]);
        assert_eq!(run.code, Some(0), "{}", run.err);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        assert_eq!(report["version"], 1);
        report["processes"][0].clone()
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn inspect(arguments: &[&str]) -> Run {
    let folder = folder([]);
    let mut command = program(folder.path());
    finish(command.arg("inspect").args(arguments), b"")
}

fn bytes(report: &Value, name: &str) -> f64 {
    report["memory"][name].as_f64().unwrap_or(0.0)
}

#[track_caller]
fn assert_near(found: f64, said: f64, share: f64, slack: f64, what: &str) {
    let most = said.abs() * share + slack;
    assert!(
        (found - said).abs() <= most,
        "{what}: found {found}, and it is {said}"
    );
}

/// Bytes in use and free are what `malloc_info` says in the process, and what `malloc_trim` gives back is what is called so.
#[test]
fn heaps_are_what_glibc_says() {
    for (shape, verdict) in [("fragmented", "retention"), ("leaking", "live")] {
        let mut target = Target::start(shape, &[]);
        let found = target.inspect();
        let said = target.ask("malloc_info");
        let number = |name: &str| said[name].as_f64().unwrap();
        // What describes the arenas counts as in use there.
        let own = number("arenas") * 2304.0;
        let live = bytes(&found, "malloc_live") + bytes(&found, "malloc_cached");
        assert_near(live + own, number("live"), 0.005, 65_536.0, "live");
        assert_eq!(
            found["checks"]["unwalked"].as_f64().unwrap().min(0.02),
            found["checks"]["unwalked"]
        );
        assert_eq!(found["allocator"]["arenas"], said["arenas"], "{shape}");
        assert_eq!(found["verdict"], verdict, "{shape}: {found}");
        let trimmed = target.ask("trim").as_f64().unwrap();
        assert_near(
            bytes(&found, "malloc_free_pages"),
            trimmed,
            0.01,
            262_144.0,
            "trim",
        );
    }
}

/// Where jemalloc is called its extents are read: what is in use and what waits to decay is what `mallctl` says in the process.
#[test]
fn extents_are_what_jemalloc_says() {
    if !crate::tune::has_jemalloc() {
        return;
    }
    let jemalloc = |conf: &'static str| [("LD_PRELOAD", "libjemalloc.so.2"), ("MALLOC_CONF", conf)];
    for (shape, conf) in [
        ("fragmented", "dirty_decay_ms:-1"),
        ("leaking", "narenas:2,muzzy_decay_ms:0"),
        ("fragmented", "narenas:1,tcache:false"),
    ] {
        let mut target = Target::start(shape, &jemalloc(conf));
        let found = target.inspect();
        let said = target.ask("mallctl");
        let number = |name: &str| said[name].as_f64().unwrap();
        assert_eq!(found["allocator"]["name"], "jemalloc");
        let live = bytes(&found, "jemalloc_live");
        assert_near(live, number("live"), 0.005, 131_072.0, "live");
        let active = live + bytes(&found, "jemalloc_between");
        assert_near(active, number("active"), 0.005, 131_072.0, "active");
        assert_near(
            bytes(&found, "jemalloc_dirty"),
            number("dirty"),
            0.005,
            131_072.0,
            "dirty",
        );
        let retained = found["checks"]["jemalloc_retained"].as_f64().unwrap();
        assert_near(retained, number("retained"), 0.005, 131_072.0, "retained");
        // How much of what is free the system counts depends on its huge pages.
        if shape == "leaking" {
            assert_eq!(found["verdict"], "live", "{conf}: {found}");
        }
    }
}

/// Python's own arenas are read, too: what they keep neither jemalloc nor `malloc_trim` gives back.
#[test]
fn pools_are_what_python_says() {
    let mut target = Target::start("sparse", &[]);
    let found = target.inspect();
    let said = target.ask("pymalloc");
    assert_eq!(found["checks"]["pymalloc_arenas"], said["arenas"]);
    assert_near(
        bytes(&found, "pymalloc_live"),
        said["live"].as_f64().unwrap(),
        0.005,
        65_536.0,
        "pymalloc",
    );
    assert_eq!(found["verdict"], "retention");
    let levers = found["levers"].to_string();
    assert!(levers.contains("PYTHONMALLOC=malloc"), "{levers}");
}

/// The parameters in force are those of the process, and what was set without effect is told.
#[test]
fn settings_are_those_in_force() {
    let target = Target::start(
        "small",
        &[("MALLOC_ARENA_MAX", "2"), ("MALLOC_CONF", "narenas:1")],
    );
    let found = target.inspect();
    assert!(
        found["settings"].to_string().contains("MALLOC_ARENA_MAX 2"),
        "{found}"
    );
    let idle = found["without_effect"].as_array().unwrap();
    let rules: Vec<&Value> = idle.iter().map(|one| &one["rule"]).collect();
    assert_eq!(rules, ["malloc-conf-without-jemalloc"]);
    let late = Target::start(
        "small",
        &[
            ("MALLOC_ARENA_MAX", "two"),
            ("LD_PRELOAD", "/nowhere/libjemalloc.so.2"),
        ],
    );
    let found = late.inspect();
    let said = found["without_effect"].to_string();
    assert!(
        said.contains("preload-not-installed") && said.contains("glibc-tunable-bad-value"),
        "{said}"
    );
    // Values of its environment are nobody's business.
    let secret = Target::start("small", &[("DB_PASSWORD", "hunter2")]);
    assert!(!secret.inspect().to_string().contains("hunter2"));
}

/// A process that goes on meanwhile is read, without a stop.
#[test]
fn a_busy_process_is_read() {
    let target = Target::start("busy", &[]);
    for _ in 0..5 {
        let found = target.inspect();
        let unwalked = found["checks"]["unwalked"].as_f64().unwrap();
        assert!(unwalked < 0.02, "{found}");
    }
}

/// Whatever lies in its memory, a process is read to the end, and soon.
#[test]
fn foreign_memory_leads_nowhere() {
    let begun = std::time::Instant::now();
    for shape in ["foreign", "empty"] {
        let found = Target::start(shape, &[]).inspect();
        assert!(
            found["memory"]["malloc_live"].as_u64().unwrap() > 0,
            "{shape}: {found}"
        );
    }
    assert!(begun.elapsed().as_secs() < 60);
}

/// Its children are found, and whatever runs Python.
#[test]
fn families_are_found() {
    let mut target = Target::start("small", &[]);
    let child = target.ask("fork").as_u64().unwrap();
    let own = u64::from(target.child.id());
    let pids = |arguments: &[&str]| {
        let run = inspect(&[arguments, &["--format", "json"]].concat());
        let report: Value = serde_json::from_str(&run.out).unwrap();
        let all = report["processes"].as_array().unwrap().iter();
        all.map(|one| one["pid"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(pids(&[&own.to_string(), "--tree"]), [own, child]);
    assert_eq!(pids(&[&own.to_string()]), [own]);
    let all = pids(&[]);
    assert!(all.contains(&own) && all.contains(&child));
}

/// What cannot be read is told, with what to do.
#[test]
fn what_cannot_be_read_is_told() {
    let refused = |pid: &str, says: &str| {
        let run = inspect(&[pid]);
        assert_eq!(run.code, Some(2), "{pid}: {}", run.out);
        assert!(run.err.contains(says), "{pid}: {}", run.err);
    };
    refused("4194305", "there is no process 4194305");
    refused(
        "2",
        if is_kernels(2) {
            "a thread of the kernel"
        } else {
            "2"
        },
    );
    let mut child = Command::new("true").spawn().unwrap();
    // It ends, and is not waited for yet.
    while !fs::read_to_string(PathBuf::from(format!("/proc/{}/stat", child.id())))
        .unwrap()
        .contains(") Z ")
    {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    refused(&child.id().to_string(), "has ended");
    child.wait().unwrap();
    let run = inspect(&["x"]);
    assert_eq!(run.code, Some(2));
    assert!(run.err.contains("invalid value 'x'"), "{}", run.err);
}

fn is_kernels(pid: u32) -> bool {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps"));
    maps.is_ok_and(|maps| maps.is_empty())
}

/// For people: the allocator, where the memory is, and the verdict.
#[test]
fn people_read_it_in_eighty_columns() {
    let target = Target::start("fragmented", &[]);
    let run = inspect(&[&target.child.id().to_string()]);
    for text in [
        "allocator in force   glibc 2.",
        "free, whole pages (malloc_trim)",
        "RETENTION",
        "malloclint fix",
        "nothing was stopped",
    ] {
        assert!(run.out.contains(text), "{text}: {}", run.out);
    }
    let wide = run.out.lines().find(|line| line.chars().count() > 100);
    assert_eq!(wide, None, "{}", run.out);
}
