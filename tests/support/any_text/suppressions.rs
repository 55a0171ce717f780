//! What holds of every comment that may suppress a finding: it is told in its own file, and what `fix` makes of it is
//! made once.

use malloclint::internals::check;
use malloclint::internals::fix::{self, Options};
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

/// The rules about comments whose findings are fixed.
const OWN: [&str; 2] = ["suppression-unused", "suppression-expired"];

/// Puts `comment` into each kind of file, and panics where what is said about it does not hold.
pub(crate) fn check(comment: &str) {
    let line = comment.replace(['\n', '\r'], " ");
    let dockerfile = format!(
        "FROM python:3.12-slim\n# malloclint: {line}\nENV MALLOC_ARENA_MAX_=2 \\\n  # malloclint:{line}\n  A=b\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:a\"]\n"
    );
    let manifest = format!(
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  # malloclint: {line}\n  - name: a\n    image: x/y:1\n    env:\n    - name: A\n      value: 1 # malloclint:{line}\n"
    );
    holds("Dockerfile", dockerfile);
    holds("manifest.yaml", manifest);
}

fn holds(path: &str, text: String) {
    let file = SourceFile::new(path, text.into_bytes());
    let project = Project::of(&Nowhere);
    let length = file.bytes.len();
    for finding in check::check(&file, &project, Style::default()).findings {
        assert!(finding.place.span.end <= length, "{finding:?}");
        assert!(!finding.message.contains('\n'), "{finding:?}");
    }
    let options = Options {
        advice: true,
        only: OWN.map(str::to_owned).into(),
        ..Options::default()
    };
    let once = fix::fix(&file, &project, &options);
    let twice = fix::fix(&once.after, &project, &options);
    assert!(
        !twice.changes(),
        "{:?}",
        String::from_utf8_lossy(&once.after.bytes)
    );
}
