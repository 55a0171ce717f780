//! The dynamic loader's view of one preload entry: what it finds, and what becomes of it.
//!
//! Semantics: ld.so(8) and glibc's `handle_preload_list` (separators blank and `:`; `$LIB`,
//! `$ORIGIN` and `$PLATFORM` are the only expansions), musl's `load_preload` (no expansion at all).

use std::ops::Range;

use super::library::Fit;
use super::{Library, Origin, Outcome, PathPattern, Platform, Reach, Unit, Value};
use crate::facts::{self, Arch, Family, Libc};
use crate::text::paths;

/// Splits the value of `LD_PRELOAD` as glibc does (elf/rtld.c, `handle_preload_list`: blanks and colons alone), but keeps `$(...)` in one piece so that
/// what was meant can still be named.
#[must_use]
pub(crate) fn entries(value: &str) -> Vec<Range<usize>> {
    split(value, None)
}

/// Splits it as the unit's own loader does.
#[must_use]
pub(crate) fn entries_of(unit: &Unit, value: &str) -> Vec<Range<usize>> {
    split(value, unit.platform.libc.value().copied())
}

/// Whether entries end there: with musl at all white space (ldso/dynlink.c, `load_preload`).
#[must_use]
pub(crate) const fn separates(char: char, libc: Option<Libc>) -> bool {
    match libc {
        Some(Libc::Musl) => matches!(char, ' ' | ':' | '\t'..='\r'),
        _ => matches!(char, ' ' | ':'),
    }
}

fn split(value: &str, libc: Option<Libc>) -> Vec<Range<usize>> {
    let mut entries = Vec::new();
    let mut start = None;
    let mut depth = 0usize;
    for (at, char) in value.char_indices() {
        match char {
            '(' if depth > 0 || value.get(..at).is_some_and(|before| before.ends_with('$')) => {
                depth += 1;
            }
            ')' if depth > 0 => depth -= 1,
            _ => {}
        }
        if depth == 0 && separates(char, libc) {
            entries.extend(start.take().map(|from| from..at));
        } else if start.is_none() {
            start = Some(at);
        }
    }
    entries.extend(start.map(|from| from..value.len()));
    entries
}

/// The file name part of a preload entry, without stray quotes and the like.
#[must_use]
pub(crate) fn family_of(entry: &str) -> Option<Family> {
    let clean = |c: char| {
        matches!(
            c,
            '"' | '\'' | ',' | ';' | '=' | '\r' | '\u{2018}'..='\u{201f}'
        )
    };
    entry.split([',', ';']).find_map(|part| {
        let file = paths::file_name(part).trim_matches(clean);
        // `$(find / -name libjemalloc.so.2)` is one entry.
        let file = file.rsplit(' ').next().unwrap_or_default();
        facts::family_of_library(file.trim_end_matches(')'))
    })
}

/// Judges the entry at `range` of `value`.
#[must_use]
pub(crate) fn judge(unit: &Unit, value: &Value, range: &Range<usize>) -> Outcome {
    let entry = value.text.as_str().get(range.clone()).unwrap_or_default();
    // A library may lie there under a name of its own.
    let placed = || {
        unit.libraries
            .iter()
            .find(|library| library.path.as_str() == entry)
    };
    let Some(family) = family_of(entry).or_else(|| placed().map(|library| library.family)) else {
        return of_no_allocator(unit, value, range, entry);
    };
    if unit.platform.windows {
        return Outcome::Unknown("the image is a Windows image".into());
    }
    spelling(&unit.platform, value, range, entry).unwrap_or_else(|| resolve(unit, entry, family))
}

/// What becomes of an entry that names no allocator: only what is wrong whatever it is can be told.
fn of_no_allocator(unit: &Unit, value: &Value, range: &Range<usize>, entry: &str) -> Outcome {
    if is_folder(unit, entry) {
        return Outcome::Folder;
    }
    let literal = reference(entry).is_some() && !is_from_a_variable(value, range, entry);
    unexpanded(&unit.platform, entry)
        .filter(|_| literal)
        .map_or(Outcome::NoAllocator, Outcome::NotExpanded)
}

/// Whether an entry is the path of a folder: what it ends with says so, or it is one that holds libraries.
fn is_folder(unit: &Unit, entry: &str) -> bool {
    let path = entry.trim_end_matches('/');
    let says_so = path != entry || entry.ends_with("/.");
    entry.starts_with('/')
        && !entry.contains(['$', '*', '{'])
        && (says_so || !paths::file_name(path).contains(".so") && holds_libraries(unit, path))
}

/// Whether libraries are looked for in a folder, or lie there.
fn holds_libraries(unit: &Unit, folder: &str) -> bool {
    let inside = PathPattern::new(format!("{folder}/x"));
    let is_it = |dir: &str| same_folder(&unit.platform, dir, &inside);
    is_library_folder(paths::file_name(folder))
        || search_dirs(unit).iter().any(|dir| is_it(dir))
        || unit
            .libraries
            .iter()
            .any(|library| is_it(library.path.folder()))
}

/// Whether that is the name of a folder of libraries wherever it lies (Filesystem Hierarchy Standard, `/lib<qual>`; Debian's
/// multiarch).
pub(crate) fn is_library_folder(name: &str) -> bool {
    let qualified = name.strip_prefix("lib");
    qualified.is_some_and(|bits| matches!(bits, "" | "32" | "64" | "x32" | "exec"))
        || facts::Arch::from_triplet(name).is_some()
}

/// The reference to a variable in an entry: `${NAME}`, `$(NAME)`, `$NAME`.
fn reference(entry: &str) -> Option<Range<usize>> {
    let start = entry.find('$')?;
    let rest = entry.get(start + 1..)?;
    let name = rest.trim_start_matches(['{', '(']);
    let length = name
        .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
        .unwrap_or(name.len());
    let closed = !rest.starts_with('(') || name.get(length..)?.starts_with(')');
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let named = letter && closed;
    let opened = rest.len() - name.len();
    named.then_some(start..start + 1 + opened + length)
}

/// Whether the reference in an entry stands for a variable whose value is not known. (A reference that nothing
/// expands stands in the text byte for byte.)
fn is_from_a_variable(value: &Value, range: &Range<usize>, entry: &str) -> bool {
    value.unknown.is_some()
        && reference(entry).is_some_and(|found| {
            let (start, end) = (range.start + found.start, range.start + found.end);
            !value.text.is_verbatim(start..end)
        })
}

/// Whether the loader would find an allocator under that name, were it preloaded.
#[must_use]
pub(crate) fn finds(unit: &Unit, name: &str) -> bool {
    let mut value = Value::default();
    value.text.push_from(name, unit.place.span);
    judge(unit, &value, &(0..name.len())).works()
}

/// What is wrong with the text itself, if anything.
fn spelling(
    platform: &Platform,
    value: &Value,
    range: &Range<usize>,
    entry: &str,
) -> Option<Outcome> {
    if let Some(bad) = entry.chars().find(|c| {
        matches!(c, ',' | ';' | '"' | '\'' | '`' | '\u{2018}'..='\u{201f}') || c.is_control()
    }) && bad != '`'
    {
        return Some(Outcome::Malformed(bad.to_string()));
    }
    if entry.starts_with('=') {
        return Some(Outcome::Malformed("=".into()));
    }
    // No library is called so: a version was cut off.
    if entry.ends_with(".so.") {
        return Some(Outcome::Malformed(".".into()));
    }
    if let Some(erased) = value.erased.iter().find(|erased| {
        erased.name != "LD_PRELOAD" && range.start <= erased.at && erased.at <= range.end
    }) {
        return Some(Outcome::NotExpanded(format!("${}", erased.name)));
    }
    if is_from_a_variable(value, range, entry) {
        let name = reference(entry).and_then(|found| entry.get(found));
        let name = name.unwrap_or_default().trim_start_matches(['$', '{']);
        if name == "TARGETARCH" && entry.contains("${TARGETARCH}-linux-gnu") {
            return Some(Outcome::NotExpanded("${TARGETARCH}".into()));
        }
        return Some(Outcome::Unknown(format!(
            "`${{{name}}}` is known at build time only"
        )));
    }
    unexpanded(platform, entry).map(Outcome::NotExpanded)
}

/// The shell syntax in `entry` that the loader takes literally.
fn unexpanded(platform: &Platform, entry: &str) -> Option<String> {
    if let Some(at) = entry.find("$(") {
        let end = entry.rfind(')').map_or(entry.len(), |end| end + 1);
        return entry.get(at..end).map(str::to_owned);
    }
    if let Some(sign) = entry
        .chars()
        .find(|c| matches!(c, '`' | '*' | '?' | '[' | '{'))
        && !entry.contains("${")
    {
        return Some(sign.to_string());
    }
    if entry.starts_with('~') {
        return Some("~".into());
    }
    let at = entry.find('$')?;
    let name: String = entry
        .get(at + 1..)?
        .trim_start_matches('{')
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let dynamic = matches!(name.as_str(), "LIB" | "ORIGIN" | "PLATFORM");
    let musl = platform.libc.value() == Some(&Libc::Musl);
    (!dynamic || musl).then(|| format!("${name}"))
}

/// What the loader finds for a well-spelt entry.
fn resolve(unit: &Unit, entry: &str, family: Family) -> Outcome {
    let entry = &with_platform(unit, &with_lib(unit, entry));
    let libraries = || {
        unit.libraries
            .iter()
            .filter(move |library| library.family == family)
    };
    let bare = !entry.contains('/');
    if entry.contains('*') {
        return Outcome::Unknown("what `$LIB` stands for is not known here".into());
    }
    let found = if bare {
        find_bare(unit, entry, family)
    } else {
        find_path(unit, entry, family)
    };
    if let Some(outcome) = found {
        return outcome;
    }
    if !bare && !unit.platform.nowhere.contains(entry) {
        match straight(&unit.platform, entry) {
            Err(why) => return Outcome::Unknown(why.into()),
            Ok(plain) if plain != *entry => return resolve(unit, &plain, family),
            Ok(_) => {}
        }
    }
    if let Some(outcome) = of_another_architecture(unit, entry) {
        return outcome;
    }
    if entry.contains("/site-packages/") || entry.contains("/dist-packages/") {
        return Outcome::Unknown("what Python packages bring is not known".into());
    }
    let here = libraries().next().is_some();
    let unseen = unit.opaque.iter().filter(|opaque| !(opaque.weak && here));
    if let Some(opaque) = unseen
        .into_iter()
        .find(|opaque| may_hold(unit, opaque, entry, bare))
    {
        return Outcome::Unknown(opaque.why.clone());
    }
    let file = paths::file_name(entry);
    let same_name =
        libraries().find(|library| super::library::matches(library.path.file_name(), file));
    if let Some(library) = same_name {
        return Outcome::WrongPath(library.clone());
    }
    if let Some(library) = libraries().next() {
        return Outcome::WrongSoname(library.clone());
    }
    elsewhere(unit, family).unwrap_or(Outcome::NotInstalled)
}

/// The same path without parts that lead nowhere else: `//`, `.`, and `..` behind a folder that every image has.
fn straight(platform: &Platform, entry: &str) -> Result<String, &'static str> {
    if entry.contains("$ORIGIN") || entry.contains("${ORIGIN}") {
        return Err("`$ORIGIN` is the folder of whatever program starts");
    }
    let mut parts: Vec<&str> = Vec::new();
    for part in entry.split('/').filter(|part| !matches!(*part, "" | ".")) {
        if part != ".." {
            parts.push(part);
        } else if is_everywhere(platform, &parts) {
            parts.pop();
        } else {
            return Err("what `..` in its path leads to is not known");
        }
    }
    let first = if entry.starts_with('/') { "/" } else { "" };
    Ok(format!("{first}{}", parts.join("/")))
}

/// Whether every image has a folder, and no link in its place (Filesystem Hierarchy Standard, 3 and 4).
fn is_everywhere(platform: &Platform, parts: &[&str]) -> bool {
    match parts {
        [] => true,
        ["usr"] | ["usr", "lib" | "bin" | "local" | "share"] => true,
        ["usr", "local", "lib" | "bin"] => true,
        ["usr", "lib", folder] => {
            let archs = platform.archs.value().map(Vec::as_slice);
            let own = |arch: &Arch| arch.triplet() == *folder;
            *folder == "{triplet}" || archs.is_some_and(|archs| archs.iter().all(own))
        }
        _ => false,
    }
}

/// A path in the folder of an architecture that the unit does not run on: wrong whatever the image holds.
fn of_another_architecture(unit: &Unit, entry: &str) -> Option<Outcome> {
    let named = entry.split('/').find_map(Arch::from_triplet)?;
    let runs = unit.platform.archs.value()?;
    (!runs.contains(&named)).then(|| Outcome::WrongArch {
        named,
        runs: runs.clone(),
    })
}

/// `$LIB` as the loader of this release puts it in.
fn with_lib(unit: &Unit, entry: &str) -> String {
    if !entry.contains("$LIB") && !entry.contains("${LIB}") {
        return entry.to_owned();
    }
    let release = unit.platform.release.value();
    let lib = loader_lib(release.map_or(&[], |release| release.library_dirs.as_slice()));
    entry.replace("${LIB}", lib).replace("$LIB", lib)
}

/// What `$LIB` stands for where the loader looks in these folders: `lib/{triplet}`, `lib64` or `lib`; `*` where nobody knows.
#[must_use]
pub(crate) fn loader_lib(dirs: &[String]) -> &'static str {
    let has = |dir: &str| dirs.iter().any(|known| known == dir);
    match () {
        () if has("/usr/lib/{triplet}") => "lib/{triplet}",
        () if has("/usr/lib64") => "lib64",
        () if dirs.is_empty() => "*",
        () => "lib",
    }
}

/// `$PLATFORM` as the loader puts it in, on the first architecture of the unit's that has a name for it.
fn with_platform(unit: &Unit, entry: &str) -> String {
    if !entry.contains("$PLATFORM") && !entry.contains("${PLATFORM}") {
        return entry.to_owned();
    }
    let archs = unit.platform.archs.value().map(Vec::as_slice);
    let mut archs = archs.unwrap_or(&Arch::ALL).iter();
    let Some(platform) = archs.find_map(|arch| arch.loader_platform()) else {
        return entry.to_owned();
    };
    entry
        .replace("${PLATFORM}", platform)
        .replace("$PLATFORM", platform)
}

fn may_hold(unit: &Unit, opaque: &super::Opaque, entry: &str, bare: bool) -> bool {
    if bare {
        return search_dirs(unit)
            .iter()
            .any(|dir| opaque.covers(&format!("{dir}/{entry}")));
    }
    opaque.covers(entry)
}

fn elsewhere(unit: &Unit, family: Family) -> Option<Outcome> {
    unit.strays
        .iter()
        .find_map(|stray| match (&stray.variable, &stray.reach) {
            (None, Reach::Stage(stage)) if stray.family == Some(family) => {
                Some(Outcome::WrongStage {
                    stage: stage.clone(),
                    place: stray.place.clone(),
                })
            }
            _ => None,
        })
}

fn find_bare(unit: &Unit, entry: &str, family: Family) -> Option<Outcome> {
    let dirs = search_dirs(unit);
    let library = unit.libraries.iter().find(|library| {
        library.family == family
            && super::library::matches(library.path.file_name(), entry)
            && dirs
                .iter()
                .any(|dir| same_folder(&unit.platform, dir, &library.path))
    })?;
    Some(loadable(unit, library).unwrap_or_else(|| Outcome::Works(library.clone())))
}

fn find_path(unit: &Unit, entry: &str, family: Family) -> Option<Outcome> {
    let merged = |path: &str| merged_usr(&unit.platform, path);
    let meant = merged(entry);
    let mut fits = unit
        .libraries
        .iter()
        .filter(|library| library.family == family)
        .map(|library| {
            let fit = match library.path.fit(entry) {
                Fit::Never => PathPattern::new(merged(library.path.as_str())).fit(&meant),
                fit => fit,
            };
            (library, fit)
        });
    let (library, fit) = fits.rfind(|(_, fit)| *fit != Fit::Never)?;
    if let Some(outcome) = loadable(unit, library) {
        return Some(outcome);
    }
    let Fit::On(arch) = fit else {
        return Some(Outcome::Works(library.clone()));
    };
    Some(match unit.platform.archs.value() {
        Some(archs) if !archs.contains(&arch) => Outcome::WrongArch {
            named: arch,
            runs: archs.clone(),
        },
        Some(archs) if archs.len() == 1 => Outcome::Works(library.clone()),
        _ => Outcome::WorksOn(arch, library.clone()),
    })
}

/// Why a library that was found cannot be loaded, if it cannot.
fn loadable(unit: &Unit, library: &Library) -> Option<Outcome> {
    if !matches!(library.origin, Origin::Copied { .. } | Origin::Read) {
        return None;
    }
    if let (Some(built), Some(here)) = (library.libc, unit.platform.libc.value())
        && built != *here
    {
        let why = format!("built for {built}, and this image has {here}");
        return Some(Outcome::WrongLibc {
            why,
            library: library.clone(),
        });
    }
    let here = unit
        .platform
        .release
        .known()
        .and_then(|release| release.libc_version.as_deref());
    if let (Some(least), Some(here)) = (library.min_glibc.as_deref(), here)
        && newer(least, here)
    {
        let why = format!("it needs glibc {least}, and this image has {here}");
        return Some(Outcome::WrongLibc {
            why,
            library: library.clone(),
        });
    }
    let absent = |need: &&String| unit.platform.lacks.contains(need) && !provided(unit, need);
    let needs: Vec<String> = library.needs.iter().filter(absent).cloned().collect();
    (!needs.is_empty()).then(|| Outcome::NeedsMissing {
        needs,
        library: library.clone(),
    })
}

fn provided(unit: &Unit, need: &str) -> bool {
    unit.extra_libraries
        .iter()
        .any(|file| super::library::matches(file, need))
        || search_dirs(unit).iter().any(|dir| {
            unit.opaque
                .iter()
                .any(|o| o.covers(&format!("{dir}/{need}")))
        })
}

/// Folders in which the loader looks for bare names, `{triplet}` left in.
fn search_dirs(unit: &Unit) -> Vec<String> {
    let defaults = [
        "/lib/{triplet}",
        "/usr/lib/{triplet}",
        "/lib",
        "/usr/lib",
        "/lib64",
        "/usr/lib64",
    ];
    let of_release = unit
        .platform
        .release
        .value()
        .map(|release| release.library_dirs.clone());
    let mut dirs = of_release.unwrap_or_else(|| defaults.map(str::to_owned).to_vec());
    if unit.platform.libc.value() == Some(&Libc::Musl) {
        dirs.push("/usr/local/lib".into());
    }
    // A file of musl's takes their place (ldso/dynlink.c, `/etc/ld-musl-ARCH.path`).
    if unit.platform.own_dirs {
        dirs.clear();
    }
    dirs.extend(unit.search_dirs.iter().cloned());
    dirs
}

fn same_folder(platform: &Platform, dir: &str, path: &PathPattern) -> bool {
    let (dir, folder) = (
        merged_usr(platform, dir),
        merged_usr(platform, path.folder()),
    );
    dir == folder || PathPattern::new(dir).fit(&folder) != Fit::Never
}

/// Where a path leads: `/lib` is a link to `/usr/lib` since both were merged.
fn merged_usr(platform: &Platform, path: &str) -> String {
    let is_link = path.starts_with("/lib/")
        || path.starts_with("/lib64/")
        || path == "/lib"
        || path == "/lib64";
    if is_link && !platform.unmerged {
        return format!("/usr{path}");
    }
    path.to_owned()
}

/// Whether version `a` is newer than `b`, compared number by number.
#[must_use]
pub(crate) fn newer(a: &str, b: &str) -> bool {
    let numbers = |v: &str| {
        v.split('.')
            .map(|part| part.parse::<u32>().unwrap_or(0))
            .collect::<Vec<_>>()
    };
    numbers(a) > numbers(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_splits_on_blanks_and_colons_only() {
        let split = |value: &str| {
            entries(value)
                .into_iter()
                .map(|r| value[r].to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(split("a.so:b.so  c.so"), ["a.so", "b.so", "c.so"]);
        assert_eq!(split(":a.so,b.so:"), ["a.so,b.so"]);
        assert_eq!(
            split("/usr/lib/$(uname -m)-linux-gnu/x.so"),
            ["/usr/lib/$(uname -m)-linux-gnu/x.so"]
        );
        assert!(split("").is_empty());
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(newer("2.38", "2.36") && !newer("2.4", "2.36") && !newer("2.36", "2.36"));
    }
}
