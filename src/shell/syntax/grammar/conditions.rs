//! `if`, and tests in front of `&&` and `||`: what is tested, and which commands hang on it.

use super::super::{Branch, If};
use super::Parser;
use super::frames::Kind;

impl Parser<'_> {
    /// `if`, before what is tested.
    pub(super) fn if_header(&mut self) {
        self.open(Kind::If);
        let index = self.script.ifs.len();
        if let Some(frame) = self.frame() {
            frame.header = Some(index);
            let function = frame.context.function;
            let branches = Vec::new();
            self.script.ifs.push(If { branches, function });
        }
        self.next_branch(false);
    }

    /// `elif` and `else`: another branch begins.
    pub(super) fn next_branch(&mut self, otherwise: bool) {
        self.end_branch();
        let at = self.script.commands.len();
        if let Some(innermost) = self.innermost_if() {
            innermost.branches.push(Branch {
                condition: at..at,
                otherwise,
                negated: false,
                ands: 0,
                ors: 0,
                commands: None,
            });
        }
    }

    /// `&&` or `||` behind the command before `at`, which is a test or is not.
    pub(super) fn joined(&mut self, or: bool, tests: bool, at: usize) {
        let branch = self
            .innermost_if()
            .and_then(|found| found.branches.last_mut());
        if let Some(branch) = branch.filter(|branch| branch.commands.is_none()) {
            branch.ands += usize::from(!or);
            branch.ors += usize::from(or);
        }
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        let negated = std::mem::take(&mut frame.negated);
        let mut ended: Vec<usize> = frame.alternative.take().into_iter().collect();
        if or {
            ended.append(&mut frame.hanging);
        }
        // Behind `||`, what comes next hangs on more than this one test.
        if tests && !frame.behind_or && !frame.in_pipeline {
            let index = self.script.ifs.len();
            let branch = Branch {
                condition: at.saturating_sub(1)..at,
                otherwise: false,
                negated: negated != or,
                ands: 0,
                ors: 0,
                commands: Some(at..at),
            };
            let function = frame.context.function;
            self.script.ifs.push(If {
                branches: vec![branch],
                function,
            });
            if or {
                frame.alternative = Some(index);
            } else {
                frame.hanging.push(index);
            }
        }
        self.end_hanging(&ended, at);
    }

    /// The list ends: nothing behind it hangs on its tests.
    pub(super) fn end_tests(&mut self) {
        let at = self.script.commands.len();
        let Some(frame) = self.frames.last_mut() else {
            return;
        };
        frame.negated = false;
        let mut ended = std::mem::take(&mut frame.hanging);
        ended.extend(frame.alternative.take());
        self.end_hanging(&ended, at);
    }

    fn end_hanging(&mut self, ended: &[usize], at: usize) {
        for index in ended {
            let found = self.script.ifs.get_mut(*index);
            let branch = found.and_then(|found| found.branches.last_mut());
            if let Some(commands) = branch.and_then(|branch| branch.commands.as_mut()) {
                commands.end = at;
            }
        }
    }

    /// `then`, and what hangs on an `else`: the commands begin.
    pub(super) fn begin_branch(&mut self) {
        let at = self.script.commands.len();
        let branch = self
            .innermost_if()
            .and_then(|found| found.branches.last_mut());
        if let Some(branch) = branch {
            branch.condition.end = at;
            branch.commands = Some(at..at);
        }
    }

    /// The branch read last ends before the next command.
    pub(super) fn end_branch(&mut self) {
        let at = self.script.commands.len();
        let branch = self
            .innermost_if()
            .and_then(|found| found.branches.last_mut());
        if let Some(commands) = branch.and_then(|branch| branch.commands.as_mut()) {
            commands.end = at;
        }
    }

    /// `!` before what is tested.
    pub(super) fn negate(&mut self) {
        if let Some(frame) = self.frame() {
            frame.negated = !frame.negated;
        }
        let branch = self
            .innermost_if()
            .and_then(|found| found.branches.last_mut());
        if let Some(branch) = branch.filter(|branch| branch.commands.is_none()) {
            branch.negated = true;
        }
    }

    /// The innermost `if`, where that is what is open.
    fn innermost_if(&mut self) -> Option<&mut If> {
        let frame = self.frames.last()?;
        let index = frame.header.filter(|_| frame.kind == Kind::If)?;
        self.script.ifs.get_mut(index)
    }
}
