//! The shape of the crate, kept by a test: who may import whom, who may touch the system, and
//! that every rule has its page.
//!
//! A new module needs a row in [`ROOMS`]. A row says what the module may know, so a reader can trust
//! it without opening the files: if a change needs another entry, the design changes, not the test.

pub(crate) mod source;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use source::File;

/// A module and the modules it may import. `parent/*` stands for the files below `parent`, which
/// may always import each other's siblings only where the row says so.
#[rustfmt::skip]
const ROOMS: &[(&str, &[&str])] = &[
    // Text, the world, and what both say about a process: these know no format and no rule.
    ("text", &[]),
    ("facts", &["text"]),
    ("model", &["facts", "secrets", "text"]),
    ("finding", &["model", "text"]),
    ("verdict", &["text"]),
    ("pages", &["finding"]),
    ("templates", &["facts", "model"]),
    ("shell", &["facts", "text"]),
    ("yaml", &["text"]),
    ("purpose", &["facts", "model", "surroundings", "text"]),
    // Formats: each turns its text into units. None knows another, but for the shell inside them.
    ("disk", &["text"]),
    ("secrets", &["facts"]),
    ("surroundings", &["text"]),
    ("dockerfile", &["facts", "model", "purpose", "secrets", "shell", "surroundings", "templates", "text"]),
    ("manifests", &["facts", "model", "templates", "text", "yaml"]),
    ("manifests/kubernetes", &["facts", "manifests", "model", "purpose", "templates", "text", "yaml"]),
    ("manifests/kustomize", &["manifests", "manifests/kubernetes", "model", "purpose", "surroundings", "text", "yaml"]),
    ("manifests/compose", &["facts", "manifests", "model", "purpose", "surroundings", "text", "yaml"]),
    // Rules: a rule sees units and facts. The list alone reads pages.
    ("rules", &["finding", "model", "pages", "text"]),
    ("rules/remedies", &["facts", "finding", "model", "rules", "text"]),
    ("rules/*", &["facts", "finding", "model", "rules", "rules/remedies", "secrets", "text"]),
    ("policy", &["finding", "rules", "text"]),
    ("check", &["disk", "dockerfile", "facts", "finding", "image", "manifests", "manifests/compose", "manifests/kubernetes", "model", "policy", "project", "purpose", "rules", "templates", "text", "verdict", "yaml"]),
    ("fix", &["check", "facts", "finding", "manifests", "manifests/kubernetes", "model", "project", "surroundings", "templates", "text", "yaml"]),
    // Disk in, disk and reports out.
    ("project", &["disk", "dockerfile", "facts", "manifests", "manifests/compose", "manifests/kustomize", "model", "policy", "purpose", "shell", "surroundings", "text", "yaml"]),
    ("write", &[]),
    ("config", &["disk", "facts", "finding", "image", "model", "policy", "templates", "text"]),
    // It measures: it knows the world and how jemalloc reads, and nothing of files that are checked.
    ("tune", &["engine", "facts", "inspect", "load", "model", "secrets", "shell", "templates", "text", "write"]),
    // Requests to a server: it knows nothing of what they are for.
    ("load", &["text"]),
    // Built images, read from where they are stored: it knows the world, and hands out what the files say.
    // Registries and engines are asked in `image/store/network` alone, which the feature `network` takes out.
    ("image", &["facts", "model", "surroundings", "text"]),
    // Built images written again with jemalloc: reading stays with `image`, and the rules judge what comes out.
    ("patch", &["check", "disk", "facts", "finding", "image", "model", "templates", "text", "write"]),
    // Container engines: how the command lines of their builds are read, and how builds and containers are run.
    ("engine", &["facts"]),
    // Reports of what live processes do, read back as what is known of a service.
    ("observed", &["model", "secrets", "shell", "text"]),
    // What live processes do with their memory: it knows the world, and nothing of files.
    ("inspect", &["facts", "model", "secrets", "templates", "text"]),
    ("report", &["facts", "finding", "fix", "project", "rules", "secrets", "text", "verdict"]),
    // The program.
    ("cli", &["finding", "policy", "report", "templates"]),
    ("baseline", &["finding"]),
    ("init", &["surroundings", "text", "yaml"]),
    ("commands", &["baseline", "check", "cli", "config", "disk", "engine", "facts", "finding", "fix", "image", "init", "inspect", "load", "model", "observed", "pages", "patch", "policy", "project", "report", "rules", "secrets", "templates", "text", "tune", "verdict", "write"]),
    ("main", &[]),
    // What the tests look at.
    ("internals", &["check", "config", "disk", "dockerfile", "facts", "finding", "fix", "image", "inspect", "manifests", "manifests/compose", "manifests/kubernetes", "model", "pages", "project", "report", "rules", "shell", "surroundings", "templates", "text", "verdict", "yaml"]),
    ("lib", &[]),
];

/// What reaches the system, and the only rooms that may.
const SYSTEM: &[(&str, &[&str])] = &[
    (
        "fs::",
        &[
            "commands", "config", "disk", "engine", "image", "inspect", "patch", "project", "tune",
            "write",
        ],
    ),
    (
        "File::open",
        &["disk", "image", "inspect", "patch", "write"],
    ),
    ("File::create", &["patch", "write"]),
    ("std::net", &["engine", "image", "load", "tune"]),
    (
        "std::process",
        &[
            "cli", "commands", "engine", "image", "inspect", "main", "project", "tune",
        ],
    ),
    (
        "Command::new",
        &["engine", "image", "inspect", "project", "tune"],
    ),
    (
        "std::env",
        &["commands", "engine", "main", "project", "tune"],
    ),
    ("io::stdin", &["commands", "tune"]),
    ("io::stdout", &["commands", "main"]),
    ("io::stderr", &["commands", "main"]),
    ("IsTerminal", &["commands"]),
];

/// Crates that have one home: what they do is done there and nowhere else.
const HOMES: &[(&str, &[&str])] = &[
    ("clap", &["cli", "main", "report"]),
    ("ignore", &["config", "policy", "project"]),
    ("granit_parser", &["yaml"]),
    ("hcl", &["project"]),
    ("miette", &["report"]),
    ("textwrap", &["inspect", "report", "tune"]),
    ("similar", &["report"]),
    ("strsim", &["text"]),
    (
        "tempfile",
        &["commands", "engine", "image", "patch", "project", "write"],
    ),
    (
        "toml_edit",
        &[
            "config",
            "dockerfile",
            "facts",
            "pages",
            "templates",
            "tune",
        ],
    ),
    ("indicatif", &["commands"]),
    ("rayon", &["commands", "image"]),
    ("terminal_size", &["commands"]),
    (
        "serde_json",
        &[
            "image",
            "inspect",
            "observed",
            "baseline",
            "commands",
            "dockerfile",
            "engine",
            "patch",
            "report",
            "tune",
        ],
    ),
    ("regex", &["commands", "facts", "manifests", "tune"]),
    ("rustix", &["engine", "inspect", "tune", "write"]),
    ("base64", &["image"]),
    ("hickory_resolver", &["image"]),
    ("rustls_native_certs", &["image"]),
    ("tokio", &["image"]),
    ("ureq", &["image"]),
    ("pgp", &["patch"]),
    ("httparse", &["load"]),
    ("oci_spec", &["image"]),
    ("tar", &["engine", "image", "patch"]),
    ("shlex", &["commands"]),
    ("flate2", &["engine", "image", "patch"]),
    ("ruzstd", &["image", "patch"]),
    ("lzma_rust2", &["patch"]),
    ("postcard", &["image"]),
    ("object", &["image"]),
    ("signal_hook", &["commands", "tune", "write"]),
];

/// Rules of the tool itself: they have a page, and no file.
const TOOL_RULES: [&str; 5] = [
    "unreadable-input",
    "suppression-unused",
    "suppression-unknown",
    "suppression-malformed",
    "suppression-expired",
];

#[test]
fn modules_import_only_what_their_row_allows() {
    let mut wrong = Vec::new();
    for file in source::all() {
        let room = room_of(&file.module);
        let allowed = row(room);
        for import in file.imports() {
            let Some(target) = room_of_import(&import) else {
                continue;
            };
            // A rule sees the list it stands in, never the rule next door.
            let own = target == room && room != "rules/*";
            if !own && !allowed.contains(&target) {
                wrong.push(format!(
                    "{} ({room}) imports {} ({target})",
                    file.path,
                    import.join("::")
                ));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "not allowed by the table ROOMS:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_row_has_a_module_and_imports_nothing_unknown() {
    let real: BTreeSet<&str> = source::all()
        .iter()
        .map(|file| room_of(&file.module))
        .collect();
    let rows: BTreeSet<&str> = ROOMS.iter().map(|(room, _)| *room).collect();
    assert_eq!(
        rows, real,
        "ROOMS and src/ disagree (left: rows, right: modules)"
    );
    for (room, allowed) in ROOMS {
        for other in *allowed {
            assert!(
                rows.contains(other),
                "{room} may import {other}, which has no row"
            );
        }
    }
}

#[test]
fn no_module_imports_itself_by_a_detour() {
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in source::all() {
        let from = top(&file.module[0]);
        for import in file.imports() {
            if let Some(target) = room_of_import(&import) {
                graph.entry(from.clone()).or_default().insert(top(target));
            }
        }
    }
    assert!(graph.len() > 10, "the imports were not read: {graph:?}");
    for start in graph.keys() {
        if let Some(way) = way_back(&graph, start) {
            panic!("an import cycle: {}", way.join(" -> "));
        }
    }
}

/// A file may use what its own folder's file declares for all; any other way back is a circle.
#[test]
fn no_file_imports_itself_by_a_detour() {
    let files = source::all();
    let modules: BTreeSet<&[String]> = files.iter().map(|file| file.module.as_slice()).collect();
    let mut graph: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in &files {
        let own = graph.entry(file.module.join("/")).or_default();
        for import in file.imports().iter().chain(&file.children()) {
            let named = (1..=import.len()).rev().map(|length| &import[..length]);
            let target = named.into_iter().find(|path| modules.contains(path));
            if let Some(target) = target.filter(|target| !file.module.starts_with(target)) {
                own.insert(target.join("/"));
            }
        }
    }
    let arrows: usize = graph.values().map(BTreeSet::len).sum();
    assert!(arrows > 500, "the imports were not read: {arrows}");
    let circles: Vec<String> = graph
        .keys()
        .filter_map(|start| way_back(&graph, start))
        .map(|way| way.join(" -> "))
        .collect();
    assert!(
        circles.is_empty(),
        "import circles:\n{}",
        circles.join("\n")
    );
}

#[test]
fn only_the_named_rooms_touch_the_system() {
    let mut wrong = Vec::new();
    for file in source::all() {
        let code = file.code();
        for (token, rooms) in SYSTEM {
            if source::mentions(&code, token) && !rooms.contains(&top(&file.module[0]).as_str()) {
                wrong.push(format!("{}: {token}", file.path));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "touches the disk, the environment or another process:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn crates_stay_at_home() {
    let mut wrong = Vec::new();
    for file in source::all() {
        let code = file.code();
        for (name, rooms) in HOMES {
            let used = source::mentions(&code, &format!("{name}::"));
            if used && !rooms.contains(&top(&file.module[0]).as_str()) {
                wrong.push(format!("{}: {name}", file.path));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "used away from its home:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_rule_has_a_page_and_every_page_a_rule() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let named = |folder: &str, ending: &str| -> BTreeSet<String> {
        let files = source::files(&root.join(folder)).into_iter();
        let names = files.filter_map(|path| path.strip_suffix(ending).map(str::to_owned));
        names
            .map(|path| path.rsplit('/').next().unwrap().replace('_', "-"))
            .collect()
    };
    let pages = named("rules", ".md");
    let listed: BTreeSet<String> = malloclint::internals::rules::RULES
        .iter()
        .map(|rule| rule.id.to_owned())
        .collect();
    assert_eq!(
        pages, listed,
        "pages in rules/ and the list in src/rules.rs (left: pages)"
    );
    let rules = std::fs::read_dir(root.join("src/rules")).unwrap();
    let rules = rules.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rules =
        rules.filter_map(|name| name.strip_suffix(".rs").map(|rule| rule.replace('_', "-")));
    let mut modules: BTreeSet<String> = rules.collect();
    modules.remove("remedies");
    modules.extend(TOOL_RULES.map(str::to_owned));
    assert_eq!(
        modules, pages,
        "files in src/rules/ and pages in rules/ (left: files)"
    );
}

#[test]
fn nothing_in_the_product_may_panic_on_purpose() {
    let tokens = [
        ".unwrap(",
        ".expect(",
        ".unwrap_err(",
        ".expect_err(",
        "panic!",
        "todo!",
        "unimplemented!",
        "unreachable!",
        "unsafe {",
        "unsafe fn",
        "unsafe impl",
    ];
    let mut wrong = Vec::new();
    for file in source::all() {
        let code = file.code();
        wrong.extend(
            tokens
                .iter()
                .filter(|token| source::mentions(&code, token))
                .map(|token| format!("{}: {token}", file.path)),
        );
    }
    assert!(
        wrong.is_empty(),
        "the product must not stop like this:\n{}",
        wrong.join("\n")
    );
}

/// A path of the machine that a file was written on says that something was not made general.
#[test]
fn no_file_names_the_machine_it_was_written_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = std::env::var("HOME").unwrap_or_default();
    // Dockerfiles in examples know these, too: they say nothing about this machine.
    let common = [
        "/root",
        "/home/app",
        "/usr",
        "/app",
        "/src",
        "/srv",
        "/opt",
        "/build",
        "/workspace",
    ];
    let telling = |path: &str| {
        path.matches('/').count() > 1
            && !common
                .iter()
                .any(|known| path == *known || path.starts_with(&format!("{known}/")))
    };
    let paths: Vec<String> = [root.to_string_lossy().into_owned(), home]
        .into_iter()
        .filter(|path| telling(path))
        .collect();
    for folder in ["src", "rules", "tests", "benches", "docs"] {
        for file in source::files(&root.join(folder)) {
            let text = std::fs::read(root.join(folder).join(&file)).unwrap();
            let text = String::from_utf8_lossy(&text);
            for path in &paths {
                assert!(
                    !text.contains(path.as_str()),
                    "{folder}/{file} names {path}"
                );
            }
        }
    }
}

/// The room of a module path: the longest row that covers it.
fn room_of(module: &[String]) -> &'static str {
    let depth_two = module
        .get(1)
        .map(|second| format!("{}/{second}", module[0]));
    let below = module.get(1).map(|_| format!("{}/*", module[0]));
    let names = [depth_two, below, Some(module[0].clone())];
    let known = names
        .iter()
        .flatten()
        .find_map(|name| ROOMS.iter().find(|(room, _)| room == name));
    known
        .unwrap_or_else(|| {
            panic!(
                "src/{} has no row in ROOMS: say what it may import",
                module.join("/")
            )
        })
        .0
}

/// The room that an import leads to; `None` for items of the crate root.
fn room_of_import(import: &[String]) -> Option<&'static str> {
    let first = import.first()?;
    let two = import.get(1).map(|second| format!("{first}/{second}"));
    let below = import
        .get(1)
        .filter(|second| is_module(first, second))
        .map(|_| format!("{first}/*"));
    let names = [two, below, Some(first.clone())];
    names
        .iter()
        .flatten()
        .find_map(|name| ROOMS.iter().find(|(room, _)| room == name))
        .map(|(room, _)| *room)
}

fn is_module(parent: &str, name: &str) -> bool {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(parent)
        .join(format!("{name}.rs"))
        .is_file()
}

fn row(room: &str) -> &'static [&'static str] {
    ROOMS
        .iter()
        .find(|(name, _)| *name == room)
        .map(|(_, allowed)| *allowed)
        .unwrap_or_default()
}

fn top(room: &str) -> String {
    room.split('/').next().unwrap_or(room).to_owned()
}

/// A way from `start` back to itself over other modules.
fn way_back(graph: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut open = vec![vec![start.to_owned()]];
    let mut seen = BTreeSet::new();
    while let Some(way) = open.pop() {
        let here = way.last().unwrap().clone();
        for next in graph
            .get(&here)
            .into_iter()
            .flatten()
            .filter(|next| **next != here)
        {
            let mut longer = way.clone();
            longer.push(next.clone());
            if next == start {
                return Some(longer);
            }
            if seen.insert(next.clone()) {
                open.push(longer);
            }
        }
    }
    None
}

#[test]
fn the_reader_of_imports_sees_what_a_compiler_sees() {
    let text = r####"
        //! use crate::comment::A;
        use crate::{model, rules::{self, RULES}};
        use super::Sibling; /* use crate::block::B; /* nested */ */
        const S: &str = "crate::string::C \" "; const R: &str = r#"crate::raw::D"#;
        fn f<'a>(x: &'a crate::text::Span) -> char { let _ = super::super::cli::X; '"' }
        #[cfg(test)]
        mod tests { use crate::secret::E; fn g() { let _ = "}"; } }
        fn after() -> crate::facts::Arch { todo!() }
    "####;
    let file = File {
        path: "src/inputs/shell.rs".into(),
        module: vec!["inputs".into(), "shell".into()],
        text: text.into(),
    };
    let imports: Vec<String> = file
        .imports()
        .iter()
        .map(|import| import.join("::"))
        .collect();
    assert_eq!(
        imports,
        [
            "cli::X",
            "facts::Arch",
            "inputs::Sibling",
            "model",
            "rules::RULES",
            "rules::self",
            "text::Span"
        ]
    );
    assert!(source::mentions(&file.code(), "todo!") && !source::mentions(&file.code(), "secret"));
}
