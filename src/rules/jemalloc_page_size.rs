//! A jemalloc that is built for the pages of the machine that builds it.

use super::Report;
use crate::facts::{Arch, Family};
use crate::finding::Severity;
use crate::model::{Library, Origin, Unit};
use crate::text::Place;

/// What tells the build of jemalloc the largest pages that it must live with.
const OPTION: &str = "--with-lg-page";

pub(super) fn check(unit: &Unit, report: &mut Report<'_>) {
    let Some(library) = built(unit) else {
        return;
    };
    let archs = unit.platform.archs.value();
    let named = archs.is_some_and(|archs| archs.contains(&Arch::Arm64));
    if archs.is_some() && !named {
        return;
    }
    let finding = report
        .finding(
            &library.place,
            "this jemalloc is built for the page size of the machine that builds it: where pages are larger, the program ends at start",
        )
        .caption("nothing says how large pages may be")
        .note("`<jemalloc>: Unsupported system page size`: Raspberry Pi 5 has pages of 16 KiB, some servers with ARM of 64 KiB")
        .help(format!(
            "add `{OPTION}=16` to `configure`; or take the distribution's package, which is built so"
        ));
    report.add(if named {
        let because = unit.platform.archs.because(&library.place);
        finding.note(format!("it is built for arm64 ({because})"))
    } else {
        finding
            .at_severity(Severity::Info)
            .possible("nothing says whether the image is built for arm64")
    });
}

/// The library that is loaded, where it is built from source without a word about pages.
fn built(unit: &Unit) -> Option<&Library> {
    let loaded = unit
        .preloads
        .iter()
        .any(|preload| preload.family == Some(Family::Jemalloc) && preload.outcome.works());
    let linked = unit
        .linked
        .iter()
        .any(|(family, _)| *family == Family::Jemalloc);
    if !loaded && !linked {
        return None;
    }
    let mut libraries = unit.libraries.iter();
    libraries.find(|library| {
        let built = library.family == Family::Jemalloc && matches!(library.origin, Origin::Built);
        let step = || up_to(&library.place);
        built && step().is_some_and(|text| text.contains("configure") && !text.contains(OPTION))
    })
}

/// The text of a build step up to a place in it: its lines end with a backslash.
fn up_to(place: &Place) -> Option<String> {
    let (bytes, mut from) = (&place.file.bytes, place.span.start);
    while let Some(end) = bytes.get(..from)?.iter().rposition(|byte| *byte == b'\n') {
        let above = bytes.get(..end)?.trim_ascii_end();
        from = end;
        if !above.ends_with(b"\\") {
            break;
        }
    }
    let text = bytes.get(from..place.span.end)?;
    Some(String::from_utf8_lossy(text).into_owned())
}
