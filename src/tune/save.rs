//! Puts the best setting into the project's configuration, from where `fix` takes it. Comments and
//! the order of keys stay; the file is replaced whole or not at all.

use std::fs;
use std::io;
use std::path::Path;

use toml_edit::{DocumentMut, Item, Table, value};

use crate::facts::{Family, family_of_library};
use crate::write::{self, WriteError};

use super::{Origin, Outcome, Stop, Tried};

/// The key that `fix` reads.
const KEY: &str = "malloc-conf";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saved<'a> {
    /// The file holds this `MALLOC_CONF` now.
    Written(&'a str),
    /// The file holds this `MALLOC_CONF` already.
    Same(&'a str),
    /// These variables alone are the best: there is no key for them.
    Variables(&'a [(String, String)]),
    /// The C library's own allocator is the best: there is nothing to write.
    Nothing,
    /// What is set now stays, and it is nothing that `fix` sets.
    Stays,
    /// It was ended before it was done.
    Interrupted,
}

/// Why it was not written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SaveError {
    /// Nothing was measured.
    #[error("nothing is written: nothing could be compared")]
    NoWinner,
    /// `fix` cannot put it in force.
    #[error(
        "nothing is written: `fix` sets jemalloc with a `MALLOC_CONF`, and the best here is {0}, without one or with more; put the lines above into the Dockerfile"
    )]
    NotForFix(String),
    /// The file is no TOML.
    #[error("{path}: {reason}")]
    Syntax {
        /// The file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The disk refused.
    #[error("{path}: {error}")]
    Write {
        /// The file.
        path: String,
        /// Why.
        error: WriteError,
    },
    /// It cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        error: io::Error,
    },
}

/// Whether a setting could be written into `path`, a `malloclint.toml` or `pyproject.toml` that may
/// not exist yet.
///
/// # Errors
/// Where it could not.
pub(crate) fn can_save(path: &Path) -> Result<(), SaveError> {
    edit(path, "narenas:1")?;
    let shown = || path.display().to_string();
    write::check(path).map_err(|error| SaveError::Write {
        path: shown(),
        error,
    })
}

/// Writes the best setting into `path`, where `accepts` says that a configuration may hold it.
///
/// # Errors
/// Where there is nothing that `fix` could use, or the file cannot be changed.
pub(crate) fn save<'a>(
    outcome: &'a Outcome,
    path: &Path,
    accepts: fn(&str) -> bool,
) -> Result<Saved<'a>, SaveError> {
    if outcome.stop == Stop::Interrupted {
        return Ok(Saved::Interrupted);
    }
    if !outcome.compared() {
        return Err(SaveError::NoWinner);
    }
    let best = outcome.leader.and_then(|leader| outcome.tried.get(leader));
    let best = best.ok_or(SaveError::NoWinner)?;
    match best.candidate.origin {
        Origin::Baseline => Ok(Saved::Nothing),
        _ => match for_fix(best).filter(|conf| accepts(conf)) {
            Some(conf) => write_to(path, conf),
            None if best.candidate.is_current() => Ok(Saved::Stays),
            None => match alone(best) {
                Some(variables) => Ok(Saved::Variables(variables)),
                None => Err(SaveError::NotForFix(best.candidate.name.clone())),
            },
        },
    }
}

/// The variables of a setting that loads nothing. One that is a list, to which others may add, is none of them.
fn alone(tried: &Tried) -> Option<&[(String, String)]> {
    let proof = &tried.runs.last()?.1.proof;
    let candidate = &tried.candidate;
    let loads = candidate.library.is_some() || proof.library.is_some();
    let list =
        |(name, _): &(String, String)| matches!(name.as_str(), "LD_PRELOAD" | "GLIBC_TUNABLES");
    let plain = !loads && !candidate.env.is_empty() && !candidate.env.iter().any(list);
    plain.then_some(candidate.env.as_slice())
}

/// The `MALLOC_CONF` of a setting that is jemalloc with that and nothing else.
fn for_fix(tried: &Tried) -> Option<&str> {
    let proof = &tried.runs.last()?.1.proof;
    let loaded = proof
        .library
        .as_deref()
        .filter(|_| proof.complaint.is_none());
    let jemalloc = loaded.and_then(family_of_library) == Some(Family::Jemalloc);
    let mut names = tried.candidate.env.iter().map(|(name, _)| name.as_str());
    let alone = names.all(|name| matches!(name, "LD_PRELOAD" | "MALLOC_CONF"));
    let conf = tried.candidate.variable("MALLOC_CONF")?;
    (jemalloc && alone && !conf.is_empty()).then_some(conf)
}

fn write_to<'a>(path: &Path, conf: &'a str) -> Result<Saved<'a>, SaveError> {
    let (before, after) = edit(path, conf)?;
    if before.as_deref() == Some(after.as_str()) {
        return Ok(Saved::Same(conf));
    }
    let done = match &before {
        Some(before) => write::replace(path, before.as_bytes(), after.as_bytes()),
        None => write::create(path, after.as_bytes()),
    };
    let path = path.display().to_string();
    done.map_err(|error| SaveError::Write { path, error })?;
    Ok(Saved::Written(conf))
}

/// What the file holds, and what it would hold.
fn edit(path: &Path, conf: &str) -> Result<(Option<String>, String), SaveError> {
    let section = path
        .file_name()
        .is_some_and(|name| name == "pyproject.toml");
    let before = read(path)?;
    let text = before.as_deref().unwrap_or_default();
    // The reader of TOML knows neither mark nor the line ends of Windows: they come back.
    let (mark, plain) = match text.strip_prefix(MARK) {
        Some(rest) => (MARK, rest),
        None => ("", text),
    };
    let all = plain.matches('\n').count();
    let windows = all > 0 && plain.matches("\r\n").count() == all;
    let plain = if windows {
        plain.replace("\r\n", "\n")
    } else {
        plain.to_owned()
    };
    let after = changed(&plain, conf, section).map_err(|reason| SaveError::Syntax {
        path: path.display().to_string(),
        reason,
    })?;
    let after = if windows {
        after.replace('\n', "\r\n")
    } else {
        after
    };
    let after = format!("{mark}{after}");
    Ok((before, after))
}

const MARK: &str = "\u{feff}";

fn read(path: &Path) -> Result<Option<String>, SaveError> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(SaveError::Read {
            path: path.display().to_string(),
            error,
        }),
    }
}

fn changed(text: &str, conf: &str, section: bool) -> Result<String, String> {
    let mut document: DocumentMut = text
        .parse()
        .map_err(|error: toml_edit::TomlError| error.to_string().trim_end().to_owned())?;
    if !section && document.is_empty() {
        // A file of comments alone: the key comes after them.
        let gap = if text.is_empty() || text.ends_with('\n') {
            ""
        } else {
            "\n"
        };
        return Ok(format!(
            "{text}{gap}{KEY} = {}\n",
            toml_edit::Value::from(conf)
        ));
    }
    let table: &mut Table = if section {
        let tool = document
            .get_mut("tool")
            .and_then(|tool| tool.get_mut("malloclint"));
        tool.and_then(Item::as_table_mut)
            .ok_or("`tool.malloclint` is not written as a section: add the key by hand")?
    } else {
        document.as_table_mut()
    };
    match table.get_mut(KEY).and_then(Item::as_value_mut) {
        // What stands around the value, a comment behind it too, is its own.
        Some(old) => {
            let decor = old.decor().clone();
            let mut new = toml_edit::Value::from(conf);
            *new.decor_mut() = decor;
            *old = new;
        }
        None => {
            table.insert(KEY, value(conf));
        }
    }
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::Run;
    use crate::tune::candidate::Candidate;
    use crate::tune::proof::Proof;

    const CONF: &str = "narenas:2,tcache:false";

    #[test]
    fn comments_and_order_stay() {
        let before = "# ours\npreload = \"path\" # why\n\nmalloc-conf = 'narenas:1' # old\n";
        let after = changed(before, CONF, false).unwrap();
        assert_eq!(
            after,
            before.replace("'narenas:1'", "\"narenas:2,tcache:false\"")
        );
        assert_eq!(changed(&after, CONF, false).unwrap(), after);
        assert_eq!(
            changed("", CONF, false).unwrap(),
            "malloc-conf = \"narenas:2,tcache:false\"\n"
        );
        assert!(
            changed("x = \n", CONF, false)
                .unwrap_err()
                .contains("line 1")
        );
    }

    #[test]
    fn a_project_that_keeps_it_in_pyproject_keeps_it_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pyproject.toml");
        let text = "[tool.malloclint]\n# ours\npreload = \"soname\"\n\n[tool.other]\nx = 1\n";
        fs::write(&path, text).unwrap();
        assert_eq!(write_to(&path, CONF).unwrap(), Saved::Written(CONF));
        let written = fs::read_to_string(&path).unwrap();
        let line = "preload = \"soname\"\nmalloc-conf = \"narenas:2,tcache:false\"\n";
        assert!(written.contains(line), "{written}");
        assert_eq!(write_to(&path, CONF).unwrap(), Saved::Same(CONF));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "tool = { malloclint = {} }\n").unwrap();
        let error = can_save(&path).unwrap_err().to_string();
        assert!(error.contains("not written as a section"), "{error}");
    }

    #[test]
    fn only_jemalloc_and_its_setting_are_for_fix() {
        let jemalloc = Some("/lib/libjemalloc.so.2");
        let (preload, conf) = (("LD_PRELOAD", "libjemalloc.so.2"), ("MALLOC_CONF", CONF));
        for (library, env, expected) in [
            (jemalloc, vec![preload, conf], Some(CONF)),
            (jemalloc, vec![conf], Some(CONF)),
            (jemalloc, vec![preload], None),
            (jemalloc, vec![conf, ("PYTHONMALLOC", "malloc")], None),
            // A preload that the loader passed over.
            (None, vec![preload, conf], None),
            (None, vec![("MALLOC_ARENA_MAX", "2")], None),
        ] {
            let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            let env: Vec<_> = env.iter().map(own).collect();
            let tried = tried(Candidate::current(&env), library);
            assert_eq!(for_fix(&tried), expected, "{env:?}");
        }
    }

    /// A setting that was run once.
    fn tried(candidate: Candidate, library: Option<&str>) -> Tried {
        let mut tried = Tried::new(candidate);
        let proof = Proof {
            library: library.map(str::to_owned),
            ..Proof::default()
        };
        let run = Run {
            proof,
            ..Run::default()
        };
        tried.runs.push((0, run));
        tried
    }

    #[test]
    fn variables_that_need_no_library_stand_alone() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let (two, trim) = (
            pair("MALLOC_ARENA_MAX", "2"),
            pair("MALLOC_TRIM_THRESHOLD_", "131072"),
        );
        let tunables = pair("GLIBC_TUNABLES", "glibc.malloc.arena_max=2");
        let own = Some("/app/libjemalloc.so.2");
        for (env, library, expected) in [
            (vec![two.clone()], None, true),
            (vec![two.clone(), trim], None, true),
            (vec![two.clone(), tunables], None, false),
            // The command loads a library of its own.
            (vec![two], own, false),
            (Vec::new(), None, false),
        ] {
            let candidate = Candidate::new(Origin::Asked, None, env.clone());
            let tried = tried(candidate, library);
            let expected = expected.then_some(env.as_slice());
            assert_eq!(alone(&tried), expected, "{env:?} {library:?}");
        }
    }

    #[test]
    fn a_new_file_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("malloclint.toml");
        can_save(&path).unwrap();
        assert!(!path.exists());
        assert_eq!(write_to(&path, CONF).unwrap(), Saved::Written(CONF));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        fs::write(&path, "\u{feff}# ours\r\ngoal = 'balanced'\r\n").unwrap();
        assert_eq!(write_to(&path, CONF).unwrap(), Saved::Written(CONF));
        let text =
            "\u{feff}# ours\r\ngoal = 'balanced'\r\nmalloc-conf = \"narenas:2,tcache:false\"\r\n";
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
