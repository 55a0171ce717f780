//! What `/proc` says about one process: its parent, CPU time, memory and libraries.
//!
//! Reading and understanding are apart, so that the latter is tested on texts.

use std::fs;
use std::io;

use regex::bytes::Regex;

use crate::facts::Libc;
use crate::text::paths;

/// What is used of `/proc/PID/stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// The name; may hold anything.
    pub(super) comm: String,
    /// `Z` is a process that nobody has waited for.
    pub(super) state: char,
    pub(super) parent: u32,
    /// Its own CPU time, in clock ticks.
    pub(super) own: u64,
    /// That of its dead children that were waited for, and of theirs.
    pub(super) children: u64,
}

pub(super) fn stat(pid: u32) -> io::Result<Stat> {
    // A name need not be UTF-8.
    let bytes = fs::read(format!("/proc/{pid}/stat"))?;
    parse_stat(&String::from_utf8_lossy(&bytes)).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn parse_stat(text: &str) -> Option<Stat> {
    let (head, rest) = text.rsplit_once(')')?;
    let comm = head.split_once('(')?.1.to_owned();
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let number = |index: usize| {
        fields
            .get(index)
            .and_then(|field| field.parse::<u64>().ok())
    };
    Some(Stat {
        comm,
        state: fields.first()?.chars().next()?,
        parent: number(1)?.try_into().ok()?,
        own: number(11)? + number(12)?,
        children: number(13)? + number(14)?,
    })
}

/// The proportional set size, what is swapped out included, in bytes. `None` for a process
/// without memory: one that is ending.
pub(super) fn pss(pid: u32) -> io::Result<Option<u64>> {
    fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).map(|text| parse_pss(&text))
}

fn parse_pss(text: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    Some((field("Pss:")? + field("SwapPss:").unwrap_or(0)) * 1024)
}

/// What a process has in memory or swapped out that is no file's, in bytes; pages that it shares with others count whole. Nobody
/// waits for this to be read. `None` for a process without memory.
pub(super) fn resident(pid: u32) -> io::Result<Option<u64>> {
    let bytes = fs::read(format!("/proc/{pid}/status"))?;
    Ok(parse_resident(&String::from_utf8_lossy(&bytes)))
}

fn parse_resident(text: &str) -> Option<u64> {
    let field = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    let sum = field("RssAnon:")? + field("RssShmem:")? + field("VmSwap:").unwrap_or(0);
    Some(sum * 1024)
}

/// What is mapped into a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Maps {
    /// Shared libraries, each once.
    pub(super) libraries: Vec<String>,
    /// The C library, where there is a shared one.
    pub(super) libc: Option<Libc>,
    /// Whether anything is mapped at all.
    pub(super) any: bool,
}

impl Maps {
    /// The file of a glibc.
    pub(super) fn libc_file(&self) -> Option<&str> {
        let libc = |path: &&String| path.ends_with("/libc.so.6");
        self.libraries.iter().find(libc).map(String::as_str)
    }

    /// Whether no loader took part: nothing can be preloaded.
    pub(super) fn is_static(&self) -> bool {
        self.any && self.libraries.is_empty()
    }
}

pub(super) fn maps(pid: u32) -> io::Result<Maps> {
    let bytes = fs::read(format!("/proc/{pid}/maps"))?;
    Ok(parse_maps(&String::from_utf8_lossy(&bytes)))
}

pub(super) fn parse_maps(text: &str) -> Maps {
    let mut found = Maps::default();
    for line in text.lines() {
        found.any = true;
        let Some(at) = line.find('/') else { continue };
        let path = line.get(at..).unwrap_or_default();
        // The package was upgraded while the program runs: it is still that library.
        let path = path.strip_suffix(" (deleted)").unwrap_or(path);
        let name = paths::file_name(path);
        let shared = name.ends_with(".so") || name.contains(".so.");
        if !shared || found.libraries.iter().any(|known| known == path) {
            continue;
        }
        // musl is one file under two names; glibc's `libc.so` is a text that is never mapped.
        if name.starts_with("ld-musl-") || name.starts_with("libc.musl-") || name == "libc.so" {
            found.libc = Some(Libc::Musl);
        } else if name.starts_with("ld-linux") || name.starts_with("ld-") || name == "libc.so.6" {
            found.libc = found.libc.or(Some(Libc::Glibc));
        }
        found.libraries.push(path.to_owned());
    }
    found
}

/// The version that the glibc of a process holds as a text. In a container its file is another than here.
pub(super) fn libc_version(pid: u32, file: &str) -> Option<String> {
    let bytes = fs::read(format!("/proc/{pid}/root{file}")).ok()?;
    let text = Regex::new(r"GNU C Library [^\n]*release version (\d+\.\d+)").ok()?;
    let found = text.captures(&bytes)?.get(1)?;
    Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let text = "42 (a) b (c)) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 4 20 0 9 0 5 6 7";
        let stat = parse_stat(text).unwrap();
        assert_eq!(stat.comm, "a) b (c)");
        assert_eq!((stat.state, stat.parent), ('S', 7));
        assert_eq!((stat.own, stat.children), (120, 7));
        for text in [
            "",
            "1",
            "1 (x",
            "1 (x) S",
            "1 (x) S y 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        ] {
            assert_eq!(parse_stat(text), None, "{text}");
        }
    }

    #[test]
    fn memory_counts_what_is_swapped_out() {
        let text = "x r [rollup]\nRss:  900 kB\nPss:  100 kB\nPss_Anon: 7 kB\nSwapPss:  24 kB\n";
        assert_eq!(parse_pss(text), Some(124 * 1024));
        assert_eq!(parse_pss("Pss: 1 kB\n"), Some(1024));
        assert_eq!(parse_pss(""), None);
    }

    #[test]
    fn what_is_no_files_is_summed() {
        let text = "Name:\tx\nVmRSS:\t 99 kB\nRssAnon:\t 10 kB\nRssFile:\t 80 kB\nRssShmem:\t 5 kB\nVmSwap:\t 2 kB\n";
        assert_eq!(parse_resident(text), Some(17 * 1024));
        assert_eq!(parse_resident("Name:\tkthreadd\n"), None);
        assert!(resident(std::process::id()).unwrap() > Some(0));
    }

    #[test]
    fn libraries_and_the_c_library() {
        let line = |path: &str| format!("7f00-7f01 r--p 0 fe:00 15   {path}\n");
        let glibc = parse_maps(&format!(
            "{}{}{}{}7f00-7f01 rw-p 0 00:00 0\n",
            line("/usr/bin/python3.11"),
            line("/usr/lib/x86_64-linux-gnu/libc.so.6"),
            line("/usr/lib/x86_64-linux-gnu/libc.so.6"),
            line("/usr/lib/my dir/libjemalloc.so.2 (deleted)"),
        ));
        assert_eq!(glibc.libc, Some(Libc::Glibc));
        assert_eq!(
            glibc.libraries,
            [
                "/usr/lib/x86_64-linux-gnu/libc.so.6",
                "/usr/lib/my dir/libjemalloc.so.2"
            ]
        );
        let musl = parse_maps(&line("/lib/ld-musl-x86_64.so.1"));
        assert_eq!(musl.libc, Some(Libc::Musl));
        let debian = parse_maps(&line("/usr/lib/x86_64-linux-musl/libc.so"));
        assert_eq!(debian.libc, Some(Libc::Musl));
        assert!(parse_maps(&line("/opt/static")).is_static());
        assert!(!parse_maps("").is_static() && !musl.is_static());
    }

    #[test]
    fn a_glibc_says_which_it_is() {
        let own = std::process::id();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("libc.so.6");
        let text = "\0GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\nCopyright";
        fs::write(&path, text).unwrap();
        assert_eq!(
            libc_version(own, path.to_str().unwrap()).as_deref(),
            Some("2.36")
        );
        assert_eq!(libc_version(own, "/nowhere"), None);
    }
}
