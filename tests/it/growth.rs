//! Work grows with what is looked at: thousands of stages, findings, comments and services cost so many times what one does.

use std::cell::Cell;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::growth::assert_linear_from;
use crate::support::run::{folder, run_in};
use malloclint::internals::project::{Disk, Project, Roots};
use malloclint::internals::report::{Format, Run, Style as Look, write};
use malloclint::internals::surroundings::{Home, Nowhere, Surroundings};
use malloclint::internals::text::SourceFile;
use malloclint::{Checked, Options, Style, check, fix};

/// Of the text four times as long, each piece is so much work that this is enough.
const FEW: usize = 1_500;

fn checked(path: &str, text: &str) -> Checked {
    let file = SourceFile::new(path, text.as_bytes().to_vec());
    check(&file, &Project::of(&Nowhere), Style::default())
}

fn grows(path: &str, name: &str, text: impl Fn(usize) -> String) {
    assert_linear_from(FEW, name, text, |text| checked(path, text));
}

fn dockerfile(name: &str, head: &str, piece: impl Fn(usize) -> String) {
    let text = |pieces: usize| {
        let body: String = (0..pieces).map(&piece).collect();
        format!("{head}\n{body}CMD [\"python\", \"app.py\"]\n")
    };
    grows("Dockerfile", name, text);
}

/// The lines of a stage, by its number and the name of the one below.
type Body = fn(usize, &str) -> String;

#[test]
fn stages_share_what_they_stand_on() {
    let below = |at: usize| match at {
        0 => "base".to_owned(),
        at => format!("s{}", at - 1),
    };
    let kinds: [(&str, Body); 5] = [
        ("copies", |at, _| format!("COPY f{at} /app/f{at}\n")),
        ("copies from below", |at, below| {
            format!("COPY --from={below} /x{at} /app/f{at}\n")
        }),
        ("variables", |at, _| format!("ENV A{at}=1\n")),
        ("packages", |at, _| {
            format!("RUN apt-get update && apt-get install -y p{at}\n")
        }),
        ("commands", |at, below| {
            format!("COPY --from={below} /app /app\nCMD [\"python\", \"{at}.py\"]\n")
        }),
    ];
    for (name, body) in kinds {
        dockerfile(name, "FROM python:3.12-slim AS base", |at| {
            let below = below(at);
            format!("FROM {below} AS s{at}\n{}", body(at, &below))
        });
    }
}

/// Eight thousand states that each held all of the ones below took 4.5 GB.
#[test]
fn memory_for_stages_is_that_for_what_each_adds() {
    let mut text = "FROM python:3.12-slim AS s0\n".to_owned();
    for at in 1..8_000 {
        let below = at - 1;
        text.push_str(&format!(
            "FROM s{below} AS s{at}\nCOPY --from=s{below} /x{at} /app/f{at}\n"
        ));
    }
    text.push_str("CMD [\"python\", \"app.py\"]\n");
    let folder = folder([("Dockerfile", text.as_str())]);
    let run = run_in(
        768 << 10,
        folder.path(),
        ["check", "--fail-on", "never", "."],
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
}

/// What each stage copied from the one below came to twice as much in each.
#[test]
fn libraries_are_not_doubled_by_stages() {
    let mut text = "FROM python:3.12-slim AS s0\nCOPY libfoo.so.1 /usr/lib/\n".to_owned();
    for at in 1..200 {
        let below = at - 1;
        text.push_str(&format!(
            "FROM s{below} AS s{at}\nCOPY --from=s{below} /usr/lib /usr/lib\n"
        ));
    }
    text.push_str("CMD [\"python\", \"app.py\"]\n");
    assert_eq!(checked("Dockerfile", &text).units.len(), 1);
}

#[test]
fn many_steps_of_one_stage() {
    let head = "FROM python:3.12-slim";
    dockerfile("here-documents that start files hold", head, |at| {
        format!(
            "RUN <<EOF\necho 'export LD_PRELOAD=libjemalloc.so.2' >> /etc/profile\necho {at}\nEOF\n"
        )
    });
    dockerfile("here-documents that are scripts", head, |at| {
        format!("RUN <<EOF\napt-get install -y p{at}\necho x > /etc/f{at}\nEOF\n")
    });
    dockerfile(
        "installations by others",
        "FROM python:3.12-slim\nUSER app",
        |at| format!("RUN apt-get update && apt-get install -y libjemalloc-dev p{at}\n"),
    );
    grows("Dockerfile", "installations of one step", |pieces| {
        let body = " \\\n && apt-get install -y libjemalloc2".repeat(pieces);
        format!("{head}\nRUN apt-get update{body}\nCMD [\"python\", \"app.py\"]\n")
    });
}

/// A container with these variables, each a text that is indented already.
fn container(name: usize, env: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: p{name}}}\nspec:\n  containers:\n  - name: c\n    image: python:3.12-slim\n    command: [python, app.py]\n    env:\n{env}"
    )
}

fn faulty(name: usize) -> String {
    let env = "    - name: PYTHONMALLOC\n      value: bad\n    - name: MALLOC_ARENA_MAX_\n      value: \"2\"\n";
    container(name, env)
}

#[test]
fn findings_in_manifests() {
    grows("pod.yaml", "containers", |pieces| {
        (0..pieces).map(faulty).collect()
    });
    grows("pod.yaml", "comments", |pieces| {
        let env = "    - name: PYTHONMALLOC\n      value: bad # malloclint: ignore[pythonmalloc-invalid] x\n";
        (0..pieces).map(|at| container(at, env)).collect()
    });
    grows("pod.yaml", "comments that silence nothing", |pieces| {
        let head = "# malloclint: ignore[preload-malformed] x\n".repeat(pieces);
        format!("{head}{}", faulty(0))
    });
    grows("pod.yaml", "variables of one container", |pieces| {
        let one = |at| format!("    - name: A{at}\n      value: {at}\n");
        container(0, &(0..pieces).map(one).collect::<String>())
    });
    grows("pod.yaml", "the same variable", |pieces| {
        container(0, &"    - name: A\n      value: 1\n".repeat(pieces))
    });
    grows(
        "compose.yaml",
        "services that stand on each other",
        |pieces| {
            let service = |at: usize| {
                let below = at.saturating_sub(1);
                format!(
                    "  s{at}:\n    extends: {{service: s{below}}}\n    environment: {{A{at}: b}}\n"
                )
            };
            let services: String = (1..pieces).map(service).collect();
            format!(
                "services:\n  s0:\n    image: python:3.12-slim\n    command: python app.py\n{services}"
            )
        },
    );
}

/// A long line is not decoded and masked anew for each finding in it.
#[test]
fn findings_in_one_line() {
    let text = |pieces: usize| {
        let options: Vec<String> = (0..pieces).map(|at| format!("bad{at}:1")).collect();
        let options = options.join(",");
        format!(
            "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF={options}\nCMD [\"python\", \"app.py\"]\n"
        )
    };
    let look = Look {
        colour: false,
        unicode: true,
        width: 100,
    };
    for format in [Format::Human, Format::Concise, Format::Sarif] {
        let most = Cell::new(0);
        assert_linear_from(FEW, "options of one line", text, |text| {
            let mut run = Run::default();
            run.findings = checked("Dockerfile", text).findings;
            run.files = 1;
            most.set(run.findings.len().max(most.get()));
            let mut out = Vec::new();
            write(&run, format, look, &mut out).unwrap();
            out
        });
        assert!(most.get() >= FEW, "{} findings", most.get());
    }
}

#[test]
fn fixes_of_one_file() {
    let fixed = |text: &str| {
        let file = SourceFile::new("pod.yaml", text.as_bytes().to_vec());
        let options = Options {
            unsafe_too: true,
            ..Options::default()
        };
        fix(&file, &Project::of(&Nowhere), &options)
    };
    let text = |pieces: usize| (0..pieces).map(faulty).collect::<String>();
    assert!(fixed(&text(40)).applied.len() >= 40);
    assert_linear_from(FEW / 2, "fixes of containers", text, fixed);
    let text = |pieces: usize| {
        let one = |at| format!("    - name: A{at}\n      value: {at}\n");
        container(0, &(0..pieces).map(one).collect::<String>())
    };
    assert_linear_from(FEW / 2, "fixes of one container", text, fixed);
}

/// A disk that counts what is asked of it.
struct Counted {
    disk: Disk,
    lists: AtomicUsize,
}

impl Surroundings for Counted {
    fn read(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.disk.read(near, path)
    }

    fn peek(&self, path: &str) -> Option<Vec<u8>> {
        self.disk.peek(path)
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.disk.beside(near, path)
    }

    fn list(&self, path: &str, depth: usize) -> Box<dyn Iterator<Item = String>> {
        self.lists.fetch_add(1, Ordering::Relaxed);
        self.disk.list(path, depth)
    }

    fn home(&self, near: &str) -> Home {
        self.disk.home(near)
    }
}

/// A folder that is no repository is one project, whatever path leads to it: its files are listed once.
#[test]
fn a_folder_outside_of_a_repository_is_surveyed_once() {
    let lies = tempfile::tempdir().unwrap();
    let top = lies.path().to_path_buf();
    let files: Vec<_> = (0..20)
        .map(|at| top.join(format!("a{at}/b/pod.yaml")))
        .collect();
    for (at, file) in files.iter().enumerate() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, faulty(at)).unwrap();
    }
    let around = Counted {
        disk: Disk::below(Roots::of(std::slice::from_ref(&top), None)),
        lists: AtomicUsize::new(0),
    };
    let project = Project::of(&around);
    for file in &files {
        let file = SourceFile::new(file.to_str().unwrap(), fs::read(file).unwrap());
        assert!(!check(&file, &project, Style::default()).findings.is_empty());
    }
    assert_eq!(around.lists.load(Ordering::Relaxed), 1);
}
