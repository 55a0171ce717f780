//! What memory costs in CPU time: each setting a point, with what is not sure of it.

use std::fmt::Write;

use super::both;
use super::labels::{Area, Labelled, NEAR, place};
use crate::text::svg::{Frame, Scale, escape};
use crate::tune::Estimate;

/// A setting as a point: memory and CPU time against the baseline.
pub(in crate::tune::report) struct Point {
    /// What stands beside it.
    pub(in crate::tune::report) label: String,
    pub(in crate::tune::report) name: String,
    /// Logarithms.
    pub(in crate::tune::report) memory: Estimate,
    pub(in crate::tune::report) cpu: Estimate,
    /// That of its colour.
    pub(in crate::tune::report) class: &'static str,
    /// Whether it is one of those that are always shown.
    pub(in crate::tune::report) is_main: bool,
}

const HEIGHT: f64 = 420.0;

/// The picture; those that come first get the best places for their labels.
pub(in crate::tune::report) fn front(points: &[Point], baseline: &str) -> String {
    both(|frame| draw(frame, points, baseline), HEIGHT)
}

fn draw(frame: Frame, points: &[Point], baseline: &str) -> String {
    let (low, high) = range(points, |point| point.memory);
    let x = frame.horizontal(low, high);
    let (low, high) = range(points, |point| point.cpu);
    let y = frame.vertical(low, high);
    let mut svg = frame.open("memory and CPU time of all settings");
    // The second label is turned to the left: there its arrow points down.
    let of_memory = format!("← less memory, {baseline} = 1");
    let of_cpu = format!("← less CPU time, {baseline} = 1");
    frame.axes(&mut svg, (x, &of_memory), (y, &of_cpu));
    let picture = Area {
        left: x.within(f64::NEG_INFINITY),
        top: y.within(f64::INFINITY),
        right: x.within(f64::INFINITY),
        bottom: y.within(f64::NEG_INFINITY),
    };
    let (at_x, at_y) = (x.at(1.0), y.at(1.0));
    let Area {
        left,
        top,
        right,
        bottom,
    } = picture;
    let _ = write!(
        svg,
        "<path class=\"one\" d=\"M{at_x:.1},{top}V{bottom}M{left},{at_y:.1}H{right}\"/>"
    );
    for point in points {
        bars(&mut svg, point, x, y);
    }
    for point in points.iter().rev() {
        dot(&mut svg, point, x, y);
    }
    labels(&mut svg, points, (x, y), picture);
    svg.push_str("</svg>");
    svg
}

/// The ends of an axis: all points, and what is not sure of the main ones, unless that is very much.
fn range(points: &[Point], of: impl Fn(&Point) -> Estimate) -> (f64, f64) {
    let means = || points.iter().map(|point| of(point).ratio().0);
    let (low, high) = (means().fold(1.0, f64::min), means().fold(1.0, f64::max));
    let span = (high - low).max(0.1);
    let main = points.iter().filter(|point| point.is_main);
    let ends: Vec<(f64, f64)> = main.filter_map(|point| of(point).ratio().1).collect();
    let lows = ends.iter().map(|(low, _)| *low);
    let highs = ends.iter().map(|(_, high)| *high);
    let least = lows.fold(low, f64::min).max(low - span / 2.0);
    let most = highs.fold(high, f64::max).min(high + span / 2.0);
    let margin = (most - least).max(0.1) * 0.08;
    ((least - margin).max(0.0), most + margin)
}

/// What is not sure, in both directions. Of those that are not always shown only what the picture holds: after
/// two rounds that may be anything.
fn bars(svg: &mut String, point: &Point, x: Scale, y: Scale) {
    let (memory, memory_ends) = point.memory.ratio();
    let (cpu, cpu_ends) = point.cpu.ratio();
    let (at_x, at_y) = (x.at(memory), y.at(cpu));
    let class = point.class;
    let shown = |scale: Scale, ends: Option<(f64, f64)>| {
        let whole = |ends: &(f64, f64)| scale.holds(ends.0) && scale.holds(ends.1);
        let (low, high) = ends.filter(|ends| point.is_main || whole(ends))?;
        Some((scale.within(low), scale.within(high)))
    };
    if let Some((low, high)) = shown(x, memory_ends) {
        let _ = write!(
            svg,
            "<path class=\"bar {class}\" d=\"M{low:.1},{at_y:.1}H{high:.1}\"/>"
        );
    }
    if let Some((low, high)) = shown(y, cpu_ends) {
        let _ = write!(
            svg,
            "<path class=\"bar {class}\" d=\"M{at_x:.1},{low:.1}V{high:.1}\"/>"
        );
    }
}

fn dot(svg: &mut String, point: &Point, x: Scale, y: Scale) {
    let (memory, cpu) = (point.memory.ratio().0, point.cpu.ratio().0);
    let _ = write!(
        svg,
        "<circle class=\"{}\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"{}\"><title>{}: {memory:.2} x memory, {cpu:.2} x CPU</title></circle>",
        point.class,
        x.at(memory),
        y.at(cpu),
        if point.is_main { 6 } else { 4 },
        escape(&point.name),
    );
}

fn labels(svg: &mut String, points: &[Point], (x, y): (Scale, Scale), picture: Area) {
    let labelled = |point: &Point| Labelled {
        x: x.at(point.memory.ratio().0),
        y: y.at(point.cpu.ratio().0),
        width: width(&point.label),
    };
    let labelled: Vec<Labelled> = points.iter().map(labelled).collect();
    let placed = place(&labelled, picture);
    for ((point, at), area) in points.iter().zip(&labelled).zip(placed) {
        let Some(area) = area else { continue };
        let (to_x, to_y) = area.nearest(at.x, at.y);
        if (to_x - at.x).hypot(to_y - at.y) > NEAR {
            let _ = write!(
                svg,
                "<path class=\"lead\" d=\"M{:.1},{:.1}L{to_x:.1},{to_y:.1}\"/>",
                at.x, at.y
            );
        }
        let _ = write!(
            svg,
            "<text class=\"{}\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            if point.is_main { "main" } else { "other" },
            f64::midpoint(area.left, area.right),
            area.bottom - 3.0,
            escape(&point.label)
        );
    }
}

/// How wide a label is at most, in the widest of the fonts that a page may get.
fn width(label: &str) -> f64 {
    let of = |c: char| match c {
        ' ' => 4.2,
        'a'..='z' => 8.0,
        _ => 9.4,
    };
    label.chars().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(label: &str, memory: f64, half: Option<f64>) -> Point {
        let estimate = |ratio: f64| Estimate {
            mean: ratio.ln(),
            half,
            count: 3,
        };
        Point {
            label: label.into(),
            name: format!("<{label}>"),
            memory: estimate(memory),
            cpu: estimate(1.1),
            class: "fix",
            is_main: true,
        }
    }

    #[test]
    fn names_cannot_break_out_and_the_axes_say_which_way_is_better() {
        let drawn = front(&[point("<b>", 0.5, Some(0.1))], "glibc");
        assert!(!drawn.contains("<b>") && drawn.contains("&lt;b&gt;"));
        assert!(drawn.contains("← less memory, glibc = 1"));
        assert!(drawn.contains("← less CPU time, glibc = 1"));
        assert_eq!(drawn.matches("class=\"one\"").count(), 2);
        assert_eq!(drawn.matches("class=\"bar fix\"").count(), 4);
        let single = front(&[point("a", 0.5, None)], "glibc");
        assert!(!single.contains("class=\"bar"));
    }

    #[test]
    fn an_axis_holds_what_is_sure_and_not_what_is_anybodys_guess() {
        let of = |half| range(&[point("a", 0.5, Some(half))], |point| point.memory);
        let (low, high) = of(0.1);
        assert!(low < 0.45 && high > 1.0 && high < 1.1, "{low} {high}");
        let (low, high) = of(5.0);
        assert!(low > 0.1 && high < 1.5, "{low} {high}");
    }
}
