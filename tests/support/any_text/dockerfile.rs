//! What holds of every parse of a Dockerfile, whatever the bytes.

use crate::support::shell_text::shell_text;
use malloclint::internals::dockerfile::syntax::parse;
use malloclint::internals::dockerfile::syntax::{
    Args, Dockerfile, Escape, Heredoc, Instruction, Item, ItemKind, JsonString, Word,
};
use malloclint::internals::text::{Span, Traced};

/// Parses `source` and panics where the result is not consistent.
pub(crate) fn check(source: &[u8]) {
    let file = parse(source);
    tiles(source, &file);
    for item in &file.items {
        item_holds(source, item);
    }
    let mut last = 0;
    for problem in &file.problems {
        assert!(
            Span::new(0, source.len()).contains(problem.span),
            "{problem:?}"
        );
        assert!(problem.span.start >= last, "problems out of order");
        assert!(!problem.message.is_empty());
        last = problem.span.start;
    }
    let instructions = file
        .items
        .iter()
        .any(|i| matches!(i.kind, ItemKind::Instruction(_)));
    assert!(instructions || !file.is_accepted());
    items_stand_alone(source, &file);
}

fn tiles(source: &[u8], file: &Dockerfile) {
    let mut again = Vec::with_capacity(source.len());
    for item in &file.items {
        assert_eq!(item.span.start, again.len(), "a gap or an overlap");
        assert!(!item.span.is_empty(), "an empty item");
        again.extend_from_slice(item.span.slice(source));
    }
    assert!(again == source, "re-emitted bytes differ");
}

fn item_holds(source: &[u8], item: &Item) {
    match &item.kind {
        ItemKind::Bom => assert_eq!(item.span, Span::new(0, 3)),
        ItemKind::Blank => {
            let text = String::from_utf8_lossy(item.span.slice(source));
            assert!(text.trim().is_empty(), "{text:?} is not blank");
        }
        ItemKind::Comment(text) => comment_holds(source, item.span, *text),
        ItemKind::Directive(directive) => {
            let (name, value) = (directive.name, directive.value);
            assert!(
                item.span.contains(name) && item.span.contains(value) && name.end < value.start
            );
            assert!(!name.is_empty() && !value.is_empty());
        }
        ItemKind::Instruction(instruction) => {
            instruction_holds(source, instruction, item.span);
            for comment in &instruction.comments {
                comment_holds(source, item.span, *comment);
            }
        }
    }
}

fn comment_holds(source: &[u8], item: Span, text: Span) {
    assert!(item.contains(text));
    assert!(text.slice(source).starts_with(b"#") && !text.slice(source).ends_with(b"\n"));
}

fn instruction_holds(source: &[u8], instruction: &Instruction, outer: Span) {
    let whole = instruction.span;
    assert!(outer.contains(whole), "{whole:?} is not within {outer:?}");
    assert_eq!(instruction.keyword_span.start, whole.start);
    let mut order = Order {
        whole,
        at: instruction.keyword_span.end,
    };
    order.next(instruction.keyword_span.end, instruction.keyword_span);
    for flag in &instruction.flags {
        order.next(flag.span.start, flag.span);
        assert!(flag.span.slice(source).starts_with(b"-"));
        if let Some(value) = &flag.value {
            traced_holds(source, value, flag.span);
        }
    }
    let text = instruction.text.whole().unwrap_or(Span::empty(order.at));
    order.next(text.start, text);
    traced_holds(source, &instruction.text, whole);
    args_hold(source, &instruction.args, text);
    if let Some(command) = shell_text(instruction) {
        traced_holds(source, &command, text);
    }
    heredocs_hold(source, &instruction.heredocs, whole);
}

/// Spans that must follow each other within one span.
struct Order {
    whole: Span,
    at: usize,
}

impl Order {
    fn next(&mut self, start: usize, span: Span) {
        assert!(
            self.whole.contains(span),
            "{span:?} is not within {:?}",
            self.whole
        );
        assert!(start >= self.at, "{span:?} starts before {}", self.at);
        self.at = span.end;
    }
}

fn args_hold(source: &[u8], args: &Args, text: Span) {
    let mut order = Order {
        whole: text,
        at: text.start,
    };
    match args {
        Args::None | Args::Text => {}
        Args::Json(strings) => json_holds(source, strings, &mut order),
        Args::Words(words) => {
            assert!(!words.is_empty());
            words
                .iter()
                .for_each(|word| word_holds(source, word, &mut order));
        }
        Args::Pairs(pairs) => {
            assert!(!pairs.is_empty());
            for pair in pairs {
                word_holds(source, &pair.key, &mut order);
                if let Some(value) = &pair.value {
                    word_holds(source, value, &mut order);
                }
            }
        }
        Args::Onbuild(inner) => {
            // The inner instruction may end behind the text, with its heredocs.
            assert!(inner.span.start >= text.start);
            instruction_holds(
                source,
                inner,
                Span::new(text.start, inner.span.end.max(text.end)),
            );
        }
        Args::Healthcheck(word, command) => {
            word_holds(source, word, &mut order);
            if let Args::Json(strings) = &**command {
                json_holds(source, strings, &mut order);
            }
        }
    }
}

fn word_holds(source: &[u8], word: &Word, order: &mut Order) {
    order.next(word.span.start, word.span);
    traced_holds(source, &word.raw, word.span);
    assert!(word.raw.whole().is_none_or(|whole| whole == word.span));
}

fn json_holds(source: &[u8], strings: &[JsonString], order: &mut Order) {
    for string in strings {
        order.next(string.span.start, string.span);
        let bytes = string.span.slice(source);
        assert!(bytes.len() >= 2 && bytes.starts_with(b"\"") && bytes.ends_with(b"\""));
        traced_holds(source, &string.value, string.span);
    }
}

fn heredocs_hold(source: &[u8], heredocs: &[Heredoc], whole: Span) {
    let mut last = Span::empty(whole.start);
    let mut bodies = Order {
        whole: Span::new(whole.start, source.len()),
        at: whole.start,
    };
    for heredoc in heredocs {
        // Two that stand within one substitution both span it, less the blanks around each.
        let opener = heredoc.opener;
        assert!(whole.contains(opener) && opener.start >= last.start);
        last = opener;
        assert!(!heredoc.name.is_empty());
        bodies.next(heredoc.body.start, heredoc.body);
        if let Some(line) = heredoc.terminator {
            assert_eq!(
                line.start, heredoc.body.end,
                "the terminator follows the body"
            );
            bodies.next(line.start, line);
            assert!(whole.contains(line));
            assert!(line.slice(source).ends_with(heredoc.name.as_bytes()));
        } else {
            assert_eq!(
                heredoc.body.end,
                source.len(),
                "a body without end reaches to the end"
            );
        }
    }
    assert!(
        heredocs
            .first()
            .is_none_or(|first| first.body.start >= last.end)
    );
}

/// Every character of the text has its source within `whole`, and verbatim text is its source.
fn traced_holds(source: &[u8], text: &Traced, whole: Span) {
    let string = text.as_str();
    // Every character of a short text, some of a long one.
    let step = string.len() / 512 + 1;
    for (at, ch) in string.char_indices().step_by(step) {
        let range = at..at + ch.len_utf8();
        let span = text
            .source(range.clone())
            .expect("a character has a source");
        assert!(whole.contains(span), "{span:?} is not within {whole:?}");
        if text.is_verbatim(range.clone()) {
            assert_eq!(span.slice(source), &string.as_bytes()[range]);
        }
    }
}

/// An instruction's bytes alone, under the same escape character, are the same instruction.
fn items_stand_alone(source: &[u8], file: &Dockerfile) {
    let head: &[u8] = match file.escape {
        Escape::Backslash => b"# escape=\\\n",
        Escape::Backtick => b"# escape=`\n",
    };
    for item in file.items.iter().take(64) {
        let ItemKind::Instruction(expected) = &item.kind else {
            continue;
        };
        let alone = parse(&[head, item.span.slice(source)].concat());
        let mut instructions = alone.instructions();
        let found = instructions.next().expect("an instruction");
        assert!(instructions.next().is_none(), "more than one instruction");
        assert_eq!(found.keyword, expected.keyword);
        assert_eq!(found.text.as_str(), expected.text.as_str());
        assert_eq!(found.flags.len(), expected.flags.len());
        assert_eq!(found.heredocs.len(), expected.heredocs.len());
        assert_eq!(found.comments.len(), expected.comments.len());
        assert_eq!(found.span.len(), expected.span.len());
    }
}
