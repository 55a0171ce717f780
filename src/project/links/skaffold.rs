//! Skaffold: `build.artifacts` (skaffold.dev, `skaffold.yaml` reference). Profiles are not followed.

use super::ImageBuild;
use super::build_of;
use crate::manifests::Sheet;
use crate::yaml::Id;

/// Builders that read no Dockerfile.
const OTHERS: [&str; 5] = ["bazel", "jib", "ko", "buildpacks", "custom"];

/// The artifacts of all documents of a file.
pub(super) fn read(sheet: Sheet<'_>) -> Vec<ImageBuild> {
    let tree = sheet.tree;
    let lists = tree.documents.iter();
    let lists = lists.filter_map(|root| tree.at(*root, &["build", "artifacts"]));
    let artifacts = lists.flat_map(|list| tree.items(list));
    artifacts.filter_map(|id| artifact(sheet, *id)).collect()
}

fn artifact(sheet: Sheet<'_>, id: Id) -> Option<ImageBuild> {
    let tree = sheet.tree;
    if OTHERS.iter().any(|key| tree.get(id, key).is_some()) {
        return None;
    }
    let word = |path: &[&str]| tree.at(id, path).and_then(|id| tree.word(id));
    let builder = if tree.get(id, "kaniko").is_some() {
        "kaniko"
    } else {
        "docker"
    };
    build_of(
        sheet.file,
        word(&["image"])?,
        word(&["context"]).unwrap_or("."),
        word(&[builder, "dockerfile"]),
        word(&[builder, "target"]).map(str::to_owned),
    )
}
