//! Shell text (RUN, CMD, ENTRYPOINT, entrypoint scripts) and the few things in it that decide
//! which allocator a process runs on.
//!
//! [`syntax::parse`] splits text into simple commands with spans; [`effects::read`] says what those
//! commands do that matters here; [`unwrap_argv`] does the same service for the exec form.
//! Nothing is executed and nothing is guessed: what is not literal stays marked as such.

pub(crate) mod effects;
pub(crate) mod python;
pub(crate) mod syntax;
mod tables;
mod wrappers;

pub use wrappers::unwrap_argv;

/// Whether a program, by its name without folders, reads lines as this module does.
#[must_use]
pub(crate) fn is_shell(program: &str) -> bool {
    matches!(program, "sh" | "bash" | "ash" | "dash" | "zsh")
}

/// Whether a program of that name runs others by the Python of an environment that it chooses:
/// `uv run`.
#[must_use]
pub(crate) fn chooses_python(name: &str) -> bool {
    tables::lists(tables::PYTHON_CHOOSERS, name)
}
