//! Where files stand in their repositories.

use std::path::{Path, PathBuf};

use super::memory::Memory;
use crate::disk::{absolute, shown, top};
use crate::text::paths;

/// The repositories that the files of a run lie in.
#[derive(Debug, Default)]
pub(crate) struct Repositories {
    /// The top of the one that the program runs in.
    here: Option<PathBuf>,
    /// The tops of others, by folder.
    others: Memory<PathBuf, Option<PathBuf>>,
}

impl Repositories {
    /// Those around the current folder.
    #[must_use]
    pub(crate) fn of_here() -> Self {
        Self {
            here: top(Path::new(&absolute("."))),
            ..Self::default()
        }
    }

    /// The folder that the program runs in, below the top of its repository: `services/api`; empty at the top, and outside
    /// of one.
    pub(crate) fn folder(&self) -> String {
        match self.path(".") {
            here if here == "." => String::new(),
            here => here,
        }
    }

    /// A path as seen from the top of the repository: that which the program runs in, else the file's own; as it is
    /// where there is none.
    #[must_use]
    pub(crate) fn path(&self, path: &str) -> String {
        let whole = absolute(path);
        let whole = Path::new(&whole);
        if let Some(below) = self
            .here
            .as_ref()
            .and_then(|top| whole.strip_prefix(top).ok())
        {
            return shown(below);
        }
        let own = whole.parent().unwrap_or(whole);
        let top = self.others.of(own.to_path_buf(), |own| top(own));
        match top.and_then(|top| whole.strip_prefix(top).ok().map(shown)) {
            Some(below) => below,
            None if path.starts_with('/') => path.to_owned(),
            None => paths::join("", path),
        }
    }

    /// Whether no file of that path, as seen from the top of a repository, is there any more.
    pub(crate) fn is_gone(&self, path: &str) -> bool {
        let here = self.here.clone().unwrap_or_else(|| PathBuf::from("."));
        let others = self.others.values().into_iter().flatten();
        !std::iter::once(here)
            .chain(others)
            .any(|top| top.join(path).exists())
    }
}
