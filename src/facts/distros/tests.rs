use super::*;

fn files() -> Vec<(&'static str, schema::File)> {
    let parse = |distro: &Distro| {
        let name = distro.names[0];
        (
            name,
            toml_edit::de::from_str::<schema::File>(distro.text)
                .unwrap_or_else(|error| panic!("{name}: {error}")),
        )
    };
    DISTROS.iter().map(parse).collect()
}

#[test]
fn every_file_parses_and_names_its_sources() {
    for (name, file) in files() {
        assert!(!file.source.is_empty(), "{name}");
        assert!(
            file.release.iter().all(|entry| !entry.source.is_empty()),
            "{name}"
        );
        assert!(
            file.package.iter().all(|entry| !entry.source.is_empty()),
            "{name}"
        );
        assert!(!releases(name).is_empty(), "{name}");
        assert!(
            releases(name).iter().all(|release| release.distro == name),
            "{name}"
        );
    }
    assert!(conda_packages().len() >= 4);
}

#[test]
fn nothing_stands_twice() {
    for (distro, _) in files() {
        let all = releases(distro);
        for (at, one) in all.iter().enumerate() {
            let names = std::iter::once(&one.release)
                .chain(&one.codename)
                .chain(&one.aliases);
            for name in names {
                let first = all.iter().position(|other| other.is_called(name));
                assert_eq!(first, Some(at), "{distro} {name}");
            }
            for (at, package) in one.packages.iter().enumerate() {
                let first = one
                    .packages
                    .iter()
                    .position(|other| other.name == package.name);
                assert_eq!(first, Some(at), "{distro} {} {}", one.release, package.name);
            }
        }
    }
}

#[test]
fn packages_name_releases_that_exist_and_what_they_bring() {
    for (distro, file) in files() {
        for entry in &file.package {
            for name in entry.releases.keys() {
                let found = releases(distro)
                    .iter()
                    .find(|release| release.release == *name);
                let release = found.unwrap_or_else(|| panic!("{distro}: {} in {name}", entry.name));
                let package = release.package(&entry.name).unwrap();
                if let Some(brings) = &package.brings {
                    assert!(
                        release.package(brings).is_some(),
                        "{distro} {name}: {brings}"
                    );
                }
                assert_eq!(
                    crate::facts::family_of_library(&package.soname),
                    Some(package.family),
                    "{}",
                    entry.name
                );
            }
        }
    }
}
