//! Our parser against the crate `dockerfile-parser`: where that one takes a file, both must see
//! the same instructions and the same words of FROM, ARG and ENV, or a named reason must hold.

use crate::support::fixtures;
use std::collections::BTreeMap;

use dockerfile_parser as peer;
use malloclint::internals::dockerfile::syntax::parse;
use malloclint::internals::dockerfile::syntax::{
    Args, Dockerfile, Escape, Instruction, Keyword, Pair, Word,
};

/// The peer's grammar recurses once per comment line inside an instruction: with the 2 MB that a
/// test thread has, a file of 20 KB ends the process. No fixture here comes near 256 MB.
const STACK: usize = 256 << 20;

/// Keyword in capitals, and the words of FROM, ARG and ENV.
type Shape = Vec<(String, Vec<String>)>;

#[test]
fn the_peer_sees_the_same_or_errs_for_a_known_reason() {
    std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(compare_all)
        .unwrap()
        .join()
        .unwrap();
}

fn compare_all() {
    let mut used: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let (mut taken, mut same) = (0, 0);
    let mut unexplained = Vec::new();
    for fixture in fixtures::all() {
        let Ok(text) = String::from_utf8(fixture.bytes) else {
            continue;
        };
        let Ok(theirs) = peer::Dockerfile::parse(&text) else {
            continue;
        };
        taken += 1;
        let file = parse(text.as_bytes());
        let (ours, theirs) = (our_shape(&file), their_shape(&theirs));
        if ours == theirs {
            same += 1;
            continue;
        }
        match REASONS.iter().find(|(_, holds)| holds(&text, &file)) {
            Some((reason, _)) => used.entry(reason).or_default().push(fixture.name),
            None => {
                unexplained.push(format!(
                    "{}\n  ours   {ours:?}\n  theirs {theirs:?}",
                    fixture.name
                ));
            }
        }
    }
    println!("the peer takes {taken} fixtures; {same} of them look the same to both");
    for (reason, names) in &used {
        println!("{} differ: {reason} ({})", names.len(), names.join(", "));
    }
    assert!(
        unexplained.is_empty(),
        "{} without a reason\n{}",
        unexplained.len(),
        unexplained.join("\n")
    );
    for (reason, _) in REASONS {
        assert!(
            used.contains_key(reason),
            "no fixture needs the reason `{reason}`"
        );
    }
}

fn our_shape(file: &Dockerfile) -> Shape {
    file.instructions().map(our_instruction).collect()
}

fn our_instruction(instruction: &Instruction) -> (String, Vec<String>) {
    let words = match (&instruction.args, instruction.keyword) {
        (Args::Words(words), Keyword::From) => our_from(words),
        (Args::Pairs(pairs), Keyword::Arg | Keyword::Env) => {
            pairs.iter().flat_map(our_pair).collect()
        }
        _ => Vec::new(),
    };
    (instruction.keyword.as_str().to_owned(), words)
}

/// Image and stage name.
fn our_from(words: &[Word]) -> Vec<String> {
    let text = |word: &Word| word.raw.as_str().to_owned();
    let named = words
        .get(1)
        .is_some_and(|word| word.raw.as_str().eq_ignore_ascii_case("as"));
    let name = words.get(2).filter(|_| named);
    words.first().into_iter().chain(name).map(text).collect()
}

fn our_pair(pair: &Pair) -> Vec<String> {
    let value = pair
        .value
        .as_ref()
        .map(|value| unquoted(value.raw.as_str()));
    [Some(pair.key.raw.as_str().to_owned()), value]
        .into_iter()
        .flatten()
        .collect()
}

/// The peer takes quotes off where they enclose the whole value.
fn unquoted(value: &str) -> String {
    let inner = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    inner('"')
        .or_else(|| inner('\''))
        .unwrap_or(value)
        .to_owned()
}

fn their_shape(file: &peer::Dockerfile) -> Shape {
    file.instructions.iter().map(their_instruction).collect()
}

fn their_instruction(instruction: &peer::Instruction) -> (String, Vec<String>) {
    use peer::Instruction as I;
    let (keyword, words) = match instruction {
        I::From(from) => {
            let name = from.alias.as_ref().map(|name| name.content.clone());
            (
                "FROM",
                [Some(from.image.content.clone()), name]
                    .into_iter()
                    .flatten()
                    .collect(),
            )
        }
        I::Arg(arg) => {
            let value = arg.value.as_ref().map(|value| value.content.clone());
            (
                "ARG",
                [Some(arg.name.content.clone()), value]
                    .into_iter()
                    .flatten()
                    .collect(),
            )
        }
        I::Env(env) => {
            let words = env
                .vars
                .iter()
                .flat_map(|v| [v.key.content.clone(), v.value.to_string()]);
            ("ENV", words.collect())
        }
        I::Label(_) => ("LABEL", Vec::new()),
        I::Run(_) => ("RUN", Vec::new()),
        I::Entrypoint(_) => ("ENTRYPOINT", Vec::new()),
        I::Cmd(_) => ("CMD", Vec::new()),
        I::Copy(_) => ("COPY", Vec::new()),
        I::Misc(misc) => {
            let keyword = Keyword::of(&misc.instruction.content);
            return (keyword.as_str().to_owned(), Vec::new());
        }
    };
    (keyword.to_owned(), words)
}

type Reason = (&'static str, fn(&str, &Dockerfile) -> bool);

/// What the peer gets wrong without a word; the first that holds counts.
const REASONS: &[Reason] = &[
    ("the body of a heredoc is instructions to it", |_, file| {
        all(file).any(|instruction| !instruction.heredocs.is_empty())
    }),
    ("it knows no `# escape` directive", |_, file| {
        file.escape == Escape::Backtick
    }),
    (
        "it continues a line that ends in an escaped escape character",
        |text, _| text.lines().any(|line| line.trim_end().ends_with("\\\\")),
    ),
    ("a carriage return alone ends a line to it", |text, _| {
        text.replace("\r\n", "\n").contains('\r')
    }),
    ("a quoted image is no image to it", |_, file| {
        all(file)
            .filter(|i| i.keyword == Keyword::From)
            .any(|i| i.text.as_str().starts_with(['"', '\'']))
    }),
    (
        "an ARG with a flag is an unknown instruction to it",
        |_, file| all(file).any(|i| i.keyword == Keyword::Arg && !i.flags.is_empty()),
    ),
    ("a keyword is ASCII letters to it", |text, file| {
        all(file).any(|i| !i.keyword_span.slice(text.as_bytes()).is_ascii())
    }),
    ("a Unicode blank is part of a word to it", |_, file| {
        let env = |i: &&Instruction| matches!(i.keyword, Keyword::Env | Keyword::Arg);
        let blank = |ch: char| !ch.is_ascii() && ch.is_whitespace();
        all(file)
            .filter(env)
            .any(|i| i.text.as_str().contains(blank))
    }),
];

/// The instructions, those within ONBUILD as well.
fn all(file: &Dockerfile) -> impl Iterator<Item = &Instruction> {
    file.instructions().flat_map(|instruction| {
        let inner = match &instruction.args {
            Args::Onbuild(inner) => Some(&**inner),
            _ => None,
        };
        std::iter::once(instruction).chain(inner)
    })
}
