//! Text to the disk: a file is replaced whole, or stays as it was.
//!
//! The new text goes to a temporary file in the same folder, is flushed to the disk and then takes
//! the name. Mode, owner and extended attributes are kept, symbolic links are followed. A file with several hard links is
//! written in place, since a new one would part them, and so is one whose owner or attributes we may not give to another; a
//! copy lies beside it until that is done.

mod attributes;
mod limit;
pub(crate) mod report;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;

/// Why a file was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// Somebody else changed it in the meantime.
    #[error("it changed while it was being fixed; nothing was written, run it again")]
    Changed,
    /// It may not be written.
    #[error("it is read-only: make it writable, or use `--diff`")]
    ReadOnly,
    /// The folder takes no new file.
    #[error("cannot write beside it: {0}; nothing was changed")]
    Folder(#[source] io::Error),
    /// Something else went wrong.
    #[error("cannot be written: {0}; nothing was changed")]
    Io(#[from] io::Error),
    /// A file with several names was left half written.
    #[error("was left half written ({error}); its new text is in {copy}")]
    Half {
        /// What went wrong.
        error: io::Error,
        /// Where the whole text is.
        copy: String,
    },
}

/// Replaces the text of `path`, which must still be `before`, by `after`.
///
/// # Errors
/// Where it cannot be done; the file is then as it was, but for [`WriteError::Half`].
pub(crate) fn replace(path: &Path, before: &[u8], after: &[u8]) -> Result<(), WriteError> {
    limit::is_an_error();
    let target = fs::canonicalize(path)?;
    let meta = fs::metadata(&target)?;
    if meta.permissions().readonly() {
        return Err(WriteError::ReadOnly);
    }
    let folder = target.parent().unwrap_or_else(|| Path::new("."));
    let mut new = tempfile::Builder::new()
        .prefix(".malloclint-")
        .tempfile_in(folder)
        .map_err(WriteError::Folder)?;
    new.write_all(after)?;
    let kept = attributes::keep(&target, &meta, new.path())?;
    new.as_file().sync_all()?;
    if fs::read(&target)? != before {
        return Err(WriteError::Changed);
    }
    if !kept || attributes::links(&meta) > 1 {
        return in_place(&target, (before, after), new);
    }
    new.persist(&target).map_err(|error| error.error)?;
    // The name is in the folder: that, too, must reach the disk. Some systems cannot do it.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

/// Makes a file that is not there yet, whole or not at all.
///
/// # Errors
/// Where it cannot be done, or somebody else was faster.
pub(crate) fn create(path: &Path, text: &[u8]) -> Result<(), WriteError> {
    let new = beside(path, text)?;
    new.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// Makes a file that is not there yet, and the folders that it lies in.
///
/// # Errors
/// Where it cannot be done, or the file is there.
pub(crate) fn with_folders(path: &Path, text: &[u8]) -> Result<(), WriteError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    create(path, text)
}

/// Makes a file, or another one in its place; a pipe or a device takes the text as it is.
///
/// # Errors
/// Where it cannot be done.
pub(crate) fn whole(path: &Path, text: &[u8]) -> Result<(), WriteError> {
    let stream = path.starts_with("/dev") || path.starts_with("/proc");
    let before = fs::metadata(path).ok();
    if stream || before.as_ref().is_some_and(|meta| !meta.is_file()) {
        // What was written there before stays.
        let mut file = OpenOptions::new().append(true).open(path)?;
        return Ok(file.write_all(text)?);
    }
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let new = beside(&target, text)?;
    if let Some(before) = before {
        fs::set_permissions(new.path(), before.permissions())?;
    }
    new.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// A new file with that text in the folder of `path`.
fn beside(path: &Path, text: &[u8]) -> Result<tempfile::NamedTempFile, WriteError> {
    limit::is_an_error();
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    let mut builder = tempfile::Builder::new();
    builder.prefix(".malloclint-");
    #[cfg(unix)]
    {
        // As any program makes files: the umask takes away what it takes away.
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let mut new = builder
        .tempfile_in(folder.unwrap_or_else(|| Path::new(".")))
        .map_err(WriteError::Folder)?;
    new.write_all(text)?;
    new.as_file().sync_all()?;
    Ok(new)
}

/// Whether `path` could be written, as far as can be told without doing it.
///
/// # Errors
/// Where it could not.
pub(crate) fn check(path: &Path) -> Result<(), WriteError> {
    let target = match fs::symlink_metadata(path) {
        Ok(_) => Some(fs::canonicalize(path)?),
        Err(_) => None,
    };
    let target = target.as_deref();
    if let Some(target) = target {
        let meta = fs::metadata(target)?;
        if meta.permissions().readonly() {
            return Err(WriteError::ReadOnly);
        }
        if !meta.is_file() {
            // A pipe or device; whether it takes anything is seen when it is written.
            return match meta.is_dir() {
                true => Err(io::Error::from(io::ErrorKind::IsADirectory).into()),
                false => Ok(()),
            };
        }
    }
    let folder = target.unwrap_or(path).parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    tempfile::Builder::new()
        .prefix(".malloclint-")
        .tempfile_in(folder.unwrap_or_else(|| Path::new(".")))
        .map(drop)
        // The name of a file that never was would only puzzle.
        .map_err(|error| WriteError::Folder(error.kind().into()))
}

/// Writes over the bytes themselves, so that every name of the file sees them and it keeps all that it has. Where that fails
/// half way, the old bytes come back into the room that they had.
fn in_place(
    target: &Path,
    (before, after): (&[u8], &[u8]),
    copy: tempfile::NamedTempFile,
) -> Result<(), WriteError> {
    let mut file = OpenOptions::new().write(true).open(target)?;
    let mut over = |text: &[u8]| {
        file.seek(SeekFrom::Start(0))
            .and_then(|_| file.write_all(text))
            .and_then(|()| file.set_len(text.len() as u64))
            .and_then(|()| file.sync_all())
    };
    let Err(error) = over(after) else {
        return Ok(());
    };
    if over(before).is_ok() {
        return Err(error.into());
    }
    let copy = copy
        .into_temp_path()
        .keep()
        .map_or_else(|_| "no file".into(), |path| path.display().to_string());
    Err(WriteError::Half { error, copy })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_changed_is_left_alone_and_nothing_lies_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        fs::write(&path, "theirs").unwrap();
        let error = replace(&path, b"ours", b"new").unwrap_err();
        assert!(matches!(error, WriteError::Changed));
        assert_eq!(fs::read(&path).unwrap(), b"theirs");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        replace(&path, b"theirs", b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_new_file_never_takes_the_place_of_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("malloclint.toml");
        create(&path, b"ours").unwrap();
        assert!(create(&path, b"again").is_err());
        assert_eq!(fs::read(&path).unwrap(), b"ours");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn mode_links_and_names_are_kept() {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("a"), "old").unwrap();
        fs::set_permissions(at("a"), fs::Permissions::from_mode(0o640)).unwrap();
        symlink("a", at("link")).unwrap();
        replace(&at("link"), b"old", b"new").unwrap();
        assert!(fs::symlink_metadata(at("link")).unwrap().is_symlink());
        assert_eq!(fs::metadata(at("a")).unwrap().mode() & 0o7777, 0o640);
        fs::hard_link(at("a"), at("b")).unwrap();
        replace(&at("a"), b"new", b"no").unwrap();
        assert_eq!(fs::read(at("b")).unwrap(), b"no");
        assert_eq!(fs::metadata(at("a")).unwrap().nlink(), 2);
        fs::set_permissions(at("a"), fs::Permissions::from_mode(0o444)).unwrap();
        assert!(matches!(
            replace(&at("a"), b"no", b"x"),
            Err(WriteError::ReadOnly)
        ));
    }
}
