//! Manifests and Compose files through the library: links to Dockerfiles, suppression, what is left alone,
//! and texts that are made to grow.

mod links;
mod purposes;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use malloclint::internals::check;
use malloclint::internals::finding::Finding;
use malloclint::internals::project::{self, Disk, Project, Roots};
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;

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
    let checked = check::check(&file, &Project::of(&Nowhere), Style::default());
    (rules(&checked.findings), checked.skipped)
}

/// A repository of that name.
fn repository(name: &str, files: &[(&str, &str)]) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::Builder::new().prefix("shop").tempdir().unwrap();
    let top = folder.path().join(name);
    for (path, text) in files {
        let path = top.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    std::fs::create_dir(top.join(".git")).unwrap();
    (folder, top)
}

/// The rules that speak about one file of a project.
fn within(files: &[(&str, &str)], name: &str) -> Vec<&'static str> {
    let (_folder, top) = repository("corner", files);
    let file = project::read(&top.join(name)).unwrap();
    let found = project::find(std::slice::from_ref(&top)).files;
    assert!(
        found.iter().any(|path| path.ends_with(Path::new(name))),
        "{name} is not found"
    );
    rules(
        &check::check(
            &file,
            &Project::of(&Disk::below(Roots::of(std::slice::from_ref(&top), None))),
            Style::default(),
        )
        .findings,
    )
}

#[test]
fn the_pod_of_a_clowdapp_is_a_container() {
    let app = "apiVersion: cloud.redhat.com/v1alpha1\nkind: ClowdApp\nmetadata: {name: shop}\nspec:\n  deployments:\n  - name: api\n    podSpec:\n      image: quay.io/me/shop\n      command: [gunicorn, --threads, '8', 'app:app']\n      env:\n      - {name: MALLOC_ARENA_MAX, value: two}\n";
    assert_eq!(alone("clowdapp.yaml", app).0, ["glibc-tunable-bad-value"]);
}

#[test]
fn lists_of_variables_are_merged_in_objects_that_the_server_knows() {
    let twice = "containers:\n- name: x\n  image: shop\n  env:\n  - {name: A, value: '1'}\n  - {name: A, value: '1'}\n";
    let noted = |text: &str| {
        let file = SourceFile::new("a.yaml", text.as_bytes().to_vec());
        let findings = check::check(&file, &Project::of(&Nowhere), Style::default()).findings;
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

#[test]
fn variables_come_from_config_maps_of_other_files() {
    let refers = pod(
        "containers:\n- name: x\n  image: python:3.12-slim\n  command: [gunicorn, --threads, '8', 'app:app']\n  envFrom:\n  - configMapRef: {name: settings}\n",
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
    // What is not seen may set something: advice, with the reason.
    assert_eq!(of(&[]), ["allocator-unset"]);
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
    assert_eq!(
        of(&[
            ("a/settings.yaml", &map("two")),
            ("b/settings.yaml", &map("two"))
        ]),
        ["allocator-unset"]
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
    let until = |day: &str| {
        let list = format!("ignore: \"env-not-string, env-duplicate until={day}\"");
        alone(
            "a.yaml",
            &annotated.replace("ignore: env-not-string", &list),
        )
        .0
    };
    assert_eq!(until("2100-01-01"), ["suppression-unused"]);
    assert_eq!(
        until("2020-01-01"),
        ["suppression-expired", "env-not-string"]
    );
    assert_eq!(
        until("May"),
        ["suppression-malformed", "suppression-unused"]
    );
    let unused = pod(&format!(
        "# malloclint: ignore[env-duplicate]\n{}",
        fault.replace('1', "'1'")
    ));
    assert_eq!(alone("a.yaml", &unused).0, ["suppression-unused"]);
}

#[test]
fn charts_and_broken_files_are_told_apart() {
    let plain =
        pod("containers:\n- {name: x, image: x, command: [gunicorn, --threads, '8', 'app:app']}\n");
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
    let gap = "apiVersion: v1\nkind: Pod\nspec:\n  containers: [${CONTAINERS}]\n";
    assert!(alone("a.yaml", gap).1.is_some());
    // uc-cdis/cloud-automation, kube/services: `gen3 gitops filter` fills these in.
    for gap in [
        "APP_DATE_LABEL",
        "APP_REGION|-value: \"eu\"-| # the default",
    ] {
        let broken =
            format!("apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  {gap}\nspec: {{}}\n");
        assert!(alone("a.yaml", &broken).1.is_some(), "{gap}");
    }
    // bcgov/foi-flow, openshift/templates/backup/copy-to-s3/deploy-job.yaml.
    let masked =
        "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: ****-prod\nspec: {}\n";
    assert!(alone("a.yaml", masked).1.is_some());
    let forgotten =
        "services:\n  api:\n    image: x\n    environment:\n      A: b\n      DATABASE_URL\n";
    assert_eq!(alone("compose.yaml", forgotten).0, ["unreadable-input"]);
    // GoogleCloudPlatform/professional-services, examples/tf-load-testing/tensorflow.
    let braces =
        pod("containers:\n- name: a\n  image: x/y:1\n  env:\n  - name: A\n    value: {model}\n");
    assert!(alone("a.yaml", &braces).1.is_some());
    let elsewhere =
        "apiVersion: v1\nkind: Pod\nmetadata: {name: \"${NAME}\"}\nspec:\n  containers: [}]\n";
    assert_eq!(alone("a.yaml", elsewhere).0, ["unreadable-input"]);
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
