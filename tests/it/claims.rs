//! What a finding says of a service is so for this service: what is quoted stands there, what is said of its process is true of
//! that process, and what is advised can be done. Each kind, and beside it what is nearly the same.

use serde_json::Value;

use crate::support::run::{folder, run};

/// The findings of a folder.
fn found(files: &[(&str, &str)]) -> Vec<Value> {
    let folder = folder(files.iter().copied());
    let out = run(folder.path(), ["check", "--format", "json", "."]).out;
    let report: Value = serde_json::from_str(&out).unwrap();
    report["findings"].as_array().unwrap().clone()
}

/// All that is said of a folder, as one text.
fn said(files: &[(&str, &str)]) -> String {
    let texts = found(files).into_iter().map(|finding| {
        let notes = finding["notes"].as_array().unwrap().iter();
        let notes: Vec<&str> = notes.map(|note| note.as_str().unwrap()).collect();
        let word = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
        let (message, help) = (word("message"), word("help"));
        format!(
            "{}: {message}\n{}\n{help}\n",
            word("severity"),
            notes.join("\n")
        )
    });
    texts.collect()
}

fn image(command: &str) -> String {
    format!("FROM python:3.12-slim\nWORKDIR /app\nCOPY . .\nCMD {command}\n")
}

#[track_caller]
fn assert_said(files: &[(&str, &str)], holds: &[&str], not: &[&str]) {
    let said = said(files);
    for text in holds {
        assert!(said.contains(text), "should say `{text}`:\n{said}");
    }
    for text in not {
        assert!(!said.contains(text), "should not say `{text}`:\n{said}");
    }
}

/// An option is quoted where it stands, as it stands there.
#[test]
fn options_are_quoted_where_they_stand() {
    let by_script = image("[\"/app/run.sh\"]");
    for (script, quoted) in [
        (
            "#!/bin/sh\ncd /app\nexec gunicorn --threads=4 a:b\n",
            "(`--threads=4`, line 3 of run.sh)",
        ),
        (
            "#!/bin/sh\nexec gunicorn \\\n  --threads ${T:-4} a:b\n",
            "(`--threads ${T:-4}`, line 3 of run.sh)",
        ),
        (
            "#!/bin/sh\nT=4\nexec gunicorn --max-requests 9 a:b\n",
            "(`--max-requests 9`, line 3 of run.sh)",
        ),
    ] {
        assert_said(
            &[("Dockerfile", &by_script), ("run.sh", script)],
            &[quoted],
            &[],
        );
    }
    let supervised = image("[\"supervisord\", \"-c\", \"/app/s.conf\"]");
    let conf = "[supervisord]\n[program:web]\ncommand=uvicorn a:b\n";
    let list = (
        "Dockerfile",
        &*supervised.replace("CMD", "RUN pip install \\\n  pandas\nCMD"),
    );
    assert_said(
        &[list, ("s.conf", conf)],
        &["(`uvicorn`, line 3 of s.conf)", "(`pandas`, line 5)"],
        &[],
    );
    // In JSON the option and its value are words of their own.
    let json = image("[\"gunicorn\", \\\n  \"--threads\", \"4\", \"a:b\"]");
    assert_said(&[("Dockerfile", &json)], &["(`--threads 4`, line 5)"], &[]);
    // Zero by default, and what cannot be told.
    let off = image("gunicorn --max-requests ${MAX:-0} a:b");
    assert_said(
        &[("Dockerfile", &off)],
        &["info:"],
        &["ended again and again"],
    );
    let open = image("gunicorn --threads $THREADS a:b");
    assert_said(
        &[("Dockerfile", &open)],
        &["for a process with threads"],
        &["one thread each"],
    );
    let star = image("[\"/app/run.sh\"]");
    assert_said(
        &[
            ("Dockerfile", &star),
            ("run.sh", "#!/bin/sh\npython -u work.py $1\n"),
            ("work.py", "import runpod\nrunpod.serverless.start({})\n"),
        ],
        &["`python -u work.py ...`"],
        &["*"],
    );
}

/// Workers with an event loop have one thread, whatever number is asked for.
#[test]
fn threads_count_for_workers_that_have_them() {
    let threads = "several threads share a process";
    for (command, conf, has) in [
        ("gunicorn -k gevent --threads 4 a:b", "", false),
        ("gunicorn --worker-class=gevent --threads=4 a:b", "", false),
        ("gunicorn -k shop.workers.Own --threads 4 a:b", "", false),
        ("gunicorn -k sync --threads 4 a:b", "", true),
        ("gunicorn --worker-class=gthread a:b", "", true),
        (
            "gunicorn a:b",
            "worker_class = 'gevent'\nthreads = 4\n",
            false,
        ),
        (
            "gunicorn a:b",
            "worker_class = 'gthread'\nthreads = 4\n",
            true,
        ),
        ("gunicorn -k gevent a:b", "threads = 4\n", false),
        (
            "gunicorn --threads 4 a:b",
            "worker_class = \"gevent\"\n",
            false,
        ),
    ] {
        let image = image(command);
        let said = said(&[("Dockerfile", &image), ("gunicorn.conf.py", conf)]);
        assert_eq!(said.contains(threads), has, "{command} {conf}: {said}");
        // What was measured under workers of another kind says nothing here.
        let measured = said.contains("measured under sync workers");
        assert!(!measured, "{command}: {said}");
    }
    let sync = image("gunicorn a:b");
    assert_said(
        &[("Dockerfile", &sync)],
        &["measured under sync workers"],
        &[],
    );
}

/// What is advised can be done there, and would change something.
#[test]
fn advice_can_be_taken() {
    let heaps = "MALLOC_ARENA_MAX";
    // One heap each, and nobody knows the image.
    let pod = |command: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    image: shop/api\n    command: [{command}]\n"
        )
    };
    let single = pod("gunicorn, 'a:b'");
    let said_of = said(&[("pod.yaml", &single)]);
    let help = said_of.lines().last().unwrap_or_default();
    assert!(!help.contains(heaps), "{said_of}");
    let threaded = pod("gunicorn, --threads, '4', 'a:b'");
    assert_said(
        &[("pod.yaml", &threaded)],
        &[
            "or set `MALLOC_ARENA_MAX` to `2` here",
            "malloclint does not know what builds its image",
        ],
        &[],
    );
    for (base, step, holds, not) in [
        (
            "mambaorg/micromamba:1.5",
            "RUN micromamba install -y -n base python=3.11 uvicorn",
            "`micromamba install -y -n base -c conda-forge jemalloc`",
            "`conda install",
        ),
        (
            "continuumio/miniconda3",
            "RUN conda install -y uvicorn",
            "`conda install -y -c conda-forge jemalloc`",
            "micromamba",
        ),
        (
            "gcr.io/distroless/python3-debian12",
            "",
            "copy `libjemalloc.so.2` from a stage on debian 12",
            "install `libjemalloc2`, set",
        ),
        (
            "python:3.11-slim-bookworm",
            "",
            "install `libjemalloc2`, set",
            "copy `libjemalloc",
        ),
        (
            "python:3.8-slim-buster",
            "",
            "take a newer base image",
            "install `libjemalloc2`, set",
        ),
        (
            "python:3.12-slim",
            "ENV LD_PRELOAD=libgomp.so.1",
            "add `libjemalloc.so.2` to `LD_PRELOAD`",
            "set `LD_PRELOAD=",
        ),
    ] {
        let text =
            format!("FROM {base}\n{step}\nENTRYPOINT [\"python\", \"-m\", \"uvicorn\", \"a:b\"]\n");
        assert_said(&[("Dockerfile", &text)], &[holds], &[not]);
    }
    let odoo = image("[\"odoo\"]");
    assert_said(
        &[("Dockerfile", &odoo)],
        &["`odoo` limits glibc to 2 heaps itself"],
        &["8 heaps", heaps],
    );
}

/// What says that a program keeps running is its code, and of the server that it uses.
#[test]
fn a_program_is_what_its_code_says() {
    let run = image("[\"python\", \"run.py\"]");
    let of = |text: &str| said(&[("Dockerfile", &run), ("run.py", text)]);
    let flask = of("from flask import Flask\napp = Flask(__name__)\napp.run(port=80)\n");
    assert!(flask.contains("several threads share a process"), "{flask}");
    let sanic = of("from sanic import Sanic\napp = Sanic('a')\napp.run(port=80)\n");
    assert!(
        sanic.contains("keeps running") && !sanic.contains("several threads"),
        "{sanic}"
    );
    let waitress = of("# uvicorn.run(app)\nfrom waitress import serve\nserve(app, port=80)\n");
    assert!(
        waitress.contains("`run.py` holds `serve(app`"),
        "{waitress}"
    );
    assert_eq!(of("# uvicorn.run(app)\nprint('done')\n"), "");
    assert_eq!(of("\"\"\"\nuvicorn.run(app)\n\"\"\"\nprint('done')\n"), "");
    // Memory of their own: glibc never sees it.
    for (package, has) in [("polars", false), ("openpyxl", false), ("pandas", true)] {
        let uvicorn =
            image("uvicorn a:b").replace("CMD", &format!("RUN pip install {package}\nCMD"));
        let said = said(&[("Dockerfile", &uvicorn)]);
        assert_eq!(
            said.contains("a package that asks malloc for much"),
            has,
            "{said}"
        );
    }
    // A project's own command is called as it is written.
    let manage = image("[\"python\", \"manage.py\", \"consume\"]");
    let files = [
        ("Dockerfile", manage.as_str()),
        ("manage.py", "import django\n"),
        (
            "shop/management/commands/consume.py",
            "channel.start_consuming()\n",
        ),
    ];
    assert_said(&files, &["`python manage.py consume`"], &[]);
}

/// Of several branches the one counts that production takes.
#[test]
fn the_branch_of_production_counts() {
    let start = image("[\"/app/run.sh\"]");
    let conf = ("gunicorn.conf.py", "max_requests = 500\n");
    let dev = ("gunicorn.dev.conf.py", "max_requests = 5\n");
    let script = "#!/bin/sh\nif echo $DEBUG | grep -q true; then\n  gunicorn -c gunicorn.dev.conf.py a:b\nelse\n  gunicorn -c gunicorn.conf.py a:b\nfi\n";
    let files = [
        ("Dockerfile", start.as_str()),
        conf,
        dev,
        ("run.sh", script),
    ];
    assert_said(&files, &["line 1 of gunicorn.conf.py"], &["dev"]);
    let own =
        "#!/bin/sh\nif [ \"$DEMO\" = true ]; then\n  uvicorn demo:app\nelse\n  python app.py\nfi\n";
    let files = [
        ("Dockerfile", start.as_str()),
        ("run.sh", own),
        ("app.py", "import gradio\ngradio.Interface().launch()\n"),
    ];
    assert_said(&files, &["`python app.py` runs on"], &["`uvicorn` runs"]);
    // A stage without a name that is not the last one is never an image.
    let stages = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"4\", \"a:b\"]\n";
    let last = "FROM alpine\nCMD [\"true\"]\n";
    assert_eq!(said(&[("Dockerfile", &format!("{stages}{last}"))]), "");
    let named = stages.replace("slim", "slim AS api");
    assert_said(
        &[("Dockerfile", &format!("{named}{last}"))],
        &["`gunicorn` runs on"],
        &[],
    );
}

/// A source counts for the image that it is in.
#[test]
fn sources_belong_to_an_image() {
    let trims = "libc.malloc_trim(0)\n";
    let own = image("gunicorn a:b");
    let signs =
        |files: &[(&str, &str)]| said(files).contains("a source in the image gives memory back");
    let dockerfile = ("Dockerfile", own.as_str());
    assert!(signs(&[dockerfile, ("shop/a.py", trims)]));
    let other = (
        "worker/Dockerfile",
        "FROM python:3.12-slim\nCMD [\"true\"]\n",
    );
    assert!(!signs(&[dockerfile, other, ("worker/a.py", trims)]));
    // Its own command runs from there.
    let runs = image("gunicorn worker.a:b");
    assert!(signs(&[
        ("Dockerfile", &runs),
        other,
        ("worker/a.py", trims)
    ]));
    assert!(!signs(&[
        dockerfile,
        (".dockerignore", "tools\n"),
        ("tools/a.py", trims)
    ]));
    assert!(signs(&[
        dockerfile,
        (".dockerignore", "tools\n"),
        ("src/tools/a.py", trims)
    ]));
    assert!(!signs(&[
        dockerfile,
        ("Dockerfile.dockerignore", "*\n!a\n"),
        ("b/a.py", trims)
    ]));
}

/// The limit of the container that runs an image counts for what is said of the image.
#[test]
fn limits_reach_the_image() {
    let api = image("uvicorn a:b");
    let compose =
        |command: &str| format!("services:\n  api:\n    build: .\n{command}    mem_limit: 512m\n");
    let same = compose("");
    let files = [
        ("Dockerfile", api.as_str()),
        ("compose.yaml", same.as_str()),
    ];
    assert_said(
        &files,
        &[
            "warning:",
            "its memory is limited (`512m`, line 4 of compose.yaml)",
        ],
        &[],
    );
    assert_eq!(found(&files).len(), 1, "the Compose file says nothing more");
    let other = compose("    command: python jobs.py\n");
    let files = [
        ("Dockerfile", api.as_str()),
        ("compose.yaml", other.as_str()),
    ];
    assert_said(&files, &["info:"], &["its memory is limited"]);
}

/// An image is what a workflow of the project says that it builds.
#[test]
fn workflows_say_what_builds_an_image() {
    let alpine = "FROM python:3.12-alpine\nCMD [\"gunicorn\", \"--threads\", \"4\", \"a:b\"]\n";
    let compose = (
        "compose.yaml",
        "services:\n  api:\n    image: shop/api:latest\n    command: gunicorn --threads 4 a:b\n",
    );
    let workflow = |tags: &str| {
        format!(
            "on: push\njobs:\n  a:\n    steps:\n    - uses: docker/build-push-action@v6\n      with:\n        file: docker/Dockerfile\n        tags: |\n          {tags}\n"
        )
    };
    let with = |tags: &str| {
        let text = workflow(tags);
        found(&[
            ("docker/Dockerfile", alpine),
            compose,
            (".github/workflows/a.yml", &text),
        ])
        .len()
    };
    assert_eq!(with("shop/api:${{ github.sha }}"), 0);
    assert_eq!(with("shop/other:latest"), 1);
}

/// YAML with services that no Compose file would hold is no Compose file, and says nothing.
#[test]
fn other_files_have_services_too() {
    let services =
        "services:\n  api:\n    image: python:3.12-slim\n    command: gunicorn --threads 4 a:b\n";
    assert_eq!(found(&[("production.yml", services)]).len(), 1);
    for (name, text) in [
        (
            ".woodpecker.yml",
            format!("steps:\n  test:\n    image: python\n{services}"),
        ),
        ("services.yaml", format!("parameters:\n  a: b\n{services}")),
        ("notes.yml", format!("{services}  a: [\n")),
    ] {
        assert_eq!(said(&[(name, &text)]), "", "{name}");
    }
    // By its name it is one: what cannot be read is told.
    let broken = format!("{services}  a: [\n");
    assert_eq!(found(&[("compose.yaml", &broken)]).len(), 1);
}

/// Who asks for a part of what is wrong is not told that the others are fine.
#[test]
fn a_part_of_a_report_counts_nobody_as_fine() {
    let api = image("gunicorn --threads 4 a:b");
    let folder = folder([("Dockerfile", api.as_str())]);
    let last = |options: &[&str]| {
        let mut words = vec!["check", "."];
        words.extend(options);
        run(folder.path(), words).out
    };
    assert!(last(&[]).contains("1 production image or container: 1 with findings"));
    for options in [
        &["--select", "preload"][..],
        &["--ignore", "allocator-unset"],
        &["--min-confidence", "certain"],
    ] {
        let out = last(options);
        assert!(!out.contains("production image"), "{options:?}: {out}");
    }
}

/// A program that gets an environment of its own gets no setting of the image.
#[test]
fn an_environment_of_its_own_leaves_a_service_undecided() {
    let start = image("[\"python\", \"/app/start.py\"]");
    let with = |environment: &str| {
        let text = format!(
            "import os\nenv = {environment}\nos.execvpe(\"gunicorn\", [\"gunicorn\", \"--threads\", \"4\", \"a:b\"], env)\n"
        );
        found(&[("Dockerfile", &start), ("start.py", &text)]).len()
    };
    assert_eq!(with("{k: os.environ[k] for k in KEPT}"), 0);
    for handed_on in [
        "os.environ.copy()",
        "{**os.environ, \"A\": \"b\"}",
        "dict(os.environ)",
    ] {
        assert_eq!(with(handed_on), 1, "{handed_on}");
    }
}

/// The library of a package is what its release has.
#[test]
fn a_release_has_its_own_jemalloc() {
    let of = |base: &str| {
        let text = format!(
            "FROM {base}\nRUN yum groupinstall -y 'Development Tools' && yum install -y epel-release && yum install -y jemalloc jemalloc-devel python3\nENV LD_PRELOAD=/usr/lib64/libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD [\"python3\", \"-m\", \"gunicorn\", \"a:b\"]\n"
        );
        let found = found(&[("Dockerfile", &text)]);
        let rules = found
            .iter()
            .map(|finding| finding["rule"].as_str().unwrap().to_owned());
        rules.collect::<Vec<_>>()
    };
    assert!(of("centos:7").contains(&"preload-wrong-soname".to_owned()));
    assert!(!of("rockylinux:9").contains(&"preload-wrong-soname".to_owned()));
}

/// A start script that is not there may preload another allocator: what is said gets less sure, and is said.
#[test]
fn what_is_not_seen_makes_a_finding_less_sure() {
    let of = |entrypoint: &str| {
        let text = format!(
            "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libtcmalloc-minimal4\nENV LD_PRELOAD=libtcmalloc_minimal.so.4 MALLOC_CONF=narenas:2\n{entrypoint}CMD [\"gunicorn\", \"a:b\"]\n"
        );
        let found = found(&[("Dockerfile", &text)]);
        let mut of_rule = found
            .iter()
            .filter(|one| one["rule"] == "malloc-conf-without-jemalloc");
        of_rule.next().unwrap()["confidence"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(of(""), "certain");
    assert_eq!(of("ENTRYPOINT [\"/app/entrypoint.sh\"]\n"), "likely");
}

/// A server that is told to run what is not there may end at once: that it runs is likely then.
#[test]
fn an_application_that_is_not_there_is_told() {
    let api = image("uvicorn app.main:app");
    let with = |files: &[(&str, &str)]| {
        let mut all = vec![("Dockerfile", api.as_str())];
        all.extend(files);
        let found = found(&all);
        found[0]["doubt"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(with(&[("app/main.py", "")]), "");
    assert_eq!(with(&[("src/app/main/__init__.py", "")]), "");
    let doubt = "`app.main`, which it runs, was not found beside the Dockerfile";
    assert_eq!(with(&[("web/main.py", "")]), doubt);
    // Nothing is copied: it comes with a package.
    let package = "FROM python:3.12-slim\nRUN pip install shop\nCMD uvicorn shop.main:app\n";
    assert_eq!(found(&[("Dockerfile", package)])[0]["doubt"], Value::Null);
}

/// Facts about the base: a manager of packages, a name.
#[test]
fn alpine_by_another_name_has_musl() {
    for (base, step, heard) in [
        ("acme/alpine-chrome:119", "", false),
        ("acme/base:1-alpine3.20", "", false),
        ("acme/base:1", "RUN apk add python3\n", false),
        ("cgr.dev/acme/base:1", "RUN apk add python3\n", true),
        ("acme/base:1", "RUN apt-get install python3\n", true),
    ] {
        let text = format!("FROM {base}\n{step}CMD [\"python3\", \"-m\", \"uvicorn\", \"a:b\"]\n");
        assert_eq!(
            found(&[("Dockerfile", &text)]).len() == 1,
            heard,
            "{base} {step}"
        );
    }
}

/// Lists of packages as pip reads them, and conditions as the shell does.
#[test]
fn packages_are_those_that_are_installed() {
    let sign = "a package that asks malloc for much is installed";
    let of = |step: &str| {
        said(&[(
            "Dockerfile",
            &image("uvicorn a:b").replace("CMD", &format!("{step}\nCMD")),
        )])
    };
    assert!(of("RUN pip install pandas").contains(sign));
    assert!(!of("RUN pip install --dry-run pandas").contains(sign));
    assert!(!of("RUN if [ -n \"$DEV\" ]; then pip install pandas; fi").contains(sign));
    let folder = folder([(
        "Dockerfile",
        image("uvicorn a:b")
            .replace("CMD", "RUN pip install -r r.txt\nCMD")
            .as_str(),
    )]);
    let utf_16: Vec<u8> = "\u{feff}pandas==2\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(folder.path().join("r.txt"), utf_16).unwrap();
    let out = run(folder.path(), ["check", "--format", "json", "."]).out;
    assert!(out.contains(sign), "{out}");
}

/// What stands in a comment sets nothing.
#[test]
fn comments_set_no_allocator() {
    let api = image("gunicorn --threads 4 a:b");
    let with = |text: &str| {
        found(&[
            ("Dockerfile", &api),
            ("a.py", ""),
            ("deploy/notes.yaml", text),
        ])[0]["confidence"]
            .clone()
    };
    assert_eq!(
        with("# MALLOC_ARENA_MAX=2 helped once\nimage: shop/api\n"),
        "certain"
    );
}

/// An image of production is one, whatever else its name says.
#[test]
fn an_image_of_production_is_called_so() {
    let with = |image: &str| {
        let text = format!(
            "services:\n  api:\n    image: {image}\n    build: .\n    command: gunicorn --threads 4 a:b\n    restart: always\n"
        );
        found(&[
            ("compose.yaml", &text),
            ("Dockerfile", "FROM python:3.12-slim\n"),
        ])
        .len()
    };
    assert_eq!(with("dev_ops_production_django"), 1);
    assert_eq!(with("dev_ops_django"), 0);
}

/// What a stage brings reaches those that stand on it: nothing is brought twice.
#[test]
fn stages_that_stand_on_each_other_are_fixed_once() {
    let text = "FROM python:3.12-slim AS production\nCMD [\"gunicorn\", \"--threads\", \"4\", \"a:b\"]\n\nFROM production AS worker\nCMD [\"celery\", \"-A\", \"a\", \"worker\", \"--max-tasks-per-child=9\"]\n\nFROM python:3.12-slim AS other\nCMD [\"gunicorn\", \"--threads\", \"8\", \"c:d\"]\n";
    let folder = folder([("Dockerfile", text)]);
    run(folder.path(), ["fix", "."]);
    let fixed = std::fs::read_to_string(folder.path().join("Dockerfile")).unwrap();
    assert_eq!(fixed.matches("install -y").count(), 2, "{fixed}");
    assert!(found(&[("Dockerfile", &fixed)]).is_empty(), "{fixed}");
}

/// What prepares a start is not what is started.
#[test]
fn what_runs_first_is_not_the_service() {
    let text = image("[\"uvicorn\", \"a:b\"]").replace("CMD", "ENTRYPOINT [\"/app/run.sh\"]\nCMD");
    let script = "#!/bin/sh\nif [ -n \"$DATABASE\" ]; then\n  python setup_db.py\nelse\n  python setup_files.py\nfi\nexec \"$@\"\n";
    assert_said(
        &[("Dockerfile", &text), ("run.sh", script)],
        &["`uvicorn` runs on"],
        &["setup_"],
    );
}

/// Who defines a loop does not run it; and a list is read where it is in two bytes a character.
#[test]
fn definitions_and_lines() {
    let run_py = image("[\"python\", \"run.py\"]");
    let of = |text: &str| said(&[("Dockerfile", &run_py), ("run.py", text)]);
    assert_eq!(of("def run_forever(x):\n    pass\n"), "");
    assert!(of("def main():\n    loop.run_forever()\nmain()\n").contains("run_forever("));
    let folder = folder([(
        "Dockerfile",
        image("uvicorn a:b")
            .replace("CMD", "RUN pip install -r r.txt\nCMD")
            .as_str(),
    )]);
    let wide: Vec<u8> = "\u{feff}flask\r\nPandas==2\r\n"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    std::fs::write(folder.path().join("r.txt"), wide).unwrap();
    let out = run(folder.path(), ["check", "--format", "json", "."]).out;
    assert!(out.contains("(`pandas`, line 2 of r.txt)"), "{out}");
}

/// Lists whose names a build argument fills in, and wheels that another stage makes of them.
#[test]
fn wheels_are_what_their_list_says() {
    let text = "FROM python:3.12-slim AS build\nARG KIND=production\nCOPY ./requirements .\nRUN pip wheel --wheel-dir /wheels -r ${KIND}.txt\n\nFROM python:3.12-slim\nCOPY --from=build /wheels /wheels\nRUN pip install /wheels/*\nCMD [\"uvicorn\", \"a:b\"]\n";
    let with = |list: &'static str| {
        said(&[
            ("Dockerfile", text),
            ("requirements/production.txt", "-r base.txt\n"),
            ("requirements/base.txt", list),
        ])
    };
    assert!(with("flask\npillow\n").contains("(`pillow`, line 2 of requirements/base.txt)"));
    assert!(!with("flask\n").contains("asks malloc for much"));
}

/// A container that is set up for developers is theirs.
#[test]
fn variables_say_for_whom_a_container_is() {
    let with = |value: &str| {
        let text = format!(
            "services:\n  api:\n    build: .\n    command: gunicorn --threads 4 a:b\n    environment: {{FLASK_ENV: {value}}}\n"
        );
        found(&[
            ("compose.yaml", &text),
            ("Dockerfile", "FROM python:3.12-slim\n"),
        ])
        .len()
    };
    assert_eq!(with("production"), 1);
    assert_eq!(with("Development"), 0);
}

/// A message is one line, whatever is quoted in it.
#[test]
fn a_message_is_one_line() {
    let text = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2\nENTRYPOINT [\"env\", \"MALLOC_CONF=nar\\nas:2\", \"gunicorn\", \"a:b\"]\n";
    let found = found(&[("Dockerfile", text)]);
    let messages = found
        .iter()
        .map(|finding| finding["message"].as_str().unwrap());
    let messages: Vec<&str> = messages.collect();
    assert!(
        messages.iter().any(|message| message.contains("nar\\nas")),
        "{messages:?}"
    );
    assert!(
        messages.iter().all(|message| !message.contains('\n')),
        "{messages:?}"
    );
}

/// However many variables a name holds, it is read.
#[test]
fn a_list_may_be_named_by_many_variables() {
    let text = image("uvicorn a:b").replace(
        "CMD",
        &format!("RUN pip install -r {}\nCMD", "$a".repeat(30_000)),
    );
    assert_eq!(found(&[("Dockerfile", &text)]).len(), 1);
}
