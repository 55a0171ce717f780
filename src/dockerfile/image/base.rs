//! What the base image's facts say of platform, interpreter and user.

use crate::facts::free_threading::{is_free_threaded, requested};
use crate::facts::{self, Image};
use crate::model::{Fact, Found, Fragile, Platform, Python, PythonBuild, User, Value};
use crate::text::Place;

pub(super) fn platform(
    (reference, image): (&str, Option<&Image>),
    from: &Place,
    why: &str,
    archs: Fact<Vec<facts::Arch>>,
) -> Platform {
    let unknown = || Fact::Unknown(why.to_owned());
    let Some(image) = image else {
        let (release, libc) = match facts::release_in_tag(reference) {
            Some((release, word)) => {
                let why = format!("its tag says `{word}`");
                let libc = Fact::Assumed(release.libc, why.clone());
                (Fact::Assumed(release, why), libc)
            }
            None if facts::says_alpine(reference) => {
                let why = format!("`{reference}` is called after Alpine");
                (unknown(), Fact::Assumed(facts::Libc::Musl, why))
            }
            None => (unknown(), Fact::Unknown(why.to_owned())),
        };
        let unmerged = release.value().is_some_and(|release| release.unmerged);
        return Platform {
            release,
            libc,
            archs,
            manager: None,
            unmerged,
            own_dirs: false,
            nowhere: Vec::new(),
            lacks: Vec::new(),
            windows: false,
            chosen: false,
        };
    };
    let release = match image.release {
        Some(release) if image.release_is_assumed => {
            let why = format!(
                "`{}` images of that tag stand on {} {}",
                image.name, release.distro, release.release
            );
            Fact::Assumed(release, why)
        }
        Some(release) => Fact::Known(release, from.clone()),
        None => Fact::Unknown(format!("the release behind `{}` is not known", image.name)),
    };
    let libc = image.libc.map_or_else(
        || Fact::Unknown(why.to_owned()),
        |libc| Fact::Known(libc, from.clone()),
    );
    Platform {
        release,
        libc,
        archs,
        manager: image.manager,
        unmerged: image.release.is_some_and(|release| release.unmerged),
        own_dirs: false,
        nowhere: Vec::new(),
        lacks: image.lacks.clone(),
        windows: image.windows,
        chosen: false,
    }
}

/// Whether what a build argument stands for decides about the C library: its end tells the variant (`3.12-alpine`), and the
/// image has one on another.
pub(super) fn is_chosen(reference: &Value, image: Option<&Image>) -> bool {
    let text = reference.text.as_str();
    let Some(last) = text.len().checked_sub(1).filter(|_| !text.contains('@')) else {
        return false;
    };
    if reference.text.is_verbatim(last..text.len()) {
        return false;
    }
    let Some((repository, _)) = text.rsplit_once(':') else {
        return true;
    };
    // The whole name is passed, or only which of one image's tags.
    let whole = !reference.text.is_verbatim(0..1);
    let other = facts::image(&format!("{repository}:alpine"), None);
    whole || other.and_then(|other| other.libc) != image.and_then(|image| image.libc)
}

pub(super) fn python(image: Option<&Image>, from: &Place, why: &str) -> Fact<Python> {
    match image.map(|image| (&image.python, image)) {
        Some((facts::Python::Yes { version }, image)) => {
            let pypy = image.name.contains("pypy");
            Fact::Known(
                Python {
                    version: *version,
                    pypy,
                },
                from.clone(),
            )
        }
        Some((facts::Python::No, image)) => {
            Fact::Unknown(format!("`{}` images bring no Python", image.name))
        }
        Some((facts::Python::Unknown, image)) => {
            Fact::Unknown(format!("`{}` may or may not bring Python", image.name))
        }
        None => Fact::Unknown(why.to_owned()),
    }
}

/// What the name of an image says of the build of its Python: `python:3.14-slim`, `uv:python3.13-bookworm`.
pub(super) fn python_build(reference: &Value, from: &Place) -> Option<PythonBuild> {
    let name = reference.known()?.split('@').next()?;
    let (repository, tag) = name.rsplit_once(':').unwrap_or((name, ""));
    let free_threaded = is_free_threaded(name);
    let python = repository.ends_with("python") || tag.starts_with("python");
    let said = free_threaded || python && requested(tag).is_some();
    said.then(|| PythonBuild {
        said: name.to_owned(),
        place: from.of_text(name),
        free_threaded,
    })
}

pub(super) fn user(image: Option<&Image>, why: &str) -> Fact<User> {
    match image {
        Some(Image {
            user: Some(user),
            name,
            ..
        }) => Fact::Assumed(
            User(user.clone()),
            format!("`{name}` images run as `{user}`"),
        ),
        Some(Image { name, .. }) => {
            Fact::Assumed(User("root".into()), format!("`{name}` images run as root"))
        }
        None => Fact::Unknown(why.to_owned()),
    }
}

/// The programs that the image brings and that a preload or a thread breaks.
pub(super) fn fragile(reference: &str, from: &Place) -> Vec<Fragile> {
    let brought = facts::fragile().filter_map(|program| {
        let found = Found::by(program.is_in_image(reference)?);
        let mut one = Fragile::new(program, from, found);
        one.version = version_of_tag(reference).filter(|_| program.versioned);
        Some(one)
    });
    brought.collect()
}

/// The version at the start of a tag: `v1.48.0-jammy`.
fn version_of_tag(reference: &str) -> Option<String> {
    let (_, tag) = reference.split('@').next()?.rsplit_once(':')?;
    let tag = tag.trim_start_matches('v');
    let number: String = tag
        .chars()
        .take_while(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    number.contains('.').then_some(number)
}
