//! What holds of every parse: of arbitrary bytes, of random Dockerfiles, of hostile ones.

use crate::support::any_text::dockerfile;
use crate::support::fixtures;
use crate::support::growth::assert_linear;
use malloclint::internals::dockerfile::syntax::parse;
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
        dockerfile::check(&source);
    }

    #[test]
    fn random_dockerfiles_hold(source in dockerfile()) {
        dockerfile::check(source.as_bytes());
    }

    #[test]
    fn broken_dockerfiles_hold(source in broken()) {
        dockerfile::check(&source);
    }
}

#[test]
fn fixtures_hold_and_so_does_every_start_of_one() {
    for fixture in fixtures::all() {
        for end in 0..=fixture.bytes.len() {
            dockerfile::check(&fixture.bytes[..end]);
        }
    }
}

/// Makes a text with pieces repeated by what is given to it.
type Make = fn(&dyn Fn(&str) -> String) -> String;

/// Files of 10 MB that a parser may take for ever over, or die of.
#[test]
fn hostile_files_take_linear_time() {
    let cases: [(&str, Make); 28] = [
        ("a heredoc", |fill| {
            format!("FROM a\nRUN <<EOF\n{}EOF\n", fill("echo b && c\n"))
        }),
        ("a heredoc without end", |fill| {
            format!("RUN <<EOF\n{}", fill("EOF \n"))
        }),
        ("a line", |fill| format!("RUN {}", fill("echo b; "))),
        ("a word", |fill| format!("COPY {}", fill("x"))),
        ("instructions", |fill| fill("RUN a\n")),
        ("empty instructions", |fill| fill("\\\n\n")),
        ("comments in one RUN", |fill| {
            format!("RUN a \\\n{} b\n", fill("# c\n"))
        }),
        ("continuations", |fill| {
            format!("RUN a \\\n{} b\n", fill("b \\\n"))
        }),
        ("continued words", |fill| {
            format!("ENV {}", fill("A=b\\\nc \\\n"))
        }),
        ("continued keyword", |fill| fill("R\\\n")),
        ("blank lines", |fill| fill("\n")),
        ("escapes", |fill| format!("ENV A={}", fill("\\\\"))),
        ("quotes", |fill| format!("ENV A={}", fill("\"'"))),
        ("flags", |fill| format!("RUN {}", fill("--x=y "))),
        ("quoted flag", |fill| format!("RUN --x={}", fill("\"a\"\\"))),
        ("arrays", |fill| format!("CMD {}", fill("["))),
        ("objects", |fill| format!("CMD [{}", fill("{\"a\":"))),
        ("strings", |fill| {
            format!("CMD [{}\"b\"]", fill("\"a\\n\", "))
        }),
        ("escaped string", |fill| {
            format!("CMD [\"{}\"]", fill("\\u00e9"))
        }),
        ("ONBUILD", |fill| fill("ONBUILD ")),
        ("openers", |fill| format!("RUN {}", fill("<<E "))),
        ("openers with bodies", |fill| {
            format!("RUN {}\n{}", fill("<<E "), fill("E\n"))
        }),
        ("less-than signs", |fill| format!("RUN {}", fill("<"))),
        ("substitutions", |fill| format!("RUN << {}", fill("${a:-"))),
        ("quoted substitutions", |fill| {
            format!("RUN << {}", fill("\"${a:-"))
        }),
        ("patterns", |fill| format!("RUN << {}", fill("${a/b/c}"))),
        ("directives", |fill| fill("# syntax=a\n")),
        ("invalid keyword", |fill| fill("é")),
    ];
    for (name, make) in cases {
        // 5 MB for the longer of the two.
        let text = |size: usize| make(&|piece| piece.repeat(size * 50 / piece.len()));
        assert_linear(name, text, |source| {
            let file = parse(source.as_bytes());
            let last = file.items.last().map(|item| item.span.end);
            assert_eq!(last, Some(source.len()), "{name}");
            file
        });
    }
}
