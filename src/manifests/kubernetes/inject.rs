//! Brings jemalloc into a container from an image of its own: an init container copies it into a volume,
//! and the container loads it from there.
//!
//! What is written is data (`templates/inject.toml`). Whether the library runs there is not judged here.

use super::edit::{list_indent, spell};
use super::pods::{self, Pod};
use super::{Sheet, Site};
use crate::model::{Change, Unit};
use crate::templates::Style;
use crate::templates::tuning;
use crate::templates::{self, Inject, Runner};
use crate::text::Edit;
use crate::yaml::edit::{Sheet as Text, quoted};
use crate::yaml::{Id, Part, Tree};

/// The image that brings the library, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Injection {
    /// Its name.
    pub image: String,
    /// The version of its jemalloc.
    pub version: Option<String>,
    /// How the user wants it.
    pub style: Style,
}

/// What must become true of the variables of a container that jemalloc is brought to.
///
/// # Errors
/// Where there is no value for `MALLOC_CONF`; the reason is for people.
pub(crate) fn changes(unit: &Unit, injection: &Injection) -> Result<Vec<Change>, String> {
    let template = template()?;
    let value = tuning(unit, injection.style, injection.version.as_deref(), false)?;
    let set = |name: &str, value: String| Change::SetEnv {
        name: name.to_owned(),
        value,
    };
    Ok(vec![
        set("LD_PRELOAD", template.preload(&unit.platform.lacks)),
        set("MALLOC_CONF", value),
    ])
}

/// The edits that bring jemalloc to the container at `site`, and make `changes` true of it.
///
/// # Errors
/// Where its pod does not allow it; the reason is for people.
pub(crate) fn inject(
    sheet: Sheet<'_>,
    unit: &Unit,
    site: Site,
    injection: &Injection,
    changes: &[Change],
) -> Result<Vec<Edit>, String> {
    let template = template()?;
    let tree = sheet.tree;
    let text = Text {
        text: sheet.text,
        tree,
    };
    let pod = pods::find(tree)
        .into_iter()
        .find(|pod| pod.containers.iter().any(|(_, id)| *id == site.container))
        .ok_or("its pod is not clear")?;
    allowed(tree, &pod, site.container, template)?;
    let mut edits = spell(sheet, unit, site, changes)?;
    let (mount, listed) = mount(text, site.container, template)?;
    // Where the mounts end, their new item stands before a new list of variables.
    edits.insert(if listed { 0 } else { edits.len() }, mount);
    edits.extend(of_pod(text, &pod, site.container, template, injection)?);
    Ok(edits)
}

/// Whether an item of a list is what [`inject`] puts there, by its name.
#[must_use]
pub(crate) fn is_injected(tree: &Tree, item: Id) -> bool {
    let name = tree.get(item, "name").and_then(|name| tree.word(name));
    templates::inject().is_some_and(|template| name == Some(template.name.as_str()))
}

/// Whether images of that distribution can be copied from.
#[must_use]
pub(crate) fn brings_from(distro: &str) -> bool {
    templates::inject().is_some_and(|template| template.from.iter().any(|from| from == distro))
}

fn template() -> Result<&'static Inject, String> {
    templates::inject().ok_or_else(|| "its template cannot be read".into())
}

/// Why the container cannot get anything from an init container, where it cannot.
fn allowed(tree: &Tree, pod: &Pod<'_>, container: Id, template: &Inject) -> Result<(), String> {
    if !template.kinds.iter().any(|kind| kind == pod.kind) {
        return Err(format!(
            "whether the containers of a {} may have init containers and volumes is not known",
            pod.kind
        ));
    }
    let own = |list: &str| tree.own(pod.spec, list).map(|(_, list)| tree.items(list));
    let items = |list: &str| own(list).unwrap_or_default();
    if items("initContainers").contains(&container) {
        return Err(
            "it is an init container itself, and starts before the library is there".into(),
        );
    }
    if !items("containers").contains(&container) {
        return Err("its description stands elsewhere, and others use it too".into());
    }
    Ok(())
}

/// The container's own mount of the volume, and whether it joins others.
fn mount(text: Text<'_>, container: Id, template: &Inject) -> Result<(Edit, bool), String> {
    let list = list(text.tree, container, "volumeMounts")?;
    let items = list.map_or(&[][..], |list| text.tree.items(list)).iter();
    for item in items {
        let path = text.tree.get(*item, "mountPath");
        let path = path.and_then(|path| text.tree.word(path));
        let path = path.unwrap_or_default().trim_end_matches('/');
        if path == template.folder || path.starts_with(&format!("{}/", template.folder)) {
            return Err(format!("a volume is mounted at `{path}` already"));
        }
    }
    let item = template.mount.clone();
    let edit = add(text, container, "volumeMounts", list, item)?;
    Ok((edit, list.is_some()))
}

/// What the pod needs once for all of its containers.
fn of_pod(
    text: Text<'_>,
    pod: &Pod<'_>,
    container: Id,
    template: &Inject,
    injection: &Injection,
) -> Result<Vec<Edit>, String> {
    let tree = text.tree;
    let inits = list(tree, pod.spec, "initContainers")?;
    let volumes = list(tree, pod.spec, "volumes")?;
    let own = |list: Option<Id>| {
        let items = list.map_or(&[][..], |list| tree.items(list)).iter();
        items.copied().find(|item| is_injected(tree, *item))
    };
    let others = list(tree, pod.spec, "containers")?;
    match (own(inits), own(volumes), own(others)) {
        (None, None, None) => {}
        // Another container of the pod has it.
        (Some(init), Some(_), None) => return the_same(tree, init, &injection.image),
        (_, Some(_), _) => {
            return Err(format!("the pod has a volume called `{}`", template.name));
        }
        _ => {
            return Err(format!(
                "the pod has a container called `{}`",
                template.name
            ));
        }
    }
    let runner = runner(tree, pod.spec, container);
    let limited = tree.at(container, &["resources", "limits"]).is_some();
    let image = written(&injection.image);
    let init = template.container(&image, &runner, limited);
    let volume = template.volume.clone();
    let mut edits = vec![
        add(text, pod.spec, "initContainers", inits, init)?,
        add(text, pod.spec, "volumes", volumes, volume)?,
    ];
    if inits.is_none() && volumes.is_some() {
        // Where the volumes end, their new item stands before the new list.
        edits.reverse();
    }
    Ok(edits)
}

fn the_same(tree: &Tree, init: Id, image: &str) -> Result<Vec<Edit>, String> {
    let there = tree.get(init, "image").and_then(|image| tree.word(image));
    match there {
        Some(there) if there == image => Ok(Vec::new()),
        Some(there) => Err(format!("the pod gets jemalloc from `{there}` already")),
        None => Err("from where the pod gets jemalloc already is not clear".into()),
    }
}

/// Who must run the init container so that the pod starts: what holds of the container holds of it.
fn runner(tree: &Tree, spec: Id, container: Id) -> Runner {
    let of = |holder: Id, key: &str| {
        let value = tree.at(holder, &["securityContext", key]);
        value.and_then(|value| tree.word(value))
    };
    let not_root = of(container, "runAsNonRoot").or_else(|| of(spec, "runAsNonRoot"));
    if not_root != Some("true") {
        return Runner::Any;
    }
    match (of(container, "runAsUser"), of(spec, "runAsUser")) {
        (Some(user), _) => Runner::User(Some(user.to_owned())),
        (None, Some(_)) => Runner::NotRoot,
        (None, None) => Runner::User(None),
    }
}

/// An image's name, in quotes where it could be read as something else.
fn written(image: &str) -> String {
    let plain = image.starts_with(|c: char| c.is_ascii_alphabetic()) && image.contains(['/', ':']);
    if plain {
        image.to_owned()
    } else {
        quoted(image, '"')
    }
}

/// A list of the holder's own; `None` where it has none.
fn list(tree: &Tree, holder: Id, key: &str) -> Result<Option<Id>, String> {
    match tree.own(holder, key) {
        Some((_, list)) if tree.is_alias(list) => Err(format!(
            "`{key}` is an alias: it stands elsewhere, and others use it too"
        )),
        Some((_, list)) if tree.is_null(list) => {
            Err(format!("`{key}` is there, but holds nothing"))
        }
        Some((_, list)) => Ok(Some(list)),
        None if tree.get(holder, key).is_some() => {
            Err(format!("`{key}` comes from a merge key (`<<`)"))
        }
        None => Ok(None),
    }
}

/// An item behind the others of a list, or in a list of its own.
fn add(
    text: Text<'_>,
    holder: Id,
    key: &str,
    list: Option<Id>,
    item: String,
) -> Result<Edit, String> {
    let part = Part::read(item)?;
    let lists = list_indent(text, holder);
    let edit = match list {
        Some(list) => text.push_part(list, &part, lists),
        None => text.put_list(holder, key, &part, lists),
    };
    edit.map_err(|why| format!("`{key}`: {why}"))
}
