//! Dockerfiles that are right in roundabout ways, and faults that hide in them: what a linter that
//! guesses gets wrong. Each is a few lines; `{je}` stands for the usual installation and `{run}` for
//! the usual end, both on `python:3.12-slim-bookworm`.

use malloclint::internals::check;
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

const BASE: &str = "FROM python:3.12-slim-bookworm\n";
const JE: &str = "RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc2";
const RUN: &str = "ENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]";

/// The rules that speak about a text.
fn said(text: &str) -> Vec<&'static str> {
    let text = text.replace("{je}", JE).replace("{run}", RUN);
    let text = if text.starts_with("FROM") || text.starts_with("ARG") {
        text
    } else {
        format!("{BASE}{text}")
    };
    let file = SourceFile::new("Dockerfile", text.into_bytes());
    check::check(&file, &Project::of(&Nowhere), Style::default())
        .findings
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

#[test]
fn what_is_right_in_a_roundabout_way_is_right() {
    let path = |path: &str| {
        format!(
            "ENV LD_PRELOAD={path} MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]"
        )
    };
    let cases = [
        // Temporary folders are removed by variable everywhere.
        "{je}\nRUN export GNUPGHOME=\"$(mktemp -d)\"; rm -rf \"$GNUPGHOME\"\n{run}".to_owned(),
        "{je} && rm -rf \"$TMPDIR\"/* /tmp/* /var/lib/apt/lists/*\n{run}".into(),
        // Whoever unpacks, builds or pipes into a shell may bring it.
        format!("RUN curl -fsSL https://example.org/setup | sh\n{RUN}"),
        format!("RUN curl -fsSL https://example.org/x.tar | tar -xC /\n{RUN}"),
        format!("RUN make setup\n{RUN}"),
        format!("COPY a.deb /tmp/\nRUN apt-get install -y /tmp/a.deb\n{RUN}"),
        format!("COPY a.deb /tmp/\nRUN dpkg -i /tmp/a.deb\n{RUN}"),
        format!("RUN rsync -a /mnt/lib/ /usr/lib/\n{RUN}"),
        format!("VOLUME /mnt/libs\n{}", path("/mnt/libs/libjemalloc.so.2")),
        // Folders that are copied, linked or moved whole.
        format!("{{je}} && ln -s /usr/lib/$(uname -m)-linux-gnu /usr/lib/native\n{}", path("/usr/lib/native/libjemalloc.so.2")),
        format!("{{je}} && cp -a /usr/lib/x86_64-linux-gnu /opt/libs\n{}", path("/opt/libs/libjemalloc.so.2")),
        // Files that become the library under another name.
        format!("COPY je.so /usr/lib/libjemalloc.so.2\n{RUN}"),
        format!("COPY jemalloc-5.3.0 /opt/jemalloc\n{}", path("/opt/jemalloc/lib/libjemalloc.so.2")),
        format!("COPY libs.d/ /opt/libs/\n{}", path("/opt/libs/libjemalloc.so.2")),
        "WORKDIR /usr/src/jemalloc-5.3.0\nRUN ./configure --with-lg-page=16 && make && make install && ldconfig\n{run}".into(),
        format!(
            "RUN apt-get update && apt-get install -y libjemalloc-dev && apt-get purge -y libjemalloc-dev\n{RUN}"
        ),
        format!("{{je}}\nRUN mkdir /opt/lib && cp /usr/lib/*/libjemalloc.so.2 /opt/lib/ && ldconfig /opt/lib\n{}", path("libjemalloc.so.2")),
        // The environment is lost for something else.
        "{je}\nRUN cat > /start.sh <<'EOF'\nsudo chown -R app /data\nexec gunicorn --threads 8 app:app\nEOF\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=dirty_decay_ms:1000\nENTRYPOINT [\"sh\", \"/start.sh\"]".into(),
        "{je}\nRUN cat > /usr/local/bin/entry <<'EOF'\n#!/bin/sh\nexport LD_PRELOAD=libjemalloc.so.2\nexec gunicorn --threads 8 app:app\nEOF\nENTRYPOINT [\"/usr/local/bin/entry\"]".into(),
        "{je}\nCMD [\"env\", \"-i\", \"LD_PRELOAD=libjemalloc.so.2\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]".into(),
        "{je}\nUSER app\nRUN su root -c \"apt-get install -y curl\"\n{run}".into(),
        // The value is computed.
        "{je}\nRUN cat > /e.sh <<'EOF'\nJE=\"$(find /usr/lib -name libjemalloc.so.2)\"; export LD_PRELOAD=$JE\nexec gunicorn --threads 8 a:b\nEOF\nENTRYPOINT [\"sh\", \"/e.sh\"]".into(),
        // Several interpreters.
        "FROM debian:12\nRUN apt-get update && apt-get install -y python3.11 python3.13\nENV PYTHONMALLOC=mimalloc\nCMD [\"python3.13\", \"app.py\"]".into(),
        "FROM python:3.12\nRUN uv python install 3.13 && uv venv --python 3.13\nENV PYTHONMALLOC=mimalloc\nCMD [\"uv\", \"run\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]".into(),
        // Other names and other distributions.
        "ENV ARENA_MAX=3 MALLOC_ARENA_MAX=2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]".into(),
        format!("FROM archlinux\nRUN pacman -Sy --noconfirm python jemalloc\n{}", path("/usr/lib/libjemalloc.so")),
        "CMD [\"gunicorn\", \"--check-config\", \"a:b\"]".into(),
    ];
    let wrong: Vec<_> = cases
        .iter()
        .map(|case| (said(case), case))
        .filter(|(rules, _)| !rules.is_empty())
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn faults_that_hide() {
    let cases = [
        (
            "ARG SO=libjemalloc.so.2\nFROM python:3.12-slim-bookworm\n{je}\nENV LD_PRELOAD=${SO}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
            "preload-not-expanded",
        ),
        (
            "RUN cat > /e.sh <<'EOF'\nexport LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2\nexec gunicorn --threads 8 a:b\nEOF\nENTRYPOINT [\"sh\", \"/e.sh\"]",
            "preload-not-installed",
        ),
        (
            "{je}\nENV LD_PRELOAD=\u{201c}libjemalloc.so.2\u{201d}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
            "preload-malformed",
        ),
        (
            "FROM debian:sid AS b\n{je}\nFROM python:3.12-slim-bookworm\nCOPY --from=b /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 /usr/lib/\n{run}",
            "preload-wrong-libc",
        ),
        (
            "FROM python:3.12-slim-bookworm\nCOPY --from=debian:sid /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 /usr/lib/\n{run}",
            "preload-wrong-libc",
        ),
    ];
    for (case, rule) in cases {
        // None of them sets MALLOC_CONF, which is a finding of its own.
        let found = said(case)
            .into_iter()
            .filter(|id| *id != "malloc-conf-unset");
        assert_eq!(found.collect::<Vec<_>>(), [rule], "{case}");
    }
}

/// `/lib` leads to `/usr/lib` from Debian 12 on; in images before, and in Alpine's, it is a folder of its own.
#[test]
fn a_folder_is_a_link_where_its_release_has_merged_them() {
    let path = "LD_PRELOAD=/lib/x86_64-linux-gnu/libjemalloc.so.2";
    let debian = |release: &str, preload: &str| {
        said(&format!(
            "FROM --platform=linux/amd64 python:3.12-slim-{release}\n{JE}\nENV {preload} MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]"
        ))
    };
    assert_eq!(debian("bullseye", path), ["preload-wrong-path"]);
    assert!(debian("bullseye", &path.replace("=/lib", "=/usr/lib")).is_empty());
    assert!(debian("bookworm", path).is_empty());
    let ubuntu = |release: &str| {
        said(&format!(
            "FROM --platform=linux/amd64 ubuntu:{release}\nRUN apt-get update && apt-get install -y python3 libjemalloc2\nENV {path} MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"python3\", \"-m\", \"gunicorn\", \"--threads\", \"8\", \"a:b\"]"
        ))
    };
    assert_eq!(ubuntu("22.04"), [""; 0]);
    let alpine = |preload: &str| {
        said(&format!(
            "FROM python:3.12-alpine3.20\nRUN apk add jemalloc\nENV LD_PRELOAD={preload} MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]"
        ))
    };
    assert_eq!(alpine("/lib/libjemalloc.so.2"), ["preload-wrong-path"]);
    assert!(alpine("/usr/lib/libjemalloc.so.2").is_empty());
    assert!(alpine("\"/opt/a.so\t/usr/lib/libjemalloc.so.2\"").is_empty());
}

/// Parts of a path that lead nowhere else change nothing; behind the library's name they make it a folder.
#[test]
fn paths_lead_where_they_lead() {
    let on = |path: &str| {
        said(&format!(
            "FROM --platform=linux/amd64 python:3.12-slim-bookworm\n{JE}\nENV JE=/usr/lib/x86_64-linux-gnu/\nENV LD_PRELOAD={path} MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]"
        ))
    };
    for path in [
        "${JE}/libjemalloc.so.2",
        "/usr/lib/x86_64-linux-gnu/./libjemalloc.so.2",
        "/usr/lib/../lib/x86_64-linux-gnu/libjemalloc.so.2",
        "/usr/bin/../lib/x86_64-linux-gnu/libjemalloc.so.2",
        "//usr/lib/x86_64-linux-gnu//libjemalloc.so.2",
    ] {
        assert!(on(path).is_empty(), "{path}: {:?}", on(path));
    }
    assert_eq!(
        on("/usr/lib/../lib/libjemalloc.so.2"),
        ["preload-wrong-path"]
    );
    for path in ["${JE}libjemalloc.so.2/", "${JE}libjemalloc.so.2/."] {
        assert_eq!(on(path), ["preload-not-a-library"], "{path}");
    }
    // Nobody knows what is there.
    assert!(on("/srv/app/../lib/libjemalloc.so.2").is_empty());
}

/// The loader's name for the platform is the folder's own on arm64 alone.
#[test]
fn what_the_loader_puts_in_is_known_for_each_architecture() {
    let on = |platform: &str| {
        said(&format!(
            "FROM --platform=linux/{platform} python:3.12-slim-bookworm\n{JE}\nENV LD_PRELOAD='/usr/lib/$PLATFORM-linux-gnu/libjemalloc.so.2' MALLOC_CONF=dirty_decay_ms:1000\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]"
        ))
    };
    assert!(on("arm64").is_empty());
    assert_eq!(on("amd64"), ["preload-wrong-path"]);
}

#[test]
fn stages_that_copy_from_each_other_stay_small() {
    let stages: String = (0..60)
        .map(|n| {
            format!(
                "FROM debian:12 AS b{}\nCOPY --from=b{n} /usr /usr\nCOPY --from=b{n} /usr /usr\n",
                n + 1
            )
        })
        .collect();
    let text = format!("FROM debian:12 AS b0\n{JE}\n{stages}{RUN}\n");
    let file = SourceFile::new("Dockerfile", text.into_bytes());
    assert!(
        check::units(&file, &Project::of(&Nowhere))
            .iter()
            .all(|(unit, _)| unit.libraries.len() < 10)
    );
}
