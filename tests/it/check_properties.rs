//! Whatever the text: checking it ends, and every place that is reported lies within its file.

use malloclint::internals::check;
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;
use proptest::prelude::*;

/// Pieces of Dockerfiles that deal with allocators, rightly and wrongly.
const LINES: &[&str] = &[
    "FROM python:3.12-slim",
    "FROM python:3.12-alpine AS base",
    "FROM base",
    "FROM ${IMAGE:-debian:12} AS b",
    "FROM scratch",
    "FROM --platform=linux/arm64 python:3.11-slim",
    "ARG IMAGE",
    "ARG ARCH=x86_64",
    "USER app",
    "USER root",
    "WORKDIR /app",
    "RUN apt-get update && apt-get install -y libjemalloc2 && rm -rf /var/lib/apt/lists/*",
    "RUN apk add --no-cache jemalloc",
    "RUN ln -s /usr/lib/$(uname -m)-linux-gnu/libjemalloc.so.2 /usr/lib/libjemalloc.so",
    "RUN echo x >> /etc/ld.so.preload",
    "RUN export LD_PRELOAD=/usr/lib/libjemalloc.so.2",
    "RUN <<EOF\napt-get install -y libjemalloc-dev\nEOF",
    "COPY --from=b /usr/lib/*/libjemalloc.so.2 /usr/lib/",
    "COPY --from=0 / /",
    "COPY . .",
    "COPY <<X /start.sh\nexec gunicorn --threads 8 a:b\nX",
    "ENV LD_PRELOAD=/usr/lib/${ARCH}-linux-gnu/libjemalloc.so.2",
    "ENV LD_PRELOAD libjemalloc.so.2",
    "ENV LD_PRELOAD=/usr/$LIB/libjemalloc.so.2",
    "ENV LD_PRELOAD=\"$(find / -name x)\" MALLOC_CONF=background_thread:true",
    "ENV MALLOC_ARENA_MAX_=2 PYTHONMALLOC=mimalloc",
    "ENV LD_PRELOAD=\"a.so,libtcmalloc.so.4 libmimalloc.so\" \\\n  # why\n  MALLOC_ARENA_MAX=1M",
    "EXPOSE 80",
    "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]",
    "CMD exec uvicorn a:b --workers 2",
    "ENTRYPOINT [\"/start.sh\"]",
    "ENTRYPOINT sudo -u x python app.py",
    "SHELL [\"bash\", \"-lc\"]",
    "ONBUILD ENV LD_PRELOAD=libjemalloc.so.2",
    "# malloclint: ignore[allocator-unset] because",
    "HEALTHCHECK CMD true",
    "RUN setcap x+ep /usr/bin/python3",
];

fn holds(text: Vec<u8>) {
    let length = text.len();
    let file = SourceFile::new("Dockerfile", text);
    let checked = check::check(&file, &Project::of(&Nowhere), Style::default());
    for finding in &checked.findings {
        let places =
            std::iter::once(&finding.place).chain(finding.labels.iter().map(|label| &label.place));
        for place in places {
            assert!(
                place.span.start <= place.span.end && place.span.end <= length,
                "{finding:?}"
            );
        }
        assert!(
            !finding.message.is_empty() && !finding.message.contains('\n'),
            "{finding:?}"
        );
        assert!(
            finding.edits.iter().all(|edit| edit.span.end <= length),
            "{finding:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn dockerfiles_of_known_lines(lines in prop::collection::vec(prop::sample::select(LINES), 0..14), crlf: bool) {
        let text = lines.join("\n");
        holds(if crlf { text.replace('\n', "\r\n") } else { text }.into_bytes());
    }

    #[test]
    fn lines_with_anything_in_them(
        lines in prop::collection::vec(prop::sample::select(LINES), 1..8),
        at in any::<prop::sample::Index>(),
        what in prop::collection::vec(any::<u8>(), 0..6),
    ) {
        let mut text = lines.join("\n").into_bytes();
        let at = at.index(text.len() + 1);
        text.splice(at..at, what);
        holds(text);
    }
}

#[test]
fn hostile_texts_end() {
    let n = 20_000;
    for text in [
        format!("FROM python:3\nENV LD_PRELOAD={}libjemalloc.so.2\nCMD gunicorn x", "$(".repeat(n)),
        format!("FROM python:3\nENV LD_PRELOAD=\"{}\"\nCMD gunicorn x", "libjemalloc.so.2 ".repeat(n / 8)),
        format!("FROM python:3\nCMD {}gunicorn x", "sh -c '".repeat(n / 8)),
        format!("FROM python:3\nCMD {}", "env ".repeat(n)),
        (0..2_000).map(|i| format!("FROM python:3 AS s{i}\nCOPY --from=s{} /a /b\n", i / 2)).collect(),
        (0..2_000).map(|i| format!("FROM {} AS s{i}\nENV A{i}=$A{} LD_PRELOAD=$LD_PRELOAD:x\n", if i == 0 { "python:3".into() } else { format!("s{}", i - 1) }, i.max(1) - 1)).collect(),
        format!("FROM python:3\n{}CMD gunicorn x", "ENV LD_PRELOAD=libjemalloc.so.2:$LD_PRELOAD\n".repeat(24)),
        format!("FROM python:3\n{}", "ENV A=$A$A$A LD_PRELOAD=$A:libjemalloc.so.2:$LD_PRELOAD\n".repeat(60)),
        (0..20_000).map(|i| format!("FROM python:3 AS s{i}\n")).collect(),
        (0..4_000).map(|i| format!("FROM python:3-slim AS s{i}\nENV LD_PRELOAD=libjemalloc.so.2\nRUN apt-get install libjemalloc2\nCMD gunicorn x\n")).collect(),
        format!("FROM python:3\nARG A=${{A:-{}}}\n", "${A:-".repeat(n)),
    ] {
        holds(text.into_bytes());
    }
}
