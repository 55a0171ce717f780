//! `malloclint inspect` on live processes, against what glibc and Python say of themselves there.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
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
        Self::start_as(shape, variables, None)
    }

    fn start_as(shape: &str, variables: &[(&str, &str)], user: Option<u32>) -> Self {
        let target = include_str!("../inspect/target.py");
        let mut command = Command::new("python3");
        // Its own file need not be one that this user may read.
        command
            .args(["-c", target, shape])
            .envs(variables.iter().copied());
        if let Some(user) = user {
            command.uid(user).gid(user).current_dir("/");
        }
        let mut child = command
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
        // To read the first line it asks for memory, which joins what is free: when it has answered, it is at rest.
        if shape != "unjoined" {
            target.ask("known");
        }
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

    fn pid(&self) -> String {
        self.child.id().to_string()
    }

    fn inspect(&self) -> Value {
        let run = inspect(&[&self.pid(), "--format", "json"]);
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

/// A main arena that `brk` has failed is read part by part, and what a fork shares is told.
#[test]
fn heaps_are_read_however_they_came_about() {
    for shape in ["noncontiguous", "forked", "manythreads", "bigblocks"] {
        let mut target = Target::start(shape, &[]);
        // After the fork it is another process.
        let pid = target.ask("known")["pid"].to_string();
        let run = inspect(&[&pid, "--format", "json"]);
        let report: Value = serde_json::from_str(&run.out).unwrap();
        let found = &report["processes"][0];
        let said = target.ask("malloc_info");
        let number = |name: &str| said[name].as_f64().unwrap();
        let live = bytes(found, "malloc_live") + bytes(found, "malloc_cached");
        let own = number("arenas") * 2304.0;
        assert_near(live + own, number("live"), 0.005, 65_536.0, shape);
        assert_eq!(bytes(found, "malloc_mapped"), number("mapped"), "{shape}");
        assert_eq!(found["allocator"]["arenas"], said["arenas"], "{shape}");
        // Every byte is somewhere: what is said comes to what the kernel counts, but for what its counters are behind.
        let all: u64 = found["memory"]
            .as_object()
            .unwrap()
            .values()
            .map(|bytes| bytes.as_u64().unwrap())
            .sum();
        let all = all - found["checks"]["untouched"].as_u64().unwrap();
        assert_near(
            all as f64,
            found["rss"].as_f64().unwrap(),
            0.005,
            851_968.0,
            shape,
        );
    }
}

/// What is free in fast bins is joined by `malloc_trim` first, however many blocks there are.
#[test]
fn small_blocks_are_joined_as_trim_joins_them() {
    let mut target = Target::start("unjoined", &[]);
    assert_eq!(target.answer(), "freed");
    is_trimmed_as_said(target, 1 << 20);
    // Here Python has what is free, and joined it itself.
    let target = Target::start("sparse", &[("PYTHONMALLOC", "malloc")]);
    is_trimmed_as_said(target, 50 << 20);
}

/// Holds what is said against what goes back; it is so many bytes at least.
#[track_caller]
fn is_trimmed_as_said(mut target: Target, least: u64) {
    let found = target.inspect();
    let trimmed = target.ask("trim").as_f64().unwrap();
    let said = found["checks"]["trimmable"].as_f64().unwrap();
    assert!(said > least as f64, "{said}");
    assert_near(said, trimmed, 0.01, 262_144.0, "trim");
}

/// Looks over time: a line for each, a file for spreadsheets, and what grew.
#[test]
fn what_grows_over_time_is_told() {
    let target = Target::start("fragmented", &[]);
    let folder = folder([]);
    let file = |name: &str| folder.path().join(name).display().to_string();
    let run = inspect(&[
        &target.pid(),
        "--watch",
        "1500ms",
        "--every",
        "200ms",
        "--csv",
        &file("w.csv"),
        "--html",
        &file("w.html"),
    ]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(run.out.contains("NOTHING GROWS (sure)"), "{}", run.out);
    let csv = fs::read_to_string(file("w.csv")).unwrap();
    let mut lines = csv.lines();
    let columns = lines.next().unwrap().split(',').count();
    assert!(
        csv.lines().count() > 5 && lines.all(|line| line.split(',').count() == columns),
        "{csv}"
    );
    let page = fs::read_to_string(file("w.html")).unwrap();
    for part in [
        "<svg",
        "The heaps at first",
        "The heaps at last",
        "NOTHING GROWS",
        "retention",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("{when}") && !page.contains("<script"));
    let run = inspect(&[&target.pid(), "--watch", "soon"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.contains("--watch: `soon` is no duration"),
        "{}",
        run.err
    );
    let run = inspect(&[&target.pid(), "--watch", "1s", "--csv", "/nowhere/w.csv"]);
    assert!(
        run.code == Some(2) && run.err.contains("/nowhere/w.csv"),
        "{}",
        run.err
    );
}

/// The map: a sign for each piece, dark where more is in use; for machines in cells.
#[test]
fn heaps_are_shown_as_maps() {
    let shown = |shape: &str| {
        let target = Target::start(shape, &[]);
        let run = inspect(&[&target.pid(), "--map"]);
        let dark = run.out.matches('█').count();
        let light = run.out.matches('░').count();
        assert!(run.out.contains("main arena"), "{}", run.out);
        let json = inspect(&[&target.pid(), "--map", "--format", "json"]);
        let report: Value = serde_json::from_str(&json.out).unwrap();
        assert!(report["processes"][0]["map"].as_array().unwrap().len() > 8);
        (dark, light)
    };
    let (dark, light) = shown("fragmented");
    assert!(light > 10 * dark, "{dark} {light}");
    let (dark, light) = shown("leaking");
    assert!(dark > 10 * light, "{dark} {light}");
}

/// Root reads a process of another user as that user; who may not read it is told the way out, and what can be said.
#[test]
fn processes_of_others_are_read_as_they_would() {
    if !is_root() {
        return;
    }
    let mut target = Target::start_as("fragmented", &[], Some(65_534));
    let found = target.inspect();
    assert_eq!(found["verdict"], "retention", "{found}");
    assert_eq!(
        found["allocator"]["arenas"],
        target.ask("malloc_info")["arenas"]
    );
    // One that nobody but root may read.
    let own = Target::start("small", &[]);
    let folder = folder([]);
    let mut command = program(folder.path());
    command.uid(65_534);
    let run = finish(command.args(["inspect", &own.pid()]), b"");
    assert_eq!(run.code, Some(2), "{}", run.out);
    assert!(run.err.contains("belongs to another user"), "{}", run.err);
    assert!(
        run.out.contains("NO VERDICT") && run.out.contains("threads"),
        "{}",
        run.out
    );
}

fn is_root() -> bool {
    let run = Command::new("id").arg("-u").output().unwrap();
    run.stdout == b"0\n"
}

/// What to set is printed as lines for a Dockerfile, as entries for a manifest, and as a patch.
#[test]
fn what_to_set_is_suggested() {
    let target = Target::start("fragmented", &[]);
    let run = inspect(&[&target.pid(), "--suggest"]);
    assert!(
        run.out
            .contains("\nENV LD_PRELOAD=libjemalloc.so.2 \\\n    MALLOC_CONF="),
        "{}",
        run.out
    );
    let run = inspect(&[&target.pid(), "--suggest=kubernetes"]);
    assert!(
        run.out
            .contains("\nenv:\n- name: LD_PRELOAD\n  value: \"libjemalloc.so.2\"\n"),
        "{}",
        run.out
    );
    let image = "FROM python:3.12-slim\nCMD [\"python\", \"target.py\", \"fragmented\"]\n";
    let served = image
        .replace("target.py", "server.py")
        .replace("\"fragmented\"", "\"--serve\"");
    let folder = folder([
        ("Dockerfile", served.as_str()),
        ("server.py", "while True:\n    serve()\n"),
    ]);
    let patch = |arguments: &[&str]| {
        let mut command = program(folder.path());
        finish(command.arg("inspect").args(arguments), b"")
    };
    let run = patch(&[&target.pid(), "--format", "patch", "--file", "Dockerfile"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    assert!(
        run.out.contains("+ENV LD_PRELOAD=libjemalloc.so.2"),
        "{}{}",
        run.out,
        run.err
    );
    let run = patch(&[&target.pid(), "--format", "patch"]);
    assert!(
        run.code == Some(2) && run.err.contains("needs `--file`"),
        "{}",
        run.err
    );
    let leak = Target::start("leaking", &[]);
    let run = inspect(&[&leak.pid(), "--suggest"]);
    assert!(
        run.out.is_empty() && run.err.contains("no allocator setting will help"),
        "{}{}",
        run.out,
        run.err
    );
}

/// The report for machines is what its document says.
#[test]
fn the_report_has_the_fields_of_its_document() {
    let target = Target::start("fragmented", &[("MALLOC_CONF", "narenas:1")]);
    let run = inspect(&[
        &target.pid(),
        "--watch",
        "1s",
        "--every",
        "400ms",
        "--map",
        "--format",
        "json",
    ]);
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let mut real = std::collections::BTreeSet::new();
    crate::cli::json::keys(&report, "", &mut real);
    // What is said in a sentence has no row of its own.
    let inner = ["memory.", "levers[].", "without_effect[].", "map[]."]
        .map(|key| format!("processes[].{key}"));
    let inner = inner
        .iter()
        .map(String::as_str)
        .chain(["samples[].", "trends[]."]);
    let inner: Vec<&str> = inner.collect();
    real.retain(|key| !inner.iter().any(|inner| key.starts_with(inner)));
    let documented = crate::cli::json::documented_of_inspect();
    assert_eq!(real, documented);
    let text = include_str!("../../docs/json.md");
    for category in report["processes"][0]["memory"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("`{category}`")), "{category}");
    }
}

/// The story: a service grows; it is no leak; it is fixed; it grows no more.
#[test]
fn a_service_grows_is_fixed_and_grows_no_more() {
    if !crate::tune::has_jemalloc() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inspect/story");
    let read = |name: &str| fs::read_to_string(root.join(name)).unwrap();
    let folder = folder([
        ("Dockerfile", read("Dockerfile").as_str()),
        ("service.py", &read("service.py")),
    ]);
    let run_here = |arguments: &[&str]| finish(program(folder.path()).args(arguments), b"");
    let grown = |variables: &[(&str, &str)], report: &str| {
        let mut child = Command::new("python3")
            .arg(root.join("service.py"))
            .envs(variables.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut days, mut done) = (
            child.stdin.take().unwrap(),
            BufReader::new(child.stdout.take().unwrap()),
        );
        for _ in 0..5 {
            writeln!(days, "work").unwrap();
            done.read_line(&mut String::new()).unwrap();
        }
        // What decays has time to.
        std::thread::sleep(std::time::Duration::from_secs(1));
        let run = run_here(&["inspect", &child.id().to_string(), "--format", "json"]);
        fs::write(folder.path().join(report), &run.out).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let found: Value = serde_json::from_str(&run.out).unwrap();
        found["processes"][0].clone()
    };
    let before = grown(&[], "before.json");
    assert_eq!(before["verdict"], "retention", "{before}");
    // Without it nothing says that its memory grows.
    assert!(run_here(&["fix", "--diff", "Dockerfile"]).out.is_empty());
    let run = run_here(&["fix", "--evidence", "Dockerfile=before.json", "Dockerfile"]);
    assert_eq!(run.code, Some(0), "{}", run.err);
    let fixed = fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    let set = |name: &str| {
        let (_, behind) = fixed
            .split_once(&format!("{name}="))
            .unwrap_or_else(|| panic!("{name}: {fixed}"));
        behind.split_whitespace().next().unwrap().to_owned()
    };
    let variables = [
        ("LD_PRELOAD", set("LD_PRELOAD")),
        ("MALLOC_CONF", set("MALLOC_CONF")),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let after = grown(&variables, "after.json");
    assert_eq!(after["allocator"]["name"], "jemalloc", "{after}");
    // An idle process gives its dirty pages back late.
    let free = |of: &Value| of["free"].as_f64().unwrap();
    assert!(free(&after) < free(&before) * 0.5, "{before} {after}");
    assert_eq!(
        after["without_effect"].as_array().unwrap().len(),
        0,
        "{after}"
    );
    let anonymous = |of: &Value| of["anonymous"].as_f64().unwrap();
    assert!(
        anonymous(&after) < anonymous(&before) * 0.6,
        "{before} {after}"
    );
}

/// Readers take what they find in a recorded process for what it is, and whatever stands there instead they come to an end, soon.
#[test]
fn whatever_a_recorded_process_holds_is_read_to_the_end() {
    use malloclint::internals::inspect::recorded;
    let folder = folder([]);
    let file = folder.path().join("image");
    let mut random = crate::support::random::Random::new(24);
    for (shape, preload) in [
        ("small", ""),
        ("noncontiguous", ""),
        ("small", "libjemalloc.so.2"),
    ] {
        if !preload.is_empty() && !crate::tune::has_jemalloc() {
            continue;
        }
        let target = Target::start(shape, &[("LD_PRELOAD", preload)]);
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/inspect/record.py");
        let pid = target.pid();
        let arguments = [root.as_os_str(), pid.as_ref(), file.as_os_str()];
        let run = Command::new("python3").args(arguments).status().unwrap();
        assert!(run.success());
        let live = target.inspect();
        let whole = fs::read(&file).unwrap();
        let report: Value = serde_json::from_str(&recorded(&whole).unwrap()).unwrap();
        let found = &report["processes"][0];
        for key in [
            "malloc_live",
            "pymalloc_live",
            "jemalloc_live",
            "jemalloc_dirty",
        ] {
            assert_near(bytes(found, key), bytes(&live, key), 0.01, 65_536.0, key);
        }
        assert_eq!(found["allocator"]["name"], live["allocator"]["name"]);
        for mutant in 0..60 {
            let mutated = mutate(&whole, &mut random);
            let begun = std::time::Instant::now();
            let _ = recorded(&mutated);
            let took = begun.elapsed();
            assert!(took.as_secs() < 20, "{shape} {preload} {mutant}: {took:?}");
        }
    }
}

/// Words of it replaced by what leads astray: other words of it, addresses a little further, sizes without end.
fn mutate(whole: &[u8], random: &mut crate::support::random::Random) -> Vec<u8> {
    let mut mutated = whole.to_vec();
    let pages = memchr::memmem::find(whole, b"\n\n").unwrap() + 2;
    let words = (whole.len() - pages) / 8 - 1;
    let place = |random: &mut crate::support::random::Random| pages + 8 * random.below(words);
    // Many words or few; those behind the first pages are the heap's and the libraries' data.
    for _ in 0..[1, 20, 2000, 50_000][random.below(4)] {
        let at = place(random);
        let other = place(random);
        let word = u64::from_le_bytes(whole[other..other + 8].try_into().unwrap());
        let word = match random.below(6) {
            0 => word,
            1 => word.wrapping_add(16),
            2 => u64::MAX - word % 4096,
            3 => 0x21,
            4 => 1 << random.below(64),
            _ => (random.below(1 << 20) as u64) << 4 | 1,
        };
        mutated[at..at + 8].copy_from_slice(&word.to_le_bytes());
    }
    mutated
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
fn people_read_it_in_a_hundred_columns() {
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
