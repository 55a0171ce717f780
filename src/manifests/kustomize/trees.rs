//! The files that take part in builds as trees: many builds stand on the same ones.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::text::SourceFile;
use crate::yaml::{self, Tree};

/// Those that were read in a run, by path, each with the file that it was read from.
#[derive(Debug, Default)]
pub(crate) struct Trees(Mutex<BTreeMap<String, Known>>);

type Known = (Arc<SourceFile>, Option<Arc<Tree>>);

/// Those that the builds of one file may read. Its own is not kept for others: it may be the largest of all, and is read for
/// its builds alone.
pub(super) struct Texts<'a> {
    focus: &'a Arc<SourceFile>,
    own: OnceCell<Option<Arc<Tree>>>,
    others: &'a Trees,
}

impl<'a> Texts<'a> {
    pub(super) fn of(focus: &'a Arc<SourceFile>, others: &'a Trees) -> Self {
        Self {
            focus,
            own: OnceCell::new(),
            others,
        }
    }

    /// The tree of a file; `None` where it is no YAML.
    pub(super) fn tree(&self, file: &Arc<SourceFile>) -> Option<Arc<Tree>> {
        if Arc::ptr_eq(file, self.focus) {
            return self.own.get_or_init(|| read(file)).clone();
        }
        self.others.of(file)
    }
}

impl Trees {
    /// The tree of a file. Two threads may read it at the same time, as a lock held meanwhile would stop them all.
    fn of(&self, file: &Arc<SourceFile>) -> Option<Arc<Tree>> {
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, tree)) = known().get(&file.path)
            && Arc::ptr_eq(of, file)
        {
            return tree.clone();
        }
        let tree = read(file);
        let kept = (Arc::clone(file), tree.clone());
        known().insert(file.path.clone(), kept);
        tree
    }
}

fn read(file: &SourceFile) -> Option<Arc<Tree>> {
    let text = std::str::from_utf8(&file.bytes).ok()?;
    yaml::read(text).ok().map(Arc::new)
}
