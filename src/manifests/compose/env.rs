//! The variables of a service: `env_file`, then `environment`, both after those of what it extends.

use std::sync::Arc;

use super::interpolate::Variables;
use crate::facts;
use crate::manifests::dotenv;
use crate::manifests::{Room, Sheet};
use crate::model::{Gaps, Setting, Value, Via};
use crate::surroundings::{Surroundings, not_read};
use crate::text::{Place, SourceFile, Span, Traced};
use crate::yaml::Id;

type Env = Vec<(String, Setting)>;

/// So many services extend each other at most.
const DEPTH: usize = 8;

/// The variables, and why others may come that are not seen.
pub(super) fn read(
    sheet: Sheet<'_>,
    service: Id,
    variables: &Variables,
    around: &dyn Surroundings,
) -> (Env, Gaps) {
    let mut chain = vec![service];
    while let Some(below) = chain
        .last()
        .and_then(|last| base(sheet, *last))
        .filter(|_| chain.len() < DEPTH)
    {
        chain.push(below);
    }
    let (mut env, mut gaps) = (Env::new(), Gaps::default());
    if chain
        .last()
        .is_some_and(|last| sheet.tree.get(*last, "extends").is_some())
    {
        gaps.unseen = Some("it extends a service of another file".to_owned());
    }
    for service in chain.into_iter().rev() {
        files(
            sheet,
            service,
            (around, &variables.room),
            &mut env,
            &mut gaps,
        );
        if !own(sheet, service, variables, &mut env) {
            gaps.unseen = Some(Room::spent());
            break;
        }
    }
    (env, gaps)
}

/// The service of the same file that this one extends.
pub(super) fn base(sheet: Sheet<'_>, service: Id) -> Option<Id> {
    let extends = sheet.tree.get(service, "extends")?;
    let name = match sheet.tree.word(extends) {
        Some(name) => name,
        None if sheet.tree.get(extends, "file").is_some() => return None,
        None => sheet
            .tree
            .get(extends, "service")
            .and_then(|id| sheet.tree.word(id))?,
    };
    let root = *sheet.tree.documents.first()?;
    let base = sheet.tree.at(root, &["services", name])?;
    (base != service).then_some(base)
}

/// The variables of `environment`, a mapping or a list; whether there was room for them.
fn own(sheet: Sheet<'_>, service: Id, variables: &Variables, env: &mut Env) -> bool {
    let Some(id) = sheet.tree.get(service, "environment") else {
        return true;
    };
    let fits = |value: &Value| variables.room.take(value.text.as_str().len());
    for (key, value) in merged(sheet, id) {
        let Some(name) = sheet.tree.text(key).map(str::to_owned) else {
            continue;
        };
        let whole = if sheet.tree.is_alias(value) {
            sheet.tree.span(key)
        } else {
            sheet.tree.span(key).join(sheet.tree.span(value))
        };
        let value = if sheet.tree.is_null(value) {
            passed(&name, whole)
        } else {
            variables.expand(&sheet.traced(value))
        };
        if !fits(&value) {
            return false;
        }
        env.push((name, sheet.setting(value, key, whole)));
    }
    for &item in sheet.tree.items(id) {
        let Some(text) = sheet.tree.text(item) else {
            continue;
        };
        let whole = sheet.tree.span(item);
        let Some(at) = text.find('=') else {
            env.push((
                text.to_owned(),
                sheet.setting(passed(text, whole), item, whole),
            ));
            continue;
        };
        let raw = sheet.traced(item);
        let (name, value) = (
            text.get(..at).unwrap_or_default().to_owned(),
            raw.part(at + 1..text.len()),
        );
        let mut setting = sheet.setting(variables.expand(&value), item, whole);
        if let Some(span) = raw.source(0..at) {
            setting.name_place = Place::new(sheet.file, span);
        }
        if !fits(&setting.value) {
            return false;
        }
        env.push((name, setting));
    }
    true
}

/// The entries of a mapping after those that it merges in.
fn merged(sheet: Sheet<'_>, map: Id) -> Vec<(Id, Id)> {
    let mut all = Vec::new();
    let entries = sheet.tree.entries(map);
    for (key, below) in entries {
        if sheet.tree.text(*key) == Some("<<") {
            let one = std::slice::from_ref(below);
            let lists = if sheet.tree.is_mapping(*below) {
                one
            } else {
                sheet.tree.items(*below)
            };
            all.extend(lists.iter().flat_map(|map| sheet.tree.entries(*map)));
        }
    }
    all.extend(
        entries
            .iter()
            .filter(|(key, _)| sheet.tree.text(*key) != Some("<<")),
    );
    all
}

/// A variable without a value has that of who runs Compose.
fn passed(name: &str, at: Span) -> Value {
    let mut text = Traced::new();
    text.push_from(&format!("${{{name}}}"), at);
    Value {
        text,
        unknown: Some(name.to_owned()),
        erased: Vec::new(),
    }
}

/// The variables of `env_file`; notes why there may be more.
fn files(
    sheet: Sheet<'_>,
    service: Id,
    (around, room): (&dyn Surroundings, &Room),
    env: &mut Env,
    gaps: &mut Gaps,
) {
    let Some(id) = sheet.tree.get(service, "env_file") else {
        return;
    };
    let one = [id];
    let list = if sheet.tree.word(id).is_some() {
        &one[..]
    } else {
        sheet.tree.items(id)
    };
    for &item in list {
        let path = sheet.tree.word(item).or_else(|| {
            sheet
                .tree
                .get(item, "path")
                .and_then(|path| sheet.tree.word(path))
        });
        let Some(path) = path else { continue };
        match around.beside(&sheet.file.path, path) {
            Some(file) => of_file(&file, room, env),
            None if around.is_outside(&sheet.file.path, path) => {
                gaps.unseen = Some(not_read(path));
            }
            None if example_sets(sheet, path, around) => {
                gaps.unseen = Some(format!("`{path}` is not beside it"));
            }
            None => {
                gaps.doubt = Some(format!("`{path}`, which may set more, is not beside it"));
            }
        }
    }
}

/// Whether what shows how to write a file of variables, which itself is not committed, sets an allocator.
fn example_sets(sheet: Sheet<'_>, path: &str, around: &dyn Surroundings) -> bool {
    const ENDINGS: [&str; 5] = ["example", "sample", "template", "dist", "defaults"];
    let examples = ENDINGS.iter().flat_map(|end| {
        let before = path
            .strip_suffix(".env")
            .map(|stem| format!("{stem}{end}.env"));
        [Some(format!("{path}.{end}")), before]
    });
    let mut found = examples
        .flatten()
        .filter_map(|example| around.beside(&sheet.file.path, &example));
    found.any(|file| {
        let text = String::from_utf8_lossy(&file.bytes);
        dotenv::lines(&text)
            .any(|(name, ..)| name == "LD_PRELOAD" || facts::is_allocator_setting(name))
    })
}

fn of_file(file: &Arc<SourceFile>, room: &Room, env: &mut Env) {
    let text = String::from_utf8_lossy(&file.bytes).into_owned();
    for (name, value, at) in dotenv::lines(&text) {
        if !room.take(value.len()) {
            return;
        }
        let mut traced = Traced::new();
        let end = at + name.len();
        let start = text
            .get(end..)
            .and_then(|rest| rest.find(value))
            .map_or(end, |off| end + off);
        let span = Span::new(start, start + value.len());
        traced.push(&file.bytes, span);
        let value = Value {
            text: traced,
            ..Value::default()
        };
        let place = Place::new(file, Span::new(at, span.end));
        let name_place = Place::new(file, Span::new(at, end));
        env.push((
            name.to_owned(),
            Setting {
                value,
                place,
                name_place,
                step: 0,
                via: Via::Environment,
            },
        ));
    }
}
