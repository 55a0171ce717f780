//! How fast Dockerfiles are parsed, in bytes per second: `cargo bench --bench parser`.
//!
//! `MALLOCLINT_BENCH_FOLDER` names a folder of real ones to measure too.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use malloclint::internals::dockerfile::syntax::parse;
use malloclint::internals::project;

/// About so much text for each case, in bytes: more than the caches of a core hold.
const SIZE: usize = 4 << 20;

/// Makes the text with a number.
type Make = fn(usize) -> String;

/// A Dockerfile as services have it; the number makes every copy differ.
fn service(number: usize) -> String {
    format!(
        r#"# syntax=docker/dockerfile:1
ARG PYTHON=3.{minor}
FROM python:${{PYTHON}}-slim AS build{number}
WORKDIR /src
COPY --link requirements.txt ./
RUN --mount=type=cache,target=/root/.cache/pip \
    pip wheel --wheel-dir /wheels -r requirements.txt

FROM python:${{PYTHON}}-slim
# jemalloc gives memory back sooner
RUN apt-get update \
    && apt-get install -y --no-install-recommends libjemalloc2 curl \
    && rm -rf /var/lib/apt/lists/*
ENV LD_PRELOAD=libjemalloc.so.2 \
    PORT={number} \
    PATH="/opt/venv/bin:$PATH"
COPY --from=build{number} /wheels /wheels
RUN pip install --no-cache-dir /wheels/*.whl
USER app
EXPOSE {number}/tcp
HEALTHCHECK --interval=30s CMD curl -f http://localhost:$PORT/ || exit 1
CMD ["gunicorn", "--workers", "4", "service{number}.wsgi"]
"#,
        minor = 9 + number % 5,
    )
}

fn heredoc(number: usize) -> String {
    format!(
        "FROM python:3.12 AS s{number}\nRUN <<EOF\nset -e\napt-get update\necho $HOME | tee /tmp/{number}\nEOF\nCOPY <<-\"END\" /etc/app.conf\n\tport = {number}\n\tEND\n"
    )
}

fn settings(number: usize) -> String {
    format!(
        "ENV A{number}=1 B{number}=\"two words\" \\\n    # why\n    C{number}='$A' D{number}=${{A{number}:-none}}\n"
    )
}

fn parsing(criterion: &mut Criterion) {
    let cases: [(&str, Make); 3] = [
        ("services", service),
        ("heredocs", heredoc),
        ("settings", settings),
    ];
    let mut group = criterion.benchmark_group("parse");
    group.sample_size(20);
    for (name, one) in cases {
        let files = texts(one);
        let whole = files.concat();
        group.throughput(Throughput::BytesDecimal(whole.len() as u64));
        // As it is in use: many files, each of its usual size.
        group.bench_function(format!("{name}, file by file"), |bencher| {
            bencher.iter(|| {
                for file in &files {
                    black_box(parse(black_box(file.as_bytes())));
                }
            });
        });
        group.bench_function(format!("{name}, one file"), |bencher| {
            bencher.iter(|| parse(black_box(whole.as_bytes())));
        });
    }
    if let Some(folder) = std::env::var_os(FOLDER) {
        let files = dockerfiles(folder.as_ref());
        let bytes: usize = files.iter().map(Vec::len).sum();
        group.throughput(Throughput::BytesDecimal(bytes as u64));
        let name = format!("{} files of the folder, file by file", files.len());
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                for file in &files {
                    black_box(parse(black_box(file)));
                }
            });
        });
    }
    group.finish();
}

/// The environment variable that names a folder of real Dockerfiles.
const FOLDER: &str = "MALLOCLINT_BENCH_FOLDER";

/// The text of every file below `folder` that `check` would take for a Dockerfile.
fn dockerfiles(folder: &Path) -> Vec<Vec<u8>> {
    let found = project::find(&[folder.into()]);
    let read = found
        .files
        .iter()
        .filter_map(|path| std::fs::read(path).ok());
    read.collect()
}

/// Files of one kind, [`SIZE`] bytes of them, no two alike.
fn texts(one: Make) -> Vec<String> {
    let mut size = 0;
    let more = |number| {
        let text = one(number);
        size += text.len();
        (size <= SIZE).then_some(text)
    };
    (0..).map_while(more).collect()
}

criterion_group!(benches, parsing);
criterion_main!(benches);
