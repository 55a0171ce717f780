//! Files around an input that are held in memory, and lie in one repository.

use std::collections::BTreeMap;
use std::sync::Arc;

use malloclint::internals::surroundings::{Home, Surroundings};
use malloclint::internals::text::SourceFile;

/// The files by their paths, relative to where the tool runs; `top` is the folder of the repository.
pub(crate) struct Files {
    top: String,
    files: BTreeMap<String, Arc<SourceFile>>,
}

impl Files {
    pub(crate) fn new(
        top: &str,
        files: impl IntoIterator<Item = (impl Into<String>, impl Into<Vec<u8>>)>,
    ) -> Self {
        let file = |(path, bytes): (_, _)| {
            let path: String = Into::into(path);
            (path.clone(), SourceFile::new(path, Into::into(bytes)))
        };
        Self {
            top: top.to_owned(),
            files: files.into_iter().map(file).collect(),
        }
    }

    pub(crate) fn at(&self, path: &str) -> Option<Arc<SourceFile>> {
        self.files.get(&plain(path)?).cloned()
    }
}

/// The path without `.` and `..`; nothing where it leads above where the tool runs.
fn plain(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(folder, _)| folder)
}

impl Surroundings for Files {
    fn read(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        let path = path.trim_start_matches('/');
        if path.is_empty() || path.split('/').any(|part| part == "..") {
            return None;
        }
        let home = self.home(near);
        let mut folders = home.folders.iter();
        folders.find_map(|folder| self.at(&format!("{folder}/{path}")))
    }

    fn beside(&self, near: &str, path: &str) -> Option<Arc<SourceFile>> {
        self.at(&format!("{}/{path}", folder(near)))
    }

    fn peek(&self, path: &str) -> Option<Vec<u8>> {
        self.at(path).map(|file| file.bytes.clone())
    }

    fn list(&self, path: &str, depth: usize) -> Box<dyn Iterator<Item = String>> {
        let folder = plain(path).unwrap_or_default();
        let below = |name: &&String| {
            let rest = if folder.is_empty() {
                Some(name.as_str())
            } else {
                name.strip_prefix(&folder)
            };
            rest.is_some_and(|rest| {
                let inside = folder.is_empty() || rest.is_empty() || rest.starts_with('/');
                inside && rest.trim_start_matches('/').matches('/').count() < depth
            })
        };
        let names: Vec<String> = self.files.keys().filter(below).cloned().collect();
        Box::new(names.into_iter())
    }

    fn home(&self, near: &str) -> Home {
        let mut folders = vec![folder(near).to_owned()];
        while *folders.last().unwrap() != self.top && folders.last().unwrap() != "." {
            let above = folder(folders.last().unwrap()).to_owned();
            folders.push(above);
        }
        Home {
            folders: folders.into(),
            name: (self.top != ".").then(|| self.top.clone()),
        }
    }
}
