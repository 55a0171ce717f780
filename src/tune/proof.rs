//! Whether what was measured is what was meant: the allocator is mapped into the process that
//! holds most memory, and jemalloc has taken every key.
//!
//! A setting that does nothing looks like a bad setting: that is how people come to think that
//! allocators make no difference.

use crate::facts::{Libc, family_of_library};

use super::procfs::Maps;

/// A process that was seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Its name.
    pub(super) comm: String,
    /// The most memory that it ever held.
    pub(super) peak: u64,
    /// What is mapped into it.
    pub(super) maps: Maps,
    /// How often that was looked at.
    pub(super) looks: usize,
}

/// What was proved.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Proof {
    /// The process that held most memory, by name.
    pub process: String,
    /// The allocator's library as it is mapped into it; `None` = that of the C library.
    pub library: Option<String>,
    /// The C library.
    pub libc: Option<Libc>,
    /// Its version, where it says it.
    pub libc_version: Option<String>,
    /// The version of Python, where the process runs one: `3.11`.
    pub python: Option<String>,
    /// Whether no loader took part: nothing can be preloaded.
    pub is_static: bool,
    /// How many processes there were, and how many of them had the library.
    pub processes: (usize, usize),
    /// The keys that jemalloc said it took; empty where it cannot say.
    pub confirmed: Vec<String>,
    /// What jemalloc complained about, where that ends nothing.
    pub complaint: Option<String>,
}

/// Judges where the library must be, `None` for the C library's own allocator.
pub(super) fn judge(seen: &[&Seen], wanted: Option<&str>) -> Result<Proof, String> {
    let Some(largest) = largest(seen) else {
        return Err("no process was seen long enough to tell which allocator it uses".into());
    };
    let found = allocator(&largest.maps);
    let process = &largest.comm;
    match (wanted, found) {
        (None, Some(found)) => {
            return Err(format!(
                "`{process}` loads {found} by itself: take that out of the command first (a script that sets LD_PRELOAD, /etc/ld.so.preload, or a program that links it)"
            ));
        }
        (Some(wanted), found) if !has(&largest.maps, wanted) => {
            return Err(not_loaded(process, wanted, found, &largest.maps));
        }
        _ => {}
    }
    let has_it = |seen: &&&Seen| wanted.is_some_and(|path| has(&seen.maps, path));
    let with = seen.iter().filter(has_it);
    Ok(Proof {
        process: process.clone(),
        library: wanted.map(str::to_owned),
        libc: largest.maps.libc,
        libc_version: None,
        python: python(&largest.maps),
        is_static: largest.maps.is_static(),
        processes: (seen.len(), with.count()),
        confirmed: Vec::new(),
        complaint: None,
    })
}

/// Whether a library can have an effect on the command at all, by what its baseline showed.
pub(super) fn can_preload(
    baseline: &Proof,
    path: &str,
    built_for: Option<Libc>,
) -> Result<(), String> {
    let process = &baseline.process;
    if baseline.is_static {
        return Err(format!(
            "`{process}` is statically linked: LD_PRELOAD has no effect on it, so nothing but another build can change its allocator"
        ));
    }
    match (baseline.libc, built_for) {
        (Some(own), Some(other)) if own != other => Err(format!(
            "`{process}` runs on {own}, and {path} is built for {other}: run malloclint where the command is at home, with an allocator that is built for {own} (`--libs`)"
        )),
        _ => Ok(()),
    }
}

/// What is in force where nothing is demanded.
pub(super) fn whatever(seen: &[&Seen]) -> Result<Proof, String> {
    let found = largest(seen).and_then(|largest| allocator(&largest.maps));
    judge(seen, found)
}

/// The process that held most memory, of those whose libraries were seen.
fn largest<'a>(seen: &[&'a Seen]) -> Option<&'a Seen> {
    let looked_at = seen.iter().copied().filter(|seen| seen.maps.any);
    looked_at.max_by_key(|seen| seen.peak)
}

fn not_loaded(process: &str, wanted: &str, found: Option<&str>, maps: &Maps) -> String {
    let why = if maps.is_static() {
        "it is statically linked, so LD_PRELOAD has no effect on it".to_owned()
    } else if let Some(found) = found {
        format!("{found} is loaded instead: the command sets LD_PRELOAD itself")
    } else if maps.libc == Some(Libc::Musl) {
        "it runs on musl, which passes over libraries that do not fit it".to_owned()
    } else {
        "the loader passed it over: the program is set-uid or has capabilities, is built for another architecture, or the command clears LD_PRELOAD".to_owned()
    };
    format!("{wanted} is not loaded into `{process}`: {why}")
}

fn has(maps: &Maps, path: &str) -> bool {
    // What is in a container may bear the path of the folder that its root was made in.
    maps.libraries.iter().any(|library| library.ends_with(path))
}

/// The version of Python by what is mapped: `libpython3.11.so.1.0`, or a module in `python3.11/`.
fn python(maps: &Maps) -> Option<String> {
    maps.libraries.iter().find_map(|path| {
        let (_, rest) = path.split_once("python3.")?;
        let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
        (!minor.is_empty()).then(|| format!("3.{minor}"))
    })
}

fn allocator(maps: &Maps) -> Option<&str> {
    let known = |path: &&String| family_of_library(path).is_some();
    maps.libraries.iter().find(known).map(String::as_str)
}

const CONFIRM: &str = "confirm_conf:";
const SET: &str = "-- Set conf value: ";

/// The first message of jemalloc that is a complaint.
pub(super) fn complaint<'a>(mut messages: impl Iterator<Item = &'a str>) -> Option<String> {
    // A comma at the end is complained about, and harmless.
    let echo = |message: &str| {
        message.starts_with("malloc_conf #")
            || message.starts_with(SET)
            || message == "Conf string ends with comma"
    };
    messages.find(|message| !echo(message)).map(str::to_owned)
}

/// The setting with the request to say what was taken of it.
pub(super) fn asking(conf: &str) -> String {
    let own = conf.split(',').filter(|pair| !pair.starts_with(CONFIRM));
    let own: Vec<&str> = own.collect();
    let comma = if own.concat().is_empty() { "" } else { "," };
    format!("{CONFIRM}true{comma}{}", own.join(","))
}

/// Judges what jemalloc said about a `MALLOC_CONF`. Returns the keys that it confirmed.
pub(super) fn confirm<'a>(
    conf: &str,
    can_confirm: bool,
    messages: impl Iterator<Item = &'a str> + Clone,
) -> Result<Vec<String>, String> {
    if let Some(complaint) = complaint(messages.clone()) {
        return Err(format!("jemalloc says: {complaint}"));
    }
    let set: Vec<&str> = messages
        .filter_map(|message| message.strip_prefix(SET))
        .collect();
    let asked = |pair: &&str| !pair.is_empty() && !pair.starts_with(CONFIRM);
    let keys: Vec<&str> = conf.split(',').filter(asked).collect();
    if can_confirm && let Some(lost) = keys.iter().find(|pair| !set.contains(pair)) {
        return Err(format!("jemalloc did not confirm `{lost}`"));
    }
    Ok(keys
        .into_iter()
        .filter(|pair| set.contains(pair))
        .map(str::to_owned)
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tune::procfs::parse_maps;

    fn seen(comm: &str, peak: u64, paths: &[&str]) -> Seen {
        let line = |path: &&str| format!("7f00-7f01 r--p 0 fe:00 15   {path}\n");
        let maps = parse_maps(&paths.iter().map(line).collect::<String>());
        Seen {
            comm: comm.into(),
            peak,
            maps,
            looks: 1,
        }
    }

    #[test]
    fn the_largest_process_counts() {
        let (libc, jemalloc) = ("/lib/libc.so.6", "/lib/libjemalloc.so.2");
        let shell = seen("sh", 1, &["/bin/sh", libc]);
        let with = seen("python", 9, &["/bin/python", libc, jemalloc]);
        let proof = judge(&[&shell, &with], Some(jemalloc)).unwrap();
        assert_eq!(
            (proof.process.as_str(), proof.processes),
            ("python", (2, 1))
        );
        let error = judge(&[&shell, &with], None).unwrap_err();
        assert!(
            error.contains("loads /lib/libjemalloc.so.2 by itself"),
            "{error}"
        );
        let proof = judge(&[&shell], None).unwrap();
        assert_eq!((proof.libc, proof.library), (Some(Libc::Glibc), None));
        assert_eq!(proof.python, None);
    }

    #[test]
    fn python_is_told_by_what_is_mapped() {
        for (path, version) in [
            ("/usr/lib/libpython3.9.so.1.0", Some("3.9")),
            ("/opt/lib/python3.13/lib-dynload/_json.so", Some("3.13")),
            ("/opt/python3/lib/x.so", None),
        ] {
            let seen = seen("python", 1, &[path]);
            let found = judge(&[&seen], None).unwrap().python;
            assert_eq!(found.as_deref(), version, "{path}");
        }
    }

    #[test]
    fn what_is_not_loaded_is_explained() {
        let wanted = Some("/lib/libjemalloc.so.2");
        for (paths, word) in [
            (&["/bin/app"][..], "statically linked"),
            (&["/bin/app", "/lib/ld-musl-x86_64.so.1"], "musl"),
            (&["/bin/app", "/lib/libc.so.6"], "set-uid"),
            (
                &["/bin/app", "/lib/libc.so.6", "/lib/libmimalloc.so.2"],
                "instead",
            ),
        ] {
            let error = judge(&[&seen("app", 1, paths)], wanted).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
        assert!(judge(&[], wanted).unwrap_err().contains("long enough"));
    }

    #[test]
    fn a_library_must_suit_the_command() {
        let of = |paths: &[&str]| judge(&[&seen("app", 1, paths)], None).unwrap();
        let can = |paths: &[&str], libc| can_preload(&of(paths), "/lib/x.so", Some(libc));
        assert!(can(&["/bin/app", "/lib/libc.so.6"], Libc::Glibc).is_ok());
        let musl = ["/bin/app", "/lib/ld-musl-x86_64.so.1"];
        assert!(can(&musl, Libc::Musl).is_ok());
        let error = can(&musl, Libc::Glibc).unwrap_err();
        assert!(error.contains("runs on musl"), "{error}");
        let error = can(&["/bin/app"], Libc::Glibc).unwrap_err();
        assert!(error.contains("statically linked"), "{error}");
    }

    #[test]
    fn every_key_must_be_taken() {
        let echo = "malloc_conf #4 (value of the environment variable MALLOC_CONF): \"narenas:2\"";
        let taken =
            |conf: &str, can, messages: &[&str]| confirm(conf, can, messages.iter().copied());
        let said = [
            echo,
            "-- Set conf value: narenas:2",
            "-- Set conf value: tcache:false",
        ];
        assert_eq!(
            taken("narenas:2,tcache:false", true, &said).unwrap().len(),
            2
        );
        assert!(
            taken("narenas:2,muzzy_decay_ms:0", true, &said)
                .unwrap_err()
                .contains("muzzy")
        );
        let refused = [echo, "Invalid conf pair: tcache_max:4096"];
        assert!(
            taken("tcache_max:4096", false, &refused)
                .unwrap_err()
                .contains("Invalid")
        );
        assert!(taken("narenas:2", false, &[]).unwrap().is_empty());
        assert!(taken("narenas:2", true, &[]).is_err());
        let comma = [
            echo,
            "Conf string ends with comma",
            "-- Set conf value: narenas:2",
        ];
        assert_eq!(taken("narenas:2,", true, &comma).unwrap(), ["narenas:2"]);
        let own = taken("narenas:2,confirm_conf:false", true, &[echo, said[1]]);
        assert_eq!(own.unwrap(), ["narenas:2"]);
    }

    #[test]
    fn the_request_breaks_nothing() {
        for (conf, asking) in [
            ("", "confirm_conf:true"),
            ("narenas:1", "confirm_conf:true,narenas:1"),
            ("narenas:1,", "confirm_conf:true,narenas:1,"),
            (
                "confirm_conf:false,narenas:1",
                "confirm_conf:true,narenas:1",
            ),
            ("confirm_conf:false", "confirm_conf:true"),
        ] {
            assert_eq!(super::asking(conf), asking);
        }
    }
}
