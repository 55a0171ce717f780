//! Each look as a line, for spreadsheets: bytes.

use std::io;

use crate::inspect::trend::Sample;

/// The names of the columns.
pub(crate) const HEAD: &str = "seconds,pid,threads,rss,anonymous,live,free,free_pages,tops,free_small,dirty,pymalloc_live,pymalloc_free";

/// Writes one look.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn line(sample: &Sample, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "{:.1},{},{},{},{},{},{},{},{},{},{},{},{}",
        sample.seconds,
        sample.pid,
        sample.threads,
        sample.rss,
        sample.anonymous,
        sample.live,
        sample.free,
        sample.free_pages,
        sample.tops,
        sample.free_small,
        sample.dirty,
        sample.pymalloc_live,
        sample.pymalloc_free
    )
}
