//! Reports: files that people name, and whose old text is gone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::Path;

/// Whether a file could be written, as far as can be told without doing it.
///
/// # Errors
/// Where it could not.
pub(crate) fn check(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(meta) if meta.is_file() => OpenOptions::new().append(true).open(path).map(drop),
        Ok(meta) if meta.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        // A pipe or a terminal.
        Ok(_) => Ok(()),
        Err(_) => {
            File::create_new(path)?;
            fs::remove_file(path)
        }
    }
}

/// A file to write to; what it held before is gone.
///
/// # Errors
/// Where the file cannot be made.
pub(crate) fn open(path: &Path) -> io::Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path)?))
}
