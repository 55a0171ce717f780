//! The files that a process has mapped: where memory is short, the kernel drops pages that it can read again there. To read them in the
//! process would bring them back into it; in the file they say the same.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

/// The files of a process, as far as they were asked for.
#[derive(Debug)]
pub(super) struct Files {
    /// Where its own file system begins.
    root: PathBuf,
    open: RefCell<BTreeMap<(String, u64), Option<File>>>,
}

impl Files {
    /// Those of the process whose folder in `/proc` is given.
    pub(super) fn of(folder: &Path) -> Self {
        Self {
            root: folder.join("root"),
            open: RefCell::default(),
        }
    }

    /// What stands at a place of a file that is mapped under that name and number; behind its end that is zero.
    ///
    /// # Errors
    /// Where the file cannot be had, or is another one by now.
    pub(super) fn read(&self, name: (&str, u64), place: u64, into: &mut [u8]) -> io::Result<()> {
        let key = (name.0.to_owned(), name.1);
        let mut open = self.open.borrow_mut();
        let file = open.entry(key).or_insert_with(|| self.open(name));
        let file = file.as_ref().ok_or(io::ErrorKind::NotFound)?;
        let mut done = 0;
        while let Some(rest) = into.get_mut(done..).filter(|rest| !rest.is_empty()) {
            match file.read_at(rest, place + done as u64)? {
                0 => break,
                read => done += read,
            }
        }
        if let Some(rest) = into.get_mut(done..) {
            rest.fill(0);
        }
        Ok(())
    }

    /// Its own file system may be another one, and the names may be those of ours (a process in a `chroot`). A file that was
    /// replaced has another number.
    fn open(&self, (name, inode): (&str, u64)) -> Option<File> {
        let own = self.root.join(name.strip_prefix('/')?);
        let is_it = |path: &PathBuf| {
            let meta = fs::metadata(path);
            meta.is_ok_and(|meta| meta.is_file() && meta.ino() == inode)
        };
        let path = [own, PathBuf::from(name)].into_iter().find(is_it)?;
        File::open(path).ok()
    }
}
