//! Compose files: `services` with their variables, commands and builds.
//!
//! Semantics: the Compose specification (compose-spec/spec.md). Profiles and overrides that other files
//! add are not seen.

mod edit;
mod env;
mod interpolate;

pub use edit::spell;

use super::{Sheet, quantity};
use std::collections::BTreeSet;

use crate::facts::{Arch, roles};
use crate::model::{Build, Container, Expanded, Fact, Limits, Named, User, Words};
use crate::purpose;
use crate::surroundings::Surroundings;
use crate::text::paths;
use crate::yaml::{Id, Tree};
use interpolate::Variables;

/// Where a service stands in its file.
#[derive(Clone, Copy, Debug)]
pub struct Site {
    pub(super) name: Id,
    /// The mapping that describes it.
    pub(super) service: Id,
}

/// What a Compose file may hold at its top (docs.docker.com, Compose file reference), beside extensions `x-...`.
const TOP: [&str; 9] = [
    "version", "name", "services", "networks", "volumes", "configs", "secrets", "include", "models",
];

/// A key at the top of a file that no Compose file has: pipelines and frameworks have services, too.
#[must_use]
pub(crate) fn foreign_key(tree: &Tree) -> Option<&str> {
    let root = tree.documents.first()?;
    let mut keys = tree.entries(*root).iter();
    keys.find_map(|(key, _)| {
        let key = tree.text(*key)?;
        (!TOP.contains(&key) && !key.starts_with("x-")).then_some(key)
    })
}

/// The services of a Compose file, in the order of the text.
#[must_use]
pub fn read(sheet: Sheet<'_>, around: &dyn Surroundings) -> Vec<(Container, Site)> {
    let Some(&root) = sheet.tree.documents.first() else {
        return Vec::new();
    };
    let Some(services) = sheet.tree.get(root, "services") else {
        return Vec::new();
    };
    let variables = Variables::of(sheet, around);
    let purpose = purpose::of_path(&sheet.file.path).or_else(|| developers(&sheet.file.path));
    let services = sheet.tree.entries(services);
    let awaited = awaited(sheet.tree, services);
    let described = services
        .iter()
        .filter(|(_, service)| sheet.tree.is_mapping(*service));
    described
        .filter_map(|&(name, service)| {
            let site = Site { name, service };
            let mut container = container(sheet, site, &variables, around)?;
            let own = sheet.tree.text(name).unwrap_or_default();
            let ends = awaited
                .contains(own)
                .then(|| "another service waits for its end".to_owned());
            let purpose = ends.or_else(|| purpose.clone());
            container.not_production = container.not_production.or(purpose);
            Some((container, site))
        })
        .collect()
}

/// The services for whose end others wait (docs.docker.com, Compose file reference, `depends_on`).
fn awaited<'t>(tree: &'t Tree, services: &[(Id, Id)]) -> BTreeSet<&'t str> {
    let of = |(_, service): &(Id, Id)| tree.get(*service, "depends_on");
    let lists = services.iter().filter_map(of);
    let pairs = lists.flat_map(|list| tree.entries(list));
    let ends = pairs.filter(|(_, how)| {
        let condition = tree.get(*how, "condition").and_then(|id| tree.word(id));
        condition == Some("service_completed_successfully")
    });
    ends.filter_map(|(name, _)| tree.text(*name)).collect()
}

/// What the file's name says: `docker-compose.override.yml` is merged on a developer's machine.
fn developers(path: &str) -> Option<String> {
    let name = paths::file_name(path);
    let mut words = name.split(['.', '-', '_']);
    let word = words.find(|word| *word == "override" || roles::is_developer_folder(word))?;
    Some(format!("the name says `{word}`"))
}

fn container(
    sheet: Sheet<'_>,
    site: Site,
    variables: &Variables,
    around: &dyn Surroundings,
) -> Option<Container> {
    let tree = sheet.tree;
    let name = tree.text(site.name)?;
    let get = |key: &str| {
        tree.get(site.service, key)
            .or_else(|| env::base(sheet, site.service).and_then(|base| tree.get(base, key)))
    };
    let image = get("image").and_then(|id| {
        let value = variables.expand(&sheet.traced(id));
        let text = value.known()?.to_owned();
        Some(Named {
            text,
            place: sheet.place(tree.resolve(id)),
        })
    });
    let build = get("build").and_then(|id| build(sheet, id, variables));
    let place = match (&image, &build) {
        (Some(image), None) => image.place.clone(),
        _ => sheet.place(site.name),
    };
    let (env, mut gaps) = env::read(sheet, site.service, variables, around);
    gaps.unseen = gaps.unseen.or_else(|| variables.unseen());
    let words = |key: &str| get(key).and_then(|id| words(sheet, id, variables));
    let platform = get("platform").and_then(|id| {
        let arch = Arch::from_docker(tree.word(id)?)?;
        Some(Fact::Known(vec![arch], sheet.place(id)))
    });
    let user = get("user").and_then(|id| {
        let named = sheet.named(id)?;
        Some(Fact::Known(User(named.text), named.place))
    });
    let restart = get("restart").and_then(|id| tree.word(id));
    let restarted = restart.filter(|policy| matches!(*policy, "always" | "unless-stopped"));
    let test = roles::is_test_name(name) || roles::is_shown(name);
    let source = get("volumes").is_some_and(|id| mounts_source(sheet, id));
    let not_production = test.then(|| format!("the service is called `{name}`"));
    let not_production = not_production
        .or_else(|| get("profiles").and_then(|id| developers_profiles(tree, id)))
        // Who wants it started again after a crash runs it for others.
        .or_else(|| {
            let developed = source && restarted.is_none();
            developed.then(|| "the source is mounted over what is in the image".to_owned())
        });
    Some(Container {
        name: format!("service `{name}`"),
        place,
        image,
        build,
        env,
        env_faults: Vec::new(),
        mounts: get("volumes")
            .map(|id| mounts(sheet, id))
            .unwrap_or_default(),
        limits: limits(sheet, &get, variables),
        entrypoint: words("entrypoint"),
        cmd: words("command"),
        user,
        archs: platform,
        kept_running: restarted
            .map(|policy| format!("`restart: {policy}` starts it again whenever it ends")),
        not_production,
        gaps,
    })
}

/// That a service starts for developers and tests only: all its `profiles` are called so.
fn developers_profiles(tree: &Tree, id: Id) -> Option<String> {
    let items = tree.items(id).iter();
    let names: Vec<&str> = items.filter_map(|id| tree.word(*id)).collect();
    let all = !names.is_empty() && names.iter().all(|name| roles::is_test_name(name));
    all.then(|| format!("its profiles are `{}`", names.join("`, `")))
}

/// `deploy.resources.limits`, and what was written before that was: `cpus`, `mem_limit`.
fn limits(sheet: Sheet<'_>, get: &dyn Fn(&str) -> Option<Id>, variables: &Variables) -> Limits {
    let deployed = get("deploy").and_then(|id| sheet.tree.at(id, &["resources", "limits"]));
    let limit = |new: &str, old: &str, read: fn(&str) -> Option<u64>| {
        let new = deployed.and_then(|id| sheet.tree.get(id, new));
        let id = new.or_else(|| get(old))?;
        let value = variables.expand(&sheet.traced(id));
        Some((read(value.known()?)?, sheet.place(id)))
    };
    Limits {
        cpu: limit("cpus", "cpus", quantity::cores),
        memory: limit("memory", "mem_limit", quantity::compose_bytes),
    }
}

fn build(sheet: Sheet<'_>, id: Id, variables: &Variables) -> Option<Build> {
    let text = |id: Id| {
        variables
            .expand(&sheet.traced(id))
            .known()
            .map(str::to_owned)
    };
    if let Some(context) = sheet.tree.word(id) {
        let _ = context;
        return Some(Build {
            context: text(id)?,
            ..Build::default()
        });
    }
    let of = |key: &str| {
        sheet
            .tree
            .get(id, key)
            .filter(|id| sheet.tree.word(*id).is_some())
    };
    if sheet.tree.get(id, "dockerfile_inline").is_some() {
        return None;
    }
    Some(Build {
        context: match of("context") {
            Some(context) => text(context)?,
            None => ".".into(),
        },
        dockerfile: match of("dockerfile") {
            Some(file) => Some(text(file)?),
            None => None,
        },
        target: match of("target") {
            Some(target) => Some(text(target)?),
            None => None,
        },
    })
}

/// Whether the folder of the file itself is mounted, as developers do.
fn mounts_source(sheet: Sheet<'_>, id: Id) -> bool {
    let source = |item: &Id| match sheet.tree.word(*item) {
        Some(text) => text.split(':').next().map(str::to_owned),
        None => sheet
            .tree
            .get(*item, "source")
            .and_then(|id| sheet.tree.word(id))
            .map(str::to_owned),
    };
    let own = |path: String| matches!(path.trim_end_matches('/'), "." | ".." | "${PWD}" | "$PWD");
    sheet.tree.items(id).iter().filter_map(source).any(own)
}

/// The folders of volumes: `data:/data:ro`, or a mapping with a `target`.
fn mounts(sheet: Sheet<'_>, id: Id) -> Vec<String> {
    let target = |item: &Id| match sheet.tree.word(*item) {
        Some(text) => text
            .split(':')
            .find(|part| part.starts_with('/'))
            .map(|first| {
                let parts: Vec<&str> = text.split(':').collect();
                parts
                    .get(1)
                    .filter(|part| part.starts_with('/'))
                    .copied()
                    .unwrap_or(first)
                    .to_owned()
            }),
        None => sheet
            .tree
            .get(*item, "target")
            .and_then(|id| sheet.tree.word(id))
            .map(str::to_owned),
    };
    sheet.tree.items(id).iter().filter_map(target).collect()
}

/// A command as words: a list, or one text that is split as a shell would, without running one.
fn words(sheet: Sheet<'_>, id: Id, variables: &Variables) -> Option<Words> {
    let expand = |text: &str| variables.expand_text(text);
    match sheet.tree.word(id) {
        Some(text) => {
            let Expanded { text, mut hidden } = expand(text);
            // A value may become several words.
            let parts: Vec<String> = hidden.iter().flat_map(|value| split(value)).collect();
            hidden.extend(parts);
            Some(Words {
                words: split(&text),
                hidden,
                place: sheet.place(sheet.tree.resolve(id)),
            })
        }
        None => sheet.words(id, &expand),
    }
}

fn split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None | Some('"'), '\\') => word.extend(chars.next().filter(|next| *next != '\n')),
            (Some(_), c) => word.push(c),
            (None, '\'' | '"') => (quote, begun) = (Some(c), true),
            (None, c) if c.is_whitespace() => {
                if begun || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                begun = false;
            }
            (None, c) => word.push(c),
        }
    }
    if begun || !word.is_empty() {
        words.push(word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_split_at_blanks_outside_quotes() {
        assert_eq!(
            split("gunicorn -b 0:80 'a b' \"c \\\"d\\\"\" \\\n e ''"),
            ["gunicorn", "-b", "0:80", "a b", "c \"d\"", "e", ""]
        );
    }
}
