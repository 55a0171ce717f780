//! Which Python a process runs, by the names of its program and of what is mapped.

use std::path::Path;

use super::process::{Mapping, Process, file_name};

/// Its version, where it is one.
pub(super) fn python(process: &Process) -> Option<(u32, u32)> {
    let program = process.program();
    let program = program
        .as_deref()
        .and_then(Path::file_name)
        .map(|name| name.to_string_lossy().into_owned());
    let libraries = process
        .maps
        .iter()
        .filter(|map| map.path.contains("/libpython"));
    let named = libraries
        .map(|map| file_name(&map.path).to_owned())
        .chain(program);
    named
        .into_iter()
        .find_map(|name| version(&name))
        .or_else(|| {
            // `/usr/local/bin/python` may be a program without a version in its name.
            let mut folders = process
                .maps
                .iter()
                .filter_map(|map: &Mapping| map.path.split("/python").nth(1));
            folders.find_map(|rest| version(&format!("python{rest}")))
        })
}

/// Whether it is one without the lock: its small objects are mimalloc's.
pub(super) fn is_free_threaded(process: &Process) -> bool {
    let program = process.program().unwrap_or_default();
    let names = process.maps.iter().map(|map| map.path.clone());
    let mut names = names.chain([program.to_string_lossy().into_owned()]);
    names.any(|name| {
        let name = file_name(&name);
        let digits = name
            .strip_prefix("libpython")
            .or_else(|| name.strip_prefix("python"));
        let rest =
            digits.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'));
        rest.is_some_and(|rest| rest == "t" || rest.starts_with("t.so"))
    })
}

/// `python3.11`, `libpython3.11.so.1.0`.
fn version(name: &str) -> Option<(u32, u32)> {
    let rest = name.split_once("python")?.1;
    let (major, rest) = rest.split_once('.')?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    Some((major.parse().ok()?, rest.get(..end)?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_names() {
        assert_eq!(version("python3.11"), Some((3, 11)));
        assert_eq!(version("libpython3.9.so.1.0"), Some((3, 9)));
        assert_eq!(version("python3.13t"), Some((3, 13)));
        assert_eq!(version("python3"), None);
        assert_eq!(version("gunicorn"), None);
    }
}
