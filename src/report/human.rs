//! Pictures of the source with reasons, for people; drawn by miette.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents, ThemeCharacters, ThemeStyles,
};

use super::coverage::{self, Coverage};
use super::{Run, Style, counts, harmless, is_harmful};
use crate::facts;
use crate::finding::{Finding, Severity, Subject};
use crate::secrets::{self, MASK};
use crate::text::{Place, SourceFile, Span};

/// Lines longer than this are cut around what is pointed at, in bytes.
const LINE: usize = 240;
/// How much of a long line stands before what is pointed at.
const LEAD: usize = 60;

pub(super) fn write(run: &Run, style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let handler = handler(style);
    let (advice, others): (Vec<&Finding>, Vec<&Finding>) = run
        .findings
        .iter()
        .partition(|finding| is_plain_advice(finding));
    let mut masks = Masks::default();
    for finding in others {
        let mut text = String::new();
        let picture = Picture::of(finding, &mut masks);
        if handler.render_report(&mut text, &picture).is_err() {
            text = format!("{}: {}\n", finding.place.file.path, finding.message);
        }
        writeln!(
            out,
            "{}",
            text.trim_end_matches('\n').trim_start_matches('\n')
        )?;
        writeln!(out)?;
    }
    advise(&advice, style, out)?;
    writeln!(out, "{} in {}{}", counts(run), run.sources(), skipped(run))?;
    if run.files > 0 && !run.narrowed {
        writeln!(out, "{}", Coverage::of(run).line())?;
    }
    match run.show {
        Some(show) => {
            writeln!(out)?;
            coverage::list(run, show, out)
        }
        None => Ok(()),
    }
}

/// Advice about an image that sets nothing: many may be so, and one block tells of all.
fn is_plain_advice(finding: &Finding) -> bool {
    finding.severity == Severity::Info && finding.subject == Subject::Image
}

fn advise(advice: &[&Finding], style: Style, out: &mut dyn io::Write) -> io::Result<()> {
    let Some(first) = advice.first() else {
        return Ok(());
    };
    let head = match advice.len() {
        1 => "a service sets no allocator, and little here says that one would help".into(),
        number => {
            format!("{number} services set no allocator, and little here says that one would help")
        }
    };
    let (bullet, bold, plain) = match (style.unicode, style.colour) {
        (true, true) => ("\u{261e}", "\u{1b}[36m", "\u{1b}[0m"),
        (true, false) => ("\u{261e}", "", ""),
        (false, true) => ("i", "\u{1b}[36m", "\u{1b}[0m"),
        (false, false) => ("i", "", ""),
    };
    writeln!(out, "{bold}info[{}]{plain}\n", first.rule)?;
    writeln!(out, "  {bold}{bullet}{plain} {head}")?;
    for finding in advice {
        let place = &finding.place;
        let (path, line) = (harmless(&place.file.path), place.line());
        writeln!(out, "    {path}:{line}: {}", harmless(&finding.message))?;
        let doubt = finding.doubt.as_ref();
        let doubt = doubt.map(|doubt| format!("only {}: {doubt}", finding.confidence.word()));
        let brief = Some(&finding.brief).filter(|brief| !brief.is_empty());
        for line in brief.into_iter().chain(&doubt) {
            writeln!(out, "      {}", harmless(line))?;
        }
    }
    let measured = format!(
        "measured: {}. With threads `MALLOC_ARENA_MAX=2` does as well as jemalloc on a small service; workers with one thread gain little. To \
         end workers after so many requests is the other common answer.",
        facts::measured().break_even()
    );
    let rule = first.rule;
    let fix = format!(
        "fix: `malloclint fix --advice`; all that was measured: `malloclint explain {rule}`; all that was seen: `--format json`"
    );
    let width = style.width.saturating_sub(LEAD_OF_HELP.len());
    let mut lead = LEAD_OF_HELP;
    for text in [&measured, &fix] {
        for line in textwrap::wrap(text, width) {
            writeln!(out, "{lead}{line}")?;
            lead = "        ";
        }
    }
    writeln!(out)
}

const LEAD_OF_HELP: &str = "  help: ";

fn skipped(run: &Run) -> String {
    if run.skipped.is_empty() {
        String::new()
    } else {
        format!(", {} skipped", run.skipped.len())
    }
}

fn handler(style: Style) -> GraphicalReportHandler {
    let characters = if style.unicode {
        ThemeCharacters::unicode()
    } else {
        ThemeCharacters::ascii()
    };
    let styles = if style.colour {
        ThemeStyles::ansi()
    } else {
        ThemeStyles::none()
    };
    GraphicalReportHandler::new_themed(GraphicalTheme { characters, styles })
        .with_links(false)
        .with_context_lines(1)
        .with_width(style.width)
}

/// A finding as miette wants it.
#[derive(Debug)]
struct Picture<'a> {
    finding: &'a Finding,
    source: Source,
    labels: Vec<LabeledSpan>,
    help: String,
}

impl<'a> Picture<'a> {
    fn of(finding: &'a Finding, masks: &mut Masks) -> Self {
        let file = &finding.place.file;
        let here: Vec<&Place> = std::iter::once(&finding.place)
            .chain(
                finding
                    .labels
                    .iter()
                    .map(|label| &label.place)
                    .filter(|place| place.same_file(&finding.place)),
            )
            .collect();
        let source = Source::of(file, &here, narrow(finding), masks);
        let captions = std::iter::once(finding.caption.as_str()).chain(
            finding
                .labels
                .iter()
                .filter(|label| label.place.same_file(&finding.place))
                .map(|label| label.text.as_str()),
        );
        let labels = here
            .iter()
            .zip(captions)
            .enumerate()
            .map(|(index, (place, text))| {
                let span = source.map(first_line(file, place.span));
                let span = SourceSpan::new(span.start.into(), span.len());
                let text = (!text.is_empty()).then(|| harmless(text).into_owned());
                if index == 0 {
                    LabeledSpan::new_primary_with_span(text, span)
                } else {
                    LabeledSpan::new_with_span(text, span)
                }
            })
            .collect();
        Self {
            finding,
            source,
            labels,
            help: help(finding),
        }
    }
}

/// How much of a line is shown.
#[derive(Clone, Copy)]
enum Narrow {
    /// All that is not secret.
    No,
    /// The bytes at fault: what stands around a comment is not understood.
    Span,
    /// The first word: nobody knows what a line holds that cannot be read.
    Word,
}

fn narrow(finding: &Finding) -> Narrow {
    if finding.subject == Subject::File {
        return Narrow::Word;
    }
    match finding.rule.starts_with("suppression-") {
        true => Narrow::Span,
        false => Narrow::No,
    }
}

/// The part of a span on its first line: a picture of a whole RUN helps nobody.
fn first_line(file: &SourceFile, span: Span) -> Span {
    let at = file.lines().locate(&file.bytes, span.start);
    let end = file.lines().line(&file.bytes, at.line).end;
    Span::new(span.start, span.end.min(end.max(span.start)))
}

/// Why we believe it, what is to be seen in other files, what to do.
fn help(finding: &Finding) -> String {
    let mut lines: Vec<String> = finding
        .notes
        .iter()
        .map(|note| format!("why: {note}"))
        .collect();
    if let Some(doubt) = &finding.doubt {
        lines.push(format!("only {}: {doubt}", finding.confidence.word()));
    }
    for label in finding
        .labels
        .iter()
        .filter(|label| !label.place.same_file(&finding.place))
    {
        lines.push(format!(
            "see {}:{}: {}",
            label.place.file.path,
            label.place.line(),
            label.text
        ));
    }
    if !finding.help.is_empty() {
        lines.push(format!("fix: {}", finding.help));
    }
    lines
        .iter()
        .map(|line| harmless(line).into_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

impl fmt::Display for Picture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&harmless(&self.finding.message))
    }
}

impl std::error::Error for Picture<'_> {}

impl Diagnostic for Picture<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!(
            "{}[{}]",
            self.finding.severity, self.finding.rule
        )))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Info => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        (!self.help.is_empty()).then(|| Box::new(&self.help) as Box<dyn fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.labels.iter().cloned()))
    }
}

/// The lines that a picture shows, cut where they are long, as a text of their own.
///
/// miette reads a source from its first byte for every label; a small text keeps that cheap, and a
/// line of a megabyte must not be printed.
#[derive(Debug)]
struct Source {
    name: String,
    text: String,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    /// The number in the file, from 0.
    number: usize,
    /// What is shown of it, in the file.
    shown: Span,
    /// Where that stands in the text.
    at: Span,
    /// How many characters of the line are cut off before it.
    before: usize,
    /// What of the file is not shown, where its mark stands in the text, and how many characters more it is.
    hidden: Vec<(Span, usize, usize)>,
}

impl Line {
    /// Where a byte of the file stands in the text; of what is not shown its mark's start, or its end.
    fn offset(&self, at: usize, end: bool) -> usize {
        let at = at.clamp(self.shown.start, self.shown.end);
        let (mut file, mut text) = (self.shown.start, self.at.start);
        for (span, mark, _) in &self.hidden {
            if at <= span.start {
                break;
            }
            let behind = mark + MASK.len();
            if at < span.end {
                return if end { behind } else { *mark };
            }
            (file, text) = (span.end, behind);
        }
        text + at - file
    }
}

/// Bytes as text; of what is no UTF-8 each byte counts as one.
fn one_for_one(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '?'));
    }
    text
}

/// What is not shown of the long lines that were last shown: thousands of findings may stand in one.
#[derive(Default)]
struct Masks(VecDeque<(Arc<SourceFile>, usize, Rc<[Span]>)>);

impl Masks {
    /// A finding shows a few lines at most.
    const KEPT: usize = 4;

    fn of(&mut self, file: &Arc<SourceFile>, number: usize, line: Span) -> Rc<[Span]> {
        if line.len() <= LINE {
            return hidden(file, number, line).into();
        }
        let mut known = self.0.iter();
        let known = known.find(|(of, at, _)| Arc::ptr_eq(of, file) && *at == number);
        if let Some((.., hidden)) = known {
            return Rc::clone(hidden);
        }
        let hidden: Rc<[Span]> = hidden(file, number, line).into();
        self.0.truncate(Self::KEPT - 1);
        self.0
            .push_front((Arc::clone(file), number, Rc::clone(&hidden)));
        hidden
    }
}

/// What stands before and behind the only part of a line that is shown: its first word where that is empty.
fn all_but(file: &SourceFile, line: Span, only: Span) -> [Span; 2] {
    let only = if only.is_empty() {
        first_word(file, line)
    } else {
        only
    };
    [
        Span::new(line.start, only.start.clamp(line.start, line.end)),
        Span::new(only.end.clamp(line.start, line.end), line.end),
    ]
}

/// What is not shown of a line of a file.
fn hidden(file: &SourceFile, number: usize, line: Span) -> Vec<Span> {
    let text = one_for_one(line.slice(&file.bytes));
    let item = item(file, number);
    let item: Vec<&str> = item.iter().map(String::as_str).collect();
    let mut ranges = secrets::in_line(&text, &item);
    ranges.splice(0..0, inside_quotes(file, number, &text));
    let ranges = ranges.into_iter();
    ranges
        .map(|range| Span::new(line.start + range.start, line.start + range.end))
        .collect()
}

/// The word that a line begins with, where it may be an instruction.
fn first_word(file: &SourceFile, line: Span) -> Span {
    const LONGEST: usize = 12;
    let text = file.text(line);
    let lead = text.len() - text.trim_start().len();
    let word = text.split_whitespace().next().unwrap_or_default();
    let plain = word.len() <= LONGEST && word.chars().all(|c| c.is_ascii_alphabetic());
    let start = line.start + lead;
    Span::new(start, start + if plain { word.len() } else { 0 })
}

/// The rest of a value in quotes that began on a line before: `ENV A="b \\`, and its end here.
fn inside_quotes(file: &SourceFile, number: usize, text: &str) -> Option<std::ops::Range<usize>> {
    const NEAR: usize = 16;
    let (index, bytes) = (file.lines(), &file.bytes);
    let line = |number: usize| one_for_one(index.line(bytes, number).slice(bytes));
    let goes_on = |text: &str| text.trim_end().ends_with(['\\', '`']);
    let above = (number.saturating_sub(NEAR).max(1)..number).rev().map(line);
    let above: Vec<String> = above.take_while(|text| goes_on(text)).collect();
    let mut quote = None;
    for c in above.iter().rev().flat_map(|text| text.chars()) {
        match quote {
            Some(open) if open == c => quote = None,
            None if matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
    }
    let end = text.find(quote?);
    Some(0..end.unwrap_or(text.trim_end_matches(['\\', '`', ' ']).len()))
}

/// The other lines of the list's item that a line stands in, as far as they are near: the name of a `value:` is on one of them.
fn item(file: &SourceFile, number: usize) -> Vec<String> {
    const NEAR: usize = 8;
    let (index, bytes) = (file.lines(), &file.bytes);
    let text = |number: usize| one_for_one(index.line(bytes, number).slice(bytes));
    let begins = |line: &str| line.trim_start().starts_with("- ");
    let last = index.count(bytes);
    let mut lines = Vec::new();
    let first = number.saturating_sub(NEAR).max(1);
    let mut above = (first..=number).rev();
    if above.next().is_some_and(|own| !begins(&text(own))) {
        for line in above.map(text) {
            let ends = begins(&line);
            lines.push(line);
            if ends {
                break;
            }
        }
    }
    let below = (number + 1..=(number + NEAR).min(last)).map(text);
    lines.extend(below.take_while(|line| !begins(line)));
    lines
}

impl Source {
    /// The lines of `places`. What stands beside them is none of our business: it may be secret.
    fn of(file: &Arc<SourceFile>, places: &[&Place], narrow: Narrow, masks: &mut Masks) -> Self {
        let (index, bytes) = (file.lines(), &file.bytes);
        let last = index.count(bytes).max(1);
        let mut wanted: Vec<(usize, usize)> = Vec::new();
        for place in places {
            let line = index.locate(bytes, place.span.start).line.min(last);
            wanted.push((line, place.span.start));
        }
        wanted.sort_unstable();
        wanted.dedup_by_key(|(line, _)| *line);
        let mut source = Self {
            name: harmless(&file.path).into_owned(),
            text: String::new(),
            lines: Vec::new(),
        };
        for (number, point) in wanted {
            let line = index.line(bytes, number);
            let shown = clipped(line, point);
            let before = index.characters(bytes, line.start, shown.start);
            let mut at = places.iter().map(|place| place.span);
            let only = at.find(|span| span.start == point);
            let only = only.and_then(|span| match narrow {
                Narrow::No => None,
                Narrow::Span => Some(span),
                Narrow::Word => Some(Span::empty(span.start)),
            });
            let hidden: Rc<[Span]> = match only {
                Some(only) => Rc::new(all_but(file, line, only)),
                None => masks.of(file, number, line),
            };
            source.push(bytes, number - 1, shown, before, &hidden);
        }
        source
    }

    fn push(&mut self, bytes: &[u8], number: usize, shown: Span, before: usize, hidden: &[Span]) {
        let start = self.text.len();
        let mut marks = Vec::new();
        let mut at = shown.start;
        for span in hidden {
            let span = Span::new(span.start.max(shown.start), span.end.min(shown.end));
            if span.start < at || span.is_empty() {
                continue;
            }
            self.plain(Span::new(at, span.start).slice(bytes));
            let length = one_for_one(span.slice(bytes)).chars().count();
            marks.push((span, self.text.len(), length.saturating_sub(1)));
            self.text.push_str(MASK);
            at = span.end;
        }
        self.plain(Span::new(at, shown.end.max(at)).slice(bytes));
        self.lines.push(Line {
            number,
            shown,
            at: Span::new(start, self.text.len()),
            before,
            hidden: marks,
        });
        self.text.push('\n');
    }

    /// One byte for one: a tab, a control character or what is not UTF-8 must not move the rest.
    fn plain(&mut self, bytes: &[u8]) {
        let start = self.text.len();
        for chunk in bytes.utf8_chunks() {
            self.text.extend(chunk.valid().chars().flat_map(plain));
            self.text.extend(chunk.invalid().iter().map(|_| '?'));
        }
        // No order to a runner that reads the log.
        if self
            .text
            .get(start..)
            .is_some_and(|text| text.contains("##["))
        {
            let harmless = self.text.split_off(start).replace("##[", "##(");
            self.text.push_str(&harmless);
        }
    }

    /// A span of the file as a span of this text.
    fn map(&self, span: Span) -> Span {
        let line = self
            .lines
            .iter()
            .find(|line| line.shown.start <= span.start && span.start <= line.shown.end);
        let Some(line) = line else {
            return Span::empty(0);
        };
        Span::new(line.offset(span.start, false), line.offset(span.end, true))
    }
}

/// Control characters could move the cursor or change colours; as many bytes stand for them.
fn plain(char: char) -> impl Iterator<Item = char> {
    let harmful = is_harmful(char);
    let plain = if harmful { ' ' } else { char };
    std::iter::repeat_n(plain, if harmful { char.len_utf8() } else { 1 })
}

/// The part of a long line around `point`.
fn clipped(line: Span, point: usize) -> Span {
    if line.len() <= LINE {
        return line;
    }
    let start = if point == usize::MAX {
        line.start
    } else {
        point.saturating_sub(LEAD).max(line.start)
    };
    Span::new(start, (start + LINE).min(line.end))
}

impl SourceCode for Source {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let holds = |at: usize| {
            self.lines
                .iter()
                .position(|line| line.at.start <= at && at <= line.at.end)
        };
        let asked = span.offset();
        let first = holds(asked).ok_or(MietteError::OutOfBounds)?;
        let last = holds(span.offset() + span.len()).ok_or(MietteError::OutOfBounds)?;
        let from = self.neighbour(first, before, false);
        let to = self.neighbour(last, after, true);
        let (Some(from), Some(to)) = (self.lines.get(from), self.lines.get(to)) else {
            return Err(MietteError::OutOfBounds);
        };
        let range = from.at.start..to.at.end;
        let data = self
            .text
            .get(range.clone())
            .ok_or(MietteError::OutOfBounds)?;
        let span = SourceSpan::new(range.start.into(), range.len());
        let lines = to.number - from.number + 1;
        // Asked for without context, miette wants the position itself, for the headline.
        let column = if before == 0 {
            self.column(first, asked)
        } else {
            0
        };
        Ok(Box::new(MietteSpanContents::new_named(
            self.name.clone(),
            data.as_bytes(),
            span,
            from.number,
            column,
            lines,
        )))
    }
}

impl Source {
    /// The column of `offset` in the file, from 0, in characters of what is shown.
    fn column(&self, line: usize, offset: usize) -> usize {
        let Some(line) = self.lines.get(line) else {
            return 0;
        };
        let shown = self.text.get(line.at.start..offset);
        let hidden = line.hidden.iter().filter(|(_, mark, _)| *mark < offset);
        line.before
            + shown.map_or(0, |text| text.chars().count())
            + hidden.map(|(.., more)| more).sum::<usize>()
    }

    /// The line at most `count` away from `index` that no gap separates from it.
    fn neighbour(&self, index: usize, count: usize, down: bool) -> usize {
        let mut at = index;
        for _ in 0..count {
            let next = if down { at + 1 } else { at.wrapping_sub(1) };
            let (Some(here), Some(there)) = (self.lines.get(at), self.lines.get(next)) else {
                break;
            };
            if here.number.abs_diff(there.number) != 1 {
                break;
            }
            at = next;
        }
        at
    }
}
