use super::packages::conda_packages;
use super::*;

mod tables;

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
            assert!(entry.releases.is_well_formed(), "{distro} {}", entry.name);
            for (name, _) in entry.releases.iter() {
                let found = releases(distro)
                    .iter()
                    .find(|release| release.release == name);
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

#[test]
fn jemalloc_everywhere() {
    for line in tables::JEMALLOC.lines().filter(|line| !line.is_empty()) {
        let [distro, name, package, version, path] = words(line);
        let release = release(distro, name).unwrap_or_else(|| panic!("{distro} {name}"));
        let found = release
            .package(package)
            .unwrap_or_else(|| panic!("{distro} {name} {package}"));
        assert_eq!(
            found.version.as_deref().unwrap_or("?"),
            version,
            "{distro} {name}"
        );
        assert_eq!(found.path(Arch::Amd64), path, "{distro} {name}");
        assert_eq!(found.family, Family::Jemalloc);
        assert_eq!(
            found.dev,
            package.ends_with("-dev") || package.ends_with("-devel")
        );
    }
    for (name, version) in [
        ("11", "2.29"),
        ("12", "2.34"),
        ("13", "2.34"),
        ("sid", "2.38"),
    ] {
        let package = release("debian", name)
            .unwrap()
            .package("libjemalloc2")
            .unwrap();
        assert_eq!(package.min_glibc.as_deref(), Some(version));
        assert_eq!(package.needs, ["libstdc++.so.6", "libgcc_s.so.1"]);
    }
    for (distro, name, repository) in [
        ("rhel", "9", Some("epel")),
        ("amazonlinux", "2023", None),
        ("ubuntu", "24.04", Some("universe")),
        ("ubuntu", "26.04", None),
        ("debian", "12", None),
    ] {
        let release = release(distro, name).unwrap();
        let package = release.packages_of(Family::Jemalloc).next().unwrap();
        assert_eq!(package.repository.as_deref(), repository, "{distro} {name}");
    }
}

#[test]
fn names_of_releases() {
    for (distro, name, wanted) in [
        ("debian", "bookworm", Some("12")),
        ("debian", "12.11", Some("12")),
        ("debian", "sid", Some("sid")),
        ("ubuntu", "noble", Some("24.04")),
        ("ubuntu", "24", None),
        ("alpine", "3.19.1", Some("3.19")),
        ("alpine", "3", None),
        ("centos", "stream9", Some("9")),
        ("rhel", "9.4", Some("9")),
        ("amazonlinux", "2.0.20240610.1", Some("2")),
        ("photon", "5", Some("5.0")),
        ("debian", "", None),
        ("debian", "99", None),
        ("plan9", "4", None),
    ] {
        let found = release(distro, name).map(|release| release.release.as_str());
        assert_eq!(found, wanted, "{distro} {name}");
    }
    assert_eq!(
        of_distro("rockylinux").map(|distro| distro.names[0]),
        Some("rhel")
    );
    assert!(release("debian", &".".repeat(1_000_000)).is_none());
}

#[test]
fn loader_directories() {
    let bookworm = release("debian", "12").unwrap();
    assert_eq!(
        bookworm.dirs(Arch::Arm64),
        [
            "/lib/aarch64-linux-gnu",
            "/usr/lib/aarch64-linux-gnu",
            "/lib",
            "/usr/lib"
        ]
    );
    assert_eq!(
        release("alpine", "3.20").unwrap().dirs(Arch::Arm64),
        ["/lib", "/usr/local/lib", "/usr/lib"]
    );
    let package = bookworm.package("libtcmalloc-minimal4").unwrap();
    assert_eq!(
        package.path(Arch::Armv7),
        "/usr/lib/arm-linux-gnueabihf/libtcmalloc_minimal.so.4"
    );
}

#[test]
fn packages_that_changed_their_names() {
    let trixie = release("debian", "13").unwrap();
    assert_eq!(
        trixie.package("libtcmalloc-minimal4").unwrap().name,
        "libtcmalloc-minimal4t64"
    );
    assert!(trixie.package("libmimalloc2.0").is_none());
    assert_eq!(
        trixie.package("libmimalloc3").unwrap().soname,
        "libmimalloc.so.3"
    );
    assert!(trixie.knows(Family::Tcmalloc));
    assert!(!release("ubuntu", "18.04").unwrap().knows(Family::Tcmalloc));
}

#[test]
fn tcmalloc_and_mimalloc_by_release() {
    for line in tables::OTHERS.lines().filter(|line| !line.is_empty()) {
        let (asked, wanted) = line.split_once(" = ").unwrap();
        let [distro, name, package] = words(asked);
        let release = release(distro, name).unwrap_or_else(|| panic!("{distro} {name}"));
        let found = release.package(package).map(|package| {
            let version = package.version.as_deref().unwrap_or("?");
            let glibc = package.min_glibc.as_deref().unwrap_or("?");
            format!("{version} {} {glibc}", package.path(Arch::Arm64))
        });
        assert_eq!(found.as_deref().unwrap_or("none"), wanted, "{asked}");
    }
    // Where the release is not known, the name still tells the soname, and what else may be there.
    for (package, files) in [
        (
            "libmimalloc2.0",
            &["libmimalloc.so.2", "libmimalloc.so.2.0"][..],
        ),
        (
            "libmimalloc3",
            &[
                "libmimalloc.so.3",
                "libmimalloc.so.3.0",
                "libmimalloc.so.3.6",
            ],
        ),
    ] {
        assert_eq!(packaged_files(package, Manager::Apt).unwrap(), files);
    }
    for name in ["20.04", "22.04", "24.04", "25.04", "26.10"] {
        let release = release("ubuntu", name).unwrap();
        assert!(release.knows(Family::Tcmalloc) && release.knows(Family::Mimalloc));
    }
}

#[test]
fn packages_by_name_alone() {
    for line in tables::BY_NAME.lines().filter(|line| !line.is_empty()) {
        let (asked, wanted) = line.split_once(" = ").unwrap();
        let [manager, name] = words(asked);
        let manager = match manager {
            "apt" => Manager::Apt,
            "apk" => Manager::Apk,
            "dnf" => Manager::Dnf,
            "microdnf" => Manager::Microdnf,
            "yum" => Manager::Yum,
            "zypper" => Manager::Zypper,
            "tdnf" => Manager::Tdnf,
            "pacman" => Manager::Pacman,
            "conda" => Manager::Conda,
            other => panic!("{other}"),
        };
        let found = match any_package(name, manager) {
            Some(found) => format!("{}{}", found.family, if found.dev { " dev" } else { "" }),
            None => "none".to_owned(),
        };
        assert_eq!(found, wanted, "{asked}");
    }
    assert_eq!(any_package("", Manager::Apk), None);
}

fn words<const N: usize>(line: &str) -> [&str; N] {
    let words: Vec<_> = line.split_whitespace().collect();
    words.try_into().unwrap_or_else(|words| panic!("{words:?}"))
}
