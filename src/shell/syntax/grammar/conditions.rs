//! `if`: what is tested, and which commands hang on it.

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
                commands: None,
            });
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
