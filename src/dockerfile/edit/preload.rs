//! What `LD_PRELOAD` is set to, and where the library is that it names.

use std::ops::Range;

use super::{Arrival, Plan, Refusal};
use crate::facts::{AllocatorPackage, Arch, Family};
use crate::model::{Library, entries_of, family_of, finds};
use crate::templates::PreloadStyle;

impl Plan<'_> {
    /// The value that loads `family` and keeps the other libraries: where the allocator is named already, else behind
    /// them.
    pub(super) fn preload(&mut self, family: Family) -> Result<String, Refusal> {
        let (mut others, place) = self.kept(family)?;
        let entry = self.entry(family)?;
        if let Some(value) = self.in_its_place(family, &entry) {
            return Ok(value);
        }
        others.insert(place.unwrap_or(others.len()), entry);
        Ok(others.join(":"))
    }

    /// The list with `entry` in the place of the one that names the allocator, where one does and nothing is glued to
    /// it; all else stays as it is written.
    fn in_its_place(&self, family: Family, entry: &str) -> Option<String> {
        let var = self.scene.unit.env.get("LD_PRELOAD")?;
        let text = var.now.value.text.as_str();
        let names = |range: &Range<usize>| {
            let own = text.get(range.clone()).unwrap_or_default();
            family_of(own) == Some(family)
        };
        let mut named = entries_of(self.scene.unit, text).into_iter().filter(names);
        let (range, None) = (named.next()?, named.next()) else {
            return None;
        };
        let glued = text
            .get(range.clone())
            .is_none_or(|own| own.contains([',', ';']));
        let mut value = text.to_owned();
        (!glued).then(|| value.replace_range(range, entry))?;
        Some(value)
    }

    /// The entries that stay, and which place among them is the allocator's.
    fn kept(&self, family: Family) -> Result<(Vec<String>, Option<usize>), Refusal> {
        let Some(var) = self.scene.unit.env.get("LD_PRELOAD") else {
            return Ok((Vec::new(), None));
        };
        let text = var.now.value.text.as_str();
        let (mut kept, mut place) = (Vec::new(), None);
        for range in entries_of(self.scene.unit, text) {
            let entry = text.get(range).unwrap_or_default();
            match family_of(entry) {
                None if entry.contains("${") => {
                    return Err(Refusal(format!("`{entry}` is known at build time only")));
                }
                None => kept.push(entry.to_owned()),
                Some(other) if other != family => {
                    return Err(Refusal(format!(
                        "it preloads {other} too: a person must choose"
                    )));
                }
                // What a comma glued to the allocator's name.
                Some(_) => {
                    place.get_or_insert(kept.len());
                    kept.extend(glued(entry));
                }
            }
        }
        Ok((kept, place))
    }

    /// The name or path under which the loader finds the library.
    fn entry(&mut self, family: Family) -> Result<String, Refusal> {
        match self.package {
            Some(package) => self.packaged(package),
            None => self.present(family),
        }
    }

    /// That of a package which one of the changes installs, or which is installed.
    fn packaged(&mut self, package: &AllocatorPackage) -> Result<String, Refusal> {
        if self.scene.style.preload == PreloadStyle::Soname {
            return Ok(self.bare(package));
        }
        if let Some(folder) = self.copied_to {
            return Ok(format!("{folder}{}", package.soname));
        }
        if let Some(arch) = self.pinned() {
            return Ok(package.path(arch));
        }
        let path = package.path(Arch::Amd64);
        if package.path(Arch::Arm64) == path {
            return Ok(path);
        }
        let link = format!("/usr/local/lib/{}", package.soname);
        self.link(&link, &package.soname)?;
        Ok(link)
    }

    /// Its name; beside programs for which the loader complains about bare names, a path that is right everywhere.
    fn bare(&self, package: &AllocatorPackage) -> String {
        let unit = self.scene.unit;
        let silent = match unit.may_gain_rights() {
            true if package.dir == "/usr/lib/{triplet}" => {
                Some(format!("/usr/$LIB/{}", package.soname))
            }
            true => self.pinned().map(|arch| package.path(arch)),
            false => None,
        };
        silent.unwrap_or_else(|| package.soname.clone())
    }

    /// That of a library which is there already.
    fn present(&self, family: Family) -> Result<String, Refusal> {
        let libraries = self.scene.unit.libraries.iter();
        let mut known = libraries
            .filter(|library| library.family == family && !library.path.as_str().contains('*'));
        known
            .find_map(|library| self.name_of(library))
            .ok_or_else(|| {
                Refusal::new("where the library lies cannot be told for every architecture")
            })
    }

    /// Its name, where that is wanted and enough; its path, where that is the same everywhere.
    fn name_of(&self, library: &Library) -> Option<String> {
        let name = library.path.file_name().to_owned();
        let path = match self.pinned() {
            Some(arch) => library.path.on(arch),
            None => library.path.as_str().to_owned(),
        };
        let mut choices = [name, path];
        if self.scene.style.preload == PreloadStyle::Path {
            choices.reverse();
        }
        let unit = self.scene.unit;
        let silent = unit
            .may_gain_rights()
            .then(|| unit.silent_path(library))
            .flatten();
        silent
            .into_iter()
            .chain(choices)
            .find(|choice| !choice.contains('{') && finds(self.scene.unit, choice))
    }

    /// The one architecture that the image is for.
    fn pinned(&self) -> Option<Arch> {
        match self.scene.unit.platform.archs.known().map(Vec::as_slice) {
            Some([arch]) => Some(*arch),
            _ => None,
        }
    }

    /// Where the library is that is there already.
    pub(super) fn there(&self) -> Result<Arrival, Refusal> {
        let unit = self.scene.unit;
        let own = |library: &&Library| library.place.same_file(&unit.place);
        let instruction = unit
            .libraries
            .iter()
            .filter(own)
            .filter_map(|library| self.layout.holder(library.place.span))
            .max_by_key(|instruction| instruction.span.start);
        let at = instruction.map_or_else(
            || self.layout.first_gap(),
            |instruction| self.layout.end(instruction),
        );
        Ok(Arrival { at, edit: None })
    }
}

/// The libraries in an entry that commas or semicolons glue to an allocator's.
fn glued(entry: &str) -> Vec<String> {
    let parts = entry
        .split([',', ';'])
        .map(|part| part.trim_matches(['"', '\'', '\r']));
    parts
        .filter(|part| part.contains(".so") && family_of(part).is_none())
        .map(str::to_owned)
        .collect()
}
