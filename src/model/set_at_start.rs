//! Variables that the start of a process sets: `CMD env MALLOC_CONF=... python app.py`, a start script's
//! `export`. They go over those of the image and the container, so they are changed where they stand,
//! or not at all.

use crate::model::{Unit, Via};
use crate::text::{Edit, SourceFile};

/// The edit that gives `name` another value where the start sets it; nothing where it does not.
///
/// # Errors
/// Where the text does not allow it; the reason is for people.
pub(crate) fn reset(
    file: &SourceFile,
    unit: &Unit,
    name: &str,
    value: &str,
) -> Result<Option<Edit>, String> {
    let Some(var) = unit.env.get(name) else {
        return Ok(None);
    };
    if var.now.via == Via::Environment {
        return Ok(None);
    }
    let (text, place) = (&var.now.value.text, var.now.value_place());
    let own = std::ptr::eq(&*place.file, file) && text.is_verbatim(0..text.as_str().len());
    // These mean the same in every kind of quotes, and without.
    let plain = |c: char| c.is_ascii_alphanumeric() || "_:,.-".contains(c);
    if !own || text.as_str().is_empty() || !value.chars().all(plain) {
        return Err(started(unit, name).unwrap_or_default());
    }
    let text = value.to_owned();
    let span = place.span;
    Ok(Some(Edit { span, text }))
}

/// Why a variable cannot be renamed or dropped, where the start sets it.
pub(crate) fn started(unit: &Unit, name: &str) -> Option<String> {
    let var = unit.env.get(name)?;
    let place = &var.now.place;
    (var.now.via != Via::Environment).then(|| {
        format!(
            "the start sets `{name}` (`{}`, line {}): change it there",
            place.file.path,
            place.line()
        )
    })
}
