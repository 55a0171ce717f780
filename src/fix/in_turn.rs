//! Several files that hang on each other.

use std::sync::Arc;

use crate::project::Project;
use crate::surroundings::Instead;
use crate::text::SourceFile;

/// Hands files to `change` one after the other, each in a project where the files before it are as `change` gave them
/// back: what a Dockerfile is to bring, the container that runs its image need not.
pub(crate) fn in_turn(
    files: &[Arc<SourceFile>],
    project: &Project<'_>,
    change: &mut dyn FnMut(&Arc<SourceFile>, &Project<'_>) -> Arc<SourceFile>,
) {
    let Some((first, rest)) = files.split_first() else {
        return;
    };
    let after = change(first, project);
    if after.bytes == first.bytes {
        return in_turn(rest, project, change);
    }
    let around = Instead {
        around: project.around(),
        file: after,
    };
    in_turn(rest, &project.where_changed(&around), change);
}
