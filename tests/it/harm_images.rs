//! What known images bring, preload and do at their start: nothing that lies in one is called missing, and what a start
//! replaces is said; beside each a twin that must stay as it is.

use malloclint::internals::check;
use malloclint::internals::project::Project;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

use crate::support::run::{folder, run};

const NOT_INSTALLED: &str = "preload-not-installed";
const OVERWRITTEN: &str = "preload-overwritten";
const JE: &str = "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2";

/// The rules that speak about a Dockerfile.
fn said(text: &str) -> Vec<&'static str> {
    let file = SourceFile::new("Dockerfile", text.as_bytes().to_vec());
    let checked = check::check(&file, &Project::of(&Nowhere), Style::default());
    checked
        .findings
        .iter()
        .map(|finding| finding.rule)
        .collect()
}

/// The rules about preloads that speak about an image with that value of `LD_PRELOAD`.
fn of_preload(from: &str, value: &str) -> Vec<&'static str> {
    let mut found = said(&format!("FROM {from}\nENV LD_PRELOAD={value}\n"));
    found.retain(|rule| rule.starts_with("preload-"));
    found
}

#[test]
fn what_an_image_brings_is_not_called_missing() {
    for (from, value) in [
        ("mariadb:11.8", "libjemalloc.so.2"),
        ("mariadb:10.6", "libtcmalloc_minimal.so.4"),
        ("mariadb:13.0", "'/usr/$LIB/libjemalloc.so.2'"),
        ("mariadb:11.8-ubi", "/usr/lib64/libjemalloc.so.2"),
        ("mariadb:lts-ubi9", "libtcmalloc_minimal.so.4"),
        ("fluent/fluentd:v1.16-debian-1", "/usr/lib/libjemalloc.so.2"),
        (
            "fluent/fluentd:v1.19.0-debian-arm64-1.0",
            "libjemalloc.so.2",
        ),
        (
            "fluent/fluentd-kubernetes-daemonset:v1.17-debian-elasticsearch8-1",
            "/usr/lib/libjemalloc.so.2",
        ),
        ("flink:1.20", "libjemalloc.so"),
        ("apache/flink:2.1-java17", "libjemalloc.so.2"),
        ("milvusdb/milvus:v2.5.4", "/milvus/lib/libjemalloc.so"),
        (
            "ghcr.io/basecamp/once-campfire",
            "/usr/local/lib/libjemalloc.so",
        ),
        ("ghcr.io/mastodon/mastodon:v4.3.0", "libjemalloc.so.2"),
        ("percona/percona-server:8.4", "/usr/lib64/libjemalloc.so.2"),
        ("nvcr.io/nvidia/tritonserver:24.05-py3", "libtcmalloc.so.4"),
        ("vllm/vllm-openai-cpu:v0.11.0", "libtcmalloc_minimal.so.4"),
        ("onyxdotapp/onyx-backend:v1.0.0", "libjemalloc.so.2"),
        ("getsentry/snuba:24.8.0", "/usr/src/snuba/libjemalloc.so.2"),
        (
            "ghcr.io/home-assistant/amd64-base:3.20",
            "/usr/local/lib/libjemalloc.so.2",
        ),
        (
            "ghcr.io/danny-avila/librechat:v0.7.5",
            "/usr/lib/libjemalloc.so.2",
        ),
    ] {
        assert_eq!(of_preload(from, value), [""; 0], "{from} {value}");
    }
    // One architecture's folder is that on these images as on others; the library is there.
    assert_eq!(of_preload("mariadb:11.8", JE), ["preload-arch-specific"]);
}

#[test]
fn where_the_packages_are_not_all_known_nothing_is_called_missing() {
    for from in [
        "gitlab/gitlab-ce:17.4.0-ce.0",
        "varnish:7.5",
        "nextcloud:29",
        "redmine:6",
        "percona:8.0",
        "percona/percona-server:5.6",
        "bitnami/mariadb:11.4",
        "clickhouse/clickhouse-server:24.8",
        "elasticsearch:8.15.0",
        "solr:9",
        "cassandra:3.11",
        "milvusdb/milvus:v2.5.4",
        "fluent/fluentd:v1.2",
        "fluent/fluent-bit:3.1",
        "discourse/base:2.0.20240825",
        "apache/doris:be-3.0.1",
        "starrocks/be-ubuntu:3.3",
        "homeassistant/home-assistant:2024.1",
        "vllm/vllm-openai-cpu:v0.11.0",
        "lmsysorg/sglang:v0.4-xeon",
    ] {
        let found = of_preload(from, "/opt/own/libmimalloc.so.2");
        assert!(!found.contains(&NOT_INSTALLED), "{from} {found:?}");
    }
    // Twins whose packages are known: they bring none.
    for from in [
        "mysql:8",
        "redis:7",
        "valkey/valkey:8",
        "postgres:16",
        "mongo:8.0",
        "nginx:1.27",
        "php:8.3-fpm",
        "memcached:1",
        "node:22",
        "ruby:3.3-slim",
        "eclipse-temurin:21-jre",
        "gotenberg/gotenberg:8",
        "fluent/fluentd:v1.18-alpine-1",
        "python:3.12-slim",
    ] {
        assert_eq!(of_preload(from, JE), [NOT_INSTALLED], "{from}");
    }
    // What an image is known to bring says where it lies, and what of another allocator is missing.
    for (from, value, rule) in [
        (
            "mariadb:11.8",
            "/usr/lib/libjemalloc.so.2",
            "preload-wrong-path",
        ),
        ("mariadb:11.8-ubi", JE, "preload-wrong-path"),
        ("mariadb:11.8", "libjemalloc.so.1", "preload-wrong-soname"),
        ("mariadb:11.8", "libmimalloc.so.2", NOT_INSTALLED),
        ("fluent/fluentd:v1.19-debian-1", JE, "preload-wrong-path"),
        ("milvusdb/milvus:v2.5.4", JE, "preload-wrong-soname"),
        ("gitlab/gitlab-ee:17.4.0-ee.0", JE, "preload-wrong-soname"),
    ] {
        assert_eq!(of_preload(from, value), [rule], "{from} {value}");
    }
}

#[test]
fn an_image_that_may_preload_something_keeps_its_reference() {
    for from in ["varnish:7.5", "gitlab/gitlab-ce:17.4.0-ce.0", "flink:1.20"] {
        let found = of_preload(from, "/usr/local/lib/libother.so:${LD_PRELOAD}");
        assert_eq!(found, [""; 0], "{from}");
    }
    // What a known image preloads is what the reference stands for.
    let lost = said("FROM fluent/fluentd:v1.19-debian-1\nENV LD_PRELOAD=libother.so\n");
    assert!(lost.contains(&OVERWRITTEN), "{lost:?}");
    let kept = "FROM fluent/fluentd:v1.19-debian-1\nENV LD_PRELOAD=libother.so:${LD_PRELOAD}\n";
    assert!(!said(kept).contains(&OVERWRITTEN));
    // Twin: Alpine's preloads nothing, and the daemon set's turns it off.
    for from in [
        "fluent/fluentd:v1.18-alpine-1",
        "fluent/fluentd-kubernetes-daemonset:v1.17-debian-forward-1",
    ] {
        let text = format!("FROM {from}\nENV LD_PRELOAD=libother.so\n");
        assert!(!said(&text).contains(&OVERWRITTEN), "{from}");
    }
}

#[test]
fn a_start_that_sets_its_own_allocator_replaces_the_users() {
    for (from, value, more) in [
        ("cassandra:5.0", "libjemalloc.so.2", ""),
        (
            "cassandra:4.1",
            "libjemalloc.so.2",
            "CMD [\"cassandra\", \"-f\", \"-R\"]\n",
        ),
        (
            "cassandra",
            "/usr/local/lib/libjemalloc.so",
            "CMD exec cassandra -f\n",
        ),
        // Near misses of the switch.
        (
            "cassandra:5.0",
            "libjemalloc.so.2",
            "ENV CASSANDRA_LIBJEMALLOC=\n",
        ),
        (
            "cassandra:5.0",
            "libjemalloc.so.2",
            "ENV CASSANDRA_JEMALLOC=-\n",
        ),
        ("matrixdotorg/synapse:v1.120.0", "libjemalloc.so.2", ""),
        (
            "ghcr.io/element-hq/synapse",
            "libjemalloc.so.2",
            "CMD [\"run\"]\n",
        ),
        (
            "homeassistant/home-assistant:2024.1",
            "/usr/local/lib/libjemalloc.so.2",
            "",
        ),
        (
            "lscr.io/linuxserver/homeassistant:2024.1.5",
            "/usr/local/lib/libjemalloc.so.2",
            "ENV DISABLE_JEMALOC=true\n",
        ),
        (
            "gitlab/gitlab-ce:17.4.0-ce.0",
            "/opt/gitlab/embedded/lib/libjemalloc.so",
            "",
        ),
        ("discourse/base:2.0.20240825", "/usr/lib/libjemalloc.so", ""),
    ] {
        let text = format!("FROM {from}\nENV LD_PRELOAD={value}\n{more}");
        assert!(said(&text).contains(&OVERWRITTEN), "{text}");
    }
    for (from, value, more) in [
        // Turned off, another program, or another entrypoint.
        (
            "cassandra:5.0",
            "libjemalloc.so.2",
            "ENV CASSANDRA_LIBJEMALLOC=-\n",
        ),
        (
            "cassandra:5.0",
            "libjemalloc.so.2",
            "CMD [\"nodetool\", \"status\"]\n",
        ),
        (
            "ghcr.io/element-hq/synapse",
            "libjemalloc.so.2",
            "ENTRYPOINT [\"python\", \"-m\", \"synapse.app.homeserver\"]\n",
        ),
        (
            "homeassistant/home-assistant:2024.1",
            "/usr/local/lib/libjemalloc.so.2",
            "ENV DISABLE_JEMALLOC=false\n",
        ),
        (
            "homeassistant/home-assistant:2024.1",
            "/usr/local/lib/libjemalloc.so.2",
            "ENV DISABLE_JEMALLOC=\n",
        ),
        // Flink's adds to it, whatever its switch says; MariaDB's leaves it alone.
        (
            "flink:1.20",
            "libjemalloc.so.2",
            "ENV DISABLE_JEMALLOC=true\n",
        ),
        ("flink:1.20", "libjemalloc.so.2", ""),
        ("mariadb:11.8", "libjemalloc.so.2", ""),
    ] {
        let text = format!("FROM {from}\nENV LD_PRELOAD={value}\n{more}");
        assert!(!said(&text).contains(&OVERWRITTEN), "{text}");
    }
}

#[test]
fn the_switch_of_an_image_is_named() {
    let dir = folder([(
        "Dockerfile",
        "FROM homeassistant/home-assistant:2024.1\nENV LD_PRELOAD=/usr/local/lib/libjemalloc.so.2\n",
    )]);
    let out = run(dir.path(), ["check", "."]).out;
    assert!(
        out.contains("before version 2026.7 its run script sets")
            && out.contains("`DISABLE_JEMALLOC`, set to anything"),
        "{out}"
    );
    assert!(out.contains("warning[preload-overwritten]"), "{out}");
}

#[test]
fn only_the_run_script_of_s2i_sets_a_wrapper() {
    let image = |end: &str| {
        format!(
            "FROM registry.access.redhat.com/ubi9/python-312\nUSER 0\nRUN dnf install -y https://dl.fedoraproject.org/pub/epel/epel-release-latest-9.noarch.rpm && dnf install -y jemalloc\nUSER 1001\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\n{end}"
        )
    };
    for end in [
        "",
        "CMD [\"/usr/libexec/s2i/run\"]\n",
        "CMD /usr/libexec/s2i/run\n",
        "CMD $STI_SCRIPTS_PATH/run\n",
    ] {
        assert!(said(&image(end)).contains(&OVERWRITTEN), "{end}");
    }
    for end in [
        "CMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n",
        "CMD gunicorn --threads 8 a:b\n",
        "CMD [\"bash\", \"-c\", \"exec gunicorn --threads 8 a:b\"]\n",
        "ENTRYPOINT [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n",
        "ENTRYPOINT [\"tini\", \"--\"]\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n",
    ] {
        assert!(!said(&image(end)).contains(&OVERWRITTEN), "{end}");
    }
}

#[test]
fn the_link_of_the_rails_template_is_found() {
    let image = |link: &str| {
        format!(
            "FROM ruby:3.3-slim\nRUN apt-get update -qq && apt-get install --no-install-recommends -y curl libjemalloc2 && ln -s {link} /usr/local/lib/libjemalloc.so && rm -rf /var/lib/apt/lists\nENV RAILS_ENV=\"production\" LD_PRELOAD=\"/usr/local/lib/libjemalloc.so\"\nCMD [\"./bin/thrust\", \"./bin/rails\", \"server\"]\n"
        )
    };
    let link = "/usr/lib/$(uname -m)-linux-gnu/libjemalloc.so.2";
    assert_eq!(said(&image(link)), [""; 0]);
    let elsewhere = image(link).replace("/usr/local/lib/libjemalloc.so\"", "/opt/libjemalloc.so\"");
    assert!(said(&elsewhere).contains(&"preload-wrong-path"));
}

#[test]
fn ubuntu_has_its_own_sonames_by_release() {
    let image = |release: &str, package: &str, preload: &str| {
        format!(
            "FROM ubuntu:{release}\nRUN apt-get update && apt-get install -y python3 {package}\nENV LD_PRELOAD={preload}\nCMD [\"gunicorn\", \"--threads\", \"8\", \"a:b\"]\n"
        )
    };
    let rule = "preload-wrong-soname";
    for (release, package, right, wrong) in [
        (
            "22.04",
            "libmimalloc2.0",
            "libmimalloc.so.2",
            "libmimalloc.so.3",
        ),
        (
            "24.04",
            "libmimalloc2.0",
            "libmimalloc.so.2",
            "libmimalloc.so.3",
        ),
        (
            "25.04",
            "libmimalloc3",
            "libmimalloc.so.3",
            "libmimalloc.so.2",
        ),
        (
            "26.04",
            "libmimalloc3",
            "libmimalloc.so.3",
            "libmimalloc.so.2",
        ),
        (
            "22.04",
            "libtcmalloc-minimal4",
            "libtcmalloc_minimal.so.4",
            "libtcmalloc_minimal.so.0",
        ),
        // The old name of the package still installs.
        (
            "24.04",
            "libtcmalloc-minimal4",
            "/usr/$LIB/libtcmalloc_minimal.so.4",
            "libtcmalloc.so.4",
        ),
        (
            "24.04",
            "libtcmalloc-minimal4t64",
            "libtcmalloc_minimal.so.4",
            "libtcmalloc_minimal.so",
        ),
        (
            "26.04",
            "libgoogle-perftools4t64",
            "libtcmalloc.so.4",
            "libtcmalloc.so",
        ),
        (
            "20.04",
            "libgoogle-perftools4",
            "libtcmalloc_minimal.so.4",
            "libtcmalloc.so.5",
        ),
    ] {
        let (right, wrong) = (right.replace('$', "\\$"), wrong);
        let good = said(&image(release, package, &right));
        assert!(
            !good.iter().any(|id| id.starts_with("preload-")),
            "{release} {right} {good:?}"
        );
        let bad = said(&image(release, package, wrong));
        assert!(bad.contains(&rule), "{release} {wrong} {bad:?}");
    }
    // Twin: a release of which neither was looked at says nothing.
    for preload in ["libmimalloc.so.2", "libmimalloc.so.2.0"] {
        let found = said(&image("23.10", "libmimalloc2.0", preload));
        assert!(!found.contains(&rule), "{preload} {found:?}");
    }
}
