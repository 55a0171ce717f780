//! What speaks against a file's being production's: its path, its image.

use crate::facts::roles;
use crate::model::Named;
use crate::text::paths;

/// What the folders of a file say against its being production's.
#[must_use]
pub(crate) fn of_path(path: &str) -> Option<String> {
    let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
    let folder = folders.split('/').find(|part| {
        roles::is_test_folder(part) || roles::is_shown(part) || roles::is_developer_folder(part)
    });
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let named = roles::is_test_name(stem) || roles::is_shown(stem);
    let part = folder.or_else(|| named.then_some(name))?;
    Some(format!("the path says `{part}`"))
}

/// What a variable says against a container's being production's: `FLASK_ENV=development`.
#[must_use]
pub(crate) fn of_variable(name: &str, value: &str) -> Option<String> {
    let developers =
        roles::is_stage_variable(name) && roles::is_developer_folder(&value.to_lowercase());
    developers.then(|| format!("`{name}={value}` is set"))
}

/// What the name and tag of an image say against its being production's: `shop/web-test`, `:develop`.
#[must_use]
pub(crate) fn of_image(image: &Named) -> Option<String> {
    let plain = image.text.split('@').next().unwrap_or_default();
    let last = paths::file_name(plain);
    let (name, tag) = last.split_once(':').unwrap_or((last, ""));
    // `dev_ops_production_django` is none of development's.
    let mut words = name.split(['-', '_', '.']);
    if words.any(|word| matches!(word, "production" | "prod")) {
        return None;
    }
    if roles::is_test_name(name) || roles::is_shown(name) {
        return Some(format!("the image is called `{name}`"));
    }
    let not_production = roles::is_developer_folder(tag) || roles::is_test_folder(tag);
    not_production.then(|| format!("the image is tagged `{tag}`"))
}
