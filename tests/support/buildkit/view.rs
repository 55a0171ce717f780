//! A parsed Dockerfile in the shape in which the oracle reports one.

use crate::support::shell_text::shell_text;
use malloclint::internals::dockerfile::syntax::{
    Args, Dockerfile, Flag, Heredoc, Instruction, Item, ItemKind, Keyword, Pair,
};
use serde::Deserialize;

/// One instruction.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Command {
    pub(crate) cmd: String,
    pub(crate) sub_cmd: Option<String>,
    pub(crate) json: bool,
    pub(crate) flags: Vec<String>,
    pub(crate) value: Vec<String>,
    pub(crate) start_line: usize,
    pub(crate) end_line: usize,
    pub(crate) original: String,
    pub(crate) heredocs: Vec<Doc>,
}

/// One heredoc.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(crate) struct Doc {
    pub(crate) name: String,
    pub(crate) fd: u32,
    pub(crate) content: String,
}

/// The commands of `file`; `original` is the text behind keyword and flags.
pub(crate) fn commands(source: &[u8], file: &Dockerfile) -> Vec<Command> {
    let instructions = file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Instruction(instruction) => Some((item, &**instruction)),
        _ => None,
    });
    instructions
        .map(|(item, instruction)| command(source, item, instruction))
        .collect()
}

fn command(source: &[u8], item: &Item, outer: &Instruction) -> Command {
    let (inner, sub_cmd) = match &outer.args {
        Args::Onbuild(inner) => (&**inner, Some(keyword(source, inner))),
        _ => (outer, None),
    };
    let lines = |end: usize| source[..end].iter().filter(|&&b| b == b'\n').count();
    Command {
        cmd: keyword(source, outer),
        sub_cmd,
        json: is_json(&inner.args),
        flags: outer.flags.iter().map(flag).collect(),
        value: value(inner),
        start_line: lines(item.span.start) + 1,
        end_line: lines(item.span.end - 1) + 1,
        original: outer.text.as_str().to_owned(),
        // The oracle shows the heredocs of plain instructions only.
        heredocs: outer
            .heredocs
            .iter()
            .map(|heredoc| doc(source, heredoc))
            .collect(),
    }
}

/// The keyword as it stands in the file, without what continues its line.
fn keyword(source: &[u8], instruction: &Instruction) -> String {
    if instruction.keyword != Keyword::Unknown {
        return instruction.keyword.as_str().to_owned();
    }
    String::from_utf8_lossy(instruction.keyword_span.slice(source)).into_owned()
}

fn is_json(args: &Args) -> bool {
    match args {
        Args::Json(_) => true,
        Args::Healthcheck(_, command) => is_json(command),
        _ => false,
    }
}

fn flag(flag: &Flag) -> String {
    match &flag.value {
        Some(value) => format!("--{}={}", flag.name, value.as_str()),
        None => format!("--{}", flag.name),
    }
}

fn value(instruction: &Instruction) -> Vec<String> {
    if instruction.keyword == Keyword::Unknown {
        // The parser drops what it does not know.
        return vec![String::new()];
    }
    let text = instruction.text.as_str();
    match &instruction.args {
        Args::None => Vec::new(),
        Args::Text if instruction.keyword == Keyword::Onbuild => vec![String::new()],
        Args::Text => vec![text.to_owned()],
        Args::Json(strings) => strings
            .iter()
            .map(|s| s.value.as_str().to_owned())
            .collect(),
        Args::Words(words) => words.iter().map(|w| w.raw.as_str().to_owned()).collect(),
        Args::Pairs(pairs) => {
            let arg = instruction.keyword == Keyword::Arg;
            pairs
                .iter()
                .flat_map(|p| if arg { vec![name(p)] } else { key_value(p) })
                .collect()
        }
        Args::Onbuild(_) => panic!("only the outer instruction holds another"),
        Args::Healthcheck(word, command) => {
            let mut value = vec![word.raw.as_str().to_owned()];
            match &**command {
                Args::Json(strings) => {
                    value.extend(strings.iter().map(|s| s.value.as_str().to_owned()));
                }
                Args::Text => {
                    value.extend(shell_text(instruction).map(|text| text.as_str().to_owned()));
                }
                other => assert!(matches!(other, Args::None), "{other:?}"),
            }
            value
        }
    }
}

fn name(pair: &Pair) -> String {
    let key = pair.key.raw.as_str();
    pair.value.as_ref().map_or(key.to_owned(), |value| {
        format!("{key}={}", value.raw.as_str())
    })
}

fn key_value(pair: &Pair) -> Vec<String> {
    let words = [Some(&pair.key), pair.value.as_ref()].into_iter().flatten();
    words.map(|word| word.raw.as_str().to_owned()).collect()
}

fn doc(source: &[u8], heredoc: &Heredoc) -> Doc {
    Doc {
        name: heredoc.name.clone(),
        fd: heredoc.fd,
        content: String::from_utf8_lossy(heredoc.body.slice(source)).into_owned(),
    }
}
