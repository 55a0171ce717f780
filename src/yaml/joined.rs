//! Trees that no text holds as it is: several texts joined, nodes put together anew.

use super::{Id, Kind, Node, Tree};
use crate::text::Span;

/// Where the nodes of a tree that was taken over stand in the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shift {
    first: u32,
    count: u32,
}

impl Shift {
    /// The node as the joint tree calls it.
    #[must_use]
    pub const fn joint(self, id: Id) -> Id {
        Id(id.0.saturating_add(self.first))
    }

    /// The node as its own tree calls it, where it is one of that tree.
    #[must_use]
    pub fn own(self, id: Id) -> Option<Id> {
        let own = id.0.checked_sub(self.first)?;
        (own < self.count).then_some(Id(own))
    }
}

impl Tree {
    /// Takes over all nodes of a tree whose text begins at byte `offset` of the joint text. Its documents
    /// stay behind.
    pub fn absorb(&mut self, other: &Self, offset: usize) -> Shift {
        let first = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        let count = u32::try_from(other.nodes.len()).unwrap_or(u32::MAX);
        let shift = Shift { first, count };
        let joint = |id: &Id| shift.joint(*id);
        self.nodes.extend(other.nodes.iter().map(|node| {
            let kind = match &node.kind {
                Kind::Scalar(text, style) => Kind::Scalar(text.clone(), *style),
                Kind::Alias(target) => Kind::Alias(target.as_ref().map(joint)),
                Kind::Sequence(items, flow) => {
                    Kind::Sequence(items.iter().map(joint).collect(), *flow)
                }
                Kind::Mapping(entries, flow) => {
                    let entries = entries
                        .iter()
                        .map(|(key, value)| (joint(key), joint(value)));
                    Kind::Mapping(entries.collect(), *flow)
                }
            };
            let span = Span::new(node.span.start + offset, node.span.end + offset);
            Node {
                span,
                kind,
                anchored: node.anchored,
                tagged: node.tagged,
            }
        }));
        shift
    }

    /// Whether a node says the same as one of another tree, however both are written.
    #[must_use]
    pub fn is_same(&self, id: Id, other: &Self, there: Id) -> bool {
        let (Some(a), Some(b)) = (self.node(id), other.node(there)) else {
            return false;
        };
        match (&a.kind, &b.kind) {
            (Kind::Scalar(a, _), Kind::Scalar(b, _)) => a == b,
            (Kind::Alias(_), Kind::Alias(_)) => true,
            (Kind::Sequence(a, _), Kind::Sequence(b, _)) => {
                let mut pairs = a.iter().zip(b);
                a.len() == b.len() && pairs.all(|(a, b)| self.is_same(*a, other, *b))
            }
            (Kind::Mapping(a, _), Kind::Mapping(b, _)) => {
                let mut pairs = a.iter().zip(b);
                let same = |a: &(Id, Id), b: &(Id, Id)| {
                    self.is_same(a.0, other, b.0) && self.is_same(a.1, other, b.1)
                };
                a.len() == b.len() && pairs.all(|(a, b)| same(a, b))
            }
            _ => false,
        }
    }

    /// Adds a node that stands for the bytes of `span`. It belongs to no document yet.
    pub fn add(&mut self, kind: Kind, span: Span) -> Id {
        let id = Id(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node {
            span,
            kind,
            anchored: false,
            tagged: false,
        });
        id
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn nodes_of_two_texts_stand_in_one_tree() {
        let (first, second) = (read("a: &x [1]\nb: *x\n").unwrap(), read("c: 2\n").unwrap());
        let mut joint = Tree::default();
        joint.absorb(&first, 0);
        let shift = joint.absorb(&second, 16);
        let own = second.get(second.documents[0], "c").unwrap();
        let there = shift.joint(own);
        assert_eq!(joint.text(there), Some("2"));
        assert_eq!(joint.span(there), Span::new(19, 20));
        assert_eq!(shift.own(there), Some(own));
        assert_eq!(shift.own(Id(0)), None);
        let map = joint.add(
            Kind::Mapping(vec![(there, there)], super::super::Flow::Block),
            Span::new(0, 20),
        );
        assert_eq!(joint.get(map, "2"), Some(there));
        assert_eq!(shift.own(map), None);
    }
}
