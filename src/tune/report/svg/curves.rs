//! Memory over time.

use std::fmt::Write;

use super::both;
use crate::text::svg::{Frame, Scale, WIDE, escape};
use crate::tune::Sample;
use crate::tune::size::MIB;

/// A curve with its name.
pub(in crate::tune::report) struct Curve<'a> {
    pub(in crate::tune::report) name: String,
    /// That of its colour.
    pub(in crate::tune::report) class: &'static str,
    pub(in crate::tune::report) samples: &'a [Sample],
}

impl Curve<'_> {
    /// Seconds since its first sample, and MiB.
    fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let first = self.samples.first();
        let first = first.map_or(0.0, |sample| sample.at.as_secs_f64());
        let point =
            move |sample: &Sample| (sample.at.as_secs_f64() - first, sample.memory as f64 / MIB);
        self.samples.iter().map(point)
    }
}

/// The picture.
pub(in crate::tune::report) fn curves(all: &[Curve<'_>]) -> String {
    both(|frame| draw(frame, all), WIDE.height)
}

fn draw(frame: Frame, all: &[Curve<'_>]) -> String {
    let points = || all.iter().flat_map(Curve::points);
    let seconds = points().map(|(at, _)| at).fold(1e-3, f64::max);
    let most = points().map(|(_, memory)| memory).fold(1.0, f64::max);
    let x = frame.horizontal(0.0, seconds);
    let y = frame.vertical(0.0, most * 1.05);
    let mut svg = frame.open("memory over time");
    frame.axes(&mut svg, (x, "seconds"), (y, "PSS of all processes, MiB"));
    // The first is the best: nothing is drawn over it.
    for curve in all.iter().rev() {
        let _ = write!(
            svg,
            "<polyline class=\"curve {}\" points=\"{}\"><title>{}</title></polyline>",
            curve.class,
            line(curve, x, y).join(" "),
            escape(&curve.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The line, of each unit of the picture no more than what it shows: its lowest and its highest point.
fn line(curve: &Curve<'_>, x: Scale, y: Scale) -> Vec<String> {
    let mut line = Vec::new();
    let mut column: Vec<(f64, f64)> = Vec::new();
    let places = curve.points().map(|(at, memory)| (x.at(at), y.at(memory)));
    for place in places {
        if column.first().is_some_and(|first| place.0 - first.0 >= 1.0) {
            line.extend(ends(&column));
            column.clear();
        }
        column.push(place);
    }
    line.extend(ends(&column));
    let text = |(x, y): (f64, f64)| format!("{x:.1},{y:.1}");
    line.into_iter().map(text).collect()
}

/// The lowest and the highest of some points, in their order.
fn ends(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let by_height = |one: &&(f64, f64), other: &&(f64, f64)| one.1.total_cmp(&other.1);
    let low = points.iter().min_by(by_height);
    let high = points.iter().max_by(by_height);
    let mut ends: Vec<(f64, f64)> = low.into_iter().chain(high).copied().collect();
    ends.sort_by(|one, other| one.0.total_cmp(&other.0));
    ends.dedup();
    ends
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn samples(count: u64) -> Vec<Sample> {
        let sample = |number: u64| Sample {
            at: Duration::from_millis(number * 50),
            memory: if number == 777 { 900 << 20 } else { 100 << 20 },
            processes: 1,
            ticks: 0,
        };
        (0..count).map(sample).collect()
    }

    fn curve<'a>(name: &str, samples: &'a [Sample]) -> Curve<'a> {
        Curve {
            name: name.into(),
            class: "best",
            samples,
        }
    }

    #[test]
    fn a_long_run_is_no_long_page_and_keeps_its_peak() {
        let samples = samples(60_000);
        let (x, y) = (WIDE.horizontal(0.0, 3000.0), WIDE.vertical(0.0, 1000.0));
        let drawn = line(&curve("a", &samples), x, y);
        assert!(drawn.len() < 1800, "{}", drawn.len());
        let peak = format!(",{:.1}", y.at(900.0));
        assert_eq!(
            drawn.iter().filter(|point| point.ends_with(&peak)).count(),
            1
        );
    }

    #[test]
    fn names_cannot_break_out() {
        let samples = samples(3);
        let drawn = curves(&[curve("<script>", &samples)]);
        assert!(!drawn.contains("<script>") && drawn.contains("&lt;script&gt;"));
        assert!(curves(&[]).ends_with("</svg></div>"));
    }
}
