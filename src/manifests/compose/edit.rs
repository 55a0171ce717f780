//! Writes the variables of a service.

use super::Site;
use crate::manifests::{Sheet, Wanted, started, wanted};
use crate::model::{Change, Unit};
use crate::text::Edit;
use crate::yaml::edit::{Added, Sheet as Text, quoted};
use crate::yaml::{Id, Kind, Style, Tree};

/// The edits that make all of `changes` true of the service at `site`.
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
    let env = environment(sheet.tree, site.service)?;
    let (mut edits, mut added) = (Vec::new(), Vec::new());
    for wanted in wanted(unit, changes)? {
        if let Some(edit) = started(file, unit, &wanted)? {
            edits.push(edit);
            continue;
        }
        match wanted {
            Wanted::Set(name, value) | Wanted::Text(name, value) => {
                let value = value.replace('$', "$$");
                match env.and_then(|env| find(sheet.tree, env, &name)) {
                    Some(Found::Entry(_, old)) if sheet.tree.is_null(old) => {
                        return Err("its value is that of who runs Compose".into());
                    }
                    Some(Found::Entry(_, old)) => edits.push(sheet.rewrite(old, &value)?),
                    Some(Found::Item(item)) => {
                        edits.push(rewrite(sheet, item, &format!("{name}={value}"))?);
                    }
                    None => added.push((name, value)),
                }
            }
            Wanted::Unset(name) => {
                if let (Some(env), Some(found)) =
                    (env, env.and_then(|env| find(sheet.tree, env, &name)))
                {
                    let (first, last) = match found {
                        Found::Entry(key, value) => (key, value),
                        Found::Item(item) => (item, item),
                    };
                    edits.push(sheet.cut(env, first, last)?);
                }
            }
            Wanted::Once(name) => {
                return Err(format!("`{name}` is set twice: take one away by hand"));
            }
            Wanted::Rename(from, to) => match env.and_then(|env| find(sheet.tree, env, &from)) {
                Some(Found::Entry(key, _)) => edits.push(sheet.rename(key, &to)?),
                Some(Found::Item(item)) => {
                    let text = sheet.tree.text(item).unwrap_or_default();
                    let value = text.get(from.len()..).unwrap_or_default();
                    edits.push(rewrite(sheet, item, &format!("{to}{value}"))?);
                }
                None => {}
            },
        }
    }
    edits.extend(add(sheet, site, env, &added)?);
    if edits.is_empty() {
        return Err("nothing here says so: it comes from the image or another file".into());
    }
    Ok(edits)
}

/// The service's own variables.
fn environment(tree: &Tree, service: Id) -> Result<Option<Id>, String> {
    match tree.own(service, "environment") {
        Some((_, env)) if tree.is_alias(env) => {
            Err("`environment` is an alias: it stands elsewhere, and others use it too".into())
        }
        Some((_, env)) => Ok(Some(env)),
        None if tree.get(service, "environment").is_some() => {
            Err("`environment` comes from a merge key (`<<`)".into())
        }
        None => Ok(None),
    }
}

/// Where a variable stands.
enum Found {
    Entry(Id, Id),
    Item(Id),
}

fn find(tree: &Tree, env: Id, name: &str) -> Option<Found> {
    if let Some((key, value)) = tree.own(env, name) {
        return Some(Found::Entry(key, value));
    }
    let named = |item: &&Id| {
        tree.text(**item)
            .is_some_and(|text| text.split('=').next() == Some(name))
    };
    tree.items(env)
        .iter()
        .rev()
        .find(named)
        .map(|item| Found::Item(*item))
}

/// Another text in place of an item of the list form, without quotes where it had none and needs none.
fn rewrite(sheet: Text<'_>, item: Id, text: &str) -> Result<Edit, String> {
    let mut edit = sheet.rewrite(item, text)?;
    let plain = matches!(
        sheet.tree.node(item).map(|node| &node.kind),
        Some(Kind::Scalar(_, Style::Plain))
    );
    if plain && is_plain(text) {
        text.clone_into(&mut edit.text);
    }
    Ok(edit)
}

/// Whether a text of the form `NAME=value` can stand without quotes.
fn is_plain(text: &str) -> bool {
    let odd =
        |c: char| c.is_control() || matches!(c, '"' | '\'' | '#' | '{' | '}' | '[' | ']' | '\\');
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !text.contains(odd)
        && !text.contains(": ")
        && !text.ends_with([':', ' '])
}

fn add(
    sheet: Text<'_>,
    site: Site,
    env: Option<Id>,
    added: &[(String, String)],
) -> Result<Vec<Edit>, String> {
    if added.is_empty() {
        return Ok(Vec::new());
    }
    let Some(env) = env else {
        let step = step(sheet, site);
        let mut lines = vec!["environment:".to_owned()];
        lines.extend(
            added
                .iter()
                .map(|(name, value)| format!("{}{name}: {}", " ".repeat(step), quoted(value, '"'))),
        );
        return sheet.put_block(site.service, &lines).map(|edit| vec![edit]);
    };
    if sheet.tree.is_null(env) {
        return Err("`environment` is there, but holds nothing".into());
    }
    if matches!(
        sheet.tree.node(env).map(|node| &node.kind),
        Some(Kind::Sequence(..))
    ) {
        let mut items = sheet.tree.items(env).iter();
        let plain = !items.any(|item| {
            !matches!(
                sheet.tree.node(*item).map(|node| &node.kind),
                Some(Kind::Scalar(_, Style::Plain))
            )
        });
        let quote = sheet.quote(sheet.tree.items(env).iter().copied());
        let item = |(name, value): &(String, String)| {
            let text = format!("{name}={value}");
            // In brackets a comma would end the item.
            let bare = plain && is_plain(&text) && !(sheet.is_flow(env) && text.contains(','));
            if bare { text } else { quoted(&text, quote) }
        };
        if sheet.tree.items(env).is_empty() {
            let items: Vec<_> = added.iter().map(item).collect();
            return sheet
                .push(env, &Added::Scalar(items.join(", ")))
                .map(|edit| vec![edit]);
        }
        return added
            .iter()
            .map(|one| sheet.push(env, &Added::Scalar(item(one))))
            .collect();
    }
    let quote = sheet.quote(sheet.tree.entries(env).iter().map(|(_, value)| *value));
    if sheet.tree.entries(env).is_empty() && added.len() > 1 {
        return Err("`environment` is empty".into());
    }
    added
        .iter()
        .map(|(name, value)| sheet.put(env, name, &quoted(value, quote)))
        .collect()
}

/// How far the file indents.
fn step(sheet: Text<'_>, site: Site) -> usize {
    let first = sheet
        .tree
        .entries(site.service)
        .first()
        .map(|(key, _)| sheet.tree.span(*key).start);
    let outer = sheet.column(sheet.tree.span(site.name).start);
    let inner = first.map_or(outer + 2, |first| sheet.column(first));
    inner
        .checked_sub(outer)
        .filter(|step| *step > 0)
        .unwrap_or(2)
}
