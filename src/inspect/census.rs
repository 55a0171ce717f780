//! The pages of a process by what they hold, as the kernel's page map tells it: what all other figures are held against.
//! `smaps` says the same and more, and stops the process for a third of a second meanwhile: it is never read.

use std::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use super::memory::{self, PAGE, Window};
use super::process::{Mapping, Process};

/// A difference below this is nothing, in bytes.
const LITTLE: u64 = 1 << 20;

/// What is in memory: bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Census {
    /// What `brk` gave.
    pub(super) heap: u64,
    /// Stacks of threads, as far as they can be told.
    pub(super) stacks: u64,
    /// Data of programs and libraries, changed since it was read.
    pub(super) libraries: u64,
    /// Memory of no file and without a name.
    pub(super) unnamed: u64,
    /// Pages of files, and memory that is shared on purpose.
    pub(super) files: u64,
    /// Of what is of no file: what no other process maps.
    pub(super) private: u64,
    /// Pages that were read and never written: all of them are the kernel's one page of zeros, and take nothing.
    pub(super) zeros: u64,
}

/// Counts them.
pub(super) fn take(process: &Process) -> Census {
    let mut census = Census::default();
    let stacks = process.stacks();
    let mut before: Option<&Mapping> = None;
    let mut apart = Vec::new();
    for map in &process.maps {
        let is_guarded = before.is_some_and(|guard| guards(guard, map));
        before = Some(map);
        let found = count(process, map, &mut apart);
        census.files += found.files;
        census.private += found.private;
        let place = if map.path == "[heap]" {
            &mut census.heap
        } else if map.path.starts_with('/') {
            &mut census.libraries
        } else if map.path.starts_with("[stack") || is_stack(map, is_guarded, &stacks) {
            &mut census.stacks
        } else {
            &mut census.unnamed
        };
        *place += found.anonymous;
    }
    // The kernel does not count its page of zeros, and the page map shows it like one that a fork shares.
    let said = process.status.anonymous;
    if census.anonymous().saturating_sub(said) > LITTLE.max(said / 50) {
        census.zeros = zeros(process, &apart);
        census.unnamed = census.unnamed.saturating_sub(census.zeros);
    }
    census
}

/// What of pages that others map, too, is zero: bytes.
fn zeros(process: &Process, apart: &[(u64, u64)]) -> u64 {
    let mut found = 0;
    for (start, end) in apart {
        let mut at = *start;
        while let Ok(window) = Window::of(process, at, *end)
            && window.end() > at
        {
            let pages = window
                .bytes()
                .chunks(usize::try_from(process.page).unwrap_or(usize::MAX));
            let empty = pages.filter(|page| page.iter().all(|byte| *byte == 0));
            found += empty.map(|page| page.len() as u64).sum::<u64>();
            at = window.end();
        }
    }
    found
}

impl Census {
    /// All that is of no file.
    pub(super) fn anonymous(&self) -> u64 {
        self.heap + self.stacks + self.libraries + self.unnamed
    }
}

/// A mapping that a thread's stack has for itself: where mappings lie side by side and have become one, it is none.
fn is_stack(map: &Mapping, is_guarded: bool, stacks: &[u64]) -> bool {
    /// The largest that is usual, and what guards it.
    const MOST: u64 = (8 << 20) + (64 << 10);
    let may_be = map.path.is_empty() && map.length() <= MOST && map.is_anonymous();
    may_be && (is_guarded || stacks.iter().any(|pointer| map.holds(*pointer)))
}

/// Whether a mapping closes the one behind it against what runs over, as below a stack. Behind what an arena has not used yet the heap of
/// another may begin.
fn guards(guard: &Mapping, map: &Mapping) -> bool {
    const LARGEST: u64 = 64 << 10;
    const HEAP: u64 = 64 << 20;
    guard.mode.starts_with("---")
        && guard.path.is_empty()
        && guard.end == map.start
        && guard.length() <= LARGEST
        && !map.start.is_multiple_of(HEAP)
}

#[derive(Default)]
struct Count {
    anonymous: u64,
    files: u64,
    private: u64,
}

/// The pages of a mapping; runs of unnamed ones that others map, too, are kept apart.
fn count(process: &Process, map: &Mapping, apart: &mut Vec<(u64, u64)>) -> Count {
    let mut found = Count::default();
    // What belongs to the kernel and is in every process counts for nobody.
    if matches!(
        map.path.as_str(),
        "[vvar]" | "[vdso]" | "[vsyscall]" | "[vvar_vclock]"
    ) {
        return found;
    }
    let is_unnamed = map.is_anonymous() && map.path.is_empty();
    memory::each_present(process, map.start, map.end, |at, page| {
        if page.file {
            found.files += PAGE;
        } else {
            found.anonymous += PAGE;
            found.private += if page.exclusive { PAGE } else { 0 };
            if is_unnamed && !page.exclusive {
                match apart.last_mut() {
                    Some((_, end)) if *end == at => *end = at + PAGE,
                    _ => apart.push((at, at + PAGE)),
                }
            }
        }
        ControlFlow::Continue(())
    });
    found
}
