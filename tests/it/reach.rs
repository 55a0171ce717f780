//! Services are found however they are started: by supervisors, and by scripts that build steps touch.

use crate::support::run::{folder, run};

/// What `units` says that the image starts.
fn starts(files: &[(&str, &str)]) -> String {
    let folder = folder(files.iter().copied());
    let out = run(folder.path(), ["units", "."]).out;
    let line = out.lines().find(|line| line.contains(" starts "));
    let line = line.map(str::trim).unwrap_or_default();
    line.trim_start_matches("starts").trim().to_owned()
}

fn image(lines: &str) -> String {
    format!("FROM python:3.12-slim-bookworm\n{lines}\n")
}

const SUPERVISOR: &str = "[supervisord]\nnodaemon=true\n\n[program:nginx]\ncommand=/usr/sbin/nginx\n\n[program:web]\ncommand=gunicorn --threads 8 a:b ; comment\n  --workers 4\nenvironment=LD_PRELOAD=\"/x/libjemalloc.so.2\",A=b\n\n[program:worker]\ncommand=celery -A a worker\n";

#[test]
fn supervisors_start_what_their_file_says() {
    let web = "gunicorn --threads 8 a:b --workers 4";
    let procfile = "release: python manage.py migrate\nweb: gunicorn --threads 8 a:b\nworker: celery -A a worker\n";
    let circus = "[watcher:web]\ncmd = uvicorn\nargs = a:b --port 80\n";
    let script = "#!/bin/sh\nexec supervisord -n --configuration=/etc/s.conf\n";
    for (lines, path, text, server) in [
        (
            "COPY s.conf /etc/s.conf\nCMD [\"supervisord\", \"-n\", \"-c\", \"/etc/s.conf\"]",
            "s.conf",
            SUPERVISOR,
            web,
        ),
        (
            "COPY s.conf /etc/supervisor/conf.d/web.conf\nCMD [\"/usr/bin/supervisord\"]",
            "s.conf",
            SUPERVISOR,
            web,
        ),
        (
            "COPY s.conf /etc/supervisor/conf.d/\nCMD [\"/usr/bin/supervisord\"]",
            "s.conf",
            SUPERVISOR,
            web,
        ),
        (
            "COPY docker/conf.d /etc/supervisor/conf.d\nCMD [\"/usr/bin/supervisord\"]",
            "docker/conf.d/web.conf",
            SUPERVISOR,
            web,
        ),
        (
            "WORKDIR /app\nCOPY . .\nCMD supervisord",
            "supervisord.conf",
            SUPERVISOR,
            web,
        ),
        (
            "COPY s.conf run.sh /etc/\nCMD [\"/etc/run.sh\"]",
            "s.conf",
            SUPERVISOR,
            web,
        ),
        (
            "WORKDIR /app\nCOPY . .\nCMD [\"honcho\", \"start\"]",
            "Procfile",
            procfile,
            "gunicorn --threads 8 a:b",
        ),
        (
            "WORKDIR /app\nCOPY . .\nCMD honcho -f Procfile start worker",
            "Procfile",
            procfile,
            "celery -A a worker",
        ),
        (
            "WORKDIR /app\nCOPY . .\nCMD [\"circusd\", \"circus.ini\"]",
            "circus.ini",
            circus,
            "uvicorn a:b --port 80",
        ),
        // Twins: no file, and none of several programs is known.
        ("CMD [\"supervisord\"]", "other", "", "supervisord"),
        (
            "COPY s.conf /etc/supervisord.conf\nCMD [\"supervisord\"]",
            "s.conf",
            "[program:a]\ncommand=/a\n[program:b]\ncommand=/b\n",
            "supervisord",
        ),
    ] {
        let image = image(lines);
        let files = [
            ("Dockerfile", image.as_str()),
            (path, text),
            ("run.sh", script),
        ];
        assert_eq!(starts(&files), server, "{lines}");
    }
}

#[test]
fn what_a_supervisor_sets_is_judged_where_it_stands() {
    let image = image("COPY s.conf /etc/s.conf\nCMD [\"supervisord\", \"-c\", \"/etc/s.conf\"]");
    let folder = folder([("Dockerfile", image.as_str()), ("s.conf", SUPERVISOR)]);
    let out = run(folder.path(), ["check", "--format", "concise", "."]).out;
    assert!(
        out.starts_with("s.conf:8:9: error[preload-not-installed]"),
        "{out}"
    );
}

#[test]
fn what_a_supervisor_starts_beside_the_service_is_not_harmed() {
    let with = |other: &str| {
        let image =
            image("COPY s.conf /etc/s.conf\nCMD [\"supervisord\", \"-c\", \"/etc/s.conf\"]");
        let conf = format!(
            "[program:web]\ncommand=gunicorn --threads 8 a:b\n[program:x]\ncommand={other}\n"
        );
        let folder = folder([("Dockerfile", image.as_str()), ("s.conf", conf.as_str())]);
        run(folder.path(), ["fix", "--diff", "."]).out
    };
    assert!(!with("php-fpm8.2 -F").contains("ENV LD_PRELOAD"));
    assert!(with("/usr/sbin/nginx").contains("ENV LD_PRELOAD"));
}

#[test]
fn a_script_without_its_carriage_returns_says_the_same() {
    let script = "#!/bin/bash\nexec gunicorn --threads 8 a:b\n";
    let with = |step: &str| {
        let image = image(&format!("COPY start /start\nRUN {step}\nCMD [\"/start\"]"));
        starts(&[("Dockerfile", &image), ("start", script)])
    };
    for step in [
        "sed -i 's/\\r$//g' /start && chmod +x /start",
        "sed -i -e 's/\\r$//' /start",
        "sed -i \"s/\\r//; 1s/^\\xEF\\xBB\\xBF//\" /start",
        "dos2unix /start",
    ] {
        assert_eq!(with(step), "gunicorn --threads 8 a:b", "{step}");
    }
    for step in [
        "sed -i 's/\\r$//; s/gunicorn/uvicorn/' /start",
        "sed -i 's/gunicorn/uvicorn/' /start",
        "sed -i 's/\\r$/x/' /start",
    ] {
        assert_eq!(with(step), "/start", "{step}");
    }
}

/// Programs that the project itself brings: by its list of scripts, and commands of Django.
#[test]
fn programs_of_the_project_are_followed() {
    let verdict = |files: &[(&str, &str)]| {
        let folder = folder(files.iter().copied());
        let out = run(folder.path(), ["units", "."]).out;
        let row = |name: &str| {
            let line = out.lines().find(|line| line.trim_start().starts_with(name));
            line.unwrap_or_default().to_owned()
        };
        row("which is")
    };
    let shop =
        image("WORKDIR /app\nCOPY . .\nRUN pip install .\nCMD [\"shop\", \"--port\", \"80\"]");
    let list = (
        "pyproject.toml",
        "[project.scripts]\nshop = \"shop.cli:main\"\n",
    );
    let serves = "import uvicorn\ndef main():\n    uvicorn.run('shop.web:app')\n";
    let passes = "from .server import run\ndef main():\n    run()\n";
    let ends = "def main():\n    print(1)\n";
    for (files, service) in [
        (vec![list, ("shop/cli.py", serves)], true),
        (
            vec![
                list,
                ("src/shop/cli.py", passes),
                ("src/shop/server.py", serves),
            ],
            true,
        ),
        // Twins: one that ends, and one that imports what serves from elsewhere.
        (vec![list, ("shop/cli.py", ends)], false),
        (
            vec![list, ("shop/cli.py", ends), ("shop/server.py", serves)],
            false,
        ),
        (
            vec![
                ("pyproject.toml", "[project]\nname = \"shop\"\n"),
                ("shop/cli.py", serves),
            ],
            false,
        ),
    ] {
        let all = [&[("Dockerfile", shop.as_str())][..], &files].concat();
        assert_eq!(
            verdict(&all).contains("service"),
            service,
            "{files:?} {}",
            verdict(&all)
        );
    }
    let django = |command: &str| {
        image(&format!(
            "WORKDIR /app\nCOPY . .\nCMD python manage.py {command}"
        ))
    };
    let (consume, once) = (django("consume"), django("once"));
    let forever = "class Command(BaseCommand):\n    def handle(self):\n        while True:\n            pass\n";
    let one = "class Command(BaseCommand):\n    def handle(self):\n        pass\n";
    let files = [
        ("shop/management/commands/consume.py", forever),
        ("shop/management/commands/once.py", one),
    ];
    let of = |image: &str| verdict(&[&[("Dockerfile", image)][..], &files].concat());
    assert!(of(&consume).contains("service"), "{}", of(&consume));
    assert!(!of(&once).contains("service"), "{}", of(&once));
    let migrate = image("CMD [\"python\", \"manage.py\", \"migrate\"]");
    assert!(of(&migrate).contains("oneshot"));
    // A start script in Python that gives its place to the server.
    let start = image("COPY start.py /\nCMD [\"python\", \"/start.py\"]");
    let exec = "import os\nos.execvp('gunicorn', ['gunicorn', '--threads', '8', 'a:b'])\n";
    assert_eq!(
        starts(&[("Dockerfile", &start), ("start.py", exec)]),
        "gunicorn --threads 8 a:b"
    );
    let other =
        "import os\nos.execv('/usr/sbin/nginx', ['/usr/sbin/nginx', '-g', 'daemon off;'])\n";
    assert!(starts(&[("Dockerfile", &start), ("start.py", other)]).starts_with("/usr/sbin/nginx"));
    let own = "import subprocess\nsubprocess.run(['gunicorn'])\n";
    assert_eq!(
        starts(&[("Dockerfile", &start), ("start.py", own)]),
        "python /start.py"
    );
}
