//! Images that are asked for, and copies of them that are built from a Dockerfile alone.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::Engine;

impl Engine {
    /// The ID of an image that is here; it is fetched where it is not.
    ///
    /// # Errors
    /// Where there is no such image.
    pub(crate) fn image(&self, name: &OsStr) -> Result<String, String> {
        let id = || {
            let words = ["image", "inspect", "--format", "{{.Id}}"].map(OsStr::new);
            self.quietly(words.into_iter().chain([name]))
        };
        id().or_else(|_| {
            self.quietly([OsStr::new("pull"), OsStr::new("--quiet"), name])?;
            id()
        })
    }

    /// Builds a Dockerfile without a context, with these options, and shows what was printed only where that fails. Returns the ID of
    /// the image.
    ///
    /// # Errors
    /// What was printed last.
    pub(crate) fn build_alone(
        &self,
        dockerfile: &[u8],
        options: &[String],
        folder: &Path,
    ) -> Result<String, String> {
        let id = folder.join("id");
        let mut written = OsString::from("--iidfile=");
        written.push(&id);
        let mut command = self.command([&self.facts().build]);
        command.args(options).arg(written).arg("-");
        command.stdin(Stdio::piped());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| self.failed(&error))?;
        self.running().build = Some(child.id());
        if let Some(mut stdin) = child.stdin.take() {
            // One that wants none of it says why.
            let _ = stdin.write_all(dockerfile);
        }
        let done = child.wait_with_output();
        self.running().build = None;
        let done = done.map_err(|error| self.failed(&error))?;
        if !done.status.success() {
            return Err(format!(
                "`{} {}` fails{}",
                self.facts().name,
                self.facts().build,
                last_lines(&[done.stdout, done.stderr].concat())
            ));
        }
        fs::read_to_string(&id)
            .map(|id| id.trim().to_owned())
            .map_err(|_| {
                format!(
                    "`{}` wrote no image ID: it built no image",
                    self.facts().name
                )
            })
    }

    /// Removes an image that nothing else uses.
    pub(crate) fn remove_image(&self, id: &str) {
        let _ = self.quietly(["rmi", id]);
    }
}

/// The last of what was printed, below a colon.
fn last_lines(printed: &[u8]) -> String {
    const SHOWN: usize = 8;
    let text = String::from_utf8_lossy(printed);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines.iter().skip(lines.len().saturating_sub(SHOWN));
    let mut shown = String::from(if lines.is_empty() { "" } else { ":" });
    for line in last {
        shown.push_str("\n  | ");
        shown.push_str(line);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_lines_are_shown() {
        assert_eq!(last_lines(b"\n\n"), "");
        assert_eq!(last_lines(b"a\n\nb"), ":\n  | a\n  | b");
        let many: String = (0..20).map(|line| format!("{line}\n")).collect();
        let shown = last_lines(many.as_bytes());
        assert!(
            shown.starts_with(":\n  | 12") && shown.ends_with("| 19"),
            "{shown}"
        );
    }
}
