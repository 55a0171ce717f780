//! `--baseline`, `--write-baseline` and `--changed-since`: which findings are new.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::wanted::Wanted;
use crate::baseline::Baseline;
use crate::disk;
use crate::project::{self, Revision};
use crate::report::Run;
use crate::write;

/// Writes the findings of a run as the baseline.
pub(super) fn write(run: &Run, path: &Path) -> Result<String, String> {
    if path.is_file() {
        let before = project::read(path).map_err(|failure| failure.reason)?;
        let text = String::from_utf8_lossy(&before.bytes);
        if !text.trim().is_empty() && Baseline::read(&text).is_err() {
            return Err("it is there, and is no baseline: name another file".into());
        }
    }
    let own = |file: &str| run.in_repository(file);
    let baseline = Baseline::of(&run.findings, run.fingerprints(), &own);
    let text = baseline.text().map_err(|error| error.to_string())?;
    write::whole(path, text.as_bytes()).map_err(|error| error.to_string())?;
    Ok(format!(
        "{} written to {}",
        crate::report::plural(run.findings.len(), "finding"),
        path.display()
    ))
}

/// Takes away what the baseline knows; gives what to say about it.
pub(super) fn apply(
    run: &mut Run,
    path: &Path,
    files: &[PathBuf],
) -> Result<Option<String>, String> {
    if !path.exists() {
        return Err("there is no such file: write it with `--write-baseline`".into());
    }
    let file = project::read(path).map_err(|failure| failure.reason)?;
    let baseline = Baseline::read(&String::from_utf8_lossy(&file.bytes))?;
    let files = files
        .iter()
        .map(|file| run.in_repository(&disk::shown(file)));
    let files: BTreeSet<String> = files.collect();
    // What a start script does is told there.
    let others = run.findings.iter();
    let others = others.map(|finding| run.in_repository(&finding.place.file.path));
    let looked_at: BTreeSet<String> = others.chain(files).collect();
    let is_gone = |path: &str| run.repositories.is_gone(path);
    let prints = run.fingerprints();
    let (known, gone) = baseline.apply(&mut run.findings, &prints, &|path| {
        looked_at.contains(path) || is_gone(path)
    });
    let mut said = Vec::new();
    if known > 0 {
        said.push(format!("{} known", crate::report::plural(known, "finding")));
    }
    if gone > 0 {
        said.push(format!("{gone} of the baseline gone: write it anew"));
    }
    Ok((!said.is_empty()).then(|| said.join(", ")))
}

/// Takes away what the revision has already; `check` gives the findings of files. Gives what to say about it.
pub(super) fn since(
    run: &mut Run,
    revision: &str,
    files: &[PathBuf],
    wanted: &Wanted,
    check: &dyn Fn(&[PathBuf], &Wanted) -> Run,
) -> Result<Vec<String>, String> {
    let then = Revision::take_out(revision, files)?;
    let mut said = then.missing().to_vec();
    let files: Vec<PathBuf> = files.iter().filter_map(|file| then.same(file)).collect();
    let mut before = check(&files, wanted);
    if let Some(failure) = before.failures.first() {
        let path = then.of_then(&failure.path);
        said.push(format!(
            "{path}: it was broken at `{revision}` ({}): it is left out there, and what it silenced does not count as new",
            failure.reason
        ));
        before = check(&files, &wanted.isolated());
    }
    let own_then = |path: &str| then.of_then(path);
    let prints = crate::report::fingerprints(&before.findings, &own_then);
    let baseline = Baseline::of(&before.findings, prints, &own_then);
    let prints = crate::report::fingerprints(&run.findings, &|path| then.of_now(path));
    baseline.apply(&mut run.findings, &prints, &|_| true);
    Ok(said)
}
