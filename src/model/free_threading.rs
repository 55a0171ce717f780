//! Python without the interpreter's lock: what says that it runs so.

use super::{Unit, is_python};
use crate::facts::free_threading::{chosen_by, requested};
use crate::text::Place;
use crate::text::paths::base_name;

/// Says whether a Python was built without the interpreter's lock.
#[derive(Clone, Debug)]
pub struct PythonBuild {
    /// As it is written: `3.14t`, `PYTHON_GIL=0`.
    pub said: String,
    /// Where.
    pub place: Place,
    /// It has no lock.
    pub free_threaded: bool,
}

impl Unit {
    /// What says that its Python was built without the interpreter's lock: its objects are mimalloc's.
    #[must_use]
    pub fn free_threaded(&self) -> Option<PythonBuild> {
        let build = self.started().or_else(|| self.asked_for());
        let build = build.or_else(|| self.python_build.clone());
        // One that has the lock ends at start where it is told to do without.
        build
            .or_else(|| self.switch())
            .filter(|build| build.free_threaded)
    }

    /// What says that its Python runs without the lock: it is built so, and not told to take it all the same.
    #[must_use]
    pub fn unlocked(&self) -> Option<PythonBuild> {
        let off = self.switch().is_none_or(|switch| switch.free_threaded);
        self.free_threaded().filter(|_| off)
    }

    /// By the name of the program that runs: `python3.14t`.
    fn started(&self) -> Option<PythonBuild> {
        let program = base_name(self.process.argv.first()?);
        let free_threaded = requested(program).filter(|_| is_python(program))?;
        Some(PythonBuild {
            said: program.to_owned(),
            place: self.process.place.as_ref()?.of_text(program),
            free_threaded,
        })
    }

    /// By the variable in which whatever chooses a Python looks.
    fn asked_for(&self) -> Option<PythonBuild> {
        let (name, _) = chosen_by();
        let var = self.env.get(name)?;
        let value = var.now.value.known()?;
        Some(PythonBuild {
            said: format!("{name}={value}"),
            place: var.now.place.clone(),
            free_threaded: requested(value)?,
        })
    }

    /// By what switches the lock off or on: an option, else a variable.
    fn switch(&self) -> Option<PythonBuild> {
        let words = self.process.argv.split_first();
        let python = words.filter(|(program, _)| is_python(base_name(program)));
        if let Some(option) = python.and_then(|(_, arguments)| switch_among(arguments)) {
            return Some(PythonBuild {
                said: format!("-X {option}"),
                place: self.process.place.as_ref()?.of_text(option),
                free_threaded: option == OFF,
            });
        }
        let var = self.env.get("PYTHON_GIL")?;
        let value = var.now.value.known().filter(|value| !value.is_empty())?;
        Some(PythonBuild {
            said: format!("PYTHON_GIL={value}"),
            place: var.now.place.clone(),
            free_threaded: value == "0",
        })
    }
}

/// docs.python.org/3/using/cmdline.html#cmdoption-X
const OFF: &str = "gil=0";
const ON: &str = "gil=1";

/// The switch among the options of an interpreter: `-X gil=0`, `-Xgil=0`.
fn switch_among(arguments: &[String]) -> Option<&'static str> {
    let mut words = arguments.iter();
    while let Some(word) = words.next().filter(|word| word.starts_with('-')) {
        let Some(joined) = word.strip_prefix("-X") else {
            continue;
        };
        let option = match joined {
            "" => words.next()?,
            joined => joined,
        };
        match option {
            OFF => return Some(OFF),
            ON => return Some(ON),
            _ => {}
        }
    }
    None
}
