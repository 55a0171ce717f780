//! What of a build context comes into an image: `.dockerignore` leaves files out.

use std::path::Path;

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::surroundings::Surroundings;
use crate::text::paths;

/// What a build of a context leaves out.
#[derive(Debug)]
pub(super) struct Ignored {
    context: String,
    patterns: Vec<Pattern>,
}

/// A line of a `.dockerignore`.
#[derive(Debug)]
struct Pattern {
    /// It takes files back.
    keeps: bool,
    fits: Gitignore,
}

impl Ignored {
    /// What the build of the Dockerfile at `near` leaves out of the folder `context`: a file of the Dockerfile's own name
    /// counts instead of the one of the context (<https://docs.docker.com/build/concepts/context/#dockerignore-files>).
    pub(super) fn of(near: &str, context: &str, around: &dyn Surroundings) -> Self {
        let own = format!("{near}.dockerignore");
        let whole = Path::new(context).join(".dockerignore");
        let bytes = around
            .peek(&own)
            .or_else(|| around.peek(&whole.to_string_lossy()));
        let text = bytes.unwrap_or_default();
        Self {
            context: context.to_owned(),
            patterns: patterns(&String::from_utf8_lossy(&text)),
        }
    }

    /// Whether the file at `path` is left out: the last pattern that fits it, or a folder around it, decides.
    pub(super) fn holds(&self, path: &str) -> bool {
        let below = Path::new(path).strip_prefix(&self.context);
        let below = below.unwrap_or_else(|_| Path::new(path));
        let mut last = self.patterns.iter().rev();
        let fits = |pattern: &&Pattern| {
            let found = pattern.fits.matched_path_or_any_parents(below, false);
            found.is_ignore()
        };
        !below.has_root() && last.find(fits).is_some_and(|pattern| !pattern.keeps)
    }
}

/// Patterns of a `.dockerignore`. Unlike those of a `.gitignore` each begins at the context.
fn patterns(text: &str) -> Vec<Pattern> {
    let mut found = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (keeps, pattern) = match line.strip_prefix('!') {
            Some(pattern) => (true, pattern.trim_start()),
            None => (false, line),
        };
        let pattern = paths::normal(pattern.trim_start_matches('/'));
        let mut builder = GitignoreBuilder::new("");
        // A pattern that cannot be read leaves nothing out: the build fails there.
        let _ = builder.add_line(None, &format!("/{pattern}"));
        let fits = builder.build().unwrap_or_else(|_| Gitignore::empty());
        found.push(Pattern { keeps, fits });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As BuildKit's own tests have it: from the context on, the last that matches counts, exceptions reach into folders.
    #[test]
    fn patterns_begin_at_the_context() {
        for (text, out, kept) in [
            ("docs", "docs/a.py", "src/docs/a.py"),
            ("/docs/", "docs/a.py", "docs.py"),
            ("*.py", "a.py", "src/a.py"),
            ("**/*.py", "src/a.py", "src/a.sh"),
            ("src\n!src/app.py", "src/a.py", "src/app.py"),
            ("*\n!src\n", "lib/a.py", "src/a.py"),
            ("**\n!app", "lib/a.py", "app/a.py"),
            ("**/*\n!/app/", "a.py", "app/b/a.py"),
            ("**\n!app/a.py", "app/b.py", "app/a.py"),
            ("# src\n./lib", "lib/a.py", "src/a.py"),
        ] {
            let ignored = Ignored {
                context: "../shop".into(),
                patterns: patterns(text),
            };
            assert!(ignored.holds(&format!("../shop/{out}")), "{text}: {out}");
            assert!(!ignored.holds(&format!("../shop/{kept}")), "{text}: {kept}");
        }
    }
}
