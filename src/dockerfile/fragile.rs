//! Programs of an image that a preload or a thread breaks: where the text installs or starts them.

use super::build::Build;
use super::copy::{self, Readable};
use super::image::ImageState;
use crate::facts::{self, Index, fragile, index_of_installer};
use crate::model::{Found, Fragile};
use crate::shell::effects::{Effect, EffectKind, Package};
use crate::shell::syntax::Word;
use crate::text::paths::base_name;
use crate::text::{Place, Traced};

/// Packages of the distribution, or of conda.
pub(super) fn installed(
    state: &mut ImageState,
    index: Index,
    packages: &[Package],
    place: impl Fn(&Package) -> Place,
) {
    for package in packages {
        let version = package.version.as_deref();
        named(state, index, (&package.name, version), &place(package));
    }
}

/// A command of a build step: it may install packages of Python or npm, download a program, or build one.
pub(super) fn ran(build: &Build<'_>, state: &mut ImageState, words: &[Word], place: &Place) {
    let words: Vec<String> = words.iter().map(Word::shown).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for program in fragile() {
        let compiled = || words.iter().any(|word| program.is_compiled_by(word));
        if program.is_fetched_by(&words) || compiled() {
            state.add_fragile(Fragile::new(program, place, Found::Installed));
        }
    }
    let installer = words
        .iter()
        .position(|word| index_of_installer(base_name(word)).is_some());
    let Some((at, index)) =
        installer.and_then(|at| Some((at, index_of_installer(base_name(words.get(at)?))?)))
    else {
        return;
    };
    let rest = words.get(at + 1..).unwrap_or_default();
    let Some(verb) = rest.iter().position(|word| VERBS.contains(word)) else {
        return;
    };
    install(
        build,
        state,
        index,
        rest.get(verb + 1..).unwrap_or_default(),
        place,
    );
}

/// What an installer of Python's or npm's packages is told to do.
const VERBS: [&str; 7] = ["install", "add", "sync", "i", "ci", "inject", "update"];

/// The operands of an installation; where there are none, the project's own list counts.
fn install(build: &Build<'_>, state: &mut ImageState, index: Index, words: &[&str], place: &Place) {
    let mut lists = Vec::new();
    let mut named_any = false;
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-r" | "--requirement" | "--requirements" => lists.extend(words.next().copied()),
            option if option.starts_with('-') => {
                let list = option
                    .strip_prefix("-r")
                    .or_else(|| option.strip_prefix("--requirement="));
                lists.extend(list.filter(|list| !list.is_empty()));
            }
            "." | "./" => {}
            package => {
                named_any = true;
                named(state, index, split(package), place);
                let extras = package
                    .split_once('[')
                    .and_then(|(_, rest)| rest.split_once(']'));
                for extra in extras.iter().flat_map(|(extras, _)| extras.split(',')) {
                    named(state, index, (extra.trim(), None), place);
                }
            }
        }
    }
    let project = match index {
        Index::Python => ["pyproject.toml", "Pipfile"].as_slice(),
        Index::Node => ["package.json"].as_slice(),
        Index::Distribution => [].as_slice(),
    };
    for list in &lists {
        listed(build, state, (index, list), place, Found::Installed);
    }
    if lists.is_empty() && !named_any {
        for list in project {
            listed(build, state, (index, list), place, Found::Named);
        }
    }
}

/// The packages that a file of the build context lists.
fn listed(
    build: &Build<'_>,
    state: &mut ImageState,
    (index, path): (Index, &str),
    place: &Place,
    most: Found,
) {
    let text = match copy::find(build, state, path) {
        Some(Readable::Inline(text)) => text.as_str().to_owned(),
        Some(Readable::Beside(file)) => String::from_utf8_lossy(&file.bytes).into_owned(),
        // A mount of the build step.
        None => match build.around.read(&build.file.path, path) {
            Some(file) => String::from_utf8_lossy(&file.bytes).into_owned(),
            None => return,
        },
    };
    let lines = text.lines().map(str::trim_start);
    let plain = path.ends_with(".txt");
    for line in lines.filter(|line| !line.starts_with('#')) {
        let line = line.trim_start_matches('\u{feff}');
        // Behind the name of a plain list: when it counts, and why.
        let line = if plain {
            line.split([';', '#']).next().unwrap_or_default()
        } else {
            line
        };
        if plain && line.starts_with('-') {
            continue;
        }
        for (name, version) in names_of(line, path.ends_with(".txt")) {
            for program in fragile() {
                if let Some(by) = program.named(index, &name) {
                    let mut one = Fragile::new(program, place, Found::by(by).min(most));
                    one.version.clone_from(&version);
                    state.add_fragile(one);
                }
            }
        }
    }
}

/// The names of packages in a line of a list, each with its version: at the start of the line, in quotes, and extras.
fn names_of(line: &str, plain: bool) -> Vec<(String, Option<String>)> {
    let mut names = Vec::new();
    let mut before = None;
    for (at, _) in line.match_indices(|c: char| c.is_ascii_alphanumeric() || c == '@') {
        let start = at == 0 || matches!(before_of(line, at), Some('"' | '\'' | '[' | ','));
        let inside = before.is_some_and(|end| at < end);
        let rest = line.get(at..).unwrap_or_default();
        let part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@');
        let name: &str = rest.split(|c| !part(c)).next().unwrap_or_default();
        if inside || !start || plain && at > 0 && before_of(line, at) == Some(' ') {
            continue;
        }
        before = Some(at + name.len());
        let (_, version) = split(rest);
        names.push((normal(name), version.map(str::to_owned)));
    }
    names
}

fn before_of(line: &str, at: usize) -> Option<char> {
    line.get(..at)?.chars().next_back()
}

/// A package's name as the indexes compare it.
fn normal(name: &str) -> String {
    name.to_ascii_lowercase().replace('_', "-")
}

/// `openvino[extra]==2024.1` taken apart: name and version.
fn split(word: &str) -> (&str, Option<&str>) {
    let scoped = usize::from(word.starts_with('@'));
    let ends = |c: char| {
        matches!(
            c,
            '=' | '<' | '>' | '~' | '!' | ';' | '[' | '@' | ' ' | '"' | '\''
        )
    };
    let end = word.get(scoped..).and_then(|rest| rest.find(ends));
    let end = end.map_or(word.len(), |end| end + scoped);
    let (name, rest) = word.split_at_checked(end).unwrap_or((word, ""));
    let exact = rest.split_once("==").map(|(_, version)| version);
    let version = exact.map(|rest| {
        let part = |c: char| !(c.is_ascii_digit() || c == '.');
        rest.trim_start().split(part).next().unwrap_or_default()
    });
    (name, version.filter(|version| !version.is_empty()))
}

fn named(
    state: &mut ImageState,
    index: Index,
    (name, version): (&str, Option<&str>),
    place: &Place,
) {
    let name = normal(name);
    let packaged = index == Index::Distribution;
    for program in fragile() {
        if let Some(by) = program.named(index, &name) {
            let mut found = Found::by(by);
            if packaged {
                match program.is_seen_in(state.platform.release.value().copied()) {
                    Some(true) => {}
                    Some(false) => continue,
                    None => found = Found::Named,
                }
            }
            let mut one = Fragile::new(program, place, found);
            one.packaged = packaged;
            one.version = version.map(str::to_owned);
            state.add_fragile(one);
        }
    }
}

/// The programs that a start script runs; and those that it starts without what breaks them.
pub(super) fn started(
    effects: &[Effect],
    text: &Traced,
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

#[cfg(test)]
mod tests {
    use super::{names_of, split};

    #[test]
    fn names_in_lists() {
        let of = |line: &str, plain| {
            let names = names_of(line, plain).into_iter();
            names
                .map(|(name, version)| format!("{name} {}", version.unwrap_or_default()))
                .collect::<Vec<_>>()
        };
        assert_eq!(of("openvino==2024.1.0  # why", true), ["openvino 2024.1.0"]);
        assert!(of("optimum[openvino]>=1.2", true).contains(&"openvino ".to_owned()));
        assert_eq!(of("  \"playwright>=1.40\",", false), ["playwright "]);
        assert_eq!(
            of("openvino = \"^2024\"", false).first().unwrap(),
            "openvino "
        );
        assert!(!of("description = \"runs on openvino\"", false).contains(&"openvino ".to_owned()));
    }

    #[test]
    fn words_taken_apart() {
        assert_eq!(split("openvino==2024.1"), ("openvino", Some("2024.1")));
        assert_eq!(split("openvino[x]>=2"), ("openvino", None));
        assert_eq!(split("@playwright/test@1.2"), ("@playwright/test", None));
    }
}
