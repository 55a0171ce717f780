//! One mutant through the library: everything that needs no other program.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use malloclint::internals::check;
use malloclint::internals::finding::Finding;
use malloclint::internals::fix::Fixed;
use malloclint::internals::project::{Format, Project};
use malloclint::internals::report;
use malloclint::internals::text::SourceFile;

use crate::mutants::{Mutant, Way};
use crate::support::any_text;
use crate::support::files::Files;
use crate::support::growth::spent;
use crate::support::promises::{Broken, Input};

/// So much time of a processor a mutant may take, in all that is done with it. Ordinary ones take a thousandth.
const LIMIT: Duration = Duration::from_secs(5);

pub(crate) const PANIC: &str = "nothing panics";
pub(crate) const TIME: &str = "it ends soon";

/// The share of mutants that are fixed once more for each of their rules alone.
const ALONE: u64 = 8;

const REPORTS: [report::Format; 8] = [
    report::Format::Human,
    report::Format::Concise,
    report::Format::Json,
    report::Format::Sarif,
    report::Format::Github,
    report::Format::Gitlab,
    report::Format::Rdjson,
    report::Format::Markdown,
];

/// What became of a mutant.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) broken: Vec<Broken>,
    pub(crate) findings: usize,
    /// Nothing where something panicked.
    pub(crate) fixed: Option<Fixed>,
    /// What `fix --diff` prints.
    pub(crate) diff: Vec<u8>,
}

impl Outcome {
    pub(crate) fn changed(&self) -> Option<&Fixed> {
        self.fixed.as_ref().filter(|fixed| fixed.changes())
    }
}

thread_local! {
    static PANICKED: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Panics are kept for the report instead of being printed.
pub(crate) fn keep_panics() {
    std::panic::set_hook(Box::new(|panic| {
        PANICKED.with(|kept| *kept.borrow_mut() = panic.to_string());
    }));
}

pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, Broken> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|_| (PANIC, PANICKED.with(|kept| kept.take())))
}

pub(crate) fn run(mutant: &Mutant) -> Outcome {
    let start = spent();
    let mut outcome = caught(|| judged(mutant)).unwrap_or_else(|panic| Outcome {
        broken: vec![panic],
        ..Outcome::default()
    });
    outcome.broken.extend(caught(|| any_text(mutant)).err());
    let took = spent().saturating_sub(start);
    if took > LIMIT {
        outcome.broken.push((TIME, format!("{took:?}")));
    }
    outcome
}

fn judged(mutant: &Mutant) -> Outcome {
    let folder = mutant.folder();
    let files = mutant.files.iter();
    let files = files.map(|(path, bytes)| (format!("{folder}/{path}"), bytes.clone()));
    let around = Files::new(&folder, files);
    let options = mutant.way.options();
    let input = Input {
        file: SourceFile::new(mutant.path(), mutant.bytes().to_vec()),
        around: &around,
        options: &options,
    };
    let before = input.findings(&input.file);
    let mut broken = Vec::new();
    broken.extend(misplaced(&before, &input.file));
    drop(check::units(&input.file, &Project::of(&around)));
    let fixed = input.fix(&input.file, &options);
    let unreadable = before
        .iter()
        .any(|finding| finding.rule == "unreadable-input");
    // What nobody takes holds no promise but to end.
    if !unreadable {
        broken.extend(input.broken(&before, &fixed));
        if mutant.way == Way::Plain && mutant.number.is_multiple_of(ALONE) {
            broken.extend(input.broken_alone(&before));
        }
    }
    let mut diff = Vec::new();
    report::diff::write(&fixed.before, &fixed.after, &mut diff).unwrap();
    let findings = before.len();
    reported(mutant.number, before);
    Outcome {
        broken,
        findings,
        fixed: Some(fixed),
        diff,
    }
}

/// A finding whose place lies outside of its file.
fn misplaced(findings: &[Finding], file: &Arc<SourceFile>) -> Option<Broken> {
    let outside = |finding: &&Finding| {
        let labels = finding.labels.iter().map(|label| &label.place);
        let mut places = labels.chain([&finding.place]);
        places.any(|place| place.span.end > place.file.bytes.len())
            || finding
                .edits
                .iter()
                .any(|edit| edit.span.end > file.bytes.len())
            || finding.message.is_empty()
            || finding.message.contains('\n')
    };
    let wrong = findings.iter().find(outside)?;
    Some(("a finding lies in its file", format!("{wrong:?}")))
}

/// Any format can show them.
fn reported(number: u64, findings: Vec<Finding>) {
    let format = REPORTS[usize::try_from(number % 8).unwrap()];
    let mut run = report::Run::default();
    run.findings = findings;
    run.files = 1;
    let style = report::Style {
        colour: number % 16 < 8,
        unicode: number % 32 < 16,
        width: 80,
    };
    let mut out = Vec::new();
    report::write(&run, format, style, &mut out).unwrap();
    assert!(std::str::from_utf8(&out).is_ok());
}

/// What fuzz targets hold for any text, one of them for each mutant.
fn any_text(mutant: &Mutant) {
    any_text::dockerfile::check(mutant.bytes());
    let text = String::from_utf8_lossy(mutant.bytes());
    match mutant.number % 6 {
        0 | 1 => {
            let texts = mutant.files.values();
            texts.for_each(|bytes| any_text::shell::check(&String::from_utf8_lossy(bytes)));
        }
        2 if mutant.format == Format::Compose => any_text::yaml::check("compose.yaml", &text),
        2 => any_text::yaml::check("manifest.yaml", &text),
        3 => {
            let values = text.split(['=', '"', '\n']);
            values.take(200).for_each(any_text::malloc_conf::check);
        }
        4 => {
            let comments = text.split('#').skip(1).take(2);
            comments.for_each(|comment| any_text::suppressions::check(comment.trim_start()));
        }
        _ => any_text::config::check(&text),
    }
}
