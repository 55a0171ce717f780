//! Which services are told that an allocator is missing as a fault, which as advice, and what came of the others.

use crate::support::run::{folder, run};

/// What `check` says of a folder, one line a finding, without places.
fn said(files: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files.iter().copied());
    let out = run(folder.path(), ["check", "--format", "concise", "."]).out;
    let rule = |line: &str| {
        let said = line.split(": ").nth(1).unwrap_or_default();
        said.split(' ').next().unwrap_or_default().to_owned()
    };
    out.lines().map(rule).collect()
}

fn image(command: &str) -> String {
    format!(
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nRUN pip install -r requirements.txt\nCMD {command}\n"
    )
}

const FAULT: &str = "warning[allocator-unset]";
const ADVICE: &str = "info[allocator-unset]";

/// Each kind of strong evidence, and beside it what is nearly the same.
#[test]
fn one_strong_sign_is_enough() {
    let conf = |text: &'static str| ("gunicorn.conf.py", text);
    let sources: [(&str, &str, &str, &str); 8] = [
        (
            "gunicorn --threads 8 a:b",
            "",
            "gunicorn --threads 1 a:b",
            "",
        ),
        ("gunicorn -k gthread a:b", "", "gunicorn -k sync a:b", ""),
        (
            "gunicorn --max-requests 500 a:b",
            "",
            "gunicorn --max-requests 0 a:b",
            "",
        ),
        (
            "gunicorn a:b",
            "max_requests = 500\n",
            "gunicorn a:b",
            "max_requests = 0\n",
        ),
        (
            "gunicorn a:b",
            "threads = int(os.environ.get('T', 4))\n",
            "gunicorn a:b",
            "# threads = 4\n",
        ),
        (
            "gunicorn -c conf.py a:b",
            "",
            "gunicorn -c other.py a:b",
            "",
        ),
        (
            "celery -A a worker --max-tasks-per-child=9",
            "",
            "celery -A a worker",
            "",
        ),
        ("uwsgi --ini uwsgi.ini", "", "uwsgi --http :80", ""),
    ];
    for (with, its, without, own) in sources {
        let fixed = [
            ("conf.py", "max_requests = 500\n"),
            ("uwsgi.ini", "[uwsgi]\nreload-on-rss = 512\n"),
        ];
        let all = |command: &str, text: &'static str| {
            let image = image(command);
            let mut files = vec![("Dockerfile", image.as_str())];
            files.extend(fixed);
            files.extend((!text.is_empty()).then(|| conf(text)));
            said(&files)
        };
        assert_eq!(all(with, its), [FAULT], "{with} {its}");
        assert_eq!(all(without, own), [ADVICE], "{without} {own}");
    }
    // Sources that do something about it, and those that do not: tests, other servers' settings.
    for (path, text, expected) in [
        ("app.py", "libc.malloc_trim(0)\n", FAULT),
        ("app.py", "while True:\n    gc.collect()\n", FAULT),
        ("app.py", "gc.collect()\n", ADVICE),
        ("tests/test_app.py", "libc.malloc_trim(0)\n", ADVICE),
        ("app.py", "pool = Pool(maxtasksperchild=5)\n", FAULT),
        ("app.py", "worker_max_tasks_per_child = 5\n", ADVICE),
    ] {
        let image = image("gunicorn a:b");
        let found = said(&[("Dockerfile", &image), (path, text)]);
        assert_eq!(found, [expected], "{path} {text}");
    }
    let celery = image("celery -A a worker");
    let conf = ("conf.py", "worker_max_tasks_per_child = 5\n");
    assert_eq!(said(&[("Dockerfile", &celery), conf]), [FAULT]);
    // Options in a variable, and in a start script.
    let variable =
        image("gunicorn a:b").replace("COPY", "ENV GUNICORN_CMD_ARGS=\"--threads 4\"\nCOPY");
    assert_eq!(said(&[("Dockerfile", &variable)]), [FAULT]);
    let script = image("[\"/app/run.sh\"]");
    let run = ("run.sh", "#!/bin/sh\nexec gunicorn --threads ${T:-4} a:b\n");
    assert!(!said(&[("Dockerfile", &script), run]).is_empty());
}

/// What only looks like a sign: comments, texts, definitions, what the command takes back, files that are not in the image.
#[test]
fn what_only_looks_like_a_sign() {
    for (command, path, text) in [
        ("gunicorn a:b", "gunicorn.conf.py", "max_requests=0#500\n"),
        (
            "gunicorn a:b",
            "gunicorn.conf.py",
            "\"\"\"\nthreads = 8\n\"\"\"\n",
        ),
        (
            "gunicorn a:b",
            "gunicorn.conf.py",
            "threads = int(os.getenv(\"THREADS_V2\"))\n",
        ),
        (
            "gunicorn a:b",
            "app.py",
            "\"\"\"We once called malloc_trim(0) here.\"\"\"\n",
        ),
        (
            "gunicorn a:b",
            "app.py",
            "log(\"gc.malloc_trim() unavailable\")\n",
        ),
        (
            "gunicorn a:b",
            "app.py",
            "def run(maxtasksperchild: int | None = None):\n",
        ),
        (
            "gunicorn a:b",
            "app.py",
            "Pool(4, maxtasksperchild=False)\n",
        ),
        (
            "gunicorn --threads 1 a:b",
            "gunicorn.conf.py",
            "threads = 8\n",
        ),
        ("waitress-serve --threads=1 a:b", "x", ""),
        ("flask run --without-threads", "x", ""),
        (
            "python app.py",
            "app.py",
            "import flask\napp.run(threaded=False)\n",
        ),
    ] {
        let image = image(command);
        let found = said(&[("Dockerfile", &image), (path, text)]);
        assert_eq!(found, [ADVICE], "{command} {text}");
    }
    // A server's file beside the Dockerfile that no COPY brings.
    let other =
        "FROM python:3.12-slim\nWORKDIR /app\nCOPY app /app/\nCMD [\"gunicorn\", \"a:b\"]\n";
    let conf = ("gunicorn.conf.py", "threads = 8\n");
    assert_eq!(said(&[("Dockerfile", other), conf]), [ADVICE]);
    // Where the sign stands in a program, that line is told.
    let program = image("python app.py");
    let folder = folder([
        ("Dockerfile", program.as_str()),
        ("app.py", "import flask\n# app.run(x)\napp.run(port=80)\n"),
    ]);
    let out = run(folder.path(), ["check", "."]).out;
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        out.contains("(`app.run(port=80)`, line 3 of app.py)"),
        "{out}"
    );
}

#[test]
fn of_weak_signs_two_are_needed() {
    let pandas = ("requirements.txt", "pandas==2.2\n");
    let plain = ("requirements.txt", "flask\n");
    for (command, list, expected) in [
        ("uvicorn a:b", plain, ADVICE),
        ("uvicorn a:b", pandas, FAULT),
        ("gunicorn a:b", pandas, ADVICE),
        (
            "gunicorn -k uvicorn.workers.UvicornWorker a:b",
            pandas,
            FAULT,
        ),
        ("celery -A a worker", plain, ADVICE),
        ("celery -A a worker", pandas, FAULT),
        ("celery -A a worker --pool solo", pandas, FAULT),
    ] {
        let image = image(command);
        let found = said(&[("Dockerfile", &image), list]);
        if command.contains("solo") {
            // One process without prefork: the packages alone.
            assert_eq!(found, [ADVICE], "{command}");
            continue;
        }
        assert_eq!(found, [expected], "{command} {list:?}");
    }
    // A limit of the container that runs it.
    let compose = |limit: &str| {
        format!("services:\n  api:\n    image: python:3.12-slim\n    command: uvicorn a:b\n{limit}")
    };
    let of = |limit: &str| {
        let text = compose(limit);
        let folder = folder([("compose.yaml", text.as_str())]);
        run(folder.path(), ["check", "--format", "json", "."]).out
    };
    assert!(of("    mem_limit: 512m\n").contains("its memory is limited (`512m`, line 5)"));
    assert!(!of("").contains("its memory is limited"));
}

#[test]
fn each_sign_is_quoted_with_its_line() {
    let image = image("gunicorn -c conf.py a:b");
    let folder = folder([
        ("Dockerfile", image.as_str()),
        ("conf.py", "bind = ':80'\nmax_requests = 500\n"),
        ("requirements.txt", "Pillow\n"),
    ]);
    let out = run(folder.path(), ["check", "."]).out;
    let out = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in [
        "(`max_requests = 500`, line 2 of conf.py)",
        "a package that asks malloc for much is installed (`pillow`, line 1 of requirements.txt)",
    ] {
        assert!(out.contains(text), "{text}: {out}");
    }
}

/// Advice is taken where somebody asks for it, and nowhere else.
#[test]
fn fix_takes_advice_on_request() {
    let image = image("gunicorn a:b");
    let changes = |args: &[&str]| {
        let folder = folder([("Dockerfile", image.as_str())]);
        let ran = run(folder.path(), args);
        (ran.out + &ran.err).contains("would be fixed in 1 file")
    };
    assert!(!changes(&["fix", "--check", "."]));
    assert!(!changes(&["fix", "--check", "--unsafe", "."]));
    assert!(changes(&["fix", "--check", "--advice", "."]));
    assert!(changes(&[
        "fix",
        "--check",
        "--only",
        "allocator-unset",
        "."
    ]));
    let left = {
        let folder = folder([("Dockerfile", image.as_str())]);
        run(folder.path(), ["fix", "."])
    };
    let left = left.out + &left.err;
    assert!(left.contains("advice: `--advice` takes it"), "{left}");
    // What the project calls a warning is one.
    let folder = folder([
        ("Dockerfile", image.as_str()),
        (
            "malloclint.toml",
            "[rules]\nallocator-unset = \"warning\"\n",
        ),
    ]);
    let ran = run(folder.path(), ["fix", "--check", "."]);
    assert!(
        ran.out.contains("1 would be fixed"),
        "{}{}",
        ran.out,
        ran.err
    );
}

/// Advice about what is missing is one block, whatever the number.
#[test]
fn advice_is_one_block() {
    let image = image("gunicorn a:b");
    let folder = folder([
        ("a/Dockerfile", image.as_str()),
        ("b/Dockerfile", image.as_str()),
    ]);
    let out = run(folder.path(), ["check", "."]).out;
    assert_eq!(out.matches("info[allocator-unset]").count(), 1, "{out}");
    assert!(out.contains("2 services set no allocator"), "{out}");
    assert!(
        out.contains("a/Dockerfile:1:") && out.contains("b/Dockerfile:1:"),
        "{out}"
    );
}

#[test]
fn a_finding_says_how_sure_it_is() {
    let known = image("gunicorn --threads 8 a:b");
    let unknown = known.replace("python:3.12-slim", "acme/base:1");
    let port = "FROM python:3.12-slim\nEXPOSE 80\nCMD python app.py\n";
    let sign = ("app.py", "uvicorn.run(app)\n");
    for (files, confidence, doubt) in [
        (
            vec![("Dockerfile", known.as_str()), ("a.py", "")],
            "certain",
            None,
        ),
        (
            vec![("Dockerfile", unknown.as_str())],
            "possible",
            Some("base image"),
        ),
        (vec![("Dockerfile", port)], "possible", Some("EXPOSE 80")),
        (
            vec![
                (
                    "Dockerfile",
                    "FROM python:3.12-slim\nCOPY app.py .\nCMD python app.py\n",
                ),
                sign,
            ],
            "likely",
            Some("uvicorn.run("),
        ),
    ] {
        let folder = folder(files.iter().copied());
        let json = |more: &[&str]| -> serde_json::Value {
            let args = [&["check", "--format", "json", "."], more].concat();
            serde_json::from_str(&run(folder.path(), args).out).unwrap()
        };
        let report = json(&[]);
        let finding = &report["findings"][0];
        assert_eq!(finding["confidence"], confidence, "{files:?}");
        let said = finding["doubt"].as_str().unwrap_or_default();
        assert!(said.contains(doubt.unwrap_or_default()), "{said}");
        if confidence == "possible" {
            assert_eq!(finding["severity"], "info");
        }
        let sure = json(&["--min-confidence", "certain"]);
        let left = sure["findings"].as_array().unwrap().len();
        assert_eq!(left, usize::from(confidence == "certain"), "{files:?}");
    }
    let folder = folder([
        ("Dockerfile", port),
        ("malloclint.toml", "min-confidence = \"likely\"\n"),
    ]);
    assert_eq!(
        run(folder.path(), ["check", "--format", "concise", "."]).out,
        ""
    );
}

#[test]
fn of_every_service_it_is_said_what_came_of_it() {
    let service = image("gunicorn --threads 8 a:b");
    let fine = service.replace("COPY", "ENV MALLOC_ARENA_MAX=2\nCOPY");
    let unknown = image("[\"./run\"]");
    let silenced = format!("# malloclint: ignore[allocator-unset] measured\n{service}");
    let folder = folder([
        ("a/Dockerfile", service.as_str()),
        ("b/Dockerfile", fine.as_str()),
        ("c/Dockerfile", unknown.as_str()),
        ("d/Dockerfile", silenced.as_str()),
        (
            "e/Dockerfile",
            "FROM python:3.12-alpine\nCMD gunicorn a:b\n",
        ),
        ("f/Dockerfile", "FROM node:22\nCMD node x.js\n"),
        ("g/Dockerfile", "FROM python:3.12-slim\nCMD pytest\n"),
        ("test/Dockerfile", service.as_str()),
    ]);
    let json = run(folder.path(), ["check", "--format", "json", "."]).out;
    let report: serde_json::Value = serde_json::from_str(&json).unwrap();
    let units = report["units"].as_array().unwrap().iter();
    let verdicts: Vec<String> = units
        .map(|unit| {
            format!(
                "{} {}",
                unit["path"].as_str().unwrap(),
                unit["verdict"].as_str().unwrap()
            )
        })
        .collect();
    assert_eq!(
        verdicts,
        [
            "a/Dockerfile findings",
            "b/Dockerfile fine",
            "c/Dockerfile undecided",
            "d/Dockerfile fine",
            "e/Dockerfile not-applicable",
            "f/Dockerfile not-applicable",
            "g/Dockerfile not-applicable",
            "test/Dockerfile not-applicable",
        ]
    );
    let out = run(folder.path(), ["check", "."]).out;
    let line = "4 production images and containers: 2 fine, 1 with findings, 1 could not be judged (`--show undecided`)";
    assert!(out.contains(line), "{out}");
    let shown = |what: &str| {
        let out = run(folder.path(), ["check", "--show", what, "."]).out;
        let (_, list) = out.split_once("production images and containers").unwrap();
        list.split_once('\n').unwrap().1.to_owned()
    };
    assert!(
        shown("undecided").contains("c/Dockerfile:1: the image: undecided: "),
        "{}",
        shown("undecided")
    );
    assert!(shown("undecided").contains("what would help: "));
    assert!(
        shown("fine").contains("`MALLOC_ARENA_MAX` is set (line 3)"),
        "{}",
        shown("fine")
    );
    assert_eq!(shown("all").matches("not-applicable").count(), 4);
    assert_eq!(shown("files").matches(": checked").count(), 8);
    let units = run(folder.path(), ["units", "e"]).out;
    assert!(
        units.contains("verdict    not-applicable: its C library is musl"),
        "{units}"
    );
}
