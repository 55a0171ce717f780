//! The pictures of the page: curves over time, and the heaps as a map.

use std::fmt::Write;

use super::growth::CURVES;
use crate::inspect::account::Account;
use crate::inspect::map::{Cell, Strip};
use crate::inspect::trend::Sample;
use crate::text::svg::{WIDE, escape};

const MIB: f64 = (1 << 20) as f64;
/// The map: cells in a row, what one takes, the room for names, and how many there are at most.
const ACROSS: usize = 64;
const SIDE: f64 = 11.0;
const NAMES: f64 = 120.0;
const MOST: usize = 4096;

/// RSS, what is in use and what is free, over time.
pub(super) fn curves(samples: &[&Sample]) -> String {
    let seconds = samples.last().map_or(0.0, |sample| sample.seconds);
    let most = samples.iter().map(|sample| sample.rss).max().unwrap_or(0) as f64 / MIB;
    let x = WIDE.horizontal(0.0, seconds.max(1e-3));
    let y = WIDE.vertical(0.0, (most * 1.05).max(1.0));
    let mut svg = WIDE.open("memory over time");
    WIDE.axes(&mut svg, (x, "seconds"), (y, "MiB"));
    for (number, (name, of)) in CURVES.iter().enumerate() {
        let point = |sample: &&Sample| {
            format!(
                "{:.1},{:.1}",
                x.at(sample.seconds),
                y.at(of(sample) as f64 / MIB)
            )
        };
        let points: Vec<String> = samples.iter().map(point).collect();
        let _ = write!(
            svg,
            "<polyline class=\"curve c{number}\" points=\"{}\"><title>{name}</title></polyline>",
            points.join(" ")
        );
    }
    svg.push_str("</svg>");
    svg
}

/// A cell for each piece of the heaps; nothing where they could not be read.
pub(super) fn map(account: &Account) -> String {
    let strips: Vec<&Strip> = account.strips().collect();
    let cells: usize = strips.iter().map(|strip| strip.cells.len()).sum();
    if cells == 0 {
        return String::new();
    }
    let each = cells.div_ceil(MOST).next_power_of_two();
    let (mut body, mut row) = (String::new(), 0);
    for strip in strips {
        let strip = strip.joined(each);
        let _ = write!(
            body,
            "<text x=\"0\" y=\"{:.1}\">{}</text>",
            row as f64 * SIDE + SIDE - 2.0,
            escape(&strip.name)
        );
        for line in strip.cells.chunks(ACROSS) {
            for (column, cell) in line.iter().enumerate() {
                let at = (NAMES + column as f64 * SIDE, row as f64 * SIDE);
                body.push_str(&drawn(*cell, strip.bytes, at));
            }
            row += 1;
        }
    }
    let height = row as f64 * SIDE;
    format!(
        "<svg viewBox=\"0 0 {} {height:.0}\" role=\"img\" aria-label=\"the heaps as a map\">{body}</svg>",
        WIDE.width
    )
}

/// What is in use stands at the bottom of a cell, what is kept free above it.
fn drawn(cell: Cell, bytes: u64, (x, y): (f64, f64)) -> String {
    let side = SIDE - 1.0;
    let part = |part: u64| (part as f64 / bytes.max(1) as f64).min(1.0) * side;
    let (used, kept) = (part(cell.live), part(cell.live + cell.free));
    let mut svg = format!(
        "<g><rect class=\"cell none\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{side}\" height=\"{side}\"/>"
    );
    for (class, height) in [("kept", kept), ("used", used)] {
        if height > 0.0 {
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{:.1}\" width=\"{side}\" height=\"{height:.1}\"/>",
                y + side - height
            );
        }
    }
    let _ = write!(
        svg,
        "<title>{} KiB: {} in use, {} free</title></g>",
        bytes >> 10,
        cell.live >> 10,
        cell.free >> 10
    );
    svg
}
