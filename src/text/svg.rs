//! Pictures as SVG: scales, axes with round numbers, text that cannot break out.

use std::fmt::Write;

/// The size of a picture, in units of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Frame {
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// As wide as the text of a page.
pub(crate) const WIDE: Frame = Frame {
    width: 860.0,
    height: 320.0,
};

/// Room for labels: left, right, top, bottom.
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 46.0;

/// A scale from values to places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// The place of a value.
    pub(crate) fn at(self, value: f64) -> f64 {
        let span = (self.high - self.low).max(f64::MIN_POSITIVE);
        self.from + (value - self.low) / span * (self.to - self.from)
    }

    /// Whether a value lies on the scale.
    pub(crate) fn holds(self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }

    /// The place of a value, or the end of the scale that it lies beyond.
    pub(crate) fn within(self, value: f64) -> f64 {
        self.at(value.clamp(self.low, self.high.max(self.low)))
    }
}

impl Frame {
    /// From left to right.
    pub(crate) fn horizontal(self, low: f64, high: f64) -> Scale {
        Scale {
            low,
            high,
            from: LEFT,
            to: self.width - RIGHT,
        }
    }

    /// From the bottom to the top.
    pub(crate) fn vertical(self, low: f64, high: f64) -> Scale {
        Scale {
            low,
            high,
            from: self.height - BOTTOM,
            to: TOP,
        }
    }

    /// The head of the picture.
    pub(crate) fn open(self, label: &str) -> String {
        let Self { width, height } = self;
        format!(
            "<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\">",
            escape(label)
        )
    }

    /// Grid lines with their numbers, and what the axes are.
    pub(crate) fn axes(self, svg: &mut String, x: (Scale, &str), y: (Scale, &str)) {
        // A number needs some room beside the next.
        let about = (self.width / 130.0).clamp(3.0, ABOUT);
        self.rows(svg, y.0);
        self.columns(svg, x.0, about);
        let _ = write!(
            svg,
            "<text class=\"label\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text><text class=\"label\" transform=\"translate(16 {}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            f64::midpoint(LEFT, self.width - RIGHT),
            self.height - 8.0,
            escape(x.1),
            f64::midpoint(TOP, self.height - BOTTOM),
            escape(y.1)
        );
    }

    fn rows(self, svg: &mut String, y: Scale) {
        let right = self.width - RIGHT;
        for tick in ticks(y, ABOUT) {
            let at = y.at(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 8.0,
                at + 4.0,
                number(tick)
            );
        }
    }

    fn columns(self, svg: &mut String, x: Scale, about: f64) {
        let bottom = self.height - BOTTOM;
        for tick in ticks(x, about) {
            let at = x.at(tick);
            let _ = write!(
                svg,
                "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/><text class=\"tick\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 18.0,
                number(tick)
            );
        }
    }
}

/// About so many numbers stand along a scale.
const ABOUT: f64 = 6.0;

/// Round numbers along a scale: 1, 2 or 5 times a power of ten apart.
fn ticks(scale: Scale, about: f64) -> Vec<f64> {
    let span = scale.high - scale.low;
    if !span.is_finite() || span <= 0.0 {
        return vec![scale.low];
    }
    let power = 10f64.powf((span / about).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|factor| factor * power)
        .find(|step| span / step <= about)
        .unwrap_or(power * 10.0);
    let first = (scale.low / step).ceil() as i64;
    let last = (scale.high / step).floor() as i64;
    (first..=last).map(|tick| tick as f64 * step).collect()
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Text as HTML shows it.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (low, high, first, count) in [
            (0.0, 10.0, 0.0, 6),
            (0.93, 1.24, 1.0, 3),
            (0.0, 612.0, 0.0, 4),
        ] {
            let ticks = ticks(WIDE.horizontal(low, high), ABOUT);
            assert!((ticks[0] - first).abs() < 1e-9, "{ticks:?}");
            assert_eq!(ticks.len(), count, "{ticks:?}");
        }
        assert_eq!(ticks(WIDE.horizontal(1.0, 1.0), ABOUT), [1.0]);
        assert_eq!(WIDE.vertical(0.0, 1.0).within(7.0), TOP);
        assert_eq!(number(0.5), "0.5");
        assert_eq!(number(100.0), "100");
    }
}
