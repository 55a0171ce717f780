//! The names of kustomizations, and the paths in them.

/// What a kustomization is called (api/konfig, `RecognizedKustomizationFileNames`).
pub(super) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Whether a file is a kustomization, by its name.
#[must_use]
pub fn is_kustomization(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    NAMES.contains(&name)
}

/// The folder of a file; empty for where the tool runs.
pub(super) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// `path` as seen from `folder`, without `.` and `..`, as far as they can be taken away.
pub(super) fn join(folder: &str, path: &str) -> String {
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

/// Whether a resource lies on another machine.
pub(super) fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.contains("?ref=")
        || path.starts_with("git@")
        || path.starts_with("github.com/")
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
