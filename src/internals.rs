//! The door for the project's own tests: what they hold against oracles, under the names it has here. Nothing
//! else is visible outside, so that the compiler sees what nobody uses.

pub mod check {
    pub use crate::check::{Checked, check, units};
    pub use crate::verdict::{Judged, Verdict};
}

pub mod config {
    pub use crate::config::wrong_in;
}

pub mod dockerfile {
    pub use crate::dockerfile::started_elsewhere;

    pub mod syntax {
        pub use crate::dockerfile::syntax::{
            Args, Dockerfile, Escape, Flag, Heredoc, Instruction, Item, ItemKind, JsonString,
            Keyword, Pair, Problem, Word, parse,
        };
    }
}

pub mod facts {
    pub use crate::facts::{
        Arch, JemallocVersion, OptionKind, jemalloc_build, jemalloc_options, jemalloc_versions,
    };
}

pub mod finding {
    pub use crate::finding::{Applicability, Finding, Severity, Subject};
}

pub mod fix {
    pub use crate::fix::{Fixed, Options, fix, untouched};
}

/// What `inspect` makes of a process as it was recorded.
#[cfg(target_os = "linux")]
pub mod inspect {
    /// The report in JSON; nothing where it is no recording.
    #[must_use]
    pub fn recorded(bytes: &[u8]) -> Option<String> {
        let account = crate::inspect::recorded(bytes)?;
        let found = crate::inspect::Found {
            accounts: &[account],
            samples: &[],
            trends: &[],
            time: 0,
            with_map: true,
        };
        let mut text = Vec::new();
        for account in found.accounts {
            crate::inspect::human(account, &mut text).ok()?;
            crate::inspect::map(account, &mut text).ok()?;
        }
        text.clear();
        crate::inspect::json(&found, &mut text).ok()?;
        String::from_utf8(text).ok()
    }
}

/// What `image` makes of the bytes of a layer.
pub mod image {
    /// How many of its files lead somewhere; nothing where it is no layer.
    #[must_use]
    pub fn layer(bytes: &[u8]) -> Option<usize> {
        crate::image::layer(bytes).ok()
    }
}

pub mod manifests {
    pub use crate::manifests::Sheet;

    pub mod compose {
        pub use crate::manifests::compose::{read, spell};
    }

    pub mod kubernetes {
        pub use crate::manifests::kubernetes::{read, spell};
    }
}

pub mod model {
    pub use crate::model::{Change, Container, Setting};

    pub mod malloc_conf {
        pub use crate::model::malloc_conf::{
            BreakKind, Effect, Jemalloc, Reading, Setting, Verdict, read,
        };
    }
}

pub mod pages {
    pub use crate::pages::{Fence, Fix, fences, read};
}

pub mod project {
    pub use crate::disk::Roots;
    pub use crate::project::{Disk, Format, Project, find, read};
}

pub mod report {
    pub use crate::report::{Format, Run, Show, Style, write};

    pub mod diff {
        pub use crate::report::diff::write;
    }
}

pub mod rules {
    pub use crate::rules::RULES;
}

pub mod shell {
    pub use crate::shell::unwrap_argv;

    pub mod effects {
        pub use crate::shell::effects::{Effect, EffectKind, Package, Reader, read};
    }

    pub mod python {
        pub use crate::shell::python::read;
    }

    pub mod syntax {
        pub use crate::shell::syntax::{Command, Word, parse};
    }
}

pub mod surroundings {
    pub use crate::surroundings::{Home, Nowhere, Surroundings};
}

pub mod templates {
    pub use crate::templates::Style;
}

pub mod text {
    pub use crate::text::{Edit, SourceFile, Span, Traced, apply};
}

pub mod yaml {
    pub use crate::yaml::read;
}
