//! Lists of packages: requirement lists, and what a project says of itself in `pyproject.toml`, `Pipfile` and `package.json`.

use super::versions::{split, written};
use crate::text::paths::file_name;

/// A package that a list names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    /// The highest version that is allowed, where the list says one.
    pub(super) version: Option<String>,
    pub(super) group: Group,
}

impl Entry {
    /// The name as the indexes compare it.
    pub(super) fn new(name: &str, version: Option<String>, group: Group) -> Self {
        Self {
            name: name.to_ascii_lowercase().replace('_', "-"),
            version,
            group,
        }
    }
}

/// With what a package is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// With the project.
    Main,
    /// With what developers and tests need.
    Developers,
    /// With an extra of that name.
    Extra(String),
}

/// What a list says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct List {
    pub(super) entries: Vec<Entry>,
    /// The lists that it names.
    pub(super) includes: Vec<String>,
}

/// The names of files in which a project says what it needs.
pub(super) const OF_PYTHON: [&str; 4] = ["pyproject.toml", "Pipfile", "setup.cfg", "setup.py"];
pub(super) const OF_NODE: [&str; 1] = ["package.json"];

/// Reads a list, by the name of its file.
pub(super) fn read(path: &str, text: &str) -> List {
    let text = text.trim_start_matches('\u{feff}');
    match file_name(path) {
        "pyproject.toml" => project(text),
        "Pipfile" => pipfile(text),
        "package.json" => package(text),
        "setup.cfg" | "setup.py" => of_entries(text.lines().flat_map(quoted)),
        name if name.ends_with(".yml") || name.ends_with(".yaml") => {
            of_entries(text.lines().flat_map(item))
        }
        _ => requirements(text),
    }
}

fn of_entries(entries: impl IntoIterator<Item = Entry>) -> List {
    List {
        entries: entries.into_iter().collect(),
        includes: Vec::new(),
    }
}

/// A requirement as Python writes it (packaging.python.org, "Dependency specifiers"), and its extras:
/// `optimum[openvino]>=1.2; python_version > "3.8"`.
pub(super) fn requirement(text: &str, group: &Group) -> Vec<Entry> {
    let text = text.split(';').next().unwrap_or_default().trim();
    let (name, version) = split(text);
    if name.is_empty() {
        return Vec::new();
    }
    let mut entries = vec![Entry::new(name, version, group.clone())];
    let extras = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    let extras = extras.iter().flat_map(|(extras, _)| extras.split(','));
    entries.extend(extras.map(|extra| Entry::new(extra.trim(), None, group.clone())));
    entries
}

/// A file for `pip install -r` (pip.pypa.io, "Requirements File Format").
fn requirements(text: &str) -> List {
    let mut list = List::default();
    for line in text.lines().map(str::trim) {
        let include = ["--requirement", "-r"]
            .iter()
            .find_map(|option| line.strip_prefix(option));
        if let Some(path) = include {
            let path = path.trim_start_matches(['=', ' ', '\t']);
            list.includes
                .extend(path.split_whitespace().next().map(str::to_owned));
            continue;
        }
        let editable = line
            .strip_prefix("-e")
            .or_else(|| line.strip_prefix("--editable"));
        let line = editable.unwrap_or(line).trim_start_matches(['=', ' ']);
        if line.starts_with(['-', '#']) {
            continue;
        }
        // Behind a blank: why, and hashes.
        let line = line.split(" #").next().unwrap_or_default();
        let line = line.split(" --").next().unwrap_or_default();
        list.entries.extend(requirement(line, &Group::Main));
    }
    list
}

/// `setup.py` and `setup.cfg`, which are programs and text: what stands in quotes or alone in a line.
fn quoted(line: &str) -> Vec<Entry> {
    let line = line.trim();
    if line.starts_with('#') {
        return Vec::new();
    }
    let parts = line.split(['"', '\'']);
    let inside = parts.enumerate().filter(|(at, _)| at % 2 == 1);
    let words = inside.map(|(_, word)| word).chain([line]);
    let one = |word: &&str| !word.contains(' ') || word.contains(['<', '>', '=', '~']);
    words
        .filter(one)
        .flat_map(|word| requirement(word, &Group::Main))
        .collect()
}

/// An item of a list in a conda environment: `  - openvino=2024.4`.
fn item(line: &str) -> Vec<Entry> {
    let Some(item) = line.trim().strip_prefix("- ") else {
        return Vec::new();
    };
    let item = item.trim().trim_matches(['"', '\'']);
    let name = item.rsplit("::").next().unwrap_or(item);
    requirement(name, &Group::Main)
}

type Table = toml_edit::Table;

fn table<'t>(
    table: &'t dyn toml_edit::TableLike,
    path: &[&str],
) -> Option<&'t dyn toml_edit::TableLike> {
    let mut at = table;
    for key in path {
        at = at.get(key)?.as_table_like()?;
    }
    Some(at)
}

fn strings(item: &toml_edit::Item) -> impl Iterator<Item = &str> {
    let array = item.as_array();
    let all = array.into_iter().flat_map(toml_edit::Array::iter);
    all.filter_map(toml_edit::Value::as_str)
}

/// A table of names and versions, as Poetry and Pipenv write it; a version may be a table itself.
fn versions(table: &dyn toml_edit::TableLike, group: &Group) -> Vec<Entry> {
    let of = |(name, item): (&str, &toml_edit::Item)| {
        let inner = item.as_table_like();
        let version = item
            .as_str()
            .or_else(|| inner?.get("version")?.as_str())
            .and_then(written);
        let optional = inner.and_then(|table| table.get("optional")?.as_bool());
        let group = match (group, optional) {
            (Group::Main, Some(true)) => Group::Extra(name.to_owned()),
            (group, _) => group.clone(),
        };
        let mut entries = vec![Entry::new(name, version, group.clone())];
        let extras = inner.and_then(|table| table.get("extras"));
        let extras = extras.into_iter().flat_map(strings);
        entries.extend(extras.map(|extra| Entry::new(extra, None, group.clone())));
        entries
    };
    table.iter().flat_map(of).collect()
}

/// `pyproject.toml`: the standard's tables, and those of uv, PDM and Poetry.
fn project(text: &str) -> List {
    let Ok(document) = text.parse::<toml_edit::DocumentMut>() else {
        return List::default();
    };
    let top: &Table = document.as_table();
    let mut entries = Vec::new();
    let project = table(top, &["project"]);
    let own = project.and_then(|table| table.get("dependencies"));
    for text in own.into_iter().flat_map(strings) {
        entries.extend(requirement(text, &Group::Main));
    }
    let lists = [
        (&["project", "optional-dependencies"][..], false),
        (&["dependency-groups"][..], true),
        (&["tool", "pdm", "dev-dependencies"][..], true),
    ];
    for (path, developers) in lists {
        for (name, items) in table(top, path).iter().flat_map(|table| table.iter()) {
            let group = if developers {
                Group::Developers
            } else {
                Group::Extra(name.to_owned())
            };
            entries.extend(strings(items).flat_map(|text| requirement(text, &group)));
        }
    }
    let uv = table(top, &["tool", "uv"]).and_then(|table| table.get("dev-dependencies"));
    for text in uv.into_iter().flat_map(strings) {
        entries.extend(requirement(text, &Group::Developers));
    }
    entries.extend(poetry(top));
    of_entries(entries)
}

fn poetry(top: &Table) -> Vec<Entry> {
    let Some(poetry) = table(top, &["tool", "poetry"]) else {
        return Vec::new();
    };
    let of = |path: &[&str], group: Group| {
        table(poetry, path).map_or_else(Vec::new, |table| versions(table, &group))
    };
    let mut entries = of(&["dependencies"], Group::Main);
    entries.extend(of(&["dev-dependencies"], Group::Developers));
    for (name, _) in table(poetry, &["group"])
        .iter()
        .flat_map(|table| table.iter())
    {
        let group = match name {
            "main" => Group::Main,
            _ => Group::Developers,
        };
        entries.extend(of(&["group", name, "dependencies"], group));
    }
    entries
}

fn pipfile(text: &str) -> List {
    let Ok(document) = text.parse::<toml_edit::DocumentMut>() else {
        return List::default();
    };
    let top: &Table = document.as_table();
    let of = |key: &str, group: Group| {
        table(top, &[key]).map_or_else(Vec::new, |table| versions(table, &group))
    };
    let mut entries = of("packages", Group::Main);
    entries.extend(of("dev-packages", Group::Developers));
    of_entries(entries)
}

/// `package.json` (docs.npmjs.com).
fn package(text: &str) -> List {
    let Ok(whole) = serde_json::from_str::<serde_json::Value>(text) else {
        return List::default();
    };
    let lists = [
        ("dependencies", Group::Main),
        ("optionalDependencies", Group::Main),
        ("devDependencies", Group::Developers),
    ];
    let of = |(key, group): &(&str, Group)| {
        let table = whole.get(*key).and_then(serde_json::Value::as_object);
        let all = table.into_iter().flatten();
        all.map(|(name, version)| {
            Entry::new(name, version.as_str().and_then(written), group.clone())
        })
        .collect::<Vec<_>>()
    };
    of_entries(lists.iter().flat_map(of))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, text: &str) -> Vec<String> {
        let list = read(path, text);
        let shown = list.entries.iter().map(|entry| {
            let group = match &entry.group {
                Group::Main => String::new(),
                Group::Developers => " (developers)".to_owned(),
                Group::Extra(name) => format!(" (extra {name})"),
            };
            let version = entry.version.as_deref();
            let version = version.map_or_else(String::new, |version| format!(" {version}"));
            format!("{}{version}{group}", entry.name)
        });
        let includes = list.includes.iter().map(|path| format!("-> {path}"));
        shown.chain(includes).collect()
    }

    #[test]
    fn requirement_lists() {
        let text = "# why\n-r base.txt\n-rmore.txt\n--requirement=x.txt\n-c limits.txt\nopenvino==2024.1.0  # why\noptimum[openvino,x]>=1.2 ; extra == \"q\"\n-e .[dev]\ntorch @ https://a/b.whl\nfoo_bar==1 --hash=sha256:0\n--index-url https://x\n";
        assert_eq!(
            of("requirements.txt", text),
            [
                "openvino 2024.1.0",
                "optimum",
                "openvino",
                "x",
                ".",
                "dev",
                "torch",
                "foo-bar 1",
                "-> base.txt",
                "-> more.txt",
                "-> x.txt"
            ]
        );
    }

    #[test]
    fn projects() {
        let text = "[project]\ndescription = \"runs on openvino\"\ndependencies = [\"playwright>=1.40,<1.49\"]\n[project.optional-dependencies]\nintel = [\"openvino\"]\n[dependency-groups]\ndev = [\"pytest\", {include-group = \"x\"}]\n[tool.poetry.dependencies]\nopenvino = {version = \"^2024.1\", extras = [\"a\"], optional = true}\ntorch = \"~2.1\"\n[tool.poetry.group.test.dependencies]\nchromium = \"*\"\n";
        assert_eq!(
            of("pyproject.toml", text),
            [
                "playwright 1.48.9999",
                "openvino (extra intel)",
                "pytest (developers)",
                "openvino 2024.9999 (extra openvino)",
                "a (extra openvino)",
                "torch 2.1.9999",
                "chromium (developers)"
            ]
        );
        assert_eq!(
            of(
                "a/Pipfile",
                "[packages]\nx = \"==1.2\"\n[dev-packages]\ny = \"*\"\n"
            ),
            ["x 1.2", "y (developers)"]
        );
        assert!(of("pyproject.toml", "not = [toml").is_empty());
        assert_eq!(
            of(
                "package.json",
                "{\"dependencies\": {\"puppeteer\": \"^1.2.3\"}, \"devDependencies\": {\"@playwright/test\": \"1.48.0\"}}"
            ),
            ["puppeteer 1.9999", "@playwright/test 1.48.0 (developers)"]
        );
        assert!(of("package.json", "[").is_empty());
    }

    #[test]
    fn programs_and_environments() {
        let text = "install_requires = [\"openvino>=2024\", 'x']\n# \"php\"\n    playwright\n";
        let found = of("setup.py", text);
        assert!(found.contains(&"openvino".to_owned()) && found.contains(&"playwright".to_owned()));
        assert_eq!(
            of(
                "environment.yml",
                "dependencies:\n  - conda-forge::openvino=2024.1\n  - pip:\n    - x\n"
            ),
            ["openvino 2024.1", "pip:", "x"]
        );
    }
}
