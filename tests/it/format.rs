//! That `make format` sees every file: rustfmt follows `mod` lines, and those that a macro writes it does not see.

use std::fs;
use std::path::Path;
use std::process::Command;

/// `cargo fmt --check` in a folder; nothing where rustfmt is not installed.
fn formatted(folder: &Path) -> Option<(bool, String)> {
    let cargo = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO"));
        command
            .args(arguments)
            .current_dir(folder)
            .output()
            .unwrap()
    };
    if !cargo(&["fmt", "--version"]).status.success() {
        return None;
    }
    let done = cargo(&["fmt", "--check"]);
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    Some((done.status.success(), said))
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, name) = entry
            .map(|entry| (entry.path(), entry.file_name()))
            .unwrap();
        if path.is_dir() {
            copy(&path, &to.join(name));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            fs::copy(&path, to.join(name)).unwrap();
        }
    }
}

#[test]
fn an_ill_formatted_file_of_any_room_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let crate_copy = tempfile::tempdir().unwrap();
    let folder = crate_copy.path();
    copy(&root.join("src"), &folder.join("src"));
    let manifest = "[package]\nname = \"malloclint\"\nversion = \"0.0.0\"\nedition = \"2024\"\n";
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    let mut files = Vec::new();
    for path in super::architecture::source::files(&folder.join("src")) {
        let file = folder.join("src").join(&path);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}\n\n\n\nfn   ill( ){{}}\n")).unwrap();
        files.push(format!("src/{path}"));
    }
    let Some((clean, said)) = formatted(folder) else {
        println!("skipped: rustfmt is not installed");
        return;
    };
    assert!(!clean);
    let unseen: Vec<&String> = files
        .iter()
        .filter(|path| !said.contains(&format!("{path}:")))
        .collect();
    assert!(unseen.is_empty(), "rustfmt does not see {unseen:?}");
}
