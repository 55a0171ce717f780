//! Paths as files name them to each other: `/` between the parts, whatever the machine.

/// The folder of a file; empty for where the tool runs.
#[must_use]
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last part of a path: `python` of `/usr/bin/python`; empty behind a `/`.
#[must_use]
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or_default()
}

/// The same of a folder, too: `lib` of `/usr/lib/`.
#[must_use]
pub(crate) fn base_name(path: &str) -> &str {
    file_name(path.trim_end_matches('/'))
}

/// A path of an image without `.`, `..` and doubled slashes: above the root there is nothing.
#[must_use]
pub(crate) fn normal(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    if path.starts_with('/') {
        format!("/{joined}")
    } else {
        joined
    }
}

/// A path of this machine as seen from `folder`, without `.` and `..`, as far as they can be taken away.
#[must_use]
pub(crate) fn join(folder: &str, path: &str) -> String {
    let rooted = folder.starts_with('/') && !path.starts_with('/') || path.starts_with('/');
    let folder = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let text = parts.join("/");
    if rooted { format!("/{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_without_dots() {
        for (folder, path, whole) in [
            ("k8s/overlays/prod", "../../base", "k8s/base"),
            ("k8s", "./a.yaml", "k8s/a.yaml"),
            ("", "a//b/", "a/b"),
            ("a", "../..", ".."),
            ("/x/y", "../z", "/x/z"),
            ("a", "/b", "/b"),
            ("a", "..", ""),
        ] {
            assert_eq!(join(folder, path), whole, "{folder} {path}");
        }
    }
}
