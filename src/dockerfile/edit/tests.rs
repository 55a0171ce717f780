use super::*;
use crate::dockerfile::syntax::parse;
use crate::dockerfile::{Interpreted, Outside};
use crate::surroundings::Nowhere;

fn spelled(text: &str, change: &Change) -> Result<String, Refusal> {
    let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
    let outside = Outside {
        base: &|_| None,
        platforms: None,
    };
    let interpreted = Interpreted::of(&file, parse(&file.bytes), &Nowhere, &outside);
    let dockerfile = &interpreted.tree;
    let (unit, site) = interpreted.units(&Nowhere).pop().unwrap();
    let scene = Scene {
        file: &file,
        dockerfile,
        unit: &unit,
        site: &site,
        style: Style::default(),
    };
    let edits = spell(&scene, std::slice::from_ref(change))?;
    let out = crate::text::apply(text.as_bytes(), &edits).unwrap();
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn a_value_is_replaced_in_its_own_quotes() {
    let change = |value: &str| Change::SetEnv {
        name: "A".into(),
        value: value.into(),
    };
    for (before, value, after) in [
        ("ENV A=x B=y\n", "z", "ENV A=z B=y\n"),
        ("ENV A=\"x y\"\r\n", "z", "ENV A=\"z\"\r\n"),
        ("ENV A x y", "z", "ENV A z"),
        ("ENV A='x' \\\n  B=y\n", "q r", "ENV A='q r' \\\n  B=y\n"),
        ("ENV A=x\n", "/usr/$LIB/y", "ENV A='/usr/$LIB/y'\n"),
        ("ENV A=\n", "z", "ENV A=z\n"),
    ] {
        let file = format!("FROM python:3.12\n{before}");
        assert_eq!(
            spelled(&file, &change(value)),
            Ok(format!("FROM python:3.12\n{after}")),
            "{before}"
        );
    }
}

#[test]
fn a_pair_goes_with_its_line_or_its_instruction() {
    let change = Change::UnsetEnv { name: "A".into() };
    for (before, after) in [
        ("ENV A=x\nUSER u\n", "USER u\n"),
        ("ENV B=y A=x\n", "ENV B=y\n"),
        ("ENV A=x \\\n    B=y\n", "ENV B=y\n"),
        ("ENV B=y \\\n    A=x \\\n    C=z\n", "ENV B=y \\\n    C=z\n"),
    ] {
        let file = format!("FROM python:3.12\n{before}");
        assert_eq!(
            spelled(&file, &change),
            Ok(format!("FROM python:3.12\n{after}")),
            "{before}"
        );
    }
    let refused = spelled("FROM python:3.12\nENV B=y \\\n# why\n A=x\n", &change);
    assert!(refused.is_err());
}

#[test]
fn a_name_is_fixed_and_what_is_not_set_is_refused() {
    let rename = Change::RenameEnv {
        from: "A".into(),
        to: "B".into(),
    };
    assert_eq!(
        spelled("FROM x\nENV A=1\n", &rename),
        Ok("FROM x\nENV B=1\n".into())
    );
    assert!(spelled("FROM x\nENV C=1\n", &rename).is_err());
}

/// What would be written behind an instruction that goes on would be a part of it.
#[test]
fn nothing_is_written_behind_a_line_that_goes_on() {
    let start = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"a:a\"]\n";
    for open in [
        "RUN b \\\n",
        "RUN b \\\n  \n\n",
        "RUN b \\\n# c\n",
        "RUN b \\",
    ] {
        let text = format!("{start}{open}");
        let refused = spelled(&text, &Change::RunThread).unwrap_err();
        assert!(refused.0.contains("line 3 goes on"), "{open}: {refused}");
    }
    let whole = spelled(&format!("{start}RUN b\n"), &Change::RunThread).unwrap();
    assert!(whole.contains("\nRUN b\n"), "{whole}");
}
