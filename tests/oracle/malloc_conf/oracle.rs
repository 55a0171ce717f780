//! Debian's own jemalloc, run: what it says of a string.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use malloclint::internals::facts::{Arch, JemallocVersion};

/// One library and what it needs to be loaded.
pub(crate) struct Library {
    /// `bookworm-arm64`.
    pub(crate) name: String,
    pub(crate) arch: Arch,
    pub(crate) version: JemallocVersion,
    command: Vec<OsString>,
}

/// The libraries that `libraries.py` unpacked; none, with a word about it, where there are none.
pub(crate) fn libraries() -> Vec<Library> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/jemalloc");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with("-amd64") || name.ends_with("-arm64"))
        .collect();
    names.sort();
    let required = std::env::var_os("MALLOCLINT_REQUIRE_JEMALLOC").is_some_and(|v| v == "1");
    let native = std::env::consts::ARCH == "x86_64";
    if names.is_empty() || !native {
        let why = "no jemalloc of Debian's: `python3 tests/malloc_conf/libraries.py` unpacks them on Linux, amd64";
        assert!(!required, "{why}");
        println!("SKIPPED: {why}");
        return Vec::new();
    }
    let found = names.iter().filter_map(|name| {
        let library = Library::at(&folder.join(name), name);
        if library.says("").is_none() {
            assert!(!required, "{name} does not run here");
            println!("SKIPPED: {name} does not run here (arm64 needs qemu-aarch64-static)");
            return None;
        }
        Some(library)
    });
    found.collect()
}

impl Library {
    fn at(root: &Path, name: &str) -> Self {
        let (arch, loader, triplet) = match name.rsplit_once('-').unwrap().1 {
            "arm64" => (Arch::Arm64, "ld-linux-aarch64.so.1", "aarch64-linux-gnu"),
            _ => (Arch::Amd64, "ld-linux-x86-64.so.2", "x86_64-linux-gnu"),
        };
        let first = |paths: &[String]| -> PathBuf {
            let paths = paths.iter().map(|path| root.join(path));
            paths
                .clone()
                .find(|path| path.is_file())
                .unwrap_or_else(|| panic!("{name} lacks {:?}", paths.collect::<Vec<_>>()))
        };
        // Older suites have `/lib` beside `/usr/lib`.
        let loader = first(&[
            format!("lib/{triplet}/{loader}"),
            format!("usr/lib/{triplet}/{loader}"),
        ]);
        let jemalloc = first(&[format!("usr/lib/{triplet}/libjemalloc.so.2")]);
        let dash = first(&["bin/dash".into(), "usr/bin/dash".into()]);
        let paths =
            std::env::join_paths([loader.parent().unwrap(), jemalloc.parent().unwrap()]).unwrap();
        let mut command: Vec<OsString> = Vec::new();
        if arch == Arch::Arm64 {
            command.push("qemu-aarch64-static".into());
        }
        command.extend([
            loader.into(),
            "--library-path".into(),
            paths,
            "--preload".into(),
            jemalloc.clone().into(),
        ]);
        command.extend([dash.into(), "-c".into(), ":".into()]);
        Self {
            name: name.to_owned(),
            arch,
            version: version(&std::fs::read(jemalloc).unwrap()),
            command,
        }
    }

    /// What it prints for a string; `None` where it cannot be run.
    pub(crate) fn says(&self, string: &str) -> Option<String> {
        let (program, arguments) = self.command.split_first().unwrap();
        let output = Command::new(program)
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("MALLOC_CONF", string)
            // Profiles are written where it runs.
            .current_dir(env!("CARGO_TARGET_TMPDIR"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        (string.is_empty() <= output.status.success()).then_some(text)
    }
}

/// The version that the library has written in it: `5.3.0-0-g54eaed1d8b56...`.
fn version(library: &[u8]) -> JemallocVersion {
    let at = library
        .windows(4)
        .position(|bytes| bytes == b"-0-g")
        .expect("a version in the library");
    let start = library[..at]
        .iter()
        .rposition(|byte| !byte.is_ascii_digit() && *byte != b'.')
        .map_or(0, |at| at + 1);
    JemallocVersion::parse(std::str::from_utf8(&library[start..at]).unwrap()).expect("a version")
}
