//! What becomes of a file where writing it is hard: special bits, a full disk, a limit, links.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use crate::support::run::{Run, finish, folder, run};

/// A Dockerfile that a fix makes longer, by more than is left of its last page (of 4 KiB) on a disk.
fn long() -> String {
    let rest = "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n";
    let first = "FROM python:3.12-slim\n#";
    let comment = 4 * 4096 - 20 - first.len() - rest.len() - 1;
    format!("{first}{}\n{rest}", "-".repeat(comment))
}

fn shell(at: &Path, script: &str) -> Run {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_malloclint")]);
    finish(shell.current_dir(at), b"")
}

#[test]
fn special_bits_stay() {
    let text = long();
    let folder = folder([("Dockerfile", text.as_str())]);
    let path = folder.path().join("Dockerfile");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o6754)).unwrap();
    assert_eq!(run(folder.path(), ["fix"]).code, Some(0));
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o6754);
    assert_ne!(std::fs::read_to_string(&path).unwrap(), text);
}

#[test]
fn a_limit_on_the_size_of_files_is_an_error() {
    let text = long();
    let folder = folder([("Dockerfile", text.as_str())]);
    let ran = shell(folder.path(), "ulimit -f 1; exec \"$0\" fix");
    assert_eq!(ran.code, Some(2), "{}", ran.err);
    assert!(ran.err.contains("Dockerfile: "), "{}", ran.err);
    let path = folder.path().join("Dockerfile");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

/// On a disk of its own, where the copy takes the last room: the file itself cannot grow.
#[cfg(target_os = "linux")]
#[test]
fn a_file_of_several_names_is_whole_on_a_full_disk() {
    let unshared = shell(Path::new("."), "unshare -rm true");
    if unshared.code != Some(0) {
        println!("not tried: this machine gives nobody a disk of his own");
        return;
    }
    let text = long();
    let folder = folder([("Dockerfile", text.as_str())]);
    let script = r#"unshare -rm sh -ec '
        mkdir disk; mount -t tmpfs -o size=128k none disk
        cp Dockerfile disk/; ln disk/Dockerfile disk/other
        head -c $(( ($(stat -f -c %f disk) - 5) * 4096 )) /dev/zero > disk/filler
        "$0" fix --no-progress disk/Dockerfile || echo "code $?"
        cmp Dockerfile disk/Dockerfile && cmp disk/other disk/Dockerfile && echo same
        ls -A disk' "$0""#;
    let grows = shell(folder.path(), script);
    assert!(
        grows.out.contains("code 2") && grows.out.contains("same"),
        "{} {}",
        grows.out,
        grows.err
    );
    assert!(grows.err.contains("nothing was changed"), "{}", grows.err);
    assert!(
        grows.out.trim_end().ends_with("filler\nother"),
        "{}",
        grows.out
    );
}
