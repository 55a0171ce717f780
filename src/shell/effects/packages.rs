//! Installing and removing packages, whichever manager does it.

mod spec;

use std::collections::HashSet;

use super::call::{Call, Walk, package};
use super::{EffectKind, Package};
use crate::facts::Manager;
use crate::shell::syntax::Word;
use crate::shell::tables::{INSTALLERS, Installer, lists};
use spec::spec;

/// Whether a command of this name installs packages.
pub(super) fn is_installer(name: &str) -> bool {
    name == "pacman"
        || INSTALLERS
            .iter()
            .any(|installer| lists(installer.names, name))
}

/// What an installer was asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Install,
    Remove,
    /// Installs what has no name here: a group, an environment file.
    Open,
    /// Installs into another root.
    Elsewhere,
}

/// The operands of an installer's command line.
#[derive(Debug, Default)]
struct Request {
    operands: Vec<Word>,
    /// A list of packages is read from a file.
    listed: bool,
    /// Another root is named.
    elsewhere: bool,
    /// `apk add --virtual NAME`.
    group: Option<String>,
}

/// Whether an option makes an installer tell or fetch only.
fn only_shows(installer: &str, option: &Word) -> bool {
    const LONG: &[&str] = &[
        "--download-only",
        "--downloadonly",
        "--simulate",
        "--dry-run",
        "--just-print",
        "--print-uris",
    ];
    let text = option.literal().unwrap_or_default();
    let short = text == "-s" && matches!(installer, "apt-get" | "apt" | "apk");
    short || LONG.contains(&text.as_str())
}

impl Walk<'_> {
    /// Reads an installer's command; `false` if it is none or does something else.
    pub(super) fn packages(&mut self, call: &Call<'_>) -> bool {
        let name = call.name.as_str();
        if name == "pacman" {
            return self.pacman(call);
        }
        if name == "dpkg" {
            return self.dpkg(call);
        }
        let Some(installer) = INSTALLERS
            .iter()
            .find(|installer| lists(installer.names, name))
        else {
            return false;
        };
        if call.arguments().iter().any(|word| only_shows(name, word)) {
            return false;
        }
        let mut request = request(installer, call.arguments());
        let Some(action) = action(installer, &mut request) else {
            return false;
        };
        let mut group = None;
        match action {
            Action::Elsewhere => return false,
            Action::Open => request.listed |= true,
            Action::Install => group = request.group.take(),
            Action::Remove => {}
        }
        if action == Action::Open {
            request.operands.clear();
        }
        self.act(call, installer.manager, action, &request, group);
        true
    }

    fn act(
        &mut self,
        call: &Call<'_>,
        manager: Manager,
        action: Action,
        request: &Request,
        group: Option<String>,
    ) {
        let mut open = request.listed || call.fed;
        let mut wanted = Vec::new();
        let mut unwanted = Vec::new();
        for operand in &request.operands {
            let (fields, certain) = self.variables.fields(operand);
            open |= !certain;
            let mut seen = HashSet::new();
            for field in fields {
                if !seen.insert(field.shown()) {
                    continue;
                }
                match spec(manager, &field) {
                    Some((package, true)) => wanted.push(package),
                    Some((package, false)) => unwanted.push(package),
                    None => open = true,
                }
            }
        }
        if action == Action::Remove {
            unwanted.append(&mut wanted);
        } else if let Some(group) = group {
            let members = wanted
                .iter()
                .map(|package| (package.name.clone(), package.version.clone()));
            self.reader.groups.insert(group, members.collect());
        }
        if !wanted.is_empty() || open && action != Action::Remove {
            self.emit(
                call,
                EffectKind::Install {
                    manager,
                    packages: wanted,
                    open_ended: open,
                },
            );
        }
        let packages = self.resolved(manager, unwanted);
        if !packages.is_empty() {
            self.emit(call, EffectKind::Uninstall { manager, packages });
        }
    }

    /// Names of groups replaced by what the groups hold.
    fn resolved(&mut self, manager: Manager, packages: Vec<Package>) -> Vec<Package> {
        if manager != Manager::Apk {
            return packages;
        }
        let mut resolved = Vec::with_capacity(packages.len());
        for one in packages {
            match self.reader.groups.remove(&one.name) {
                Some(members) => {
                    resolved.extend(
                        members
                            .into_iter()
                            .map(|(name, version)| package(&name, version, &one.range)),
                    );
                }
                None => resolved.push(one),
            }
        }
        resolved
    }

    fn pacman(&mut self, call: &Call<'_>) -> bool {
        let text = |word: &Word| word.shown();
        let options: Vec<String> = call
            .arguments()
            .iter()
            .map(text)
            .filter(|text| text.starts_with('-'))
            .collect();
        let has = |letter: char, long: &str| {
            options.iter().any(|option| {
                option == long || !option.starts_with("--") && option.contains(letter)
            })
        };
        let action = if has('R', "--remove") {
            Action::Remove
        } else if has('S', "--sync") && !has('s', "--search") && !has('c', "--clean")
            || has('U', "--upgrade")
        {
            Action::Install
        } else {
            return false;
        };
        let values = [
            "--root",
            "-r",
            "--dbpath",
            "-b",
            "--config",
            "--cachedir",
            "--ignore",
            "--overwrite",
            "--arch",
        ];
        let mut request = Request::default();
        let mut skip = false;
        for word in call.arguments() {
            let text = word.shown();
            if !std::mem::take(&mut skip) && !text.starts_with('-') {
                request.operands.push(word.clone());
            }
            skip = values.contains(&text.as_str());
        }
        self.act(call, Manager::Pacman, action, &request, None);
        true
    }

    /// `dpkg -r` and `dpkg -P`; what `dpkg -i` installs is a file, not a package of a repository.
    fn dpkg(&mut self, call: &Call<'_>) -> bool {
        let removes = |word: &Word| {
            matches!(
                word.literal().as_deref(),
                Some("-r" | "-P" | "--remove" | "--purge")
            )
        };
        if !call.arguments().iter().any(removes) {
            return false;
        }
        let operands = call
            .arguments()
            .iter()
            .filter(|word| !word.shown().starts_with('-'))
            .cloned()
            .collect();
        let request = Request {
            operands,
            ..Request::default()
        };
        self.act(call, Manager::Apt, Action::Remove, &request, None);
        true
    }
}

/// Sorts options from operands.
fn request(installer: &Installer, arguments: &[Word]) -> Request {
    let mut request = Request::default();
    let mut words = arguments.iter();
    let mut options = true;
    while let Some(word) = words.next() {
        let text = word.shown();
        if !options || !text.starts_with('-') || text == "-" {
            request.operands.push(word.clone());
            continue;
        }
        if text == "--" {
            options = false;
            continue;
        }
        let (name, mut value) = option(&text, installer);
        let takes = takes_value(installer, name);
        if takes && value.is_none() {
            value = words.next().map(Word::shown);
        }
        request.listed |= lists(installer.lists, name);
        request.elsewhere |= lists(installer.roots, name);
        if installer.manager == Manager::Apk && matches!(name, "-t" | "--virtual") {
            request.group = value;
        }
    }
    request
}

/// Whether an option's value is the next word.
fn takes_value(installer: &Installer, option: &str) -> bool {
    [installer.values, installer.lists, installer.roots]
        .iter()
        .any(|list| lists(list, option))
}

/// An option's name and the value that stands in the same word. In a cluster of short options only
/// the last may take a value.
fn option<'t>(text: &'t str, installer: &Installer) -> (&'t str, Option<String>) {
    if let Some((name, value)) = text.split_once('=')
        && text.starts_with("--")
    {
        return (name, Some(value.to_owned()));
    }
    let short = text
        .get(..2)
        .filter(|_| !text.starts_with("--") && text.len() > 2);
    match short {
        Some(name) if takes_value(installer, name) => (name, text.get(2..).map(str::to_owned)),
        _ => (text, None),
    }
}

/// What the subcommand asks for; takes it off the operands.
fn action(installer: &Installer, request: &mut Request) -> Option<Action> {
    let mut action = Action::Install;
    if !installer.install.is_empty() {
        let subcommand = request.operands.first().and_then(Word::literal)?;
        let subcommand = subcommand.as_str();
        action = if lists(installer.install, subcommand) {
            Action::Install
        } else if lists(installer.remove, subcommand) {
            Action::Remove
        } else if lists(installer.open, subcommand) {
            let verb = request
                .operands
                .get(1)
                .and_then(Word::literal)
                .unwrap_or_default();
            let installs = subcommand != "env" && subcommand != "group" && subcommand != "module"
                || matches!(verb.as_str(), "install" | "create" | "update" | "enable");
            if !installs {
                return None;
            }
            let group = subcommand.starts_with("group");
            if group && request.operands.iter().all(|word| word.literal().is_some()) {
                // No group of a distribution brings an allocator to be loaded.
                request.operands.clear();
                return Some(Action::Install);
            }
            Action::Open
        } else {
            return None;
        };
        request.operands.remove(0);
    }
    if request.elsewhere && action != Action::Remove {
        return Some(Action::Elsewhere);
    }
    Some(action)
}
