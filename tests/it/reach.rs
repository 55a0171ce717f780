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
