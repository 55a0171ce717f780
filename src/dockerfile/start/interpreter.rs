//! Which Python runs: by what name or path the start of the container finds it.

use super::{Follower, Started};
use crate::dockerfile::image::ImageState;
use crate::model::is_python;
use crate::shell;
use crate::text::paths::base_name;

impl Follower<'_> {
    /// Looks for what chooses an interpreter in the words of a command or script.
    pub(super) fn chosen<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let mut runner = None;
        for word in words {
            let word = word.trim_matches(['"', '\'', ';']);
            match runner {
                Some(name) if word == "run" => {
                    self.started.chooser = Some(format!("`{name} run`"));
                }
                _ if shell::chooses_python(base_name(word)) => runner = Some(base_name(word)),
                // A script that activates an environment, or that puts a folder first on PATH.
                _ if base_name(word) == "activate" || word.starts_with("PATH=") => {
                    self.started.chooser = Some("the start script".into());
                }
                _ => {}
            }
        }
    }
}

/// The Python that runs the process, as a build step at the end of the stage would call it; or why
/// that cannot be told.
pub(in crate::dockerfile) fn interpreter(
    state: &ImageState,
    started: &Started,
) -> Result<String, String> {
    if let Some(chooser) = &started.chooser {
        return Err(format!("which Python runs is up to {chooser}"));
    }
    let Some(program) = started.process.argv.first() else {
        return Err("what the image starts cannot be told".into());
    };
    if program.contains(['$', '*', '"', '\\']) {
        return Err(format!("which program `{program}` is cannot be told"));
    }
    if !program.contains('/') {
        let python = is_python(program);
        return Ok(if python { program.as_str() } else { "python3" }.into());
    }
    let path = state.absolute(program);
    if is_python(base_name(&path)) {
        return Ok(path);
    }
    match path.rsplit_once("/bin/") {
        // `pip install --user` brings programs, and no interpreter.
        Some((folder, _)) if !folder.ends_with("/.local") => Ok(format!("{folder}/bin/python3")),
        _ => Ok("python3".into()),
    }
}
