//! Writes the variables of a container.

use std::sync::Arc;

use super::Site;
use crate::manifests::{Sheet, Wanted, started, wanted};
use crate::model::{Change, Unit};
use crate::text::Edit;
use crate::yaml::edit::{Added, Sheet as Text, quoted};
use crate::yaml::{Id, Kind, Named, Tree};

/// The edits that make all of `changes` true of the container at `site`.
///
/// # Errors
/// Where the text does not allow one of them; the reason is for people.
pub fn spell(
    sheet: Sheet<'_>,
    unit: &Unit,
    site: Site,
    changes: &[Change],
) -> Result<Vec<Edit>, String> {
    let file = sheet.file;
    let sheet = Text {
        text: sheet.text,
        tree: sheet.tree,
    };
    let list = list(sheet.tree, site.container)?;
    let (mut edits, mut added) = (Vec::new(), Vec::new());
    for wanted in wanted(unit, changes)? {
        if let Some(edit) = started(file, unit, &wanted)? {
            edits.push(edit);
            continue;
        }
        match wanted {
            Wanted::Set(name, value) | Wanted::Text(name, value) => {
                match find(sheet.tree, list, &name)?.last() {
                    Some(item) => edits.push(change(sheet, *item, &escaped(&value))?),
                    None => added.push((name, escaped(&value))),
                }
            }
            Wanted::Unset(name) => {
                for &item in &*find(sheet.tree, list, &name)? {
                    let list = list.ok_or("it is not set here")?;
                    edits.push(sheet.cut(list, item, item)?);
                }
            }
            Wanted::Once(name) => {
                let items = find(sheet.tree, list, &name)?;
                let list = list.ok_or("it is not set here")?;
                let all_but_last = items.iter().rev().skip(1);
                for item in all_but_last {
                    edits.push(sheet.cut(list, *item, *item)?);
                }
            }
            Wanted::Rename(from, to) => {
                for &item in &*find(sheet.tree, list, &from)? {
                    let (_, name) = sheet
                        .tree
                        .own(item, "name")
                        .ok_or("its name is not its own")?;
                    edits.push(sheet.rename(name, &to)?);
                }
            }
        }
    }
    edits.extend(add(sheet, site.container, list, &added)?);
    if edits.is_empty() {
        return Err("nothing here says so: it comes from the image or another object".into());
    }
    Ok(edits)
}

/// The edits that make all of `changes` true of variables that stand by themselves, each with a name and
/// a value: those that a JSON patch adds.
///
/// # Errors
/// Where a change is more than another value of one of them; the reason is for people.
pub(crate) fn respell(
    sheet: Sheet<'_>,
    unit: &Unit,
    items: &[Id],
    changes: &[Change],
) -> Result<Vec<Edit>, String> {
    let sheet = Text {
        text: sheet.text,
        tree: sheet.tree,
    };
    let named = |item: &&Id, name: &str| {
        let id = sheet.tree.get(**item, "name");
        id.and_then(|id| sheet.tree.word(id)) == Some(name)
    };
    let one = |wanted: Wanted| match wanted {
        Wanted::Set(name, value) | Wanted::Text(name, value) => {
            let item = items.iter().rfind(|item| named(item, &name));
            let item =
                item.ok_or("a JSON patch adds variables one by one: add it there by hand")?;
            change(sheet, *item, &escaped(&value))
        }
        _ => Err("a JSON patch sets it: change that by hand".to_owned()),
    };
    wanted(unit, changes)?.into_iter().map(one).collect()
}

/// A value as Kubernetes gives it on: `$(` would be a reference.
fn escaped(value: &str) -> String {
    value.replace("$(", "$$(")
}

/// The container's own list of variables.
fn list(tree: &Tree, container: Id) -> Result<Option<Id>, String> {
    match tree.own(container, "env") {
        Some((_, list)) if tree.is_alias(list) => {
            Err("`env` is an alias: it stands elsewhere, and others use it too".into())
        }
        Some((_, list)) => Ok(Some(list)),
        None if tree.get(container, "env").is_some() => {
            Err("`env` comes from a merge key (`<<`)".into())
        }
        None => Ok(None),
    }
}

/// The items that set `name`.
fn find(tree: &Tree, list: Option<Id>, name: &str) -> Result<Arc<[Id]>, String> {
    let found = list.map_or_else(Named::default, |list| tree.named(list, name));
    if found.has_alias {
        return Err(format!(
            "`{name}` is an alias: it stands elsewhere, and others use it too"
        ));
    }
    Ok(found.items)
}

fn change(sheet: Text<'_>, item: Id, value: &str) -> Result<Edit, String> {
    if sheet.tree.own(item, "valueFrom").is_some() {
        return Err("its value comes from another object".into());
    }
    match sheet.tree.own(item, "value") {
        Some((_, old)) if sheet.tree.is_null(old) => Err("its value is null".into()),
        Some((_, old)) => sheet.rewrite(old, value),
        None => sheet.put(item, "value", &quoted(value, '"')),
    }
}

/// New variables behind the others, or in a list of their own.
fn add(
    sheet: Text<'_>,
    container: Id,
    list: Option<Id>,
    added: &[(String, String)],
) -> Result<Vec<Edit>, String> {
    if added.is_empty() {
        return Ok(Vec::new());
    }
    let values = list.map_or(&[][..], |list| sheet.tree.items(list)).iter();
    let values = values.filter_map(|item| sheet.tree.own(*item, "value").map(|(_, value)| value));
    let quote = sheet.quote(values);
    let Some(list) = list else {
        return block(sheet, container, added).map(|edit| vec![edit]);
    };
    if sheet.tree.is_null(list) {
        return Err("`env` is there, but holds nothing".into());
    }
    if sheet.tree.items(list).is_empty() && added.len() > 1 {
        let items: Vec<_> = added
            .iter()
            .map(|one| sheet.flow_item(&Added::Pairs(pairs(sheet, one, quote))))
            .collect();
        return sheet
            .push(list, &Added::Scalar(items.join(", ")))
            .map(|edit| vec![edit]);
    }
    added
        .iter()
        .map(|one| sheet.push(list, &Added::Pairs(pairs(sheet, one, quote))))
        .collect()
}

/// A variable as a mapping.
fn pairs(sheet: Text<'_>, (name, value): &(String, String), quote: char) -> Vec<(String, String)> {
    let named = if sheet.key("").is_empty() {
        name.clone()
    } else {
        quoted(name, '"')
    };
    vec![
        ("name".to_owned(), named),
        ("value".to_owned(), quoted(value, quote)),
    ]
}

/// A container without variables gets a list, indented as the file indents lists.
fn block(sheet: Text<'_>, container: Id, added: &[(String, String)]) -> Result<Edit, String> {
    if sheet.is_flow(container) {
        let items: Vec<_> = added
            .iter()
            .map(|one| sheet.flow_item(&Added::Pairs(pairs(sheet, one, '"'))))
            .collect();
        return sheet.put(container, "env", &format!("[{}]", items.join(", ")));
    }
    let lead = " ".repeat(list_indent(sheet, container));
    let mut lines = vec!["env:".to_owned()];
    for (name, value) in added {
        lines.push(format!("{lead}- name: {name}"));
        lines.push(format!("{lead}  value: {}", quoted(value, '"')));
    }
    sheet.put_block(container, &lines)
}

/// How far lists stand behind their keys: as the container's own, else as most of the file's.
pub(super) fn list_indent(sheet: Text<'_>, container: Id) -> usize {
    let of = |key: Id, list: Id| {
        let Some(Kind::Sequence(items, _)) = sheet.tree.node(list).map(|node| &node.kind) else {
            return None;
        };
        if sheet.is_flow(list) {
            return None;
        }
        let dash = sheet.dash_of(*items.first()?)?;
        sheet
            .column(dash)
            .checked_sub(sheet.column(sheet.tree.span(key).start))
    };
    let entries = sheet.tree.entries(container).iter();
    let own = entries.filter_map(|(key, list)| of(*key, *list)).next();
    own.unwrap_or_else(|| {
        // The container stands in a list itself: where that one has its dash, others have theirs.
        let Some(dash) = sheet.dash_of(container) else {
            return 0;
        };
        let before = sheet.text.get(..dash).unwrap_or_default();
        let key = before.lines().rev().find(|line| {
            let text = line.trim_start();
            text.starts_with("containers:")
                || text.starts_with("initContainers:")
                || text.starts_with("- containers:")
        });
        let indent = key.map_or(0, |line| {
            line.len() - line.trim_start().len()
                + if line.trim_start().starts_with('-') {
                    2
                } else {
                    0
                }
        });
        sheet.column(dash).saturating_sub(indent)
    })
}
