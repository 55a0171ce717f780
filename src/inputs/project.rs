//! What a project as a whole says about the purpose of its files, and what the folder of one says.

use super::Surroundings;
use crate::facts::roles;

/// What the project of the input at `near` says against its being in production: it is shown, or given up.
#[must_use]
pub fn passing(near: &str, around: &dyn Surroundings) -> Option<String> {
    let named = around.project(near).filter(|name| roles::is_shown(name));
    let named = named.map(|name| format!("the project is called `{name}`"));
    named.or_else(|| {
        let readme = around.readme(near)?;
        let said = roles::said_in_readme(&String::from_utf8_lossy(&readme.bytes))?;
        Some(format!("{} says `{said}`", readme.path))
    })
}

/// What the README in the very folder of the input says against it, where that is not the README of the project.
#[must_use]
pub fn stands_in(near: &str, around: &dyn Surroundings) -> Option<String> {
    let readme = around.beside(near, "README.md")?;
    let whole = around.readme(near);
    if whole.is_some_and(|whole| whole.path == readme.path) {
        return None;
    }
    let said = roles::said_of_a_part(&String::from_utf8_lossy(&readme.bytes))?;
    Some(format!("{} says `{said}`", readme.path))
}
