//! Why a process may get allocator settings that the Dockerfile does not show.

use crate::dockerfile::image::{Copied, CopySource, ImageState};
use crate::dockerfile::run::is_shell_start;
use crate::dockerfile::start::Started;
use crate::dockerfile::syntax::{Dockerfile, ItemKind};
use crate::facts;
use crate::model::{ProcessKind, Reach};
use crate::text::SourceFile;

/// The files in which settings may be made that the Dockerfile does not show. Who asks must look before anything
/// is called missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search {
    /// Scripts in these places of the build context, which are in the image.
    pub copied: Vec<String>,
    /// The paths of scripts that were followed: what they set is known.
    pub followed: Vec<String>,
    /// What starts was followed to a program that is known.
    pub started: bool,
    /// Manifests in the project that may start the image.
    pub manifests: bool,
}

/// What is to be searched; nothing where no rule will ask.
pub(super) fn search(state: &ImageState, started: &Started, manifests: bool) -> Option<Search> {
    let context = |copied: &&Copied| copied.from == CopySource::Context;
    let copied = state.copies.iter().filter(context);
    is_asked(state, started).then(|| Search {
        copied: copied.map(|copied| copied.path.clone()).collect(),
        followed: started.followed.clone(),
        started: started.process.server.is_some(),
        manifests,
    })
}

/// Why the process may get allocator settings that we cannot see.
pub(super) fn of_image(state: &ImageState, started: &Started) -> Option<String> {
    if let Some(why) = &started.unseen {
        return Some(why.clone());
    }
    if let Some(image) = state.image.as_ref().filter(|image| image.crowded) {
        return Some(format!(
            "`{}` images come with settings of their own",
            image.name
        ));
    }
    let setting =
        |text: &str| text.contains("LD_PRELOAD") && !crate::facts::families_named(text).is_empty();
    if let Some(written) = state
        .written
        .iter()
        .find(|written| !is_shell_start(&written.path) && setting(written.text.as_str()))
    {
        return Some(format!("`{}` sets an allocator", written.path));
    }
    if reads_start_files(state, started) {
        return Some("the shell that starts the service reads its start-up files".into());
    }
    None
}

/// Whether the shell that starts the service reads a start-up file that sets an allocator.
pub(super) fn reads_start_files(state: &ImageState, started: &Started) -> bool {
    let bash_env = state
        .env
        .get("BASH_ENV")
        .map(|var| var.now.value.text.as_str());
    state.strays.iter().any(|stray| match &stray.reach {
        Reach::Shells(path) => started.login || bash_env == Some(path),
        _ => false,
    })
}

/// Whether any rule will ask: files around a Dockerfile are searched for its sake only.
fn is_asked(state: &ImageState, started: &Started) -> bool {
    let runs = started.process.kind.value() != Some(&ProcessKind::OneShot);
    runs && !started.process.argv.is_empty() && state.python.value().is_some()
}

/// A comment that was a setting of an allocator: somebody switched it off.
pub(in crate::dockerfile) fn switched_off(
    file: &SourceFile,
    dockerfile: &Dockerfile,
) -> Option<String> {
    let comments = dockerfile.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Comment(span) => Some(*span),
        _ => None,
    });
    comments.into_iter().find_map(|span| {
        let text = file.text(span);
        let set =
            text.trim_start_matches(['#', ' ']).starts_with("ENV ") && text.contains("LD_PRELOAD");
        let allocator = set && !facts::families_named(&text).is_empty();
        let line = || file.lines().locate(&file.bytes, span.start).line;
        allocator.then(|| {
            let line = line();
            format!("a comment in line {line} is a preload that somebody switched off")
        })
    })
}
