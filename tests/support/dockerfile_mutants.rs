//! Mutants of Dockerfiles, the same on every run.

use crate::support::random::Random;

/// What is put into a file: what the parsers of Dockerfiles look at.
pub(crate) const TOKENS: &[&str] = &[
    "\\",
    "\\\n",
    " \\\n",
    "\\\r\n",
    "\\ \n",
    "\\\\\n",
    "`",
    "`\n",
    "\n",
    "\n\n",
    "\r",
    "\r\n",
    " ",
    "\t",
    "\u{a0}",
    "\u{c}",
    "\u{b}",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\"",
    "'",
    "\"\"",
    "''",
    "<<EOF",
    " <<EOF ",
    " <<-'X' ",
    "<<",
    "<",
    " 3<<E",
    "\nEOF\n",
    "\nX\n",
    "EOF",
    "#",
    " # ",
    "\n# c\n",
    "# escape=`\n",
    "# escape=\\\n",
    "# syntax=x\n",
    "[",
    "]",
    "[\"a\", \"b\"]",
    "[\"a\" 1]",
    "{",
    "}",
    ",",
    "=",
    " = ",
    "A=b",
    " B=\"c d\" ",
    "--x",
    " --x=y ",
    "--",
    "-",
    "${a:-b}",
    "${",
    "$",
    "$(",
    "${a",
    "é",
    "漢",
    "\u{1f680}",
    "\nRUN ",
    "\nENV ",
    "\nARG ",
    "\nCOPY ",
    "\nFROM ",
    "\nCMD ",
    "\nONBUILD ",
    "\nLABEL ",
    "\nHEALTHCHECK CMD ",
    "ONBUILD ",
    "\\u00e9",
    "\\\"",
    "\\n",
    ";",
    "&&",
];

/// Instructions that deal with allocators, rightly and wrongly, and may get into any file.
pub(crate) const LINES: &[&str] = &[
    "FROM python:3.12-slim",
    "FROM python:3.12-slim AS final",
    "FROM python:3.12-alpine",
    "FROM debian:12 AS base",
    "FROM base AS dev",
    "FROM ubuntu:24.04",
    "FROM acme/base:1",
    "FROM nvcr.io/nvidia/pytorch:24.01-py3",
    "FROM --platform=linux/arm64 python:3.13-slim",
    "USER 1000",
    "USER root",
    "ARG ARCH",
    "RUN apt-get update && apt-get install -y libjemalloc2",
    "RUN apt-get update && apt-get install -y --no-install-recommends libjemalloc-dev curl",
    "RUN apt-get install -y google-perftools chromium",
    "RUN apk add --no-cache jemalloc",
    "RUN pip install openvino playwright && playwright install chromium",
    "RUN export LD_PRELOAD=libjemalloc.so.2",
    "RUN echo /usr/lib/x86_64-linux-gnu/libjemalloc.so.2 > /etc/ld.so.preload",
    "ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2",
    "ENV LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.1",
    "ENV LD_PRELOAD=\"/usr/lib/libjemalloc.so.2:${LD_PRELOAD}\"",
    "ENV LD_PRELOAD='/usr/$LIB/libjemalloc.so.2'",
    "ENV LD_PRELOAD=$LD_PRELOAD:libtcmalloc.so.4",
    "ENV LD_PRELOAD=/usr/lib",
    "ENV LD_PRELOAD \"libjemalloc.so.2,libgomp.so.1\"",
    "ENV MALLOC_CONF=background_thread:true,dirty_decay_ms:-1",
    "ENV MALLOC_CONF=\"narenas=2;tcache:false\"",
    "ENV MALLOC_CONF=narenas:2,prof:true",
    "ENV MALLOC_CONF=lg_chunk:20,dirty_decay:3",
    "ENV MALLOC_ARENA_MAX=2 PYTHONMALLOC=mimalloc",
    "ENV MALLOC_ARENA_MAX_=2",
    "ENV MALLOC_TRIM_THRESHOLD=1M PYTHONMALLOC=malloc",
    "ENV PYTHONMALLOC=jemalloc",
    "EXPOSE 8000",
    "CMD [\"gunicorn\", \"--threads\", \"4\", \"a:b\"]",
    "CMD [\"uvicorn\", \"a:b\"]",
    "CMD LD_PRELOAD=libjemalloc.so.2 exec gunicorn --threads 8 a:b",
    "CMD [\"python\", \"manage.py\", \"runserver\"]",
    "CMD exec setpriv --reuid app celery -A a worker",
];

/// A mutant of `source` with one to four changes; parts of `other` may get into it.
pub(crate) fn mutant(random: &mut Random, source: &str, other: &str) -> String {
    let mut text = source.to_owned();
    for _ in 0..=random.below(4) {
        text = if random.below(3) == 0 {
            change_lines(random, &text, other)
        } else {
            change_characters(random, &text)
        };
    }
    text
}

fn change_characters(random: &mut Random, text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let at = random.below(characters.len() + 1);
    let (before, after) = characters.split_at(at);
    let count = (1 + random.below(3)).min(after.len());
    let (cut, rest) = after.split_at(count);
    let string = |characters: &[char]| characters.iter().collect::<String>();
    let insert = match random.below(5) {
        0 => String::new(),
        1 => string(cut) + &string(cut),
        2 => (*random.pick(TOKENS)).to_owned(),
        _ => (*random.pick(TOKENS)).to_owned() + &string(cut),
    };
    string(before) + &insert + &string(rest)
}

fn change_lines(random: &mut Random, text: &str, other: &str) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let foreign: Vec<&str> = other.split_inclusive('\n').collect();
    if lines.is_empty() {
        return other.to_owned();
    }
    let (at, to) = (random.below(lines.len()), random.below(lines.len()));
    match random.below(5) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(to, lines[at]),
        2 => lines.swap(at, to),
        3 if !foreign.is_empty() => lines.insert(to, random.pick::<&str>(&foreign)),
        _ => lines.truncate(at + 1),
    }
    lines.concat()
}
