//! Which units start a command that was run here.

use std::ffi::OsString;
use std::path::Path;

use crate::check;
use crate::disk;
use crate::model::Unit;
use crate::observed::is_same;
use crate::project::Project;
use crate::secrets;
use crate::text::SourceFile;

/// A command, as it was given and as what it comes to.
pub(super) struct Command {
    given: Vec<String>,
    /// Each as one line of words.
    forms: Vec<String>,
}

impl Command {
    /// The command that was run in `folder`.
    pub(super) fn of(command: &[OsString], folder: &Path, project: &Project<'_>) -> Self {
        let words = command.iter().map(|word| word.to_string_lossy());
        let given: Vec<String> = words.map(std::borrow::Cow::into_owned).collect();
        let mut forms = vec![given.join(" ")];
        for unit in units(&given, folder, project) {
            let process = unit.process;
            let all = [Some(process.argv), process.written];
            forms.extend(all.into_iter().flatten().map(|words| words.join(" ")));
        }
        Self { given, forms }
    }

    /// Whether it is what a unit starts.
    pub(super) fn is_started_by(&self, unit: &Unit) -> bool {
        let process = &unit.process;
        let written = [Some(&process.argv), process.written.as_ref()];
        let mut written = written.into_iter().flatten().map(|words| words.join(" "));
        written.any(|written| self.forms.iter().any(|form| is_same(form, &written)))
    }

    /// The command as it may be shown.
    pub(super) fn shown(&self) -> String {
        secrets::command(&self.given, &[])
    }
}

/// What a Dockerfile in `folder` would come to that starts the command: `poetry run`, `sh -c` and scripts are followed
/// as they are in files.
fn units(command: &[String], folder: &Path, project: &Project<'_>) -> Vec<Unit> {
    let Ok(list) = serde_json::to_string(command) else {
        return Vec::new();
    };
    let path = disk::shown(&folder.join("Dockerfile"));
    let text = format!("FROM python\nWORKDIR /app\nCOPY . .\nCMD {list}\n");
    let file = SourceFile::new(path, text.into_bytes());
    let units = check::units(&file, project).into_iter();
    units.map(|(unit, _)| unit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Roots;
    use crate::project::Disk;

    /// What a folder with a Dockerfile of that CMD starts.
    fn starts(cmd: &str, command: &[&str]) -> bool {
        let folder = tempfile::tempdir().unwrap();
        let script = "#!/bin/sh\nset -e\npython manage.py migrate\nexec gunicorn app:app\n";
        std::fs::write(folder.path().join("start.sh"), script).unwrap();
        std::fs::write(folder.path().join("app.py"), "import flask\n").unwrap();
        let disk = Disk::below(Roots::of(&[], Some(folder.path())));
        let project = Project::of(&disk);
        let words: Vec<OsString> = command.iter().map(OsString::from).collect();
        let command = Command::of(&words, folder.path(), &project);
        let path = folder.path().join("Dockerfile").display().to_string();
        let text = format!("FROM python:3.12\nWORKDIR /srv\nCOPY . .\nCMD {cmd}\n");
        let file = SourceFile::new(path, text.into_bytes());
        let units = check::units(&file, &project);
        units.iter().any(|(unit, _)| command.is_started_by(unit))
    }

    #[test]
    fn what_stands_before_a_command_makes_no_difference() {
        let plain = "[\"gunicorn\", \"app:app\"]";
        for (cmd, command) in [
            (plain, &["gunicorn", "app:app"][..]),
            (plain, &["/venv/bin/gunicorn", "app:app"]),
            (plain, &["python", "-m", "gunicorn", "app:app"]),
            (plain, &["poetry", "run", "gunicorn", "app:app"]),
            (plain, &["env", "A=b", "gunicorn", "app:app"]),
            (plain, &["sh", "-c", "exec gunicorn app:app"]),
            (plain, &["sh", "start.sh"]),
            (plain, &["./start.sh"]),
            ("[\"./start.sh\"]", &["gunicorn", "app:app"]),
            ("[\"./start.sh\"]", &["./start.sh"]),
            ("uv run gunicorn app:app", &["gunicorn", "app:app"]),
            (
                "gunicorn -b :$PORT app:app",
                &["gunicorn", "-b", ":8000", "app:app"],
            ),
            ("[\"python\", \"app.py\"]", &["python3", "-u", "./app.py"]),
            (
                "[\"python\", \"/srv/app.py\"]",
                &["/venv/bin/python", "app.py"],
            ),
        ] {
            assert!(starts(cmd, command), "{cmd} {command:?}");
        }
    }

    #[test]
    fn another_command_is_another() {
        let plain = "[\"gunicorn\", \"app:app\"]";
        for (cmd, command) in [
            (plain, &["gunicorn", "other:app"][..]),
            (plain, &["gunicorn", "--threads", "8", "app:app"]),
            (plain, &["python", "app.py"]),
            (plain, &["sh"]),
            ("python app.py A=1", &["python", "app.py", "B=2"]),
            ("[\"./start.sh\"]", &["python", "manage.py", "migrate"]),
            ("$SERVER", &["gunicorn"]),
        ] {
            assert!(!starts(cmd, command), "{cmd} {command:?}");
        }
    }
}
