//! The heap as a map on a terminal: a sign for each piece, darker where more of it is in use.

use std::io;

use crate::inspect::account::Account;
use crate::inspect::map::{Cell, Strip};

/// Signs in a line, and lines for a whole process.
const ACROSS: usize = 64;
const DOWN: usize = 40;
/// A sign stands for no more.
const LARGEST: u64 = 4 << 20;

/// Writes the map of a process.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(account: &Account, out: &mut dyn io::Write) -> io::Result<()> {
    let strips: Vec<&Strip> = account.strips().collect();
    if strips.is_empty() {
        return writeln!(out, "  no map: its memory was not read");
    }
    for (strip, bytes) in strips
        .iter()
        .map(|strip| (strip, scale(&strips, strip.bytes)))
    {
        let joined = strip.joined(usize::try_from(bytes / strip.bytes.max(1)).unwrap_or(1));
        for (number, line) in joined.cells.chunks(ACROSS).enumerate() {
            let name = if number == 0 {
                joined.name.as_str()
            } else {
                ""
            };
            let signs: String = line.iter().map(|cell| sign(*cell)).collect();
            writeln!(out, "  {name:<13} {signs}")?;
        }
    }
    let sizes = strips.iter().map(|strip| scale(&strips, strip.bytes) >> 10);
    let (least, most) = (sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0));
    let size = match least == most {
        true => format!("{most} KiB"),
        false => format!("{least} KiB, of Python's own {most}"),
    };
    writeln!(
        out,
        "  a sign is {size}; in use: █ from 75 %  ▓ from 50 %  ▒ from 25 %  ░ less  · not in memory"
    )
}

/// The bytes of a sign, so that all of it fits.
fn scale(strips: &[&Strip], least: u64) -> u64 {
    let lines = |bytes: u64| -> usize {
        let cells = |strip: &&Strip| {
            let count = usize::try_from(bytes / strip.bytes.max(1))
                .unwrap_or(1)
                .max(1);
            strip.cells.len().div_ceil(count)
        };
        strips
            .iter()
            .map(|strip| cells(strip).div_ceil(ACROSS))
            .sum()
    };
    let mut bytes = least;
    while bytes < LARGEST && lines(bytes) > DOWN {
        bytes *= 2;
    }
    bytes
}

fn sign(cell: Cell) -> char {
    let all = cell.live + cell.free;
    if all == 0 {
        return '·';
    }
    match cell.live * 100 / all {
        75.. => '█',
        50.. => '▓',
        25.. => '▒',
        _ => '░',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_says_how_much_is_in_use() {
        let cell = |live, free| sign(Cell { live, free });
        assert_eq!(cell(0, 0), '·');
        assert_eq!(
            [cell(1, 99), cell(25, 75), cell(50, 50), cell(75, 25)],
            ['░', '▒', '▓', '█']
        );
    }

    #[test]
    fn large_heaps_get_larger_signs() {
        let mut strip = Strip::named("main arena");
        strip.add_live(0, 256 << 20);
        assert_eq!(scale(&[&strip], strip.bytes), 256 << 10);
        strip.add_live(0, 16 << 30);
        assert_eq!(scale(&[&strip], strip.bytes), LARGEST);
    }
}
