//! Text to commands: what they hang on, and the parts of words.

use super::{Context, Part, ScopeKind, Script, Word, parse};

/// The first words of the commands, each with marks for what it hangs on: `?` conditional, `(`
/// subshell, `f` function, `|` piped.
fn marks(text: &str) -> String {
    let script = parse(text);
    assert!(script.complete, "{text}");
    let shown = script.commands.iter().map(|command| {
        let Context {
            conditional,
            subshell,
            function,
            piped,
            ..
        } = command.context;
        let flags = [
            (conditional, '?'),
            (subshell, '('),
            (function, 'f'),
            (piped, '|'),
        ];
        let flags: String = flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, mark)| mark)
            .collect();
        flags + &command.words.first().map(Word::shown).unwrap_or_default()
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn scopes_are_those_of_the_text() {
    let text = "a; (b; { c; }); f() { d; if e; then g; else h; fi; }; case x in y) i;; z) j;; esac";
    let script = parse(text);
    let path = |mut scope: usize| {
        let mut kinds = Vec::new();
        while scope != 0 {
            kinds.push(match &script.scopes[scope].kind {
                ScopeKind::Group => "{".to_owned(),
                ScopeKind::Branch => format!("?{scope}"),
                ScopeKind::Function(name) => name.clone(),
                ScopeKind::Subshell => "(".to_owned(),
            });
            scope = script.scopes[scope].parent;
        }
        kinds.reverse();
        kinds.join("")
    };
    let of = |command: &super::Command| {
        let name = command.words.first().map(Word::shown).unwrap_or_default();
        format!("{}{name}", path(command.context.scope))
    };
    let shown: Vec<String> = script.commands.iter().map(of).collect();
    let expected = "a (b ({c fd f{e f{?5g f{?6h {?8i {?9j";
    assert_eq!(shown.join(" "), expected);
}

#[test]
fn commands_know_what_they_hang_on() {
    let cases = [
        ("a && b; c", "a b c"),
        ("a || b && c", "a ?b c"),
        ("a || { b; c; }; d", "a ?b ?c d"),
        ("a ||\n b\n c", "a ?b c"),
        (
            "if a; then b; elif c; then d; else e; fi; f",
            "a ?b ?c ?d ?e f",
        ),
        ("while a; do b; done && c", "a ?b c"),
        ("for x in 1 2; do b; done; c", "?b c"),
        ("for x\ndo b\ndone", "?b"),
        ("case x in a) b;; c|d) e; esac; f", "?b ?e f"),
        ("case x in esac; a", "a"),
        ("a | b | c && d", "(a (|b (|c d"),
        ("{ a; b; } | c; d", "(a (b (|c d"),
        ("a | { b; c; }", "(a (|b (|c"),
        ("a | while b; do c; done", "(a (|b ?(|c"),
        ("(a; (b)); c", "(a (b c"),
        ("f() { a; }; b", "fa b"),
        ("function f { a; }\nb", "fa b"),
        ("function f() ( a )", "(fa"),
        ("[ x ] && a; b", "[ ?a b"),
        ("[ x ] && a", "[ a"),
        ("test x && a && b || c; d", "test ?a ?b ?c d"),
        ("x && [ y ] && a\nb", "x [ ?a b"),
        ("! a && time b & c", "(a (b c"),
        ("a |& b", "(a (|b"),
        ("if (a); then { b; }; fi > log; c", "(a ?b c"),
    ];
    for (text, expected) in cases {
        assert_eq!(marks(text), expected, "{text}");
    }
}

/// The parts of the first command's words: `'text'` for literals, `"text"` for quoted ones.
fn parts(text: &str) -> String {
    let script = parse(text);
    let words = script
        .commands
        .first()
        .map(|command| &command.words)
        .into_iter()
        .flatten();
    let shown = words.map(|word| {
        let parts = word.parts.iter().map(|part| match part {
            Part::Literal {
                text, quoted: true, ..
            } => format!("\"{text}\""),
            Part::Literal { text, .. } => format!("'{text}'"),
            Part::Variable {
                name, operation, ..
            } => format!("${{{name}|{operation}}}"),
            Part::Command { text, .. } => format!("$({text})"),
        });
        parts.collect::<String>()
    });
    shown.collect::<Vec<_>>().join(" ")
}

#[test]
fn words_are_taken_apart() {
    let cases = [
        ("a'b c'\"d e\"", "'a'\"b c\"\"d e\""),
        ("'' \"\" a", "\"\" \"\" 'a'"),
        ("a\\ b \\$x \\\\", "'a'\" \"'b' \"$\"'x' \"\\\""),
        ("\"a\\\"b\\c\\$\"", "\"a\"b\\c$\""),
        ("$'a\\tb\\x41\\'\\u00e9'", "\"a\tbA'\u{e9}\""),
        ("$\"a$b\"", "\"a\"${b|}"),
        (
            "$a${b}${c:-d}${#e}${!f}${g[@]}$1$@$#",
            "${a|}${b|}${c|:-d}${#e|}${!f|}${g|[@]}${1|}${@|}${#|}",
        ),
        ("a$ $% $", "'a$' '$%' '$'"),
        ("$(a \")\" $(b)) `c \\` d`", "$(a \")\" $(b)) $(c \\` d)"),
        ("$((1+(2))) <(a) >(b)", "$(1+(2)) $(a) $(b)"),
        (
            "${a:-\"}\"} \"${b:-'}\" ${c:-'}'}",
            "${a|:-\"}\"} ${b|:-'} ${c|:-'}'}",
        ),
        ("a\\\nb", "'ab'"),
        (
            "$(case x in y) z;; esac # )\n)",
            "$(case x in y) z;; esac # )\n)",
        ),
        ("$(cat <<E\n)\nE\n) x", "$(cat <<E\n)\nE\n) 'x'"),
        ("a#b #c", "'a#b'"),
        ("~/x {a,b} *.so", "'~/x' '{a,b}' '*.so'"),
    ];
    for (text, expected) in cases {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn ranges_are_those_of_the_text() {
    let text = "A=b \"c d\" $e > /f\u{e9} && g";
    let script = parse(text);
    let slice = |range: &std::ops::Range<usize>| &text[range.clone()];
    let first = &script.commands[0];
    assert_eq!(slice(&first.range), "A=b \"c d\" $e > /f\u{e9}");
    assert_eq!(slice(&first.assignments[0].name_range), "A");
    assert_eq!(slice(&first.assignments[0].value.range), "b");
    assert_eq!(slice(&first.words[0].range), "\"c d\"");
    assert_eq!(slice(first.words[0].parts[0].range()), "c d");
    assert_eq!(slice(first.words[1].parts[0].range()), "$e");
    assert_eq!(slice(&first.redirects[0].target.range), "/f\u{e9}");
    assert_eq!(slice(&script.commands[1].range), "g");
}

#[test]
fn here_documents_belong_to_their_redirections() {
    let text = "cat <<A <<-'B' && { x; } <<C\n1\nA\n\t2\n\tB\n3\nC\ny";
    let script = parse(text);
    assert!(script.complete);
    let body =
        |redirect: &super::Redirect| redirect.body.clone().map(|range| text[range].to_owned());
    let bodies: Vec<_> = script.commands[0].redirects.iter().map(body).collect();
    assert_eq!(bodies, [Some("1\n".to_owned()), Some("\t2\n".to_owned())]);
    assert_eq!(body(&script.groups[0].redirects[0]), Some("3\n".to_owned()));
    assert_eq!(script.groups[0].commands, 1..2);
    assert_eq!(script.commands.len(), 3);
    assert!(parse("cat <<A").commands[0].redirects[0].body.is_none());
}

#[test]
fn loops_keep_their_words() {
    let Script { loops, .. } = parse("for a in x \"$y\" z; do b; c; done; d; for e; do f; done");
    let values: Vec<String> = loops[0].values.iter().map(Word::shown).collect();
    assert_eq!(
        (loops[0].name.as_str(), values.as_slice()),
        ("a", ["x", "$y", "z"].map(String::from).as_slice())
    );
    assert_eq!(
        (loops[0].commands.clone(), loops[1].commands.clone()),
        (0..2, 3..4)
    );
}

#[test]
fn what_breaks_off_is_followed_as_far_as_it_goes() {
    for (text, commands) in [
        ("a; b 'c", 2),
        ("a && $(b", 2),
        ("a; fi; b", 2),
        ("if a; then b", 2),
        ("a; )b", 2),
        ("a \"", 1),
        ("a <<E\nb\n", 1),
    ] {
        let script = parse(text);
        assert!(!script.complete, "{text}");
        assert_eq!(script.commands.len(), commands, "{text}");
    }
}
