//! The pictures of the HTML report: memory over time, what memory costs, what is in use and free. Each is
//! drawn twice, for wide and for narrow screens: a picture that is only scaled down cannot be read.

mod bars;
mod curves;
mod front;
mod labels;

pub(super) use bars::{Bar, PARTS, bars};
pub(super) use curves::{Curve, curves};
pub(super) use front::{Point, front};

use crate::text::svg::{Frame, WIDE};

/// As wide as the screen of a telephone.
const NARROW: Frame = Frame {
    width: 380.0,
    height: 300.0,
};

/// A picture for both kinds of screens; the style sheet shows one of them.
fn both(draw: impl Fn(Frame) -> String, height: f64) -> String {
    let wide = draw(Frame { height, ..WIDE });
    let narrow = draw(NARROW);
    format!("<div class=\"on-wide\">{wide}</div><div class=\"on-narrow\">{narrow}</div>")
}
