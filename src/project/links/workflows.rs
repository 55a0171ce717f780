//! Workflows of GitHub Actions: what `docker/build-push-action` builds (its inputs `file`, `context` and `target`).

use super::{ImageBuild, reference, repository};
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
    steps
        .filter_map(|step| build(sheet, *step))
        .flatten()
        .collect()
}

/// `linux/amd64,linux/arm64`, with commas or one a line.
fn platforms(text: &str) -> Vec<String> {
    let words = text.split([',', '\n', ' ']).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The images that inputs `tags` name, each once, where the text alone says so: `shop/web:${{ github.sha }}` is `shop/web`.
fn images(tags: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for tag in tags.split([',', '\n']).map(str::trim) {
        // What is filled in holds no colon that parts a tag.
        let written = tag
            .find("${{")
            .map_or(tag, |at| tag.get(..at).unwrap_or_default());
        let whole = written == tag || repository(written) != written;
        let name = repository(written).to_owned();
        if whole && !name.is_empty() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

fn build(sheet: Sheet<'_>, step: Id) -> Option<Vec<ImageBuild>> {
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
    let mut names = given("tags").map(images).unwrap_or_default();
    if names.is_empty() {
        names.push(String::new());
    }
    let of = |image: String| ImageBuild {
        reference: if image.is_empty() {
            String::new()
        } else {
            reference(&image)
        },
        image,
        dockerfile: dockerfile.clone(),
        target: word("target").map(str::to_owned),
        platforms: word("platforms").map(platforms).unwrap_or_default(),
        said_in: sheet.file.path.clone(),
    };
    Some(names.into_iter().map(of).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_tags_are_read_where_the_text_says_them() {
        let of = |tags: &str| images(tags).join(" ");
        assert_eq!(
            of("shop/web:${{ github.sha }}\nshop/web:latest\n"),
            "shop/web"
        );
        assert_eq!(
            of("ghcr.io/shop/web:1, shop/web"),
            "ghcr.io/shop/web shop/web"
        );
        assert_eq!(of("registry:5000/shop:${{ x }}"), "registry:5000/shop");
        for open in [
            "${{ steps.meta.outputs.tags }}",
            "ghcr.io/${{ github.repository }}:latest",
            "shop/web-${{ matrix.x }}",
        ] {
            assert_eq!(of(open), "", "{open}");
        }
    }
}
