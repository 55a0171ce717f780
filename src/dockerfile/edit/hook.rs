//! The prefork hook: a RUN that puts it into the Python that runs, and what asks jemalloc for its thread.

use super::layout::sets;
use super::{Plan, Refusal};
use crate::dockerfile::syntax::{Instruction, Keyword};
use crate::model::{Fact, User};
use crate::templates;
use crate::templates::tuning;
use crate::text::{Edit, Span};

impl<'a> Plan<'a> {
    /// jemalloc's thread runs in forked workers, too.
    pub(super) fn restart_thread(&mut self) -> Result<(), Refusal> {
        let python = self.scene.site.interpreter.clone().map_err(Refusal)?;
        let template = templates::prefork_hook()
            .ok_or_else(|| Refusal::new("there is no template of the prefork hook"))?;
        self.ask_for_thread()?;
        let last = self.last_change_of(&python);
        let at = last.map_or_else(|| self.layout.first_gap(), |last| self.layout.end(last));
        let run = template.instruction(&python, &self.layout.continued());
        let run = run.strip_prefix(Keyword::Run.as_str()).unwrap_or(&run);
        let newline = self.layout.newline;
        let run = format!("{}{run}{newline}", self.layout.keyword(Keyword::Run));
        let comment = &template.comment;
        let user = self.layout.keyword(Keyword::User);
        let text = match self.user_at(at)? {
            Some(name) => {
                format!("{comment}{newline}{user} root{newline}{run}{user} {name}{newline}")
            }
            None => format!("{comment}{newline}{run}"),
        };
        self.edits.push(Edit {
            span: Span::empty(at),
            text: self.layout.insertion(at, &text),
        });
        Ok(())
    }

    /// `MALLOC_CONF` asks for the thread. A value of the user's own stays as it is.
    fn ask_for_thread(&mut self) -> Result<(), Refusal> {
        let var = self.scene.unit.env.get("MALLOC_CONF");
        let value = var.map(|var| var.now.value.known().unwrap_or_default());
        match value {
            Some(value) if value.contains("background_thread:true") => return Ok(()),
            Some(value) if !templates::is_profile(value) => {
                return Err(Refusal::new(
                    "`MALLOC_CONF` does not ask for the thread: add `background_thread:true` to it",
                ));
            }
            _ => {}
        }
        let version = self.version();
        let value = tuning(self.scene.unit, self.scene.style, version.as_deref(), true);
        self.set("MALLOC_CONF", &value.map_err(Refusal)?)
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
