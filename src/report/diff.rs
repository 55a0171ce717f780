//! A unified diff, as `git apply` and `patch` take it.

use std::io;

use similar::TextDiff;

use crate::text::SourceFile;

/// So many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// Writes what leads from one text to the other; nothing where they are the same.
///
/// # Errors
/// Where `out` cannot be written to.
pub(crate) fn write(
    before: &SourceFile,
    after: &SourceFile,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    let path = before.path.trim_start_matches("./").trim_start_matches('/');
    // A tab ends a name with blanks in it.
    let end = if path.contains(' ') { "\t" } else { "" };
    let (old, new) = (format!("a/{path}{end}"), format!("b/{path}{end}"));
    let diff = TextDiff::from_lines(before.bytes.as_slice(), after.bytes.as_slice());
    diff.unified_diff()
        .context_radius(CONTEXT)
        .header(&old, &new)
        .to_writer(out)
}
