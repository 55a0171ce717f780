//! Which branches of a `case` or `if` never run, because what it looks at is known, and which run where nobody sets
//! the variables that it looks at.

use std::ops::Range;

use super::conditions::{Known, fits, holds};
use super::variables::Variables;
use crate::shell::syntax::{Case, If, Script};

/// So many branches are compared in one text; a longer script is read as if all could run.
const MOST_ARMS: usize = 4_096;

/// Whether a command runs where nobody sets the variables that its branches look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Usually {
    /// That cannot be told.
    #[default]
    Unsaid,
    /// It does.
    Runs,
    /// It does, by a default that is written there (`${1:-web}`), or by what the image says.
    ByDefault,
    /// It does not.
    Skipped,
}

/// What is known of the branches of a script while it is walked from its start to its end.
#[derive(Debug, Default)]
pub(super) struct Branches {
    /// The commands that never run.
    dead: Vec<Range<usize>>,
    usual: Vec<(Range<usize>, Usually)>,
    compared: usize,
}

impl Branches {
    /// Notes the branches of a `case` that is reached now.
    pub(super) fn add(&mut self, case: &Case, variables: &mut Variables) {
        self.compared += case.arms.len();
        if case.falls_through || self.compared > MOST_ARMS {
            return;
        }
        variables.in_function = case.function;
        let after = case.arms.last().map_or(0, |last| last.commands.end);
        let mut decided = |known: &mut Known<'_>| {
            let Some(subject) = known.text(&case.subject) else {
                return Vec::new();
            };
            // A pattern that is not understood may be the one that fits: its branch may run, beside the one that does.
            let arms = case.arms.iter();
            let arms = arms.map(|arm| (arm.commands.clone(), fits(arm, &subject)));
            decide(arms, after)
        };
        self.decided(variables, &mut decided);
    }

    /// Notes the branches of an `if` that is reached now.
    pub(super) fn add_if(&mut self, found: &If, script: &Script, variables: &mut Variables) {
        self.compared += found.branches.len();
        if self.compared > MOST_ARMS {
            return;
        }
        variables.in_function = found.function;
        let branches = || {
            let all = found.branches.iter();
            all.map_while(|branch| Some((branch, branch.commands.clone()?)))
        };
        let after = branches().last().map_or(0, |(_, last)| last.end);
        let mut decided = |known: &mut Known<'_>| {
            let branches =
                branches().map(|(branch, commands)| (commands, holds(branch, script, known)));
            decide(branches, after)
        };
        self.decided(variables, &mut decided);
    }

    /// Notes what is decided by what is known, and by what is so where nobody says otherwise.
    fn decided(
        &mut self,
        variables: &mut Variables,
        decided: &mut dyn FnMut(&mut Known<'_>) -> Decided,
    ) {
        for (range, runs) in decided(&mut Known::certain(variables)) {
            if runs {
                self.usual.push((range, Usually::ByDefault));
            } else {
                self.dead.push(range);
            }
        }
        let mut known = Known::usual(variables);
        let usual = decided(&mut known);
        let runs = if known.by_default {
            Usually::ByDefault
        } else {
            Usually::Runs
        };
        let state = |taken: bool| if taken { runs } else { Usually::Skipped };
        let usual = usual.into_iter();
        self.usual
            .extend(usual.map(|(range, taken)| (range, state(taken))));
    }

    /// Whether the command never runs. Commands are asked for in their order.
    pub(super) fn never(&mut self, index: usize) -> bool {
        self.dead.retain(|range| range.end > index);
        self.dead.iter().any(|range| range.contains(&index))
    }

    /// Whether the command runs where nobody says otherwise. Commands are asked for in their order.
    pub(super) fn usually(&mut self, index: usize) -> Usually {
        self.usual.retain(|(range, _)| range.end > index);
        let around = self
            .usual
            .iter()
            .filter(|(range, _)| range.contains(&index));
        around
            .map(|(_, usually)| *usually)
            .max()
            .unwrap_or_default()
    }
}

/// Commands, and whether they run.
type Decided = Vec<(Range<usize>, bool)>;

/// Which branches run and which do not, of those that are tested one after the other.
fn decide(branches: impl Iterator<Item = (Range<usize>, Option<bool>)>, after: usize) -> Decided {
    let mut decided = Vec::new();
    let mut sure = true;
    for (commands, taken) in branches {
        match taken {
            Some(false) => decided.push((commands, false)),
            Some(true) => {
                decided.push((commands.end..after, false));
                if sure {
                    decided.push((commands, true));
                }
                break;
            }
            None => sure = false,
        }
    }
    decided
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
        assert_eq!(runs(text, "other"), ["e", "f"]);
        for unknown in ["", "*"] {
            assert_eq!(runs(text, unknown), ["a", "b", "c", "d", "e", "f"]);
        }
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
