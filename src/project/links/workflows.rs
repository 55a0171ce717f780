//! Workflows of GitHub Actions: what `docker/build-push-action` builds (its inputs `file`, `context` and `target`).

use super::ImageBuild;
use crate::manifests::Sheet;
use crate::text::paths;
use crate::yaml::Id;

/// Whether a path is that of a workflow.
pub(super) fn is_workflow(path: &str) -> bool {
    let folder = paths::folder(path);
    let yaml = path.ends_with(".yml") || path.ends_with(".yaml");
    yaml && (folder == ".github/workflows" || folder.ends_with("/.github/workflows"))
}

/// The builds of all steps of a workflow. Which image comes out is seldom written as such.
pub(super) fn read(sheet: Sheet<'_>) -> Vec<ImageBuild> {
    let tree = sheet.tree;
    let jobs = tree
        .documents
        .iter()
        .filter_map(|root| tree.get(*root, "jobs"));
    let jobs = jobs.flat_map(|jobs| tree.entries(jobs));
    let steps = jobs.filter_map(|(_, job)| tree.get(*job, "steps"));
    let steps = steps.flat_map(|steps| tree.items(steps));
    steps.filter_map(|step| build(sheet, *step)).collect()
}

/// `linux/amd64,linux/arm64`, with commas or one a line.
fn platforms(text: &str) -> Vec<String> {
    let words = text.split([',', '\n', ' ']).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

fn build(sheet: Sheet<'_>, step: Id) -> Option<ImageBuild> {
    let tree = sheet.tree;
    let uses = tree.get(step, "uses").and_then(|id| tree.word(id))?;
    if !uses.starts_with("docker/build-push-action") {
        return None;
    }
    let given = |name: &str| tree.at(step, &["with", name]).and_then(|id| tree.word(id));
    let open = |word: &str| word.contains("${{");
    if given("file").is_some_and(open) || given("context").is_some_and(open) {
        return None;
    }
    let word = |name: &str| given(name).filter(|word| !open(word));
    // The folder of the repository, which holds `.github`.
    let top = paths::folder(paths::folder(paths::folder(&sheet.file.path)));
    let context = paths::join(top, word("context").unwrap_or("."));
    let dockerfile = match word("file") {
        Some(file) => paths::join(top, file),
        None => paths::join(&context, "Dockerfile"),
    };
    Some(ImageBuild {
        image: String::new(),
        reference: String::new(),
        dockerfile,
        target: word("target").map(str::to_owned),
        platforms: word("platforms").map(platforms).unwrap_or_default(),
        said_in: sheet.file.path.clone(),
    })
}
