//! What scripts do, case by case: `shell_effects.txt` holds shell text and the effects read from it.
//!
//! A case is its text, a line `---`, one line for each effect, and an empty line. `UPDATE=1` writes
//! the effects that are read now; look at the difference before you commit it.

use malloclint::internals::shell::effects::{self, Effect, EffectKind, Package};
use malloclint::internals::shell::syntax::Word;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/shell_effects.txt");

#[test]
fn every_case_reads_as_written() {
    let cases = std::fs::read_to_string(CASES).expect("the cases are readable");
    let mut now = String::new();
    let mut count = 0;
    for case in cases
        .split("\n\n")
        .map(|case| case.trim_matches('\n'))
        .filter(|case| !case.is_empty())
    {
        let comment: String = case
            .split_inclusive('\n')
            .take_while(|line| line.starts_with("#:"))
            .collect();
        let text = case[comment.len()..]
            .split("\n---")
            .next()
            .unwrap_or_default();
        let shown: String = effects::read(text)
            .iter()
            .map(|effect| format!("\n{}", show(effect)))
            .collect();
        now.push_str(&format!("{comment}{text}\n---{shown}\n\n"));
        count += usize::from(!text.is_empty());
    }
    let now = now.trim_end().to_owned() + "\n";
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(CASES, now).expect("the cases are writable");
        return;
    }
    assert!(count >= 150, "only {count} cases");
    for (was, is) in cases.split("\n\n").zip(now.split("\n\n")) {
        assert_eq!(was.trim_matches('\n'), is.trim_matches('\n'));
    }
    assert_eq!(cases.trim_end(), now.trim_end());
}

/// One line for an effect; its circumstances in brackets behind it.
fn show(effect: &Effect) -> String {
    let context = effect.context;
    let flags = [
        (context.conditional, "maybe"),
        (context.subshell, "subshell"),
        (context.function, "function"),
        (context.piped, "piped"),
    ];
    let flags: Vec<&str> = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, name)| *name)
        .collect();
    let flags = if flags.is_empty() {
        String::new()
    } else {
        format!(" [{}]", flags.join(" "))
    };
    // The folder matters to relative paths alone.
    let folder = match &effect.folder {
        Some(folder)
            if matches!(
                effect.kind,
                EffectKind::Place { .. } | EffectKind::RunScript { .. }
            ) =>
        {
            format!(" (in {folder})")
        }
        _ => String::new(),
    };
    format!("{}{folder}{flags}", kind(&effect.kind))
}

fn kind(kind: &EffectKind) -> String {
    match kind {
        EffectKind::Install {
            manager,
            packages: list,
            open_ended,
        } => {
            let open = if *open_ended { " ..." } else { "" };
            format!("install {manager:?}{}{open}", packages(list))
        }
        EffectKind::Uninstall {
            manager,
            packages: list,
        } => format!("uninstall {manager:?}{}", packages(list)),
        EffectKind::Place { from, to, link } => {
            format!(
                "{} {} -> {}",
                if *link { "link" } else { "copy" },
                word(from),
                word(to)
            )
        }
        EffectKind::Remove { path } => format!("remove {}", word(path)),
        EffectKind::BuildInstall { prefix } => format!("build {prefix}"),
        EffectKind::Ldconfig => "ldconfig".to_owned(),
        EffectKind::Export {
            name,
            value: Some(value),
        } => format!("export {name}={}", word(value)),
        EffectKind::Export { name, value: None } => format!("export {name}"),
        EffectKind::Assign { name, value } => format!("assign {name}={}", word(value)),
        EffectKind::Unset { name } => format!("unset {name}"),
        EffectKind::Inline { name, value } => format!("inline {name}={}", word(value)),
        EffectKind::Write {
            path,
            content,
            text,
            append,
        } => {
            let how = if *append { "append" } else { "write" };
            let text = if content.is_some() {
                format!("{text:?}")
            } else {
                "unknown".to_owned()
            };
            format!("{how} {path}: {text}")
        }
        EffectKind::Setcap { file } => format!("setcap {}", word(file)),
        EffectKind::DropsEnvironment { by, command } => {
            format!("drops by {by}: {}", words(command))
        }
        EffectKind::AddNeeded { library } => format!("needed {}", word(library)),
        EffectKind::RunScript {
            words: list,
            sourced,
            ..
        } => {
            format!(
                "{} {}",
                if *sourced { "source" } else { "script" },
                words(list)
            )
        }
        EffectKind::MentionsAllocator => "mentions".to_owned(),
        EffectKind::Run { words: list, exec } => {
            format!("{} {}", if *exec { "exec" } else { "run" }, words(list))
        }
    }
}

fn packages(packages: &[Package]) -> String {
    let show = |package: &Package| match &package.version {
        Some(version) => format!(" {}={version}", package.name),
        None => format!(" {}", package.name),
    };
    packages.iter().map(show).collect()
}

fn words(words: &[Word]) -> String {
    words.iter().map(word).collect::<Vec<_>>().join(" ")
}

/// A word as it is shown, in quotes where blanks would hide its end.
fn word(word: &Word) -> String {
    let text = word.shown();
    if text.is_empty() || text.contains([' ', '\n']) {
        format!("{text:?}")
    } else {
        text
    }
}

#[test]
fn a_reader_remembers_groups_and_what_it_was_told() {
    let mut reader = effects::Reader::default();
    reader.know("PKGS", "jemalloc curl");
    let mut read = |text: &str| {
        reader
            .read(text)
            .iter()
            .map(show)
            .collect::<Vec<_>>()
            .join("; ")
    };
    assert_eq!(read("apk add -t .run $PKGS"), "install Apk jemalloc curl");
    assert_eq!(read("PKGS=vim; apk add $PKGS"), "install Apk vim");
    assert_eq!(read("apk del .run"), "uninstall Apk jemalloc curl");
    assert_eq!(read("apk del .run"), "uninstall Apk .run");
}

#[test]
fn ranges_of_inner_scripts_are_those_of_the_outer_text() {
    let text = "bash -c \"ln -s /a \\\"/b c\\\" && apt-get install libjemalloc2=5.3\" ";
    let effects = effects::read(text);
    let EffectKind::Place { from, to, .. } = &effects[0].kind else {
        panic!("{effects:?}")
    };
    // An escape stands between: the words are shown by the whole literal they stand in.
    assert!(text[from.range.clone()].contains("/a") && text[to.range.clone()].contains("/b c"));
    let text = "sh -ec 'set -x; apt-get install libjemalloc2=5.3'";
    let effects = effects::read(text);
    let EffectKind::Install { packages, .. } = &effects[0].kind else {
        panic!("{effects:?}")
    };
    assert_eq!(&text[packages[0].range.clone()], "libjemalloc2=5.3");
}
