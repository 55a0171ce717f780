//! Follows a script: reads its commands in order, takes their wrappers off, and hands each to the room
//! that knows it; and the texts inside it, again.

use super::branches::{Branches, Usually, begins, tests_from};
use super::call::{Call, Walk, names_allocator};
use super::fields::split;
use super::origin::Origin;
use super::session::{Reader, Reading, Start};
use super::variables::{MOST_VARIANTS, Variables};
use super::writes::{group_redirects, is_writer};
use super::{Effect, EffectKind, Scopes};
use crate::shell::syntax::{self, Command, Context, Part, ScopeKind, Word};
use crate::shell::tables::{BUILTINS, lists};
use crate::shell::wrappers::{Change, Shell, Stripped, base_name, strip};

/// How deep `sh -c "sh -c ..."` is followed.
const DEPTH: u8 = 8;

/// Says what `text` does, in order.
#[must_use]
pub fn read(text: &str) -> Vec<Effect> {
    Reader::default().read(text)
}

/// Says what `text` does when it is started so.
#[must_use]
pub(crate) fn read_with(text: &str, start: &Start<'_>) -> Reading {
    let mut reader = Reader::starting(start);
    let effects = reader.read(text);
    Reading {
        effects,
        scopes: reader.scopes,
    }
}

impl Reader {
    /// Says what `text` does, in order.
    pub fn read(&mut self, text: &str) -> Vec<Effect> {
        let mut variables = Variables::new(text.len());
        variables.set_arguments(&self.arguments);
        self.scopes = Scopes::default();
        for (name, value) in &self.known {
            let word = Word {
                range: 0..0,
                parts: vec![Part::Literal {
                    text: value.clone(),
                    range: 0..0,
                    quoted: false,
                }],
            };
            variables.set(name, word, false, Context::default());
        }
        for name in &self.exported {
            variables.export(name, Context::default());
        }
        for name in &self.unsure {
            variables.set_unsure(name);
        }
        variables.export_all = self.export_all;
        let mut effects = Vec::new();
        walk(
            text,
            Context::default(),
            0,
            self,
            &mut variables,
            &mut effects,
        );
        effects
    }
}

/// Commands that are read once for each value that a variable in them may have.
const PER_VALUE: &str = "ln cp mv install rm export declare typeset echo printf setcap patchelf";

/// Reads `text` with what is known so far.
pub(super) fn walk(
    text: &str,
    context: Context,
    depth: u8,
    reader: &mut Reader,
    variables: &mut Variables,
    effects: &mut Vec<Effect>,
) {
    let script = syntax::parse(text);
    let first_scope = reader.scopes.adopt(&script.scopes, context.scope);
    let mut walk = Walk {
        text,
        first_scope,
        groups: group_redirects(&script),
        script: &script,
        outer: context,
        depth,
        reader,
        variables,
        effects,
        usually: Usually::Unsaid,
        prefix: None,
        built: false,
    };
    let mut loops = script.loops.iter().peekable();
    let mut cases = script.cases.iter().peekable();
    let mut ifs = script.ifs.iter().peekable();
    let mut branches = Branches::default();
    for (index, command) in script.commands.iter().enumerate() {
        while let Some(header) = loops.next_if(|header| header.commands.start <= index) {
            walk.loop_header(header);
        }
        while let Some(case) = cases.next_if(|case| begins(case) <= index) {
            branches.add(case, walk.variables);
        }
        while let Some(found) = ifs.next_if(|found| tests_from(found) <= index) {
            branches.add_if(found, &script, walk.variables);
        }
        if !branches.never(index) {
            walk.usually = branches.usually(index);
            walk.command(index, command);
        }
    }
}

impl Walk<'_> {
    fn loop_header(&mut self, header: &syntax::Loop) {
        let mut values = Vec::new();
        for word in &header.values {
            values.extend(self.variables.fields(word).0);
        }
        self.variables.set_each(&header.name, values);
    }

    fn command(&mut self, index: usize, command: &Command) {
        self.variables.in_function = command.context.function;
        self.variables.in_subshell = command.context.subshell || self.outer.subshell;
        let words = self.replaced(&command.words);
        let written = !command.redirects.is_empty() || self.groups.contains_key(&index);
        let chosen = names_command(&words);
        if !self.variables.leave_choice(&words) || !chosen && !is_per_value(&words, written) {
            return self.variant(index, command, words, false);
        }
        let (variants, certain) = self.variables.choices(&words, MOST_VARIANTS);
        let open = !certain || variants.len() > 1;
        for mut words in variants {
            if chosen {
                words = words.iter().flat_map(split).collect();
            }
            self.variant(index, command, words, open);
        }
    }

    /// Reads a command with the words that it may have.
    fn variant(&mut self, index: usize, command: &Command, words: Vec<Word>, one_of_several: bool) {
        let stripped = strip(words);
        let mut context = self.merged(command.context);
        context.conditional |= one_of_several;
        context.tested |= one_of_several;
        let call = Call {
            index,
            name: stripped
                .words
                .first()
                .and_then(base_name)
                .unwrap_or_default(),
            words: &stripped.words,
            assignments: &command.assignments,
            redirects: &command.redirects,
            range: command.range.clone(),
            context,
            fed: stripped.fed.is_some(),
        };
        if command.words.is_empty() {
            self.assignments(&call);
        } else {
            self.inline(&call, &stripped);
            self.dispatch(&call, &stripped);
        }
        if !is_writer(&call.name) {
            self.writes(&call);
        }
    }

    /// The words with variables of one certain value replaced. An unknown variable before an
    /// installer stands for `sudo` or nothing.
    fn replaced(&mut self, words: &[Word]) -> Vec<Word> {
        let mut replaced = Vec::with_capacity(words.len());
        for word in words {
            let expanded = self.variables.expand(word);
            if expanded == *word {
                replaced.push(expanded);
            } else {
                replaced.extend(split(&expanded));
            }
        }
        let unknown = matches!(
            replaced.first().map(|word| word.parts.as_slice()),
            Some([Part::Variable { .. }])
        );
        if unknown
            && replaced
                .get(1)
                .and_then(base_name)
                .is_some_and(|name| super::packages::is_installer(&name))
        {
            replaced.remove(0);
        }
        replaced
    }

    fn inline(&mut self, call: &Call<'_>, stripped: &Stripped) {
        for assignment in call.assignments {
            for (value, context) in self.values(&assignment.value, call.context) {
                let kind = EffectKind::Inline {
                    name: assignment.name.clone(),
                    value,
                };
                self.emit(&call.under(context), kind);
            }
        }
        for change in &stripped.environment {
            let kind = match change {
                Change::Set(name, value) => EffectKind::Inline {
                    name: name.clone(),
                    value: value.clone(),
                },
                Change::Drop(by) => EffectKind::DropsEnvironment {
                    by: by.clone(),
                    command: inner_command(stripped),
                },
            };
            self.emit(call, kind);
        }
    }

    fn dispatch(&mut self, call: &Call<'_>, stripped: &Stripped) {
        if let Some(shell) = &stripped.shell {
            return self.shell(call, shell, stripped);
        }
        let known = self.packages(call)
            || self.files(call, stripped.fed.as_ref())
            || self.environment(call)
            || self.build(call)
            || self.nested(call)
            || is_writer(&call.name) && self.writes(call);
        if known {
            return;
        }
        if call.words.iter().any(names_allocator)
            || call.assignments.iter().any(|a| names_allocator(&a.value))
        {
            self.emit(call, EffectKind::MentionsAllocator);
        }
        if call.words.is_empty() || lists(BUILTINS, call.name.as_str()) || is_query(call) {
            return;
        }
        let kind = match call.words.first() {
            Some(path) if is_script(path) => EffectKind::RunScript {
                words: call.words.to_vec(),
                sourced: false,
                exports: false,
            },
            _ => EffectKind::Run {
                words: call.words.to_vec(),
                exec: stripped.exec,
            },
        };
        self.emit(call, kind);
    }

    /// Reads a script inside the script and brings its ranges home.
    pub(super) fn inner(&mut self, call: &Call<'_>, origin: &Origin, own_process: bool) {
        if self.depth >= DEPTH {
            return;
        }
        let mut context = call.context;
        context.subshell |= own_process;
        let kind = if own_process {
            ScopeKind::Subshell
        } else {
            ScopeKind::Group
        };
        context.scope = self.reader.scopes.add(context.scope, kind);
        let mut effects = Vec::new();
        walk(
            &origin.text,
            context,
            self.depth + 1,
            self.reader,
            self.variables,
            &mut effects,
        );
        for effect in &mut effects {
            origin.bring_home(effect);
            effect.usually = effect.usually.max(self.usually);
        }
        self.effects.append(&mut effects);
    }
}

/// The command that a wrapper runs; of a script its first.
fn inner_command(stripped: &Stripped) -> Vec<Word> {
    match &stripped.shell {
        Some(Shell::Text(text)) => Origin::of_words(std::slice::from_ref(text)).first_command(),
        _ => stripped.words.clone(),
    }
}

/// Whether the command behind the wrappers is read once for each value of a variable; `echo` only
/// where its text goes to a file.
fn is_per_value(words: &[Word], written: bool) -> bool {
    let stripped = strip(words.to_vec());
    stripped
        .words
        .first()
        .and_then(base_name)
        .is_some_and(|name| lists(PER_VALUE, &name) && (written || !is_writer(&name)))
}

/// Whether the command behind the wrappers is what a variable says: `exec $cmd`.
fn names_command(words: &[Word]) -> bool {
    let stripped = strip(words.to_vec());
    let first = stripped.words.first().map(|word| word.parts.as_slice());
    matches!(first, Some([Part::Variable { .. }]))
}

/// `command -v x` asks and runs nothing.
fn is_query(call: &Call<'_>) -> bool {
    call.name == "command" || call.name == "exec" && call.words.len() == 1
}

/// Whether a command's path is that of a script or program beside the Dockerfile rather than of an
/// installed one.
fn is_script(path: &Word) -> bool {
    let Some(text) = path.literal() else {
        return false;
    };
    let (folder, name) = text.rsplit_once('/').unwrap_or(("", &text));
    // They come with the source that is built, and put nothing anywhere else.
    if matches!(name, "configure" | "autogen.sh") {
        return false;
    }
    if [".sh", ".bash", ".zsh", ".ash"]
        .iter()
        .any(|suffix| name.ends_with(suffix))
    {
        return true;
    }
    let installed = folder
        .rsplit('/')
        .next()
        .is_some_and(|last| last.ends_with("bin") || last == "libexec");
    text.contains('/') && !installed && !name.contains('.')
}
