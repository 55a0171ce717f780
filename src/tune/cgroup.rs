//! What the kernel counts for the control group of a container: memory, its limit, and processes that were ended for it
//! (Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).

use std::fs;
use std::path::{Path, PathBuf};

const MOUNT: &str = "/sys/fs/cgroup";
/// A limit beyond this is none: the first version has no word for that.
const NONE: u64 = 1 << 60;

/// A control group that counts memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroup {
    folder: PathBuf,
    files: &'static Files,
}

/// What a version calls its files.
#[derive(Debug, PartialEq, Eq)]
struct Files {
    memory: &'static str,
    limit: &'static str,
    /// Pages of files that the kernel takes away first, in `memory.stat`.
    cached: &'static str,
    /// Where `oom_kill` stands.
    events: &'static str,
}

const FIRST: Files = Files {
    memory: "memory.usage_in_bytes",
    limit: "memory.limit_in_bytes",
    cached: "total_inactive_file",
    events: "memory.oom_control",
};
const SECOND: Files = Files {
    memory: "memory.current",
    limit: "memory.max",
    cached: "inactive_file",
    events: "memory.events",
};

/// What a group takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// In bytes, kernel memory and pages of files included, but for those that the kernel would take away first: what is held against
    /// the limit, and what Kubernetes calls the working set.
    pub memory: u64,
    /// In bytes.
    pub limit: Option<u64>,
    /// So many processes were ended for their memory.
    pub ended: u64,
}

impl Cgroup {
    /// That of a process, where it is in reach.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let text = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        Self::named(&text, Path::new(MOUNT))
    }

    /// The group that the lines of `/proc/PID/cgroup` name: `number:controllers:path`.
    fn named(text: &str, mount: &Path) -> Option<Self> {
        let lines = text.lines().filter_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            Some((controllers, path.trim_start_matches('/')))
        });
        let own = |(controllers, path): (&str, &str)| match controllers {
            "" => Some((mount.join(path), &SECOND)),
            all if all.split(',').any(|one| one == "memory") => {
                Some((mount.join("memory").join(path), &FIRST))
            }
            _ => None,
        };
        let mut groups = lines.filter_map(own);
        let (folder, files) = groups.find(|(folder, files)| folder.join(files.memory).is_file())?;
        Some(Self { folder, files })
    }

    /// What it takes now; nothing once it has gone.
    pub(super) fn usage(&self) -> Option<Usage> {
        let read = |name: &str| fs::read_to_string(self.folder.join(name)).ok();
        let memory: u64 = read(self.files.memory)?.trim().parse().ok()?;
        let cached = read("memory.stat").and_then(|text| value(&text, self.files.cached));
        let limit = read(self.files.limit).and_then(|text| text.trim().parse().ok());
        let ended = read(self.files.events).and_then(|text| value(&text, "oom_kill"));
        Some(Usage {
            memory: memory.saturating_sub(cached.unwrap_or(0)),
            limit: limit.filter(|limit| *limit < NONE),
            ended: ended.unwrap_or(0),
        })
    }
}

/// The number behind a name in lines of both.
fn value(text: &str, name: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(own, _)| *own == name)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(folder: &str, files: &[(&str, &str)], lines: &str) -> Option<Usage> {
        let mount = tempfile::tempdir().unwrap();
        let own = mount.path().join(folder);
        fs::create_dir_all(&own).unwrap();
        for (name, text) in files {
            fs::write(own.join(name), text).unwrap();
        }
        Cgroup::named(lines, mount.path())?.usage()
    }

    #[test]
    fn both_versions_are_read() {
        let first = [
            ("memory.usage_in_bytes", "104857600\n"),
            ("memory.limit_in_bytes", "9223372036854771712\n"),
            (
                "memory.stat",
                "cache 5\ninactive_file 1\ntotal_inactive_file 4857600\n",
            ),
            (
                "memory.oom_control",
                "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
            ),
        ];
        let lines = "12:cpu,cpuacct:/docker/4f\n3:memory:/docker/4f\n0::/\n";
        let usage = |memory, limit, ended| Usage {
            memory,
            limit,
            ended,
        };
        assert_eq!(
            group("memory/docker/4f", &first, lines),
            Some(usage(100_000_000, None, 2))
        );
        let second = [
            ("memory.current", "100\n"),
            ("memory.max", "67108864\n"),
            ("memory.stat", "anon 7\ninactive_file 40\n"),
            ("memory.events", "low 0\noom 1\noom_kill 1\n"),
        ];
        let lines = "0::/system.slice/docker-4f.scope\n";
        let found = group("system.slice/docker-4f.scope", &second, lines);
        assert_eq!(found, Some(usage(60, Some(64 << 20), 1)));
        let unlimited = [second[0], ("memory.max", "max\n")];
        let found = group("system.slice/docker-4f.scope", &unlimited, lines);
        assert_eq!(found, Some(usage(100, None, 0)));
        assert_eq!(group("elsewhere", &second, lines), None);
        assert_eq!(group("x", &second, "nonsense\n"), None);
    }
}
