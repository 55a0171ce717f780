//! Which file names are ours.
//!
//! The conventions are those that BuildKit (`-f NAME`, `NAME.dockerignore`), Podman and editors follow.

use super::{Format, is_template_ending};

/// What a file name says about the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// A Dockerfile or Containerfile.
    Dockerfile,
    /// One that another program makes a Dockerfile of: `Dockerfile.j2`.
    Template,
    /// A Compose file.
    Compose,
    /// A YAML file: a manifest, if its text says so.
    Yaml,
}

/// Endings of files that are about Dockerfiles but are none.
const OTHERS: [&str; 45] = [
    "bak",
    "backup",
    "orig",
    "old",
    "disabled",
    "rej",
    "swp",
    "license",
    "sig",
    "dockerignore",
    "containerignore",
    "md",
    "rst",
    "txt",
    "adoc",
    "html",
    "py",
    "pyc",
    "sh",
    "go",
    "rs",
    "ts",
    "tsx",
    "js",
    "mjs",
    "json",
    "yaml",
    "yml",
    "toml",
    "lock",
    "java",
    "kt",
    "rb",
    "php",
    "c",
    "h",
    "vim",
    "snap",
    "log",
    "png",
    "svg",
    "patch",
    "diff",
    "csv",
    "xml",
];

/// Says whether a file of that name is ours.
#[must_use]
pub(crate) fn claim(name: &str) -> Option<Claim> {
    let name = name.to_ascii_lowercase();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    if matches!(ending, "yaml" | "yml") {
        let compose = Format::is_compose_name(&name);
        return Some(if compose { Claim::Compose } else { Claim::Yaml });
    }
    if name == "kustomization" {
        return Some(Claim::Yaml);
    }
    if OTHERS.contains(&ending) || !is_dockerfile(&name) {
        return None;
    }
    Some(if is_template_ending(ending) {
        Claim::Template
    } else {
        Claim::Dockerfile
    })
}

/// `Dockerfile`, `Dockerfile.dev`, `Dockerfile-dev`, `dev.Dockerfile`, `dev-dockerfile`,
/// `x.Dockerfile-ubuntu`, and the same with `Containerfile`.
fn is_dockerfile(name: &str) -> bool {
    ["dockerfile", "containerfile"].iter().any(|word| {
        name.match_indices(word).any(|(at, _)| {
            let before = name.get(..at).unwrap_or_default();
            let after = name.get(at + word.len()..).unwrap_or_default();
            let starts = before.is_empty() || before.ends_with(['.', '-', '_']);
            let ends = after.is_empty() || after.starts_with(['.', '-', '_']);
            // `my-dockerfile-parser` is about Dockerfiles; `x.Dockerfile-ubuntu` is one.
            starts && ends && (before.is_empty() || after.is_empty() || before.ends_with('.'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_ours_and_names_that_are_not() {
        for name in [
            "Dockerfile",
            "Containerfile",
            "Dockerfile.dev",
            "dev.Dockerfile",
            "Containerfile.x",
            "x.Containerfile",
            "dockerfile",
            "app.dockerfile",
            "a.containerfile",
            "Dockerfile-alpine",
            "api-Dockerfile",
            "DOCKERFILE",
            ".Dockerfile",
            "Dockerfile_GPU",
            "x.Dockerfile-ubuntu",
            "Dockerfile.3.12",
            "dockerfile.base",
        ] {
            assert_eq!(claim(name), Some(Claim::Dockerfile), "{name}");
        }
        for (name, expected) in [
            ("compose.yaml", Claim::Compose),
            ("docker-compose.prod.yml", Claim::Compose),
            ("app.compose.yml", Claim::Compose),
            ("deployment.yaml", Claim::Yaml),
            ("composer.yml", Claim::Yaml),
        ] {
            assert_eq!(claim(name), Some(expected), "{name}");
        }
        for name in [
            "Dockerfile.j2",
            "Dockerfile.tmpl",
            "Dockerfile.in",
            "Dockerfile.erb",
            "Dockerfile-linux.template",
        ] {
            assert_eq!(claim(name), Some(Claim::Template), "{name}");
        }
        for name in [
            "Dockerfile.md",
            "Dockerfile.dockerignore",
            "dockerfile.py",
            "Dockerfile_test.go",
            "dockerfiles",
            "mydockerfile",
            "my-dockerfile-parser",
            "Dockerfile.snap",
            "",
        ] {
            assert_eq!(claim(name), None, "{name}");
        }
    }
}
