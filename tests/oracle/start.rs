//! What a start script makes of `MALLOC_CONF` and `LD_PRELOAD`, against a real shell that runs it.
//!
//! Scripts are put together from statements, with a fixed seed. A stub of the server prints the
//! variable as it gets it. Every setting has a name of its own that jemalloc does not know, so that our
//! findings say which setting we take to be in force. Where a branch, a loop or a function decides, or a
//! value is put together, we may be silent, or report what is in force where the branch is not taken:
//! such scripts are counted apart. All others must agree.

#![cfg(unix)]
use crate::support::run;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

const SCRIPTS: usize = 1000;

/// Before the service; `%` is a setting. The flag: what it does can be told for sure.
const BEFORE: &[(&str, bool)] = &[
    ("export MALLOC_CONF=%", true),
    ("MALLOC_CONF=%", true),
    ("export MALLOC_CONF", true),
    ("unset MALLOC_CONF", true),
    ("MALLOC_CONF=% python warm.py", true),
    ("(export MALLOC_CONF=%; python warm.py)", true),
    ("export MALLOC_CONF=% | cat", true),
    ("true && export MALLOC_CONF=%", true),
    ("export A=1 MALLOC_CONF=% B=2", true),
    ("X=%; export MALLOC_CONF=$X", true),
    ("export 'MALLOC_CONF=%'", true),
    ("export MALLOC_CONF=\"%\"", true),
    ("export MALLOC_CONF=%,%", true),
    ("set -a; MALLOC_CONF=%; set +a", true),
    ("{ export MALLOC_CONF=%; }", true),
    ("debug() { export MALLOC_CONF=%; }", true),
    ("export MALLOC_CONF=\"${MALLOC_CONF:-%}\"", true),
    ("export MALLOC_CONF=${MALLOC_CONF-%}", true),
    ("export MALLOC_CONF=$MALLOC_CONF", false),
    (". ./more.sh", true),
    ("export X_MALLOC_CONF=%", true),
    ("python warm.py", true),
    ("MALLOC_CONF=", true),
    ("if [ -n \"$NOPE\" ]; then export MALLOC_CONF=%; fi", false),
    ("[ -n \"$NOPE\" ] && export MALLOC_CONF=%", false),
    ("if [ -z \"$NOPE\" ]; then export MALLOC_CONF=%; fi", false),
    (
        "if [ -z \"$NOPE\" ]; then export MALLOC_CONF=%; else export MALLOC_CONF=%; fi",
        false,
    ),
    ("false || export MALLOC_CONF=%", false),
    ("for i in 1 2; do export MALLOC_CONF=%; done", false),
    ("f() { export MALLOC_CONF=%; }; f", true),
    ("sh -c 'export MALLOC_CONF=%; python warm.py'", true),
    ("set -a; . ./plain.sh; set +a", true),
    ("export MALLOC_CONF=\"$MALLOC_CONF,%\"", false),
    ("case x in y) export MALLOC_CONF=% ;; esac", false),
    ("g() { export MALLOC_CONF=%; }; unset MALLOC_CONF; g", true),
    ("h() { unset MALLOC_CONF; }; (h)", true),
    ("h() { unset MALLOC_CONF; }; h | cat", true),
    ("h() (unset MALLOC_CONF); h", true),
    ("unset MALLOC_CONF & wait", true),
    ("{ export MALLOC_CONF=%; } & wait", true),
    ("unset -f MALLOC_CONF", true),
    (
        "S=$MALLOC_CONF; unset MALLOC_CONF; export MALLOC_CONF=$S",
        false,
    ),
    ("export MALLOC_CONF=${MALLOC_CONF:+$MALLOC_CONF,}%", false),
];

const SERVICE: &[&str] = &[
    "exec gunicorn app:app",
    "gunicorn app:app",
    "MALLOC_CONF=% exec gunicorn app:app",
    "env MALLOC_CONF=% gunicorn app:app",
    "env MALLOC_CONF=% MALLOC_CONF=% gunicorn app:app",
    "MALLOC_CONF=% env MALLOC_CONF=% gunicorn app:app",
    "exec env -u MALLOC_CONF gunicorn app:app",
    "MALLOC_CONF= gunicorn app:app",
    "exec \"$@\"",
    "sh -c \"MALLOC_CONF=% exec gunicorn app:app\"",
    "export MALLOC_CONF=% && exec gunicorn app:app",
    "main() { exec \"$@\"; }; main \"$@\"",
    "main() { export MALLOC_CONF=%; exec \"$@\"; }; main \"$@\"",
    "main() { exec gunicorn app:app; }\nexport MALLOC_CONF=%\nmain",
    "case \"$1\" in gunicorn) export MALLOC_CONF=%; exec \"$@\" ;; *) exec \"$@\" ;; esac",
    "if [ \"$1\" = gunicorn ]; then export MALLOC_CONF=%; exec gunicorn app:app; fi",
    "(export MALLOC_CONF=%; exec gunicorn app:app)",
    "exec sh -c 'exec gunicorn app:app'",
];

const AFTER: &[&str] = &[
    "",
    "",
    "export MALLOC_CONF=%",
    "MALLOC_CONF=% python warm.py",
];

/// SplitMix64.
struct Random(u64);

impl Random {
    fn pick<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        &all[((mixed ^ (mixed >> 31)) % all.len() as u64) as usize]
    }
}

/// A script, the setting that its image makes, and whether all of it can be told.
struct Case {
    script: String,
    env: Option<String>,
    sure: bool,
}

/// A variable that decides about allocators, and what tells its settings apart.
struct Variable {
    name: &'static str,
    /// A setting with a name of its own.
    setting: fn(usize) -> String,
    /// What stands between two of them.
    joint: &'static str,
}

const CONF: Variable = Variable {
    name: "MALLOC_CONF",
    setting: |number| format!("zz{number}:1"),
    joint: ",",
};

const PRELOAD: Variable = Variable {
    name: "LD_PRELOAD",
    setting: |number| format!("/zz{number}/libjemalloc.so.2"),
    joint: ":",
};

impl Variable {
    /// A statement about this variable, with settings that nothing else has.
    fn named(&self, text: &str, count: &mut usize) -> String {
        let text = text
            .replace("MALLOC_CONF", self.name)
            .replace(",%", &format!("{}%", self.joint));
        let mut parts = text.split('%');
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            *count += 1;
            out.push_str(&(self.setting)(*count));
            out.push_str(part);
        }
        out
    }

    fn cases(&self) -> Vec<Case> {
        let (mut random, mut count) = (Random(20_261_128), 0);
        let mut all = Vec::new();
        for _ in 0..SCRIPTS {
            let mut lines = vec!["#!/bin/sh".to_owned()];
            let mut sure = true;
            for _ in 0..*random.pick(&[0, 1, 1, 2, 2, 3]) {
                let (text, told) = random.pick(BEFORE);
                lines.push(self.named(text, &mut count));
                sure &= told;
            }
            lines.push(self.named(random.pick::<&str>(SERVICE), &mut count));
            lines.push(self.named(random.pick::<&str>(AFTER), &mut count));
            let env = random
                .pick(&[false, false, true])
                .then(|| self.named("%", &mut count));
            let script = lines.join("\n") + "\n";
            all.push(Case { script, env, sure });
        }
        all
    }
}

fn executable(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The settings that a text names.
fn settings(text: &str) -> BTreeSet<String> {
    let found = text.split(|c: char| !c.is_ascii_alphanumeric());
    let is_setting = |word: &&str| word.starts_with("zz");
    found.filter(is_setting).map(str::to_owned).collect()
}

/// What the server gets from a real shell.
fn real(folder: &Path, bin: &Path, variable: &Variable, case: &Case) -> BTreeSet<String> {
    let mut shell = Command::new("sh");
    shell
        .args(["./s.sh", "gunicorn", "app:app"])
        .current_dir(folder)
        .env_clear()
        .env("PATH", format!("{}:/usr/bin:/bin", bin.display()));
    if let Some(env) = &case.env {
        shell.env(variable.name, env);
    }
    let output = shell.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("SERVER["));
    settings(line.unwrap_or_else(|| panic!("no server: {}\n{text}", case.script)))
}

/// The case that a path stands in.
fn case_of(path: &str) -> Option<usize> {
    path.split('/')
        .find_map(|part| part.strip_prefix('c')?.parse().ok())
}

/// Writes every case into a folder of its own; `image` says what its image sets.
fn lay_out(root: &Path, variable: &Variable, cases: &[Case], image: impl Fn(&Case) -> String) {
    for (at, case) in cases.iter().enumerate() {
        let folder = root.join(format!("c{at}"));
        fs::create_dir(&folder).unwrap();
        executable(&folder.join("s.sh"), &case.script);
        let set = |setting: &str| format!("{}={setting}\n", variable.name);
        let more = variable.named("%", &mut 9_000_000);
        fs::write(folder.join("more.sh"), format!("export {}", set(&more))).unwrap();
        let plain = variable.named("%", &mut 8_000_000);
        fs::write(folder.join("plain.sh"), set(&plain)).unwrap();
        let dockerfile = format!(
            "FROM python:3.12-slim-bookworm\n\
             RUN apt-get update && apt-get install -y libjemalloc2\n{}\
             WORKDIR /app\nCOPY . .\nENTRYPOINT [\"./s.sh\"]\nCMD [\"gunicorn\", \"app:app\"]\n",
            image(case)
        );
        fs::write(folder.join("Dockerfile"), dockerfile).unwrap();
    }
}

/// Holds what we say of each case against what its server gets.
fn compare(root: &Path, variable: &Variable, cases: &[Case], ours: &[BTreeSet<String>]) {
    let bin = root.join("bin");
    fs::create_dir(&bin).unwrap();
    let server = format!("#!/bin/sh\necho \"SERVER[${}]\"\n", variable.name);
    executable(&bin.join("gunicorn"), &server);
    executable(&bin.join("python"), "#!/bin/sh\n");
    let (mut same, mut unsure, mut other) = (0, 0, Vec::new());
    for (at, case) in cases.iter().enumerate() {
        let real = real(&root.join(format!("c{at}")), &bin, variable, case);
        if real == ours[at] {
            same += 1;
        } else if case.sure {
            other.push(format!(
                "{}ENV={:?}: the server gets {real:?}, we say {:?}",
                case.script, case.env, ours[at]
            ));
        } else {
            unsure += 1;
        }
    }
    println!(
        "{SCRIPTS} scripts: {same} read as a shell runs them, {unsure} where a branch or loop decides"
    );
    assert!(
        other.is_empty(),
        "{} differ:\n{}",
        other.len(),
        other.join("\n\n")
    );
    assert!(unsure * 5 < SCRIPTS, "{unsure} of {SCRIPTS}");
}

#[test]
fn a_script_is_read_as_a_shell_runs_it() {
    let root = tempfile::tempdir().unwrap();
    let cases = CONF.cases();
    lay_out(root.path(), &CONF, &cases, |case| {
        let env = case.env.as_ref();
        let env = env.map_or_else(String::new, |env| format!(" MALLOC_CONF={env}"));
        format!("ENV LD_PRELOAD=libjemalloc.so.2{env}\n")
    });
    let check = ["check", ".", "--format", "json", "--fail-on", "never"];
    let checked = run::run(root.path(), check);
    let json: Value = serde_json::from_str(&checked.out).unwrap();
    let mut ours = vec![BTreeSet::new(); cases.len()];
    for finding in json["findings"].as_array().unwrap() {
        if finding["rule"] == "malloc-conf-unknown-option" {
            let at = case_of(finding["path"].as_str().unwrap()).unwrap();
            ours[at].extend(settings(finding["message"].as_str().unwrap()));
        }
    }
    compare(root.path(), &CONF, &cases, &ours);
}

#[test]
fn what_is_preloaded_is_what_a_shell_hands_on() {
    let root = tempfile::tempdir().unwrap();
    let cases = PRELOAD.cases();
    lay_out(root.path(), &PRELOAD, &cases, |case| {
        let env = case.env.as_ref();
        env.map_or_else(String::new, |env| format!("ENV LD_PRELOAD={env}\n"))
    });
    let units = run::run(root.path(), ["units", "."]);
    let mut ours = vec![BTreeSet::new(); cases.len()];
    let mut at: Option<usize> = None;
    for line in units.out.lines() {
        match line.trim_start().strip_prefix("preload ") {
            // What only a test decides about is said so.
            Some(list) if list.ends_with("condition holds)") => {}
            Some(list) => ours[at.unwrap()].extend(settings(list)),
            None if !line.starts_with(' ') => at = case_of(line).or(at),
            None => {}
        }
    }
    compare(root.path(), &PRELOAD, &cases, &ours);
}
