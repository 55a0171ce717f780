//! The command of an instruction in shell form.

use malloclint::internals::dockerfile::syntax::{Args, Instruction};
use malloclint::internals::text::Traced;

/// The command in shell form, of the instructions that have one: RUN, CMD, ENTRYPOINT, SHELL, and HEALTHCHECK without
/// its first word.
pub(crate) fn shell_text(instruction: &Instruction) -> Option<Traced> {
    match &instruction.args {
        Args::Text => Some(instruction.text.clone()),
        Args::Healthcheck(word, command) if matches!(**command, Args::Text) => {
            let text = instruction.text.as_str();
            let rest = text.get(word.raw.as_str().len()..)?;
            let blanks = ['\t', '\n', '\u{b}', '\u{c}', '\r', ' '];
            let start = text.len() - rest.trim_start_matches(blanks).len();
            Some(instruction.text.part(start..text.len()))
        }
        _ => None,
    }
}
