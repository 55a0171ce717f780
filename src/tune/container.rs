//! A service in a container: what is started in which image, and what can be known of one that runs.

use std::ffi::OsString;
use std::fs;

use super::cgroup::{Cgroup, Usage};
use super::error::{RunError, Tail};
use super::keeper::Kept;
use super::libraries::Library;
use super::reach::Reach;
use crate::engine;

/// The image that is started under each setting.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    /// The image, as it was named.
    pub image: String,
    pub run: engine::Container,
    /// What a container of the image starts with.
    pub variables: Vec<(OsString, OsString)>,
    /// What is set besides in the copy that is run, where it is one.
    pub copied: Vec<OsString>,
    /// The allocators in it.
    pub libraries: Vec<Library>,
}

impl Container {
    /// What the keeper is to start: a container of that name with these variables. An image's own variables cannot be taken away: those
    /// that are to be unset are empty, which the loader, glibc, Python and allocators take for unset.
    pub(super) fn kept(
        &self,
        name: &str,
        mut set: Vec<(OsString, OsString)>,
        unset: Vec<OsString>,
    ) -> Kept {
        let is_set = |name: &OsString| set.iter().any(|(own, _)| own == name);
        let empty = unset.into_iter().filter(|name| !is_set(name));
        let empty: Vec<_> = empty.map(|name| (name, OsString::new())).collect();
        set.extend(empty);
        Kept {
            command: self.run.run(name, &set),
            cleanup: self.run.removal(name),
            ..Kept::default()
        }
    }
}

/// The container of a run.
pub(super) struct Contained {
    run: engine::Container,
    name: String,
    inside: Option<Inside>,
}

/// What is known of it once it runs.
struct Inside {
    reach: Reach,
    group: Option<Cgroup>,
}

impl Contained {
    /// One of that name, which may not be there yet.
    pub(super) fn named(container: &Container, name: &str) -> Self {
        Self {
            run: container.run.clone(),
            name: name.to_owned(),
            inside: None,
        }
    }

    /// The number of its first process on this machine, once it runs.
    pub(super) fn enter(&mut self) -> Result<Option<u32>, RunError> {
        // Until it has been made there is none of that name.
        let Some((state, pid)) = self.state().and_then(|state| {
            let pid = state.pid?;
            Some((state, pid))
        }) else {
            return Ok(None);
        };
        if !is_here(pid, &state.id) {
            return Err(RunError::System(
                "the engine runs its containers on another machine, or in a virtual one: run malloclint there"
                    .into(),
            ));
        }
        self.inside = Some(Inside {
            reach: Reach::of(state),
            group: Cgroup::of(pid),
        });
        Ok(Some(pid))
    }

    /// Whether it was seen to run.
    pub(super) const fn is_entered(&self) -> bool {
        self.inside.is_some()
    }

    /// How it is reached.
    pub(super) fn reach(&self) -> Option<Reach> {
        self.inside.as_ref().map(|inside| inside.reach.clone())
    }

    /// What all of it takes now, as the kernel counts it.
    pub(super) fn usage(&self) -> Option<Usage> {
        self.inside.as_ref()?.group.as_ref()?.usage()
    }

    /// The error where the kernel has ended a process of it for its memory.
    pub(super) fn out_of_memory(&self, tail: Tail) -> Option<RunError> {
        let state = self.state().unwrap_or_default();
        let ended = self.usage().is_some_and(|usage| usage.ended > 0) || state.out_of_memory;
        ended.then_some(RunError::OutOfMemory {
            limit: state.limit,
            tail,
        })
    }

    fn state(&self) -> Option<engine::State> {
        self.run.state(&self.name).ok()
    }
}

/// Whether a process is the first one of that container here: a number may come from another machine. The first process of a
/// container is number 1 in its own namespace, or the container's number stands in the name of its control group.
fn is_here(pid: u32, id: &str) -> bool {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = read("status");
    let numbers = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let own = numbers.map(|all| all.split_ascii_whitespace().collect::<Vec<_>>());
    let first = own.is_some_and(|all| all.len() > 1 && all.last() == Some(&"1"));
    first || !id.is_empty() && read("cgroup").contains(id)
}

#[cfg(test)]
mod tests {
    use super::is_here;

    #[test]
    fn a_process_of_this_machine_is_no_container() {
        assert!(!is_here(std::process::id(), "4f00"));
        assert!(!is_here(u32::MAX, "4f00"));
        assert!(!is_here(std::process::id(), ""));
    }
}
