//! A piece of YAML that is put into a file: in lines or between brackets, as the file is written.

use super::edit::{Sheet, quoted};
use super::{Flow, Id, Kind, Tree, read};
use crate::text::Edit;

/// How far what belongs to a key stands behind it.
const STEP: usize = 2;

/// A value with its text.
#[derive(Debug)]
pub(crate) struct Part {
    text: String,
    tree: Tree,
}

impl Part {
    /// Reads a text of one document.
    ///
    /// # Errors
    /// Where it is no YAML, or nothing.
    pub(crate) fn read(text: String) -> Result<Self, String> {
        let tree = read(&text).map_err(|broken| broken.to_string())?;
        if tree.documents.is_empty() {
            return Err("it holds nothing".into());
        }
        Ok(Self { text, tree })
    }

    /// The value in lines, its lists so far behind their keys.
    fn lines(&self, lists: usize) -> Vec<String> {
        let root = self.tree.documents.first();
        root.map_or_else(Vec::new, |root| self.block(*root, lists))
    }

    /// The value between brackets.
    fn flow(&self, sheet: Sheet<'_>) -> String {
        let root = self.tree.documents.first();
        root.map_or_else(String::new, |root| self.brackets(*root, sheet))
    }

    fn block(&self, id: Id, lists: usize) -> Vec<String> {
        match self.tree.node(id).map(|node| &node.kind) {
            Some(Kind::Mapping(entries, Flow::Block)) => entries
                .iter()
                .flat_map(|(key, value)| self.entry(*key, *value, lists))
                .collect(),
            Some(Kind::Sequence(items, Flow::Block)) => items
                .iter()
                .flat_map(|item| under("- ", &self.block(*item, lists)))
                .collect(),
            _ => vec![self.source(id).to_owned()],
        }
    }

    fn entry(&self, key: Id, value: Id, lists: usize) -> Vec<String> {
        let key = self.source(key);
        let lines = self.block(value, lists);
        let indent = match self.tree.node(value).map(|node| &node.kind) {
            Some(Kind::Mapping(_, Flow::Block)) => STEP,
            Some(Kind::Sequence(_, Flow::Block)) => lists,
            _ => return vec![format!("{key}: {}", lines.concat())],
        };
        let lead = " ".repeat(indent);
        let below = lines.iter().map(|line| format!("{lead}{line}"));
        std::iter::once(format!("{key}:")).chain(below).collect()
    }

    fn brackets(&self, id: Id, sheet: Sheet<'_>) -> String {
        match self.tree.node(id).map(|node| &node.kind) {
            Some(Kind::Mapping(entries, _)) => {
                let entry = |(key, value): &(Id, Id)| {
                    let key = sheet.key(self.source(*key));
                    format!("{key}: {}", self.brackets(*value, sheet))
                };
                let entries: Vec<_> = entries.iter().map(entry).collect();
                format!("{{{}}}", entries.join(", "))
            }
            Some(Kind::Sequence(items, _)) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| self.brackets(*item, sheet))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            _ => self.scalar(id, sheet),
        }
    }

    /// A text between brackets: in quotes where the file is JSON, or where it holds what ends one there.
    fn scalar(&self, id: Id, sheet: Sheet<'_>) -> String {
        let source = self.source(id);
        let json = !sheet.key("").is_empty();
        let plain = !json && !source.contains([',', '[', ']', '{', '}', '*']);
        if plain || !self.tree.is_string(id) {
            return source.to_owned();
        }
        quoted(self.tree.text(id).unwrap_or_default(), '"')
    }

    fn source(&self, id: Id) -> &str {
        let span = self.tree.span(id);
        self.text.get(span.start..span.end).unwrap_or_default()
    }
}

/// Lines with `mark` before the first one, and blanks before the others.
fn under(mark: &str, lines: &[String]) -> Vec<String> {
    let lead = " ".repeat(mark.len());
    let line = |(at, line): (usize, &String)| {
        let lead = if at == 0 { mark } else { &lead };
        format!("{lead}{line}")
    };
    lines.iter().enumerate().map(line).collect()
}

impl Sheet<'_> {
    /// Puts an item behind the last one of a sequence, lists in it so far behind their keys.
    ///
    /// # Errors
    /// Where the sequence cannot be added to without changing more; the reason is for people.
    pub(crate) fn push_part(&self, list: Id, part: &Part, lists: usize) -> Result<Edit, String> {
        self.push_lines(list, &part.lines(lists), &part.flow(*self))
    }

    /// Puts a list with one item behind the last entry of a mapping.
    ///
    /// # Errors
    /// Where the mapping cannot be added to without changing more; the reason is for people.
    pub(crate) fn put_list(
        &self,
        map: Id,
        key: &str,
        part: &Part,
        lists: usize,
    ) -> Result<Edit, String> {
        if self.is_flow(map) {
            return self.put(map, key, &format!("[{}]", part.flow(*self)));
        }
        let lead = " ".repeat(lists);
        let item = under("- ", &part.lines(lists));
        let item = item.iter().map(|line| format!("{lead}{line}"));
        let lines: Vec<_> = std::iter::once(format!("{key}:")).chain(item).collect();
        self.put_block(map, &lines)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::apply;

    const PART: &str = "name: a\nargs:\n- sh\n- cp /*/b\nuser:\n  id: 1\n  drop: [ALL]\n";

    fn with(text: &str, edit: impl Fn(Sheet<'_>, Id) -> Edit) -> String {
        let tree = read(text).unwrap();
        let sheet = Sheet { text, tree: &tree };
        let edit = edit(sheet, tree.documents[0]);
        let out = String::from_utf8(apply(text.as_bytes(), &[edit]).unwrap()).unwrap();
        read(&out).unwrap();
        out
    }

    fn put(text: &str, lists: usize) -> String {
        let part = Part::read(PART.into()).unwrap();
        with(text, |sheet, root| {
            sheet.put_list(root, "l", &part, lists).unwrap()
        })
    }

    fn push(text: &str, lists: usize) -> String {
        let part = Part::read(PART.into()).unwrap();
        with(text, |sheet, root| {
            let (_, list) = sheet.tree.own(root, "l").unwrap();
            sheet.push_part(list, &part, lists).unwrap()
        })
    }

    #[test]
    fn a_list_is_written_as_the_file_is() {
        assert_eq!(
            put("x: 1\n", 0),
            "x: 1\nl:\n- name: a\n  args:\n  - sh\n  - cp /*/b\n  user:\n    id: 1\n    drop: [ALL]\n"
        );
        assert_eq!(
            put("x: 1", 2),
            "x: 1\nl:\n  - name: a\n    args:\n      - sh\n      - cp /*/b\n    user:\n      id: 1\n      drop: [ALL]"
        );
        assert_eq!(
            put("{x: 1}\n", 2),
            r#"{x: 1, "l": [{"name": "a", "args": ["sh", "cp /*/b"], "user": {"id": 1, "drop": ["ALL"]}}]}
"#
        );
    }

    #[test]
    fn an_item_follows_the_last_one() {
        assert_eq!(
            push("l:\n  -   x: 1\n# end\n", 0),
            "l:\n  -   x: 1\n  -   name: a\n      args:\n      - sh\n      - cp /*/b\n      user:\n        id: 1\n        drop: [ALL]\n# end\n"
        );
        assert_eq!(
            push("l: [{x: 1}]\n", 0),
            "l: [{x: 1}, {name: a, args: [sh, \"cp /*/b\"], user: {id: 1, drop: [ALL]}}]\n"
        );
        assert_eq!(
            push("l: []\n", 0),
            "l: [{name: a, args: [sh, \"cp /*/b\"], user: {id: 1, drop: [ALL]}}]\n"
        );
        assert_eq!(
            push("l:\r\n- x: |\r\n    y\r\nz: 1\r\n", 0),
            "l:\r\n- x: |\r\n    y\r\n- name: a\r\n  args:\r\n  - sh\r\n  - cp /*/b\r\n  user:\r\n    id: 1\r\n    drop: [ALL]\r\nz: 1\r\n"
        );
    }
}
