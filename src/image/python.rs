//! Where the Pythons of an image look for packages when they start.

use std::collections::BTreeSet;

use super::files::{Files, Node};

/// The folders of packages whose `.pth` files the Pythons of an image read at start, one for each Python (Lib/site.py,
/// `getsitepackages`): that of its prefix; in Debian's own (debian/patches/distutils-install-layout.diff) the local one, which need not be
/// there. Paths without a `/` in front.
pub(super) fn site_folders(files: &Files) -> BTreeSet<String> {
    let is_debian = ["var/lib/dpkg", "usr/lib/python3/dist-packages"]
        .into_iter()
        .any(|folder| files.is_folder(folder));
    let pythons = files.all().filter_map(|(path, node)| {
        let (folder, name) = path.rsplit_once('/')?;
        let is_one = matches!(node, Node::File(_) | Node::Link(_)) && is_python(name);
        let prefix = folder.strip_suffix("/bin").filter(|_| is_one)?;
        Some((prefix.to_owned(), name.to_owned()))
    });
    let folder = |(prefix, name): (String, String)| {
        if is_debian && prefix == "usr" {
            return Some(format!("usr/local/lib/{name}/dist-packages"));
        }
        let mut own = ["lib", "lib64"]
            .map(|lib| format!("{prefix}/{lib}/{name}/site-packages"))
            .into_iter();
        own.find(|folder| files.is_folder(folder))
    };
    pythons.filter_map(folder).chain(of_venvs(files)).collect()
}

/// Those of virtual environments, whose interpreters need not say their version.
fn of_venvs(files: &Files) -> impl Iterator<Item = String> {
    let prefixes = files
        .all()
        .filter_map(|(path, _)| path.strip_suffix("/pyvenv.cfg"));
    prefixes.flat_map(|prefix| {
        let lib = format!("{prefix}/lib");
        let folders = files.below(&lib).filter_map(|(path, _)| {
            let rest = path.strip_prefix(&lib)?.strip_prefix('/')?;
            let name = rest.split('/').next()?;
            is_python(name).then(|| format!("{lib}/{name}/site-packages"))
        });
        folders.collect::<BTreeSet<String>>()
    })
}

/// `python3.12`, `python3.14t`
fn is_python(name: &str) -> bool {
    let minor = name.strip_prefix("python3.");
    let minor = minor.map(|minor| minor.strip_suffix('t').unwrap_or(minor));
    minor.is_some_and(|minor| !minor.is_empty() && minor.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::is_python;

    #[test]
    fn a_python_is_called_by_its_version() {
        let all = [
            "python3.12",
            "python3.14t",
            "python3",
            "python3.12-config",
            "python2.7",
        ];
        let found: Vec<&str> = all.into_iter().filter(|name| is_python(name)).collect();
        assert_eq!(found, ["python3.12", "python3.14t"]);
    }
}
