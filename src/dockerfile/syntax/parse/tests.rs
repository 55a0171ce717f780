use super::*;
use crate::dockerfile::syntax::{Args, Instruction, Keyword};

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
fn arguments_are_counted_as_the_builder_counts_them() {
    for (source, message) in [
        ("FROM", "`FROM` takes an image, and maybe `AS` and a name"),
        (
            "FROM a # why",
            "`FROM` takes an image, and maybe `AS` and a name",
        ),
        (
            "FROM a AS",
            "`FROM` takes an image, and maybe `AS` and a name",
        ),
        ("COPY", "`COPY` needs a source and a destination"),
        (
            "COPY --from=a /b",
            "`COPY` needs a source and a destination",
        ),
        ("ADD [\"a\"]", "`ADD` needs a source and a destination"),
        ("ENV", "`ENV` needs an argument"),
        ("ONBUILD USER", "`USER` needs an argument"),
        ("SHELL /bin/sh -c", "`SHELL` needs a list in JSON form"),
        ("SHELL []", "`SHELL` needs a list in JSON form"),
    ] {
        assert_eq!(messages(source), [(message.to_owned(), false)], "{source}");
    }
    let taken = "FROM a as b\nCOPY <<E /a\nE\nADD [\"a\", \"b\"]\nRUN\nCMD\nENTRYPOINT\nSHELL [\"a\"]\nUSER a b";
    assert_eq!(messages(taken), []);
}

#[test]
fn a_line_may_have_65535_bytes() {
    let line = |length: usize| format!("RUN {}\n", "x".repeat(length - 4));
    assert!(parse(line(65_535).as_bytes()).is_accepted());
    assert!(!parse(line(65_536).as_bytes()).is_accepted());
    assert!(parse(line(65_535).trim_end().as_bytes()).is_accepted());
    assert!(!parse(format!("RUN <<E\n{}E\n", line(65_536)).as_bytes()).is_accepted());
}

#[test]
fn onbuild_hands_its_heredocs_to_the_inner_instruction() {
    let source = "ONBUILD COPY --link <<-'A' 3<<B /c/\n\ta\n\tA\nb\nB\nRUN d";
    let file = parse(source.as_bytes());
    assert_eq!(kinds(source.as_bytes(), &file), "ii");
    let outer = file.instructions().next().unwrap();
    let Args::Onbuild(inner) = &outer.args else {
        panic!("{:?}", outer.args)
    };
    assert!(outer.heredocs.is_empty());
    assert_eq!(inner.flags[0].name, "link");
    let read = |h: &crate::dockerfile::syntax::Heredoc| {
        let parts = [Some(h.opener), Some(h.body), h.terminator];
        let [opener, body, end] = parts.map(|span| span.map(|span| text(source, span).to_owned()));
        (
            h.name.clone(),
            h.fd,
            h.strip_tabs,
            h.expand,
            opener.unwrap(),
            body.unwrap(),
            end.unwrap(),
        )
    };
    let found: Vec<_> = inner.heredocs.iter().map(read).collect();
    let expected = [
        ("A", 0, true, false, "<<-'A'", "\ta\n", "\tA"),
        ("B", 3, false, true, "3<<B", "b\n", "B"),
    ];
    let expected = expected.map(|(name, fd, tabs, expand, opener, body, end)| {
        (
            name.into(),
            fd,
            tabs,
            expand,
            opener.into(),
            body.into(),
            end.into(),
        )
    });
    assert_eq!(found, expected);
    assert_eq!(
        text(source, outer.span),
        source.strip_suffix("\nRUN d").unwrap()
    );
    assert_eq!(inner.span, Span::new(8, outer.span.end));
}

#[test]
fn a_body_without_end_is_the_rest_of_the_file() {
    let source = "RUN <<A <<B\na\nA\nb\n";
    let file = parse(source.as_bytes());
    let [first, second] = only(&file).heredocs.as_slice() else {
        panic!()
    };
    assert_eq!(text(source, first.terminator.unwrap()), "A");
    assert_eq!(
        (text(source, second.body), second.terminator),
        ("b\n", None)
    );
    assert_eq!(text(source, only(&file).span), source.trim_end());
    assert!(!file.is_accepted());
}

#[test]
fn an_escaped_or_quoted_delimiter_is_read_as_buildkit_reads_it() {
    for (opener, expand) in [
        ("<<E", true),
        ("<<'E'", false),
        ("<<\"E\"", false),
        ("<<\\E", true),
    ] {
        let file = parse(format!("RUN {opener}\nE\n").as_bytes());
        let heredoc = &only(&file).heredocs[0];
        assert_eq!(
            (heredoc.name.as_str(), heredoc.expand),
            ("E", expand),
            "{opener}"
        );
    }
}

#[test]
fn words_and_pairs_stand_where_the_file_has_them() {
    let source = "ENV A=b\\\nc D=\nARG E F=g\nCOPY h \\\n# i\n j\n";
    let file = parse(source.as_bytes());
    let spans: Vec<_> = file.instructions().flat_map(|i| words(&i.args)).collect();
    let found: Vec<_> = spans.into_iter().map(|span| text(source, span)).collect();
    assert_eq!(found, ["A", "b\\\nc", "D", "", "E", "F", "g", "h", "j"]);
}

fn words(args: &Args) -> Vec<Span> {
    match args {
        Args::Words(words) => words.iter().map(|word| word.span).collect(),
        Args::Pairs(pairs) => {
            let both = pairs.iter().flat_map(|p| [Some(&p.key), p.value.as_ref()]);
            both.flatten().map(|word| word.span).collect()
        }
        _ => Vec::new(),
    }
}
