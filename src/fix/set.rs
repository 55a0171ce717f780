//! What somebody wants of units and no rule asks for: put into the file by the same loop, with the same care.

use std::sync::Arc;

use super::{Fixed, Options, Order, carry_out};
use crate::check::{WISH, Wish};
use crate::project::Project;
use crate::templates::Style;
use crate::text::SourceFile;

/// Makes what `wish` says true of the units of a file, and changes nothing else. What could not be done is left, as a
/// finding of the rule [`WISH`] with the reason.
#[must_use]
pub(crate) fn set(
    file: &Arc<SourceFile>,
    project: &Project<'_>,
    style: Style,
    wish: Wish<'_>,
) -> Fixed {
    let options = Options {
        only: vec![WISH.to_owned()],
        style,
        ..Options::default()
    };
    let order = Order {
        options: &options,
        wish,
    };
    let mut fixed = carry_out(file, project, order);
    fixed.left.retain(|left| left.finding.rule == WISH);
    fixed
}
