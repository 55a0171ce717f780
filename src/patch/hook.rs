//! The thread hook as files: what `fix --thread-hook` has a Dockerfile put into the Python that runs.

use super::layer::File;
use crate::image::{Read, Refused};
use crate::templates;

/// The files that are missing, for each Python of an image: the variable alone asks for the thread.
///
/// # Errors
/// Where no Python of it was found that would read them.
pub(super) fn files(image: &Read<'_>) -> Result<Vec<File>, Refused> {
    let folders = image.site_folders();
    let hook = templates::thread_hook().filter(|_| !folders.is_empty());
    let hook = hook.ok_or_else(|| {
        Refused::new(
            "no folder of packages was found that its Python reads at start: put the thread hook in with a Dockerfile that starts from it (`malloclint fix --thread-hook`)".into(),
        )
    })?;
    let mut files = Vec::new();
    for folder in folders {
        for (name, text) in hook.files() {
            let path = format!("{folder}/{name}");
            if !image.has_file(&path) {
                let bytes = text.into();
                files.push(File { path, bytes });
            }
        }
    }
    Ok(files)
}
