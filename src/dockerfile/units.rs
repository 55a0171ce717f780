//! From the states of stages to units: what the images that can come out of the file will be like.

mod container;
mod role;
mod strays;
mod unseen;

use std::collections::BTreeSet;

use super::build::Build;
use super::evidence;
use super::image::{CopySource, Form, ImageState};
use super::stages;
use super::start::{self, Ended, Started};
use crate::facts::{Arch, Image, Libc, Manager, programs};
use crate::model::{
    Fact, Library, Limits, Outcome, Platform, Preload, Reach, Replaced, Role, Setting, Source,
    Stray, Unit, User, Via, entries_of, family_of, judge, matches,
};
use crate::text::Place;
use crate::text::paths;
pub(super) use container::{of_image_from_elsewhere, of_stage};
use strays::OtherStages;
pub(crate) use unseen::Search;
pub(super) use unseen::switched_off;

/// So many entries of one list are judged: nobody means more.
const ENTRIES: usize = 64;

/// The units of all stages that can be an image of their own, each with where it stands in the text.
pub(super) fn units(build: &Build<'_>, targets: &[String]) -> Vec<(Unit, Site)> {
    let used = stages::used(build.stages, &build.names);
    let strays = OtherStages::of(build);
    let last = build.stages.len().saturating_sub(1);
    // Without a name nobody can build it, where it is not the last one.
    let named = |index: usize| {
        build
            .stages
            .get(index)
            .is_some_and(|stage| stage.name.is_some())
    };
    let leaf =
        |index: usize| index == last || named(index) && !used.get(index).copied().unwrap_or(false);
    let leaves: Vec<(usize, Started)> = (0..build.stages.len())
        .filter(|index| leaf(*index))
        .filter_map(|index| Some((index, start::follow(build, build.made.states.get(index)?))))
        .collect();
    let mut served = production(build, &leaves);
    let asked = role::targets(build, targets);
    served.extend(asked.iter().filter(|index| !leaf(**index)));
    let served = served.into_iter();
    let served = served
        .filter_map(|index| Some((index, start::follow(build, build.made.states.get(index)?))));
    let mut images: Vec<(usize, Started)> = served.collect();
    images.extend(leaves);
    images.sort_by_key(|(index, _)| *index);
    let mut units: Vec<(Unit, Site)> = images
        .into_iter()
        .filter_map(|(index, started)| {
            let mut unit = unit(build, &strays, index, index == last, &started)?;
            if let Some(why) = role::beside(build, index, &asked) {
                unit.role = Role::Build(why);
            }
            let mut site = site(build, index, &started, &unit)?;
            site.search = site.search.filter(|_| unit.unseen_settings.is_none());
            Some((unit, site))
        })
        .collect();
    let several = units.len() > 1;
    units
        .iter_mut()
        .for_each(|(unit, _)| unit.siblings = several);
    units
}

/// The environments of the stages that others take something of: no image comes of them, but their own steps run in them.
pub(super) fn passing(build: &Build<'_>) -> Vec<Unit> {
    let used = stages::used(build.stages, &build.names);
    let strays = OtherStages::of(build);
    let passing = (0..build.stages.len()).filter(|at| used.get(*at).copied().unwrap_or(false));
    let units = passing.filter_map(|index| {
        let started = start::follow(build, build.made.states.get(index)?);
        unit(build, &strays, index, false, &started)
    });
    units.collect()
}

/// The stages that start the service where only stages for developers or tests stand on them.
fn production(build: &Build<'_>, leaves: &[(usize, Started)]) -> BTreeSet<usize> {
    let (mut aside, mut others) = (BTreeSet::new(), BTreeSet::new());
    for (index, started) in leaves {
        if role::aside(build, *index, started).is_some() {
            aside.extend(role::served_by(build, *index));
        } else {
            others.extend(chain(build, *index));
        }
    }
    aside.retain(|index| !others.contains(index));
    aside
}

/// A stage and those that it stands on, from the top.
fn chain(build: &Build<'_>, index: usize) -> impl Iterator<Item = usize> {
    let parent = |at: &usize| build.made.parents.get(*at).copied().flatten();
    std::iter::successors(Some(index), parent)
}

/// Where a unit stands in the text of its Dockerfile: what those need who write into it.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    /// The stage, counted from 0.
    pub(super) stage: usize,
    /// Who it starts as.
    pub(super) starter: Fact<User>,
    /// The stage that says what runs, and who that starts as, where it is one that this stands on and the unit has nothing
    /// of an allocator yet: what all its images lack is added there.
    pub(super) serving: Option<(usize, Fact<User>)>,
    /// The Python that runs the process, by name or path; or why that cannot be told.
    pub(super) interpreter: Result<String, String>,
    /// What is to be searched before a setting of the unit is called missing.
    pub search: Option<Search>,
}

impl Site {
    /// The stage, counted from 0.
    pub(crate) const fn stage(&self) -> usize {
        self.stage
    }
}

fn site(build: &Build<'_>, stage: usize, started: &Started, unit: &Unit) -> Option<Site> {
    let starter = build.made.starters.get(stage)?.clone();
    let state = build.made.states.get(stage)?;
    Some(Site {
        stage,
        starter,
        serving: serving(build, stage, unit),
        interpreter: start::interpreter(state, started),
        search: unseen::search(state, started, true),
    })
}

/// The stage below that says what runs, and who it starts as: all images that start the same are helped where they are
/// told to start it.
fn serving(build: &Build<'_>, stage: usize, unit: &Unit) -> Option<(usize, Fact<User>)> {
    let set = |name: &str| unit.env.get(name).is_some();
    if unit.mentions_allocator() || set("LD_PRELOAD") || set("MALLOC_CONF") {
        return None;
    }
    let state = build.made.states.get(stage)?;
    let commands = state.cmd.iter().chain(&state.entrypoint);
    let own = commands.filter(|command| command.place.same_file(&state.from));
    let command = own.map(|command| command.place.span.start).max()?;
    let says = |at: &usize| {
        let from = build.stages.get(*at).map(|stage| stage.from.span.start);
        from.is_some_and(|from| from <= command)
    };
    let at = chain(build, stage).find(says).filter(|at| *at != stage)?;
    Some((at, build.made.starters.get(at)?.clone()))
}

/// The program that installs conda's packages, where the stage's Python is conda's.
fn conda(state: &ImageState) -> Option<&'static str> {
    let image = state.image.as_ref();
    let prefix = image.and_then(|image| image.python_prefix.as_deref());
    let mut installs = state.installs.iter();
    let install = installs.find(|install| install.manager == Manager::Conda);
    let of_base = prefix.is_some_and(|prefix| prefix.contains("conda"));
    if !of_base && install.is_none() {
        return None;
    }
    let text = install.map(|install| install.place.file.text(install.place.span));
    let named = [state.base.as_str(), text.as_deref().unwrap_or_default()];
    let micro = named.iter().any(|text| text.contains("micromamba"));
    Some(if micro { "micromamba" } else { "conda" })
}

fn unit(
    build: &Build<'_>,
    elsewhere: &OtherStages,
    index: usize,
    last: bool,
    started: &Started,
) -> Option<Unit> {
    let state = build.made.states.get(index)?;
    let role = role::of(build, index, last, started);
    let strays = elsewhere.seen_from(build, index);
    let unseen = unseen::of_image(state, started);
    let name = name(build, index);
    let mut unit = assemble(state, started, strays, role, name, unseen);
    evidence::give(&mut unit, build, state, started);
    unit.stages = chain(build, index).collect();
    let serving = serving(build, index, &unit);
    if let Some(below) = serving.and_then(|(stage, _)| build.made.states.get(stage)) {
        unit.install_at = install_at(below);
    }
    Some(unit)
}

/// The unit of a stage or image in that state.
fn assemble(
    state: &ImageState,
    started: &Started,
    elsewhere: Vec<Stray>,
    role: Role,
    name: String,
    unseen_settings: Option<String>,
) -> Unit {
    let mut strays: Vec<Stray> = state.strays.iter().cloned().collect();
    if unseen::reads_start_files(state, started) {
        // The service's own shell reads those files: what they set does reach it.
        strays.retain(|stray| !matches!(stray.reach, Reach::Shells(_)));
    }
    // A file that the start script reads reaches the service.
    let read = |stray: &Stray| matches!(&stray.reach, Reach::Shells(path) if started.sourced.contains(path));
    strays.retain(|stray| !read(stray));
    strays.extend(started.strays.iter().cloned());
    strays.extend(elsewhere);
    let mut unit = Unit {
        name,
        place: state.from.clone(),
        install_at: install_at(state),
        role,
        python: python(state, started),
        platform: platform(state),
        env: started.settings.over(state),
        libraries: state.libraries.to_vec(),
        extra_libraries: state.extra_libraries.to_vec(),
        opaque: state.opaque.to_vec(),
        search_dirs: search_dirs(state),
        preloads: Vec::new(),
        overridden: Vec::new(),
        linked: state.linked.iter().cloned().collect(),
        process: started.process.clone(),
        evidence: Vec::new(),
        native_threads: None,
        bundled: Vec::new(),
        python_build: None,
        seen: None,
        user: state.user.clone(),
        strays,
        strips: state
            .strips
            .iter()
            .chain(&started.strips)
            .cloned()
            .collect(),
        fragile: started.fragile(state),
        privileged: started.privileged.clone(),
        installs: state.installs.iter().cloned().collect(),
        start_replaces_preload: None,
        unseen_settings,
        unknown_base: state.image.is_none().then(|| state.base.clone()),
        doubt: None,
        stages: Vec::new(),
        siblings: false,
        compiles: state.compiles,
        conda: conda(state),
        source: Source::Own,
        limits: Limits::default(),
        env_faults: Vec::new(),
        thread_hook: state.thread_hook,
        thread_wanted: false,
    };
    let made = started.settings.preloads(state);
    let own = own_preloads(&unit);
    unit.overridden = if made.anew { own.clone() } else { Vec::new() };
    let (kept, lost) = if made.anew {
        (Vec::new(), own)
    } else {
        (own, Vec::new())
    };
    unit.start_replaces_preload = replaces(&unit, state, made.ended, lost);
    if let Some(replaced) = &unit.start_replaces_preload {
        unit.overridden.extend(replaced.lost.iter().cloned());
    }
    let others = state.preloads.iter().chain(&made.made);
    let others = others.flat_map(|made| judged(&unit, &made.setting, made.conditional));
    unit.preloads = kept.into_iter().chain(others).collect();
    unit
}

fn name(build: &Build<'_>, index: usize) -> String {
    match build
        .stages
        .get(index)
        .and_then(|stage| stage.name.as_deref())
    {
        Some(name) => format!("stage `{name}`"),
        None if build.stages.len() == 1 => "the image".into(),
        None => format!("stage {}", index + 1),
    }
}

/// What the image's own environment preloads, judged.
fn own_preloads(unit: &Unit) -> Vec<Preload> {
    let Some(var) = unit.env.get("LD_PRELOAD") else {
        return Vec::new();
    };
    let vanished = vanished(&var.now).into_iter();
    vanished.chain(judged(unit, &var.now, false)).collect()
}

/// A list that is empty because a variable in it is: `ENV LD_PRELOAD=${LIB}` without `ARG LIB`.
fn vanished(setting: &Setting) -> Option<Preload> {
    let value = &setting.value;
    let erased = value
        .erased
        .iter()
        .find(|erased| erased.name != "LD_PRELOAD");
    let erased = erased.filter(|_| value.text.as_str().trim_matches([':', ' ']).is_empty())?;
    Some(Preload {
        name: String::new(),
        place: erased.place.clone(),
        family: Some(crate::facts::Family::Other),
        via: Via::Environment,
        step: setting.step,
        conditional: false,
        outcome: Outcome::NotExpanded(format!("${}", erased.name)),
    })
}

fn judged<'a>(
    unit: &'a Unit,
    setting: &'a Setting,
    conditional: bool,
) -> impl Iterator<Item = Preload> + 'a {
    let (text, via) = (setting.value.text.as_str(), setting.via);
    let entries = entries_of(unit, text).into_iter().take(ENTRIES);
    entries.map(move |range| {
        let name = text.get(range.clone()).unwrap_or_default().to_owned();
        let of_path = || {
            unit.libraries
                .iter()
                .find(|library| library.path.as_str() == name)
        };
        let family = family_of(&name).or_else(|| of_path().map(|library| library.family));
        let musl = unit.platform.libc.value() == Some(&Libc::Musl);
        let outcome = if via == Via::File && musl {
            Outcome::Unread
        } else if via == Via::Environment || !name.contains('*') {
            judge(unit, &setting.value, &range)
        } else {
            computed(unit, &name, family)
        };
        // A folder that a build argument names is right on the platform it is passed for.
        let passed = via == Via::Environment && !setting.value.text.is_verbatim(range.clone());
        let outcome = match outcome {
            Outcome::WorksOn(_, library) if passed => Outcome::Works(library),
            outcome => outcome,
        };
        let (place, step) = (setting.part(range), setting.step);
        Preload {
            name,
            place,
            family,
            via,
            step,
            conditional,
            outcome,
        }
    })
}

/// An entry whose text is put together when it is written or when the container starts: what is literal in it is judged.
fn computed(unit: &Unit, name: &str, family: Option<crate::facts::Family>) -> Outcome {
    let file = paths::file_name(name);
    let called = |library: &Library| {
        matches(file, library.path.file_name()) || matches(library.path.file_name(), file)
    };
    let own = || {
        unit.libraries
            .iter()
            .filter(|library| Some(library.family) == family)
    };
    let lies = |library: &Library| {
        let shapes = Arch::ALL.map(|arch| library.path.on(arch));
        name.starts_with('*') || shapes.iter().any(|path| matches(name, path))
    };
    // The name of an unknown release's file is a pattern itself.
    let open = |library: &Library| library.path.as_str().contains('*');
    let unseen = unit.opaque.iter().any(|opaque| !opaque.weak);
    let named = || own().filter(|library| called(library));
    match (named().next(), own().next()) {
        (Some(first), _) => match named().find(|library| open(library) || lies(library)) {
            Some(library) => Outcome::Works(library.clone()),
            None if unseen => Outcome::Works(first.clone()),
            None => Outcome::WrongPath(first.clone()),
        },
        (None, Some(other)) if !unseen => Outcome::WrongSoname(other.clone()),
        (None, Some(other)) => Outcome::Works(other.clone()),
        (None, None) => {
            Outcome::Unknown("the path is put together when the container starts".into())
        }
    }
}

/// Where a missing installation goes: an installation of this stage as root, else its FROM.
fn install_at(state: &ImageState) -> Place {
    let from = &state.from;
    let own = |place: &Place| place.same_file(from) && place.span.start > from.span.start;
    let fits = |install: &&std::sync::Arc<crate::model::Install>| {
        install.manager != Manager::Conda
            && own(&install.place)
            && install.user.value().is_some_and(User::is_root)
    };
    state
        .installs
        .iter()
        .find(fits)
        .map_or_else(|| from.clone(), |install| install.place.clone())
}

fn python(state: &ImageState, started: &Started) -> Fact<crate::model::Python> {
    // The command may name another interpreter than the first that was installed.
    if let (Some(program), Some(place)) = (started.process.argv.first(), &started.process.place)
        && let Some(version) = version_of(program)
        && state
            .python
            .value()
            .is_some_and(|python| python.version != Some(version))
    {
        let python = crate::model::Python {
            version: Some(version),
            pypy: false,
        };
        return Fact::Known(python, place.clone());
    }
    if let Some(python) = state.python.value() {
        if let (None, Some(version), Fact::Known(_, place)) =
            (python.version, distributions(state, started), &state.python)
        {
            let version = Some(version);
            return Fact::Known(crate::model::Python { version, ..*python }, place.clone());
        }
        return state.python.clone();
    }
    let program = started
        .process
        .argv
        .first()
        .map(|program| crate::text::paths::base_name(program));
    match (program, &started.process.server, &started.process.place) {
        (Some(program), server, Some(place))
            if crate::model::is_python(program)
                || programs::is_python_server(server.as_deref()) =>
        {
            Fact::Known(
                crate::model::Python {
                    version: None,
                    pypy: false,
                },
                place.clone(),
            )
        }
        _ => state.python.clone(),
    }
}

/// The version of the distribution's `python3`, where surely that is what the command starts: by its own path or by the
/// name, with nothing before it and no other interpreter in the way.
fn distributions(state: &ImageState, started: &Started) -> Option<(u8, u8)> {
    let program = started.process.argv.first()?.as_str();
    let place = started.process.place.as_ref()?;
    let here = state.distribution_python && place.same_file(&state.from);
    let text = place.file.text(place.span);
    let mut words =
        text.split(|c: char| c.is_whitespace() || matches!(c, '[' | ']' | '"' | '\'' | ','));
    let first =
        words.find(|word| !matches!(*word, "" | "CMD" | "ENTRYPOINT" | "cmd" | "entrypoint"))?;
    let replaced = state.placed.iter().any(|(_, to)| to.contains("python"));
    let in_the_way = state.env.get("PATH").is_some()
        || state.compiles
        || state
            .copies
            .iter()
            .any(|copy| copy.from != CopySource::Context);
    let named = program == "/usr/bin/python3" || program == "python3" && !in_the_way;
    let version = state.platform.release.value()?.python;
    version.filter(|_| here && !replaced && named && first == program)
}

/// The version in an interpreter's file name: `python3.13`.
fn version_of(program: &str) -> Option<(u8, u8)> {
    let minor = crate::text::paths::base_name(program).strip_prefix("python3.")?;
    let minor = minor.trim_end_matches('t').trim_end_matches("-nogil");
    minor.parse().ok().map(|minor| (3, minor))
}

fn platform(state: &ImageState) -> Platform {
    let mut platform = state.platform.clone();
    if state.each_platform
        && let Some(arch) = named_arch(state)
    {
        platform.archs = Fact::Assumed(vec![arch], "there is a stage for each platform".into());
    }
    if let (Some((arch, why)), None) = (&state.arch_bound, platform.archs.value()) {
        platform.archs = Fact::Assumed(vec![*arch], format!("`{why}` is for one architecture"));
    }
    platform
}

/// The architecture whose folder the preload names, where a stage was made for it.
fn named_arch(state: &ImageState) -> Option<crate::facts::Arch> {
    let var = state.env.get("LD_PRELOAD")?;
    var.now
        .value
        .text
        .as_str()
        .split('/')
        .find_map(crate::facts::Arch::from_triplet)
}

fn search_dirs(state: &ImageState) -> Vec<String> {
    let mut dirs: Vec<String> = state.search_dirs.iter().cloned().collect();
    if let Some(var) = state.env.get("LD_LIBRARY_PATH") {
        dirs.extend(
            var.now
                .value
                .text
                .as_str()
                .split(':')
                .filter(|dir| dir.starts_with('/'))
                .map(str::to_owned),
        );
    }
    dirs
}

/// What ends `LD_PRELOAD` when the container starts: the base's own entrypoint where it is kept, or a script.
fn replaces(
    unit: &Unit,
    state: &ImageState,
    ended: Option<Ended>,
    mut lost: Vec<Preload>,
) -> Option<Replaced> {
    if let Some(ended) = ended {
        let made = ended.lost.iter();
        lost.extend(made.flat_map(|made| judged(unit, &made.setting, made.conditional)));
        return Some(Replaced {
            why: ended.why,
            sometimes: false,
            switch: None,
            taken_at: ended.taken_at,
            lost,
        });
    }
    let image = state
        .image
        .as_ref()
        .filter(|_| state.entrypoint.is_none())?;
    let why = image.overwrites_preload.clone()?;
    let off = |(name, value): &(String, String)| {
        let var = state.env.get(name);
        var.is_some_and(|var| value == "*" || var.now.value.known() == Some(value))
    };
    if !starts_as_made(image, state) || image.switched_off_by.iter().any(off) {
        return None;
    }
    Some(Replaced {
        why,
        sometimes: image.overwrites_sometimes,
        switch: image.switch.clone(),
        taken_at: None,
        lost: Vec::new(),
    })
}

/// Whether what starts is what the image's own start-up of the preload is made for.
fn starts_as_made(image: &Image, state: &ImageState) -> bool {
    let Some(command) = &state.cmd else {
        return true;
    };
    let listed = |word: &str| image.overwrites_in.iter().any(|listed| listed == word);
    image.overwrites_in.is_empty()
        || match &command.form {
            Form::Exec(words) => words.first().is_some_and(|word| listed(word)),
            Form::Shell(text) => text.as_str().split_whitespace().any(listed),
        }
}
