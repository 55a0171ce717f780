//! Which branches of a `case` or `if` never run, because what it looks at is known.

use std::ops::Range;

use super::variables::Variables;
use crate::shell::syntax::{Arm, Branch, Case, If, Part, Script, Word};

/// So many branches are compared in one text; a longer script is read as if all could run.
const MOST_ARMS: usize = 4_096;

/// The commands that never run, found while a script is walked from its start to its end.
#[derive(Debug, Default)]
pub(super) struct Dead {
    ranges: Vec<Range<usize>>,
    compared: usize,
}

impl Dead {
    /// Notes the branches of a `case` that is reached now.
    pub(super) fn add(&mut self, case: &Case, variables: &mut Variables) {
        self.compared += case.arms.len();
        if case.falls_through || self.compared > MOST_ARMS {
            return;
        }
        variables.in_function = case.function;
        let Some(subject) = variables.expand(&case.subject).literal() else {
            return;
        };
        // A pattern that is not understood may be the one that fits: its branch may run, beside the one that does fit.
        for arm in &case.arms {
            match fits(arm, &subject) {
                Some(false) => self.ranges.push(arm.commands.clone()),
                Some(true) => {
                    let after = case.arms.last().map_or(0, |last| last.commands.end);
                    self.ranges.push(arm.commands.end..after);
                    return;
                }
                None => {}
            }
        }
    }

    /// Notes the branches of an `if` that is reached now.
    pub(super) fn add_if(&mut self, found: &If, script: &Script, variables: &mut Variables) {
        self.compared += found.branches.len();
        if self.compared > MOST_ARMS {
            return;
        }
        variables.in_function = found.function;
        for branch in &found.branches {
            let Some(commands) = &branch.commands else {
                return;
            };
            match holds(branch, script, variables) {
                Some(false) => self.ranges.push(commands.clone()),
                Some(true) => {
                    let last = found
                        .branches
                        .last()
                        .and_then(|last| last.commands.as_ref());
                    let after = last.map_or(0, |last| last.end);
                    self.ranges.push(commands.end..after);
                    return;
                }
                None => {}
            }
        }
    }

    /// Whether the command never runs. Commands are asked for in their order.
    pub(super) fn holds(&mut self, index: usize) -> bool {
        self.ranges.retain(|range| range.end > index);
        self.ranges.iter().any(|range| range.contains(&index))
    }
}

/// The first command of a `case`; that of one without branches never comes.
pub(super) fn begins(case: &Case) -> usize {
    case.arms.first().map_or(0, |arm| arm.commands.start)
}

/// The first command of what an `if` tests.
pub(super) fn tests_from(found: &If) -> usize {
    found
        .branches
        .first()
        .map_or(0, |branch| branch.condition.start)
}

/// Whether what a branch tests holds, where that can be told: one comparison of texts that are known.
fn holds(branch: &Branch, script: &Script, variables: &mut Variables) -> Option<bool> {
    if branch.otherwise {
        return Some(true);
    }
    let [test] = script.commands.get(branch.condition.clone())? else {
        return None;
    };
    let (name, words) = test.words.split_first()?;
    let name = name.literal()?;
    let words = match (name.as_str(), words.split_last()) {
        ("[", Some((end, words))) if end.literal().as_deref() == Some("]") => words,
        ("[[", Some((end, words))) if end.literal().as_deref() == Some("]]") => words,
        ("test", _) => words,
        _ => return None,
    };
    let mut known = |word: &Word| variables.expand(word).literal();
    let result = match words {
        [operator, word] => match operator.literal()?.as_str() {
            "-n" => !known(word)?.is_empty(),
            "-z" => known(word)?.is_empty(),
            _ => return None,
        },
        [left, operator, right] => {
            let left = known(left)?;
            let same = match name.as_str() {
                "[[" => matches(&tokens(&variables.expand(right))?, &left),
                _ => known(right)? == left,
            };
            match operator.literal()?.as_str() {
                "=" | "==" => same,
                "!=" => !same,
                _ => return None,
            }
        }
        _ => return None,
    };
    Some(result != branch.negated)
}

/// Whether one of a branch's patterns fits, where that can be told.
fn fits(arm: &Arm, subject: &str) -> Option<bool> {
    let mut any = false;
    for pattern in &arm.patterns {
        any |= matches(&tokens(pattern)?, subject);
    }
    Some(any)
}

/// A piece of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Char(char),
    One,
    Any,
}

/// The pieces of a pattern without variables, brackets and `+(...)`.
fn tokens(pattern: &Word) -> Option<Vec<Token>> {
    let mut found = Vec::new();
    for part in &pattern.parts {
        let Part::Literal { text, quoted, .. } = part else {
            return None;
        };
        for c in text.chars() {
            found.push(match c {
                '*' if !quoted => Token::Any,
                '?' if !quoted => Token::One,
                '[' | '(' | '\\' if !quoted => return None,
                c => Token::Char(c),
            });
        }
    }
    Some(found)
}

/// Whether a pattern fits all of a text: in time of the product of their lengths at most.
fn matches(pattern: &[Token], text: &str) -> bool {
    // `reached[at]`: the pieces before `at` fit the text read so far.
    let mut reached = vec![false; pattern.len() + 1];
    let through = |reached: &mut [bool]| {
        for (at, token) in pattern.iter().enumerate() {
            if *token == Token::Any
                && reached.get(at) == Some(&true)
                && let Some(next) = reached.get_mut(at + 1)
            {
                *next = true;
            }
        }
    };
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    through(&mut reached);
    for c in text.chars() {
        let mut next = vec![false; pattern.len() + 1];
        for (at, token) in pattern.iter().enumerate() {
            let (to, fits) = match token {
                Token::Any => (at, true),
                Token::One => (at + 1, true),
                Token::Char(own) => (at + 1, *own == c),
            };
            if fits
                && reached.get(at) == Some(&true)
                && let Some(slot) = next.get_mut(to)
            {
                *slot = true;
            }
        }
        through(&mut next);
        reached = next;
    }
    reached.last() == Some(&true)
}

#[cfg(test)]
mod tests {
    use crate::shell::effects::{EffectKind, Start, read_with};

    /// What a script runs when it is started with some arguments.
    fn runs(text: &str, arguments: &str) -> Vec<String> {
        let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
        let shown = |kind: &EffectKind| match kind {
            EffectKind::Run { words, .. } => words.first().map(|word| word.shown()),
            _ => None,
        };
        let start = Start {
            arguments: &arguments,
            known: vec![("ROLE", "api")],
            ..Start::default()
        };
        let effects = read_with(text, &start).effects;
        effects
            .iter()
            .filter_map(|effect| shown(&effect.kind))
            .collect()
    }

    #[test]
    fn the_branch_that_is_asked_for_runs() {
        let text =
            "case \"$1\" in\n web|api) a ;;\n w*er) b; c ;;\n '*') d ;;\n *) e ;;\nesac\nf\n";
        assert_eq!(runs(text, "web"), ["a", "f"]);
        assert_eq!(runs(text, "worker 4"), ["b", "c", "f"]);
        assert_eq!(runs(text, "*"), ["d", "f"]);
        assert_eq!(runs(text, "other"), ["e", "f"]);
        assert_eq!(runs(text, ""), ["a", "b", "c", "d", "e", "f"]);
    }

    #[test]
    fn arguments_are_known_by_other_names_and_shifted_away() {
        let text = "role=${1:-web}\nshift\ncase $role in web) a ;; *) case $1 in x) b ;; y) c ;; esac ;; esac";
        assert_eq!(runs(text, "web"), ["a"]);
        assert_eq!(runs(text, "worker y"), ["c"]);
        let loose = "[ -n \"$X\" ] && shift\ncase $1 in x) a ;; y) b ;; esac";
        assert_eq!(runs(loose, "x"), ["a", "b"]);
        let role = "case ${ROLE} in web) a ;; api) b ;; esac\nROLE=web\ncase $ROLE in web) c ;; api) d ;; esac";
        assert_eq!(runs(role, ""), ["b", "c"]);
        let set = "set -- y\ncase $1 in x) a ;; y) b ;; esac";
        assert_eq!(runs(set, "x"), ["a", "b"]);
    }

    #[test]
    fn the_branch_whose_test_holds_runs() {
        let text =
            "if [ \"$1\" = web ]; then\n a\nelif [[ $1 == work* ]]; then b; c\nelse\n d\nfi\ne";
        assert_eq!(runs(text, "web"), ["a", "e"]);
        assert_eq!(runs(text, "worker 4"), ["b", "c", "e"]);
        assert_eq!(runs(text, "other"), ["d", "e"]);
        assert_eq!(runs(text, ""), ["a", "b", "c", "d", "e"]);
        for (text, expected) in [
            ("if [ -z \"$1\" ]; then a; fi; b", vec!["b"]),
            ("if test $ROLE != api; then a; else b; fi", vec!["b"]),
            ("if ! [ $1 = x ]; then a; else b; fi", vec!["b"]),
            (
                "if [ $1 = x ] && [ $2 = y ]; then a; else b; fi",
                vec!["a", "b"],
            ),
            ("if [ $1 -gt 3 ]; then a; else b; fi", vec!["a", "b"]),
            (
                "if [ $1 = y ]; then if [ $Z = z ]; then a; fi; b; else c; fi; d",
                vec!["c", "d"],
            ),
            (
                "if [ $1 = x ]; then case $1 in x) a ;; y) b ;; esac; else c; fi; d",
                vec!["a", "d"],
            ),
            ("f() { if [ $1 = y ]; then a; fi; }; f y", vec!["a", "f"]),
            ("if grep -q x f; then a; else b; fi", vec!["grep", "a", "b"]),
            ("if [ $1 = y ]; then a", vec![]),
            (
                "if (( $# < 1 )); then a; elif [ $1 = y ]; then b; elif [ $1 = x ]; then c; else d; fi",
                vec!["a", "c"],
            ),
        ] {
            assert_eq!(runs(text, "x"), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_told_may_run() {
        for (text, expected) in [
            (
                "f() { case $1 in x) a ;; y) b ;; esac; }; f y",
                vec!["a", "b", "f"],
            ),
            ("case $1 in [w]*) a ;; x) b ;; esac", vec!["a", "b"]),
            ("case $1 in x) a ;& y) b ;; esac", vec!["a", "b"]),
            ("case $Y in x) a ;; y) b ;; esac", vec!["a", "b"]),
            ("case $1 in $Y) a ;; x) b ;; esac", vec!["a", "b"]),
            (
                "case $1 in y) a ;; $Y) b ;; x) c ;; *) d ;; esac",
                vec!["b", "c"],
            ),
            ("case $1 in $Y) a ;; y) b ;; x) c ;; esac", vec!["a", "c"]),
        ] {
            assert_eq!(runs(text, "x"), expected, "{text}");
        }
    }
}
