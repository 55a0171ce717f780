//! `malloclint tune` with real commands and the real libjemalloc: what it finds, what it refuses,
//! and that no process ever stays behind.

#![cfg(target_os = "linux")]
mod bad_input;
mod containers;
mod orphans;
mod processes;
mod proposal;
mod requests;

use crate::support::run;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::run::{Run, finish_within, folder, program};
use serde_json::Value;

/// A file of `tests/tune/`.
fn file(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("tests/tune").join(name).display().to_string()
}

/// `malloclint tune`, with nothing in its environment that decides about allocators, in a folder
/// of its own; the processes of the test have a mark.
fn tune(folder: &Path, test: &str) -> Command {
    let mut command = program(folder);
    for name in [
        "LD_PRELOAD",
        "MALLOC_CONF",
        "MALLOC_ARENA_MAX",
        "GLIBC_TUNABLES",
    ] {
        command.env_remove(name);
    }
    command
        .env(processes::NAME, processes::mark(test))
        .arg("tune");
    command
}

/// A `--budget` of so many seconds on a machine that has nothing else to do; as much longer as Python takes to start on this
/// one now, so that as many runs fit into it.
fn budget(seconds: u64) -> String {
    const IDLE: Duration = Duration::from_millis(100);
    let began = Instant::now();
    let mut python = Command::new("python3");
    let status = python.args(["-c", "import http.server"]).status().unwrap();
    assert!(status.success());
    let slower = began.elapsed().div_duration_f64(IDLE).clamp(1.0, 10.0);
    let longer = Duration::from_secs(seconds).mul_f64(slower);
    format!("{}ms", longer.as_millis())
}

/// Runs it to its end, which its budget brings, and demands that nothing stays behind.
fn done(command: &mut Command, test: &str) -> Run {
    /// No budget is that long.
    const LIMIT: Duration = Duration::from_secs(900);
    let run = finish_within(LIMIT, command, b"");
    let left = processes::marked(&processes::mark(test));
    assert!(left.is_empty(), "left behind: {left:?}\n{}", run.err);
    run
}

/// Whether the loader finds jemalloc; where tests must be complete, it has to.
pub(crate) fn has_jemalloc() -> bool {
    let maps = Command::new("cat")
        .arg("/proc/self/maps")
        .env("LD_PRELOAD", "libjemalloc.so.2")
        .output()
        .unwrap();
    let found = String::from_utf8_lossy(&maps.stdout).contains("libjemalloc.so.2");
    assert!(
        found || std::env::var_os("CI").is_none(),
        "libjemalloc.so.2 is missing: `make test` installs it"
    );
    if !found {
        eprintln!("left out: libjemalloc.so.2 is missing (apt-get install libjemalloc2)");
    }
    found
}

fn json(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

/// The candidate of that name.
fn candidate<'a>(all: &'a Value, name: &str) -> &'a Value {
    let mut candidates = all["candidates"].as_array().unwrap().iter();
    let found = candidates.find(|candidate| candidate["name"] == name);
    found.unwrap_or_else(|| panic!("no candidate {name}"))
}

const CONF: &str = "narenas:1,tcache:false";

#[test]
fn a_command_is_measured_proved_and_reported() {
    if !has_jemalloc() {
        return;
    }
    let folder = folder([]);
    let test = "measured";
    let run = done(
        tune(folder.path(), test)
            .args([
                "--rounds",
                "3",
                "--budget",
                &budget(20),
                "--candidates",
                "1",
                "--allocators",
                "jemalloc,glibc",
            ])
            .args(["--try", &format!("MALLOC_CONF={CONF}"), "--format", "json"])
            .args([
                "--metric",
                "blocks: ([0-9]+)",
                "--csv",
                "runs.csv",
                "--html",
                "report.html",
            ])
            .args(["--", "python3", &file("churn.py"), "3"]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let all = json(&run);
    let tried = candidate(&all, &format!("jemalloc {CONF}"));
    let runs = tried["runs"].as_array().unwrap();
    assert!(!runs.is_empty(), "{tried}");
    for run in runs {
        let proof = &run["proof"];
        assert!(
            proof["library"].as_str().unwrap().contains("libjemalloc"),
            "{proof}"
        );
        assert!(
            proof["process"].as_str().unwrap().starts_with("python"),
            "{proof}"
        );
        assert_eq!(
            proof["confirmed"],
            serde_json::json!(["narenas:1", "tcache:false"])
        );
        assert_eq!(
            run["metric"], 180.0,
            "3 rounds of 4 threads keep 15 blocks each"
        );
        assert!(run["samples"].as_array().unwrap().len() > 3);
        assert!(run["memory_peak_bytes"].as_f64().unwrap() > 1e6);
        assert!(run["cpu_seconds"].as_f64().unwrap() > 0.0);
    }
    let baseline = candidate(&all, "glibc");
    assert_eq!(baseline["memory_ratio"]["mean"], 1.0);
    assert!(baseline["runs"][0]["proof"]["library"].is_null());
    let csv = fs::read_to_string(folder.path().join("runs.csv")).unwrap();
    let count = |one: &Value| one["runs"].as_array().unwrap().len();
    let runs: usize = all["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(count)
        .sum();
    assert_eq!(csv.lines().count(), runs + 1);
    let html = fs::read_to_string(folder.path().join("report.html")).unwrap();
    // Curves, and what memory costs; each for wide and for narrow screens.
    assert_eq!(html.matches("<svg").count(), 4);
    assert!(html.contains(&format!("jemalloc {CONF}")) && !html.contains("http"));
    what_is_always_compared_is_shown(&all, &html);
}

/// What `fix` writes, and `MALLOC_ARENA_MAX=2`, with the machine and its words.
fn what_is_always_compared_is_shown(all: &Value, html: &str) {
    let (fix, arena_max) = (
        all["fix"].as_str().unwrap(),
        all["arena_max"].as_str().unwrap(),
    );
    assert_eq!(arena_max, "glibc MALLOC_ARENA_MAX=2");
    let fix = candidate(all, fix);
    assert_eq!(
        (&fix["origin"], &fix["dropped_after_round"]),
        (&"fix".into(), &Value::Null)
    );
    for (name, one) in [("fix", fix), (arena_max, candidate(all, arena_max))] {
        assert!(html.contains(name), "{name}");
        let rounds = candidate(all, "glibc")["runs"].as_array().unwrap().len();
        assert!(one["runs"].as_array().unwrap().len() + 1 >= rounds, "{one}");
        let words = ["surely lower", "surely higher", "unchanged", "undecided"];
        for figure in ["memory", "cpu", "cost"] {
            let word = one["verdicts"][figure].as_str().unwrap();
            assert!(words.contains(&word), "{word}");
        }
    }
    assert!(candidate(all, "glibc")["verdicts"].is_null());
    assert!(all["grew_bytes"].is_null(), "it is a command");
    assert!(
        all["machine"]["cpus"].as_u64() >= Some(1),
        "{}",
        all["machine"]
    );
    assert!(
        all["machine"]["libc"]
            .as_str()
            .unwrap()
            .starts_with("glibc 2.")
    );
    assert!(all["machine"]["python"].as_str().unwrap().starts_with("3."));
    assert_eq!(all["malloclint"], env!("CARGO_PKG_VERSION"));
    assert!(
        all["date"].as_str().unwrap().ends_with('Z'),
        "{}",
        all["date"]
    );
    assert!(!all["answer"].as_str().unwrap().is_empty());
}

/// A budget that is too short for more leaves what is always compared.
#[test]
fn a_short_budget_is_for_the_anchors() {
    let (folder, test) = (folder([]), "anchors");
    let run = done(
        tune(folder.path(), test)
            .args([
                "--budget",
                "20s",
                "--allocators",
                "glibc",
                "--format",
                "json",
            ])
            .args(["--", "sleep", "2"]),
        test,
    );
    let all = json(&run);
    let measured = all["candidates"].as_array().unwrap().iter();
    let names: Vec<_> = measured.map(|one| one["name"].as_str().unwrap()).collect();
    // Nine runs would be one setting more: of two seconds each they do not fit into it, however fast the machine is.
    assert_eq!(names, ["glibc", "glibc MALLOC_ARENA_MAX=2"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
}

/// A service that keeps nothing: the answer is one plain sentence, and is told early.
#[test]
fn a_small_service_keeps_what_it_has() {
    let (folder, test) = (folder([]), "small");
    let port = port();
    let load = format!("python3 {} {port} get", file("server.py"));
    let run = done(
        tune(folder.path(), test)
            .args([
                "--rounds",
                "3",
                "--budget",
                "40s",
                "--candidates",
                "1",
                "--allocators",
                "glibc",
            ])
            .args(["--server", "--ready", &format!("http://127.0.0.1:{port}/")])
            .args(["--load", &load, "--settle", "2s", "--memory", "end"])
            .args(["--goal", "low-memory"])
            .args(["--", "python3", &file("server.py"), &port]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let answer = run.out.split("\n\n").next().unwrap().split_whitespace();
    let answer = answer.collect::<Vec<_>>().join(" ");
    assert!(
        answer.starts_with("keep glibc: the service grew "),
        "{answer}"
    );
    assert!(
        answer.contains(" processes, too little to gain, and "),
        "{answer}"
    );
    // What it rests makes three rounds longer than a quarter of the budget: it is not decided before.
    assert!(
        run.err.contains("going on is hardly worth it"),
        "{}",
        run.err
    );
}

/// What jemalloc says of the user's own setting is no word on the candidates.
#[test]
fn a_wrong_setting_of_the_user_discards_nothing_else() {
    if !has_jemalloc() {
        return;
    }
    let (folder, test) = (folder([]), "own");
    let run = done(
        tune(folder.path(), test)
            .env("LD_PRELOAD", "libjemalloc.so.2")
            .env("MALLOC_CONF", "nonsense:1")
            .args(["--rounds", "3", "--budget", &budget(20)])
            .args(["--candidates", "1", "--allocators"])
            .args(["jemalloc,glibc", "--try"])
            .args([&format!("MALLOC_CONF={CONF}"), "--format", "json"])
            .args(["--", "python3", &file("churn.py"), "2"]),
        test,
    );
    let all = json(&run);
    let tried = candidate(&all, &format!("jemalloc {CONF}"));
    assert!(tried["discarded"].is_null(), "{}", run.err);
    let current = candidate(&all, "current");
    assert!(current["proof"].is_null() && current["discarded"].is_null());
    let runs = current["runs"].as_array().unwrap();
    let libraries = runs.iter().map(|run| run["proof"]["library"].as_str());
    assert!(
        !runs.is_empty() && libraries.flatten().all(|name| name.contains("jemalloc")),
        "{current}"
    );
}

#[test]
fn what_is_not_in_force_is_discarded_loudly() {
    if !has_jemalloc() {
        return;
    }
    let folder = folder([]);
    let test = "discarded";
    let script = format!("unset LD_PRELOAD; exec python3 {} 2", file("churn.py"));
    let run = done(
        tune(folder.path(), test)
            .args([
                "--budget",
                &budget(20),
                "--candidates",
                "2",
                "--allocators",
                "jemalloc",
            ])
            .args(["--try", "MALLOC_CONF=narenas:1,nonsense:1", "--try"])
            .args([&format!("MALLOC_CONF={CONF}"), "--format", "json"])
            .args(["--", "sh", "-c", &script]),
        test,
    );
    let all = json(&run);
    let unknown = &candidate(&all, "jemalloc narenas:1,nonsense:1")["discarded"];
    assert_eq!(unknown, "jemalloc says: Invalid conf pair: nonsense:1");
    let cleared = candidate(&all, &format!("jemalloc {CONF}"))["discarded"]
        .as_str()
        .unwrap();
    assert!(cleared.contains("is not loaded into `python"), "{cleared}");
    // What `fix` sets is not in force either.
    assert_eq!(
        run.err.matches("discarded jemalloc").count(),
        3,
        "{}",
        run.err
    );
    assert!(all["best"].is_null());
    assert_eq!(
        (run.code, &all["stop"]["kind"]),
        (Some(2), &"discarded".into())
    );
    assert_eq!(all["recommendation"], serde_json::json!([]));
}

#[test]
fn what_is_set_now_is_measured_too() {
    let folder = folder([]);
    let test = "current";
    let run = done(
        tune(folder.path(), test)
            .env("MALLOC_ARENA_MAX", "1")
            .args([
                "--budget",
                &budget(15),
                "--candidates",
                "1",
                "--allocators",
                "glibc",
            ])
            .args(["--", "python3", &file("churn.py"), "2"]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    for name in [
        "  current\n",
        "  glibc\n",
        "memory (PSS of all processes) over",
    ] {
        assert!(run.out.contains(name), "{}", run.out);
    }
    assert!(run.out.contains("rounds in"), "{}", run.out);
}

/// A port that is free now.
fn port() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port().to_string()
}

#[test]
fn a_server_is_started_loaded_watched_and_stopped() {
    let folder = folder([]);
    let test = "server";
    let port = port();
    let load = format!("python3 {} {port} get", file("server.py"));
    let run = done(
        tune(folder.path(), test)
            .args([
                "--rounds",
                "3",
                "--budget",
                &budget(30),
                "--candidates",
                "1",
                "--allocators",
                "glibc",
            ])
            .args([
                "--server",
                "--ready",
                &format!("http://127.0.0.1:{port}/"),
                "--load",
                &load,
            ])
            .args([
                "--settle",
                "300ms",
                "--metric",
                "requests: ([0-9]+)",
                "--format",
                "json",
            ])
            .args(["--", "python3", &file("server.py"), &port]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let all = json(&run);
    let first = &candidate(&all, "glibc")["runs"][0];
    assert_eq!(first["metric"], 10.0);
    let samples = first["samples"].as_array().unwrap();
    assert!(
        samples.iter().all(|sample| sample[2].as_u64() >= Some(2)),
        "the worker counts, too"
    );
    assert_eq!(all["load"], load);
}

/// A server that keeps memory on glibc's malloc and not on jemalloc: what is free at rest says why.
#[test]
fn why_a_setting_wins_is_told() {
    if !has_jemalloc() {
        return;
    }
    let folder = folder([]);
    let test = "why";
    let port = port();
    let load = format!("python3 {} {port} get", file("threads.py"));
    let report = r#"{"version": 1, "time": 5, "processes": [{"pid": 1, "command": "python3 x.py", "anonymous": 90000000, "free": 80000000,
        "verdict": "retention", "allocator": {"name": "glibc", "arenas": 9}, "levers": []}]}"#;
    fs::write(folder.path().join("seen.json"), report).unwrap();
    let run = done(
        tune(folder.path(), test)
            .args(["--rounds", "4", "--budget", &budget(40)])
            .args(["--allocators", "jemalloc"])
            .args([
                "--try",
                "MALLOC_CONF=narenas:1,dirty_decay_ms:0,muzzy_decay_ms:0",
            ])
            .args([
                "--candidates",
                "1",
                "--settle",
                "500ms",
                "--memory",
                "end",
                "--goal",
                "low-memory",
            ])
            .args([
                "--server",
                "--ready",
                &format!("127.0.0.1:{port}"),
                "--load",
                &load,
            ])
            .args(["--evidence", "seen.json"])
            .args(["--", "python3", &file("threads.py"), &port]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("76 of 85 MiB were free"), "{}", run.err);
    let out = run.out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(out.contains("why: at rest"), "{out}{}", run.err);
    assert!(out.contains("MiB less in the heaps of malloc"), "{out}");
}

#[test]
fn the_best_goes_into_the_configuration_and_from_there_into_files() {
    let files = [
        (
            "malloclint.toml",
            "# ours\nmalloc-conf = \"narenas:3,tcache:false\" # measured\n",
        ),
        ("jobs/readme", ""),
        (
            "Dockerfile",
            "FROM python:3.12-slim-bookworm\nCOPY . .\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n",
        ),
    ];
    let folder = folder(files);
    let fixed = run::run(folder.path(), ["fix", "--unsafe", "Dockerfile"]);
    let text = fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    assert!(
        text.contains("MALLOC_CONF=narenas:3,tcache:false"),
        "{text}{}",
        fixed.err
    );
    if !has_jemalloc() {
        return;
    }
    let test = "written";
    // What `fix` reads for this folder lies above it: a file of its own would hide that.
    let jobs = folder.path().join("jobs");
    let run = done(
        tune(&jobs, test)
            .args([
                "--budget",
                &budget(15),
                "--candidates",
                "1",
                "--allocators",
                "jemalloc,glibc",
            ])
            .args([
                "--try",
                &format!("MALLOC_CONF={CONF}"),
                "--write",
                "--format",
                "json",
            ])
            .args(["--", "python3", &file("churn.py"), "3"]),
        test,
    );
    let toml = fs::read_to_string(folder.path().join("malloclint.toml")).unwrap();
    // Which is better depends on the machine; what is written must agree with what is said.
    let all = json(&run);
    let jemalloc = all["best"].as_str().unwrap().strip_prefix("jemalloc ");
    let expected = if let Some(conf) = jemalloc {
        assert!(run.err.contains("wrote ../malloclint.toml"), "{}", run.err);
        files[0].1.replace("narenas:3,tcache:false", conf)
    } else {
        assert!(run.err.contains("nothing is written"), "{}", run.err);
        files[0].1.to_owned()
    };
    assert_eq!(toml, expected);
    assert_eq!(fs::read_dir(jobs).unwrap().count(), 1);
}

/// A C program, compiled; `None` where there is no such compiler.
fn compiled(folder: &Path, compiler: &str, flags: &[&str]) -> Option<PathBuf> {
    let source = folder.join("work.c");
    let text = "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
        int main(void) { for (int i = 0; i < 12; i++) { char *p = malloc(1 << 20); \
        memset(p, 1, 1 << 20); free(p); usleep(30000); } return 0; }\n";
    fs::write(&source, text).unwrap();
    let program = folder.join("work");
    let status = Command::new(compiler)
        .args(flags)
        .arg("-o")
        .arg(&program)
        .arg(&source)
        .status();
    let made = status.is_ok_and(|status| status.success());
    if !made {
        eprintln!("left out: {compiler} {flags:?} does not work here");
    }
    made.then_some(program)
}
