//! What holds of every parse: of arbitrary bytes, of random Dockerfiles, of hostile ones.

// Helpers of a test are tests too, though clippy knows only functions that are marked as such.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

#[path = "dockerfile/fixtures.rs"]
mod fixtures;
#[path = "dockerfile/invariants.rs"]
mod invariants;

use std::time::{Duration, Instant};

use malloclint::inputs::dockerfile::parse;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// What Dockerfiles are made of, and what parsers of them trip over.
const PIECES: &[&str] = &[
    "FROM",
    "from",
    "RUN",
    "COPY",
    "ADD",
    "ENV",
    "ARG",
    "LABEL",
    "CMD",
    "ENTRYPOINT",
    "ONBUILD",
    "HEALTHCHECK",
    "NONE",
    "SHELL",
    "VOLUME",
    "EXPOSE",
    "USER",
    "WORKDIR",
    "FORM",
    " ",
    " ",
    " ",
    "\t",
    "\n",
    "\n",
    "\n",
    "\r\n",
    "\r",
    "\\\n",
    "\\",
    " \\\n",
    "`\n",
    "`",
    "#",
    "# c\n",
    "\n# c\n",
    "# escape=`\n",
    "# syntax=x\n",
    "# check=y\n",
    "\u{feff}",
    "\u{a0}",
    "\u{85}",
    "\u{2028}",
    "\u{c}",
    "\"",
    "'",
    "[",
    "]",
    ",",
    "[\"a\", \"b\\u00e9\"]",
    "[1]",
    "{",
    "}",
    "=",
    "A=b",
    "A",
    "--x",
    "--x=y",
    "--",
    "-",
    "<<",
    "<<EOF",
    "<<-'X'",
    "3<<E",
    "\nEOF\n",
    "\n\tX\n",
    "\nE\n",
    "EOF",
    "X",
    "E",
    "<",
    "$",
    "${",
    "${a:-",
    "$(",
    "a",
    "b.c",
    "/x/y",
    "é",
    "漢",
    "\u{1f680}",
    "\0",
    "&&",
    ";",
    "|",
];

fn dockerfile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(PIECES);
    prop::collection::vec(piece, 0..120).prop_map(|pieces| pieces.concat())
}

/// Random Dockerfiles with some bytes replaced by others.
fn broken() -> impl Strategy<Value = Vec<u8>> {
    let holes = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8);
    (dockerfile(), holes).prop_map(|(text, holes)| {
        let mut bytes = text.into_bytes();
        for (at, byte) in holes {
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 5_000,
        failure_persistence: None,
        // The same cases on every run; the fuzz target looks for new ones.
        rng_seed: RngSeed::Fixed(0x6d61_6c6c_6f63),
        ..ProptestConfig::default()
    })]

    #[test]
    fn arbitrary_bytes_hold(source in prop::collection::vec(any::<u8>(), 0..600)) {
        invariants::check(&source);
    }

    #[test]
    fn random_dockerfiles_hold(source in dockerfile()) {
        invariants::check(source.as_bytes());
    }

    #[test]
    fn broken_dockerfiles_hold(source in broken()) {
        invariants::check(&source);
    }
}

#[test]
fn fixtures_hold_and_so_does_every_start_of_one() {
    for fixture in fixtures::all() {
        for end in 0..=fixture.bytes.len() {
            invariants::check(&fixture.bytes[..end]);
        }
    }
}

/// Files of 10 MB that a parser may take for ever over, or die of.
#[test]
fn hostile_files_take_linear_time() {
    const SIZE: usize = 10_000_000;
    let fill = |piece: &str| piece.repeat(SIZE / piece.len());
    let cases = [
        (
            "a heredoc",
            format!("FROM a\nRUN <<EOF\n{}EOF\n", fill("echo b && c\n")),
        ),
        (
            "a heredoc without end",
            format!("RUN <<EOF\n{}", fill("EOF \n")),
        ),
        ("a line", format!("RUN {}", fill("echo b; "))),
        ("a word", format!("COPY {}", fill("x"))),
        ("instructions", fill("RUN a\n")),
        ("empty instructions", fill("\\\n\n")),
        (
            "comments in one RUN",
            format!("RUN a \\\n{} b\n", fill("# c\n")),
        ),
        ("continuations", format!("RUN a \\\n{} b\n", fill("b \\\n"))),
        ("continued words", format!("ENV {}", fill("A=b\\\nc \\\n"))),
        ("continued keyword", fill("R\\\n")),
        ("blank lines", fill("\n")),
        ("escapes", format!("ENV A={}", fill("\\\\"))),
        ("quotes", format!("ENV A={}", fill("\"'"))),
        ("flags", format!("RUN {}", fill("--x=y "))),
        ("quoted flag", format!("RUN --x={}", fill("\"a\"\\"))),
        ("arrays", format!("CMD {}", fill("["))),
        ("objects", format!("CMD [{}", fill("{\"a\":"))),
        ("strings", format!("CMD [{}\"b\"]", fill("\"a\\n\", "))),
        ("escaped string", format!("CMD [\"{}\"]", fill("\\u00e9"))),
        ("ONBUILD", fill("ONBUILD ")),
        ("openers", format!("RUN {}", fill("<<E "))),
        (
            "openers with bodies",
            format!("RUN {}\n{}", fill("<<E "), fill("E\n")),
        ),
        ("less-than signs", format!("RUN {}", fill("<"))),
        ("substitutions", format!("RUN << {}", fill("${a:-"))),
        (
            "quoted substitutions",
            format!("RUN << {}", fill("\"${a:-")),
        ),
        ("patterns", format!("RUN << {}", fill("${a/b/c}"))),
        ("directives", fill("# syntax=a\n")),
        ("invalid keyword", fill("é")),
    ];
    for (name, source) in cases {
        let start = Instant::now();
        let file = parse(source.as_bytes());
        let took = start.elapsed();
        assert_eq!(
            file.items.last().map(|item| item.span.end),
            Some(source.len()),
            "{name}"
        );
        // A few seconds at most where it is linear, minutes to hours where it is not.
        assert!(took < Duration::from_secs(10), "{name} took {took:?}");
        println!("{name}: {took:?}");
    }
}
