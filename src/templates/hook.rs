//! The thread hook (`thread-hook.toml`): jemalloc's background thread in Python processes only.

use std::sync::OnceLock;

use serde::Deserialize;

use super::numbers;
use crate::model::THREAD_VARIABLE;

const TEXT: &str = include_str!("../../templates/thread-hook.toml");

/// How the hook is put into an image.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Hook {
    /// The documented source, beside the template.
    #[cfg_attr(not(test), expect(dead_code, reason = "tests hold the template to it"))]
    pub file: String,
    comment: String,
    copy: String,
    place: String,
    run: String,
    frontends: Vec<String>,
    from: String,
    labs: String,
    /// Where that was read.
    #[expect(dead_code, reason = "says where the fact was read")]
    pub source: String,
    lowered: String,
    pth: String,
    start: String,
    text: String,
}

/// What installs the hook, without keywords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// The comment above.
    pub comment: String,
    /// What a COPY takes, where here-documents are read.
    pub copy: Option<String>,
    /// What a RUN takes.
    pub run: String,
}

impl Hook {
    /// The files that it is where it is installed: their names, and what they hold.
    pub(crate) fn files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        [
            ("jemalloc_thread.py", self.text.trim_start_matches('\n')),
            ("jemalloc_thread.pth", &self.pth),
            ("jemalloc_thread.start", &self.start),
        ]
        .into_iter()
    }

    /// With the module as a here-document.
    #[must_use]
    pub(crate) fn with_heredoc(&self, python: &str, newline: &str) -> Parts {
        let filled = |text: &str| {
            text.replace("{place}", &self.place)
                .replace("{python}", python)
                .replace("{text}", &self.text)
                .replace('\n', newline)
        };
        Parts {
            comment: self.heading(),
            copy: Some(filled(&self.copy)),
            run: filled(&self.run),
        }
    }

    /// For a builder without here-documents; `continued` ends a line that goes on.
    #[must_use]
    pub(crate) fn lowered(&self, python: &str, continued: &str) -> Parts {
        let is_code = |line: &&str| !line.is_empty() && !line.trim_start().starts_with('#');
        let lines = self.text.lines().filter(is_code);
        let lines: Vec<String> = lines.map(|line| format!("\"{line}\"")).collect();
        let lines = lines.join(&format!(",{continued}    "));
        let run = self.lowered.replace(" \\\n", continued);
        Parts {
            comment: self.heading(),
            copy: None,
            run: run.replace("{python}", python).replace("{lines}", &lines),
        }
    }

    fn heading(&self) -> String {
        self.comment.replace("{variable}", THREAD_VARIABLE)
    }

    /// Whether a frontend that a file names (`# syntax=docker/dockerfile:1`) reads here-documents.
    #[must_use]
    pub(crate) fn reads_heredocs(&self, frontend: &str) -> bool {
        let (named, digest) = frontend.split_once('@').unwrap_or((frontend, ""));
        let (name, tag) = match named.rsplit_once(':') {
            Some(parts) => parts,
            None if digest.is_empty() => (named, "latest"),
            // Any version.
            None => return false,
        };
        if !self.frontends.iter().any(|known| known == name) {
            return false;
        }
        let (version, labs) = match tag.split_once("-labs") {
            Some((version, _)) => (version, true),
            None => (tag, matches!(tag, "labs" | "master-labs")),
        };
        let own = numbers(version);
        let least = numbers(if labs { &self.labs } else { &self.from });
        // `1` is the newest of them; so are `latest` and `labs`.
        own.len() < 2 && own.first().is_none_or(|major| *major >= 1) || own >= least
    }
}

/// The template.
#[must_use]
pub(crate) fn thread_hook() -> Option<&'static Hook> {
    static READ: OnceLock<Option<Hook>> = OnceLock::new();
    READ.get_or_init(|| toml_edit::de::from_str(TEXT).ok())
        .as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ThreadHook;

    fn hook() -> &'static Hook {
        toml_edit::de::from_str::<Hook>(TEXT).unwrap();
        thread_hook().unwrap()
    }

    #[test]
    fn what_installs_it_names_its_module() {
        assert!(hook().file.ends_with("/jemalloc_thread.py"));
        let parts = hook().with_heredoc("/venv/bin/python3", "\r\n");
        let copy = parts.copy.unwrap();
        assert!(copy.starts_with("<<'EOF' /usr/") && copy.ends_with("\r\nEOF"));
        assert!(copy.lines().all(|line| !line.contains('$')));
        assert_eq!(ThreadHook::named_in(&parts.run), ThreadHook::Present);
        assert!(parts.run.starts_with("[\"/venv/bin/python3\", \"-I\", \"/"));
        assert!(parts.comment.contains(THREAD_VARIABLE) && hook().text.contains(THREAD_VARIABLE));
    }

    #[test]
    fn its_files_are_those_that_it_writes_itself() {
        let all: Vec<(&str, &str)> = hook().files().collect();
        let module = all[0].1;
        assert!(module.starts_with("import os\n") && module.ends_with("\n"));
        for (name, text) in &all[1..] {
            let ending = name.strip_prefix("jemalloc_thread").unwrap();
            let written = format!("with_suffix('{ending}').write_text('{text}')");
            assert!(module.contains(&written), "{written}");
        }
    }

    #[test]
    fn the_lowered_form_is_one_instruction() {
        let parts = hook().lowered("python3", " `\r\n");
        assert_eq!(parts.copy, None);
        let lines: Vec<&str> = parts.run.split("\r\n").collect();
        let (last, lines) = lines.split_last().unwrap();
        assert!(
            lines.iter().all(|line| line.ends_with("\", `")),
            "{lines:?}"
        );
        assert!(last.ends_with("\"]") && !parts.run.contains('\\'));
        assert_eq!(ThreadHook::named_in(&parts.run), ThreadHook::Present);
    }

    #[test]
    fn frontends_that_read_here_documents() {
        for (frontend, reads) in [
            ("docker/dockerfile:1", true),
            ("docker/dockerfile", true),
            ("docker/dockerfile:latest", true),
            ("docker/dockerfile:1.4", true),
            ("docker/dockerfile:1.10.0", true),
            ("docker/dockerfile:1.7-labs", true),
            ("docker/dockerfile:1-labs", true),
            ("docker/dockerfile:1.3-labs", true),
            ("docker/dockerfile:labs", true),
            ("docker.io/docker/dockerfile:1@sha256:0", true),
            ("docker/dockerfile:1.3", false),
            ("docker/dockerfile:1.2.1", false),
            ("docker/dockerfile:1.0-experimental", false),
            ("docker/dockerfile:0", false),
            ("docker/dockerfile@sha256:0", false),
            ("registry.example:5000/dockerfile", false),
        ] {
            assert_eq!(hook().reads_heredocs(frontend), reads, "{frontend}");
        }
    }
}
