//! What of a start script takes place before the service, in which order, and whether it reaches it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use super::words::{is_positional, plain};
use crate::model::{ProcessKind, recognise};
use crate::shell::effects::{Called, Effect, EffectKind, Reach, Reading};
use crate::shell::syntax::{Context, Word};
use crate::text::{Place, Traced};

/// A script that is being followed.
#[derive(Clone, Copy)]
pub(super) struct Script<'a> {
    pub(super) reading: &'a Reading,
    pub(super) text: &'a Traced,
    pub(super) file: &'a Place,
    /// What it was started with; nothing where that is not known.
    pub(super) positional: &'a [String],
}

impl Script<'_> {
    pub(super) fn place(&self, range: &Range<usize>) -> Place {
        let span = self.text.source(range.clone());
        span.map_or_else(|| self.file.clone(), |span| self.file.at(span))
    }
}

/// The command of a script that is the service, and what is run before it.
pub(super) struct Service<'a> {
    script: Script<'a>,
    context: Context,
    range: Range<usize>,
    /// Effects from here on come too late.
    until: usize,
    /// Its own place among the effects.
    at: usize,
    /// The function that it stands in, and that is called behind it.
    within: Option<usize>,
    /// The script starts others, too, and a branch decides which.
    pub(super) one_of_several: bool,
    /// The same, and another program is among them.
    pub(super) among_others: bool,
    /// The functions of the script.
    calls: BTreeMap<String, Calls>,
}

impl<'a> Service<'a> {
    pub(super) fn of(script: Script<'a>, at: Option<usize>) -> Self {
        let (effects, scopes) = (&script.reading.effects, &script.reading.scopes);
        let service = at.and_then(|at| effects.get(at));
        let at = at.unwrap_or(effects.len());
        let (context, range) = service
            .map_or((Context::default(), usize::MAX..usize::MAX), |effect| {
                (effect.context, effect.range.clone())
            });
        // A service inside a function runs where that is called.
        let call = scopes.functions(context).find_map(|(name, scope)| {
            let call = runs_of(effects, name).filter(|call| *call > at).last()?;
            Some((call, scope))
        });
        let program = |effect: &Effect| match &effect.kind {
            EffectKind::Run { words, .. } => words.first().and_then(Word::literal),
            _ => None,
        };
        let serves = |effect: &Effect| match &effect.kind {
            EffectKind::Run { words, .. } => {
                let found = recognise(&plain(words));
                found.is_some_and(|found| found.kind != ProcessKind::OneShot)
            }
            _ => false,
        };
        let others = effects.iter().enumerate();
        let mut others = others
            .filter(|(index, effect)| *index != at && serves(effect))
            .map(|(_, effect)| program(effect))
            .peekable();
        let any = others.peek().is_some();
        let own = service.and_then(program);
        let others = others.any(|other| other != own);
        let chosen =
            context.conditional || context.pipeline || scopes.functions(context).next().is_some();
        let mut service = Self {
            script,
            context,
            range,
            until: call.map_or(at, |(call, _)| call),
            at,
            within: call.map(|(_, scope)| scope),
            one_of_several: service.is_some() && chosen && any,
            among_others: service.is_some() && chosen && others,
            calls: BTreeMap::new(),
        };
        service.find_calls();
        service
    }

    /// Whether an effect is about the very command that is the service.
    pub(super) fn is_inside(&self, effect: &Effect) -> bool {
        effect.range.start <= self.range.start && self.range.end <= effect.range.end
    }

    /// The effects before the service, in the order in which they take place, and whether they reach it. What a
    /// function does takes place where that is called.
    pub(super) fn order(&self) -> Vec<(usize, Reach)> {
        let effects = &self.script.reading.effects;
        let scopes = &self.script.reading.scopes;
        let late = |index: usize, effect: &Effect| {
            let behind = index > self.at;
            let inside = self
                .within
                .is_some_and(|scope| scopes.is_in(effect.context, scope));
            index >= self.until || behind && inside
        };
        let early = effects.iter().enumerate();
        let early = early.filter(|(index, effect)| !late(*index, effect));
        let mut all: Vec<(usize, usize, Reach)> = early
            .map(|(index, effect)| {
                let (when, reach) = self.takes_place(index, effect);
                (when, index, reach)
            })
            .collect();
        all.sort_by_key(|(when, index, _)| (*when, *index));
        all.into_iter()
            .map(|(_, index, reach)| (index, reach))
            .collect()
    }

    /// When an effect takes place, and whether what it does reaches the service.
    fn takes_place(&self, index: usize, effect: &Effect) -> (usize, Reach) {
        let scopes = &self.script.reading.scopes;
        let mut when = index;
        for (name, scope) in scopes.functions(effect.context) {
            if !scopes.is_in(self.context, scope) {
                // Where it is not known when, it may be last.
                let call = self.called(name, index).1.unwrap_or(self.until);
                when = when.max(call);
            }
        }
        // A process of its own that the scopes do not show: the body of a function in parentheses.
        let own_process = effect.context.subshell && !self.context.subshell;
        if own_process {
            return (when, Reach::Never);
        }
        let called = |name: &str| self.called(name, index).0;
        (when, scopes.reach(effect.context, self.context, &called))
    }

    /// Whether a function is called before the service, by what reaches it, and where last behind `declared`.
    fn called(&self, name: &str, declared: usize) -> (Called, Option<usize>) {
        let Some(calls) = self.calls.get(name) else {
            return (Called::Maybe, None);
        };
        let behind = |call: Option<usize>| call.filter(|call| *call > declared);
        match (behind(calls.surely), calls.surely.max(calls.maybe)) {
            (Some(call), _) => (Called::Surely, Some(call)),
            (None, Some(call)) => (Called::Maybe, behind(Some(call))),
            (None, None) if calls.never => (Called::Never, None),
            (None, None) => (Called::Maybe, None),
        }
    }

    /// Where the functions of the script are called.
    fn find_calls(&mut self) {
        let (effects, scopes) = (&self.script.reading.effects, &self.script.reading.scopes);
        for effect in effects {
            for (name, _) in scopes.functions(effect.context) {
                self.calls.entry(name.to_owned()).or_default();
            }
        }
        if self.calls.is_empty() {
            return;
        }
        let mentions = Mentions::of(self.script);
        for (name, calls) in &mut self.calls {
            calls.never = mentions.never_calls(name);
        }
        for (at, effect) in effects.iter().enumerate().take(self.until) {
            let EffectKind::Run { words, .. } = &effect.kind else {
                continue;
            };
            let name = words.first().and_then(Word::literal);
            let Some(calls) = name.and_then(|name| self.calls.get_mut(&name)) else {
                continue;
            };
            let reach = scopes.reach(effect.context, self.context, &|_| Called::Maybe);
            let ends = effect.context.subshell && !self.context.subshell;
            match reach {
                // What it sets ends with the process that calls it.
                _ if ends || reach == Reach::Never => calls.never = true,
                Reach::Surely if !effect.context.conditional => calls.surely = Some(at),
                _ => calls.maybe = Some(at),
            }
        }
    }
}

/// Where a function is called last, for sure and perhaps.
#[derive(Default)]
struct Calls {
    surely: Option<usize>,
    maybe: Option<usize>,
    /// It is not called by anything that the service is started from.
    never: bool,
}

/// Where a command of that name is run.
fn runs_of<'e>(effects: &'e [Effect], name: &'e str) -> impl Iterator<Item = usize> + 'e {
    let runs = move |effect: &Effect| match &effect.kind {
        EffectKind::Run { words, .. } => {
            let first = words.first().and_then(Word::literal);
            first.is_some_and(|first| first == name)
        }
        _ => false,
    };
    let all = effects.iter().enumerate();
    all.filter(move |(_, effect)| runs(effect))
        .map(|(at, _)| at)
}

/// The words of a script, to tell which functions nothing calls.
pub(super) struct Mentions<'a> {
    script: Script<'a>,
    words: HashMap<&'a str, usize>,
    /// The name of a command is put together when it runs: it may be any.
    computed: bool,
    /// What the script was started with is run as a command.
    positional: bool,
}

impl<'a> Mentions<'a> {
    pub(super) fn of(script: Script<'a>) -> Self {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':');
        let mut words = HashMap::new();
        for word in script.text.as_str().split(|c| !part(c)) {
            *words.entry(word).or_default() += 1;
        }
        let (mut computed, mut positional) = (false, false);
        for effect in &script.reading.effects {
            // What `exec` is given is a program.
            if let EffectKind::Run {
                words, exec: false, ..
            } = &effect.kind
            {
                let named = words.first().is_some_and(|word| word.literal().is_some());
                positional |= is_positional(words);
                computed |= !named && !is_positional(words);
            }
            // What is read may call it.
            computed |= matches!(&effect.kind, EffectKind::RunScript { sourced: true, .. });
        }
        computed |= words.contains_key("alias");
        let moved = words.contains_key("shift") || script.text.as_str().contains("set --");
        Self {
            script,
            words,
            computed: computed || positional && moved,
            positional,
        }
    }

    /// Whether nothing calls a function: its name stands nowhere but where it is declared.
    pub(super) fn never_calls(&self, name: &str) -> bool {
        let given = self.script.positional.first();
        let given = self.positional && given.is_none_or(|first| first == name);
        self.words.get(name) == Some(&1) && !self.computed && !given
    }
}
