use super::*;

#[test]
fn parses_with_sources_and_without_contradiction() {
    FILE.check().unwrap();
    let file = FILE.get();
    assert!(
        file.version
            .iter()
            .all(|version| !version.source.is_empty())
    );
    assert!(file.build.iter().all(|build| !build.source.is_empty()));
    assert!(file.forgiven.iter().all(|rule| !rule.source.is_empty()));
    assert!(
        file.breaks
            .as_ref()
            .is_some_and(|breaks| !breaks.source.is_empty())
    );
    assert!(file.version.is_sorted_by_key(|version| version.number));
    for version in jemalloc_versions() {
        let mut names: Vec<_> = jemalloc_options()
            .iter()
            .filter(|option| option.is_in(version))
            .map(|option| &option.name)
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "{version}");
    }
}

#[test]
fn versions_as_packages_write_them() {
    for (text, shown) in [
        ("5.3.0", "5.3.0"),
        ("5.3.0-1", "5.3.0"),
        ("5.2", "5.2.0"),
        ("4.0.4_1", "4.0.4"),
    ] {
        assert_eq!(JemallocVersion::parse(text).unwrap().to_string(), shown);
    }
    assert_eq!(JemallocVersion::parse("latest"), None);
}

#[test]
fn builds_differ_by_architecture() {
    let has = |distro, arch, part| jemalloc_build(distro, arch).unwrap().has(part);
    assert_eq!(has(Some("debian"), Arch::Amd64, "prof"), Some(true));
    assert_eq!(has(Some("debian"), Arch::Arm64, "prof"), Some(false));
    assert_eq!(has(Some("alpine"), Arch::Arm64, "xmalloc"), Some(true));
    assert_eq!(has(Some("gentoo"), Arch::Amd64, "prof"), None);
    assert_eq!(has(None, Arch::Amd64, "fill"), Some(true));
}
