//! Which Dockerfile builds the image that a container runs.

use super::*;

#[test]
fn a_service_runs_the_stage_that_it_builds() {
    let two = "FROM python:3.12-slim-bookworm AS plain\nFROM python:3.12-slim-bookworm AS tuned\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\n";
    let compose = |target: &str| {
        format!(
            "services:\n  web:\n    build:\n      context: ./web\n      dockerfile: App.Dockerfile\n      target: {target}\n    command: gunicorn --threads 8 app:app\n"
        )
    };
    let of = |target: &str| {
        within(
            &[
                ("web/App.Dockerfile", two),
                ("compose.yaml", &compose(target)),
            ],
            "compose.yaml",
        )
    };
    assert!(of("tuned").is_empty());
    assert_eq!(of("plain"), ["allocator-unset"]);
}

#[test]
fn what_builds_an_image_is_what_the_project_says() {
    let two = "FROM python:3.12-slim-bookworm AS plain\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\nFROM python:3.12-slim-bookworm AS tuned\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";
    let deployment = pod(
        "containers:\n- name: x\n  image: ghcr.io/me/shop-front:1.2\n  command: [gunicorn, --threads, '8', 'app:app']\n",
    );
    let of = |name: &str, text: &str| {
        let files = [
            ("src/Odd.Dockerfile", two),
            ("k8s/pod.yaml", &deployment),
            (name, text),
        ];
        within(&files, "k8s/pod.yaml")
    };
    let bake = |target: &str| {
        format!(
            "variable \"TAG\" {{ default = \"1\" }}\ntarget \"x\" {{\n  context = \"src\"\n  dockerfile = \"Odd.Dockerfile\"\n  target = \"{target}\"\n  tags = [\"ghcr.io/me/shop-front:${{TAG}}\"]\n}}\n"
        )
    };
    let json = bake_json();
    let skaffold = "apiVersion: skaffold/v4beta11\nkind: Config\nbuild:\n  artifacts:\n  - image: ghcr.io/me/shop-front\n    context: ../src\n    docker: {dockerfile: Odd.Dockerfile, target: tuned}\n";
    let compose = "services:\n  a:\n    image: ghcr.io/me/shop-front:${TAG:-dev}\n    build: {context: src, dockerfile: Odd.Dockerfile, target: tuned}\n";
    let unknown = ["allocator-unset"];
    assert_eq!(of("README.md", ""), unknown);
    assert_eq!(of("docker-bake.hcl", &bake("plain")), unknown);
    assert!(of("docker-bake.hcl", &bake("tuned")).is_empty());
    assert!(of("docker-bake.json", &json).is_empty());
    assert!(of("deploy/skaffold.yaml", skaffold).is_empty());
    assert!(of("compose.yaml", compose).is_empty());
    // Two files that say different things say nothing.
    let files = [
        ("src/Odd.Dockerfile", two),
        ("k8s/pod.yaml", &deployment),
        ("docker-bake.hcl", &bake("plain")),
        ("compose.yaml", compose),
    ];
    assert_eq!(within(&files, "k8s/pod.yaml"), unknown);
}

#[test]
fn the_tag_and_the_file_say_which_of_several_builds_is_meant() {
    let two = "FROM python:3.12-slim-bookworm AS plain\nFROM python:3.12-slim-bookworm AS tuned\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\n";
    let service = |name: &str, tag: &str, target: &str| {
        format!("  {name}:\n    image: me/shop{tag}\n    build: {{context: ., target: {target}}}\n")
    };
    let runs = |tag: &str| {
        format!("  c:\n    image: me/shop{tag}\n    command: gunicorn --threads 8 app:app\n")
    };
    let of = |services: &[String], others: &[(&str, &str)]| {
        let text = format!("services:\n{}", services.concat());
        let files = [("Dockerfile", two), ("compose.yaml", &text)];
        within(&[&files, others].concat(), "compose.yaml")
    };
    let both = [service("a", ":web", "tuned"), service("b", "", "plain")];
    let with = |tag: &str| [both.as_slice(), &[runs(tag)]].concat();
    assert!(of(&with(":web"), &[]).is_empty());
    assert_eq!(of(&with(":latest"), &[]), ["allocator-unset"]);
    // Neither is meant: nothing is known of the image.
    assert_eq!(of(&with(":other"), &[]), ["allocator-unset"]);
    // Another file says another thing, or speaks of a Dockerfile that is gone.
    let one = [service("a", "", "tuned"), runs("")];
    let bake = |dockerfile: &str| {
        format!(
            "target \"x\" {{\n  dockerfile = \"{dockerfile}\"\n  target = \"plain\"\n  tags = [\"me/shop\"]\n}}\n"
        )
    };
    assert!(of(&one, &[("docker-bake.hcl", &bake("Dockerfile"))]).is_empty());
    assert!(of(&one, &[("docker-bake.hcl", &bake("gone.Dockerfile"))]).is_empty());
}

#[test]
fn parameters_of_a_template_name_the_image() {
    let template = |value: &str| {
        format!(
            "apiVersion: template.openshift.io/v1\nkind: Template\nparameters:\n- {{name: TAG, value: '1'}}\n- {{name: IMAGE{value}}}\nobjects:\n- apiVersion: cloud.redhat.com/v1alpha1\n  kind: ClowdApp\n  spec:\n    deployments:\n    - podSpec: {{image: '${{IMAGE}}:${{TAG}}', command: [gunicorn, --threads, '8', 'app:app']}}\n    - podSpec: {{image: '${{IMAGE}}:${{TAG}}', command: [celery, worker]}}\n"
        )
    };
    let of = |value: &str| {
        let tuned = TUNED.to_owned() + "CMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";
        within(
            &[
                ("shop/Dockerfile", &tuned),
                ("deploy/app.yaml", &template(value)),
            ],
            "deploy/app.yaml",
        )
    };
    assert!(of(", value: quay.io/me/shop").is_empty());
    // What a value holds is not filled in again, or a few lines would grow without end.
    let doubled = template(", value: \"${IMAGE}${IMAGE}\"");
    assert_eq!(alone("a.yaml", &doubled).0, ["allocator-unset"]);
    // One image lacks a setting once, however many containers run it.
    assert_eq!(of(""), ["allocator-unset"]);
}

fn bake_json() -> String {
    let target = "{\"context\": \"src\", \"dockerfile\": \"Odd.Dockerfile\", \"target\": \"tuned\", \"tags\": [\"ghcr.io/me/shop-front\"]}";
    format!("{{\"target\": {{\"x\": {target}}}}}\n")
}

#[test]
fn the_configuration_says_what_an_image_is_built_from() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write(".git/HEAD", "");
    write(
        "images/Odd.Dockerfile",
        &format!("{TUNED}CMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n"),
    );
    let image = "image: ghcr.io/me/shop-front:1.2";
    write(
        "k8s/pod.yaml",
        &pod(&format!(
            "containers:\n- name: x\n  {image}\n  command: [gunicorn, --threads, '8', 'app:app']\n"
        )),
    );
    let run = || {
        let run = std::process::Command::new(env!("CARGO_BIN_EXE_malloclint"))
            .args(["check", "--fail-on", "info", "."])
            .current_dir(folder.path())
            .output()
            .unwrap();
        (
            run.status.code(),
            String::from_utf8_lossy(&run.stdout).into_owned()
                + &String::from_utf8_lossy(&run.stderr),
        )
    };
    assert_eq!(run().0, Some(1));
    write(
        "malloclint.toml",
        "[images]\n\"ghcr.io/me/shop-front\" = \"images/Odd.Dockerfile\"\n",
    );
    let (status, text) = run();
    assert_eq!(status, Some(0), "{text}");
    write(
        "malloclint.toml",
        "[images]\n\"ghcr.io/me/shop-front\" = \"nothing/Dockerfile\"\n",
    );
    let (status, text) = run();
    assert_eq!(status, Some(2), "{text}");
    assert!(
        text.contains("there is no file `nothing/Dockerfile`"),
        "{text}"
    );
}

#[test]
fn a_manifest_runs_the_image_of_the_one_dockerfile_with_its_name() {
    let deployment = pod(
        "containers:\n- name: api\n  image: ghcr.io/me/my-api:1\n  command: [gunicorn, --threads, '8', 'app:app']\n",
    );
    let of = |path: &str| {
        within(
            &[(path, TUNED), ("k8s/api.yaml", &deployment)],
            "k8s/api.yaml",
        )
    };
    assert!(of("services/my_api/Dockerfile").is_empty());
    assert!(of("docker/my-api.Dockerfile").is_empty());
    assert_eq!(of("services/other/Dockerfile"), ["allocator-unset"]);
    let two = [
        ("a/my-api/Dockerfile", TUNED),
        ("b/my-api/Dockerfile", TUNED),
        ("k8s/api.yaml", deployment.as_str()),
    ];
    assert_eq!(
        within(&two, "k8s/api.yaml"),
        ["allocator-unset"],
        "two fit: neither is taken"
    );
}

#[test]
fn what_the_dockerfile_is_told_is_not_said_again() {
    let untuned = "FROM python:3.12-slim-bookworm\nCOPY . .\nCMD [\"gunicorn\", \"--threads\", \"8\", \"app:app\"]\n";
    let files = [
        ("api/Dockerfile", untuned),
        ("compose.yaml", "services:\n  api:\n    build: api\n"),
    ];
    assert!(within(&files, "compose.yaml").is_empty());
    assert_eq!(within(&files, "api/Dockerfile"), ["allocator-unset"]);
}

/// Seen in allegroai/clearml-server: the image `allegroai/clearml`, and a start script whose first test cannot be told.
#[test]
fn a_project_may_be_called_after_its_image_and_what_it_is() {
    let dockerfile =
        "FROM python:3.12-slim\nCOPY start.sh /opt/\nCOPY . /app\nENTRYPOINT [\"/opt/start.sh\"]\n";
    let script = "#!/bin/bash\nif (( $# < 1 )); then\n  exit 1\nelif [[ ${1} == \"api\" ]]; then\n  gunicorn --threads 8 app:app\nelse\n  nginx\nfi\n";
    let started = |project: &str, role: &str| {
        let compose = format!("services:\n  a:\n    image: me/shop\n    command: [{role}]\n");
        let files = [
            ("docker/start.sh", script),
            ("docker/Dockerfile", dockerfile),
            ("compose.yaml", compose.as_str()),
        ];
        let (_folder, top) = repository(project, &files);
        let file = project::read(&top.join("compose.yaml")).unwrap();
        let units = check::units(
            &file,
            &Project::of(&Disk::below(Roots::of(std::slice::from_ref(&top), None))),
        );
        units[0].0.process.argv.join(" ")
    };
    assert_eq!(
        started("shop-server", "api"),
        "gunicorn --threads 8 app:app"
    );
    assert_eq!(started("shop-server", "web"), "nginx");
    assert_eq!(started("shop-window", "api"), "api");
}
