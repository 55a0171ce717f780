use super::super::distros::releases;
use super::super::terms::Manager;
use super::*;

mod table;

const TODAY: Date = Date {
    year: 2026,
    month: 11,
    day: 22,
};

/// `debian:13~ glibc 3.12 root`, `~` for an assumed release; `none` for an unknown image.
fn describe(reference: &str, today: Option<Date>) -> String {
    let Some(image) = image(reference, today) else {
        return "none".to_owned();
    };
    if image.windows {
        return "windows".to_owned();
    }
    let release = image.release.map_or_else(
        || "?".to_owned(),
        |release| format!("{}:{}", release.distro, release.release),
    );
    let python = match image.python {
        Python::Yes {
            version: Some((major, minor)),
        } => format!("{major}.{minor}"),
        Python::Yes { version: None } => "python".to_owned(),
        Python::No => "no".to_owned(),
        Python::Unknown => "unknown".to_owned(),
    };
    let libc = image
        .libc
        .map_or_else(|| "?".to_owned(), |libc| libc.to_string());
    let assumed = if image.release_is_assumed { "~" } else { "" };
    let user = image.user.as_deref().unwrap_or("root");
    format!("{release}{assumed} {libc} {python} {user}")
}

#[test]
fn references() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for line in table::REFERENCES
        .lines()
        .filter(|line| !line.trim().is_empty())
    {
        let (reference, wanted) = line.split_once(" = ").unwrap_or_else(|| panic!("{line}"));
        let (reference, day) = match reference.trim().split_once(" on ") {
            Some((reference, day)) => (reference, Date::parse(day).unwrap()),
            None => (reference.trim(), TODAY),
        };
        let found = describe(reference, Some(day));
        if found != wanted {
            wrong.push(format!("{reference}: {found}, wanted {wanted}"));
        }
        count += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 150, "{count}");
}

#[test]
fn files_parse_and_name_their_sources() {
    tag::check().unwrap();
    assert!(
        !tag::words().mirrors_source.is_empty() && !tag::words().mirror_folders_source.is_empty()
    );
    assert!(!tag::words().words_source.is_empty());
    assert!(
        tag::words()
            .schedule
            .iter()
            .all(|schedule| !schedule.source.is_empty())
    );
    for file in &FILES {
        file.check().unwrap();
        assert!(
            file.get()
                .image
                .iter()
                .all(|entry| !entry.source.is_empty() && !entry.at.is_empty())
        );
        assert!(file.get().series.is_empty() || !file.get().series_source.is_empty());
    }
}

#[test]
fn no_repository_is_listed_twice() {
    let entries = FILES.iter().flat_map(|file| &file.get().image);
    let mut seen = std::collections::BTreeSet::new();
    for entry in entries {
        for at in entry.at.iter() {
            let only: Vec<_> = entry.only.iter().collect();
            assert!(seen.insert((at, only)), "{at}");
        }
    }
}

#[test]
fn every_release_and_schedule_named_exists() {
    let known = |target: &str| target == "unknown" || tag::on_day(target, None).is_some();
    for entry in FILES.iter().flat_map(|file| &file.get().image) {
        let name = entry.at.iter().next().unwrap();
        assert!(
            entry.moving.is_well_formed() && entry.versions.is_well_formed(),
            "{name}"
        );
        let targets = entry
            .moving
            .iter()
            .chain(entry.versions.iter())
            .map(|step| step.1);
        for target in targets
            .chain(entry.default.as_deref())
            .chain(entry.alpine.as_deref())
        {
            assert!(known(target), "{name}: {target}");
        }
        let versions: Vec<_> = entry
            .versions
            .iter()
            .map(|step| tag::version(step.0))
            .collect();
        assert!(versions.is_sorted(), "{name}");
        let manager = entry.manager.as_deref().filter(|name| *name != "none");
        assert!(
            manager.is_none_or(|name| resolve::manager_named(name).is_some()),
            "{name}"
        );
        assert!(
            entry
                .distro
                .as_deref()
                .is_none_or(|distro| !releases(distro).is_empty()),
            "{name}"
        );
        let words = ["", "no", "yes", "unknown", "tag", "word", "dotted", "path"];
        assert!(
            words.contains(&entry.python.as_str()),
            "{name}: {}",
            entry.python
        );
    }
}

#[test]
fn words_of_tags_agree_with_the_distributions() {
    let words = tag::words();
    assert!(
        words.words.is_well_formed()
            && words.prefixes.is_well_formed()
            && words.architectures.is_well_formed()
    );
    for (word, target) in words.words.iter() {
        let release = tag::on_day(target, None).unwrap_or_else(|| panic!("{word}"));
        let codename = matches!(release.distro.as_str(), "debian" | "ubuntu");
        assert!(
            !codename || release.codename.as_deref() == Some(word),
            "{word}"
        );
    }
    for schedule in &words.schedule {
        let days: Vec<_> = schedule
            .steps
            .iter()
            .map(|step| Date::parse(step.0))
            .collect();
        assert!(
            schedule.steps.is_well_formed() && !days.is_empty(),
            "{}",
            schedule.name
        );
        assert!(
            days.iter().all(Option::is_some) && days.is_sorted(),
            "{}",
            schedule.name
        );
        assert!(
            schedule
                .steps
                .iter()
                .all(|step| tag::on_day(step.1, None).is_some()),
            "{}",
            schedule.name
        );
    }
    for (prefix, distro) in words.prefixes.iter() {
        assert!(!releases(distro).is_empty(), "{prefix}");
    }
    for (word, _) in words.architectures.iter() {
        assert!(tag::architecture(word).is_some(), "{word}");
    }
}

#[test]
fn series_name_releases_that_exist() {
    for series in FILES.iter().flat_map(|file| &file.get().series) {
        assert!(
            series.debian.is_well_formed() && series.alpine.is_well_formed(),
            "{}",
            series.version
        );
        let steps = series.debian.iter().map(|step| ("debian", step));
        for (distro, step) in steps.chain(series.alpine.iter().map(|step| ("alpine", step))) {
            let found = super::super::distros::release(distro, step.1);
            assert!(found.is_some(), "{} {distro} {}", series.version, step.1);
            assert!(step.0.parse::<u32>().unwrap() <= series.newest);
        }
    }
}

#[test]
fn what_the_wide_table_does_not_show() {
    let get = |reference| image(reference, Some(TODAY)).unwrap();
    assert_eq!(
        get("registry.access.redhat.com/ubi9-minimal").manager,
        Some(Manager::Microdnf)
    );
    assert_eq!(get("centos:7").manager, Some(Manager::Yum));
    assert_eq!(get("python:3.12-alpine").manager, Some(Manager::Apk));
    let unsettled = get("python:${TAG}");
    assert!(unsettled.manager.is_none() && !unsettled.bare);
    assert_eq!(
        get("public.ecr.aws/lambda/python:3.12").manager,
        Some(Manager::Microdnf)
    );
    assert_eq!(
        get("public.ecr.aws/lambda/python:3.9").manager,
        Some(Manager::Yum)
    );
    assert_eq!(
        get("eclipse-temurin:21-jre-ubi9-minimal").manager,
        Some(Manager::Dnf)
    );
    assert_eq!(get("eclipse-temurin:21").manager, Some(Manager::Apt));
    assert_eq!(get("python:3.12-windowsservercore").manager, None);
    let chainguard = get("cgr.dev/chainguard/python:latest");
    assert!(chainguard.manager.is_none() && chainguard.bare);
    assert_eq!(
        get("cgr.dev/chainguard/python:latest-dev").manager,
        Some(Manager::Apk)
    );
    assert!(get("apache/airflow:3.0.1").overwrites_preload.is_some());
    assert!(
        get("registry.access.redhat.com/ubi9/python-311")
            .overwrites_preload
            .is_some()
    );
    assert_eq!(
        get("rayproject/ray:2.9.0-py310").libraries[0].family,
        Family::Jemalloc
    );
    let intel = get("ghcr.io/huggingface/text-generation-inference:3.0-intel-cpu");
    assert_eq!(
        intel.env,
        [(
            "LD_PRELOAD".to_owned(),
            "/opt/conda/lib/libtcmalloc.so".to_owned()
        )]
    );
    assert_eq!(get("arm64v8/python:3.12").arch, Some(Arch::Arm64));
    assert_eq!(get("python:3.12").arch, None);
    assert_eq!(get("ghcr.io/astral-sh/uv:0.5.1").role, ImageRole::BuildTool);
    assert_eq!(
        get("quay.io/jupyter/base-notebook").role,
        ImageRole::Notebook
    );
    assert_eq!(get("amazon/aws-cli").role, ImageRole::OneShot);
    assert!(get("tiangolo/uvicorn-gunicorn-fastapi:python3.11").service);
    assert!(
        get("gcr.io/distroless/base-debian12")
            .lacks
            .contains(&"libstdc++.so.6".to_owned())
    );
    assert!(!get("gcr.io/distroless/base-debian12").lacks_is_verified);
    assert!(get("gcr.io/distroless/python3-debian12").lacks.is_empty());
    assert!(
        get("public.ecr.aws/lambda/python:3.12")
            .extra_dirs
            .contains(&"/usr/lib64".to_owned())
    );
    assert_eq!(
        get("nginxinc/nginx-unprivileged:1.27").name,
        "nginx-unprivileged"
    );
    assert_eq!(
        get("python:3.12").python_prefix.as_deref(),
        Some("/usr/local")
    );
}

#[test]
fn what_images_bring_and_preload() {
    let get = |reference: &str| image(reference, Some(TODAY)).unwrap();
    let paths = |reference: &str| -> Vec<String> {
        let libraries = get(reference).libraries.into_iter();
        libraries.map(|library| library.path).collect()
    };
    assert_eq!(paths("mariadb:11.8-ubi")[0], "/usr/lib64/libjemalloc.so.2");
    assert_eq!(get("mariadb:11.8-ubi9").release.unwrap().distro, "rhel");
    assert_eq!(
        paths("mariadb:11.8")[0],
        "/usr/lib/{triplet}/libjemalloc.so.2"
    );
    assert_eq!(get("mariadb:13.0").release.unwrap().release, "26.04");
    assert_eq!(
        paths("fluent/fluentd:v1.19.0-debian-1.0"),
        ["/usr/lib/libjemalloc.so.2"]
    );
    let preloaded = |reference: &str| {
        let env = get(reference).env.into_iter();
        let mut values = env.filter(|(name, _)| name == "LD_PRELOAD");
        values.next().map(|(_, value)| value)
    };
    for (reference, value) in [
        (
            "fluent/fluentd:edge-debian",
            Some("/usr/lib/libjemalloc.so.2"),
        ),
        ("fluent/fluentd:v1.18-alpine-1", Some("")),
        ("fluent/fluentd:v1.2", None),
        (
            "fluent/fluentd-kubernetes-daemonset:v1.17-debian-forward-1",
            Some(""),
        ),
        ("onyxdotapp/onyx-backend", Some("libjemalloc.so.2")),
        ("onyxdotapp/onyx-model-server", None),
        ("ghcr.io/home-assistant/base-debian", None),
        ("flink:1.20", None),
        ("cassandra:5.0", None),
    ] {
        assert_eq!(preloaded(reference).as_deref(), value, "{reference}");
    }
    for reference in [
        "ghcr.io/home-assistant/base-debian",
        "ghcr.io/home-assistant/amd64-base-ubuntu",
        "redis:7",
        "valkey/valkey:8",
        "mysql:8",
        "onyxdotapp/onyx-model-server",
    ] {
        assert!(paths(reference).is_empty(), "{reference}");
    }
    // A list is complete, or it is said that it is not.
    for (reference, open) in [
        ("mysql:8", false),
        ("mariadb:11.8", false),
        ("redis:7", false),
        ("percona:8.0", true),
        ("bitnami/mariadb:11.4", true),
        ("nextcloud:29", true),
        ("cassandra:3.11", true),
        ("cassandra:5.0", false),
    ] {
        assert_eq!(get(reference).open, open, "{reference}");
    }
}

#[test]
fn a_switch_belongs_to_a_preload_of_the_image() {
    for entry in FILES.iter().flat_map(|file| &file.get().image) {
        let name = entry.at.iter().next().unwrap();
        let own = entry.overwrites_preload.is_some();
        let told = entry.switch.is_some();
        assert!(
            own || entry.overwrites_in.is_empty() && !entry.overwrites_sometimes,
            "{name}"
        );
        assert!(told || entry.switched_off_by.is_empty(), "{name}");
        assert!(own || !told || !entry.libraries.is_empty(), "{name}");
        // The stronger of the two says it all.
        assert!(!(entry.crowded && entry.open), "{name}");
    }
}

#[test]
fn hostile_references_do_no_harm() {
    let long = "a/".repeat(500_000);
    let braces = format!("python:{}", "${".repeat(500_000));
    let dashes = format!("python:{}", "-".repeat(1_000_000));
    let digits = format!("python:{}", "9".repeat(1_000_000));
    for reference in [
        &long,
        &braces,
        &dashes,
        &digits,
        "ä:ö",
        "python:é",
        ":",
        "@",
        "/",
        "python:",
    ] {
        let _ = image(reference, None);
    }
}
