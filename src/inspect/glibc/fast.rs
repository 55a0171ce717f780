//! The fast bins: small blocks that are free, though they look as if they were in use.

use super::arena::Arena;
use crate::inspect::memory::{self, Memory, Window, word};

/// So many lists of them.
const BINS: u64 = 10;
/// No more of them are followed in a process, a list that was changed meanwhile may lead anywhere. Whoever asks for more than a
/// kilobyte empties all lists, so there are seldom more than some hundred thousand.
pub(super) const MOST: usize = 1 << 22;

/// The blocks in the lists of an arena.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// Their addresses in order.
    addresses: Vec<u64>,
}

impl Blocks {
    /// Those of an arena; `left` is how many may still be followed.
    pub(super) fn of(memory: &dyn Memory, arena: &Arena, left: &mut usize) -> Self {
        let Some(lists) = arena.layout.fast else {
            return Self::default();
        };
        let mut follower = Follower {
            memory,
            window: Window::default(),
            addresses: Vec::new(),
            left: *left,
        };
        for bin in 0..BINS {
            let head = arena.address.saturating_add(lists + bin * 8);
            // The first link is a plain address.
            let first = memory::word_at(memory, head).unwrap_or(0);
            follower.follow(first, 32 + bin * 16);
        }
        *left = follower.left;
        let mut addresses = follower.addresses;
        addresses.sort_unstable();
        Self { addresses }
    }

    pub(super) fn contains(&self, at: u64) -> bool {
        self.addresses.binary_search(&at).is_ok()
    }
}

struct Follower<'a> {
    memory: &'a dyn Memory,
    /// What was read last: blocks of a list often lie side by side.
    window: Window,
    addresses: Vec<u64>,
    /// So many may still be followed.
    left: usize,
}

impl Follower<'_> {
    /// Adds the blocks of a list, all of one size.
    fn follow(&mut self, first: u64, size: u64) {
        let mut at = first;
        // Where a list comes back to a place that it was at, it goes round (Brent).
        let (mut mark, mut steps, mut most) = (0, 0, 1);
        while at != 0 && at != mark && at.is_multiple_of(16) && self.left > 0 {
            if steps == most {
                (mark, steps, most) = (at, 0, most * 2);
            }
            steps += 1;
            let link = self.words(at).filter(|(header, _)| header & !7 == size);
            let Some((_, link)) = link else {
                // It was taken meanwhile, and what followed it with it.
                return;
            };
            self.addresses.push(at);
            self.left -= 1;
            at = self.next(at, link, size).unwrap_or(0);
        }
    }

    /// The block that a link leads to; 0 at the end.
    fn next(&mut self, at: u64, link: u64, size: u64) -> Option<u64> {
        let place = at.checked_add(16)?;
        // From 2.32 on a link is mixed with the address that holds it (safe-linking); what is one already is not.
        let mixed = link ^ place >> 12;
        let mut is_block = |at: u64| {
            let words = at.is_multiple_of(16).then(|| self.words(at)).flatten();
            words.is_some_and(|(header, _)| header & !7 == size)
        };
        [mixed, link]
            .into_iter()
            .find(|at| *at == 0 || is_block(*at))
    }

    /// The header of a block, and what follows it.
    fn words(&mut self, at: u64) -> Option<(u64, u64)> {
        let (from, to) = (at.checked_add(8)?, at.checked_add(24)?);
        if self.window.at(from, 16).is_none() {
            self.window = Window::of(self.memory, from, to).ok()?;
        }
        let bytes = self.window.at(from, 16)?;
        Some((word(bytes, 0)?, word(bytes, 8)?))
    }
}
