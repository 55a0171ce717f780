//! jemalloc for containers whose image is built elsewhere: brought by an init container from an image
//! that the user names.
//!
//! Whether the library would run there is judged here. A preloaded library that cannot be loaded is
//! ignored; one that lacks what it needs keeps every program of the container from starting.

use crate::check::{Checked, spell};
use crate::facts::{self, AllocatorPackage, Family, Libc, Release};
use crate::finding::{Applicability, Finding, Remedy, Subject};
use crate::manifests::Sheet;
use crate::manifests::kubernetes;
use crate::model::{Fact, Source, Unit, newer};
use crate::project::Format;
use crate::templates::Style;

/// Gives the findings of a manifest about images from elsewhere the remedy that brings jemalloc from
/// `image`, in place of what could be done without.
pub(super) fn inject(
    sheet: Sheet<'_>,
    checked: &mut Checked,
    units: &[Unit],
    image: &str,
    style: Style,
) {
    let concerned = |finding: &Finding| {
        let unit = units.get(finding.unit);
        finding.subject == Subject::Image && unit.is_some_and(|unit| unit.source == Source::Foreign)
    };
    let any = checked.findings.iter().any(concerned);
    if !any || Format::of(&sheet.file.path, &sheet.file.bytes) != Format::Kubernetes {
        return;
    }
    let sites = kubernetes::read(sheet);
    let brought = Brought::from(image, style);
    for finding in checked
        .findings
        .iter_mut()
        .filter(|finding| concerned(finding))
    {
        // A kustomization may make several units of one container, and a patch is no container.
        let Some(unit) = units.get(finding.unit) else {
            continue;
        };
        let mut sites = sites.iter();
        if let Some((_, site)) = sites.find(|(container, _)| container.place == unit.place) {
            brought.offer(sheet, unit, *site, finding);
        }
    }
}

/// The library of an image.
struct Brought {
    injection: kubernetes::Injection,
    release: Option<&'static Release>,
    package: Option<&'static AllocatorPackage>,
}

impl Brought {
    fn from(image: &str, style: Style) -> Self {
        let release = release(image);
        let package =
            release.and_then(|release| release.packages_of(Family::Jemalloc).find(|own| !own.dev));
        let injection = kubernetes::Injection {
            image: image.to_owned(),
            version: package.and_then(|package| package.version.clone()),
            style,
        };
        Self {
            injection,
            release,
            package,
        }
    }

    fn offer(&self, sheet: Sheet<'_>, unit: &Unit, site: kubernetes::Site, finding: &mut Finding) {
        let changes = kubernetes::changes(unit, &self.injection);
        let title = format!(
            "bring jemalloc from `{}`, preload and configure it",
            self.injection.image
        );
        (finding.edits, finding.refusal) = (Vec::new(), None);
        let changes = match changes {
            Ok(changes) => changes,
            Err(reason) => {
                finding.refusal = Some(reason);
                return;
            }
        };
        finding.remedy = Some(Remedy {
            title,
            applicability: self.applicability(unit),
            changes,
        });
        spell(sheet.file, finding, |changes| {
            kubernetes::inject(sheet, unit, site, &self.injection, changes)
        });
    }

    /// Whether the library runs in the image of `unit`, as far as that is known.
    fn applicability(&self, unit: &Unit) -> Applicability {
        if let Some(why) = self.against(unit) {
            return Applicability::Manual(why);
        }
        let image = &self.injection.image;
        match (&unit.platform.release, self.package) {
            (Fact::Unknown(_), _) => Applicability::Unsafe(
                "where the image has no glibc or no libstdc++, none of its programs would start"
                    .into(),
            ),
            (Fact::Assumed(release, why), _) => Applicability::Unsafe(format!(
                "that the image is {} {} is only assumed ({why})",
                release.distro, release.release
            )),
            (Fact::Known(..), None) => Applicability::Unsafe(format!(
                "which glibc the library of `{image}` needs is not known"
            )),
            (Fact::Known(..), Some(_)) => Applicability::Safe,
        }
    }

    /// Why it surely does not run there, where it does not.
    fn against(&self, unit: &Unit) -> Option<String> {
        let (image, platform) = (&self.injection.image, &unit.platform);
        if let Some(release) = self.release
            && !kubernetes::brings_from(&release.distro)
        {
            return Some(format!(
                "`{image}` is {} {}: only images of Debian and Ubuntu can be copied from",
                release.distro, release.release
            ));
        }
        if platform.libc.value() == Some(&Libc::Musl) {
            return Some(
                "its C library is musl, which cannot load what was built for glibc".into(),
            );
        }
        if platform.lacks.iter().any(|file| file.starts_with("libc.")) {
            return Some("the image has no C library".into());
        }
        let here = platform.release.value()?.libc_version.as_deref()?;
        let library = self
            .package
            .and_then(|package| package.min_glibc.as_deref());
        // What the image lacks comes along, and was built for the glibc of its own release.
        let others = self
            .release
            .and_then(|release| release.libc_version.as_deref());
        let others = others.filter(|_| !platform.lacks.is_empty());
        let least = library
            .into_iter()
            .chain(others)
            .find(|least| newer(least, here))?;
        Some(format!(
            "the library of `{image}` needs glibc {least}, and the image has {here}"
        ))
    }
}

/// The release that an image stands on: by its name, or by a codename in its tag (`jemalloc:bookworm`).
fn release(image: &str) -> Option<&'static Release> {
    let known = facts::image(image, None).and_then(|image| image.release);
    known.or_else(|| facts::release_in_tag(image).map(|(release, _)| release))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_of_an_image_is_in_its_name_or_tag() {
        let of =
            |image| release(image).map(|release| format!("{} {}", release.distro, release.release));
        assert_eq!(of("debian:12-slim").as_deref(), Some("debian 12"));
        assert_eq!(
            of("registry.example:5000/jemalloc:5.3-bookworm").as_deref(),
            Some("debian 12")
        );
        assert_eq!(
            of("registry.example/jemalloc:noble@sha256:0").as_deref(),
            Some("ubuntu 24.04")
        );
        assert_eq!(of("alpine:3.20").as_deref(), Some("alpine 3.20"));
        assert_eq!(of("registry.example:5000/jemalloc"), None);
        assert_eq!(of("registry.example/jemalloc:12"), None);
    }
}
