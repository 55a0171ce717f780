//! The two pictures of the HTML report: memory over time, and what memory costs.

use std::fmt::Write;

use super::MIB;
use crate::text::svg::{axes, escape, horizontal, open, vertical};
use crate::tune::Sample;

/// A curve with its name.
pub(super) struct Curve<'a> {
    pub(super) name: String,
    pub(super) samples: &'a [Sample],
}

/// A setting as a point: memory and CPU against the baseline.
pub(super) struct Point {
    pub(super) name: String,
    pub(super) memory: f64,
    pub(super) cpu: f64,
    pub(super) class: &'static str,
}

/// Memory over time.
pub(super) fn memory(curves: &[Curve<'_>]) -> String {
    let from_first = |curve: &Curve<'_>, sample: &Sample| {
        let first = curve
            .samples
            .first()
            .map_or(0.0, |sample| sample.at.as_secs_f64());
        sample.at.as_secs_f64() - first
    };
    let all = || {
        curves
            .iter()
            .flat_map(|curve| curve.samples.iter().map(move |sample| (curve, sample)))
    };
    let seconds = all()
        .map(|(curve, sample)| from_first(curve, sample))
        .fold(0.0, f64::max);
    let most = all()
        .map(|(_, sample)| sample.memory as f64 / MIB)
        .fold(1.0, f64::max)
        * 1.05;
    let x = horizontal(0.0, seconds.max(1e-3));
    let y = vertical(0.0, most);
    let mut svg = open("memory over time");
    axes(&mut svg, (x, "seconds"), (y, "PSS of all processes, MiB"));
    for (number, curve) in curves.iter().enumerate() {
        let points: Vec<String> = curve
            .samples
            .iter()
            .map(|sample| {
                let memory = sample.memory as f64 / MIB;
                format!("{:.1},{:.1}", x.at(from_first(curve, sample)), y.at(memory))
            })
            .collect();
        let _ = write!(
            svg,
            "<polyline class=\"curve c{number}\" points=\"{}\"><title>{}</title></polyline>",
            points.join(" "),
            escape(&curve.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// What memory costs in CPU time.
pub(super) fn front(points: &[Point]) -> String {
    let range = |values: &dyn Fn(&Point) -> f64| {
        let low = points.iter().map(values).fold(1.0, f64::min);
        let high = points.iter().map(values).fold(1.0, f64::max);
        let margin = ((high - low) * 0.08).max(0.02);
        (low - margin, high + margin)
    };
    let (low, high) = range(&|point| point.memory);
    let x = horizontal(low, high);
    let (low, high) = range(&|point| point.cpu);
    let y = vertical(low, high);
    let mut svg = open("memory and CPU time of all settings");
    axes(&mut svg, (x, "memory, ratio"), (y, "CPU time, ratio"));
    for point in points {
        let _ = write!(
            svg,
            "<circle class=\"{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"6\"><title>{}: {:.2} x memory, {:.2} x CPU</title></circle>",
            point.class,
            x.at(point.memory),
            y.at(point.cpu),
            escape(&point.name),
            point.memory,
            point.cpu
        );
    }
    svg.push_str("</svg>");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out() {
        let point = Point {
            name: "<script>".into(),
            memory: 1.0,
            cpu: 1.0,
            class: "point",
        };
        assert!(!front(&[point]).contains("<script>"));
        assert!(memory(&[]).ends_with("</svg>"));
    }
}
