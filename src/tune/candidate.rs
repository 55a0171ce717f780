//! A setting that is measured: a library and variables, and how it is written down.

use std::collections::BTreeSet;

use crate::facts::{Family, Libc, allocator_variable, near_miss, tunable, tunables};

use super::error::TuneError;
use super::libraries::Library;
use super::schedule::Random;
use super::search_space::{self, Which};

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// What reports call it.
    pub name: String,
    /// Why it is tried.
    pub origin: Origin,
    /// What is preloaded.
    pub library: Option<Library>,
    /// The variables.
    pub env: Vec<(String, String)>,
}

/// Why a setting is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The C library without any setting: what all is compared with.
    Baseline,
    /// What malloclint was started with.
    Current,
    /// It was asked for.
    Asked,
    /// `fix` would write it.
    Fix,
    /// People use it; with its source.
    Known(&'static str),
    /// Drawn from all combinations.
    Drawn,
}

/// So many drawings in a row that bring nothing new end the drawing.
const VAIN: usize = 200;

impl Candidate {
    /// The C library's own allocator.
    pub(super) fn baseline() -> Self {
        Self {
            name: "glibc".into(),
            origin: Origin::Baseline,
            library: None,
            env: Vec::new(),
        }
    }

    /// As it is called where the C library is another.
    pub(super) fn rename_libc(&mut self, libc: Libc) {
        if self.origin == Origin::Baseline {
            self.name = libc.to_string();
        }
    }

    pub(super) fn new(
        origin: Origin,
        library: Option<&Library>,
        env: Vec<(String, String)>,
    ) -> Self {
        let family = library.map_or_else(|| "glibc".into(), |library| library.family.to_string());
        let name = |(name, value): &(String, String)| match name.as_str() {
            "MALLOC_CONF" => value.clone(),
            _ => format!("{name}={value}"),
        };
        let settings: Vec<String> = env.iter().map(name).collect();
        let name = format!("{family} {}", settings.join(" "))
            .trim_end()
            .to_owned();
        Self {
            name,
            origin,
            library: library.cloned(),
            env,
        }
    }

    /// Whether it is what is set anyway, and nothing is known of it.
    #[must_use]
    pub(crate) fn is_current(&self) -> bool {
        self.origin == Origin::Current
    }

    /// What malloclint was started with.
    pub(super) fn current(env: &[(String, String)]) -> Self {
        Self {
            name: "current".into(),
            origin: Origin::Current,
            library: None,
            env: env.to_vec(),
        }
    }

    /// The value of a variable.
    #[must_use]
    pub(crate) fn variable(&self, name: &str) -> Option<&str> {
        self.env
            .iter()
            .find(|(own, _)| own == name)
            .map(|(_, value)| value.as_str())
    }

    fn key(&self) -> (Option<&str>, Vec<(String, String)>) {
        let mut env = self.env.clone();
        for (name, value) in &mut env {
            if name == "MALLOC_CONF" {
                let mut pairs: Vec<&str> = value.split(',').collect();
                pairs.sort_unstable();
                *value = pairs.join(",");
            }
        }
        env.sort();
        (
            self.library.as_ref().map(|library| library.path.as_str()),
            env,
        )
    }
}

/// What the user asks for with `--try`: `NAME=VALUE`, several separated by blanks.
pub(super) fn asked(text: &str, libraries: &[Library]) -> Result<Candidate, TuneError> {
    let wrong = |why: String| TuneError::Options(format!("--try `{text}`: {why}"));
    let mut env = Vec::new();
    let mut family = None;
    for word in text.split_ascii_whitespace() {
        let Some((name, value)) = word.split_once('=') else {
            return Err(wrong(format!("`{word}` is no NAME=VALUE")));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(plain) {
            return Err(wrong(format!("`{name}` is no name of a variable")));
        }
        if name == "LD_PRELOAD" {
            return Err(wrong(
                "name the library with `--libs`, and its variables here".into(),
            ));
        }
        if let Some(meant) = meant(name) {
            return Err(wrong(format!("nothing reads `{name}`: `{meant}` is meant")));
        }
        family = family.or_else(|| preloadable(name));
        // An empty one is none: jemalloc's defaults.
        if (name, value) != ("MALLOC_CONF", "") {
            env.push((name.to_owned(), value.to_owned()));
        }
    }
    if env.is_empty() && family.is_none() {
        return Err(wrong("it sets nothing".into()));
    }
    let library = match family {
        None => None,
        Some(family) => {
            let found = libraries.iter().find(|library| library.family == family);
            Some(found.ok_or_else(|| {
                wrong(format!(
                    "{family} is not among the allocators that are tried"
                ))
            })?)
        }
    };
    Ok(Candidate::new(Origin::Asked, library, env))
}

/// The allocator that is preloaded for a variable; that of a library of one's own is there anyway.
fn preloadable(name: &str) -> Option<Family> {
    let variable = allocator_variable(name)?;
    variable.reader.is_none().then_some(variable.family)
}

/// The variable that a name is a misspelling of.
fn meant(name: &str) -> Option<&'static str> {
    let aliases = tunables()
        .iter()
        .filter_map(|tunable| tunable.alias.as_deref());
    let known = ["MALLOC_CONF", "PYTHONMALLOC", "GLIBC_TUNABLES"]
        .into_iter()
        .chain(aliases);
    let mut other_case = known.filter(|known| known.eq_ignore_ascii_case(name) && *known != name);
    other_case
        .next()
        .or_else(|| near_miss(name)?.alias.as_deref())
}

/// The variables of a setting that no allocator reads, as far as is known.
pub(super) fn unread(candidate: &Candidate) -> impl Iterator<Item = &str> {
    let read = |name: &&str| {
        matches!(*name, "LD_PRELOAD" | "PYTHONMALLOC" | "GLIBC_TUNABLES")
            || allocator_variable(name).is_some()
            || tunable(name).is_some()
    };
    let names = candidate.env.iter().map(|(name, _)| name.as_str());
    names.filter(move |name| !read(name))
}

/// The settings that are tried besides the anchors, each once: what was asked for, what people use, and
/// of all combinations as many as are wanted. `takes` says whether a library takes a `MALLOC_CONF`.
pub(super) fn others(
    anchors: &[Candidate],
    asked: Vec<Candidate>,
    allocators: &[Which],
    libraries: &[Library],
    most: usize,
    random: &mut Random,
    takes: &dyn Fn(&Library, &str) -> bool,
) -> Vec<Candidate> {
    let mut all = Vec::new();
    let owned = |candidate: &Candidate| {
        let (path, env) = candidate.key();
        (path.map(str::to_owned), env)
    };
    let mut seen: BTreeSet<_> = anchors.iter().map(owned).collect();
    let mut add = |candidate: Candidate, all: &mut Vec<Candidate>| {
        let new = seen.insert(owned(&candidate));
        if new {
            all.push(candidate);
        }
        new
    };
    for candidate in asked {
        add(candidate, &mut all);
    }
    for preset in search_space::presets()
        .iter()
        .filter(|preset| allocators.contains(&preset.allocator))
    {
        let env = preset.env.clone().into_iter().collect();
        let of_family = |library: &&Library| Some(library.family) == preset.allocator.family();
        match preset.allocator.family() {
            None => {
                add(
                    Candidate::new(Origin::Known(&preset.source), None, env),
                    &mut all,
                );
            }
            Some(_) => {
                for library in libraries.iter().filter(of_family) {
                    add(
                        Candidate::new(Origin::Known(&preset.source), Some(library), env.clone()),
                        &mut all,
                    );
                }
            }
        }
    }
    // A library that nobody knows settings for is tried as it is.
    for library in libraries {
        add(
            Candidate::new(Origin::Asked, Some(library), Vec::new()),
            &mut all,
        );
    }
    let jemalloc = libraries
        .iter()
        .find(|library| library.family == Family::Jemalloc);
    let mut vain = 0;
    while let Some(library) = jemalloc.filter(|_| all.len() < most && vain < VAIN) {
        let conf = search_space::draw(random);
        let env = vec![("MALLOC_CONF".to_owned(), conf.clone())];
        // What this version does not know would only be discarded: another is drawn instead.
        let fresh = !conf.is_empty()
            && takes(library, &conf)
            && add(Candidate::new(Origin::Drawn, Some(library), env), &mut all);
        vain = if fresh { 0 } else { vain + 1 };
    }
    all.truncate(most);
    tell_apart(&mut all);
    all
}

/// Settings of several libraries of one kind are told apart by the library.
fn tell_apart(all: &mut [Candidate]) {
    let names: Vec<String> = all.iter().map(|one| one.name.clone()).collect();
    let several = |name: &String| names.iter().filter(|other| *other == name).count() > 1;
    for candidate in all {
        if let Some(library) = candidate
            .library
            .as_ref()
            .filter(|_| several(&candidate.name))
        {
            candidate.name = format!("{} ({})", candidate.name, library.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::libraries::jemalloc;

    fn tried(text: &str) -> Result<Candidate, String> {
        asked(text, &[jemalloc()]).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for_finds_its_library() {
        let candidate = tried("MALLOC_CONF=narenas:1,tcache:false").unwrap();
        assert_eq!(candidate.name, "jemalloc narenas:1,tcache:false");
        assert_eq!(candidate.library, Some(jemalloc()));
        let candidate = tried("MALLOC_ARENA_MAX=1 PYTHONMALLOC=malloc").unwrap();
        assert_eq!(
            candidate.name,
            "glibc MALLOC_ARENA_MAX=1 PYTHONMALLOC=malloc"
        );
        assert_eq!(tried("MALLOC_CONF=").unwrap().name, "jemalloc");
        assert_eq!(tried("_RJEM_MALLOC_CONF=narenas:1").unwrap().library, None);
        let unknown = tried("MALLOC_ARENA_MAX=1 FOO=1").unwrap();
        assert_eq!(unread(&unknown).collect::<Vec<_>>(), ["FOO"]);
        for (text, word) in [
            ("narenas:1", "no NAME=VALUE"),
            ("", "sets nothing"),
            ("LD_PRELOAD=x.so MALLOC_CONF=narenas:1", "--libs"),
            ("MIMALLOC_PURGE_DELAY=0", "mimalloc is not among"),
            (
                "MALLOC_TRIM_THRESHOLD=0",
                "`MALLOC_TRIM_THRESHOLD_` is meant",
            ),
            ("malloc_conf=narenas:1", "`MALLOC_CONF` is meant"),
            ("malloc_arena_max=1", "`MALLOC_ARENA_MAX` is meant"),
            ("=1", "no name of a variable"),
        ] {
            let error = tried(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn each_setting_is_tried_once_and_what_is_not_taken_never() {
        let mut random = Random(3);
        let takes = |_: &Library, conf: &str| !conf.contains("metadata_thp");
        let own = tried("MALLOC_CONF=tcache:false,narenas:1").unwrap();
        let which = [Which::Glibc, Which::Jemalloc];
        let library = [jemalloc()];
        let always = Candidate::new(Origin::Fix, library.first(), own.env.clone());
        let anchors = [Candidate::baseline(), always];
        let all = others(
            &anchors,
            vec![own],
            &which,
            &library,
            40,
            &mut random,
            &takes,
        );
        assert_eq!(all.len(), 40);
        let asked = |candidate: &&Candidate| candidate.origin == Origin::Asked;
        assert_eq!(all.iter().find(asked), None, "it is an anchor already");
        let keys: BTreeSet<_> = all
            .iter()
            .map(|candidate| format!("{:?}", candidate.key()))
            .collect();
        assert_eq!(keys.len(), 40, "the order of options makes no new setting");
        let drawn = all
            .iter()
            .filter(|candidate| candidate.origin == Origin::Drawn);
        assert!(drawn.clone().count() > 20);
        assert!(
            drawn
                .clone()
                .all(|candidate| !candidate.name.contains("metadata_thp"))
        );
    }
}
