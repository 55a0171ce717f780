//! Our splitter against `brush-parser`, which agrees with bash on every RUN text it was measured on.
//!
//! Where brush accepts a text, we must follow it to its end and give the same commands: the same
//! assignments, words and number of redirections, in the same order. The texts are the cases of
//! `shell_effects.txt` and mutants of them.
//!
//! Known differences, which the comparison takes out:
//! - brush reads the commands of a process substitution; to us it is a word.
//! - brush reads `[[ ]]` as an expression; to us it is a command whose words are not compared.
//! - brush counts `|&` as a redirection of the command before it.
//! - brush writes the elements of an array anew; they are not compared.
//! - brush does not know `case` inside `$( )` and ends the substitution at a pattern.
//! - brush takes a here-document that is cut off inside `$( )`, quotes and all, which bash rejects;
//!   mutants do without both.
//! - brush takes `((i=0; i<3; i++))` without its `for` for two subshells, bash for arithmetic.
//! - a line continuation inside a word stays in our range; both sides are compared without.

use brush_parser::ast::{self, CommandPrefixOrSuffixItem as Item, CompoundCommand};
use malloclint::internals::shell::syntax;
use proptest::prelude::*;

/// One simple command: its words and assignments as written, the number of its redirections.
type Shape = (Vec<String>, usize);

/// What brush reads; `None` where it rejects the text.
fn oracle(text: &str) -> Option<Vec<Shape>> {
    let options = brush_parser::ParserOptions::default();
    let mut parser = brush_parser::Parser::new(text.as_bytes(), &options);
    let program = parser.parse_program().ok()?;
    let mut shapes = Vec::new();
    for complete in &program.complete_commands {
        list(complete, &mut shapes);
    }
    Some(shapes)
}

fn list(list: &ast::CompoundList, shapes: &mut Vec<Shape>) {
    for ast::CompoundListItem(and_or, _) in &list.0 {
        let more = and_or.additional.iter().map(|next| match next {
            ast::AndOr::And(pipeline) | ast::AndOr::Or(pipeline) => pipeline,
        });
        for pipeline in std::iter::once(&and_or.first).chain(more) {
            for one in &pipeline.seq {
                command(one, shapes);
            }
        }
    }
}

fn command(command: &ast::Command, shapes: &mut Vec<Shape>) {
    match command {
        ast::Command::Simple(simple_command) => shapes.push(simple(simple_command)),
        ast::Command::Compound(inner, _) => compound(inner, shapes),
        ast::Command::Function(function) => compound(&function.body.0, shapes),
        ast::Command::ExtendedTest(_, redirects) => {
            shapes.push((
                vec!["[[".to_owned()],
                redirects.as_ref().map_or(0, |list| list.0.len()),
            ));
        }
    }
}

fn simple(simple: &ast::SimpleCommand) -> Shape {
    let prefix = simple.prefix.iter().flat_map(|prefix| prefix.0.iter());
    let suffix = simple.suffix.iter().flat_map(|suffix| suffix.0.iter());
    let mut words = Vec::new();
    let mut redirects = 0;
    let mut item = |item: &Item, words: &mut Vec<String>| match item {
        Item::IoRedirect(_) => redirects += 1,
        Item::Word(word) | Item::AssignmentWord(_, word) => words.push(plain(&word.value)),
        Item::ProcessSubstitution(..) => words.push("<()".to_owned()),
    };
    prefix.for_each(|one| item(one, &mut words));
    words.extend(simple.word_or_name.iter().map(|word| plain(&word.value)));
    suffix.for_each(|one| item(one, &mut words));
    (words, redirects)
}

fn compound(command: &CompoundCommand, shapes: &mut Vec<Shape>) {
    match command {
        CompoundCommand::Arithmetic(_) => {}
        CompoundCommand::ArithmeticForClause(clause) => list(&clause.body.list, shapes),
        CompoundCommand::BraceGroup(group) => list(&group.list, shapes),
        CompoundCommand::Subshell(subshell) => list(&subshell.list, shapes),
        CompoundCommand::ForClause(clause) => list(&clause.body.list, shapes),
        CompoundCommand::CaseClause(clause) => {
            clause
                .cases
                .iter()
                .filter_map(|case| case.cmd.as_ref())
                .for_each(|body| list(body, shapes));
        }
        CompoundCommand::IfClause(clause) => {
            list(&clause.condition, shapes);
            list(&clause.then, shapes);
            for other in clause.elses.iter().flatten() {
                other
                    .condition
                    .iter()
                    .for_each(|condition| list(condition, shapes));
                list(&other.body, shapes);
            }
        }
        CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
            list(&clause.0, shapes);
            list(&clause.1.list, shapes);
        }
        CompoundCommand::Coprocess(_) => {}
    }
}

/// What we read.
fn ours(text: &str) -> (Vec<Shape>, bool) {
    let script = syntax::parse(text);
    let shape = |command: &syntax::Command| {
        let assignments = command
            .assignments
            .iter()
            .map(|one| one.name_range.start..one.value.range.end);
        let words = command.words.iter().map(|word| word.range.clone());
        let words = assignments.chain(words).map(|range| plain(&text[range]));
        let mut words: Vec<String> = words
            .map(|word| {
                if word.starts_with(['<', '>']) {
                    "<()".to_owned()
                } else {
                    word
                }
            })
            .collect();
        if words.first().is_some_and(|word| word == "[[") {
            words.truncate(1);
        }
        (words, command.redirects.len())
    };
    (script.commands.iter().map(shape).collect(), script.complete)
}

fn plain(word: &str) -> String {
    let word = word.replace("\\\n", "");
    match word.split_once("=(") {
        Some((name, _)) if !name.contains(['"', '\'', '$']) => format!("{name}=("),
        _ => word,
    }
}

/// The shell texts of the effect cases.
fn texts() -> Vec<&'static str> {
    include_str!("../shell_effects.txt")
        .split("\n\n")
        .map(|case| {
            case.trim_matches('\n')
                .split("\n---")
                .next()
                .unwrap_or_default()
        })
        .filter(|text| !text.is_empty())
        .collect()
}

/// Says what differs, if anything does.
fn difference(text: &str) -> Option<String> {
    let theirs = oracle(text)?;
    let (ours, complete) = ours(text);
    let merges = text.contains("|&");
    let same = |(one, two): (&Shape, &Shape)| one.0 == two.0 && (merges || one.1 == two.1);
    let differs = !complete || ours.len() != theirs.len() || !ours.iter().zip(&theirs).all(same);
    differs.then(|| format!("{text}\n  ours: {ours:?} {complete}\ntheirs: {theirs:?}"))
}

#[test]
fn commands_are_those_of_the_oracle() {
    let accepted = texts().iter().filter(|text| oracle(text).is_some()).count();
    assert!(
        accepted > 140,
        "the oracle takes only {accepted} of the texts"
    );
    let differences: Vec<String> = texts().iter().filter_map(|text| difference(text)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Pieces of texts cut and joined anew: mostly nonsense, but what brush takes we must take.
    #[test]
    fn mutants_are_read_as_the_oracle_reads_them(
        picks in prop::collection::vec((0..1000_usize, 0.0..1.0_f64, 0.0..1.0_f64, 0..6_usize), 1..5)
    ) {
        let texts = texts();
        let joints = ["; ", " && ", "\n", " | ", " ", " || "];
        let mut mutant = String::new();
        for (pick, from, to, joint) in picks {
            let words: Vec<&str> = texts[pick % texts.len()].split_inclusive([' ', '\n', ';']).collect();
            let at = |share: f64| (share * words.len() as f64) as usize;
            mutant.extend(words[at(from.min(to))..at(from.max(to))].iter().copied());
            mutant.push_str(joints[joint]);
        }
        prop_assume!(!["$(cat <<", "$(case", "((i=0"].iter().any(|text| mutant.contains(text)));
        let difference = difference(&mutant);
        prop_assert!(difference.is_none(), "{}", difference.unwrap_or_default());
    }
}
