//! Python sources that do something about memory: they give it back, or end workers that have grown.

use std::sync::Arc;

use crate::facts::growth;
use crate::model::{Evidence, Sign, add_evidence};
use crate::shell::python::{self, Prose, is_called};
use crate::text::{Place, SourceFile, Span};

/// A source with such lines.
#[derive(Debug)]
pub(super) struct Grown {
    file: Arc<SourceFile>,
    lines: Vec<Line>,
}

/// A line of it.
#[derive(Debug)]
struct Line {
    span: Span,
    what: What,
}

#[derive(Debug)]
enum What {
    /// It gives memory back, or looks for it again and again.
    Trims,
    /// A setting of that name ends workers.
    Ends(&'static str),
}

impl Grown {
    /// A source, where it has such lines.
    pub(super) fn read(path: String, bytes: Vec<u8>) -> Option<Self> {
        let has = |needle: &str| memchr::memmem::find(&bytes, needle.as_bytes()).is_some();
        let calls = || growth::trimming_calls().chain(growth::collecting_calls());
        if !calls().any(has) && !growth::all_settings().any(has) {
            return None;
        }
        let file = SourceFile::new(path, bytes);
        let text = String::from_utf8_lossy(&file.bytes).into_owned();
        // Where a byte is not UTF-8, places in the text and in the file differ.
        let same = text.len() == file.bytes.len();
        let lines = if same { lines(&text) } else { Vec::new() };
        (!lines.is_empty()).then_some(Self { file, lines })
    }

    /// Where it lies.
    pub(super) fn path(&self) -> &str {
        &self.file.path
    }

    /// Adds what it tells of a service that such a server runs.
    pub(super) fn signs(&self, server: Option<&str>, signs: &mut Vec<Evidence>) {
        for line in &self.lines {
            let sign = match line.what {
                What::Trims => Sign::Trimming,
                What::Ends(name) if growth::settings(server).any(|known| known == name) => {
                    Sign::Recycling
                }
                What::Ends(_) => continue,
            };
            let text = self.file.text(line.span).into_owned();
            let place = Place::new(&self.file, line.span);
            add_evidence(signs, Evidence { sign, text, place });
        }
    }
}

fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut loops = Loops::default();
    let (mut at, mut prose) = (0, Prose::default());
    for whole in text.split_inclusive('\n') {
        let start = at;
        at += whole.len();
        if prose.holds(whole) {
            continue;
        }
        let line = python::code(whole).trim_end();
        let code = line.trim_start();
        if code.is_empty() || code.starts_with('#') {
            continue;
        }
        let indent = line.len() - code.len();
        loops.step(indent, code);
        let Some(what) = what(code, loops.inside(indent)) else {
            continue;
        };
        let span = Span::new(start + indent, start + line.len());
        found.push(Line { span, what });
    }
    found
}

fn what(code: &str, in_loop: bool) -> Option<What> {
    let calls =
        |mut names: Box<dyn Iterator<Item = &'static str>>| names.any(|name| is_called(code, name));
    if calls(Box::new(growth::trimming_calls()))
        || in_loop && calls(Box::new(growth::collecting_calls()))
    {
        return Some(What::Trims);
    }
    let mut names = growth::all_settings();
    names
        .find(|name| is_set_in(code, name) && sets(code, name))
        .map(What::Ends)
}

/// Whether a name stands in the code, or is a key in quotes.
fn is_set_in(code: &str, name: &str) -> bool {
    let key = |quote: char| code.contains(&format!("{quote}{name}{quote}"));
    is_called(code, name) || key('"') || key('\'')
}

/// `name = 100`, `name=100` as an argument, `"name": 100`; not 0 and not nothing.
fn sets(code: &str, name: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code.get(..at).and_then(|text| text.chars().next_back());
        let behind = code.get(at + name.len()..).unwrap_or_default();
        // Behind a colon stands a type, unless the name is a key.
        let key = behind.starts_with(['"', '\'']);
        let behind = behind.trim_start_matches(['"', '\'']).trim_start();
        let value = behind.strip_prefix(if key { ':' } else { '=' });
        let value = value.map(str::trim_start);
        let value = value.filter(|value| !value.starts_with('='));
        let off = |value: &str| {
            let end = value.find(|c: char| !part(c)).unwrap_or(value.len());
            matches!(value.get(..end), Some("0" | "None" | "False" | ""))
        };
        !before.is_some_and(part) && value.is_some_and(|value| !off(value))
    })
}

/// Which loops a line stands in, by its indent.
#[derive(Debug, Default)]
struct Loops(Vec<usize>);

impl Loops {
    fn step(&mut self, indent: usize, code: &str) {
        self.0.retain(|outer| *outer < indent);
        let begins = ["for ", "while ", "async for "];
        if begins.iter().any(|word| code.starts_with(word)) {
            self.0.push(indent);
        }
    }

    fn inside(&self, indent: usize) -> bool {
        self.0.iter().any(|outer| *outer < indent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let grown = Grown::read("app.py".into(), text.as_bytes().to_vec());
        let mut signs = Vec::new();
        if let Some(grown) = grown {
            grown.signs(Some("celery"), &mut signs);
        }
        let text = |sign: &Evidence| format!("{:?} {} {}", sign.sign, sign.text, sign.place.line());
        signs.iter().map(text).collect()
    }

    #[test]
    fn what_is_done_about_memory_is_found() {
        assert_eq!(
            found("import ctypes\nlibc.malloc_trim(0)  # at once\n"),
            ["Trimming libc.malloc_trim(0) 2"]
        );
        assert_eq!(
            found("while True:\n    work()\n\n    gc.collect()\n"),
            ["Trimming gc.collect() 4"]
        );
        assert_eq!(
            found("app.conf.worker_max_tasks_per_child = 100\n"),
            ["Recycling app.conf.worker_max_tasks_per_child = 100 1"]
        );
        assert_eq!(
            found("pool = Pool(4, maxtasksperchild=10)\n"),
            ["Recycling pool = Pool(4, maxtasksperchild=10) 1"]
        );
        for text in [
            "for x in y:\n    pass\ngc.collect()\n",
            "# libc.malloc_trim(0)\n",
            "worker_max_tasks_per_child = None\n",
            "worker_max_tasks_per_child = 0\n",
            "if worker_max_tasks_per_child == 3: pass\n",
            "my_maxtasksperchild = 3\n",
        ] {
            assert_eq!(found(text), Vec::<String>::new(), "{text}");
        }
    }
}
