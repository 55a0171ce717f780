//! From an entry of the data and a tag to an [`Image`].

use super::super::data::{Date, Pairs};
use super::super::distros::{Release, release, release_named, releases};
use super::super::terms::{Arch, Libc, Manager};
use super::reference::Reference;
use super::schema::{Entry, File, Series, When};
use super::tag;
use super::{Image, Python};
use crate::text::paths;

/// A tag in the light of its entry.
struct Reading<'a> {
    file: &'a File,
    entry: &'a Entry,
    reference: &'a Reference<'a>,
    /// The tag's words.
    words: Vec<&'a str>,
    /// The tag's leading version.
    version: Vec<u32>,
    today: Option<Date>,
}

/// The image that `entry` and the tag of `reference` describe.
pub(super) fn resolve(
    file: &File,
    entry: &Entry,
    reference: &Reference<'_>,
    today: Option<Date>,
) -> Image {
    let words = reference.tag.map(tag::split).unwrap_or_default();
    let version = words
        .first()
        .map(|word| tag::version(word))
        .unwrap_or_default();
    let reading = Reading {
        file,
        entry,
        reference,
        words,
        version,
        today,
    };
    reading.image()
}

impl Reading<'_> {
    fn image(&self) -> Image {
        let entry = self.entry;
        let windows = entry.windows || self.words.iter().any(|word| is_windows(word));
        let (release, assumed) = if windows {
            (None, false)
        } else {
            self.release()
        };
        // What the distribution says without the release: its oldest one is as good as any.
        let distro = release.or_else(|| releases(entry.distro.as_deref()?).first());
        let (manager, bare) = self.manager(distro.filter(|_| !windows));
        Image {
            name: self.name(),
            release,
            release_is_assumed: assumed,
            arch: self.arch().or(entry.arch),
            libc: self.libc(distro),
            python: self.python(),
            python_prefix: entry.prefix.clone(),
            user: self.user(),
            manager,
            bare,
            extra_dirs: entry.dirs.clone(),
            libraries: entry.libraries.clone(),
            env: entry
                .env
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            overwrites_preload: entry.overwrites_preload.clone(),
            lacks: entry.lacks.clone(),
            lacks_is_verified: entry.lacks_verified,
            command: entry.command.clone(),
            takes_cmd: entry.takes_cmd,
            role: self
                .variants()
                .find_map(|when| when.role)
                .unwrap_or(entry.role),
            service: self
                .variants()
                .find_map(|when| when.service)
                .unwrap_or(entry.service),
            windows,
            crowded: entry.crowded,
            open: entry.open,
            overwrites_sometimes: entry.overwrites_sometimes,
            overwrites_in: entry.overwrites_in.clone(),
            switch: entry.switch.clone(),
            switched_off_by: entry
                .switched_off_by
                .iter()
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            source: entry.source.clone(),
        }
    }

    /// The package manager, and whether there is known to be none. An image's own (microdnf, none)
    /// goes before its distribution's, unless the tag names a distribution of another kind.
    fn manager(&self, distro: Option<&Release>) -> (Option<Manager>, bool) {
        let variant = self.variants().find_map(|when| when.manager.as_deref());
        let own = variant.or(self.entry.manager.as_deref());
        if own == Some("none") {
            return (None, true);
        }
        let own = own.and_then(manager_named);
        let usual = distro.map(|distro| distro.manager);
        let fits = own
            .zip(usual)
            .is_none_or(|(own, usual)| own == usual || (own.is_rpm() && usual.is_rpm()));
        (if fits { own.or(usual) } else { usual }, false)
    }

    fn libc(&self, distro: Option<&Release>) -> Option<Libc> {
        let fixed = self.entry.libc.filter(|_| self.entry.libc_is_fixed);
        let known = fixed.or(distro.map(|distro| distro.libc));
        known
            .or_else(|| self.variants().find_map(|when| when.libc))
            .or(self.entry.libc)
    }

    fn name(&self) -> String {
        let last = paths::file_name(&self.reference.repository);
        if self.entry.name.is_empty() {
            last.to_owned()
        } else {
            self.entry.name.clone()
        }
    }

    /// The architecture that repository or tag pin.
    fn arch(&self) -> Option<Arch> {
        self.reference
            .arch
            .or_else(|| self.words.iter().find_map(|word| tag::architecture(word)))
    }

    /// The variants whose word the tag has.
    fn variants(&self) -> impl Iterator<Item = &When> {
        let has =
            |word: &String| self.reference.tag == Some(word) || self.words.contains(&word.as_str());
        self.entry
            .when
            .iter()
            .filter(move |when| when.word.iter().any(has))
    }

    fn user(&self) -> Option<String> {
        let variant = self.variants().find_map(|when| when.user.clone());
        variant
            .or_else(|| self.entry.user.clone())
            .filter(|user| user != "root")
    }

    fn python(&self) -> Python {
        let variant = self.variants().find_map(|when| when.python.as_deref());
        let version = match variant.unwrap_or(&self.entry.python) {
            "no" | "" => return Python::No,
            "unknown" => return Python::Unknown,
            "tag" => tag::minor(&self.version),
            "word" => tag::python_word(&self.words),
            "dotted" => self
                .words
                .iter()
                .map(|word| tag::version(word))
                .find_map(|version| match version.as_slice() {
                    [2 | 3, _, ..] => tag::minor(&version),
                    _ => None,
                }),
            "path" => tag::python_word(&tag::split(&self.reference.repository)),
            fixed => tag::minor(&tag::version(fixed)),
        };
        Python::Yes { version }
    }

    /// The release and whether it is assumed.
    fn release(&self) -> (Option<&'static Release>, bool) {
        if let Some(found) = self.stated() {
            return (Some(found), false);
        }
        // A variable may stand for the suite, unless it stands in front where versions stand.
        let variables = self
            .words
            .iter()
            .skip(usize::from(self.words.len() > 1))
            .any(|word| tag::hides_suite(word));
        // A digest without a tag may be anything that was ever published.
        if variables || (self.reference.tag.is_none() && self.reference.digest.is_some()) {
            return (self.fixed(), false);
        }
        if self.words.contains(&"alpine") && self.entry.alpine.is_some() {
            let patched = self.patch_release(|series| &series.alpine, "alpine");
            return (
                patched.or_else(|| tag::on_day(self.entry.alpine.as_deref()?, self.day())),
                true,
            );
        }
        let first = self
            .words
            .iter()
            .find_map(|word| self.entry.moving.get(word));
        let untagged = if self.words.is_empty() {
            self.entry.moving.get("latest")
        } else {
            None
        };
        if let Some(target) = first.or(untagged) {
            return self.reached(target);
        }
        if self.entry.distro.is_some() {
            return (None, false);
        }
        if let Some(found) = self.patch_release(|series| &series.debian, "debian") {
            return (Some(found), true);
        }
        match self.by_version().or(self.entry.default.as_deref()) {
            Some(target) => self.reached(target),
            None => (None, false),
        }
    }

    /// Where a release or schedule stands on the day in question, and whether that is assumed.
    fn reached(&self, target: &str) -> (Option<&'static Release>, bool) {
        (
            tag::on_day(target, self.day()),
            self.entry.assumed || tag::moves(target),
        )
    }

    /// The release that tag or repository name outright.
    fn stated(&self) -> Option<&'static Release> {
        if let Some(distro) = &self.entry.distro
            && let Some(found) = self
                .words
                .iter()
                .find(|word| !is_architecture(word))
                .and_then(|word| release(distro, word))
        {
            return Some(found);
        }
        tag::named_release(&self.words).or_else(|| {
            let path = self
                .entry
                .path_names_release
                .then(|| tag::split(&self.reference.repository))?;
            tag::named_release(&path)
        })
    }

    /// The release that all tags of the image share, where there is one.
    fn fixed(&self) -> Option<&'static Release> {
        let same = self.entry.versions.is_empty()
            && self.entry.alpine.is_none()
            && self.entry.moving.is_empty();
        release_named(self.entry.default.as_deref().filter(|_| same)?)
    }

    /// The day on which a moving tag is read: a date in the tag itself, else today, but not after
    /// the last publication.
    fn day(&self) -> Option<Date> {
        let dated = self
            .reference
            .tag
            .and_then(|tag| Date::parse(tag.get(..10)?));
        let ended = self
            .series()
            .and_then(|series| series.ended)
            .or(self.entry.ended);
        [dated.or(self.today), ended].into_iter().flatten().min()
    }

    /// The CPython series of the tag, for images that follow it.
    fn series(&self) -> Option<&Series> {
        let [major, minor, ..] = self.version.as_slice() else {
            return None;
        };
        let wanted = format!("{major}.{minor}");
        self.file
            .series
            .iter()
            .filter(|_| self.entry.cpython)
            .find(|series| series.version == wanted)
    }

    /// What a patch-pinned tag such as `3.9.2` was last built on. The newest patch release of a
    /// living series still moves, so it is left to the schedule.
    fn patch_release(
        &self,
        steps: fn(&Series) -> &Pairs,
        distro: &str,
    ) -> Option<&'static Release> {
        let [_, _, patch, ..] = self.version.as_slice() else {
            return None;
        };
        let series = self.series()?;
        if *patch >= series.newest && series.ended.is_none() {
            return None;
        }
        let reached = |step: &(&str, &str)| step.0.parse().is_ok_and(|first: u32| first <= *patch);
        let step = steps(series).iter().rev().find(reached)?;
        release(distro, step.1)
    }

    fn by_version(&self) -> Option<&str> {
        if self.version.is_empty() {
            return None;
        }
        let reached = |step: &(&str, &str)| tag::version(step.0) <= self.version;
        self.entry
            .versions
            .iter()
            .rev()
            .find(reached)
            .map(|step| step.1)
    }
}

pub(super) fn manager_named(name: &str) -> Option<Manager> {
    use serde::de::value::{Error, StrDeserializer};
    let word: StrDeserializer<'_, Error> = serde::de::IntoDeserializer::into_deserializer(name);
    <Manager as serde::Deserialize>::deserialize(word).ok()
}

fn is_windows(word: &str) -> bool {
    ["windowsservercore", "nanoserver", "windows"]
        .into_iter()
        .any(|name| word.starts_with(name))
}

fn is_architecture(word: &str) -> bool {
    tag::architecture(word).is_some()
}
