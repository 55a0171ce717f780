//! The thread hook: what puts it into the Python that runs, and what asks for the thread.

use super::layout::sets;
use super::{Plan, Refusal};
use crate::dockerfile::syntax::{Instruction, Keyword};
use crate::model::{Fact, THREAD_VARIABLE, ThreadHook, User};
use crate::templates::{self, Parts, tuning};
use crate::text::{Edit, Span};

impl<'a> Plan<'a> {
    /// jemalloc's thread runs in Python processes.
    pub(super) fn run_thread(&mut self) -> Result<(), Refusal> {
        if self.scene.unit.thread_hook != ThreadHook::Present {
            self.install_hook()?;
        }
        self.ask_for_thread()
    }

    fn install_hook(&mut self) -> Result<(), Refusal> {
        let python = self.scene.site.interpreter.clone().map_err(Refusal)?;
        let template = templates::thread_hook()
            .ok_or_else(|| Refusal::new("there is no template of the thread hook"))?;
        let last = self.last_change_of(&python);
        let at = last.map_or_else(|| self.layout.first_gap(), |last| self.layout.end(last));
        let parts = if self
            .layout
            .has_heredocs(|frontend| template.reads_heredocs(frontend))
        {
            template.with_heredoc(&python, self.layout.newline)
        } else {
            template.lowered(&python, &self.layout.continued())
        };
        let text = self.hook(&parts, self.user_at(at)?.as_deref());
        self.edits.push(Edit {
            span: Span::empty(at),
            text: self.layout.insertion(at, &text),
        });
        Ok(())
    }

    /// The instructions; `user` runs what follows, where that is not root.
    fn hook(&self, parts: &Parts, user: Option<&str>) -> String {
        let newline = self.layout.newline;
        let line = |keyword, arguments: &str| {
            format!("{} {arguments}{newline}", self.layout.keyword(keyword))
        };
        let copy = parts.copy.as_ref();
        let copy = copy
            .map(|copy| line(Keyword::Copy, copy))
            .unwrap_or_default();
        let run = line(Keyword::Run, &parts.run);
        let run = match user {
            None => run,
            Some(name) => {
                let (root, back) = (line(Keyword::User, "root"), line(Keyword::User, name));
                format!("{root}{run}{back}")
            }
        };
        format!("{}{newline}{copy}{run}", parts.comment)
    }

    /// The variable asks for the thread. A `MALLOC_CONF` of the user's own stays as it is; one of ours becomes that
    /// which was measured with the thread.
    fn ask_for_thread(&mut self) -> Result<(), Refusal> {
        if self.vars.is_empty() && self.beside.is_none() {
            // It belongs to what it is about.
            let beside = self.own_key("MALLOC_CONF");
            self.beside = beside.or_else(|| self.own_key("LD_PRELOAD"));
        }
        let conf = self.scene.unit.env.get("MALLOC_CONF");
        let own = conf.map(|var| var.now.value.known());
        if own.is_none_or(|value| value.is_some_and(templates::is_profile)) {
            let version = self.version();
            let value = tuning(self.scene.unit, self.scene.style, version.as_deref(), true);
            self.set("MALLOC_CONF", &value.map_err(Refusal)?)?;
        }
        self.set(THREAD_VARIABLE, "1")
    }

    /// The last instruction that may make the interpreter or change which one a name means. What is
    /// copied from the build context behind it is the application.
    fn last_change_of(&self, python: &str) -> Option<&'a Instruction> {
        let by_name = !python.contains('/');
        let changes = |instruction: &&&Instruction| match instruction.keyword {
            Keyword::Run => true,
            Keyword::Copy | Keyword::Add => {
                instruction.flags.iter().any(|flag| flag.name == "from")
            }
            Keyword::Env => by_name && sets(instruction, "PATH"),
            _ => false,
        };
        self.layout.body.iter().rev().find(changes).copied()
    }

    /// Who runs a step at that place, as it is written, where it is not root.
    fn user_at(&self, at: usize) -> Result<Option<String>, Refusal> {
        let before = self.layout.body.iter().rev();
        let mut before = before.skip_while(|instruction| instruction.span.start >= at);
        if let Some(own) = before.find(|instruction| instruction.keyword == Keyword::User) {
            let name = own.text.as_str().trim().to_owned();
            return Ok((!User(name.clone()).is_root()).then_some(name));
        }
        match &self.scene.site.starter {
            Fact::Known(user, place) => {
                // The name may be an argument of another stage.
                if place.file.text(place.span).contains('$') {
                    return Err(Refusal(format!(
                        "the user of this stage is chosen when it is built (line {})",
                        place.line()
                    )));
                }
                Ok((!user.is_root()).then(|| user.0.clone()))
            }
            Fact::Assumed(user, _) => Ok((!user.is_root()).then(|| user.0.clone())),
            Fact::Unknown(why) => Err(Refusal(format!(
                "who runs the steps of this stage cannot be told ({why}): put `USER root` first"
            ))),
        }
    }
}
