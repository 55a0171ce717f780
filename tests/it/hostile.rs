//! What a stranger's repository may not do: make the program show what is secret, or read what lies outside.

use std::path::Path;

use crate::support::run::{FAULTY, finish, folder, program, run, write};

/// What nobody may see.
const SECRET: &str = "hunter2hunter2";

#[test]
fn nothing_secret_is_shown() {
    let image = format!(
        "FROM user:{SECRET}@registry.example.com/python:3.12-slim\n\
         ENV DB_PASSWORD={SECRET}\n\
         ENV LD_PRELOAD=https://u:{SECRET}@host/libjemalloc.so MALLOC_ARENA_MAX_=2 api_key={SECRET}\n\
         ENV token {SECRET}\n\
         ENV MALLOC_CONF=narenas:2,tcach:false\n\
         RUN curl -H 'Authorization: Bearer {SECRET}' https://u:{SECRET}@host\n\
         CMD [\"gunicorn\", \"--certfile\", \"x\", \"--password\", \"{SECRET}\", \"a:b\"]\n"
    );
    let compose = format!(
        "services:\n  api:\n    image: shop\n    command: python -m app --api-key={SECRET}\n    env_file: [prod.env]\n    environment:\n      DB_PASSWORD: {SECRET}\n      MALLOC_ARENA_MAX_: 2\n      SECRET: {SECRET}\n"
    );
    let pod = format!(
        "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [gunicorn, --threads, '8', a:b]\n    env:\n    - name: DB\n      value: {SECRET}\n    - {{name: MALLOC_ARENA_MAX_, value: \"2\"}}\n    - {{name: OTHER, value: {SECRET}}}\n    - name: PIN\n      value: 1234\n"
    );
    let env = format!("A_TOKEN={SECRET}\nMALLOC_CONF=narenas:2,tcach:false\nother={SECRET}\n");
    let folder = folder([
        ("Dockerfile", image.as_str()),
        ("compose.yaml", compose.as_str()),
        ("pod.yaml", pod.as_str()),
        ("prod.env", env.as_str()),
    ]);
    let at = folder.path();
    let mut shown = Vec::new();
    for format in [
        "human",
        "concise",
        "json",
        "sarif",
        "github",
        "gitlab",
        "rdjson",
        "markdown",
        "ndjson",
        "junit",
        "checkstyle",
        "sonarqube",
        "azure",
    ] {
        shown.push(run(at, ["check", "--format", format, "."]));
    }
    assert!(
        shown[0].out.contains("nothing reads `MALLOC_ARENA_MAX_`"),
        "{}",
        shown[0].out
    );
    assert!(shown[0].out.contains("api_key=…"), "{}", shown[0].out);
    shown.push(run(at, ["units", "."]));
    shown.push(run(at, ["fix", "--check", "."]));
    shown.push(run(at, ["check", "--write-baseline", "known.json", "."]));
    for ran in &shown {
        assert!(
            !ran.out.contains(SECRET) && !ran.err.contains(SECRET),
            "{} {}",
            ran.out,
            ran.err
        );
    }
    // Programs are given what is to be changed, and that alone.
    for of in [0, 1, 4, 5, 7, 9, 10, 11, 12, 13, 14] {
        assert!(!shown[of].out.contains("1234"), "{}", shown[of].out);
    }
    let known = std::fs::read_to_string(at.join("known.json")).unwrap();
    assert!(!known.contains(SECRET));
    // A diff is for programs: masked, it would not apply. What it touches is in it as it is.
    assert!(run(at, ["fix", "--diff", "."]).out.contains(SECRET));
}

/// What a variable puts into a command is no more shown than the variable's own line.
#[test]
fn what_variables_put_into_commands_is_not_shown() {
    let compose = "services:\n  api:\n    image: shop\n    restart: always\n    command: python -m app --a ${CONN} --b=${OTHER:-hunter2b}\n";
    let pod = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: x\n        command: [python, app.py, --a, $(CONN)]\n        env:\n        - {name: CONN, value: hunter2}\n";
    let image = "FROM python:3.12-slim\nENV CONN=hunter2\nCOPY run.sh /\nEXPOSE 80\nCMD [\"/run.sh\", \"x\"]\n";
    let shell = "FROM python:3.12-slim\nENV CONN=hunter2\nEXPOSE 80\nCMD python app.py --a $CONN \"$CONN/x\"\n";
    let script = "#!/bin/sh\nKEY=hunter2\nALL=\"all $KEY\"\nexec python app.py --a $KEY -b \"$ALL\" --c $CONN \"$@\"\n";
    let folder = folder([
        ("compose.yaml", compose),
        (".env", "CONN='of hunter2'\n"),
        ("pod.yaml", pod),
        ("Dockerfile", image),
        ("shell.Dockerfile", shell),
        ("run.sh", script),
    ]);
    let units = run(folder.path(), ["units", "."]).out;
    let check = run(folder.path(), ["check", "."]).out;
    assert_eq!(units.matches("  starts ").count(), 4, "{units}");
    assert!(
        units.contains("python app.py --a … -b … … --c … x"),
        "{units}"
    );
    assert!(check.contains("python app.py --a"), "{check}");
    for out in [&units, &check] {
        assert!(!out.contains("hunter2"), "{out}");
    }
}

#[test]
fn of_a_file_of_variables_one_line_is_shown() {
    let compose = "services:\n  api:\n    image: python:3.12-slim\n    command: gunicorn --threads 8 a:b\n    env_file: prod.env\n";
    let folder = folder([
        ("compose.yaml", compose),
        ("prod.env", "above=1\nMALLOC_ARENA_MAX_=2\nbelow=1\n"),
    ]);
    let out = run(folder.path(), ["check", "."]).out;
    assert!(out.contains("2 │ MALLOC_ARENA_MAX_=2"), "{out}");
    assert!(!out.contains("above") && !out.contains("below"), "{out}");
}

/// A project, and beside it what it may not see.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let around = folder([
        ("secret.env", "LD_PRELOAD=libjemalloc.so.2\nA=secret\n"),
        ("elsewhere/Dockerfile.x", FAULTY),
        (
            "elsewhere/Dockerfile.y",
            "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n",
        ),
        (
            "elsewhere/run.sh",
            "#!/bin/sh\nexport LD_PRELOAD=libjemaloc.so\nexec gunicorn --threads 8 a:b\n",
        ),
        ("elsewhere/malloclint.toml", "ignore = [\"no-rule\"]\n"),
        ("elsewhere/base/kustomization.yaml", "resources: [a.yaml]\n"),
    ]);
    for (path, text) in files {
        write(&around.path().join("project"), path, text);
    }
    std::fs::create_dir(around.path().join("project/.git")).unwrap();
    around
}

#[cfg(unix)]
fn link(around: &Path, to: &str, from: &str) {
    std::os::unix::fs::symlink(around.join(to), around.join("project").join(from)).unwrap();
}

const SERVICE: &str = "    image: python:3.12-slim\n    command: gunicorn --threads 8 a:b\n";

#[test]
fn what_lies_outside_leaves_a_service_undecided() {
    for more in [
        "    env_file: ../secret.env\n",
        "    env_file: [/proc/self/environ]\n",
        "    env_file: [./a/../../secret.env]\n",
        "    build: {context: .., dockerfile: elsewhere/Dockerfile.x}\n",
    ] {
        let text = format!("services:\n  api:\n{SERVICE}{more}");
        let around = project(&[("compose.yaml", &text)]);
        let at = around.path().join("project");
        let ran = run(&at, ["check", "--format", "concise", "."]);
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{more}");
        let units = run(&at, ["units", "."]).out;
        assert!(
            units.contains("is not read: it lies outside"),
            "{more}{units}"
        );
        // Twin: who wants it read says so. (Nothing of the system's own folders is read, whatever the root.)
        let root = run(&at, ["check", "--format", "concise", "--root", "..", "."]);
        assert_eq!(
            root.out.contains("secret.env"),
            more.contains("secret"),
            "{more}{}",
            root.out
        );
    }
    let plain = format!("services:\n  api:\n{SERVICE}    env_file: own.env\n");
    let around = project(&[("compose.yaml", &plain), ("own.env", "A=1\n")]);
    let ran = run(
        &around.path().join("project"),
        ["check", "--format", "concise", "."],
    );
    assert!(ran.out.contains("[allocator-unset]"), "{}", ran.out);
}

/// A script, too, whatever names it; and nobody learns whether the file is there.
#[cfg(unix)]
#[test]
fn scripts_and_images_outside_leave_a_service_undecided() {
    let image =
        |start: &str| format!("FROM python:3.12-slim\nCOPY s /s\nEXPOSE 80\nCMD [{start}]\n");
    let reads = "#!/bin/sh\n. /s/env.sh\nexec gunicorn --threads 8 a:b\n";
    for (start, script, name) in [
        ("\"/s/start.sh\"", reads, "env.sh"),
        ("\"/s/run\"", reads, "run"),
        ("\"sh\", \"/s/run\"", reads, "run"),
        ("\"python\", \"/s/run.py\"", reads, "run.py"),
    ] {
        for there in [true, false] {
            let around = project(&[("Dockerfile", &image(start)), ("s/start.sh", script)]);
            let at = around.path().join("project");
            let to = if there { "secret.env" } else { "absent" };
            link(around.path(), to, &format!("s/{name}"));
            let ran = run(&at, ["check", "--format", "concise", "."]);
            assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{start}");
            let units = run(&at, ["units", "."]).out;
            let said = format!("`s/{name}` is not read: it lies outside");
            assert!(units.contains(&said), "{start} {units}");
            // Twin: one inside.
            std::fs::remove_file(at.join("s").join(name)).unwrap();
            write(
                &at,
                &format!("s/{name}"),
                "#!/bin/sh\nA=1\nexec gunicorn --threads 8 a:b\n",
            );
            let ran = run(&at, ["check", "--format", "concise", "."]);
            assert!(ran.out.contains("[allocator-unset]"), "{start}");
        }
    }
    let mut said = Vec::new();
    for file in ["../elsewhere/Dockerfile.x", "../absent", "/etc/passwd"] {
        let config = format!("[images]\nx = \"{file}\"\n");
        let around = project(&[
            ("compose.yaml", "services:\n  a: {image: x}\n"),
            ("malloclint.toml", &config),
        ]);
        let ran = run(&around.path().join("project"), ["check", "."]);
        assert_eq!(ran.code, Some(2));
        let err = ran.err.replace(file, "x");
        said.push(err[err.find("malloclint.toml").unwrap()..].to_owned());
    }
    assert!(
        said[0].contains("`x` lies outside of the project"),
        "{said:?}"
    );
    assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
    // Of a pyproject.toml that leads out nobody knows whether it is about us.
    let around = project(&[("Dockerfile", FAULTY)]);
    link(around.path(), "elsewhere/malloclint.toml", "pyproject.toml");
    let ran = run(&around.path().join("project"), ["check", "."]);
    assert_eq!((ran.code, ran.err.as_str()), (Some(1), ""));
}

#[cfg(unix)]
#[test]
fn values_for_compose_that_lie_outside_are_unknown() {
    let compose = "services:\n  api:\n    image: python:3.12-slim\n    command: gunicorn --threads 8 a:b\n    environment: {MALLOC_CONF: \"${CONF:-narenas:x}\"}\n";
    let around = project(&[("compose.yaml", compose)]);
    let at = around.path().join("project");
    let ran = || run(&at, ["check", "--format", "concise", "."]).out;
    assert!(ran().contains("malloc-conf-bad-value"), "{}", ran());
    link(around.path(), "secret.env", ".env");
    assert_eq!(ran(), "");
    let units = run(&at, ["units", "."]).out;
    assert!(
        units.contains("`.env` is not read: it lies outside"),
        "{units}"
    );
}

/// Names of files come as arguments: hooks pass on what they are given.
#[cfg(unix)]
#[test]
fn what_is_printed_is_text_whatever_the_name() {
    let bad = "--x\n::error file=a::pwned\u{202e}\u{1b}[31m";
    let around = project(&[
        (bad, FAULTY),
        (
            "a\u{202e}b/Dockerfile",
            "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n",
        ),
    ]);
    let at = around.path().join("project");
    let ran = run(&at, ["check", bad]);
    assert_eq!(ran.code, Some(2));
    let harmless = |text: &str| {
        !text.contains(['\u{202e}', '\u{1b}']) && text.lines().all(|line| !line.starts_with("::"))
    };
    assert!(
        ran.err.contains("unexpected argument") && harmless(&ran.err),
        "{}",
        ran.err
    );
    for format in [
        "human",
        "concise",
        "json",
        "sarif",
        "gitlab",
        "rdjson",
        "markdown",
        "ndjson",
        "junit",
        "checkstyle",
        "sonarqube",
        "azure",
    ] {
        let out = run(&at, ["check", "--format", format, "."]).out;
        assert!(harmless(&out), "{format} {out}");
    }
    let json = run(&at, ["check", "--format", "json", "."]).out;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(report["findings"][0]["path"], "a\u{202e}b/Dockerfile");
    let diff = run(&at, ["fix", "--diff", "."]).out;
    assert!(
        diff.starts_with("--- \"a/a\\342\\200\\256b/Dockerfile\"\n"),
        "{diff}"
    );
}

/// What is true does not depend on where one stands.
#[test]
fn judgement_is_the_same_from_everywhere() {
    let image = "FROM python:3.12-slim\nCOPY deploy/run.sh /run.sh\nCMD [\"/run.sh\"]\n";
    let around = project(&[
        ("deploy/docker/Dockerfile", image),
        (
            "deploy/run.sh",
            "#!/bin/sh\nexport MALLOC_ARENA_MAX_=2\nexec gunicorn --threads 8 a:b\n",
        ),
        (
            "deploy/docker/compose.yaml",
            "services:\n  api:\n    build: {context: ../.., dockerfile: deploy/docker/Dockerfile}\n    environment: {MALLOC_CONF: x}\n",
        ),
    ]);
    let at = around.path().join("project");
    for (path, text) in [
        ("k/base/kustomization.yaml", "resources: [d.yaml]\n"),
        (
            "k/base/d.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  template:\n    spec:\n      containers:\n      - name: a\n        image: python:3.12\n        command: [gunicorn, a:b]\n        envFrom: [{configMapRef: {name: c}}]\n",
        ),
        (
            "k/o/prod/kustomization.yaml",
            "resources: [../../base]\nconfigMapGenerator: [{name: c, envs: [prod.env]}]\n",
        ),
        ("k/o/prod/prod.env", "MALLOC_ARENA_MAX_=2\n"),
    ] {
        write(&at, path, text);
    }
    let lines = |from: &str, path: &str| {
        let out = run(&at.join(from), ["check", "--format", "json", path]).out;
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let findings = report["findings"].as_array().unwrap().iter();
        let mut lines: Vec<String> = findings
            .map(|finding| {
                let path = Path::new(finding["path"].as_str().unwrap());
                let path = at.join(from).join(path).canonicalize().unwrap();
                format!("{}:{} {}", path.display(), finding["line"], finding["rule"])
            })
            .collect();
        lines.sort_unstable();
        lines
    };
    let top = lines("", ".");
    assert!(top.iter().any(|line| line.contains("run.sh")), "{top:?}");
    assert!(top.iter().any(|line| line.contains("prod.env")), "{top:?}");
    for (from, path) in [
        ("k/base", "../.."),
        ("k/o/prod", "../../.."),
        ("k/o/prod", "../../../../project"),
        ("k", "./.."),
        ("deploy", ".."),
        ("deploy/docker", "../../."),
        ("deploy", "../k/.."),
    ] {
        assert_eq!(lines(from, path), top, "{from} {path}");
    }
    let whole = at.canonicalize().unwrap();
    assert_eq!(lines("", whole.to_str().unwrap()), top);
}

#[cfg(unix)]
#[test]
fn no_link_leads_out() {
    let image = "FROM python:3.12-slim\nCOPY run.sh /\nCMD [\"/run.sh\"]\n";
    let kustomization = "resources: [../../elsewhere/base, pod.yaml]\n";
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: \"python:3.12\", command: [gunicorn, --threads, '8', a:b]}\n";
    let around = project(&[
        ("Dockerfile", image),
        ("k/kustomization.yaml", kustomization),
        ("k/pod.yaml", pod),
    ]);
    link(around.path(), "elsewhere/run.sh", "run.sh");
    link(around.path(), "elsewhere/Dockerfile.x", "other.Dockerfile");
    link(around.path(), "elsewhere", "folder");
    let at = around.path().join("project");
    let ran = run(&at, ["check", "--format", "concise", "."]);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), ""), "{}", ran.err);
    // What the user names is read, and written where it lies; that is said.
    let named = run(&at, ["check", "--format", "concise", "other.Dockerfile"]);
    assert!(named.out.contains("other.Dockerfile:2:5"), "{}", named.out);
    link(around.path(), "elsewhere/Dockerfile.y", "y.Dockerfile");
    let fixed = run(&at, ["fix", "y.Dockerfile"]);
    let said = "y.Dockerfile: a link leads to ";
    assert!(
        fixed.err.contains(said)
            && fixed
                .err
                .contains("elsewhere/Dockerfile.y: that was written"),
        "{}",
        fixed.err
    );
    assert_eq!(run(&at, ["fix", "."]).err, "");
    // A configuration from elsewhere is no part of the project.
    link(
        around.path(),
        "elsewhere/malloclint.toml",
        "malloclint.toml",
    );
    let ran = run(&at, ["check", "."]);
    assert_eq!(ran.code, Some(2));
    assert!(
        ran.err
            .contains("it is a link that leads out of the project"),
        "{}",
        ran.err
    );
}

/// What a run opens, as the kernel sees it.
#[cfg(target_os = "linux")]
#[test]
fn nothing_outside_is_opened() {
    let strace = std::process::Command::new("strace").arg("-V").output();
    if strace.is_err() {
        println!("not tried: there is no strace");
        return;
    }
    let text = format!(
        "services:\n  api:\n{SERVICE}    env_file: [../secret.env, /etc/passwd, /proc/self/environ]\n  b:\n    build: {{context: .., dockerfile: elsewhere/Dockerfile.x}}\n"
    );
    let around = project(&[
        ("compose.yaml", &text),
        (
            "Dockerfile",
            "FROM python:3.12-slim\nCOPY run.sh ../secret.env /\nCMD [\"/run.sh\"]\n",
        ),
    ]);
    link(around.path(), "elsewhere/run.sh", "run.sh");
    link(around.path(), "elsewhere", "folder");
    let top = around.path().canonicalize().unwrap();
    let at = top.join("project");
    for command in ["check", "units", "fix"] {
        let trace = top.join("trace");
        let mut strace = std::process::Command::new("strace");
        strace
            .args(["-f", "-e", "trace=open,openat,openat2", "-o"])
            .arg(&trace);
        strace
            .arg(program(&at).get_program())
            .args([command, "."])
            .current_dir(&at);
        finish(&mut strace, b"");
        let trace = std::fs::read_to_string(&trace).unwrap();
        let opened = |path: &str| {
            trace
                .lines()
                .any(|line| line.contains(path) && !line.contains("ENOENT"))
        };
        assert!(opened("compose.yaml"), "{trace}");
        for path in ["secret.env", "passwd", "environ", "elsewhere", "/folder"] {
            assert!(!opened(path), "{command} opened {path}:\n{trace}");
        }
    }
}

#[test]
fn what_readers_refuse_or_read_otherwise_is_said() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - {name: a, image: python, command: [gunicorn, a]}\n";
    let said = |path: &str, text: &str| {
        let folder = folder([(path, text)]);
        run(folder.path(), ["check", "--format", "concise", path]).out
    };
    for (text, place) in [
        (format!("{pod}x\u{2028}y: 1\n"), "7:2"),
        (format!("{pod}x: a\u{85}b\n"), "7:5"),
        (format!("\u{feff}\u{feff}{pod}"), "1:2"),
    ] {
        let said = said("pod.yaml", &text);
        assert!(
            said.starts_with(&format!("pod.yaml:{place}: error[unreadable-input]")),
            "{said}"
        );
    }
    for text in [
        format!("\u{feff}{pod}"),
        format!("{pod}x: \"a\u{2028}b\"\n# a\u{2029}b\n"),
    ] {
        assert!(!said("pod.yaml", &text).contains("unreadable"), "{text}");
    }
    // Seen with dockerd 26.1: unterminated heredoc.
    let image = |line: &str| {
        format!(
            "FROM python:3.12-slim\nRUN {line}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    for line in ["cat <<EOF${a:-b}", "cat <<EOF$a", "cat <<E${a:+b}F"] {
        let said = said("Dockerfile", &image(line));
        assert!(
            said.contains("2:1: error[unreadable-input]")
                || said.contains("2:9: error[unreadable-input]"),
            "{line}: {said}"
        );
    }
    for line in [
        "echo ${a:-<<EOF}",
        "cat <<EOF\n${a:-b}\nEOF",
        "echo ${a:-b}",
    ] {
        assert!(
            !said("Dockerfile", &image(line)).contains("unreadable"),
            "{line}"
        );
    }
}

#[cfg(unix)]
#[test]
fn ignore_files_and_configurations_lead_nowhere_else() {
    use std::os::unix::fs::symlink;
    let around = project(&[("Dockerfile", FAULTY), ("sub/Dockerfile", FAULTY)]);
    let at = around.path().join("project");
    let ran = |path: &str| run(&at, ["check", "--format", "concise", path]);
    assert_eq!(ran(".").out.lines().count(), 2);
    // One that never ends, or lies elsewhere: its folder is not searched, and that is said.
    for (to, from) in [
        ("/dev/zero", "sub/.gitignore"),
        ("../../secret.env", "sub/.ignore"),
        ("../secret.env", ".gitignore"),
    ] {
        symlink(to, at.join(from)).unwrap();
        let ran = ran(".");
        let said = format!("malloclint: {from}: is a link that leads out");
        assert!(ran.err.starts_with(&said), "{}", ran.err);
        assert_eq!(ran.code, Some(2));
        let found = usize::from(from.starts_with("sub"));
        assert_eq!(ran.out.lines().count(), found, "{from} {}", ran.out);
        std::fs::remove_file(at.join(from)).unwrap();
    }
    // Twin: a link inside.
    write(&at, "ignored", "sub\n");
    symlink("ignored", at.join(".ignore")).unwrap();
    assert_eq!(ran(".").out.lines().count(), 1);
    std::fs::remove_file(at.join(".ignore")).unwrap();
    // A link in the repository counts against the repository, wherever the program runs.
    link(
        around.path(),
        "elsewhere/malloclint.toml",
        "malloclint.toml",
    );
    let above = run(around.path(), ["check", "project"]);
    assert!(
        above.err.contains("leads out of the project") && !above.err.contains("no-rule"),
        "{}",
        above.err
    );
    std::fs::remove_file(at.join("malloclint.toml")).unwrap();
    // What lies outside of the root that is asked for has no say.
    link(around.path(), "elsewhere", "l");
    let root = run(
        &at,
        [
            "check",
            "--format",
            "concise",
            "--root",
            ".",
            "l/Dockerfile.x",
        ],
    );
    assert!(
        root.out.contains("glibc-tunable-misspelt"),
        "{} {}",
        root.out,
        root.err
    );
    let none = run(&at, ["check", "--root", "nowhere", "."]);
    assert_eq!(
        (none.code, none.err.as_str()),
        (
            Some(2),
            "malloclint: `--root`: there is no folder nowhere\n"
        )
    );
}

#[test]
fn what_a_review_of_masking_found() {
    let shown = |path: &str, text: &str| {
        let folder = folder([(path, text)]);
        let units = run(folder.path(), ["units", "."]).out;
        let json = run(folder.path(), ["check", "--format", "json", "."]).out;
        (run(folder.path(), ["check", "."]).out, units + &json)
    };
    // Lines beside the one at fault are not shown: a value may run over many.
    let pod = |env: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: x\n    command: [gunicorn, --threads, '8', a:b]\n    env:\n{env}"
        )
    };
    for env in [
        format!(
            "    - name: A\n      # c\n      value: {SECRET}\n    - name: MALLOC_ARENA_MAX_\n      value: \"2\"\n"
        ),
        format!(
            "    - \"name\": \"A\"\n      \"value\": \"{SECRET}\"\n    - name: MALLOC_ARENA_MAX_\n      value: \"2\"\n"
        ),
        format!(
            "    - name: A\n      value: |\n        {SECRET}\n    - name: MALLOC_ARENA_MAX_\n      value: \"2\"\n"
        ),
    ] {
        let (human, others) = shown("pod.yaml", &pod(&env));
        assert!(
            human.contains("MALLOC_ARENA_MAX_") && !human.contains(SECRET),
            "{human}"
        );
        assert!(!others.contains(SECRET), "{others}");
    }
    // What the finding is about is shown, whatever stands around it.
    let (human, _) = shown(
        "pod.yaml",
        &pod(
            "    - name: MALLOC_CONF\n      # tuned\n      value: narenas:x\n    - {name: LD_PRELOAD, value: libjemalloc.so.2}\n",
        ),
    );
    assert!(human.contains("value: narenas:x"), "{human}");
    // What is cut is masked before.
    let cut = format!(
        "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\", \"xxxxxxxxxxxxxxxxxxxx\", \"postgres://user:{SECRET}@host/db\"]\n"
    );
    let (human, others) = shown("Dockerfile", &cut);
    assert!(
        !human.contains("hunter2") && !others.contains("hunter2"),
        "{human}{others}"
    );
    let key = "FROM python:3.12-slim\nENV LD_SDK_KEY=hunter2hunter2 MALLOC_ARENA_MAX_=2\nCMD [\"gunicorn\",\"##[warning]x\",\"a:b\"]\n";
    let (human, _) = shown("Dockerfile", key);
    assert!(
        human.contains("LD_SDK_KEY=…") && !human.contains("##["),
        "{human}"
    );
}
