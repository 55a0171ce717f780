//! What is in use and what is free at rest, a bar for each setting.

use std::fmt::Write;

use super::NARROW;
use crate::inspect::Holdings;
use crate::text::svg::{Frame, WIDE, escape};
use crate::tune::size::MIB;

/// A setting and what its processes hold.
pub(in crate::tune::report) struct Bar {
    pub(in crate::tune::report) name: String,
    pub(in crate::tune::report) held: Holdings,
}

/// A part of a bar: how it is called, its class, and how much it is.
type Part = (&'static str, &'static str, fn(&Holdings) -> u64);

/// The parts of a bar, from the left.
pub(in crate::tune::report) const PARTS: [Part; 4] = [
    ("in use", "live", |held| held.live),
    ("free in the heaps of malloc", "heaps", |held| {
        held.free_in_heaps
    }),
    ("in pages that wait to be given back", "waits", |held| {
        held.dirty
    }),
    ("free in Python's own arenas", "python", |held| {
        held.free_in_python
    }),
];

/// Room for a setting: its name, and its bar below that.
const ROW: f64 = 48.0;
const TOP: f64 = 4.0;
const HEIGHT: f64 = 20.0;

/// The picture.
pub(in crate::tune::report) fn bars(all: &[Bar]) -> String {
    let height = TOP + ROW * all.len() as f64;
    let draw = |width: f64| draw(Frame { width, height }, all);
    format!(
        "<div class=\"on-wide\">{}</div><div class=\"on-narrow\">{}</div>",
        draw(WIDE.width),
        draw(NARROW.width)
    )
}

fn draw(frame: Frame, all: &[Bar]) -> String {
    let total = |held: &Holdings| (held.live + held.free()) as f64;
    let most = all.iter().map(|bar| total(&bar.held)).fold(1.0, f64::max);
    let scale = frame.width / most;
    let mut svg = frame.open("what is in use and what is free at rest");
    for (number, bar) in all.iter().enumerate() {
        let top = TOP + ROW * number as f64;
        let (live, free) = (bar.held.live as f64 / MIB, bar.held.free() as f64 / MIB);
        let _ = write!(
            svg,
            "<text class=\"main\" x=\"0\" y=\"{:.1}\">{}<tspan class=\"dim\"> {live:.0} MiB in use, {free:.0} MiB free</tspan></text>",
            top + 13.0,
            escape(&bar.name)
        );
        let mut left = 0.0;
        for (name, class, of) in PARTS {
            let bytes = of(&bar.held) as f64;
            let width = bytes * scale;
            let _ = write!(
                svg,
                "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{HEIGHT}\"><title>{name}: {:.1} MiB</title></rect>",
                top + 20.0,
                bytes / MIB
            );
            left += width;
        }
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_long_as_what_is_held() {
        let held = |live: u64, free: u64| Holdings {
            live: live << 20,
            free_in_heaps: free << 20,
            ..Holdings::default()
        };
        let bar = |name: &str, held| Bar {
            name: name.into(),
            held,
        };
        let drawn = bars(&[bar("<glibc>", held(30, 70)), bar("fix", held(30, 20))]);
        assert!(drawn.contains("&lt;glibc&gt;<tspan class=\"dim\"> 30 MiB in use, 70 MiB free"));
        assert!(drawn.contains("class=\"live\" x=\"0.0\" y=\"24.0\" width=\"258.0\""));
        assert!(drawn.contains("class=\"heaps\" x=\"258.0\" y=\"72.0\" width=\"172.0\""));
    }
}
