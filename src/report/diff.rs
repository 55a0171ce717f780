//! A unified diff, as `git apply` and `patch` take it.

use std::io;

use similar::TextDiff;

use super::is_harmful;
use crate::project::Repositories;
use crate::text::SourceFile;

/// So many unchanged lines stand around a change.
const CONTEXT: usize = 3;

/// Writes what leads from one text to the other; nothing where they are the same.
///
/// # Errors
/// Where `out` cannot be written to.
pub fn write(before: &SourceFile, after: &SourceFile, out: &mut dyn io::Write) -> io::Result<()> {
    // A path above the current folder counts from the top of its repository: `git apply` takes no `..`.
    let above = before.path.starts_with("../");
    let path = match above {
        true => Repositories::of_here().path(&before.path),
        false => before.path.clone(),
    };
    let path = path.trim_start_matches("./").trim_start_matches('/');
    let (old, new) = (name("a", path), name("b", path));
    let (before, after) = (lines(&before.bytes), lines(&after.bytes));
    let mut configured = TextDiff::configure();
    configured.newline_terminated(true);
    let diff = configured.diff_slices(&before, &after);
    let mut diff = diff.unified_diff();
    let hunks: Vec<_> = diff.context_radius(CONTEXT).iter_hunks().collect();
    if !hunks.is_empty() {
        writeln!(out, "--- {old}\n+++ {new}")?;
    }
    // The crate's own writer puts U+FFFD for bytes that are no UTF-8, and takes a CR at the end of a file for a line end.
    for hunk in &hunks {
        writeln!(out, "{}", hunk.header())?;
        for change in hunk.iter_changes() {
            write!(out, "{}", change.tag())?;
            out.write_all(change.value())?;
            if !change.value().ends_with(b"\n") {
                writeln!(out, "\n\\ No newline at end of file")?;
            }
        }
    }
    Ok(())
}

/// Lines as git counts them: a lone CR ends none.
fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// A name as git writes it in a header: in quotes, with escapes, where it holds what would end or change the line.
fn name(side: &str, path: &str) -> String {
    let special = |c: char| is_harmful(c) || matches!(c, '"' | '\\');
    // Nor an order to a runner that reads the log.
    if path.contains(special) || path.contains("##[") {
        let mut text = format!("\"{side}/");
        for c in path.chars() {
            match c {
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '"' | '\\' => text.extend(['\\', c]),
                '[' => text.push_str("\\133"),
                c if is_harmful(c) => {
                    let mut bytes = [0; 4];
                    let bytes = c.encode_utf8(&mut bytes).bytes();
                    text.extend(bytes.map(|byte| format!("\\{byte:03o}")));
                }
                c => text.push(c),
            }
        }
        return text + "\"";
    }
    // A tab ends a name with blanks in it.
    let end = if path.contains(' ') { "\t" } else { "" };
    format!("{side}/{path}{end}")
}
