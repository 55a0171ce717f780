use super::*;
use crate::inputs::dockerfile::syntax::{Args, Instruction, Keyword};

/// The kinds of the items, a letter each, after a check that they tile the file.
fn kinds(source: &[u8], file: &Dockerfile) -> String {
    let mut at = 0;
    for item in &file.items {
        assert_eq!(item.span.start, at);
        assert!(!item.span.is_empty());
        at = item.span.end;
    }
    assert_eq!(at, source.len());
    file.items.iter().map(|item| letter(&item.kind)).collect()
}

fn letter(kind: &ItemKind) -> char {
    match kind {
        ItemKind::Bom => 'm',
        ItemKind::Directive(_) => 'd',
        ItemKind::Comment(_) => 'c',
        ItemKind::Blank => 'b',
        ItemKind::Instruction(_) => 'i',
    }
}

fn only(file: &Dockerfile) -> &Instruction {
    let mut instructions = file.instructions();
    let first = instructions.next().unwrap();
    assert!(instructions.next().is_none());
    first
}

fn messages(source: &str) -> Vec<(String, bool)> {
    let file = parse(source.as_bytes());
    file.problems
        .into_iter()
        .map(|p| (p.message, p.fatal))
        .collect()
}

fn text(source: &str, span: Span) -> &str {
    std::str::from_utf8(span.slice(source.as_bytes())).unwrap()
}

#[test]
fn every_byte_belongs_to_one_item() {
    let source = "\u{feff}# escape=\\\n#c\n\n \t\nFROM a\\\n# in\n\n b\r\nRUN <<E\nx\nE\n # end";
    let file = parse(source.as_bytes());
    assert_eq!(kinds(source.as_bytes(), &file), "mdcbiic");
    assert!(file.is_accepted());
}

#[test]
fn a_keyword_and_a_word_may_be_continued() {
    let source = "FR\\\nOM py\\\n# c\nthon\n";
    let file = parse(source.as_bytes());
    let from = only(&file);
    assert_eq!(from.keyword, Keyword::From);
    assert_eq!(text(source, from.keyword_span), "FR\\\nOM");
    let Args::Words(words) = &from.args else {
        panic!("{:?}", from.args)
    };
    assert_eq!(words[0].raw.as_str(), "python");
    assert_eq!(text(source, words[0].span), "py\\\n# c\nthon");
    assert_eq!(text(source, from.comments[0]), "# c");
}

#[test]
fn an_escape_before_the_escape_ends_the_line() {
    for (line, more) in [
        ("a\\", true),
        ("a\\\\", false),
        ("\\", true),
        ("\\\\", false),
        ("a\\ \t", true),
    ] {
        let (end, continued) =
            uncontinued(line.as_bytes(), Span::new(0, line.len()), Escape::Backslash);
        assert_eq!(continued, more, "{line}");
        assert_eq!(
            end,
            if more {
                line.find('\\').unwrap()
            } else {
                line.len()
            },
            "{line}"
        );
    }
}

#[test]
fn what_buildkit_refuses_is_fatal_and_the_rest_is_still_read() {
    let cases = [
        ("", "file with no instructions"),
        ("# only\n\n", "file with no instructions"),
        ("FROM a\nENV A\nRUN b", "ENV must have two arguments"),
        (
            "LABEL a=b c\nRUN b",
            "no `=` in this word: must be of the form name=value",
        ),
        (
            "#escape=x\nRUN b",
            "escape character is neither a backslash nor a backtick",
        ),
        (
            "#check=x\n#CHECK=y\nRUN b",
            "only one `check` directive can be used",
        ),
        ("RUN [\"a\", 1]", "a JSON form may hold strings only"),
        ("RUN <<E\nFROM b", "unterminated heredoc `E`"),
    ];
    for (source, message) in cases {
        assert_eq!(messages(source), [(message.to_owned(), true)], "{source}");
    }
    let known = messages("FORM a\nONBUILD ONBUILD RUN a\n\\");
    let expected = [
        "unknown instruction `FORM`, did you mean `FROM`?",
        "`ONBUILD` cannot be chained",
        "a line continuation without an instruction",
    ];
    assert_eq!(known, expected.map(|message| (message.to_owned(), false)));
}

#[test]
fn a_line_may_have_65535_bytes() {
    let line = |length: usize| format!("RUN {}\n", "x".repeat(length - 4));
    assert!(parse(line(65_535).as_bytes()).is_accepted());
    assert!(!parse(line(65_536).as_bytes()).is_accepted());
    assert!(parse(line(65_535).trim_end().as_bytes()).is_accepted());
    assert!(!parse(format!("RUN <<E\n{}E\n", line(65_536)).as_bytes()).is_accepted());
}
