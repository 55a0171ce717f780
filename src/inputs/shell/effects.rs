//! What a script does that decides about allocators.

use std::ops::Range;

use super::script::{Context, Word};
use crate::facts::Manager;

/// One thing a script does.
#[derive(Debug)]
pub struct Effect {
    /// What.
    pub kind: EffectKind,
    /// The command that does it, as a range of the text that was parsed.
    pub range: Range<usize>,
    /// Under which circumstances it does so.
    pub context: Context,
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
        /// The destination as written (a folder where it ends in `/` or names one).
        to: Word,
        /// A symbolic or hard link.
        link: bool,
    },
    /// `rm`: a file goes.
    Remove {
        /// The path as written.
        path: Word,
    },
    /// Something is built and installed from source here: `make install`, `ninja install`,
    /// `cmake --install`, `meson install`, `cargo install`, `autogen.sh && make`.
    BuildInstall {
        /// The prefix when one was given to `configure`, `cmake` or `make`, else `/usr/local`.
        prefix: String,
    },
    /// `ldconfig` runs.
    Ldconfig,
    /// `export NAME=value`, `declare -x`, `NAME=value; export NAME`: for the commands after it.
    Export {
        /// The variable.
        name: String,
        /// The value as written; `None` for `export NAME` of a variable set nowhere in the script.
        value: Option<Word>,
    },
    /// `unset NAME`.
    Unset {
        /// The variable.
        name: String,
    },
    /// `NAME=value command ...` or `env NAME=value command ...`: for that one command.
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
    /// `setcap CAPS FILE`.
    Setcap {
        /// The file.
        file: Word,
    },
    /// `sudo ...` or `env -i ...` or `su - ...` in front of a command: the environment is lost for it.
    DropsEnvironment {
        /// `sudo`, `env -i`, `su -`.
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
        /// The path as written.
        path: Word,
        /// `.` or `source`: its variables stay.
        sourced: bool,
    },
    /// The text names an allocator in a way that is none of the above (a download of its source, a
    /// `git clone`, a `curl | tar`): somebody does something about allocators here.
    MentionsAllocator,
    /// Any other command, for the reader of entrypoints: its words after wrappers (`exec`, `tini`,
    /// `gosu`, `env`, `nice`, ...) were taken off.
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
    /// The version asked for, if any.
    pub version: Option<String>,
    /// Where the word stands.
    pub range: Range<usize>,
}

/// Says what `text` does, in order. Text that names none of what matters is passed over quickly.
#[must_use]
pub fn read(_text: &str) -> Vec<Effect> {
    Vec::new()
}
