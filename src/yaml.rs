//! YAML as a tree of spans: what Kubernetes manifests and Compose files are read from and written in.
//!
//! [`read`] makes the tree, [`edit`] the smallest text edits in it. Aliases are never expanded: a node
//! that stands in several places is one node, and a tree is never larger than its text.

mod definitions;
pub(crate) mod edit;
mod fragment;
mod index;
mod joined;
mod layout;
mod read;

pub(crate) use fragment::Part;
pub(crate) use joined::Shift;
pub use read::read;

use index::Index;
pub(crate) use index::Named;

use crate::text::Span;

/// A stream of documents.
#[derive(Debug, Default)]
pub struct Tree {
    nodes: Vec<Node>,
    /// The root of every document, in order.
    pub documents: Vec<Id>,
    /// Every comment, its `#` included, in order.
    pub comments: Vec<Span>,
    index: Index,
}

/// A node of one tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(u32);

/// One value in the text.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its bytes: quotes and brackets included, anchor, tag and the header of a block scalar not.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
    /// It carries an anchor: what is changed here is changed elsewhere too.
    pub anchored: bool,
    /// It carries a tag.
    pub tagged: bool,
}

/// What a node is.
#[derive(Clone, Debug)]
pub enum Kind {
    /// A text, whatever type its reader makes of it.
    Scalar(Box<str>, Style),
    /// A list.
    Sequence(Vec<Id>, Flow),
    /// Keys and values in the order of the text, repeated keys included.
    Mapping(Vec<(Id, Id)>, Flow),
    /// `*name`: the node it stands for.
    Alias(Option<Id>),
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Style {
    Plain,
    Single,
    Double,
    Block,
}

/// Whether a collection is written with brackets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Flow {
    Block,
    Flow,
}

/// So many merge keys are followed one after the other.
const MERGES: usize = 8;

impl Tree {
    /// A node, as it stands.
    #[must_use]
    pub fn node(&self, id: Id) -> Option<&Node> {
        self.nodes.get(id.0 as usize)
    }

    /// Where a node stands.
    #[must_use]
    pub fn span(&self, id: Id) -> Span {
        self.node(id).map_or_else(Span::default, |node| node.span)
    }

    /// The node that `id` stands for: itself, or what its alias names.
    #[must_use]
    pub fn resolve(&self, id: Id) -> Id {
        match self.node(id).map(|node| &node.kind) {
            Some(Kind::Alias(Some(target))) => *target,
            _ => id,
        }
    }

    /// Where a plain text holds a character that ends a line to readers of YAML 1.1 (PyYAML, and go-yaml before version 4, which
    /// Kubernetes and Compose have), and none to those of 1.2.
    #[must_use]
    pub fn other_line_end(&self, text: &str) -> Option<usize> {
        let ends = ['\u{85}', '\u{2028}', '\u{2029}'];
        text.find(ends)?;
        self.nodes.iter().find_map(|node| {
            let plain = matches!(node.kind, Kind::Scalar(_, Style::Plain));
            let written = text.get(node.span.start..node.span.end).filter(|_| plain)?;
            Some(node.span.start + written.find(ends)?)
        })
    }

    /// Whether a mapping in braces is the key of another: YAML allows it, and nobody but a template
    /// engine means it (`image: {{ image }}`).
    #[must_use]
    pub fn has_gaps(&self) -> bool {
        let in_braces = |id: Id| {
            let kind = self.node(id).map(|node| &node.kind);
            matches!(kind, Some(Kind::Mapping(_, Flow::Flow)))
        };
        self.nodes.iter().any(|node| match &node.kind {
            Kind::Mapping(entries, Flow::Flow) => entries.iter().any(|(key, _)| in_braces(*key)),
            _ => false,
        })
    }

    /// Whether a name stands alone in braces, `{model_name}`: to YAML that is a mapping to nothing.
    #[must_use]
    pub fn has_names_in_braces(&self) -> bool {
        let nothing = |id: Id| self.text(id) == Some("") && self.is_null(id);
        self.nodes.iter().any(|node| match &node.kind {
            Kind::Mapping(entries, Flow::Flow) => {
                matches!(entries.as_slice(), [(_, value)] if nothing(*value))
            }
            _ => false,
        })
    }

    /// Whether `id` is an alias.
    #[must_use]
    pub fn is_alias(&self, id: Id) -> bool {
        matches!(self.node(id).map(|node| &node.kind), Some(Kind::Alias(_)))
    }

    /// The text of a scalar, aliases followed.
    #[must_use]
    pub fn text(&self, id: Id) -> Option<&str> {
        match &self.node(self.resolve(id))?.kind {
            Kind::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    /// The text of a scalar that is not nothing.
    #[must_use]
    pub fn word(&self, id: Id) -> Option<&str> {
        self.text(id).filter(|_| !self.is_null(id))
    }

    /// Whether a value is missing or an explicit null.
    #[must_use]
    pub fn is_null(&self, id: Id) -> bool {
        let Some(Kind::Scalar(text, Style::Plain)) =
            self.node(self.resolve(id)).map(|node| &node.kind)
        else {
            return false;
        };
        matches!(&**text, "" | "~" | "null" | "Null" | "NULL")
    }

    /// Whether a reader takes the scalar for a text: quoted, or neither number, boolean nor null by the
    /// rules of YAML 1.1 that Kubernetes and Compose follow.
    #[must_use]
    pub fn is_string(&self, id: Id) -> bool {
        match self
            .node(self.resolve(id))
            .map(|node| (&node.kind, node.tagged))
        {
            Some((_, true)) => true,
            Some((Kind::Scalar(text, Style::Plain), _)) => !is_typed(text),
            Some((Kind::Scalar(..), _)) => true,
            _ => false,
        }
    }

    /// The items of a sequence, aliases followed; none for anything else.
    #[must_use]
    pub fn items(&self, id: Id) -> &[Id] {
        match self.node(self.resolve(id)).map(|node| &node.kind) {
            Some(Kind::Sequence(items, _)) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping, aliases followed, merge keys not; none for anything else.
    #[must_use]
    pub fn entries(&self, id: Id) -> &[(Id, Id)] {
        match self.node(self.resolve(id)).map(|node| &node.kind) {
            Some(Kind::Mapping(entries, _)) => entries,
            _ => &[],
        }
    }

    /// Whether it is a mapping.
    #[must_use]
    pub fn is_mapping(&self, id: Id) -> bool {
        matches!(
            self.node(self.resolve(id)).map(|node| &node.kind),
            Some(Kind::Mapping(..))
        )
    }

    /// The value of a key, from the mapping itself or what it merges in with `<<`.
    #[must_use]
    pub fn get(&self, map: Id, key: &str) -> Option<Id> {
        self.merged(map, key, MERGES)
    }

    /// The value behind several keys.
    #[must_use]
    pub fn at(&self, map: Id, path: &[&str]) -> Option<Id> {
        path.iter().try_fold(map, |value, key| self.get(value, key))
    }

    /// What a comment can hold for: documents, entries, items.
    pub fn scopes(&self) -> impl Iterator<Item = Span> {
        let roots = self.documents.iter().map(|root| self.span(*root));
        let inner = self.nodes.iter().flat_map(|node| {
            let entries = match &node.kind {
                Kind::Mapping(entries, _) => entries.as_slice(),
                _ => &[],
            };
            let items = match &node.kind {
                Kind::Sequence(items, _) => items.as_slice(),
                _ => &[],
            };
            let entries = entries
                .iter()
                .map(|(key, value)| self.span(*key).join(self.span(*value)));
            entries.chain(items.iter().map(|item| self.span(*item)))
        });
        roots.chain(inner)
    }

    fn merged(&self, map: Id, key: &str, left: usize) -> Option<Id> {
        if let Some((_, value)) = self.own(map, key) {
            return Some(value);
        }
        let left = left.checked_sub(1)?;
        let (_, below) = self.own(map, "<<")?;
        if self.is_mapping(below) {
            return self.merged(below, key, left);
        }
        let mut below = self.items(below).iter();
        below.find_map(|map| self.merged(*map, key, left))
    }
}

/// Whether a plain scalar is a number, a boolean or nothing for a reader of YAML 1.1.
fn is_typed(text: &str) -> bool {
    let word = matches!(
        text.to_ascii_lowercase().as_str(),
        "" | "~" | "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    word || is_number(text)
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |text: &str, of: fn(&u8) -> bool| {
        !text.is_empty() && text.bytes().all(|byte| of(&byte) || byte == b'_')
    };
    if let Some(hex) = unsigned.strip_prefix("0x") {
        return digits(hex, u8::is_ascii_hexdigit);
    }
    if let Some(octal) = unsigned
        .strip_prefix("0o")
        .or_else(|| unsigned.strip_prefix("0b"))
    {
        return digits(octal, u8::is_ascii_digit);
    }
    if matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    ) {
        return true;
    }
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let some = !whole.is_empty() || !part.is_empty();
    let fits = |text: &str| text.is_empty() || digits(text, u8::is_ascii_digit);
    some && mantissa.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && fits(whole)
        && fits(part)
        && digits(exponent, u8::is_ascii_digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_have_the_types_of_yaml_1_1() {
        for typed in [
            "1", "-1", "1.5", "1e3", "0x1F", "0o7", "true", "No", "on", "~", "", "null", ".5",
            "1_000", "+12", ".inf",
        ] {
            assert!(is_typed(typed), "{typed}");
        }
        for text in [
            "a",
            "1a",
            "1.2.3",
            "libjemalloc.so.2",
            "narenas:2",
            "0x",
            "e5",
            "-",
            ".",
            "1e",
            "128M",
        ] {
            assert!(!is_typed(text), "{text}");
        }
    }
}
