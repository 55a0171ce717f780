//! The smallest text edits in a YAML file: an entry or an item more or less, another scalar.
//!
//! Where a change would reach more than it should (an anchor, an alias, a merge key), or the text does
//! not show what stands where (tags, explicit keys, repeated keys), it is refused with the reason.

use super::{Flow, Id, Kind, Style, Tree};
use crate::text::{Edit, Span};

/// A text and its tree.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet<'a> {
    pub text: &'a str,
    pub tree: &'a Tree,
}

/// What is added to a collection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Added {
    /// `"A=b"`: an item that is a scalar.
    Scalar(String),
    /// `name: A`, `value: "b"`: an item that is a mapping, or one entry of a mapping.
    Pairs(Vec<(String, String)>),
}

impl Sheet<'_> {
    /// Puts an item behind the last one of a sequence.
    ///
    /// # Errors
    /// Where the sequence cannot be added to without changing more; the reason is for people.
    pub(crate) fn push(&self, list: Id, added: &Added) -> Result<Edit, String> {
        let lines: Vec<_> = match added {
            Added::Scalar(text) => vec![text.clone()],
            Added::Pairs(pairs) => {
                let line = |(key, value): &(String, String)| format!("{key}: {value}");
                pairs.iter().map(line).collect()
            }
        };
        self.push_lines(list, &lines, &self.flow_item(added))
    }

    /// The same with the item's text: `lines` in a block, `flow` between brackets.
    ///
    /// # Errors
    /// Where the sequence cannot be added to without changing more; the reason is for people.
    pub(crate) fn push_lines(
        &self,
        list: Id,
        lines: &[String],
        flow: &str,
    ) -> Result<Edit, String> {
        let items = match self.editable(list)? {
            Kind::Sequence(items, _) => items,
            _ => return Err("it is no list".into()),
        };
        let Some(last) = items.last() else {
            return self.fill(list, flow);
        };
        if self.is_flow(list) {
            return Ok(self.behind_in_flow(*last, flow));
        }
        let dash = self
            .dash_of(*last)
            .ok_or("the place of its last item is not clear")?;
        let indent = self.column(dash);
        let first = self.span(*last).start;
        let gap = self.column(first).saturating_sub(indent + 1).clamp(1, 8);
        let line = |(at, line): (usize, &String)| {
            let dash = if at == 0 { '-' } else { ' ' };
            format!("{dash}{}{line}", " ".repeat(gap))
        };
        let lines: Vec<_> = lines.iter().enumerate().map(line).collect();
        Ok(self.lines_behind(*last, indent, &lines))
    }

    /// Puts an entry behind the last one of a mapping.
    ///
    /// # Errors
    /// Where the mapping cannot be added to without changing more; the reason is for people.
    pub(crate) fn put(&self, map: Id, key: &str, value: &str) -> Result<Edit, String> {
        let entries = match self.editable(map)? {
            Kind::Mapping(entries, _) => entries,
            _ => return Err("it is no mapping".into()),
        };
        let Some((last_key, last)) = entries.last() else {
            return self.fill(map, &format!("{}: {value}", self.key(key)));
        };
        if self.is_flow(map) {
            let last = if self.span(*last).is_empty() {
                *last_key
            } else {
                *last
            };
            return Ok(self.behind_in_flow(last, &format!("{}: {value}", self.key(key))));
        }
        let indent = self.indent_of(entries)?;
        let end = if self.tree.span(*last).end > self.tree.span(*last_key).end {
            *last
        } else {
            *last_key
        };
        Ok(self.lines_behind(end, indent, &[format!("{key}: {value}")]))
    }

    /// Puts an entry with a block below it behind an entry of a block mapping. `lines` are indented as
    /// if the key stood in the first column.
    ///
    /// # Errors
    /// Where the mapping cannot be added to.
    pub(crate) fn put_block(&self, map: Id, lines: &[String]) -> Result<Edit, String> {
        let Kind::Mapping(entries, _) = self.editable(map)? else {
            return Err("it is no mapping".into());
        };
        let Some((last_key, last)) = entries.last() else {
            return Err("it is empty".into());
        };
        if self.is_flow(map) {
            return Err("it is written in one line".into());
        }
        let indent = self.indent_of(entries)?;
        let end = if self.span(*last).end > self.span(*last_key).end {
            *last
        } else {
            *last_key
        };
        Ok(self.lines_behind(end, indent, lines))
    }

    /// The column of the keys of a block mapping: that of one that nothing stands before.
    fn indent_of(&self, entries: &[(Id, Id)]) -> Result<usize, String> {
        let bare = |key: &Id| {
            let node = self.tree.node(*key);
            node.is_some_and(|node| !node.anchored && !node.tagged)
        };
        let key = entries.iter().map(|(key, _)| key).find(|key| bare(key));
        let key = key.ok_or("its keys carry anchors or tags")?;
        Ok(self.column(self.span(*key).start))
    }

    /// Another text in place of a scalar, in its own quotes where it has some and double ones where not.
    ///
    /// # Errors
    /// Where the scalar is a block, an alias or carries an anchor or a tag.
    pub(crate) fn rewrite(&self, scalar: Id, value: &str) -> Result<Edit, String> {
        let Kind::Scalar(_, style) = self.editable(scalar)? else {
            return Err("it is no text".into());
        };
        if *style == Style::Block {
            return Err("it is a text of several lines".into());
        }
        let text = quoted(value, if *style == Style::Single { '\'' } else { '"' });
        Ok(Edit {
            span: self.span(scalar),
            text,
        })
    }

    /// A key in place of another one.
    ///
    /// # Errors
    /// Where the scalar is a block, an alias or carries an anchor or a tag.
    pub(crate) fn rename(&self, key: Id, name: &str) -> Result<Edit, String> {
        match self.editable(key)? {
            Kind::Scalar(_, Style::Plain) => Ok(Edit {
                span: self.span(key),
                text: name.to_owned(),
            }),
            _ => self.rewrite(key, name),
        }
    }

    /// Takes an item of a sequence or an entry of a mapping away; `first` and `last` are where its text
    /// begins and ends, its dash not included.
    ///
    /// # Errors
    /// Where it is the only one, or shares its line with others.
    pub(crate) fn cut(&self, parent: Id, first: Id, last: Id) -> Result<Edit, String> {
        let count = match self.editable(parent)? {
            Kind::Sequence(items, _) => items.len(),
            Kind::Mapping(entries, _) => entries.len(),
            _ => 0,
        };
        if count < 2 {
            return Err("nothing else is set there: take the whole block away by hand".into());
        }
        if self.is_flow(parent) {
            return Err("it shares its line with others: take it away by hand".into());
        }
        let start = match self.node(parent)? {
            Kind::Sequence(..) => self.dash_of(first).ok_or("its place is not clear")?,
            _ => self.span(first).start,
        };
        let line = self.line_start(start);
        let before = self.text.get(line..start).unwrap_or_default();
        if !before.trim().is_empty() {
            return Err("it shares its line with others: take it away by hand".into());
        }
        let end = self.line_end(self.span(last).end.max(self.span(first).end));
        let end = (end + self.newline().len()).min(self.text.len());
        Ok(Edit {
            span: Span::new(line, end),
            text: String::new(),
        })
    }

    /// An item as it stands between brackets.
    #[must_use]
    pub(crate) fn flow_item(&self, added: &Added) -> String {
        match added {
            Added::Scalar(text) => text.clone(),
            Added::Pairs(pairs) => {
                let pair = |(key, value): &(String, String)| format!("{}: {value}", self.key(key));
                let pairs: Vec<_> = pairs.iter().map(pair).collect();
                format!("{{{}}}", pairs.join(", "))
            }
        }
    }

    /// A key, in quotes where the file is JSON.
    #[must_use]
    pub(crate) fn key(&self, name: &str) -> String {
        if self.text.trim_start().starts_with('{') {
            return format!("\"{name}\"");
        }
        name.to_owned()
    }

    /// The quotes that siblings use around their values: the first quoted one decides.
    #[must_use]
    pub(crate) fn quote(&self, siblings: impl Iterator<Item = Id>) -> char {
        let style = |id: Id| match &self.tree.node(id)?.kind {
            Kind::Scalar(_, Style::Single) => Some('\''),
            Kind::Scalar(_, Style::Double) => Some('"'),
            _ => None,
        };
        siblings.filter_map(style).next().unwrap_or('"')
    }

    /// Whether a collection is written with brackets.
    #[must_use]
    pub(crate) fn is_flow(&self, id: Id) -> bool {
        matches!(
            self.tree.node(id).map(|node| &node.kind),
            Some(Kind::Sequence(_, Flow::Flow) | Kind::Mapping(_, Flow::Flow))
        )
    }

    fn node(&self, id: Id) -> Result<&Kind, String> {
        let node = self.tree.node(id).ok_or("it is not there")?;
        Ok(&node.kind)
    }

    /// A node whose text may change.
    fn editable(&self, id: Id) -> Result<&Kind, String> {
        let node = self.tree.node(id).ok_or("it is not there")?;
        if node.anchored {
            return Err("it carries an anchor: what is changed here changes elsewhere too".into());
        }
        if node.tagged {
            return Err("it carries a tag".into());
        }
        match &node.kind {
            Kind::Alias(_) => {
                Err("it is an alias: it stands elsewhere, and others use it too".into())
            }
            Kind::Mapping(entries, _) => {
                let keys: Vec<_> = entries
                    .iter()
                    .map(|(key, _)| self.tree.text(*key))
                    .collect();
                if entries.iter().any(|(key, _)| self.is_explicit(*key)) {
                    return Err("its keys are written with `?`".into());
                }
                let repeated = keys
                    .iter()
                    .enumerate()
                    .any(|(at, key)| keys.iter().skip(at + 1).any(|other| other == key));
                if repeated {
                    return Err("a key stands in it twice".into());
                }
                Ok(&node.kind)
            }
            kind => Ok(kind),
        }
    }

    fn is_explicit(&self, key: Id) -> bool {
        let start = self.span(key).start;
        let line = self
            .text
            .get(self.line_start(start)..start)
            .unwrap_or_default();
        line.trim_end().trim_start_matches([' ', '-', '\t']) == "?"
    }

    fn span(&self, id: Id) -> Span {
        self.tree.span(id)
    }

    /// Into an empty collection with brackets.
    fn fill(&self, id: Id, text: &str) -> Result<Edit, String> {
        let span = self.span(id);
        let inside = self
            .text
            .get(span.start + 1..span.end.saturating_sub(1))
            .unwrap_or_default();
        if !self.is_flow(id) || !inside.trim().is_empty() {
            return Err("it is empty".into());
        }
        Ok(Edit {
            span: Span::new(span.start + 1, span.end - 1),
            text: text.to_owned(),
        })
    }

    fn behind_in_flow(&self, last: Id, text: &str) -> Edit {
        let end = self.span(last).end;
        Edit {
            span: Span::empty(end),
            text: format!(", {text}"),
        }
    }

    /// Lines behind the line on which a node ends.
    fn lines_behind(&self, node: Id, indent: usize, lines: &[String]) -> Edit {
        let at = self.line_end(self.last_byte(node));
        let newline = self.newline();
        let lead = " ".repeat(indent);
        let text: String = lines
            .iter()
            .map(|line| format!("{newline}{lead}{line}"))
            .collect();
        Edit {
            span: Span::empty(at),
            text,
        }
    }
}

/// A text in quotes. Control characters need double ones.
#[must_use]
pub(crate) fn quoted(value: &str, quote: char) -> String {
    if quote == '\'' && !value.chars().any(char::is_control) {
        return format!("'{}'", value.replace('\'', "''"));
    }
    let mut text = String::from('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            c if c.is_control() => text.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests;
