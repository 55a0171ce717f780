//! What a script does that decides about allocators.
//!
//! The types here are the contract; the rooms below read one family of commands each. Nothing is
//! executed: a variable is replaced only by what the script itself set before, and what stays
//! unknown stays a variable or substitution in the words.

mod branches;
mod build;
mod call;
mod conditions;
mod environment;
mod fields;
mod files;
mod interpret;
mod nested;
mod origin;
mod packages;
mod pattern;
mod scopes;
mod session;
mod variables;
mod writes;

use std::ops::Range;

use super::syntax::{Context, Word};
use crate::facts::Manager;

/// An argument of which nothing is known.
pub(crate) const UNKNOWN: &str = "*";

/// One thing a script does.
#[derive(Debug)]
pub struct Effect {
    /// What.
    pub kind: EffectKind,
    /// The command that does it, as a range of the text that was parsed.
    pub range: Range<usize>,
    /// Under which circumstances it does so.
    pub context: Context,
    /// Whether it does so where nobody sets the variables that the script looks at.
    pub(crate) usually: Usually,
    /// The folder that a `cd` before it went to, for paths that are relative; `None` where the
    /// script starts, or where it went somewhere unknown.
    pub folder: Option<String>,
}

/// What a script can do that matters here.
#[derive(Debug)]
pub enum EffectKind {
    /// Packages installed from the distribution's or conda's repositories.
    Install {
        /// By which manager.
        manager: Manager,
        /// The packages named, versions and architectures split off.
        packages: Vec<Package>,
        /// Some of the package names are not literal (`$PACKAGES`, `$(cat list)`).
        open_ended: bool,
    },
    /// Packages removed again (`apt-get purge`, `apk del`): names as in `Install`. `apk add --virtual X`
    /// groups are resolved: the removal names the packages of the group.
    Uninstall {
        /// By which manager.
        manager: Manager,
        /// The packages.
        packages: Vec<Package>,
    },
    /// `ln`, `cp`, `mv`, `install`: a file appears at `to`. Words may hold globs, `$(uname -m)`, `$(dpkg -L ...)`.
    Place {
        /// The source.
        from: Word,
        /// The destination as written (a folder where it ends in `/` or names one; `./` where none
        /// is given, the folder of `-t` with a `/` behind it).
        to: Word,
        /// A symbolic or hard link.
        link: bool,
    },
    /// `rm`, and `mv` behind its `Place`: a file goes.
    Remove {
        /// The path as written.
        path: Word,
    },
    /// Something is built and installed from source here: `make install`, `ninja install`,
    /// `cmake --install`, `meson install`, `scons install`, `checkinstall`.
    BuildInstall {
        /// The prefix when one was given to `configure`, `cmake` or `make`, else `/usr/local`; `DESTDIR`
        /// stands before it.
        prefix: String,
    },
    /// `ldconfig` runs.
    Ldconfig,
    /// `export NAME=value`, `declare -x`, `NAME=value; export NAME`, assignments under `set -a`: for
    /// the commands after it. One effect for each value that branches may have given the variable.
    Export {
        /// The variable.
        name: String,
        /// The value, variables that the script set before replaced; `None` for `export NAME` of a
        /// variable set nowhere in the script.
        value: Option<Word>,
    },
    /// `NAME=value` behind a file that was read, or of an allocator: it is exported where that file, or who starts the
    /// script, exported the variable.
    Assign {
        /// The variable.
        name: String,
        /// The value as written.
        value: Word,
    },
    /// `unset NAME`.
    Unset {
        /// The variable.
        name: String,
    },
    /// `NAME=value command ...` or `env NAME=value command ...`: for that one command. `env -u NAME`
    /// gives an empty word.
    Inline {
        /// The variable.
        name: String,
        /// The value as written.
        value: Word,
    },
    /// Text written to a file: `echo ... > path`, `>>`, `tee`, `cat <<EOF > path`, `printf`, `sed -i`.
    Write {
        /// The file as written; `~` and `$HOME` not expanded.
        path: String,
        /// What is written where it can be known: the words or here-document, as range of the text.
        content: Option<Range<usize>>,
        /// The literal text of it, variables and substitutions left as written.
        text: String,
        /// `>>` or `tee -a`.
        append: bool,
    },
    /// `setcap CAPS FILE`: one for each file; `setcap -r` takes capabilities away and is none.
    Setcap {
        /// The file.
        file: Word,
    },
    /// `sudo ...` or `env -i ...` or `su - ...` in front of a command: the environment is lost for it.
    DropsEnvironment {
        /// `sudo`, `env -i`, `su -`, `runuser -l`, `exec -c`, `setpriv --reset-env`.
        by: String,
        /// The command that runs without it.
        command: Vec<Word>,
    },
    /// `patchelf --add-needed LIB FILE`: linked in instead of preloaded.
    AddNeeded {
        /// The library.
        library: Word,
    },
    /// A script or program is run that stands in the image and whose text we may find beside the
    /// Dockerfile: `./install.sh`, `bash /tmp/setup.sh`, `. /scripts/env`, `sh -x build.sh`.
    RunScript {
        /// The path as written, and its arguments.
        words: Vec<Word>,
        /// `.` or `source`: its variables stay.
        sourced: bool,
        /// `set -a` is in force: all that it sets is exported.
        exports: bool,
    },
    /// The text names an allocator in a way that is none of the above (a download of its source, a
    /// `git clone`, a `curl | tar`, `FLAVOUR=jemalloc`): somebody does something about allocators
    /// here. A program that is named so gives its `Run`, too.
    MentionsAllocator,
    /// Any other command, for the reader of entrypoints: its words after wrappers (`exec`, `tini`,
    /// `gosu`, `env`, `nice`, ...) were taken off. Builtins of the shell that run nothing are left out.
    Run {
        /// Command and arguments.
        words: Vec<Word>,
        /// It replaces the shell (`exec`).
        exec: bool,
    },
}

/// A package named in an install command.
#[derive(Debug)]
pub struct Package {
    /// The name, version (`=1.2`), architecture (`:arm64`) and channel (`conda-forge::`) split off.
    pub name: String,
    /// The version asked for, if any: `=` taken off, other operators (`>=2.9`, `~=5.3`) kept.
    pub version: Option<String>,
    /// Where the word stands.
    pub range: Range<usize>,
}

pub(crate) use branches::Usually;
pub use interpret::read;
pub(crate) use interpret::read_with;
pub(crate) use scopes::{Called, Reach, Scopes};
pub use session::Reader;
pub(crate) use session::{Reading, Start};
