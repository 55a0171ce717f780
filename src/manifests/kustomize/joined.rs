//! The texts that a build is made of, side by side: one joint text, one joint tree, and the way back
//! from both to the files.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::manifests::Sheet;
use crate::manifests::kubernetes;
use crate::model::{Container, Setting};
use crate::text::{Place, SourceFile, Span};
use crate::yaml::{self, Flow, Id, Kind, Shift, Style, Tree};

/// So many bytes are joined at most.
const LARGEST: usize = 16 << 20;

/// So many nodes are put together at most.
const DERIVED: usize = 1 << 22;

/// One of the texts that are joined: a file, or a block of one.
#[derive(Debug)]
pub(super) struct Part {
    /// The file it is reported as.
    pub(super) file: Arc<SourceFile>,
    /// The file's bytes, those outside the block blank.
    pub(super) text: Arc<SourceFile>,
    /// Its own tree.
    pub(super) tree: Arc<Tree>,
    /// What of the file it stands for, where it is not byte for byte what is written there.
    loose: Option<Span>,
    start: usize,
    shift: Shift,
}

impl Part {
    /// Whether its bytes are those of the file, so that it can be edited.
    pub(super) const fn is_exact(&self) -> bool {
        self.loose.is_none()
    }

    /// A joint node as the own tree calls it.
    pub(super) fn own(&self, id: Id) -> Option<Id> {
        self.shift.own(id)
    }

    /// The roots of its documents, as the joint tree calls them.
    pub(super) fn roots(&self) -> Vec<Id> {
        let roots = self.tree.documents.iter();
        roots.map(|id| self.shift.joint(*id)).collect()
    }
}

/// Everything that takes part in a build.
#[derive(Debug, Default)]
pub(super) struct Joined {
    pub(super) tree: Tree,
    parts: Vec<Part>,
    bytes: Vec<u8>,
    /// How much was put together: in nodes.
    derived: usize,
    /// What a node was put together from, in order.
    origins: BTreeMap<Id, Vec<Id>>,
}

impl Joined {
    /// Joins a file with its tree; `None` where there is no room.
    pub(super) fn file(&mut self, file: &Arc<SourceFile>, tree: Arc<Tree>) -> Option<usize> {
        self.push(Arc::clone(file), Arc::clone(file), tree, None)
    }

    /// Joins a file that is no YAML; where its text begins.
    pub(super) fn plain(&mut self, file: &Arc<SourceFile>) -> Option<usize> {
        let at = self.push(Arc::clone(file), Arc::clone(file), Arc::default(), None)?;
        self.parts.get(at).map(|part| part.start)
    }

    /// A text that stands at a byte of the joint text.
    pub(super) fn literal(&mut self, text: &str, at: usize) -> Id {
        let span = Span::new(at, at + text.len());
        self.tree
            .add(Kind::Scalar(text.into(), Style::Double), span)
    }

    /// Joins the text of a scalar, which is a YAML text of its own.
    pub(super) fn inner(&mut self, part: usize, id: Id) -> Option<usize> {
        let file = Arc::clone(&self.parts.get(part)?.file);
        let own = self.parts.get(part)?.own(id)?;
        let (node, text) = {
            let tree = &self.parts.get(part)?.tree;
            (tree.node(own)?.span, tree.text(own)?.to_owned())
        };
        if self.parts.get(part)?.is_exact() && self.is_literal(part, own) {
            let masked = SourceFile::new(file.path.clone(), mask(&file.bytes, node));
            let literal = std::str::from_utf8(&masked.bytes)
                .ok()
                .and_then(|text| yaml::read(text).ok());
            if let Some(tree) = literal
                && alike(&tree, &text)
            {
                return self.push(file, masked, Arc::new(tree), None);
            }
        }
        let inner = SourceFile::new(file.path.clone(), text.into_bytes());
        self.lay(&file, inner, Some(node))
    }

    fn is_literal(&self, part: usize, own: Id) -> bool {
        let node = self.parts.get(part).and_then(|part| part.tree.node(own));
        matches!(
            node.map(|node| &node.kind),
            Some(Kind::Scalar(_, Style::Block))
        )
    }

    fn lay(
        &mut self,
        file: &Arc<SourceFile>,
        text: Arc<SourceFile>,
        loose: Option<Span>,
    ) -> Option<usize> {
        let tree = yaml::read(std::str::from_utf8(&text.bytes).ok()?).ok()?;
        self.push(Arc::clone(file), text, Arc::new(tree), loose)
    }

    fn push(
        &mut self,
        file: Arc<SourceFile>,
        text: Arc<SourceFile>,
        tree: Arc<Tree>,
        loose: Option<Span>,
    ) -> Option<usize> {
        if self.bytes.len() + text.bytes.len() > LARGEST {
            return None;
        }
        let start = self.bytes.len();
        let shift = self.tree.absorb(&tree, start);
        self.bytes.extend_from_slice(&text.bytes);
        self.bytes.push(b'\n');
        self.parts.push(Part {
            file,
            text,
            tree,
            loose,
            start,
            shift,
        });
        Some(self.parts.len() - 1)
    }

    /// One of the texts.
    pub(super) fn part(&self, index: usize) -> Option<&Part> {
        self.parts.get(index)
    }

    /// All texts that are reported as the file `path`.
    pub(super) fn parts_of<'d>(&'d self, path: &'d str) -> impl Iterator<Item = (usize, &'d Part)> {
        let parts = self.parts.iter().enumerate();
        parts.filter(move |(_, part)| part.file.path == path)
    }

    /// The containers of `documents`, their places in the joint text.
    pub(super) fn read(mut self, documents: Vec<Id>) -> (Self, Vec<(Container, kubernetes::Site)>) {
        let joint = SourceFile::new("", std::mem::take(&mut self.bytes));
        self.tree.documents = documents;
        let read = kubernetes::read(Sheet {
            file: &joint,
            text: std::str::from_utf8(&joint.bytes).unwrap_or_default(),
            tree: &self.tree,
        });
        (self, read)
    }

    /// Puts a node together from others.
    pub(super) fn derive(&mut self, kind: Kind, span: Span, from: &[Id]) -> Id {
        let all: Vec<Id> = from.iter().flat_map(|id| self.origins(*id)).collect();
        let parts = match &kind {
            Kind::Sequence(items, _) => items.len(),
            Kind::Mapping(entries, _) => 2 * entries.len(),
            _ => 1,
        };
        // Patches may copy long lists again and again: the rest is left as it was.
        let spent = self.spend(all.len() + parts);
        if let Some(first) = from.first().filter(|_| spent) {
            return *first;
        }
        let id = self.tree.add(kind, span);
        self.origins.insert(id, all);
        id
    }

    /// Counts work on that many nodes; whether there was too much.
    pub(super) fn spend(&mut self, nodes: usize) -> bool {
        self.derived += nodes;
        self.derived > DERIVED
    }

    /// A text that stands for the bytes of `id`.
    pub(super) fn word(&mut self, text: &str, id: Id) -> Id {
        let span = self.tree.span(id);
        self.tree
            .add(Kind::Scalar(text.into(), Style::Double), span)
    }

    /// A mapping of new keys, which stand where their values do.
    pub(super) fn mapping(&mut self, entries: &[(&str, Id)], at: Id) -> Id {
        let entries = entries
            .iter()
            .map(|(key, value)| (self.word(key, *value), *value));
        let entries = entries.collect();
        self.derive(Kind::Mapping(entries, Flow::Block), self.tree.span(at), &[])
    }

    /// The nodes of the texts that a node was put together from.
    pub(super) fn origins(&self, id: Id) -> Vec<Id> {
        let id = self.tree.resolve(id);
        self.origins.get(&id).cloned().unwrap_or_else(|| vec![id])
    }

    /// A place of the joint text in its file.
    fn place(&self, place: &Place) -> Place {
        self.home(place.span).map_or_else(
            || place.clone(),
            |(part, span)| Place::new(&part.file, span),
        )
    }

    fn home(&self, span: Span) -> Option<(&Part, Span)> {
        let after = self.parts.partition_point(|part| part.start <= span.start);
        let part = self.parts.get(after.checked_sub(1)?)?;
        let own = Span::new(span.start - part.start, span.end.checked_sub(part.start)?);
        Some((part, part.loose.unwrap_or(own)))
    }

    /// A container whose places are those of the joint text, with the places of the files.
    pub(super) fn homed(&self, mut container: Container) -> Container {
        let home = |place: &mut Place| *place = self.place(place);
        home(&mut container.place);
        container
            .image
            .iter_mut()
            .for_each(|image| home(&mut image.place));
        for words in [&mut container.entrypoint, &mut container.cmd] {
            words.iter_mut().for_each(|words| home(&mut words.place));
        }
        for fault in &mut container.env_faults {
            home(&mut fault.place);
            if let crate::model::EnvFaultKind::Again { first: before, .. } = &mut fault.kind {
                home(before);
            }
        }
        for limit in [&mut container.limits.cpu, &mut container.limits.memory] {
            limit.iter_mut().for_each(|(_, place)| home(place));
        }
        if let Some(crate::model::Fact::Known(_, place)) = &mut container.user {
            home(place);
        }
        if let Some(crate::model::Fact::Known(_, place)) = &mut container.archs {
            home(place);
        }
        container
            .env
            .iter_mut()
            .for_each(|(_, setting)| self.home_setting(setting));
        container
    }

    fn home_setting(&self, setting: &mut Setting) {
        let Some((own, whole)) = self.home(setting.place.span) else {
            return;
        };
        // A value may refer to a variable that another file sets.
        let within = |span: Span| {
            let (part, there) = self.home(span)?;
            (part.start == own.start).then_some(there)
        };
        setting.value.text = setting.value.text.moved(&within, whole);
        setting.name_place = self.place(&setting.name_place);
        setting.place = Place::new(&own.file, whole);
    }
}

/// The bytes with everything blank but the lines' ends and what `block` covers.
fn mask(bytes: &[u8], block: Span) -> Vec<u8> {
    let kept =
        |at: usize, byte: u8| at >= block.start && at < block.end || matches!(byte, b'\n' | b'\r');
    let bytes = bytes.iter().enumerate();
    bytes
        .map(|(at, byte)| if kept(at, *byte) { *byte } else { b' ' })
        .collect()
}

/// Whether a tree is that of `text`, however far that is indented.
fn alike(tree: &Tree, text: &str) -> bool {
    let Ok(other) = yaml::read(text) else {
        return false;
    };
    let pairs = tree.documents.iter().zip(&other.documents);
    tree.documents.len() == other.documents.len()
        && pairs.into_iter().all(|(a, b)| tree.is_same(*a, &other, *b))
}
