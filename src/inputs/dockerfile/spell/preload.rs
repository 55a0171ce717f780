//! What `LD_PRELOAD` is set to, and where the library is that it names.

use super::{Arrival, Plan, Refusal};
use crate::facts::{Arch, Family};
use crate::inputs::PreloadStyle;
use crate::model::{Library, Value, entries, family_of, judge};
use crate::text::Traced;

impl Plan<'_> {
    /// The value that loads `family` and keeps the other libraries.
    pub(super) fn preload(&mut self, family: Family) -> Result<String, Refusal> {
        let mut kept = self.kept(family)?;
        kept.push(self.entry(family)?);
        Ok(kept.join(":"))
    }

    /// The entries that stay.
    fn kept(&self, family: Family) -> Result<Vec<String>, Refusal> {
        let Some(var) = self.scene.unit.env.get("LD_PRELOAD") else {
            return Ok(Vec::new());
        };
        let text = var.now.value.text.as_str();
        let mut kept = Vec::new();
        for range in entries(text) {
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
                Some(_) => kept.extend(glued(entry)),
            }
        }
        Ok(kept)
    }

    /// The name or path under which the loader finds the library.
    fn entry(&mut self, family: Family) -> Result<String, Refusal> {
        if let Some(package) = self.package {
            if self.scene.style.preload == PreloadStyle::Path {
                return self.path(
                    package.path(Arch::Amd64),
                    |arch| package.path(arch),
                    &package.soname,
                );
            }
            return Ok(package.soname.clone());
        }
        let unit = self.scene.unit;
        let works = |name: &str| {
            let mut text = Traced::new();
            text.push_from(name, unit.place.span);
            let value = Value {
                text,
                ..Value::default()
            };
            judge(unit, &value, &(0..name.len())).works()
        };
        let mut libraries = unit
            .libraries
            .iter()
            .filter(|library| library.family == family);
        let named = |library: &Library| {
            let name = library.path.file_name();
            let path = library.path.as_str();
            if !name.contains('*')
                && works(name)
                && self.scene.style.preload == PreloadStyle::Soname
            {
                return Some(name.to_owned());
            }
            if let Some([arch]) = unit.platform.archs.known().map(Vec::as_slice)
                && works(&library.path.on(*arch))
                && !path.contains('*')
            {
                return Some(library.path.on(*arch));
            }
            let fixed = !path.contains(['*', '{']) && works(path);
            fixed
                .then(|| path.to_owned())
                .or_else(|| (!name.contains('*') && works(name)).then(|| name.to_owned()))
        };
        libraries.find_map(named).ok_or_else(|| {
            Refusal::new("where the library lies cannot be told for every architecture")
        })
    }

    /// An absolute path that is right on every architecture the image is for.
    fn path(
        &mut self,
        amd64: String,
        on: impl Fn(Arch) -> String,
        soname: &str,
    ) -> Result<String, Refusal> {
        if let Some([arch]) = self.scene.unit.platform.archs.known().map(Vec::as_slice) {
            return Ok(on(*arch));
        }
        if on(Arch::Arm64) == amd64 {
            return Ok(amd64);
        }
        let link = format!("/usr/local/lib/{soname}");
        self.link(&link, soname)?;
        Ok(link)
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
