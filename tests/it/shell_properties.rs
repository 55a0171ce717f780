//! What holds for any shell text: nothing panics, ranges lie in the text, time grows with length.

use std::hint::black_box;

use crate::support::any_text::shell;
use crate::support::growth::{MANY, assert_linear};
use malloclint::internals::shell::{effects, python, syntax, unwrap_argv};
use proptest::prelude::*;

/// Texts that are scripts.
const CASES: &str = include_str!("../shell_effects.txt");

/// Shell text from the pieces that matter, and from anything.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => prop::sample::select(vec![
            "$(", ")", "(", "`", "\"", "'", "$'", "${", "}", "{ ", "; ", ";;", "\n", " ", "\\", "\\\n", "|", "||", "&&", "&",
            "<<E\n", "E\n", "<<-'E'", "<<<", "> ", ">>", "2>&1", "if ", "then ", "fi ", "for x in ", "do ", "done ", "case ",
            " in ", "esac", "((", "))", "[[ ", " ]]", "#", "f() ", "A=", "A+=(", "export A", "$A", "sh -c ", "eval ", "su - x -c ",
            "apt-get install ", "apk add -t v ", "apk del v", "ln -s ", "echo ", "env -S ", "xargs -I{} ", "find -exec ", "tee ",
            "sed -i ", "printf %s", "x", "\u{e9}", "/a/b.so", "\r\n", "set -a",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1024, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn ranges_lie_in_the_text(text in text()) {
        shell::check(&text);
    }

    /// What stands behind a complete script is read as if it stood alone.
    #[test]
    fn complete_scripts_stand_one_behind_the_other(pick in any::<prop::sample::Index>(), second in text()) {
        let cases: Vec<&str> = CASES.split("\n\n").filter_map(|case| case.split("\n---").next()).collect();
        let first = *pick.get(&cases);
        let one = syntax::parse(first);
        prop_assume!(one.complete);
        let both = syntax::parse(&format!("{first}\n{second}"));
        let alone = syntax::parse(&second);
        prop_assert_eq!(both.commands.len(), one.commands.len() + alone.commands.len());
        prop_assert_eq!(both.complete, alone.complete);
    }

    #[test]
    fn any_argv_is_unwrapped(argv in prop::collection::vec(
        prop::sample::select(vec!["env", "-i", "A=b", "sudo", "-u", "x", "--", "tini", "su", "-", "-c", "sh", "exec", "gosu",
            "uv", "run", "timeout", "9", "xargs", "-I", "-S", "a b", "", "conda", "-n", "\u{e9}", "-\u{e9}"]), 0..8)
    ) {
        let argv: Vec<String> = argv.into_iter().map(str::to_owned).collect();
        prop_assert!(unwrap_argv(&argv).argv.len() <= argv.len() + 4);
    }
}

#[test]
#[should_panic(expected = "no linear work")]
fn time_that_grows_with_the_square_is_seen() {
    let text = |pieces: usize| "a".repeat(pieces);
    assert_linear("a square", text, |text| {
        for at in 0..text.len() {
            for other in 0..at {
                black_box(other);
            }
        }
    });
}

/// Hostile text: deep, unbalanced, repeated a hundred thousand times.
#[test]
fn time_grows_with_length_only() {
    let pieces = [
        "$(",
        "(",
        "((",
        "( ",
        "\"",
        "'",
        "`",
        "${",
        "<<A ",
        "<<A\n",
        "{ ",
        "if a; then ",
        "case a in (",
        "a=(",
        "f() ",
        "$((",
        "|",
        "a|",
        "a||",
        "&& a ",
        "! ",
        "[[ ",
        "\\",
        "\"$(",
        "a=$a$a;",
        "a+=x;",
        "sh -c '",
        "eval \"",
        "ln -s $a b;",
        "if x; then a=1; fi;",
        "{ echo a; } > f;",
        "a | tee b;",
        "> a ",
        "for a in b c; do ",
        "((a);(b));",
        "$'\\x",
        "@(",
        "A[",
        "find -exec ",
        "env -S 'a ",
        "sudo ",
        "su - ",
        "<(",
        "\u{e9}",
        "echo {",
        "#\n",
        "a\\\n",
        "2>",
        "time ",
    ];
    for piece in pieces {
        assert_linear(piece, |pieces| piece.repeat(pieces), effects::read);
    }
}

#[test]
fn time_for_python_grows_with_length_only() {
    let pieces = [
        "(",
        "environ['A']=",
        "{'A':",
        "\"\"\"",
        "'\\",
        "if x:\n",
        "\\\u{e9}",
        "f'",
    ];
    for piece in pieces {
        assert_linear(piece, |pieces| piece.repeat(pieces), python::read);
        let text = piece.repeat(MANY);
        for setting in &python::read(&text).settings {
            let spans = [&setting.value, &setting.name];
            assert!(spans.iter().all(|span| text.get((*span).clone()).is_some()));
        }
    }
}

#[test]
fn exec_form_loses_its_wrappers() {
    let unwrapped = |line: &str| {
        let argv: Vec<String> = line.split('~').map(str::to_owned).collect();
        let one = unwrap_argv(&argv);
        let env: Vec<String> = one
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let drops = one.drops_environment.unwrap_or_default();
        [
            one.argv.join("~"),
            env.join(" "),
            drops,
            one.script.unwrap_or_default(),
        ]
        .join(";")
    };
    let cases = [
        ("tini~--~gunicorn~app:app", "gunicorn~app:app;;;"),
        ("/usr/bin/tini~-g~-s~--~/entrypoint.sh", "/entrypoint.sh;;;"),
        (
            "env~LD_PRELOAD=libjemalloc.so.2~A=b c~python~app.py",
            "python~app.py;LD_PRELOAD=libjemalloc.so.2 A=b c;;",
        ),
        ("env~-u~LD_PRELOAD~python", "python;LD_PRELOAD=;;"),
        ("env~-i~A=b~python", "python;A=b;env -i;"),
        ("A=b~python", "A=b~python;;;"),
        ("sudo~-u~app~python", "python;;sudo;"),
        (
            "sh~-c~exec python \"$@\"~--",
            "sh~-c~exec python \"$@\"~--;;;exec python \"$@\"",
        ),
        (
            "/bin/bash~-lc~gunicorn app",
            "/bin/bash~-lc~gunicorn app;;;gunicorn app",
        ),
        (
            "su~-~app~-c~python x.py",
            "su~-~app~-c~python x.py;;su -;python x.py",
        ),
        ("bash~start.sh", "bash~start.sh;;;"),
        ("uv~run~--frozen~gunicorn~app:app", "gunicorn~app:app;;;"),
        ("poetry~run~python~-m~app", "python~-m~app;;;"),
        (
            "conda~run~--no-capture-output~-n~web~gunicorn",
            "gunicorn;;;",
        ),
        ("dumb-init", "dumb-init;;;"),
        ("tini~--", "tini~--;;;"),
        ("", ";;;"),
    ];
    for (argv, expected) in cases {
        assert_eq!(unwrapped(argv), expected, "{argv}");
    }
}
