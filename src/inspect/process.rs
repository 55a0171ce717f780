//! One process as `/proc` shows it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::Files;
use super::memory::{Memory, PAGE, word};
use super::recording::Recording;

/// A process, open for reading.
#[derive(Debug)]
pub(super) struct Process {
    folder: PathBuf,
    memory: Option<File>,
    pagemap: Option<File>,
    /// Its memory as it was once, where it is no live one.
    recording: Option<Recording>,
    files: Files,
    /// Bytes of a page of the system, which may be several of what the readers take for one: 16 or 64 KiB on some machines with arm64.
    pub(super) page: u64,
    /// Why its memory may not be read, though its mappings may.
    pub(super) shut: Option<Unread>,
    pub(super) maps: Vec<Mapping>,
    pub(super) status: Status,
    /// The words of its command, `\0` between them in `/proc`.
    pub(super) command: Vec<String>,
    /// When it began, in clock ticks since the machine did: another process of that number began later.
    pub(super) began: u64,
}

/// A part of its address space.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mapping {
    pub(super) start: u64,
    pub(super) end: u64,
    /// `rw-p`.
    pub(super) mode: String,
    pub(super) offset: u64,
    /// The number of its file.
    pub(super) inode: u64,
    /// The file, or a name in brackets; empty for what has none.
    pub(super) path: String,
}

impl Mapping {
    pub(super) fn is_writable(&self) -> bool {
        self.mode.starts_with("rw")
    }

    /// Private, and of no file.
    pub(super) fn is_anonymous(&self) -> bool {
        self.is_writable() && self.mode.ends_with('p') && !self.path.starts_with('/')
    }

    pub(super) fn length(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(super) fn holds(&self, at: u64) -> bool {
        self.start <= at && at < self.end
    }
}

/// What is used of `/proc/PID/status`: sizes in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Status {
    pub(super) name: String,
    pub(super) parent: u32,
    pub(super) threads: u64,
    pub(super) resident: u64,
    pub(super) anonymous: u64,
    pub(super) file: u64,
    pub(super) shared: u64,
    pub(super) swapped: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
}

/// Why a process was not looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error(
        "there is no process {0} here that can be seen: it has ended, or it is in another PID namespace"
    )]
    Gone(u32),
    #[error("process {0} is a thread of the kernel: it has no memory of its own")]
    Kernel(u32),
    #[error("process {0} has ended, and nobody has waited for it yet")]
    Zombie(u32),
    #[error("{0} is a thread of process {1}: name that")]
    Thread(u32, u32),
    #[error(
        "process {0} belongs to another user (uid {1}): run this as that user (`sudo -u '#{1}' malloclint inspect {0}`), \
         or with the capability SYS_PTRACE"
    )]
    Forbidden(u32, u32),
    #[error(
        "process {0} may not be read: it gave up or gained rights since it was started (as gunicorn's workers with `--user` do), or Yama forbids it \
         (`/proc/sys/kernel/yama/ptrace_scope`): run this with the capability SYS_PTRACE (root has it, but for most containers)"
    )]
    Shut(u32),
    #[error("process {0} is one of 32 bits: only those of 64 bits can be read")]
    Narrow(u32),
    #[error("process {0} ended, or became another program, while it was read: try it again")]
    Changed(u32),
    #[error("process {0}: {1}")]
    Other(u32, io::Error),
}

impl Process {
    /// Opens a process.
    pub(super) fn open(pid: u32) -> Result<Self, Unread> {
        let folder = PathBuf::from(format!("/proc/{pid}"));
        let text = |name: &str| -> io::Result<String> {
            let bytes = fs::read(folder.join(name))?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        let status = status(pid)?;
        let why = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => Unread::Gone(pid),
            io::ErrorKind::PermissionDenied
                if status.uid == rustix::process::geteuid().as_raw() =>
            {
                Unread::Shut(pid)
            }
            io::ErrorKind::PermissionDenied => Unread::Forbidden(pid, status.uid),
            _ => Unread::Other(pid, error),
        };
        // First of all: another process of that number began later.
        let began = began(&text("stat").map_err(why)?).unwrap_or(0);
        let maps = read_maps(&text("maps").map_err(why)?);
        let mut head = [0; 5];
        let exe = File::open(folder.join("exe")).and_then(|file| file.read_exact_at(&mut head, 0));
        if exe.is_ok() && head == [0x7f, b'E', b'L', b'F', 1] {
            return Err(Unread::Narrow(pid));
        }
        // Yama may allow to look at the mappings, and not at the memory.
        let (memory, shut) = match File::open(folder.join("mem")) {
            Ok(memory) => (Some(memory), None),
            Err(error) => (None, Some(why(error))),
        };
        let pagemap = File::open(folder.join("pagemap")).map_err(why);
        Ok(Self {
            command: command(pid),
            began,
            pagemap: pagemap.ok(),
            recording: None,
            files: Files::of(&folder),
            page: (rustix::param::page_size() as u64).max(PAGE),
            shut,
            memory,
            maps,
            status,
            folder,
        })
    }

    /// A process as it was once.
    pub(super) fn recorded(bytes: &[u8]) -> Option<Self> {
        let (maps, recording) = Recording::read(bytes)?;
        let folder = PathBuf::from("/nowhere");
        let size = recording.size();
        Some(Self {
            command: vec!["recorded".into()],
            began: 0,
            memory: None,
            pagemap: None,
            recording: Some(recording),
            files: Files::of(&folder),
            page: PAGE,
            shut: None,
            maps: read_maps(&maps),
            status: Status {
                threads: 1,
                resident: size,
                anonymous: size,
                ..Status::default()
            },
            folder,
        })
    }

    /// The variables that it was started with; what it does to them later is not seen.
    pub(super) fn environment(&self) -> Vec<(String, String)> {
        let bytes = fs::read(self.folder.join("environ")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let pairs = text.split('\0').filter_map(|pair| pair.split_once('='));
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    /// Whether it gained rights when it was started: the loader ignores most variables then.
    pub(super) fn is_secure(&self) -> bool {
        const AT_SECURE: u64 = 23;
        let bytes = fs::read(self.folder.join("auxv")).unwrap_or_default();
        let mut pairs = bytes.chunks_exact(16);
        pairs.any(|pair| word(pair, 0) == Some(AT_SECURE) && word(pair, 8) != Some(0))
    }

    /// The program that runs, where its name can be had.
    pub(super) fn program(&self) -> Option<PathBuf> {
        if self.recording.is_some() {
            // The program is mapped before its libraries.
            let mut files = self.maps.iter().filter(|map| map.path.starts_with('/'));
            return files.next().map(|map| PathBuf::from(&map.path));
        }
        fs::read_link(self.folder.join("exe")).ok()
    }

    /// The same as text.
    pub(super) fn program_name(&self) -> String {
        let program = self.program().unwrap_or_default();
        program.to_string_lossy().into_owned()
    }

    /// Whether it has memory of no file in huge pages (`glibc.malloc.hugetlb=2`).
    pub(super) fn has_huge_pages(&self) -> bool {
        let mut maps = self.maps.iter();
        maps.any(|map| map.is_writable() && map.path.starts_with("/anon_hugepage"))
    }

    /// Whether it is still the process that was opened.
    pub(super) fn is_same(&self) -> bool {
        let stat = fs::read(self.folder.join("stat")).unwrap_or_default();
        let same = began(&String::from_utf8_lossy(&stat)) == Some(self.began);
        let maps = fs::read(self.folder.join("maps")).unwrap_or_default();
        let program = |maps: &[Mapping]| {
            maps.iter()
                .find(|map| map.path.starts_with('/'))
                .map(|map| (map.start, map.path.clone()))
        };
        same && program(&read_maps(&String::from_utf8_lossy(&maps))) == program(&self.maps)
    }

    /// Where its threads are on their stacks; not of those that run, and of none where there are too many to ask for.
    pub(super) fn stacks(&self) -> Vec<u64> {
        const MOST: u64 = 500;
        if self.status.threads > MOST {
            return Vec::new();
        }
        let threads = fs::read_dir(self.folder.join("task")).into_iter().flatten();
        let pointer = |thread: fs::DirEntry| {
            // `NUMBER ARGUMENTS... STACK PROGRAM`, the last two in hexadecimal.
            let text = fs::read_to_string(thread.path().join("syscall")).ok()?;
            let words = text
                .split_whitespace()
                .nth_back(1)?
                .strip_prefix("0x")?
                .to_owned();
            u64::from_str_radix(&words, 16).ok()
        };
        threads.flatten().filter_map(pointer).collect()
    }

    /// What its threads are called.
    pub(super) fn thread_names(&self) -> Vec<String> {
        let threads = fs::read_dir(self.folder.join("task")).into_iter().flatten();
        let name = |thread: fs::DirEntry| fs::read_to_string(thread.path().join("comm")).ok();
        threads
            .flatten()
            .filter_map(name)
            .map(|name| name.trim_end().to_owned())
            .collect()
    }

    /// The mapping that holds an address.
    pub(super) fn mapping(&self, at: u64) -> Option<&Mapping> {
        let index = self.maps.partition_point(|map| map.end <= at);
        self.maps.get(index).filter(|map| map.holds(at))
    }
}

impl Memory for Process {
    fn entries(&self, start: u64, count: usize) -> io::Result<Vec<u8>> {
        if let Some(recording) = &self.recording {
            return Ok(recording.entries(start, count));
        }
        let pagemap = self
            .pagemap
            .as_ref()
            .ok_or(io::ErrorKind::PermissionDenied)?;
        let first = start / self.page;
        let end = start.saturating_add(count as u64 * PAGE);
        let whole = usize::try_from(end.div_ceil(self.page) - first).unwrap_or(0);
        let bytes = read_whole(pagemap, first * 8, whole * 8)?;
        Ok(spread(
            bytes,
            start % self.page / PAGE,
            self.page / PAGE,
            count,
        ))
    }

    fn read(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        if let Some(recording) = &self.recording {
            let filled = recording.fill(at, into);
            return filled.then_some(()).ok_or(io::ErrorKind::NotFound.into());
        }
        let memory = self
            .memory
            .as_ref()
            .ok_or(io::ErrorKind::PermissionDenied)?;
        memory.read_exact_at(into, at)
    }

    fn behind(&self, at: u64, into: &mut [u8]) -> bool {
        let map = self.mapping(at);
        let own = map.filter(|map| map.path.starts_with('/') && map.mode.ends_with('p'));
        own.is_some_and(|map| {
            let place = (at - map.start).saturating_add(map.offset);
            self.files.read((&map.path, map.inode), place, into).is_ok()
        })
    }
}

/// Entries of pages of the system as those of our own, of which it has `parts`: `count` of them, without the first `skipped`.
fn spread(entries: Vec<u8>, skipped: u64, parts: u64, count: usize) -> Vec<u8> {
    if parts <= 1 {
        return entries;
    }
    let entry = |index: u64| {
        let at = usize::try_from((skipped + index) / parts).ok()? * 8;
        entries.get(at..at + 8)
    };
    let spread = (0..count as u64).map_while(entry);
    spread.flatten().copied().collect()
}

/// So many bytes of a file, which are zero beyond its end.
fn read_whole(file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut done = 0;
    while let Some(rest) = bytes.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, start + done as u64)? {
            0 => break,
            read => done += read,
        }
    }
    Ok(bytes)
}

/// The name of a file, also of one that was deleted since.
pub(super) fn file_name(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or_default()
}

/// What anybody may know of a process.
///
/// # Errors
/// Where there is none, or it has no memory.
pub(super) fn status(pid: u32) -> Result<Status, Unread> {
    let bytes = fs::read(format!("/proc/{pid}/status")).map_err(|_| Unread::Gone(pid))?;
    let text = String::from_utf8_lossy(&bytes);
    if state(&text) == Some('Z') {
        return Err(Unread::Zombie(pid));
    }
    if let Some(whole) = leader(&text).filter(|leader| *leader != pid) {
        return Err(Unread::Thread(pid, whole));
    }
    read_status(&text).ok_or(Unread::Kernel(pid))
}

/// The words of its command, which anybody may know.
pub(super) fn command(pid: u32) -> Vec<String> {
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let words = text.split('\0').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The process of a thread.
fn leader(status: &str) -> Option<u32> {
    let line = status.lines().find_map(|line| line.strip_prefix("Tgid:"))?;
    line.trim().parse().ok()
}

fn state(status: &str) -> Option<char> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("State:"))?;
    line.trim().chars().next()
}

/// Nothing for a process without memory.
fn read_status(text: &str) -> Option<Status> {
    let field = |name: &str| {
        let mut lines = text.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .map(str::trim)
    };
    let number = |name: &str| {
        let value = field(name)?.trim_end_matches("kB").trim();
        value.parse::<u64>().ok()
    };
    let size = |name: &str| number(name).map(|size| size * 1024);
    Some(Status {
        name: field("Name").unwrap_or_default().to_owned(),
        parent: number("PPid")
            .and_then(|pid| u32::try_from(pid).ok())
            .unwrap_or(0),
        threads: number("Threads")?,
        resident: size("VmRSS")?,
        anonymous: size("RssAnon").unwrap_or(0),
        file: size("RssFile").unwrap_or(0),
        shared: size("RssShmem").unwrap_or(0),
        swapped: size("VmSwap").unwrap_or(0),
        uid: field("Uid")?.split_whitespace().nth(1)?.parse().ok()?,
        gid: field("Gid")?.split_whitespace().nth(1)?.parse().ok()?,
    })
}

/// When a process began: the 22nd field of `stat`, of which the second may hold anything.
fn began(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
}

pub(super) fn read_maps(text: &str) -> Vec<Mapping> {
    let line = |line: &str| {
        let mut words = line.splitn(6, ' ');
        let (start, end) = words.next()?.split_once('-')?;
        let mode = words.next()?.to_owned();
        let offset = words.next()?;
        let inode = words.nth(1).unwrap_or_default().parse().unwrap_or(0);
        let path = words.next().unwrap_or_default().trim_start();
        let number = |text: &str| u64::from_str_radix(text, 16).ok();
        Some(Mapping {
            start: number(start)?,
            end: number(end)?,
            mode,
            offset: number(offset)?,
            inode,
            path: path.to_owned(),
        })
    };
    text.lines().filter_map(line).collect()
}

/// The processes of this namespace.
pub(super) fn all() -> Vec<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let mut pids: Vec<u32> = entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect();
    pids.sort_unstable();
    pids
}

/// The children of each process, by what they say of their parent.
pub(super) fn children() -> BTreeMap<u32, Vec<u32>> {
    let parent = |pid: u32| {
        let stat = fs::read(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
        let text = String::from_utf8_lossy(&stat).into_owned();
        let (_, rest) = text.rsplit_once(')')?;
        rest.split_whitespace().nth(1)?.parse::<u32>().ok()
    };
    let mut found: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for pid in all() {
        if let Some(parent) = parent(pid) {
            found.entry(parent).or_default().push(pid);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_read_whatever_their_names() {
        let text = "55d0-55e0 r--p 00001000 fe:00 15                     /usr/bin/my python\n7f00-7f10 rw-p 00000000 00:00 0 \nffff-fffff000 r-xp 0 00:00 0 [vdso]\n";
        let maps = read_maps(text);
        assert_eq!(maps.len(), 3);
        assert_eq!(maps[0].path, "/usr/bin/my python");
        assert_eq!((maps[0].start, maps[0].offset), (0x55d0, 0x1000));
        assert!(maps[1].is_anonymous() && !maps[0].is_anonymous());
        assert_eq!(read_maps("nonsense\n\n- r\n"), []);
    }

    #[test]
    fn each_part_of_a_larger_page_has_its_entry() {
        let entries = |numbers: &[u64]| -> Vec<u8> {
            let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
            bytes.collect()
        };
        let spread = |skipped, count| spread(entries(&[7, 8, 9]), skipped, 4, count);
        assert_eq!(spread(0, 8), entries(&[7, 7, 7, 7, 8, 8, 8, 8]));
        assert_eq!(spread(3, 3), entries(&[7, 8, 8]));
        assert_eq!(spread(3, 100).len(), 9 * 8);
        assert_eq!(super::spread(entries(&[7, 8]), 0, 1, 2), entries(&[7, 8]));
    }

    #[test]
    fn a_thread_of_the_kernel_has_no_memory() {
        let status = "Name:\tpython3\nState:\tS (sleeping)\nUid:\t1000\t1001\t1000\t1000\nGid:\t50\t51\t50\t50\nVmRSS:\t  100 kB\nRssAnon:\t 60 kB\nThreads:\t7\n";
        let read = read_status(status).unwrap();
        assert_eq!((read.uid, read.threads), (1001, 7));
        assert_eq!((read.resident, read.anonymous), (100 << 10, 60 << 10));
        assert_eq!(
            read_status("Name:\tkworker\nState:\tI\nThreads:\t1\n"),
            None
        );
        assert_eq!(
            began("1 (a) b) S 1 1 1 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 4242 9"),
            Some(4242)
        );
    }
}
