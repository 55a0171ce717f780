//! What a file has beside its text: owner, mode, extended attributes (access control lists are among them).

use std::fs;
use std::io;
use std::path::Path;

/// Gives a new file all that the old one has beside its text; `false` where not all of it can be kept.
#[cfg(unix)]
pub(super) fn keep(old: &Path, meta: &fs::Metadata, new: &Path) -> io::Result<bool> {
    use std::os::unix::fs::{MetadataExt, chown};
    let own = fs::metadata(new)?;
    if (own.uid(), own.gid()) != (meta.uid(), meta.gid())
        && chown(new, Some(meta.uid()), Some(meta.gid())).is_err()
    {
        return Ok(false);
    }
    if !extended::keep(old, new) {
        return Ok(false);
    }
    // Last: another owner takes the bits of `setuid` away.
    fs::set_permissions(new, meta.permissions())?;
    Ok(fs::metadata(new)?.mode() == meta.mode())
}

#[cfg(not(unix))]
pub(super) fn keep(_: &Path, meta: &fs::Metadata, new: &Path) -> io::Result<bool> {
    fs::set_permissions(new, meta.permissions())?;
    Ok(true)
}

/// How many names a file has.
#[cfg(unix)]
pub(super) fn links(meta: &fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt;
    meta.nlink()
}

#[cfg(not(unix))]
pub(super) fn links(_: &fs::Metadata) -> u64 {
    1
}

#[cfg(target_os = "linux")]
mod extended {
    use std::ffi::CStr;
    use std::path::Path;

    use rustix::fs::{XattrFlags, getxattr, listxattr, setxattr};
    use rustix::io::{Errno, Result};

    /// The kernel's own limits on all names and on one value, in bytes (`linux/limits.h`).
    const LONGEST: usize = 64 << 10;

    pub(super) fn keep(old: &Path, new: &Path) -> bool {
        let mut names = vec![0; LONGEST];
        let length = match listxattr(old, names.as_mut_slice()) {
            Ok(length) => length,
            // The file system has none.
            Err(Errno::NOTSUP) => return true,
            Err(_) => return false,
        };
        let names = names.get(..length).unwrap_or_default();
        let mut names = names.split_inclusive(|byte| *byte == 0);
        names.all(|name| {
            let name = CStr::from_bytes_with_nul(name);
            name.is_ok_and(|name| same(old, new, name).is_ok())
        })
    }

    /// Gives the new file one attribute, where it does not have it by itself.
    fn same(old: &Path, new: &Path, name: &CStr) -> Result<()> {
        let value = read(old, name)?;
        if read(new, name).is_ok_and(|own| own == value) {
            return Ok(());
        }
        setxattr(new, name, &value, XattrFlags::empty())
    }

    fn read(path: &Path, name: &CStr) -> Result<Vec<u8>> {
        let mut value = vec![0; LONGEST];
        let length = getxattr(path, name, value.as_mut_slice())?;
        value.truncate(length);
        Ok(value)
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod extended {
    use std::path::Path;

    pub(super) fn keep(_: &Path, _: &Path) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_os = "linux")]
    #[test]
    fn attributes_and_special_bits_are_kept() {
        use std::fs;
        use std::os::unix::fs::PermissionsExt;

        use rustix::fs::{XattrFlags, getxattr, setxattr};

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Dockerfile");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o6755)).unwrap();
        setxattr(&path, "user.origin", b"here", XattrFlags::empty()).unwrap();
        crate::write::replace(&path, b"old", b"new").unwrap();
        let mut value = [0; 16];
        let length = getxattr(&path, "user.origin", &mut value).unwrap();
        assert_eq!(&value[..length], b"here");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o6755);
        assert_eq!(fs::read(&path).unwrap(), b"new");
    }
}
