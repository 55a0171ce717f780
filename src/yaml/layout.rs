//! Where lines, dashes and the ends of nodes are.

use super::edit::Sheet;
use super::{Flow, Id, Kind, Style};

impl Sheet<'_> {
    /// The column of a byte, counted in bytes from the start of its line.
    #[must_use]
    pub(crate) fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// Where the dash of a sequence's item stands.
    #[must_use]
    pub(crate) fn dash_of(&self, item: Id) -> Option<usize> {
        let start = self.tree.span(item).start;
        let mut rest = self.text.get(..start)?;
        loop {
            rest = rest.trim_end_matches([' ', '\t']);
            if let Some(before) = rest.strip_suffix('-') {
                let alone = before.is_empty() || before.ends_with([' ', '\n', '\r', '\t']);
                return alone.then_some(before.len());
            }
            // The item may begin on the line below its dash.
            rest = rest.strip_suffix('\n')?;
            rest = rest.strip_suffix('\r').unwrap_or(rest);
            let line = rest
                .rfind('\n')
                .map_or(rest, |at| rest.get(at + 1..).unwrap_or(rest));
            if let Some(comment) = line.trim_start().starts_with('#').then_some(line.len()) {
                rest = rest.get(..rest.len() - comment)?;
            }
        }
    }

    /// What the file ends its lines with.
    #[must_use]
    pub(crate) fn newline(&self) -> &'static str {
        match self.text.find('\n') {
            Some(at) if self.text.get(..at).is_some_and(|line| line.ends_with('\r')) => "\r\n",
            _ => "\n",
        }
    }

    /// Where the text of a node ends: `|+` keeps the blank lines behind it.
    pub(super) fn last_byte(&self, node: Id) -> usize {
        let deepest = self.deepest(node);
        let end = self.tree.span(deepest).end;
        let Some(Kind::Scalar(text, Style::Block)) = self.tree.node(deepest).map(|node| &node.kind)
        else {
            // A value that is left out stands behind the blanks: `? key`.
            return self
                .text
                .get(..end)
                .map_or(end, |text| text.trim_end().len());
        };
        let kept = text.len() - text.trim_end_matches('\n').len();
        // Without text all that follow are its own where any is; the first one behind text ends its line.
        let kept = if kept == text.len() { usize::MAX } else { kept };
        let mut end = end;
        for _ in 1..kept {
            let next = self.line_end(end) + self.newline().len();
            let blank = self.text.get(next..self.line_end(next));
            if next >= self.text.len() || blank.is_none_or(|line| !line.trim().is_empty()) {
                break;
            }
            end = next;
        }
        end
    }

    fn deepest(&self, mut node: Id) -> Id {
        loop {
            let next = match self.tree.node(node).map(|node| &node.kind) {
                Some(Kind::Sequence(items, Flow::Block)) => items.last().copied(),
                Some(Kind::Mapping(entries, Flow::Block)) => entries.last().map(|(key, value)| {
                    if self.tree.span(*value).end > self.tree.span(*key).end {
                        *value
                    } else {
                        *key
                    }
                }),
                _ => None,
            };
            match next {
                Some(next) => node = next,
                None => return node,
            }
        }
    }

    pub(super) fn line_start(&self, at: usize) -> usize {
        let before = self.text.get(..at).unwrap_or_default();
        before.rfind('\n').map_or(0, |at| at + 1)
    }

    /// Where the line of a byte ends, its line break not included.
    pub(super) fn line_end(&self, at: usize) -> usize {
        let rest = self.text.get(at..).unwrap_or_default();
        let end = rest.find('\n').map_or(self.text.len(), |end| at + end);
        let line = self.text.get(..end).unwrap_or_default();
        if line.ends_with('\r') && end > at {
            end - 1
        } else {
            end
        }
    }
}
