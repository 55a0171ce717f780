//! Software built and installed from source.

use super::EffectKind;
use super::call::{Call, Walk};
use crate::shell::syntax::Word;
use crate::text::paths;

/// Where `configure`, `cmake`, `meson` and most Makefiles install by default.
const DEFAULT_PREFIX: &str = "/usr/local";

impl Walk<'_> {
    /// Reads a command that installs what was built; `false` if it is none. Notes prefixes on the way.
    pub(super) fn build(&mut self, call: &Call<'_>) -> bool {
        let arguments: Vec<String> = call.arguments().iter().map(Word::shown).collect();
        let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
        match call.name.as_str() {
            "configure" | "autogen.sh" | "bootstrap.sh" | "cmake" | "meson" | "Configure" => {
                if has("--install") || call.name == "meson" && has("install") {
                    return self.installed(call, &arguments);
                }
                let targets = arguments
                    .iter()
                    .skip_while(|argument| !matches!(argument.as_str(), "--target" | "-t"));
                if call.name == "cmake"
                    && has("--build")
                    && targets.skip(1).any(|target| is_install(target))
                {
                    return self.installed(call, &arguments);
                }
                if let Some(prefix) = prefix(&arguments) {
                    self.prefix = Some(prefix);
                    self.built = false;
                }
                false
            }
            "cd" | "pushd" => {
                self.variables.go(
                    call.arguments().last().and_then(Word::literal),
                    call.context,
                );
                // What was built before belongs to another folder.
                if std::mem::take(&mut self.built) {
                    self.prefix = None;
                }
                false
            }
            "popd" => {
                self.variables.go(None, call.context);
                false
            }
            "make" | "gmake" | "ninja" | "samu" | "scons"
                if arguments.iter().any(|target| is_install(target)) =>
            {
                self.installed(call, &arguments)
            }
            "checkinstall" => self.installed(call, &arguments),
            "cargo" if has("install") => {
                let root =
                    value_of(&arguments, "--root").unwrap_or_else(|| "${CARGO_HOME}".to_owned());
                self.emit(call, EffectKind::BuildInstall { prefix: root });
                true
            }
            _ => false,
        }
    }

    fn installed(&mut self, call: &Call<'_>, arguments: &[String]) -> bool {
        let prefix = prefix(arguments).or_else(|| self.prefix.clone());
        let mut prefix = prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
        let variables = call
            .assignments
            .iter()
            .filter(|assignment| assignment.name == "DESTDIR");
        let before = variables
            .map(|assignment| assignment.value.shown())
            .next_back();
        let root = arguments
            .iter()
            .find_map(|argument| argument.strip_prefix("DESTDIR=").map(str::to_owned));
        if let Some(root) = root.or(before).or_else(|| value_of(arguments, "--destdir")) {
            prefix = format!("{}{prefix}", root.trim_end_matches('/'));
        }
        self.built = true;
        self.emit(call, EffectKind::BuildInstall { prefix });
        true
    }
}

/// Targets that install: `install`, `install_lib`, `install-strip`, `altinstall`.
fn is_install(target: &str) -> bool {
    let target = paths::file_name(target);
    target == "altinstall"
        || target
            .strip_prefix("install")
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['_', '-', '.']))
}

/// The prefix that a command line names.
fn prefix(arguments: &[String]) -> Option<String> {
    let define = |argument: &str| {
        let definition = argument.strip_prefix("-D").unwrap_or(argument);
        let (name, value) = definition.split_once('=')?;
        let name = name.split(':').next().unwrap_or(name);
        let known = matches!(
            name,
            "CMAKE_INSTALL_PREFIX" | "prefix" | "PREFIX" | "--prefix" | "INSTALL_PREFIX"
        );
        known.then(|| value.to_owned())
    };
    arguments
        .iter()
        .rev()
        .find_map(|argument| define(argument))
        .or_else(|| value_of(arguments, "--prefix"))
}

/// The word behind an option, or the value joined to it.
fn value_of(arguments: &[String], option: &str) -> Option<String> {
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        if word == option {
            return words.next().cloned();
        }
        if let Some(value) = word
            .strip_prefix(option)
            .and_then(|rest| rest.strip_prefix('='))
        {
            return Some(value.to_owned());
        }
    }
    None
}
