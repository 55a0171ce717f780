//! The words that name packages: name, version, architecture, channel.

use super::super::Package;
use super::super::call::package;
use crate::facts::Manager;
use crate::shell::syntax::{Part, Word};
use crate::text::paths;

/// Splits what names a package; `None` where the name is not literal. The flag is `false` where the
/// word asks for a removal: `apt-get install foo-`, `apk add !foo`.
pub(super) fn spec(manager: Manager, word: &Word) -> Option<(Package, bool)> {
    let text = word.shown();
    let literal: usize = word
        .parts
        .iter()
        .map_while(|part| match part {
            Part::Literal { text, .. } => Some(text.len()),
            _ => None,
        })
        .sum();
    let removes = match manager {
        Manager::Apt => text.ends_with('-'),
        Manager::Apk => text.starts_with('!'),
        _ => false,
    };
    let bare = text.trim_start_matches('!');
    let skipped = text.len() - bare.len();
    let bare = if removes {
        bare.trim_end_matches('-')
    } else {
        bare
    };
    let file = [".deb", ".rpm", ".apk", ".pkg.tar.zst", ".conda"]
        .iter()
        .any(|end| bare.ends_with(end));
    let (name, version) = if file {
        file_name(manager, bare)
    } else {
        split(manager, bare)
    };
    let known = literal == text.len() || !file && literal > skipped + name.len();
    if !known || name.is_empty() || name.contains(['{', '(', '*', '@']) {
        return None;
    }
    let version = version
        .filter(|version| !version.is_empty())
        .map(str::to_owned);
    Some((package(name, version, &word.range), !removes))
}

/// Name and version of a package specification.
fn split(manager: Manager, text: &str) -> (&str, Option<&str>) {
    match manager {
        Manager::Apt => {
            let at = text.find(['=', '/', ':']).unwrap_or(text.len());
            let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            (name, rest.split_once('=').map(|(_, version)| version))
        }
        Manager::Apk | Manager::Zypper | Manager::Pacman => {
            let text = if manager == Manager::Apk {
                text.split('@').next().unwrap_or(text)
            } else {
                text
            };
            let at = text.find(['=', '~', '<', '>']).unwrap_or(text.len());
            let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            let name = if manager == Manager::Pacman {
                paths::file_name(name)
            } else {
                name
            };
            (
                name,
                (!rest.is_empty()).then(|| rest.trim_start_matches(['=', ' '])),
            )
        }
        Manager::Conda => {
            let text = text.rsplit("::").next().unwrap_or(text);
            let at = text
                .find(['=', '<', '>', '!', '~', ' ', '['])
                .unwrap_or(text.len());
            let (name, rest) = text.split_at_checked(at).unwrap_or((text, ""));
            let version = rest.trim_start_matches(['=', ' ']);
            (name, (!version.is_empty()).then_some(version))
        }
        Manager::Dnf | Manager::Microdnf | Manager::Yum | Manager::Tdnf => rpm(text),
    }
}

/// `name-version-release.arch`, as far as it is given.
fn rpm(text: &str) -> (&str, Option<&str>) {
    const ARCHITECTURES: [&str; 8] = [
        ".x86_64", ".aarch64", ".noarch", ".i686", ".ppc64le", ".s390x", ".armv7hl", ".riscv64",
    ];
    let text = ARCHITECTURES
        .iter()
        .find_map(|arch| text.strip_suffix(arch))
        .unwrap_or(text);
    let digit = |part: &str| part.starts_with(|c: char| c.is_ascii_digit());
    let Some((head, last)) = text.rsplit_once('-') else {
        return (text, None);
    };
    if !digit(last) && !last.starts_with("${") {
        return (text, None);
    }
    if let Some((name, version)) = head.rsplit_once('-')
        && digit(version)
    {
        let version = text
            .get(name.len() + 1..)
            .filter(|_| version.contains(['.', '*']) || last.contains('.'));
        return version.map_or((text, None), |version| (name, Some(version)));
    }
    if last.contains(['.', '*']) || last.starts_with("${") {
        (head, Some(last))
    } else {
        (text, None)
    }
}

/// Name and version of a package file.
fn file_name(manager: Manager, text: &str) -> (&str, Option<&str>) {
    let base = paths::file_name(text);
    if manager == Manager::Apt {
        let mut fields = base.trim_end_matches(".deb").split('_');
        return (fields.next().unwrap_or(base), fields.next());
    }
    rpm(base.trim_end_matches(".rpm"))
}
