//! Follows the instructions of every stage and keeps what is in force after each.

use std::borrow::Cow;
use std::sync::Arc;

use super::build::{Build, Made, find_arg};
use super::image::{Command, Form, ImageState};
use super::stages::{LastUse, Stage};
use super::syntax::{Args, Dockerfile, Instruction, Keyword, Pair, Word};
use super::{Outside, copy, run};
use crate::facts::{self, Arch};
use crate::model::{Fact, Setting, User, Value, Via};
use crate::surroundings::Surroundings;
use crate::text::SourceFile;

impl<'a> Build<'a> {
    /// Reads all stages.
    pub(super) fn walk(
        file: &'a Arc<SourceFile>,
        dockerfile: &'a Dockerfile,
        globals: &[&Instruction],
        stages: &'a [Stage<'a>],
        around: &'a dyn Surroundings,
        outside: &Outside<'_>,
    ) -> Self {
        let args = dockerfile
            .instructions()
            .filter(|instruction| instruction.keyword == Keyword::Arg);
        let declared = args
            .flat_map(|arg| pairs(&arg.args))
            .map(|pair| pair.key.raw.as_str().to_owned())
            .collect();
        let made = Made {
            declared,
            ..Made::default()
        };
        let mut build = Self::new(file, dockerfile, around, stages, Cow::Owned(made));
        for instruction in globals
            .iter()
            .filter(|instruction| instruction.keyword == Keyword::Arg)
        {
            for pair in pairs(&instruction.args) {
                let value = pair
                    .value
                    .as_ref()
                    .map(|word| build.expand_global(&word.raw));
                let name = pair.key.raw.as_str().to_owned();
                build.made.to_mut().globals.push((name, value));
            }
        }
        let last_uses = LastUse::of(stages, &build.names);
        for (index, stage) in stages.iter().enumerate() {
            let mut state = build.stage(index, stage, &last_uses, outside);
            state.seal();
            build.made.to_mut().states.push(state);
        }
        build
    }

    /// Thousands of stages that stand on each other would each hold all that the ones below made.
    fn forget(&mut self, index: usize, last_uses: &[LastUse]) {
        let Some(parent) = self.made.parents.get(index).copied().flatten() else {
            return;
        };
        let has_command = |state: &ImageState| state.entrypoint.is_some() || state.cmd.is_some();
        if last_uses.get(parent) == Some(&LastUse::Base(index))
            && !self.made.states.get(parent).is_some_and(has_command)
            && let Some(state) = self.made.to_mut().states.get_mut(parent)
        {
            state.forget();
        }
    }

    fn stage(
        &mut self,
        index: usize,
        stage: &'a Stage<'a>,
        last_uses: &[LastUse],
        outside: &Outside<'_>,
    ) -> ImageState {
        let mut state = self.base(index, stage, outside);
        // Before anything is added: what only this stage has then is not copied.
        self.forget(index, last_uses);
        self.made.to_mut().starters.push(state.user.clone());
        if let Some(parent) = self.made.parents.get(index).copied().flatten()
            && let Some(parent) = self.stages.get(parent)
        {
            // Triggers of the stage below run first here.
            for inner in triggers(parent) {
                self.instruction(&mut state, inner);
            }
        }
        for instruction in &stage.body {
            self.instruction(&mut state, instruction);
        }
        if self.stages.len() == index + 1 {
            // The last image is what it will be for those who build on it.
            for inner in triggers(stage) {
                self.instruction(&mut state, inner);
            }
        }
        state
    }

    /// The state a stage starts with.
    fn base(&mut self, index: usize, stage: &Stage<'_>, outside: &Outside<'_>) -> ImageState {
        let from = self.place(stage.from.span);
        let word = stage.base();
        let reference = word.map_or_else(Value::default, |word| self.expand_global(&word.raw));
        let pinned = self.pinned(stage, &reference, outside);
        let named = self.names.find(index, reference.text.as_str(), false);
        let member = || {
            self.names
                .family(index, word.map_or("", |word| word.raw.as_str()))
                .first()
                .copied()
        };
        let parent = named.or_else(member);
        self.made.to_mut().parents.push(parent);
        let Some(below) = parent.and_then(|parent| self.made.states.get(parent)) else {
            let known = reference
                .known()
                .filter(|name| facts::image(name, None).is_none());
            let Some(base) = known.and_then(outside.base) else {
                return ImageState::on_image(&reference, &from, pinned);
            };
            let mut state = base.0.inherited(&from);
            if pinned.value().is_some() {
                state.platform.archs = pinned;
            }
            return state;
        };
        let mut state = below.inherited(&from);
        if pinned.value().is_some() {
            state.platform.archs = pinned;
        } else if named.is_none() {
            // One of several stages, one for each platform: each has what is right on its own.
            let name = reference.text.as_str();
            state.hide("/", format!("the stage is chosen by platform: `{name}`"));
            state.each_platform = true;
        }
        state
    }

    /// The architectures that FROM pins.
    fn pinned(
        &self,
        stage: &Stage<'_>,
        reference: &Value,
        outside: &Outside<'_>,
    ) -> Fact<Vec<Arch>> {
        if let Some(flag) = stage.from.flags.iter().find(|flag| flag.name == "platform")
            && let Some(value) = &flag.value
        {
            let platform = self.expand_global(value);
            if let Some(arch) = platform.known().and_then(Arch::from_docker) {
                return Fact::Known(vec![arch], self.place(flag.span));
            }
        }
        match reference
            .known()
            .and_then(|name| facts::image(name, None))
            .and_then(|image| image.arch)
        {
            Some(arch) => Fact::Known(vec![arch], self.place(stage.from.span)),
            None => match &outside.platforms {
                Some((archs, why)) => Fact::Assumed(archs.clone(), why.clone()),
                None => {
                    Fact::Unknown("nothing in this file pins the platform of this image".into())
                }
            },
        }
    }

    fn instruction(&mut self, state: &mut ImageState, instruction: &'a Instruction) {
        state.step += 1;
        match instruction.keyword {
            Keyword::Env => self.env(state, instruction),
            Keyword::Arg => self.arg(state, instruction),
            Keyword::User => self.user(state, instruction),
            Keyword::Workdir => {
                if let Some(path) = self.first_word(state, instruction) {
                    state.workdir = state.absolute(path.text.as_str());
                }
            }
            Keyword::Shell => {
                if let Args::Json(words) = &instruction.args {
                    state.shell = words
                        .iter()
                        .map(|word| word.value.as_str().to_owned())
                        .collect();
                }
            }
            Keyword::Entrypoint => {
                state.entrypoint = self.command(instruction);
                // A CMD of the base was made for the base's entrypoint: the builder drops it.
                if state
                    .cmd
                    .as_ref()
                    .is_some_and(|cmd| cmd.place.span.end <= state.from.span.start)
                {
                    state.cmd = None;
                }
            }
            Keyword::Cmd => state.cmd = self.command(instruction),
            Keyword::Expose => state.serves = Some(self.place(instruction.span)),
            Keyword::Healthcheck => {
                if let Args::Healthcheck(..) = instruction.args
                    && !instruction.text.as_str().eq_ignore_ascii_case("none")
                {
                    state.serves = Some(self.place(instruction.span));
                }
            }
            Keyword::Volume => {
                let words: Vec<String> = match &instruction.args {
                    Args::Words(words) => words
                        .iter()
                        .map(|word| word.raw.as_str().to_owned())
                        .collect(),
                    Args::Json(words) => words
                        .iter()
                        .map(|word| word.value.as_str().to_owned())
                        .collect(),
                    _ => Vec::new(),
                };
                for path in words {
                    state.hide(&path, "a volume is mounted there");
                }
            }
            Keyword::Copy | Keyword::Add => copy::copy(self, state, instruction),
            Keyword::Run => run::run(self, state, instruction),
            _ => {}
        }
    }

    fn env(&self, state: &mut ImageState, instruction: &Instruction) {
        let settings: Vec<(String, Setting)> = pairs(&instruction.args)
            .map(|pair| {
                let key = self.expand(state, &pair.key.raw).text.as_str().to_owned();
                let value = pair
                    .value
                    .as_ref()
                    .map(|word| self.expand(state, &word.raw))
                    .unwrap_or_default();
                let end = pair.value.as_ref().map_or(pair.key.span, |word| word.span);
                let place = self.place(pair.key.span.join(end));
                (
                    key,
                    Setting {
                        value,
                        place,
                        name_place: self.place(pair.key.span),
                        step: state.step,
                        via: Via::Environment,
                    },
                )
            })
            .collect();
        // All values of one ENV see the environment before it.
        for (key, setting) in settings {
            Arc::make_mut(&mut state.env).set(&key, setting);
        }
    }

    fn arg(&self, state: &mut ImageState, instruction: &Instruction) {
        for pair in pairs(&instruction.args) {
            let name = pair.key.raw.as_str().to_owned();
            let value = match &pair.value {
                Some(word) => Some(self.expand(state, &word.raw)),
                None => find_arg(&self.made.globals, &name).cloned().flatten(),
            };
            state.args.push((name, value));
        }
    }

    fn user(&self, state: &mut ImageState, instruction: &Instruction) {
        let Some(user) = self.first_word(state, instruction) else {
            return;
        };
        state.user = match user.known() {
            Some(name) if !name.is_empty() => {
                Fact::Known(User(name.to_owned()), self.place(instruction.span))
            }
            _ => Fact::Unknown(format!(
                "`{}` is known at build time only",
                user.text.as_str()
            )),
        };
    }

    fn first_word(&self, state: &ImageState, instruction: &Instruction) -> Option<Value> {
        match &instruction.args {
            Args::Words(words) => words
                .first()
                .map(|word: &Word| self.expand(state, &word.raw)),
            Args::Text => Some(self.expand(state, &instruction.text)),
            _ => None,
        }
    }

    fn command(&self, instruction: &Instruction) -> Option<Command> {
        let form = match &instruction.args {
            Args::Json(words) if words.is_empty() => return None,
            Args::Json(words) => Form::Exec(
                words
                    .iter()
                    .map(|word| word.value.as_str().to_owned())
                    .collect(),
            ),
            Args::None => return None,
            _ => Form::Shell(instruction.text.clone()),
        };
        Some(Command {
            place: self.place(instruction.span),
            form,
        })
    }
}

/// The inner instructions of a stage's ONBUILD triggers.
fn triggers<'a>(stage: &Stage<'a>) -> impl Iterator<Item = &'a Instruction> {
    stage
        .body
        .iter()
        .filter_map(|instruction| match &instruction.args {
            Args::Onbuild(inner) => Some(&**inner),
            _ => None,
        })
}

fn pairs(args: &Args) -> impl Iterator<Item = &Pair> {
    match args {
        Args::Pairs(pairs) => pairs.as_slice(),
        _ => &[],
    }
    .iter()
}
