//! Manifests and Compose files through the library: links to Dockerfiles, suppression, what is left alone,
//! and texts that are made to grow.

// Helpers of a test are tests too, though clippy knows only functions that are marked as such.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::fmt::Write as _;
use std::path::Path;

use malloclint::discover::{self, Disk};
use malloclint::inputs::{Nowhere, Style};
use malloclint::text::SourceFile;
use malloclint::{engine, finding::Finding};

const TUNED: &str = "FROM python:3.12-slim-bookworm\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nCOPY . .\n";

fn pod(container: &str) -> String {
    let body: String = container
        .lines()
        .map(|line| format!("  {line}\n"))
        .collect();
    format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n{body}")
}

fn rules(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.rule).collect()
}

/// The rules that speak about a text, and why it was not read.
fn alone(name: &str, text: &str) -> (Vec<&'static str>, Option<String>) {
    let file = SourceFile::new(name, text.as_bytes().to_vec());
    let checked = engine::check(&file, &Nowhere, Style::default());
    (rules(&checked.findings), checked.skipped)
}

/// The rules that speak about one file of a project.
fn within(files: &[(&str, &str)], name: &str) -> Vec<&'static str> {
    let folder = tempfile::Builder::new().prefix("shop").tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir(folder.path().join(".git")).unwrap();
    let file = discover::read(&folder.path().join(name)).unwrap();
    let found = discover::find(&[folder.path().to_path_buf()]).files;
    assert!(
        found.iter().any(|path| path.ends_with(Path::new(name))),
        "{name} is not found"
    );
    rules(&engine::check(&file, &Disk::default(), Style::default()).findings)
}

#[test]
fn a_service_runs_the_stage_that_it_builds() {
    let two = "FROM python:3.12-slim-bookworm AS plain\nFROM python:3.12-slim-bookworm AS tuned\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\n";
    let compose = |target: &str| {
        format!(
            "services:\n  web:\n    build:\n      context: ./web\n      dockerfile: App.Dockerfile\n      target: {target}\n    command: gunicorn app:app\n"
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
    let two = "FROM python:3.12-slim-bookworm AS plain\nCMD [\"gunicorn\", \"app:app\"]\nFROM python:3.12-slim-bookworm AS tuned\nRUN apt-get update && apt-get install -y libjemalloc2\nENV LD_PRELOAD=libjemalloc.so.2 MALLOC_CONF=narenas:2\nCMD [\"gunicorn\", \"app:app\"]\n";
    let deployment = pod(
        "containers:\n- name: x\n  image: ghcr.io/me/shop-front:1.2\n  command: [gunicorn, 'app:app']\n",
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
    let runs =
        |tag: &str| format!("  c:\n    image: me/shop{tag}\n    command: gunicorn app:app\n");
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
fn names_of_images_and_projects_say_what_they_are_for() {
    let image = |image: &str| {
        let pod = pod(&format!(
            "containers:\n- name: x\n  image: {image}\n  command: [gunicorn, 'app:app']\n"
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
    let plain = pod("containers:\n- {name: x, image: me/shop, command: [gunicorn, 'app:app']}\n");
    let dockerfile = "FROM python:3.12-slim\nCMD [\"gunicorn\", \"app:app\"]\n";
    for (name, text) in [("k8s/pod.yaml", plain.as_str()), ("Dockerfile", dockerfile)] {
        assert_eq!(
            said("# Shop\n\nSells things.\n", name, text),
            ["allocator-unset"],
            "{name}"
        );
        assert!(
            said("# Shop\n\n**Shop** is a sample app.\n", name, text).is_empty(),
            "{name}"
        );
        assert!(
            said("# Shop\n\nThis repository is archived.\n", name, text).is_empty(),
            "{name}"
        );
    }
}

#[test]
fn nothing_is_said_of_pods_on_windows() {
    let linux = pod("containers:\n- {name: x, image: shop, command: [gunicorn, 'app:app']}\n");
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

#[test]
fn the_pod_of_a_clowdapp_is_a_container() {
    let app = "apiVersion: cloud.redhat.com/v1alpha1\nkind: ClowdApp\nmetadata: {name: shop}\nspec:\n  deployments:\n  - name: api\n    podSpec:\n      image: quay.io/me/shop\n      command: [gunicorn, 'app:app']\n      env:\n      - {name: MALLOC_ARENA_MAX, value: two}\n";
    assert_eq!(alone("clowdapp.yaml", app).0, ["glibc-tunable-bad-value"]);
}

#[test]
fn parameters_of_a_template_name_the_image() {
    let template = |value: &str| {
        format!(
            "apiVersion: template.openshift.io/v1\nkind: Template\nparameters:\n- {{name: TAG, value: '1'}}\n- {{name: IMAGE{value}}}\nobjects:\n- apiVersion: cloud.redhat.com/v1alpha1\n  kind: ClowdApp\n  spec:\n    deployments:\n    - podSpec: {{image: '${{IMAGE}}:${{TAG}}', command: [gunicorn, 'app:app']}}\n    - podSpec: {{image: '${{IMAGE}}:${{TAG}}', command: [celery, worker]}}\n"
        )
    };
    let of = |value: &str| {
        let tuned = TUNED.to_owned() + "CMD [\"gunicorn\", \"app:app\"]\n";
        within(
            &[
                ("shop/Dockerfile", &tuned),
                ("deploy/app.yaml", &template(value)),
            ],
            "deploy/app.yaml",
        )
    };
    assert!(of(", value: quay.io/me/shop").is_empty());
    // One image lacks a setting once, however many containers run it.
    assert_eq!(of(""), ["allocator-unset"]);
}

#[test]
fn lists_of_variables_are_merged_in_objects_that_the_server_knows() {
    let twice = "containers:\n- name: x\n  image: shop\n  env:\n  - {name: A, value: '1'}\n  - {name: A, value: '1'}\n";
    let noted = |text: &str| {
        let file = SourceFile::new("a.yaml", text.as_bytes().to_vec());
        let findings = engine::check(&file, &Nowhere, Style::default()).findings;
        assert_eq!(rules(&findings), ["env-duplicate"]);
        findings[0]
            .notes
            .iter()
            .any(|note| note.contains("merged by name"))
    };
    let pod = pod(twice);
    assert!(noted(&pod));
    assert!(!noted(
        &pod.replace("apiVersion: v1", "apiVersion: argoproj.io/v1alpha1")
    ));
}

fn bake_json() -> String {
    let target = "{\"context\": \"src\", \"dockerfile\": \"Odd.Dockerfile\", \"target\": \"tuned\", \"tags\": [\"ghcr.io/me/shop-front\"]}";
    format!("{{\"target\": {{\"x\": {target}}}}}\n")
}

#[test]
fn variables_come_from_config_maps_of_other_files() {
    let refers = pod(
        "containers:\n- name: x\n  image: python:3.12-slim\n  command: [gunicorn, 'app:app']\n  envFrom:\n  - configMapRef: {name: settings}\n",
    );
    let map = |value: &str| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata:\n  MALLOC_ARENA_MAX: \"{value}\"\n"
        )
    };
    let of = |maps: &[(&str, &str)]| {
        let files = [&[("k8s/pod.yaml", refers.as_str())], maps].concat();
        within(&files, "k8s/pod.yaml")
    };
    // What is not seen may set anything.
    assert!(of(&[]).is_empty());
    assert!(of(&[("k8s/settings.yaml", &map("2"))]).is_empty());
    assert_eq!(
        of(&[("k8s/settings.yaml", &map("two"))]),
        ["glibc-tunable-bad-value"]
    );
    assert_eq!(
        of(&[("other/settings.yaml", &map("two"))]),
        ["glibc-tunable-bad-value"]
    );
    let empty = map("2").replace("MALLOC_ARENA_MAX", "LOG");
    assert_eq!(of(&[("k8s/settings.yaml", &empty)]), ["allocator-unset"]);
    // Which of two is applied cannot be told; that of the same folder is.
    assert!(
        of(&[
            ("a/settings.yaml", &map("two")),
            ("b/settings.yaml", &map("two"))
        ])
        .is_empty()
    );
    assert_eq!(
        of(&[
            ("k8s/settings.yaml", &map("two")),
            ("b/settings.yaml", &map("2"))
        ]),
        ["glibc-tunable-bad-value"]
    );
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
        &format!("{TUNED}CMD [\"gunicorn\", \"app:app\"]\n"),
    );
    let image = "image: ghcr.io/me/shop-front:1.2";
    write(
        "k8s/pod.yaml",
        &pod(&format!(
            "containers:\n- name: x\n  {image}\n  command: [gunicorn, 'app:app']\n"
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
        "containers:\n- name: api\n  image: ghcr.io/me/my-api:1\n  command: [gunicorn, 'app:app']\n",
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
    let untuned = "FROM python:3.12-slim-bookworm\nCOPY . .\nCMD [\"gunicorn\", \"app:app\"]\n";
    let files = [
        ("api/Dockerfile", untuned),
        ("compose.yaml", "services:\n  api:\n    build: api\n"),
    ];
    assert!(within(&files, "compose.yaml").is_empty());
    assert_eq!(within(&files, "api/Dockerfile"), ["allocator-unset"]);
}

#[test]
fn variables_come_from_files_beside_and_defaults() {
    let of = |compose: &str, env: &str| {
        let files = [
            ("api/Dockerfile", TUNED.trim_end_matches("COPY . .\n")),
            ("compose.yaml", compose),
            (".env", env),
            ("api.env", env),
        ];
        within(&files, "compose.yaml")
    };
    let interpolated = "services:\n  api:\n    build: api\n    environment:\n      LD_PRELOAD: ${LIB:-libjemalloc.so.2}\n";
    assert!(of(interpolated, "").is_empty());
    assert_eq!(
        of(interpolated, "LIB=libjemalloc.so.9\n"),
        ["preload-wrong-soname"]
    );
    let file = "services:\n  api:\n    build: api\n    env_file: api.env\n";
    assert_eq!(
        of(file, "LD_PRELOAD=libjemalloc.so.9\n"),
        ["preload-wrong-soname"]
    );
}

#[test]
fn comments_and_annotations_silence() {
    let fault = "containers:\n- name: a\n  image: x/y:1\n  env:\n  - name: A\n    value: 1";
    assert_eq!(alone("a.yaml", &pod(fault)).0, ["env-not-string"]);
    let behind = pod(&format!(
        "{fault}  # malloclint: ignore[env-not-string] quoted later"
    ));
    assert!(alone("a.yaml", &behind).0.is_empty());
    let above = pod(&fault.replace(
        "- name: a\n",
        "# malloclint: ignore[env-not-string]\n- name: a\n",
    ));
    assert!(alone("a.yaml", &above).0.is_empty());
    let whole = format!("# malloclint: ignore[env-not-string]\n{}", pod(fault));
    assert!(alone("a.yaml", &whole).0.is_empty());
    let annotated = pod(fault).replace(
        "  name: a\n",
        "  name: a\n  annotations:\n    malloclint.dev/ignore: env-not-string\n",
    );
    assert!(alone("a.yaml", &annotated).0.is_empty());
    let unused = pod(&format!(
        "# malloclint: ignore[env-duplicate]\n{}",
        fault.replace('1', "'1'")
    ));
    assert_eq!(alone("a.yaml", &unused).0, ["suppression-unused"]);
}

#[test]
fn charts_and_broken_files_are_told_apart() {
    let plain = pod("containers:\n- {name: x, image: x, command: [gunicorn, 'app:app']}\n");
    assert!(
        alone("pod.tftpl.yaml", &plain).1.is_some() && alone("pod.prod.yaml", &plain).1.is_none()
    );
    let named = plain.replace("name: a", "name: \"a-{endpoint}\"");
    assert!(
        alone("a.yaml", &named)
            .1
            .unwrap()
            .contains("render it first")
    );
    for placeholder in ["__SPEC__", "@SPEC@", "%spec%", "${SPEC}", "<spec>"] {
        let broken = format!("apiVersion: v1\nkind: Pod\n  {placeholder}\nspec: {{\n");
        let (rules, skipped) = alone("a.yaml", &broken);
        assert!(rules.is_empty() && skipped.is_some(), "{placeholder}");
    }
    let chart = pod("containers:\n- name: a\n  image: {{ .Values.image }}\n");
    assert!(alone("a.yaml", &chart).1.unwrap().contains("helm template"));
    assert_eq!(
        alone("a.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n").0,
        ["unreadable-input"]
    );
    assert!(
        alone("tests/a.yaml", "apiVersion: v1\nkind: Pod\nspec: [\n")
            .1
            .is_some()
    );
    assert_eq!(alone("a.yaml", "a: \u{0}\n").0.len(), 1);
}

#[test]
fn texts_that_are_made_to_grow_do_not() {
    let mut shared = "apiVersion: v1\nkind: Pod\nx: &e\n".to_owned();
    (0..3000).for_each(|at| writeln!(shared, "- {{name: A{at}, value: b}}").unwrap());
    shared.push_str("spec:\n  containers:\n");
    (0..3000).for_each(|_| shared.push_str("  - {name: a, image: x/y, env: *e}\n"));
    let mut doubled =
        pod("containers:\n- name: a\n  image: x/y\n  env:\n  - name: A\n    value: aaaaaaaaaa\n");
    (0..300).for_each(|_| doubled.push_str("    - name: A\n      value: $(A)$(A)\n"));
    let mut twice = pod("containers:\n- name: a\n  image: x/y\n  env:\n");
    (0..30_000).for_each(|_| twice.push_str("    - name: A\n      value: '1'\n"));
    let mut bomb = pod("containers:\n- name: a\n  image: x/y\n") + "a0: &a0 [x, x]\n";
    (1..40).for_each(|at| writeln!(bomb, "a{at}: &a{at} [*a{0}, *a{0}]", at - 1).unwrap());
    let mut merged = pod("containers:\n- name: a\n  image: x/y\n") + "m0: &m0 {a: 1}\n";
    (1..40)
        .for_each(|at| writeln!(merged, "m{at}: &m{at} {{<<: [*m{0}, *m{0}]}}", at - 1).unwrap());
    merged.push_str("b:\n  containers:\n  - <<: *m39\n    name: b\n    image: x/y\n");
    for text in [shared, doubled, twice, bomb, merged] {
        let (found, skipped) = alone("a.yaml", &text);
        assert!(skipped.is_none() && found.len() <= 1, "{found:?}");
    }
    let mut chain = "services:\n".to_owned();
    (0..3000).for_each(|at| {
        writeln!(chain, "  s{at}:\n    extends: s{}\n    image: x/y", at + 1).unwrap();
    });
    assert!(alone("compose.yaml", &chain).0.is_empty());
    assert!(
        alone(
            "compose.yaml",
            "services:\n  a:\n    extends: b\n  b:\n    extends: a\n"
        )
        .0
        .is_empty()
    );
    for deep in ["[", "{a: ", "- "] {
        let text = pod("containers:\n- name: a\n  image: x/y\n") + "x:\n  " + &deep.repeat(20_000);
        assert_eq!(alone("a.yaml", &text).0, ["unreadable-input"]);
    }
    let keys: String = (0..33_000).fold(pod("containers: []\n"), |text, at| {
        text + &format!("k{at}: v\n")
    });
    assert!(alone("a.yaml", &keys).0.is_empty());
}
