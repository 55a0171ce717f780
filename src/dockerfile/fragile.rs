//! Programs of an image that a preload or a thread breaks: where the text installs or starts them.

mod lines;
mod lists;
mod versions;

use super::build::Build;
use super::copy::{self, Readable};
use super::image::ImageState;
use crate::facts::{self, Fetch, Index, fragile};
use crate::facts::{
    brings_all_extras, brings_developers, index_of_installer, is_install_verb, takes_value,
};
use crate::model::{Found, Fragile};
use crate::shell::effects::{Effect, EffectKind, Package};
use crate::shell::syntax::Word;
use crate::text::paths::base_name;
use crate::text::{Place, SourceFile, Traced};
use lists::{Entry, Group};

/// Packages of the distribution, or of conda.
pub(super) fn installed(
    state: &mut ImageState,
    index: Index,
    packages: &[Package],
    place: impl Fn(&Package) -> Place,
) {
    for package in packages {
        let version = package.version.as_deref().and_then(versions::written);
        let entry = Entry::new(&package.name, version, Group::Main);
        named(state, index, &entry, &place(package), Found::Installed);
    }
}

/// A command of a build step: it may install packages of Python or npm, download a program, or build one. `step` is the text of
/// the whole step.
pub(super) fn ran(
    build: &Build<'_>,
    state: &mut ImageState,
    step: &str,
    words: &[Word],
    place: &Place,
) {
    let words: Vec<String> = words.iter().map(Word::shown).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for program in fragile() {
        let compiled = || words.iter().any(|word| program.is_compiled_by(word));
        match program.fetched_by(&words) {
            Some(Fetch::Others) => state.others.push(program),
            Some(Fetch::Program) => {
                state.add_fragile(Fragile::new(program, place, Found::Installed));
            }
            None if compiled() => {
                state.add_fragile(Fragile::new(program, place, Found::Installed));
            }
            None => {}
        }
    }
    if let Some(order) = Order::of(&words, step) {
        install(build, state, &order, place);
    }
}

/// What an installer of Python's or npm's packages is told.
struct Order<'w> {
    installer: &'w str,
    index: Index,
    /// What stands behind the verb.
    words: Vec<&'w str>,
    /// Lists whose lines are handed over one by one: `cat requirements.txt | xargs pip install`.
    fed: Vec<&'w str>,
}

impl<'w> Order<'w> {
    fn of(words: &[&'w str], step: &'w str) -> Option<Self> {
        let installs = |word: &&str| index_of_installer(base_name(word)).is_some();
        let at = words.iter().position(installs)?;
        let installer = base_name(words.get(at)?);
        let rest = words.get(at + 1..).unwrap_or_default();
        let verb = rest.iter().position(|word| is_install_verb(word))?;
        let words_behind = rest.get(verb + 1..).unwrap_or_default().to_vec();
        // Without a name of its own it is fed by another command.
        let open = words_behind.iter().any(|word| word.contains(['$', '`']));
        let by_lines = open || words_behind.iter().all(|word| word.starts_with('-'));
        let split =
            |c: char| c.is_whitespace() || matches!(c, ';' | '<' | ')' | '(' | '"' | '\'' | '`');
        let lists = step.split(split).filter(|word| is_list(word));
        Some(Self {
            installer,
            index: index_of_installer(installer)?,
            words: words_behind,
            fed: if by_lines {
                lists.collect()
            } else {
                Vec::new()
            },
        })
    }

    /// Whether what belongs to that group is installed.
    fn takes(&self, group: &Group) -> bool {
        match group {
            Group::Main => true,
            Group::Developers => brings_developers(self.installer, &self.words),
            Group::Extra(name) => {
                let named = |word: &&str| {
                    let mut names = word.split(['[', ']', ',', '=', ' ', '"', '\'']);
                    names.any(|own| own == name)
                };
                brings_all_extras(&self.words) || self.words.iter().any(named)
            }
        }
    }
}

/// Whether a word may be the path of a requirement list.
fn is_list(word: &str) -> bool {
    let ending = word.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("txt" | "in" | "lst" | "list"))
}

/// The operands of an installation; where there are none, the project's own list counts.
fn install(build: &Build<'_>, state: &mut ImageState, order: &Order<'_>, place: &Place) {
    if order.words.contains(&"--dry-run") {
        return;
    }
    let mut lists = Vec::new();
    let mut named_any = false;
    let mut words = order.words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-r" | "--requirement" | "--requirements" => lists.extend(words.next().copied()),
            option if option.starts_with('-') => {
                let list = option
                    .strip_prefix("-r")
                    .or_else(|| option.strip_prefix("--requirement="));
                lists.extend(list.filter(|list| !list.is_empty()));
                if takes_value(option) {
                    words.next();
                }
            }
            own if own.starts_with(['.', '/']) && !own.ends_with(".whl") => {}
            package => {
                named_any = true;
                for entry in lists::requirement(package, &Group::Main) {
                    named(state, order.index, &entry, place, Found::Installed);
                }
            }
        }
    }
    let mut seen = Vec::new();
    for list in &lists {
        listed(
            build,
            state,
            order,
            (list, Found::Installed),
            place,
            &mut seen,
        );
    }
    for list in &order.fed {
        listed(build, state, order, (list, Found::Named), place, &mut seen);
    }
    if lists.is_empty() && !named_any && !order.words.contains(&"--no-deps") {
        let own = match order.index {
            Index::Python => lists::OF_PYTHON.as_slice(),
            Index::Node => lists::OF_NODE.as_slice(),
            Index::Distribution => [].as_slice(),
        };
        for list in own {
            listed(build, state, order, (list, Found::Named), place, &mut seen);
        }
    }
}

/// So many lists are read that name each other.
const LISTS: usize = 16;

/// The packages that a file of the build context lists, and those of the lists that it names.
fn listed(
    build: &Build<'_>,
    state: &mut ImageState,
    order: &Order<'_>,
    (path, most): (&str, Found),
    place: &Place,
    seen: &mut Vec<String>,
) {
    if seen.len() >= LISTS || seen.iter().any(|known| known == path) {
        return;
    }
    seen.push(path.to_owned());
    let path = &filled_in(state, path);
    let (text, file) = match copy::find(build, state, path) {
        Some(Readable::Inline(text)) => (text.as_str().to_owned(), None),
        Some(Readable::Beside(file)) => (whole(&file), Some(file)),
        Some(Readable::Outside(_)) | None => match build.around.read(&build.file.path, path) {
            Some(file) => (whole(&file), Some(file)),
            None => return,
        },
    };
    let list = lists::read(path, &text);
    for entry in list
        .entries
        .iter()
        .filter(|entry| order.takes(&entry.group))
    {
        if let Some(file) = &file {
            let line = || lines::line_of(file, &entry.name);
            state.noted.package(order.index, &entry.name, line);
        }
        named(state, order.index, entry, place, most);
    }
    for include in &list.includes {
        let include = match path.rsplit_once('/') {
            Some((folder, _)) if !include.starts_with('/') => format!("{folder}/{include}"),
            _ => include.clone(),
        };
        listed(build, state, order, (&include, most), place, seen);
    }
}

/// A path with what build arguments and variables put into it: `${BUILD_ENVIRONMENT}.txt`.
fn filled_in(state: &ImageState, path: &str) -> String {
    let (mut found, mut rest) = (String::new(), path);
    while let Some((before, after)) = rest.split_once('$') {
        found.push_str(before);
        let after = after.trim_start_matches('{');
        let end = after.find(|c: char| !c.is_alphanumeric() && c != '_');
        let (name, after) = after.split_at(end.unwrap_or(after.len()));
        let argument = || {
            let mut args = state.args.iter().rev();
            let (_, value) = args.find(|(own, _)| own == name)?;
            value.as_ref()?.known()
        };
        let set = state.env.get(name).and_then(|var| var.now.value.known());
        found.push_str(set.or_else(argument).unwrap_or_default());
        rest = after.strip_prefix('}').unwrap_or(after);
    }
    found.push_str(rest);
    found
}

fn is_wide(bytes: &[u8]) -> bool {
    matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..])
}

/// The text of a list; pip reads UTF-16, too, where a mark says so.
fn whole(file: &SourceFile) -> String {
    let units = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = rest.as_chunks::<2>();
        String::from_utf16_lossy(&pairs.iter().map(|pair| unit(*pair)).collect::<Vec<_>>())
    };
    match file.bytes.as_slice() {
        [0xff, 0xfe, rest @ ..] => units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => units(rest, u16::from_be_bytes),
        bytes => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// A package comes into the image: the programs that it brings or starts do, as surely as `most` at best.
fn named(state: &mut ImageState, index: Index, package: &Entry, place: &Place, most: Found) {
    let packaged = index == Index::Distribution;
    let text = || place.of_text(&package.name);
    state.noted.package(index, &package.name, text);
    for program in fragile() {
        let Some(by) = program.named(index, &package.name) else {
            continue;
        };
        let mut found = Found::by(by).min(most);
        let asks = |name: &str| {
            let var = state.env.get(name);
            var.is_some_and(|var| !matches!(var.now.value.known(), Some("" | "false" | "0")))
        };
        if !packaged && program.unfetched().any(asks) {
            found = Found::Named;
        }
        if packaged {
            match program.is_seen_in(state.platform.release.value().copied()) {
                Some(true) => {}
                Some(false) => continue,
                None => found = Found::Named,
            }
        }
        let mut one = Fragile::new(program, place, found);
        one.packaged = packaged;
        one.version.clone_from(&package.version);
        state.add_fragile(one);
    }
}

/// Packages of the distribution that go again take their programs with them.
pub(super) fn uninstalled(state: &mut ImageState, packages: &[Package]) {
    let gone = |fragile: &Fragile| {
        let place = &fragile.place;
        let brought_by = place.file.text(place.span);
        let named =
            |package: &Package| brought_by.split(['=', ':']).next() == Some(package.name.as_str());
        fragile.packaged && packages.iter().any(named)
    };
    state.fragile.retain(|fragile| !gone(fragile));
}

/// The programs that a start script runs, as far as its commands `run` at all; and those that it starts without what breaks
/// them.
pub(super) fn started(
    effects: &[Effect],
    text: &Traced,
    runs: impl Fn(&Effect) -> bool,
    place: impl Fn(&Effect) -> Place,
) -> (Vec<Fragile>, Vec<&'static facts::Fragile>) {
    let (mut found, mut shielded) = (Vec::new(), Vec::new());
    for effect in effects {
        let EffectKind::Run { words, .. } = &effect.kind else {
            continue;
        };
        let Some(whole) = text.as_str().get(effect.range.clone()) else {
            continue;
        };
        // Wrappers stand before the command that is run, and are programs, too.
        let own = words
            .first()
            .map_or(effect.range.start, |word| word.range.start);
        let own = own.saturating_sub(effect.range.start);
        let all: Vec<&str> = whole
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']))
            .collect();
        let wrappers = whole
            .get(..own)
            .unwrap_or_default()
            .split_whitespace()
            .count();
        for (at, word) in all.iter().enumerate().take(wrappers + 1) {
            let rest = all.get(at + 1..).unwrap_or_default();
            for program in fragile().filter(|program| program.is_started_by(base_name(word), rest))
            {
                if !runs(effect) {
                    continue;
                }
                if program.is_spared_by(rest) || is_shielded(effects, effect, program) {
                    shielded.push(program);
                } else {
                    found.push(Fragile::new(program, &place(effect), Found::Started));
                }
            }
        }
    }
    (found, shielded)
}

/// Whether the command is given an environment without what breaks the program.
fn is_shielded(effects: &[Effect], command: &Effect, program: &facts::Fragile) -> bool {
    let beside = effects
        .iter()
        .filter(|effect| effect.range == command.range);
    beside.map(|effect| &effect.kind).any(|kind| match kind {
        EffectKind::DropsEnvironment { .. } => true,
        EffectKind::Inline { name, value } if name == "LD_PRELOAD" => value.parts.is_empty(),
        EffectKind::Inline { name, value } if name == "MALLOC_CONF" => {
            program.breaks == facts::Breaks::Thread
                && !value.shown().contains("background_thread:true")
        }
        _ => false,
    })
}
