//! Which `MALLOC_CONF` a process gets where nobody has set one.

use super::Style;
use crate::model::Unit;
use crate::templates::{self, Need};

/// The value for `unit` under a jemalloc of `version`: what was measured for this very project, else the
/// profile that fits. `thread`: its Python processes run jemalloc's thread, or will.
///
/// # Errors
/// Where there is none for that version; the reason is for people.
pub(crate) fn tuning(
    unit: &Unit,
    style: Style,
    version: Option<&str>,
    thread: bool,
) -> Result<String, String> {
    if let Some(measured) = style.malloc_conf {
        return Ok(measured.to_owned());
    }
    let need = Need {
        model: unit.process.model.value().copied(),
        goal: style.goal,
        version,
        thread,
    };
    templates::malloc_conf(&need)
        .map(|profile| profile.value.clone())
        .ok_or_else(|| match version {
            Some(version) => format!("there is no measured `MALLOC_CONF` for jemalloc {version}"),
            None => "there is no measured `MALLOC_CONF` for that jemalloc".into(),
        })
}
