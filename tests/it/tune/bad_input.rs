//! Commands, servers and options that cannot be measured: each has its message, exit code 2, and
//! leaves nothing behind.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::{budget, compiled, done, file, has_jemalloc, processes, tune};
use crate::support::run::{finish, folder};

/// Options, command, and what must be said.
type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a str);

fn refused(test: &str, cases: &[Case<'_>]) {
    let folder = folder([]);
    for (options, command, said) in cases {
        let run = done(
            tune(folder.path(), test)
                .args(["--allocators", "glibc"])
                .args(*options)
                .arg("--")
                .args(*command),
            test,
        );
        assert_eq!(run.code, Some(2), "{command:?}: {}{}", run.out, run.err);
        assert!(run.err.contains(said), "{command:?}: {}", run.err);
        assert_eq!(run.out, "", "{command:?}");
    }
}

#[test]
fn commands_that_cannot_be_measured() {
    let folder = folder([("no-program", "")]);
    let no_program = folder.path().join("no-program").display().to_string();
    refused(
        "bad-command",
        &[
            (
                &[],
                &["no-such-command"],
                "`no-such-command` cannot be started: No such file",
            ),
            (&[], &[&no_program], "cannot be started: Permission denied"),
            (&[], &["true"], "that is too short to measure"),
            (
                &[],
                &["sh", "-c", "echo oh no; exit 3"],
                "exit code 3; it printed last:\n  | oh no",
            ),
            (&[], &["sh", "-c", "kill -SEGV $$"], "signal 11 (SIGSEGV)"),
            (
                &["--timeout", "1s"],
                &["sleep", "100"],
                "did not end within 1 s (`--timeout`)",
            ),
            (
                &["--budget", "1s"],
                &["sleep", "100"],
                "did not end within 1 s (`--budget`)",
            ),
            (
                &["--budget", "4s"],
                &["sleep", "1"],
                "the budget of 4 s is too short",
            ),
            (
                &["--metric", "x: ([0-9]+)"],
                &["sleep", "0.3"],
                "matches nothing in the output",
            ),
        ],
    );
}

#[test]
fn servers_that_cannot_be_measured() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let limited = |ready_timeout, timeout, ready, load| {
        [
            "--ready-timeout",
            ready_timeout,
            "--timeout",
            timeout,
            "--server",
            "--ready",
            ready,
            "--load",
            load,
        ]
    };
    let never_ready = |ready| limited("1s", "1m", ready, "true");
    let server = |load| limited("1m", "1m", "up", load);
    let up = ["sh", "-c", "echo up; sleep 100"];
    refused(
        "bad-server",
        &[
            (
                &never_ready("never"),
                &up,
                "it printed no line that matches `never`",
            ),
            (
                &never_ready("127.0.0.1:1"),
                &up,
                "127.0.0.1:1 takes no connection",
            ),
            (
                &never_ready("http://127.0.0.1:1/x"),
                &up,
                "http://127.0.0.1:1/x does not answer",
            ),
            (
                &server("echo bad; exit 4"),
                &up,
                "the load ended with exit code 4; it printed last:\n  | bad\nthe server printed last:\n  | up",
            ),
            (
                &server("kill -9 $(cat pid); exit 4"),
                &["sh", "-c", "echo $$ > pid; echo up; exec sleep 100"],
                "the server ended with signal 9 (SIGKILL)",
            ),
            (
                &limited("1m", "1s", "up", "sleep 100"),
                &up,
                "the load did not end within 1 s",
            ),
            (
                &server("sleep 100"),
                &["sh", "-c", "echo up; sleep 0.3; exit 5"],
                "the server ended with exit code 5",
            ),
            (
                &server("true"),
                &["sh", "-c", "echo up; sleep 0.5"],
                "the server ended with exit code 0",
            ),
            (
                &["--server", "--ready", &taken, "--load", "true"],
                &up,
                "something else runs there",
            ),
        ],
    );
}

#[test]
fn options_that_cannot_be_meant() {
    let command: &[&str] = &["sleep", "1"];
    refused(
        "bad-options",
        &[
            (&["--budget", "10"], command, "`10` is no duration"),
            (&["--metric", "("], command, "--metric: "),
            (
                &["--try", "narenas:1"],
                command,
                "`narenas:1` is no NAME=VALUE",
            ),
            (
                &["--try", "MALLOC_CONF=narenas:1"],
                command,
                "jemalloc is not among the allocators",
            ),
            (
                &["--libs", "/nowhere/libjemalloc.so.2"],
                command,
                "/nowhere/libjemalloc.so.2: No such file",
            ),
            (
                &["--csv", "no/such/folder.csv"],
                command,
                "no/such/folder.csv: No such file or directory",
            ),
            (&["--load", "true"], command, "--ready <CHECK>"),
            (
                &["--server", "--load", "true", "--ready", "8000"],
                command,
                "--ready: `8000` is no address: a port is written `:8000`",
            ),
            (
                &["--try", "MALLOC_TRIM_THRESHOLD=0"],
                command,
                "nothing reads `MALLOC_TRIM_THRESHOLD`: `MALLOC_TRIM_THRESHOLD_` is meant",
            ),
        ],
    );
}

#[test]
fn requests_that_cannot_be_meant() {
    let command: &[&str] = &["sleep", "1"];
    refused(
        "bad-requests",
        &[
            (
                &["--rate", "0"],
                command,
                "--rate: 0 is no number of requests per second",
            ),
            (&["--rate", "-5"], command, "unexpected argument '-5'"),
            (&["--rate", "nan"], command, "--rate: NaN is no number"),
            (&["--connections", "0"], command, "0 is not in 1..=1000"),
            (
                &["--connections", "100000"],
                command,
                "100000 is not in 1..=1000",
            ),
            (&["--requests", "0"], command, "0 is not in 1..=10000000"),
            (
                &["--load-time", "0s"],
                command,
                "no request is made in no time",
            ),
            (
                &["--url", "0*/x"],
                command,
                "--url: `0*/x`: `0` is no weight",
            ),
            (
                &["--url", "two*http://localhost:1/"],
                command,
                "`two` is no weight",
            ),
            (
                &["--url", "https://localhost:1/"],
                command,
                "only http is spoken here",
            ),
            (
                &["--url", "http://localhost/"],
                command,
                "names no port: write `http://localhost:8000/`",
            ),
            (
                &["--url", "localhost:1"],
                command,
                "write `http://HOST:PORT/PATH`",
            ),
            (
                &["--url", "http://192.0.2.1:80/"],
                command,
                "`192.0.2.1:80` is another machine",
            ),
            (
                &["--url", "http://no-such-host.invalid:80/"],
                command,
                "there is no host for `no-such-host.invalid:80`",
            ),
            (
                &["--header", "nonsense"],
                command,
                "--header: `nonsense`: write `Name: value`",
            ),
            (
                &["--url", "/", "--metric", "x"],
                command,
                "cannot be used with '--metric",
            ),
            (
                &["--server", "--metric", "x"],
                command,
                "--metric: it looks into the output of `--load`",
            ),
            (
                &["--metric", "x"],
                &["gunicorn", "app:app"],
                "--metric: CMD is a server",
            ),
            (&["--batch", "--url", "/"], command, "cannot be used with"),
            (
                &["--server", "--ready", ":1", "--load", "true", "--url", "/"],
                command,
                "cannot be used with",
            ),
        ],
    );
}

/// Servers whose answers are no figures: each ends at once, with what to do.
#[test]
fn servers_that_answer_no_requests() {
    let (pages, port) = (super::file("pages.py"), super::port());
    let url = |path: &str| format!("http://127.0.0.1:{port}{path}");
    let (fails, dies, silent) = (url("/status/500"), url("/die"), url("/silent"));
    let missing = format!(
        "{} answers with status 404: give a page of the application by `--url`",
        url("/")
    );
    let later = format!("{fails} answers with status 500: see what the server printed");
    let unavailable = format!(
        "not ready within 8 s (`--ready-timeout`): {} answers with status 503",
        url("/status/503")
    );
    let quiet = format!(
        "not ready within 8 s (`--ready-timeout`): {silent} takes connections and does not answer"
    );
    let other_port = format!("it does not listen on port 1, but on port {port}");
    let tls = url("/");
    let command = |root: &'static str| ["python3", pages.as_str(), port.as_str(), root];
    let up = format!("http://127.0.0.1:{port}/up");
    refused(
        "bad-answers",
        &[
            (&["--url", &fails], &command("ok"), &later),
            (&["--url", &up, "--url", &fails], &command("ok"), &later),
            (&["--url", "/status/500"], &command("ok"), &later),
            (
                &["--port", "80", "--url", &up],
                &command("ok"),
                "--port: every `--url` names its port already",
            ),
            (
                &["--ready-timeout", "2s", "--port", "1"],
                &command("ok"),
                &other_port,
            ),
            (
                &["--url", "/page?id={n}"],
                &command("ok"),
                "braces are for `{number}` alone",
            ),
            (&[], &command("status/404"), &missing),
            (
                &[],
                &command("status/404"),
                "if the command ends by itself, say `--batch`",
            ),
            (
                &["--ready-timeout", "8s", "--url", &url("/status/503")],
                &command("ok"),
                &unavailable,
            ),
            (
                &["--url", &dies],
                &command("ok"),
                "the server ended with exit code 3",
            ),
            (
                &["--url", &up, "--url", &dies],
                &command("ok"),
                "the server ended with exit code 3",
            ),
            (
                &["--ready-timeout", "8s", "--url", &silent],
                &command("ok"),
                &quiet,
            ),
            (
                &["--ready-timeout", "2s", "--url", &up],
                &["sleep", "100"],
                "cannot be connected to (Connection refused)",
            ),
            (
                &["--ready-timeout", "2s", "--server"],
                &["sleep", "100"],
                "it listens on no TCP port",
            ),
            (
                &["--server"],
                &command("moved/https://localhost/"),
                &format!("{tls} leads to https://localhost/"),
            ),
            (
                &["--timeout", "2s", "--url", &up, "--requests", "10000000"],
                &command("ok"),
                "the load did not end within 2 s (`--timeout`)",
            ),
        ],
    );
}

/// A request may take 30 s, and no longer.
#[test]
fn a_page_that_takes_too_long_is_given_up() {
    let (pages, port) = (super::file("pages.py"), super::port());
    let slow = format!("http://127.0.0.1:{port}/slow/100");
    let folder = folder([]);
    let run = tune(folder.path(), "bad-slow")
        .args([
            "--allocators",
            "glibc",
            "--url",
            &slow,
            "--ready-timeout",
            "60s",
        ])
        .args(["--", "python3", &pages, &port, "ok"])
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&run.stderr);
    let said =
        format!("{slow} does not answer within 30 s: give a page that takes less by `--url`");
    assert!(run.status.code() == Some(2) && err.contains(&said), "{err}");
}

#[test]
fn a_port_that_is_in_use_is_said_with_who_uses_it() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let url = format!("http://127.0.0.1:{port}/");
    let said = format!("(process {}): end what listens there", std::process::id());
    let script = std::fs::read_to_string(super::file("pages.py")).unwrap();
    let folder = folder([("uvicorn", script.as_str())]);
    let uvicorn = folder.path().join("uvicorn").display().to_string();
    refused(
        "bad-port",
        &[
            (&["--url", &url], &["sleep", "100"], &said),
            // What it says itself is that it cannot listen.
            (
                &[],
                &["python3", &uvicorn, &port, "ok", "--port", &port],
                &said,
            ),
        ],
    );
}

/// A server that only other programs of this machine reach.
#[test]
fn a_unix_socket_is_refused() {
    let folder = folder([(
        "gunicorn",
        "import socket, time\nserver = socket.socket(socket.AF_UNIX)\nserver.bind('app.sock')\nserver.listen()\ntime.sleep(100)\n",
    )]);
    let run = done(
        tune(folder.path(), "bad-unix").args([
            "--allocators",
            "glibc",
            "--",
            "python3",
            "gunicorn",
        ]),
        "bad-unix",
    );
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(
        run.err.contains(
            "on a Unix socket (app.sock): start it with a port (`--bind 127.0.0.1:8000`)"
        ),
        "{}",
        run.err
    );
}

/// A server whose pages are the same files for every application.
#[test]
fn pages_that_run_nothing_of_the_application_are_refused() {
    let folder = folder([(
        "streamlit",
        "import http.server\nhttp.server.HTTPServer(('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler).serve_forever()\n",
    )]);
    let run = done(
        tune(folder.path(), "bad-files").args([
            "--allocators",
            "glibc",
            "--",
            "python3",
            "streamlit",
            "run",
            "app.py",
        ]),
        "bad-files",
    );
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(
        run.err.contains("run nothing of the application: the script runs in WebSocket sessions. Give a load of your own (`--server"),
        "{}",
        run.err
    );
}

/// What cannot be written in the end is known before the first of many minutes.
#[test]
fn a_configuration_that_is_broken_is_said_at_once() {
    for (text, said) in [
        ("goal = \n", "malloclint.toml: line 1, column 8"),
        ("goal = \"fast\"\n", "there is no value `fast`"),
    ] {
        let folder = folder([("malloclint.toml", text), ("web/app.py", "")]);
        let test = "bad-config";
        let run = done(
            tune(&folder.path().join("web"), test)
                .args(["--allocators", "glibc", "--write", "--"])
                .args(["sh", "-c", "touch ran; sleep 1"]),
            test,
        );
        assert_eq!(run.code, Some(2), "{}", run.err);
        assert!(run.err.contains(said), "{}", run.err);
        assert!(!folder.path().join("web/ran").exists(), "{}", run.err);
    }
}

#[test]
fn a_page_that_answers_with_an_error_is_told_so() {
    let folder = folder([]);
    let port = super::port();
    let ready = format!("http://127.0.0.1:{port}/nowhere");
    let run = done(
        tune(folder.path(), "bad-page")
            .args(["--allocators", "glibc", "--server", "--load", "true"])
            .args(["--ready-timeout", "8s", "--ready", &ready])
            .args(["--", "python3", "-m", "http.server", &port]),
        "bad-page",
    );
    assert_eq!(run.code, Some(2), "{}", run.err);
    let said = format!("not ready within 8 s (`--ready-timeout`): {ready} answers with status 404");
    assert!(run.err.contains(&said), "{}", run.err);
}

/// A setting under which the command hangs is discarded, and the others are compared.
#[test]
fn a_setting_that_hangs_is_discarded() {
    let (folder, test) = (folder([]), "hanging");
    let script = "test -n \"$MALLOC_TOP_PAD_\" && sleep 100; sleep 0.3";
    let run = done(
        tune(folder.path(), test)
            .args(["--allocators", "glibc", "--candidates", "2"])
            .args(["--try", "MALLOC_TOP_PAD_=1", "--try", "MALLOC_CHECK_=0"])
            .args(["--budget", &budget(20), "--format", "json"])
            .args(["--", "sh", "-c", script]),
        test,
    );
    let all = super::json(&run);
    let reason = &super::candidate(&all, "glibc MALLOC_TOP_PAD_=1")["discarded"];
    let said = "the command did not end within";
    assert!(
        reason
            .as_str()
            .is_some_and(|reason| reason.starts_with(said)),
        "{reason}"
    );
    assert!(
        run.err.contains("(far longer than the baseline takes)"),
        "{}",
        run.err
    );
    let runs = super::candidate(&all, "glibc MALLOC_CHECK_=0")["runs"]
        .as_array()
        .unwrap();
    assert!(!runs.is_empty(), "{}", run.err);
    assert_eq!(run.code, Some(0), "{}", run.err);
}

/// A run that hangs uses up what is left of the budget, not its own limit of minutes.
#[test]
fn a_run_that_hangs_ends_with_the_budget() {
    let (folder, test) = (folder([]), "hangs");
    let script = "if [ -e ran ]; then sleep 1000; fi; touch ran; sleep 0.3";
    let run = done(
        tune(folder.path(), test)
            .args(["--allocators", "glibc", "--candidates", "1"])
            .args(["--budget", &budget(10), "--format", "json"])
            .args(["--", "sh", "-c", script]),
        test,
    );
    let all = super::json(&run);
    assert_eq!(all["stop"]["kind"], "budget", "{}", run.err);
    assert!(all["seconds"].as_f64().unwrap() < 500.0, "{all}");
    assert_eq!(run.code, Some(2), "nothing was measured");
}

#[test]
fn a_library_that_is_missing_comes_with_how_to_install_it() {
    // Only where it is missing can that be seen; the command itself has a unit test.
    let folder = folder([]);
    if has_jemalloc() {
        return;
    }
    let run = done(
        tune(folder.path(), "missing").args(["--", "sleep", "1"]),
        "missing",
    );
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("the loader finds no jemalloc here"),
        "{}",
        run.err
    );
}

#[test]
fn a_static_program_or_another_c_library_is_refused() {
    if !has_jemalloc() {
        return;
    }
    let (folder, test) = (folder([]), "bad-libc");
    let kinds: [(&str, &[&str], &str); 2] = [
        (
            "cc",
            &["-static"],
            "`work` is statically linked: LD_PRELOAD has no effect",
        ),
        ("musl-gcc", &[], "`work` runs on musl, and "),
    ];
    for (compiler, flags, said) in kinds {
        let Some(program) = compiled(folder.path(), compiler, flags) else {
            continue;
        };
        let run = done(
            tune(folder.path(), test)
                .args(["--allocators", "jemalloc", "--"])
                .arg(program),
            test,
        );
        assert_eq!(run.code, Some(2), "{}", run.err);
        assert!(run.err.contains(said), "{}", run.err);
    }
}

#[test]
fn memory_that_may_not_be_read_is_said() {
    let folder = folder([]);
    let at = |name: &str| folder.path().join(name);
    let open = |name: &str, mode: u32| {
        fs::set_permissions(at(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    let sleep = Command::new("sh")
        .args(["-c", "command -v sleep"])
        .output()
        .unwrap();
    let sleep = String::from_utf8(sleep.stdout).unwrap();
    fs::copy(sleep.trim(), at("sleep")).unwrap();
    fs::copy(env!("CARGO_BIN_EXE_malloclint"), at("malloclint")).unwrap();
    open("malloclint", 0o755);
    open("sleep", 0o4755);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // As nobody, a set-uid program becomes root; only root can set that up.
    let mut command = Command::new("setpriv");
    command
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(at("malloclint"))
        .args(["tune", "--allocators", "glibc", "--"])
        .arg(at("sleep"))
        .arg("30")
        .env(processes::NAME, processes::mark("unreadable"))
        .current_dir(folder.path());
    let may = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "true"])
        .status();
    if !may.is_ok_and(|status| status.success()) {
        eprintln!("left out: it needs root and setpriv");
        return;
    }
    let run = finish(&mut command, b"");
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(
        run.err
            .contains("no permission to read the memory of process"),
        "{}",
        run.err
    );
    assert!(run.err.contains("(`sleep`)"), "{}", run.err);
    let left = processes::marked(&processes::mark("unreadable"));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_command_that_loads_an_allocator_itself_is_refused() {
    if !has_jemalloc() {
        return;
    }
    let (folder, test) = (folder([]), "bad-preload");
    let script = format!(
        "LD_PRELOAD=libjemalloc.so.2 exec python3 {} 2",
        file("churn.py")
    );
    let run = done(
        tune(folder.path(), test).args(["--allocators", "jemalloc", "--", "sh", "-c", &script]),
        test,
    );
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert!(
        run.err
            .contains("by itself: take that out of the command first"),
        "{}",
        run.err
    );
}
