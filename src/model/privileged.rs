//! Programs that gain rights when they start: the loader takes no bare name for them.

use super::{Library, Unit, User};
use crate::text::Place;

/// A program that the start of a container runs and that gains rights by it.
#[derive(Clone, Debug)]
pub struct Privileged {
    /// `sudo`, or the program with file capabilities.
    pub name: String,
    /// Where it is started.
    pub place: Place,
}

impl Unit {
    /// The first program of the start that gains rights: for root none does.
    #[must_use]
    pub fn privileged(&self) -> Option<&Privileged> {
        let root = self.user.value().is_none_or(User::is_root);
        self.privileged.first().filter(|_| !root)
    }

    /// Whether a program may be started in it that gains rights: its start runs one, or `sudo` is installed for a user who is
    /// not root.
    #[must_use]
    pub fn may_gain_rights(&self) -> bool {
        let root = self.user.value().is_none_or(User::is_root);
        let sudo = |name: &String| name == "sudo" || name == "doas";
        let mut installs = self.installs.iter();
        !root
            && (!self.privileged.is_empty()
                || installs.any(|install| install.packages.iter().any(sudo)))
    }

    /// The path of a library, right on every architecture that the image may be for: with the loader's own `$LIB`
    /// where folders are named after architectures.
    #[must_use]
    pub fn silent_path(&self, library: &Library) -> Option<String> {
        let (folder, file) = (library.path.folder(), library.path.file_name());
        if folder.contains('*') || file.contains('*') {
            return None;
        }
        match (folder, self.platform.archs.known().map(Vec::as_slice)) {
            ("/usr/lib/{triplet}", _) => Some(format!("/usr/$LIB/{file}")),
            (_, Some([arch])) => Some(library.path.on(*arch)),
            (folder, _) => (!folder.contains('{')).then(|| format!("{folder}/{file}")),
        }
    }
}
