//! Text to [`Tree`], over the events of granit-parser.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

use super::{Flow, Id, Kind, Node, Style, Tree, definitions};
use crate::text::Span;

/// Why a text is no YAML.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Broken {
    /// What the parser says.
    pub message: String,
    /// Where, in bytes.
    pub at: usize,
    /// It may be YAML, and holds more than is read.
    pub too_much: bool,
}

/// So many values are read: nobody writes more of them by hand, and each takes memory.
const MOST: usize = 2_000_000;

/// Reads a stream of documents, all but the definitions of custom resources. Nesting is limited to 255 levels, and the
/// number of values, too.
///
/// # Errors
/// Where it is no YAML, or nested deeper than anybody writes.
pub fn read(text: &str) -> Result<Tree, Broken> {
    let mut builder = Builder {
        text,
        tree: Tree::default(),
        open: Vec::new(),
        anchors: BTreeMap::new(),
    };
    for part in definitions::without(text) {
        builder.part(part)?;
    }
    Ok(builder.tree)
}

/// A collection whose end has not come yet.
struct Open {
    id: Id,
    /// What its children are, keys and values in turn for a mapping.
    children: Vec<Id>,
}

struct Builder<'t> {
    text: &'t str,
    tree: Tree,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Id>,
}

impl Builder<'_> {
    /// Reads whole documents.
    fn part(&mut self, part: Range<usize>) -> Result<(), Broken> {
        let text = self.text.get(part.clone()).unwrap_or_default();
        // A last line without an end is read as Kubernetes and Compose read it.
        let options = granit_parser::options! { block_scalar_eof_without_line_feed: true };
        let mut parser = Parser::new_from_str_with_options(text, options);
        while let Some(event) = parser.next_event() {
            match event {
                Ok(_) if self.tree.nodes.len() > MOST => {
                    return Err(Broken {
                        message: format!("it holds more than {MOST} values"),
                        at: part.start,
                        too_much: true,
                    });
                }
                Ok((event, span)) => {
                    let range = span.byte_range().unwrap_or_default();
                    let span = Span::new(part.start + range.start, part.start + range.end);
                    self.event(event, span);
                }
                Err(error) => {
                    let at = error.marker().byte_offset().unwrap_or(text.len());
                    return Err(Broken {
                        message: error.info(),
                        at: part.start + at,
                        too_much: false,
                    });
                }
            }
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::Comment(..) => self.tree.comments.push(span),
            Event::Alias(anchor) => {
                let target = self.anchors.get(&anchor).copied();
                self.child(Kind::Alias(target), span, 0, false);
            }
            Event::UnresolvedAlias(_) => {
                self.child(Kind::Alias(None), span, 0, false);
            }
            Event::Scalar(text, style, anchor, tag) => {
                let (style, span) = self.scalar(style, span);
                // The parser writes `~` where nothing stands.
                let text = if span.is_empty() { "".into() } else { text };
                let kind = Kind::Scalar(text.into(), style);
                self.child(kind, span, anchor, tag.is_some());
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::Sequence(Vec::new(), flow(style));
                self.begin(kind, span, anchor, tag.is_some());
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Mapping(Vec::new(), flow(style));
                self.begin(kind, span, anchor, tag.is_some());
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            _ => {}
        }
    }

    /// The span of a block scalar may run into the next line's indentation: it ends with its text.
    fn scalar(&self, style: ScalarStyle, span: Span) -> (Style, Span) {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::Single,
            ScalarStyle::DoubleQuoted => Style::Double,
            ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
        };
        if style != Style::Block {
            return (style, span);
        }
        let blanks = [' ', '\t', '\n', '\r'];
        let text = self.text.get(span.start..span.end).unwrap_or_default();
        let written = text.trim_end_matches(blanks).len();
        if written == 0 {
            // Without text it ends with its header: what stands behind that is another's.
            let before = self.text.get(..span.start).unwrap_or_default();
            return (style, Span::empty(before.trim_end_matches(blanks).len()));
        }
        (style, Span::new(span.start, span.start + written))
    }

    fn begin(&mut self, kind: Kind, span: Span, anchor: usize, tagged: bool) {
        if let Some(id) = self.child(kind, span, anchor, tagged) {
            self.open.push(Open {
                id,
                children: Vec::new(),
            });
        }
    }

    /// A collection ends: with its bracket, or where its last child ends.
    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        let last = open.children.last().map(|last| self.tree.span(*last).end);
        let Some(node) = self.tree.nodes.get_mut(open.id.0 as usize) else {
            return;
        };
        let is_flow = match &mut node.kind {
            Kind::Sequence(items, flow) => {
                *items = open.children;
                *flow == Flow::Flow
            }
            Kind::Mapping(entries, flow) => {
                *entries = open
                    .children
                    .chunks_exact(2)
                    .filter_map(|pair| match pair {
                        [key, value] => Some((*key, *value)),
                        _ => None,
                    })
                    .collect();
                *flow == Flow::Flow
            }
            _ => false,
        };
        node.span.end = if is_flow {
            span.end
        } else {
            last.unwrap_or(node.span.end).max(node.span.start)
        };
    }

    fn child(&mut self, kind: Kind, span: Span, anchor: usize, tagged: bool) -> Option<Id> {
        let id = Id(u32::try_from(self.tree.nodes.len()).ok()?);
        self.tree.nodes.push(Node {
            span,
            kind,
            anchored: anchor != 0,
            tagged,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            Some(open) => open.children.push(id),
            None => self.tree.documents.push(id),
        }
        Some(id)
    }
}

fn flow(style: StructureStyle) -> Flow {
    if style == StructureStyle::Flow {
        Flow::Flow
    } else {
        Flow::Block
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every scalar with its text in the file.
    fn spans(text: &str) -> Vec<(String, String)> {
        let tree = read(text).unwrap();
        let of = |node: &Node| match &node.kind {
            Kind::Scalar(value, _) => Some((
                value.to_string(),
                text[node.span.start..node.span.end].to_owned(),
            )),
            _ => None,
        };
        tree.nodes.iter().filter_map(of).collect()
    }

    #[test]
    fn scalars_know_their_bytes() {
        let text = "é: 'it''s'\nb: \"x\\ty\"\nc: |\n  one\n  two\n\nd:\n";
        let expected = [
            ("é", "é"),
            ("it's", "'it''s'"),
            ("b", "b"),
            ("x\ty", "\"x\\ty\""),
            ("c", "c"),
            ("one\ntwo\n", "one\n  two"),
            ("d", "d"),
            ("", ""),
        ];
        let expected = expected.map(|(value, text)| (value.to_owned(), text.to_owned()));
        assert_eq!(spans(text), expected);
    }

    #[test]
    fn collections_end_with_their_last_child() {
        let text = "a:\n- b: 1\n  c: [1, 2] # why\n# end\nd: 2\n";
        let tree = read(text).unwrap();
        let list = tree.get(tree.documents[0], "a").unwrap();
        let span = tree.span(list);
        assert_eq!(&text[span.start..span.end], "b: 1\n  c: [1, 2]");
        assert_eq!(tree.comments.len(), 2);
    }

    #[test]
    fn aliases_and_merges_are_followed_and_not_expanded() {
        let text = "x: &x {a: 1}\ny:\n  <<: *x\n  b: 2\nz: *x\n";
        let tree = read(text).unwrap();
        let root = tree.documents[0];
        let y = tree.get(root, "y").unwrap();
        assert_eq!(tree.get(y, "a").and_then(|id| tree.text(id)), Some("1"));
        assert!(tree.own(y, "a").is_none());
        assert!(tree.is_alias(tree.get(root, "z").unwrap()));
        let itself = read("a: &a\n  b: *a\n").unwrap();
        assert_eq!(itself.documents.len(), 1);
    }

    #[test]
    fn spans_are_those_of_the_whole_text() {
        let text = "a: é\n---\nkind: CustomResourceDefinition\nb: [\n---\n# why\nc: &c 1\nd: *c\n";
        let expected = [("a", "a"), ("é", "é"), ("c", "c"), ("1", "1"), ("d", "d")];
        let expected = expected.map(|(value, text)| (value.to_owned(), text.to_owned()));
        assert_eq!(spans(text), expected);
        let tree = read(text).unwrap();
        assert_eq!(&text[tree.comments[0].start..tree.comments[0].end], "# why");
        assert_eq!(tree.documents.len(), 2);
        let broken = read(&text.replace("*c", "[")).unwrap_err();
        assert!(broken.at > text.find("# why").unwrap());
    }

    #[test]
    fn what_is_no_yaml_says_where() {
        let broken = read("a: [1\nb: 2\n").unwrap_err();
        assert!(broken.at > 0 && !broken.message.is_empty());
        assert!(read(&"[".repeat(20_000)).is_err());
        assert!(read(&"- ".repeat(20_000)).is_err());
        assert!(read("a:\n\t- b\n").is_err());
        assert!(read("a: \0\n").is_err());
    }
}
