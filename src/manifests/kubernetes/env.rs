//! The variables of a container: `env`, `envFrom`, and `$(VAR)` in values.
//!
//! Semantics: `env` after `envFrom`, in order; `$(VAR)` is replaced where VAR was set before, stays as
//! it is where not, and `$$` is one `$` (Kubernetes API reference, `EnvVar.value`).

use std::collections::BTreeMap;

use crate::facts::secrets::is_shown;
use crate::manifests::{Room, Sheet};
use crate::model::{EnvFault, EnvFaultKind, Expanded, Gaps, Setting, Value};
use crate::text::Traced;
use crate::yaml::Id;

/// A value that grows past this is not followed: in bytes.
const LONGEST: usize = 64 << 10;

type Env = Vec<(String, Setting)>;

/// The variables, what is wrong with how they are written, and why others may come that are not seen.
/// `merged_by_name` is how the API server takes the list of such an object.
pub(super) fn read(
    sheet: Sheet<'_>,
    container: Id,
    merged_by_name: bool,
    room: &Room,
) -> (Env, Vec<EnvFault>, Gaps) {
    let mut env = Env::new();
    let mut gaps = from(sheet, container, &mut env, room);
    let list = sheet.tree.get(container, "env");
    let mut faults = Vec::new();
    let mut own: BTreeMap<String, (Id, Option<EnvFault>)> = BTreeMap::new();
    for &item in list.map_or(&[][..], |list| sheet.tree.items(list)) {
        let Some(name) = sheet.tree.get(item, "name") else {
            continue;
        };
        let Some(text) = sheet.tree.word(name).map(str::to_owned) else {
            continue;
        };
        let (value, fault) = value(sheet, item, &text, &env);
        if !room.take(value.text.as_str().len()) {
            gaps.unseen = Some(Room::spent());
            break;
        }
        faults.extend(fault);
        let again = own.get(&text).map(|(before, _)| EnvFault {
            name: text.clone(),
            kind: EnvFaultKind::Again {
                first: sheet.place(*before),
                same: is_the_same(sheet, *before, item),
                merged_by_name,
            },
            place: sheet.place(item),
        });
        own.insert(text.clone(), (item, again));
        let setting = sheet.setting(value, name, sheet.tree.span(item));
        env.push((text, setting));
    }
    // However often it is set: the last time is what is told.
    faults.extend(own.into_values().filter_map(|(_, again)| again));
    (env, faults, gaps)
}

/// Whether two items surely give the same value.
fn is_the_same(sheet: Sheet<'_>, one: Id, other: Id) -> bool {
    let written = |item: Id| sheet.file.text(sheet.tree.span(item)).trim().to_owned();
    let same_values = settled(sheet, one).is_some() && settled(sheet, one) == settled(sheet, other);
    same_values || written(one) == written(other)
}

/// The value of an item, where it is written down.
fn settled<'t>(sheet: Sheet<'t>, item: Id) -> Option<&'t str> {
    sheet
        .tree
        .get(item, "value")
        .and_then(|value| sheet.tree.text(value))
}

fn value(sheet: Sheet<'_>, item: Id, name: &str, env: &Env) -> (Value, Option<EnvFault>) {
    let Some(id) = sheet.tree.get(item, "value") else {
        let comes = sheet.tree.get(item, "valueFrom").is_some();
        let mut text = Traced::new();
        if comes {
            text.push_from(&format!("${{{name}}}"), sheet.tree.span(item));
        }
        let unknown = comes.then(|| name.to_owned());
        return (
            Value {
                text,
                unknown,
                erased: Vec::new(),
            },
            None,
        );
    };
    let id = sheet.tree.resolve(id);
    if sheet.tree.is_null(id) {
        return (Value::default(), None);
    }
    let meant = sheet.tree.text(id).map(str::to_owned);
    let fault = (!sheet.tree.is_string(id)).then(|| EnvFault {
        name: name.to_owned(),
        kind: EnvFaultKind::NotString(meant),
        place: sheet.place(id),
    });
    (expand(sheet.traced(id), env), fault)
}

/// `raw` with the variables set before it.
fn expand(raw: Traced, env: &Env) -> Value {
    let text = raw.as_str().to_owned();
    if !text.contains('$') {
        return Value {
            text: raw,
            ..Value::default()
        };
    }
    let mut value = Value::default();
    let mut at = 0;
    for reference in references(&text) {
        if value.text.as_str().len() > LONGEST {
            value.unknown.get_or_insert_with(|| "itself".to_owned());
            return value;
        }
        value.text.push_traced(&raw, at..reference.start);
        at = reference.end;
        let source = raw
            .source(reference.start..reference.end)
            .unwrap_or_default();
        match reference.name.as_deref() {
            None => value.text.push_from("$", source),
            Some(name) => match env.iter().rev().find(|(other, _)| other == name) {
                Some((_, setting)) => {
                    value.text.push_from(setting.value.text.as_str(), source);
                    value.unknown = value.unknown.or_else(|| setting.value.unknown.clone());
                }
                None => value.text.push_traced(&raw, reference.start..reference.end),
            },
        }
    }
    value.text.push_traced(&raw, at..text.len());
    value
}

/// A word of a command, with the container's variables.
pub(super) fn expand_words(env: &[(String, Setting)], text: &str) -> Expanded {
    let mut expanded = Expanded::default();
    let mut at = 0;
    for reference in references(text) {
        let out = &mut expanded.text;
        out.push_str(text.get(at..reference.start).unwrap_or_default());
        at = reference.end;
        let Some(name) = reference.name else {
            out.push('$');
            continue;
        };
        let mut before = env.iter().rev();
        match before.find(|(other, _)| *other == name) {
            Some((_, setting)) => {
                let value = setting.value.text.as_str();
                out.push_str(value);
                expanded
                    .hidden
                    .extend((!is_shown(&name)).then(|| value.to_owned()));
            }
            None => out.push_str(text.get(reference.start..reference.end).unwrap_or_default()),
        }
    }
    expanded.text.push_str(text.get(at..).unwrap_or_default());
    expanded
}

/// `$(NAME)`, or `$$` without a name.
struct Reference {
    start: usize,
    end: usize,
    name: Option<String>,
}

fn references(text: &str) -> Vec<Reference> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text
        .get(at..)
        .and_then(|rest| rest.find('$'))
        .map(|off| at + off)
    {
        let rest = text.get(start + 1..).unwrap_or_default();
        at = start + 1;
        if rest.starts_with('$') {
            at = start + 2;
            found.push(Reference {
                start,
                end: at,
                name: None,
            });
        } else if let Some(inner) = rest.strip_prefix('(')
            && let Some(end) = inner.find(')')
        {
            let name = inner.get(..end).unwrap_or_default();
            if !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
            {
                at = start + 2 + end + 1;
                found.push(Reference {
                    start,
                    end: at,
                    name: Some(name.to_owned()),
                });
            }
        }
    }
    found
}

/// What `envFrom` brings from ConfigMaps of the same stream; why more may come.
fn from(sheet: Sheet<'_>, container: Id, env: &mut Env, room: &Room) -> Gaps {
    let mut gaps = Gaps::default();
    let Some(list) = sheet.tree.get(container, "envFrom") else {
        return gaps;
    };
    for &item in sheet.tree.items(list) {
        let prefix = sheet
            .tree
            .get(item, "prefix")
            .and_then(|id| sheet.tree.word(id))
            .unwrap_or_default();
        let Some(name) = sheet
            .tree
            .at(item, &["configMapRef", "name"])
            .and_then(|id| sheet.tree.word(id))
        else {
            continue;
        };
        match config_map(sheet, name) {
            Some(data) => {
                for &(key, value) in sheet.tree.entries(data) {
                    let Some(text) = sheet.tree.text(key) else {
                        continue;
                    };
                    let whole = sheet.tree.span(key).join(sheet.tree.span(value));
                    let value = Value {
                        text: sheet.traced(value),
                        ..Value::default()
                    };
                    if !room.take(value.text.as_str().len()) {
                        gaps.unseen = Some(Room::spent());
                        return gaps;
                    }
                    env.push((format!("{prefix}{text}"), sheet.setting(value, key, whole)));
                }
            }
            None => {
                gaps.doubt = Some(format!(
                    "more variables come from the ConfigMap `{name}`, which is not in this file"
                ));
            }
        }
    }
    gaps
}

fn config_map(sheet: Sheet<'_>, name: &str) -> Option<Id> {
    let tree = sheet.tree;
    let word = |id: Id, path: &[&str]| tree.at(id, path).and_then(|id| tree.word(id));
    let mut documents = tree.documents.iter();
    let map = documents.find(|id| {
        word(**id, &["kind"]) == Some("ConfigMap")
            && word(**id, &["metadata", "name"]) == Some(name)
    })?;
    tree.get(*map, "data")
}
