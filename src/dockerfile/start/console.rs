//! Programs that a Python project brings by itself: those of `[project.scripts]` and its like, and Django's own commands.

use std::sync::Arc;

use super::Follower;
use crate::facts::programs;
use crate::shell::python::without_prose;
use crate::text::paths::{self, base_name};
use crate::text::{Place, SourceFile, Span, Traced};

/// Where a project says which programs it brings.
const LISTS: [&str; 3] = ["pyproject.toml", "setup.cfg", "setup.py"];
/// So many modules are looked into for the sign that a program keeps running.
const MODULES: usize = 12;
/// Commands of Django lie so many folders deep.
const DEPTH: usize = 6;

impl Follower<'_> {
    /// The source in which a program of the project begins; of those that it imports the first that says that it keeps running.
    pub(super) fn console_script(&mut self, program: &str) -> Option<(Traced, Place)> {
        let near = &self.build.file.path;
        let module = LISTS.iter().find_map(|list| {
            let file = self.build.around.read(near, list)?;
            entry_point(list, &String::from_utf8_lossy(&file.bytes), program)
        })?;
        let first = self.module(&module)?;
        let serving = self.serving(&module, &first);
        Some(opened(&serving.unwrap_or(first)))
    }

    /// The source of a command of the project's own: `manage.py consume`.
    pub(super) fn own_command(&self, words: &[String]) -> Option<(Traced, Place)> {
        let mut words = words
            .iter()
            .skip_while(|word| base_name(word) != "manage.py");
        let (_, command) = (words.next()?, words.next()?);
        let wanted = format!("/management/commands/{command}.py");
        let home = self.build.around.home(&self.build.file.path);
        let mut folders = home.folders.iter();
        folders.find_map(|folder| {
            let mut files = self.build.around.list(folder, DEPTH);
            let path = files.find(|path| path.ends_with(&wanted))?;
            let bytes = self.build.around.peek(&path)?;
            Some(opened(&SourceFile::new(path, bytes)))
        })
    }

    fn module(&self, name: &str) -> Option<Arc<SourceFile>> {
        let path = name.replace('.', "/");
        let places = [
            format!("{path}.py"),
            format!("src/{path}.py"),
            format!("{path}/__init__.py"),
            format!("src/{path}/__init__.py"),
        ];
        let near = &self.build.file.path;
        places
            .iter()
            .find_map(|path| self.build.around.read(near, path))
    }

    /// The module, or one of the project's own that it imports, in which there is a sign.
    fn serving(&self, name: &str, first: &Arc<SourceFile>) -> Option<Arc<SourceFile>> {
        let signs = |file: &SourceFile| {
            let text = String::from_utf8_lossy(&file.bytes);
            programs::sign_of_service(&without_prose(&text)).is_some()
        };
        if signs(first) {
            return Some(Arc::clone(first));
        }
        let text = String::from_utf8_lossy(&first.bytes);
        let mut imported = imports(name, &first.path, &text).into_iter().take(MODULES);
        imported.find_map(|module| self.module(&module).filter(|file| signs(file)))
    }
}

fn opened(file: &Arc<SourceFile>) -> (Traced, Place) {
    let whole = Span::new(0, file.bytes.len());
    (
        Traced::verbatim(&file.bytes, whole),
        Place::new(file, whole),
    )
}

/// The module whose function a program calls: `name = "pkg.cli:main"`.
fn entry_point(list: &str, text: &str, program: &str) -> Option<String> {
    let of = |called: &str| {
        called
            .split(':')
            .next()
            .map(|module| module.trim().to_owned())
    };
    if list == "pyproject.toml" {
        let table = toml_edit::Document::parse(text).ok()?;
        let tables = [&["project", "scripts"][..], &["tool", "poetry", "scripts"]];
        return tables.iter().find_map(|path| {
            let mut item = table.as_item();
            for key in *path {
                item = item.get(key)?;
            }
            let script = item.get(program)?;
            let called = script.as_str().or_else(|| script.get("callable")?.as_str());
            called.and_then(of)
        });
    }
    if !text.contains("console_scripts") {
        return None;
    }
    text.lines().find_map(|line| {
        let line = line.trim().trim_start_matches(['[', '"', '\'']);
        let (name, called) = line.split_once('=')?;
        let called = called.trim().trim_end_matches([',', ']', '"', '\'']);
        (name.trim() == program && called.contains(':')).then(|| of(called))?
    })
}

/// The modules of its own package that a module imports.
fn imports(name: &str, path: &str, text: &str) -> Vec<String> {
    let top = name.split('.').next().unwrap_or_default();
    // A package's own `__init__` stands for itself, a module for the package around it.
    let package = match paths::file_name(path) {
        "__init__.py" => name,
        _ => name.rsplit_once('.').map_or("", |(package, _)| package),
    };
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        let Some((from, names)) = line
            .strip_prefix("from ")
            .and_then(|rest| rest.split_once(" import "))
        else {
            let module = line.strip_prefix("import ").unwrap_or_default();
            let module = module.split([' ', ',']).next().unwrap_or_default();
            found.extend((module.split('.').next() == Some(top)).then(|| module.to_owned()));
            continue;
        };
        let from = match from.strip_prefix('.') {
            Some(rest) if package.is_empty() => rest.trim_start_matches('.').to_owned(),
            Some(rest) => format!("{package}.{}", rest.trim_start_matches('.')),
            None => from.to_owned(),
        };
        let from = from.trim_end_matches('.');
        if from.split('.').next() != Some(top) {
            continue;
        }
        found.push(from.to_owned());
        let names = names.trim_matches(['(', ')', ' ']).split(',');
        let names = names.filter_map(|name| name.split_whitespace().next());
        found.extend(names.map(|name| format!("{from}.{name}")));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_a_project_are_found_where_it_lists_them() {
        let of = |list: &str, text: &str| entry_point(list, text, "shop");
        for (list, text) in [
            (
                "pyproject.toml",
                "[project.scripts]\nshop = \"shop.cli:main\"\n",
            ),
            (
                "pyproject.toml",
                "[tool.poetry.scripts]\nshop = { callable = \"shop.cli:main\" }\n",
            ),
            (
                "setup.cfg",
                "[options.entry_points]\nconsole_scripts =\n    shop = shop.cli:main\n",
            ),
            (
                "setup.py",
                "setup(entry_points={\"console_scripts\": [\n  \"shop=shop.cli:main\",\n]})\n",
            ),
        ] {
            assert_eq!(of(list, text).as_deref(), Some("shop.cli"), "{text}");
        }
        for (list, text) in [
            (
                "pyproject.toml",
                "[project.scripts]\nother = \"shop.cli:main\"\n",
            ),
            ("pyproject.toml", "[project]\nname = \"shop\"\n"),
            ("setup.cfg", "[metadata]\nshop = shop.cli:main\n"),
        ] {
            assert_eq!(of(list, text), None, "{text}");
        }
    }

    #[test]
    fn imports_are_those_of_the_package() {
        let text = "import os\nfrom flask import Flask\nfrom .server import run, stop\nfrom shop.web import app\nimport shop.tasks\n";
        assert_eq!(
            imports("shop.cli", "src/shop/cli.py", text),
            [
                "shop.server",
                "shop.server.run",
                "shop.server.stop",
                "shop.web",
                "shop.web.app",
                "shop.tasks"
            ]
        );
    }
}
