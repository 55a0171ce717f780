//! What a file is read as.

use crate::text::paths;

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Format {
    Dockerfile,
    Kubernetes,
    Compose,
}

impl Format {
    /// The format of a file, by its name, and by its text where the name leaves that open.
    #[must_use]
    pub fn of(path: &str, bytes: &[u8]) -> Self {
        let name = paths::file_name(path).to_ascii_lowercase();
        let yaml = name.ends_with(".yaml") || name.ends_with(".yml");
        let line = |word: &str| {
            let text = word.as_bytes();
            bytes.starts_with(text)
                || memchr::memmem::find(bytes, format!("\n{word}").as_bytes()).is_some()
        };
        let services = line("services:") && !line("apiVersion:") && (yaml || !line("FROM "));
        if yaml && Self::is_compose_name(&name) || services {
            return Self::Compose;
        }
        // What a chart renders to may come under any name.
        if yaml
            || name == "kustomization"
            || name.ends_with(".json")
            || line("apiVersion:") && line("kind:")
        {
            return Self::Kubernetes;
        }
        Self::Dockerfile
    }

    /// Whether a file of that name is a Compose file: `compose.yaml`, `docker-compose.prod.yml`.
    #[must_use]
    pub fn is_compose_name(name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        let yaml = name
            .strip_suffix(".yaml")
            .or_else(|| name.strip_suffix(".yml"));
        yaml.is_some_and(|stem| {
            stem.split(['.', '-', '_'])
                .any(|word| word == "compose" || word == "dockercompose")
        })
    }
}

/// Endings of files that another program reads first.
const TEMPLATES: [&str; 15] = [
    "j2", "jinja", "jinja2", "tmpl", "tpl", "tftpl", "template", "in", "erb", "mustache", "hbs",
    "ejs", "gotmpl", "m4", "mako",
];

/// Whether a file with that ending (`j2` of `Dockerfile.j2`, of `pod.j2.yaml`) is one that another program reads first.
#[must_use]
pub(crate) fn is_template_ending(ending: &str) -> bool {
    TEMPLATES.contains(&ending)
}
