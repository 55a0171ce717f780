//! Where the text says what the start of a container sets, so that a finding can point at the value and a
//! fix can change it.

use std::ops::Range;

use memchr::memmem;

use crate::dockerfile::image::ImageState;
use crate::model::{Setting, Value, Via};
use crate::text::{Place, Span, Traced};

/// A setting that the start makes, with where it stands.
pub(super) fn setting(
    state: &ImageState,
    name: &str,
    value: &str,
    places: &[&Place],
    via: Via,
) -> Setting {
    let (name_place, place) = written(state, name, value, places);
    let mut text = Traced::new();
    if place.file.slice(place.span) == value.as_bytes() {
        text.push(&place.file.bytes, place.span);
    } else {
        text.push_from(value, place.span);
    }
    Setting {
        value: Value {
            text,
            ..Value::default()
        },
        place,
        name_place,
        step: state.step + 1,
        via,
    }
}

/// Where the name and the value stand, the value without its quotes, where it stands there once
/// and as it is. The words of ENTRYPOINT and CMD are one command.
fn written(state: &ImageState, name: &str, value: &str, places: &[&Place]) -> (Place, Place) {
    let commands = [state.cmd.as_ref(), state.entrypoint.as_ref()];
    let commands = commands.iter().flatten().map(|command| &command.place);
    let mut all = places.iter().copied().chain(commands);
    let found = all.find_map(|place| assignment(name, value, place));
    found.unwrap_or_else(|| {
        let last = places.last().copied().unwrap_or(&state.from);
        (last.clone(), last.clone())
    })
}

/// Where a place says, once, that `name` is `value`, or is that value: the name and the value.
fn assignment(name: &str, value: &str, place: &Place) -> Option<(Place, Place)> {
    let text = place.file.slice(place.span);
    let named = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let begins = |at: &usize| {
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        !before.is_some_and(named) && text.get(at + name.len()) == Some(&b'=')
    };
    let is_it = |start: usize| {
        let quote = |byte: &&u8| matches!(byte, b'"' | b'\'' | b'\\');
        let quotes = text.get(start..)?.iter().take_while(quote).count();
        let mut starts = (0..=quotes).map(|quotes| start + quotes);
        let start =
            starts.find(|start| text.get(*start..start + value.len()) == Some(value.as_bytes()))?;
        Some(start..start + value.len())
    };
    let at = |range: Range<usize>| {
        let from = place.span.start;
        place.at(Span::new(from + range.start, from + range.end))
    };
    if value.is_empty() {
        return None;
    }
    let mut found = memmem::find_iter(text, name.as_bytes())
        .filter(begins)
        .filter_map(|key| Some((key..key + name.len(), is_it(key + name.len() + 1)?)));
    match (found.next(), found.next()) {
        (Some((key, value)), None) => Some((at(key), at(value))),
        (Some(_), Some(_)) => None,
        // A place that is the value, in quotes or not.
        (None, _) => {
            let value = is_it(0)?;
            let quotes = text.len() - value.end;
            (quotes <= value.start).then(|| (place.clone(), at(value)))
        }
    }
}
