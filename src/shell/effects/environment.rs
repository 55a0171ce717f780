//! Variables for the commands that follow: `export`, `declare -x`, `unset`, `set -a`, assignments.

use super::EffectKind;
use super::call::{Call, Walk, names_allocator};
use super::variables::Exported;
use crate::shell::syntax::{Context, Word};
use crate::shell::wrappers::split_assignment;

impl Walk<'_> {
    /// Assignments that stand alone.
    pub(super) fn assignments(&mut self, call: &Call<'_>) {
        for assignment in call.assignments {
            let name = &assignment.name;
            let handed_on = self.variables.exported(name);
            let exported = handed_on != Exported::No;
            for (value, mut context) in self.values(&assignment.value, call.context) {
                let mentions = !exported && names_allocator(&value);
                self.variables
                    .set(name, value.clone(), assignment.append, context);
                let maybe = handed_on == Exported::Maybe;
                context.conditional |= maybe;
                context.tested |= maybe;
                let call = &call.under(context);
                if exported && assignment.append {
                    self.export(call, name.clone(), None);
                } else if exported {
                    let (name, value) = (name.clone(), Some(value));
                    self.emit(call, EffectKind::Export { name, value });
                } else {
                    if mentions {
                        self.emit(call, EffectKind::MentionsAllocator);
                    }
                    if self.variables.sourced || mentions {
                        let name = name.clone();
                        self.emit(call, EffectKind::Assign { name, value });
                    }
                }
            }
        }
    }

    /// Reads a command that changes the environment; `false` if it is none.
    pub(super) fn environment(&mut self, call: &Call<'_>) -> bool {
        match call.name.as_str() {
            "export" => self.declare(call, !has_option(call, 'n')),
            "declare" | "typeset" | "readonly" | "local" => {
                self.declare(call, has_option(call, 'x'));
            }
            // Functions are no variables.
            "unset" if has_option(call, 'f') => {}
            "unset" => {
                for name in call
                    .arguments()
                    .iter()
                    .filter_map(Word::literal)
                    .filter(|name| !name.starts_with('-'))
                {
                    if !(call.context.conditional || call.context.subshell || call.context.function)
                    {
                        self.variables.unset(&name);
                    }
                    self.emit(call, EffectKind::Unset { name });
                }
            }
            // `: ${NAME:=text}`
            ":" => {
                for part in call.arguments().iter().flat_map(|word| &word.parts) {
                    self.variables.set_default(part);
                }
            }
            "set" => self.set_options(call),
            "shift" => {
                let by = call
                    .arguments()
                    .first()
                    .map_or(Some(1), |word| word.literal()?.parse().ok());
                self.variables.shift(by, call.context);
            }
            _ => return false,
        }
        true
    }

    fn declare(&mut self, call: &Call<'_>, export: bool) {
        for word in call.arguments() {
            let assignment = split_assignment(word);
            let Some(name) = assignment
                .as_ref()
                .map(|(name, _)| name.clone())
                .or_else(|| name(word))
            else {
                continue;
            };
            let value = assignment.map(|(_, value)| value);
            if let Some(value) = &value {
                self.variables
                    .set(&name, value.clone(), false, call.context);
            }
            if export {
                self.export(call, name, value);
            }
        }
    }

    fn export(&mut self, call: &Call<'_>, name: String, value: Option<Word>) {
        let (values, certain) = self.variables.export(&name, call.context);
        if value.is_some() || values.is_empty() {
            return self.emit(call, EffectKind::Export { name, value });
        }
        let call = &call.under(Context {
            conditional: call.context.conditional || !certain,
            tested: call.context.tested || !certain,
            ..call.context
        });
        for value in values {
            self.emit(
                call,
                EffectKind::Export {
                    name: name.clone(),
                    value: Some(value),
                },
            );
        }
    }

    /// `set -a`, `set -o allexport`, and their end.
    fn set_options(&mut self, call: &Call<'_>) {
        let mut words = call
            .arguments()
            .iter()
            .map(|word| word.literal().unwrap_or_default())
            .peekable();
        while let Some(word) = words.next() {
            let on = word.starts_with('-');
            if word == "--" || !on && !word.starts_with('+') {
                return self.variables.shift(None, call.context);
            }
            if word.ends_with('o') && words.next_if(|name| name == "allexport").is_some()
                || word.contains('a')
            {
                self.variables.export_all = on;
            }
        }
    }
}

fn has_option(call: &Call<'_>, letter: char) -> bool {
    let options = call
        .arguments()
        .iter()
        .filter_map(Word::literal)
        .take_while(|word| word.starts_with('-'));
    options.into_iter().any(|word| word.contains(letter))
}

/// A word that is a variable's name.
fn name(word: &Word) -> Option<String> {
    let text = word.literal()?;
    let named = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (named && !text.is_empty()).then_some(text)
}
