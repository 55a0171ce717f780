//! Transcripts: the `console` blocks of Markdown files, run and compared to the byte.
//!
//! `$ malloclint ARGUMENTS` is run from the root of the project. `? 1` below it is the exit code,
//! where it is not 0. What follows, up to the next command, is standard output, then standard
//! error. `UPDATE=1 cargo test --test it cli` writes what the program says now: read the difference.

use std::path::{Path, PathBuf};

use super::{UPDATING, updates};
use crate::support::run::{finish, program};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_program_says_what_the_transcripts_say() {
    let mut files: Vec<PathBuf> = std::fs::read_dir(format!("{ROOT}/tests/cli"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    files.push(format!("{ROOT}/README.md").into());
    let commands: usize = files.iter().map(|path| transcript(path)).sum();
    assert!(commands > 15, "only {commands} commands were found");
}

/// Runs the commands of one file; gives how many there are.
fn transcript(path: &Path) -> usize {
    let _guard = UPDATING.lock();
    let text = std::fs::read_to_string(path).unwrap();
    let mut now = String::new();
    let mut count = 0;
    let mut rest = text.as_str();
    while let Some((before, block)) = rest.split_once("```console\n") {
        // Output may hold fences of its own, but not at the start of a line.
        let (block, after) = block.split_once("\n```").expect("the block is closed");
        now.push_str(&format!("{before}```console\n"));
        for command in block.lines().filter_map(|line| line.strip_prefix("$ ")) {
            now.push_str(&run(command));
            count += 1;
        }
        now.push_str("```");
        rest = after;
    }
    now.push_str(rest);
    if updates() {
        std::fs::write(path, now).unwrap();
        return count;
    }
    for (index, (was, is)) in text.lines().zip(now.lines()).enumerate() {
        assert_eq!(
            is,
            was,
            "{}:{} (left: what the program says)",
            path.display(),
            index + 1
        );
    }
    assert_eq!(now, text, "{}", path.display());
    count
}

/// A command as a transcript has it: the line, the exit code, the output, an empty line.
fn run(command: &str) -> String {
    let mut words = command.split_whitespace();
    assert_eq!(words.next(), Some("malloclint"), "{command}");
    let run = finish(program(Path::new(ROOT)).args(words), b"");
    let code = run
        .code
        .filter(|code| *code != 0)
        .map_or_else(String::new, |code| format!("? {code}\n"));
    let output = format!("{}{}", run.out, run.err);
    let end = if output.is_empty() || output.ends_with('\n') {
        "\n"
    } else {
        "\n\n"
    };
    format!("$ {command}\n{code}{output}{end}")
}
