//! Servers that `tune` finds, loads and stops by itself, and commands that are none.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{budget, candidate, done, file, json, port, tune};
use crate::support::run::{Run, folder};

/// What makes a test short.
const SHORT: [&str; 10] = [
    "--rounds",
    "3",
    "--allocators",
    "glibc",
    "--candidates",
    "1",
    "--settle",
    "300ms",
    "--format",
    "json",
];

fn short(folder: &Path, test: &str) -> Command {
    let mut command = tune(folder, test);
    command.args(SHORT).args(["--budget", &budget(40)]);
    command
}

/// `tune` with these options of the command `python3 tests/tune/...`.
fn tuned(test: &str, options: &[&str], command: &[&str]) -> Run {
    tuned_in(folder([]).path(), test, options, command)
}

fn tuned_in(folder: &Path, test: &str, options: &[&str], command: &[&str]) -> Run {
    done(
        short(folder, test)
            .args(options)
            .args(["--", "python3"])
            .args(command),
        test,
    )
}

fn runs(all: &Value) -> Vec<&Value> {
    let candidates = all["candidates"].as_array().unwrap();
    candidates
        .iter()
        .flat_map(|one| one["runs"].as_array().unwrap())
        .collect()
}

/// All runs make as many requests as the warm-up did, and none fails.
fn same_work(all: &Value) -> u64 {
    let count = all["requests"]["count"].as_u64().unwrap();
    let runs = runs(all);
    assert!(runs.len() >= 2, "{all}");
    for run in runs {
        let took = &run["requests"];
        assert_eq!(
            (took["count"].as_u64(), took["failures"].as_u64()),
            (Some(count), Some(0)),
            "{took}"
        );
        let times = ["p50_seconds", "p90_seconds", "p99_seconds", "max_seconds"]
            .map(|name| took[name].as_f64().unwrap());
        assert!(times[0] > 0.0 && times.is_sorted(), "{took}");
        assert!(
            run["cpu_seconds"].as_f64().unwrap() > 0.0
                && run["memory_mean_bytes"].as_f64().unwrap() > 1e6,
            "{run}"
        );
    }
    count
}

#[test]
fn a_command_that_waits_and_answers_is_a_server() {
    let (test, port) = ("requests-found", port());
    let run = tuned(
        test,
        &["--load-time", "1s"],
        &[&file("pages.py"), &port, "ok"],
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let said = format!(
        "the server listens on 127.0.0.1:{port}; if the command ends by itself, say `--batch`"
    );
    assert!(run.err.contains(&said), "{}", run.err);
    let all = json(&run);
    assert!(same_work(&all) > 10);
    assert_eq!(
        all["requests"]["urls"][0]["url"],
        format!("http://127.0.0.1:{port}/")
    );
    assert_eq!(
        (
            &all["requests"]["keep_alive"],
            &all["requests"]["connections"]
        ),
        (&false.into(), &8.into())
    );
    let first = &candidate(&all, "glibc")["runs"][0];
    assert_eq!(first["metric"], first["requests"]["per_second"]);
}

/// One that is known needs not be idle. Its page leads to another, which is asked for.
#[test]
fn a_server_that_is_known_is_one_at_once() {
    let (test, port) = ("requests-known", port());
    let script = std::fs::read_to_string(file("pages.py")).unwrap();
    let folder = folder([("gunicorn", script.as_str())]);
    let run = done(
        short(folder.path(), test)
            .args(["--requests", "40", "--keep-alive", "--csv", "runs.csv"])
            .args([
                "--",
                "sh",
                "-c",
                &format!("python3 gunicorn {port} moved/en/ busy; true"),
            ]),
        test,
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.err.contains("/ leads to /en/, which is asked for"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("--batch"), "{}", run.err);
    let all = json(&run);
    assert_eq!(same_work(&all), 40);
    assert_eq!(
        all["requests"]["urls"][0]["url"],
        format!("http://127.0.0.1:{port}/en/")
    );
    let csv = std::fs::read_to_string(folder.path().join("runs.csv")).unwrap();
    let fields: Vec<&str> = csv.lines().nth(1).unwrap().split(',').collect();
    assert_eq!(fields.len(), csv.lines().next().unwrap().split(',').count());
    assert_eq!(fields[fields.len() - 7..fields.len() - 5], ["40", "0"]);
}

#[test]
fn pages_have_weights_and_a_rate_is_judged_by_its_latency() {
    let (test, port) = ("requests-rate", port());
    let other = format!("http://127.0.0.1:{port}/b?n={{number}}");
    let ready = format!(":{port}");
    let options = [
        "--url",
        "3*/a",
        "--url",
        &other,
        "--rate",
        "100",
        "--requests",
        "50",
        "--ready",
        &ready,
        "--header",
        "X-Test: secret-of-mine",
    ];
    let run = tuned(test, &options, &[&file("pages.py"), &port, "status/404"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let all = json(&run);
    assert_eq!(same_work(&all), 50);
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    assert_eq!(
        all["requests"]["urls"][0],
        serde_json::json!({"url": url("/a"), "weight": 3})
    );
    assert!(!run.out.contains("secret-of-mine"));
    for run in runs(&all) {
        let (metric, took) = (run["metric"].as_f64().unwrap(), &run["requests"]);
        assert!(
            (metric - took["p99_seconds"].as_f64().unwrap() * 1e3).abs() < 1e-6,
            "{run}"
        );
        assert!(
            took["seconds"].as_f64().unwrap() > 0.45,
            "a schedule of half a second: {took}"
        );
    }
}

/// The shares of memory are those of the processes, however they share pages: forked workers are not counted several times.
#[test]
fn memory_under_load_and_at_rest_is_of_one_kind() {
    let (test, port) = ("requests-memory", port());
    let url = format!("http://127.0.0.1:{port}/");
    // As many seconds on every machine: what is written comes in steps, and each is seen.
    let options = ["--url", &url, "--rate", "40", "--requests", "60"];
    let run = tuned(test, &options, &[&file("forks.py"), &port]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    for run in runs(&json(&run)) {
        let memory = |sample: &Value| sample[1].as_f64().unwrap();
        let samples = run["samples"].as_array().unwrap();
        // 40 MiB are shared by four, who write to 8 of them each: far from 160, and no step where the load ends.
        let (most, end) = (
            run["memory_peak_bytes"].as_f64().unwrap(),
            run["memory_end_bytes"].as_f64().unwrap(),
        );
        assert!(most < 150e6 && end > 40e6, "{most} {end}");
        let steps = samples
            .windows(2)
            .map(|pair| (memory(&pair[1]) - memory(&pair[0])).abs());
        let largest = steps.fold(0.0, f64::max);
        assert!(largest < 20e6, "{largest}");
    }
}

/// A job may listen, and even answer HTTP: it ends by itself.
#[test]
fn a_job_stays_a_job() {
    let run = tuned("requests-job", &[], &[&file("listens.py")]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(!run.err.contains("the server listens"), "{}", run.err);
    let all = json(&run);
    assert!(all["load"].is_null() && all["requests"].is_null());
    assert!(
        runs(&all)
            .iter()
            .all(|run| run["requests"].is_null() && run["wall_seconds"].as_f64() > Some(1.5))
    );
}

#[test]
fn a_job_that_answers_is_known_by_its_end() {
    let port = port();
    // It ends when it was asked, in the midst of the load.
    let command = [&file("pages.py"), port.as_str(), "ok", "1"];
    let run = tuned("requests-ends", &["--load-time", "1m"], &command);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.err.contains("has ended by itself"), "{}", run.err);
    assert!(!run.err.contains("the server listens"), "{}", run.err);
    assert!(json(&run)["requests"].is_null());
}

#[test]
fn a_job_that_answers_is_known_because_that_is_said() {
    let port = port();
    // It need not be asked.
    let folder = folder([("asked", "")]);
    let command = [&file("pages.py"), port.as_str(), "ok", "2"];
    let run = tuned_in(folder.path(), "requests-batch", &["--batch"], &command);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(!run.err.contains("has ended by itself"), "{}", run.err);
    assert!(!run.err.contains("the server listens"), "{}", run.err);
    assert!(json(&run)["requests"].is_null());
}

/// How often each port was asked.
fn asked(folder: &Path, port: &str) -> usize {
    let asked = std::fs::read_to_string(folder.join(format!("asked-{port}")));
    asked.unwrap_or_default().lines().count()
}

const FEW: [&str; 2] = ["--requests", "40"];

#[test]
fn the_port_of_the_arguments_is_waited_for_while_another_is_open() {
    // Named as the server is, and its figures open first.
    let (figures, app) = (port(), port());
    let script = std::fs::read_to_string(file("two.py")).unwrap();
    let folder = folder([("gunicorn", script.as_str())]);
    let bind = format!("127.0.0.1:{app}");
    let command = ["gunicorn", &figures, &app, "-b", &bind];
    let run = tuned_in(folder.path(), "requests-named-port", &FEW, &command);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let at = folder.path();
    assert!(
        asked(at, &app) > 80 && asked(at, &figures) == 0,
        "{}",
        run.err
    );
    let hint = format!("(and on port {figures}: `--port PORT` takes another)");
    assert!(run.err.contains(&hint), "{}", run.err);
}

#[test]
fn what_opens_later_is_told_and_nothing_else_is_asked_for_that() {
    let (first, later) = (port(), port());
    let folder = folder([]);
    let command = [&file("two.py"), first.as_str(), later.as_str()];
    // A sign that is there before any port is.
    let options = [&FEW[..], &["--ready", "starting"]].concat();
    let run = tuned_in(folder.path(), "requests-later", &options, &command);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let at = folder.path();
    assert!(
        asked(at, &first) > 80 && asked(at, &later) == 0,
        "{}",
        run.err
    );
    assert!(run.err.contains(&format!("port {later}")), "{}", run.err);
}

#[test]
fn a_port_of_its_own_in_each_run_is_found_in_each() {
    let folder = folder([]);
    let options = [&FEW[..], &["--server"]].concat();
    let command = [&file("two.py"), "any", "-"];
    let run = tuned_in(folder.path(), "requests-any-port", &options, &command);
    assert_eq!(run.code, Some(0), "{}", run.err);
    same_work(&json(&run));
}
