//! ENTRYPOINT and CMD put together, and whether the shell in them reads its login files.

use crate::dockerfile::image::{Command, Form, ImageState};
use crate::text::Traced;

/// What the runtime starts.
pub(super) enum Start<'s> {
    Argv(Vec<String>),
    Shell(Traced, &'s Command),
}

/// ENTRYPOINT and CMD put together as the runtime does.
pub(super) fn compose(state: &ImageState) -> Option<Start<'_>> {
    let shell = |text: &Traced| {
        let mut argv = state.shell.clone();
        argv.push(text.as_str().to_owned());
        argv
    };
    let cmd = |argv: &mut Vec<String>| match state.cmd.as_ref().map(|cmd| &cmd.form) {
        Some(Form::Exec(words)) => argv.extend(words.iter().cloned()),
        Some(Form::Shell(text)) => argv.extend(shell(text)),
        None => {}
    };
    match (&state.entrypoint, &state.cmd) {
        (
            Some(Command {
                form: Form::Exec(words),
                ..
            }),
            _,
        ) => {
            let mut argv = words.clone();
            cmd(&mut argv);
            Some(Start::Argv(argv))
        }
        (
            Some(
                command @ Command {
                    form: Form::Shell(text),
                    ..
                },
            ),
            _,
        )
        | (
            None,
            Some(
                command @ Command {
                    form: Form::Shell(text),
                    ..
                },
            ),
        ) => Some(Start::Shell(text.clone(), command)),
        (
            None,
            Some(Command {
                form: Form::Exec(words),
                ..
            }),
        ) => {
            let image = state.image.as_ref().filter(|image| image.takes_cmd);
            let program = image.and_then(|image| image.command.clone());
            Some(Start::Argv(
                [program.unwrap_or_default(), words.clone()].concat(),
            ))
        }
        (None, None) => state
            .image
            .as_ref()
            .and_then(|image| image.command.clone())
            .map(Start::Argv),
    }
}

/// Whether a shell reads its login files: `bash -lc`.
pub(super) fn is_login(shell: &[String]) -> bool {
    let short = |option: &String| option.starts_with('-') && !option.starts_with("--");
    shell
        .iter()
        .skip(1)
        .any(|option| option == "--login" || short(option) && option.contains(['l', 'i']))
}
