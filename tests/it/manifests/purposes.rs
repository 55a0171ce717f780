//! What names and places say against a container's being in production.

use super::*;

#[test]
fn names_of_images_and_projects_say_what_they_are_for() {
    let image = |image: &str| {
        let pod = pod(&format!(
            "containers:\n- name: x\n  image: {image}\n  command: [gunicorn, --threads, '8', 'app:app']\n"
        ));
        within(&[("k8s/pod.yaml", &pod)], "k8s/pod.yaml")
    };
    for production in [
        "me/shop:1.2",
        "me/attest@sha256:00",
        "test.example.com:5000/me/shop",
    ] {
        assert_eq!(image(production), ["allocator-unset"], "{production}");
    }
    for passing in [
        "me/shop-test:1.2",
        "me/shop:dev",
        "me/shop:e2e-4",
        "ghcr.io/me/loadgenerator",
        "me/shop_demo",
    ] {
        assert!(image(passing).is_empty(), "{passing}");
    }
    let said =
        |readme: &str, name: &str, text: &str| within(&[("README.md", readme), (name, text)], name);
    let plain = pod(
        "containers:\n- {name: x, image: me/shop, command: [gunicorn, --threads, '8', 'app:app']}\n",
    );
    let dockerfile =
        "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";
    for (name, text) in [("k8s/pod.yaml", plain.as_str()), ("Dockerfile", dockerfile)] {
        assert_eq!(
            said("# Shop\n\nSells things.\n", name, text),
            ["allocator-unset"],
            "{name}"
        );
        // What its README says is for people.
        assert_eq!(
            said("# Shop\n\n**Shop** is a sample app.\n", name, text),
            ["allocator-unset"],
            "{name}"
        );
    }
}

/// Seen in bcgov/lear (`jobs/`, with the port of the template it was copied from), internetarchive/openlibrary
/// (`docker/mockservices`) and uktrade/data-hub-api (`CMD ./start-dev.sh`).
#[test]
fn folders_and_start_scripts_say_what_an_image_is_for() {
    let job = "FROM python:3.12-slim\nCOPY . .\nEXPOSE 8080\nCMD [\"python\", \"main.py\"]\n";
    let of = |path: &str, text: &str| within(&[(path, text)], path);
    assert_eq!(of("api/Dockerfile", job), ["allocator-unset"]);
    assert!(of("jobs/report/Dockerfile", job).is_empty());
    let server = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";
    assert_eq!(of("jobs/board/Dockerfile", server), ["allocator-unset"]);
    assert!(of("docker/mockservices/Dockerfile", server).is_empty());
    // bcgov/foi-flow, request-management-api.
    for local in [
        "api/dockerfile.local",
        "api/local.Dockerfile",
        "Dockerfile.api-local",
    ] {
        assert!(of(local, server).is_empty(), "{local}");
    }
    assert_eq!(of("Dockerfile.local-ai", server), ["allocator-unset"]);
    let mock = "# JSON\n\nThis runs a mock service that takes JSON.\n";
    let product = within(&[("README.md", mock), ("Dockerfile", server)], "Dockerfile");
    assert_eq!(
        product,
        ["allocator-unset"],
        "a mock server may be the product"
    );
    let script = "python manage.py migrate\npython manage.py runserver 0.0.0.0:8000\n";
    for (name, said) in [("start.sh", 1), ("start-dev.sh", 0)] {
        let dockerfile =
            format!("FROM python:3.12-slim\nCOPY . /app\nWORKDIR /app\nCMD ./{name}\n");
        let files = [(name, script), ("Dockerfile", dockerfile.as_str())];
        assert_eq!(within(&files, "Dockerfile").len(), said, "{name}");
    }
}

/// Seen in LAION-AI/Open-Assistant, `docker-compose.yaml`: the Celery worker has `profiles: [frontend-dev, ci]`.
#[test]
fn nothing_is_said_of_services_that_only_developers_start() {
    let of = |profiles: &str| {
        let text = format!(
            "services:\n  api:\n    image: me/shop\n    command: gunicorn --threads 8 app:app\n    profiles: {profiles}\n"
        );
        within(&[("compose.yaml", &text)], "compose.yaml")
    };
    assert!(of("[frontend-dev, ci]").is_empty());
    for started in ["[frontend-dev, inference]", "[web]", "[]"] {
        assert_eq!(of(started), ["allocator-unset"], "{started}");
    }
}

/// Seen in bcgov/foi-flow (`dockerfile: dockerfile.local`) and open-formulieren/open-forms (mock servers that a Compose file
/// builds).
#[test]
fn an_image_for_developers_is_one_wherever_it_runs() {
    let built = |how: &str, dockerfile: &str, text: &str, readme: &str| {
        let compose = format!(
            "services:\n  web:\n    build: {how}\n    command: gunicorn --threads 8 app:app\n"
        );
        let files = [
            (dockerfile, text),
            ("compose.yaml", compose.as_str()),
            ("web/README.md", readme),
        ];
        within(&files, "compose.yaml")
    };
    let plain = "FROM python:3.12-slim\nCOPY . .\n";
    let serves = "# Web\n\nServes pages.\n";
    let told = |how: &str, dockerfile: &str| built(how, dockerfile, plain, serves);
    assert_eq!(told("./web", "web/Dockerfile"), ["allocator-unset"]);
    assert!(
        told(
            "{context: web, dockerfile: Dockerfile.local}",
            "web/Dockerfile.local"
        )
        .is_empty()
    );
    assert!(told("./tests", "tests/Dockerfile").is_empty());
    assert!(told("./examples/web", "examples/web/Dockerfile").is_empty());
    let staged = plain.replace("slim\n", "slim AS prod\n") + "FROM prod AS dev\n";
    let staged = |target: &str| {
        let how = format!("{{context: web, target: {target}}}");
        built(&how, "web/Dockerfile", &staged, serves)
    };
    assert_eq!(staged("prod"), ["allocator-unset"]);
    assert!(staged("dev").is_empty());
}

#[test]
fn nothing_is_said_of_pods_on_windows() {
    let linux = pod(
        "containers:\n- {name: x, image: shop, command: [gunicorn, --threads, '8', 'app:app']}\n",
    );
    assert_eq!(alone("a.yaml", &linux).0, ["allocator-unset"]);
    for windows in [
        "os: {name: windows}",
        "nodeSelector: {kubernetes.io/os: windows}",
    ] {
        assert!(
            alone("a.yaml", &format!("{linux}  {windows}\n"))
                .0
                .is_empty()
        );
    }
}
