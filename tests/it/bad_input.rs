//! Input that is broken, huge, hostile or no input at all: the program says what it is, checks the
//! other files, ends with the exit code of its documentation, and ends soon.

#[cfg(unix)]
mod special;

use crate::support::run::{
    CLEAN, FAULT, FAULTY, Run, finish, folder, program, run_limited as run_in, write,
};

/// Checks a folder that has a healthy neighbour beside the bad file: its finding must be there.
fn check_beside_neighbour(folder: &std::path::Path) -> Run {
    write(folder, "zz/Dockerfile", FAULTY);
    let run = run_in(folder, ["check", "--format", "concise"]);
    assert!(
        run.out.ends_with(&format!("zz/Dockerfile{FAULT}\n")),
        "the neighbour was not checked: {} {}",
        run.out,
        run.err
    );
    run
}

/// Checks one bad file beside a healthy neighbour, in every format; gives what it was told.
fn check(bytes: impl AsRef<[u8]>) -> Run {
    let folder = folder([]);
    write(folder.path(), "Dockerfile", bytes);
    let run = check_beside_neighbour(folder.path());
    assert!(
        matches!(run.code, Some(1)),
        "exit code {:?}: {}",
        run.code,
        run.err
    );
    for format in ["human", "json"] {
        let other = run_in(folder.path(), ["check", "--format", format]);
        assert_eq!(other.code, run.code, "{format}: {}", other.err);
        // One screen per finding at most: a line of a megabyte is never printed.
        let limit = 4096 * run.out.lines().count();
        assert!(
            other.out.len() < limit,
            "{format}: {} bytes for {} findings",
            other.out.len(),
            run.out.lines().count()
        );
        if format == "json" {
            serde_json::from_str::<serde_json::Value>(&other.out).expect("JSON");
        }
    }
    run
}

const BINARY: &str = "Dockerfile:1:1: error[unreadable-input] this is a binary file, no Dockerfile";

/// The findings about the bad file, without the neighbour's.
fn about(run: &Run) -> Vec<&str> {
    run.out
        .lines()
        .filter(|line| line.starts_with("Dockerfile:"))
        .collect()
}

#[test]
fn a_path_that_does_not_exist() {
    let folder = folder([("Dockerfile", FAULTY)]);
    let run = run_in(
        folder.path(),
        [
            "check",
            "--format",
            "concise",
            "nowhere/Dockerfile",
            "Dockerfile",
            "also-not",
        ],
    );
    assert_eq!(run.code, Some(2));
    assert_eq!(run.out, format!("Dockerfile{FAULT}\n"));
    let reason = "there is no such file or folder";
    assert_eq!(
        run.err,
        format!("malloclint: also-not: {reason}\nmalloclint: nowhere/Dockerfile: {reason}\n")
    );
}

#[test]
fn a_path_through_a_file() {
    let folder = folder([("Dockerfile", CLEAN)]);
    let run = run_in(folder.path(), ["check", "Dockerfile/Dockerfile"]);
    assert_eq!(run.code, Some(2));
    assert!(
        run.err.starts_with("malloclint: Dockerfile/Dockerfile: "),
        "{}",
        run.err
    );
}

#[test]
fn a_folder_named_like_a_file() {
    let folder = folder([("Dockerfile/Dockerfile", FAULTY)]);
    let run = check_beside_neighbour(folder.path());
    assert_eq!((run.code, run.err.as_str()), (Some(1), ""));
    assert!(
        run.out
            .starts_with(&format!("Dockerfile/Dockerfile{FAULT}\n"))
    );
}

#[test]
fn a_file_without_instructions() {
    for text in ["", "\n\n", "# only a comment\n", "\u{feff}", "   \t \r\n"] {
        let run = check(text);
        assert!(about(&run).is_empty(), "{text:?}: {}", run.out);
        assert_eq!(
            run.err, "malloclint: Dockerfile: not checked, it holds no instruction\n",
            "{text:?}"
        );
    }
}

#[test]
fn a_program() {
    let head = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".as_slice();
    let run = check([head, &[0, 0, 0, 64, 17, 200, 3, 0].repeat(10_000)].concat());
    assert_eq!(about(&run), [BINARY]);
}

/// A zero byte in the first kilobytes is what tells such data from text: there are few of them.
#[test]
fn compressed_data() {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    let data: Vec<u8> = (0..200_000).map(|_| byte()).collect();
    let run = check([b"\x1f\x8b\x08\0\0\0\0\0".as_slice(), &data].concat());
    assert_eq!(about(&run), [BINARY]);
}

#[test]
fn text_that_is_not_utf_8_is_read_all_the_same() {
    let run = check(b"FROM python:3.12-slim\n# caf\xe9\nLABEL a=\"\xff\xfe\xc3\x28\"\nENV MALLOC_ARENA_MAX_=2\n");
    assert_eq!(about(&run), [FAULT.replace(":2:5:", "Dockerfile:4:5:")]);
}

#[test]
fn other_line_endings_and_a_mark_at_the_start() {
    let run = check("\u{feff}FROM python:3.12-slim\r\nENV A=1 \\\r\n    MALLOC_ARENA_MAX_=2");
    assert_eq!(about(&run), [FAULT.replace(":2:5:", "Dockerfile:3:5:")]);
}

#[test]
fn one_line_of_ten_megabytes() {
    let run = check(format!(
        "FROM python:3.12-slim\nENV A={}\n",
        "x".repeat(10 << 20)
    ));
    assert!(
        about(&run)[0].contains("error[unreadable-input]"),
        "{:?}",
        about(&run)
    );
}

#[test]
fn ten_megabytes_without_a_line_break() {
    for part in [
        "$(", "\"", "'", "((", "{", "\\", "<<A ", "${A:-", "a\tb ", "`",
    ] {
        check(part.repeat((10 << 20) / part.len()));
    }
}

/// Lines as long as the builder takes them, joined by continuations: all of it reaches the shell.
fn one_command_of(part: &str, size: usize) {
    let line = part.repeat(60_000 / part.len());
    let command = format!("{line}\\\n").repeat(size / line.len());
    check(format!("FROM python:3.12-slim\nRUN {command}\n"));
}

#[test]
fn ten_megabytes_of_open_brackets_in_one_command() {
    one_command_of("$(", 10 << 20);
    one_command_of("(", 10 << 20);
}

#[test]
fn a_megabyte_of_anything_open_in_one_command() {
    for part in [
        "{ ",
        "\"$(",
        "${A:-",
        "$((",
        "if a; then ",
        "case a in a) ",
        "a && ",
        "a | ",
        "f() { ",
        "`",
        "<(",
        "'",
        "a=(",
        "! ",
        "while a; do ",
    ] {
        one_command_of(part, 1 << 20);
    }
}

#[test]
fn ten_megabytes_of_settings() {
    let line = format!("{}\\\n", "A=1 ".repeat(15_000));
    check(format!(
        "FROM python:3.12-slim\nENV {}B=2\n",
        line.repeat(170)
    ));
}

#[test]
fn sixty_thousand_libraries() {
    let line = format!("{}\\\n", "libjemalloc.so.2:".repeat(3_500));
    check(format!(
        "FROM python:3.12-slim\nENV LD_PRELOAD=\"{}\"\n",
        line.repeat(17)
    ));
}

#[test]
fn quotes_within_quotes() {
    let mut text = "echo x".to_owned();
    for depth in 0..2_000 {
        text = if depth % 2 == 0 {
            format!("sh -c \"{text}\"")
        } else {
            format!("sh -c '{text}'")
        };
    }
    check(format!("FROM python:3.12-slim\nRUN {text}\n"));
    let shells = format!("{}echo x", "sh -c ".repeat(10_000));
    check(format!("FROM python:3.12-slim\nRUN {shells}\n"));
}

#[test]
fn fifty_thousand_instructions() {
    let run = check(format!(
        "FROM python:3.12-slim\n{}ENV MALLOC_ARENA_MAX_=2\n",
        "RUN apt-get install -y curl\n".repeat(50_000)
    ));
    assert_eq!(about(&run), [FAULT.replace(":2:5:", "Dockerfile:50002:5:")]);
}

#[test]
fn fifty_thousand_faults() {
    let text = format!(
        "FROM python:3.12-slim\n{}",
        "ENV MALLOC_ARENA_MAX_=2\n".repeat(50_000)
    );
    assert!(!about(&check(text)).is_empty());
    check("NONSENSE here\n".repeat(50_000));
}

#[test]
fn fifty_thousand_variables() {
    let settings: String = (0..50_000)
        .map(|number| format!("ENV V{number}=$V{}\n", number + 1))
        .collect();
    check(format!("FROM python:3.12-slim\n{settings}"));
}

/// Each holds the one before it twice: together they would be gigabytes. With 4 GiB it ends by a signal.
#[test]
fn two_hundred_thousand_variables_that_double() {
    let doubled = |prefix: &str| -> String {
        let line = |number: usize| format!("{prefix}V{number}=$V{}$V{}\n", number - 1, number - 1);
        (1..200_000).map(line).collect()
    };
    let start = "FROM python:3.12-slim\n";
    for text in [
        format!("{start}ENV V0=x\n{}", doubled("ENV ")),
        format!("{start}RUN <<EOF\nV0=x\n{}EOF\n", doubled("")),
    ] {
        let folder = folder([]);
        write(folder.path(), "Dockerfile", text);
        let run = run_in(folder.path(), ["check", "--format", "concise"]);
        assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{}", run.err);
    }
}

#[test]
fn five_thousand_stages() {
    let stages: String = (0..5_000)
        .map(|number| {
            format!(
                "FROM s{number} AS s{}\nRUN apt-get install -y libjemalloc2\n",
                number + 1
            )
        })
        .collect();
    check(format!(
        "FROM python:3.12-slim AS s0\n{stages}ENV LD_PRELOAD=libjemalloc.so.2\n"
    ));
}

#[test]
fn a_quarter_of_a_million_copies_between_stages() {
    let copies: String = (0..5_000)
        .map(|number| format!("COPY --from=s{} / /\n", number % 50))
        .collect();
    check(
        (0..50)
            .map(|number| format!("FROM python:3.12-slim AS s{number}\n{copies}"))
            .collect::<String>(),
    );
}

#[test]
fn a_stage_that_stands_on_itself() {
    check("FROM a AS a\nCOPY --from=a / /\nFROM b AS c\nFROM c AS b\nENV MALLOC_ARENA_MAX_=2\n");
}

#[test]
fn twenty_thousand_comments_in_one_command() {
    let run = check(format!(
        "FROM python:3.12-slim\nRUN a \\\n{}    && b\nENV MALLOC_ARENA_MAX_=2\n",
        "# a comment\n".repeat(20_000)
    ));
    assert_eq!(about(&run), [FAULT.replace(":2:5:", "Dockerfile:20004:5:")]);
    let ignores = "# malloclint: ignore[allocator-unset]\n".repeat(20_000);
    check(format!(
        "FROM python:3.12-slim\nRUN a \\\n{ignores}    && b\n"
    ));
}

#[test]
fn a_heredoc_without_an_end() {
    check(format!(
        "FROM python:3.12-slim\nRUN <<EOF\n{}",
        "echo x\n".repeat(500_000)
    ));
    check(format!(
        "FROM python:3.12-slim\nRUN {}\nx\n",
        "<<A ".repeat(10_000)
    ));
}

#[test]
fn files_of_other_kinds() {
    for text in [
        "{\"FROM\": \"python\"}\n",
        "<html><body>FROM python</body></html>\n",
        "#!/bin/sh\nset -e\ndocker build .\n",
        "version: 3\nservices:\n  a:\n    image: b\n",
        "<<<<<<< HEAD\nFROM a\n=======\nFROM b\n>>>>>>> other\n",
    ] {
        let run = check(text);
        assert!(
            about(&run)
                .iter()
                .all(|line| line.contains("[unreadable-input]")),
            "{text}: {:?}",
            about(&run)
        );
    }
}

#[test]
fn templates_are_never_half_read() {
    for text in [
        "FROM {{ base }}\nENV MALLOC_ARENA_MAX_=2\n",
        "{% for v in versions %}\nFROM python:{{ v }}\n{% endfor %}\nENV MALLOC_ARENA_MAX_=2\n",
        "FROM <%= @base %>\nENV MALLOC_ARENA_MAX_=2\n",
        "FROM python:3.12\n{args}\nENV MALLOC_ARENA_MAX_=2\n",
        "{{- define \"x\" }}\nFROM {{ .Values.base }}\n{{- end }}\n",
    ] {
        let folder = folder([("Dockerfile", text)]);
        let run = run_in(folder.path(), ["check", "--format", "concise"]);
        assert_eq!((run.code, run.out.as_str()), (Some(0), ""), "{text}");
        assert!(
            run.err.starts_with("malloclint: Dockerfile: not checked, "),
            "{text}: {}",
            run.err
        );
    }
}

/// What is too large to be meant is trouble, wherever it comes from, and takes no memory.
#[test]
fn more_than_is_read() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x}]\n";
    let many = format!("{pod}x: [{}]\n", "[],".repeat(2_000_001));
    let comments = "#----------------------------------------------\n".repeat(400_000);
    let folder = folder([("many.yaml", many.as_str())]);
    write(folder.path(), "long/pod.yaml", format!("{pod}{comments}"));
    write(
        folder.path(),
        "long/Dockerfile",
        format!("{CLEAN}{comments}"),
    );
    let run = check_beside_neighbour(folder.path());
    let said = "malloclint: long/Dockerfile: is larger than 16 MiB\n\
                malloclint: long/pod.yaml: is larger than 16 MiB\n\
                malloclint: many.yaml: it holds more than 2000000 values\n";
    assert_eq!((run.code, run.err.as_str()), (Some(2), said));
    for command in ["check", "fix"] {
        let mut program = program(folder.path());
        let run = finish(program.args([command, "-"]), comments.as_bytes());
        let told = (run.code, run.out.as_str(), run.err.as_str());
        let nothing = if command == "check" {
            "no findings in 0 files\n"
        } else {
            ""
        };
        assert_eq!(
            told,
            (Some(2), nothing, "malloclint: -: is larger than 16 MiB\n")
        );
    }
}

/// Each comment is looked at once, not counted from the start of the file.
#[test]
fn ten_megabytes_of_comments() {
    let comments = "#---------------------\n".repeat(450_000);
    let run = check(format!("{comments}{FAULTY}"));
    assert_eq!(about(&run).len(), 1, "{}", run.out);
}
