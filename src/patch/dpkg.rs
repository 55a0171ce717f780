//! What dpkg knows of the packages of an image, with one more: scanners and `dpkg -l` see what was brought.

use super::deb::{Package, field};
use super::layer::File;
use crate::image::{Read, Refused};

/// Where dpkg keeps it, in one file; images without dpkg's own program have one for each package.
const STATUS: &str = "var/lib/dpkg/status";
const PARTS: &str = "var/lib/dpkg/status.d";
/// Where it keeps what each package brought.
const INFO: &str = "var/lib/dpkg/info";

/// The files that a package brings to an image, and those that say that it is there.
///
/// # Errors
/// Where the image has no such packages, or lacks one that this one needs.
pub(super) fn files(package: &Package, image: &Read<'_>) -> Result<Vec<File>, Refused> {
    let brought = [Some(&package.library), package.copyright.as_ref()];
    let brought: Vec<&File> = brought.into_iter().flatten().collect();
    let mut files: Vec<File> = brought
        .iter()
        .map(|file| File {
            path: image.real(&file.path),
            bytes: file.bytes.clone(),
        })
        .collect();
    let name = package.field("Package").unwrap_or_default();
    let sums = sums(package, &brought);
    if let Some(status) = image.database(STATUS) {
        if let Some(why) = lacks(package, image) {
            return Err(Refused::new(why));
        }
        files.push(file(image, STATUS, with(status, package)));
        if image.has_folder(INFO) {
            let own = match (package.field("Multi-Arch"), package.field("Architecture")) {
                (Some("same"), Some(arch)) => format!("{INFO}/{name}:{arch}"),
                _ => format!("{INFO}/{name}"),
            };
            files.push(file(image, &format!("{own}.list"), list(&brought)));
            files.push(file(image, &format!("{own}.md5sums"), sums));
        }
    } else if image.has_folder(PARTS) {
        let text = format!("{}\n", package.control);
        files.push(file(image, &format!("{PARTS}/{name}"), text.into_bytes()));
        files.push(file(image, &format!("{PARTS}/{name}.md5sums"), sums));
    } else {
        return Err(Refused::new(format!(
            "it has no packages of Debian (no /{STATUS}): take the library out of the package, and name it with `--library FILE`"
        )));
    }
    Ok(files)
}

fn file(image: &Read<'_>, path: &str, bytes: Vec<u8>) -> File {
    File {
        path: image.real(path),
        bytes,
    }
}

/// The sums of the files that are installed.
fn sums(package: &Package, brought: &[&File]) -> Vec<u8> {
    let is_brought = |line: &&str| {
        let path = line.split_once("  ").map_or("", |(_, path)| path);
        brought.iter().any(|file| file.path == path)
    };
    let lines = package.sums.lines().filter(is_brought);
    lines
        .flat_map(|line| format!("{line}\n").into_bytes())
        .collect()
}

/// Their paths and those of their folders, as dpkg lists them.
fn list(brought: &[&File]) -> Vec<u8> {
    let mut paths: Vec<String> = vec!["/.".into()];
    for file in brought {
        let slashes = file.path.match_indices('/');
        let above = slashes.filter_map(|(at, _)| file.path.get(..at));
        paths.extend(
            above
                .chain([file.path.as_str()])
                .map(|path| format!("/{path}")),
        );
    }
    paths.sort();
    paths.dedup();
    let lines = paths
        .into_iter()
        .flat_map(|path| format!("{path}\n").into_bytes());
    lines.collect()
}

/// The status of all packages with this one: what was left of an older one goes.
fn with(status: &[u8], package: &Package) -> Vec<u8> {
    let same = |paragraph: &str| {
        let both = ["Package", "Architecture"];
        both.iter()
            .all(|name| field(paragraph, name) == package.field(name))
    };
    let mut text: Vec<u8> = Vec::new();
    for paragraph in paragraphs(status) {
        if !same(&String::from_utf8_lossy(paragraph)) {
            text.extend(paragraph);
            text.extend(b"\n\n");
        }
    }
    let (first, rest) = package
        .control
        .split_once('\n')
        .unwrap_or((&package.control, ""));
    text.extend(format!("{first}\nStatus: install ok installed\n{rest}\n\n").into_bytes());
    text
}

/// The paragraphs of a text, without the empty lines between them.
fn paragraphs(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = text;
    std::iter::from_fn(move || {
        while let Some(behind) = rest.strip_prefix(b"\n") {
            rest = behind;
        }
        if rest.is_empty() {
            return None;
        }
        let end = memchr::memmem::find(rest, b"\n\n").unwrap_or(rest.len());
        let (paragraph, behind) = rest.split_at(end);
        rest = behind;
        Some(paragraph.strip_suffix(b"\n").unwrap_or(paragraph))
    })
}

/// A package that this one needs and that is not there: `apt-get` would complain of it from then on.
fn lacks(package: &Package, image: &Read<'_>) -> Option<String> {
    let installed = |name: &str| image.built.packages.iter().any(|(own, _)| own == name);
    let needed = ["Pre-Depends", "Depends"];
    let needed = needed.into_iter().filter_map(|name| package.field(name));
    let mut needed = needed.flat_map(|list| list.split(','));
    let bare = |one: &str| {
        let name = one.split(['(', '[', ':']).next().unwrap_or_default();
        name.trim().to_owned()
    };
    let missing = needed.find(|any| !any.split('|').any(|one| installed(&bare(one))))?;
    Some(format!(
        "the package `{}` needs `{}`, which is not in the image: install that in a Dockerfile, or take the library alone with `--library FILE`",
        package.field("Package").unwrap_or_default(),
        missing.trim()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package() -> Package {
        Package {
            control: "Package: libjemalloc2\nArchitecture: amd64\nVersion: 5.3.0-1\nDescription: x\n more".into(),
            sums: "0a  usr/lib/l.so.2\n0b  usr/share/doc/x".into(),
            library: File {
                path: "usr/lib/l.so.2".into(),
                bytes: Vec::new(),
            },
            copyright: None,
        }
    }

    #[test]
    fn a_package_is_one_paragraph_more() {
        let own = "Package: libjemalloc2\nStatus: install ok installed\nArchitecture: amd64\nVersion: 5.3.0-1\nDescription: x\n more\n\n";
        let libc = "Package: libc6\nStatus: install ok installed\nArchitecture: amd64";
        let text = |status: String| String::from_utf8(with(status.as_bytes(), &package())).unwrap();
        assert_eq!(text(format!("{libc}\n\n")), format!("{libc}\n\n{own}"));
        assert_eq!(text(format!("{libc}\n")), format!("{libc}\n\n{own}"));
        assert_eq!(text(String::new()), own);
        let left = "Package: libjemalloc2\nStatus: deinstall ok config-files\nArchitecture: amd64";
        assert_eq!(
            text(format!("{left}\n\n{libc}\n\n")),
            format!("{libc}\n\n{own}")
        );
    }

    #[test]
    fn only_what_is_brought_is_listed() {
        let package = package();
        let brought = [&package.library];
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!(
            text(list(&brought)),
            "/.\n/usr\n/usr/lib\n/usr/lib/l.so.2\n"
        );
        assert_eq!(text(sums(&package, &brought)), "0a  usr/lib/l.so.2\n");
    }
}
