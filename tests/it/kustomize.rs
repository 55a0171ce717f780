//! Kustomizations put together, against what `kustomize build` makes of them.
//!
//! `tests/kustomizations/*/built.txt` was written by kustomize 5.6.0 (`tests/kustomizations/build.sh` writes it anew).
//! `MALLOCLINT_KUSTOMIZE_FOLDER` names another folder with such files, of public repositories.
//! Every container that it knows must be ours with the same image, command and variables, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use malloclint::internals::manifests::Sheet;
use malloclint::internals::manifests::kubernetes;
use malloclint::internals::model::{Container, Setting};
use malloclint::internals::project::{self, Disk, Project, Roots};
use malloclint::internals::templates::Style;
use malloclint::internals::text::SourceFile;
use malloclint::internals::yaml;
use malloclint::internals::{check, fix};

/// What a container is, as far as kustomizations change it.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    image: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    env: Vec<(String, String)>,
    /// What comes from ConfigMaps, which have no order.
    others: BTreeMap<String, String>,
}

fn seen(container: &Container) -> String {
    let listed = |setting: &Setting| {
        let file = &setting.place.file;
        file.text(setting.place.span).contains("name")
    };
    let (mut env, mut others) = (Vec::new(), BTreeMap::new());
    for (name, setting) in &container.env {
        let value = setting.value.text.as_str().to_owned();
        if listed(setting) {
            env.push((name.clone(), value));
        } else {
            others.insert(name.clone(), value);
        }
    }
    let seen = Seen {
        image: container.image.as_ref().map(|image| image.text.clone()),
        entrypoint: container
            .entrypoint
            .as_ref()
            .map(|words| words.words.clone()),
        cmd: container.cmd.as_ref().map(|words| words.words.clone()),
        env,
        others,
    };
    format!("{} {seen:#?}", container.name)
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// What `kustomize` built, without the suffixes that it gives generated ConfigMaps.
fn theirs(folder: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(folder.join("built.txt")).unwrap();
    let file = SourceFile::new("built.yaml", text.clone().into_bytes());
    let tree = yaml::read(&text).unwrap();
    let sheet = Sheet {
        file: &file,
        text: &text,
        tree: &tree,
    };
    let containers = kubernetes::read(sheet).into_iter();
    containers.map(|(container, _)| seen(&container)).collect()
}

fn ours(case: &Path, root: &Path) -> BTreeSet<String> {
    let mut all = Vec::new();
    files(case, &mut all);
    let disk = Disk::below(Roots::of(&[case.to_path_buf()], None));
    let project = Project::of(&disk);
    let mut found = BTreeSet::new();
    for path in all {
        let file = project::read(&path).unwrap();
        for build in project.builds(&file) {
            if Path::new(&build.root).parent() != Some(root) {
                continue;
            }
            for (container, _) in &build.containers {
                let (name, place) = (&container.name, &container.place);
                assert!(
                    place.span.end <= place.file.bytes.len(),
                    "{name} stands outside its file"
                );
                for (variable, setting) in &container.env {
                    // What is verbatim stands there, byte for byte.
                    let text = &setting.value.text;
                    let length = text.as_str().len();
                    if length > 0 && text.is_verbatim(0..length) {
                        let span = text.whole().unwrap();
                        assert_eq!(setting.place.file.text(span), text.as_str(), "{variable}");
                    }
                }
                found.insert(seen(container));
            }
        }
    }
    found
}

#[test]
fn what_is_built_is_what_kustomize_builds() {
    let top = std::env::var_os("MALLOCLINT_KUSTOMIZE_FOLDER");
    let top = top.map_or_else(|| PathBuf::from("tests/kustomizations"), PathBuf::from);
    let (mut cases, mut wrong) = (0, Vec::new());
    let mut all = Vec::new();
    files(&top, &mut all);
    for built in all.iter().filter(|path| path.ends_with("built.txt")) {
        let root = built.parent().unwrap();
        let case = top.join(
            root.strip_prefix(&top)
                .unwrap()
                .components()
                .next()
                .unwrap(),
        );
        let theirs = theirs(root);
        let ours = ours(&case, root);
        // What others build upon, or tests, is never looked at by itself.
        if ours.is_empty() {
            continue;
        }
        let extra: Vec<_> = ours.difference(&theirs).collect();
        let missing: Vec<_> = theirs.difference(&ours).collect();
        if !extra.is_empty() || !missing.is_empty() {
            wrong.push(format!(
                "{}: {extra:#?} instead of {missing:#?}",
                root.display()
            ));
        }
        cases += 1;
    }
    assert!(
        wrong.is_empty(),
        "{} of {cases}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(cases >= 7, "{cases} cases");
}

/// A project in a folder of its own, with what is found in it.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::Builder::new().prefix("shop").tempdir().unwrap();
        std::fs::create_dir(folder.path().join(".git")).unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn disk(&self) -> Disk {
        Disk::below(Roots::of(&[self.0.path().to_path_buf()], None))
    }

    /// The rules that speak about a file, each with its line.
    fn check(&self, name: &str) -> Vec<(&'static str, usize)> {
        let path = self.0.path().join(name);
        let found = project::find(&[self.0.path().to_path_buf()]).files;
        assert!(found.contains(&path), "{name} is not found");
        let file = project::read(&path).unwrap();
        let checked = check::check(&file, &Project::of(&self.disk()), Style::default());
        let findings = checked.findings.iter();
        findings
            .map(|finding| (finding.rule, finding.place.line()))
            .collect()
    }

    /// A file after all that may be fixed, and why the rest may not.
    fn fix(&self, name: &str) -> (String, Vec<String>) {
        let file = project::read(&self.0.path().join(name)).unwrap();
        let options = fix::Options {
            advice: true,
            unsafe_too: true,
            ..fix::Options::default()
        };
        let fixed = fix::fix(&file, &Project::of(&self.disk()), &options);
        let text = String::from_utf8(fixed.after.bytes.clone()).unwrap();
        (
            text,
            fixed.left.into_iter().map(|left| left.reason).collect(),
        )
    }
}

const DEPLOYMENT: &str = "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec:
      containers:
      - name: web
        image: python:3.12-slim
        command: [gunicorn, --threads, '8', 'app:app']
        env:
        - name: A
          value: a
";

fn patch(env: &str) -> String {
    let head = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n      containers:\n      - name: web\n        env:\n";
    format!("{head}{env}")
}

#[test]
fn an_overlay_that_sets_the_allocator_speaks_for_its_base() {
    let base = ("base/deployment.yaml", DEPLOYMENT);
    let named = ("base/kustomization.yaml", "resources: [deployment.yaml]\n");
    let overlay = "resources: [../base]\npatches:\n- path: patch.yaml\n";
    let alone = Folder::new(&[base, named]);
    assert_eq!(alone.check(base.0), [("allocator-unset", 10)]);
    let set = patch("        - name: MALLOC_ARENA_MAX\n          value: '2'\n");
    let one = [
        base,
        named,
        ("prod/kustomization.yaml", overlay),
        ("prod/patch.yaml", &set),
    ];
    let project = Folder::new(&one);
    assert_eq!(project.check(base.0), []);
    assert_eq!(project.check("prod/patch.yaml"), []);
    // Another build goes without: whether the file lacks it depends, so nothing is said.
    let two = [
        one.as_slice(),
        &[("other/kustomization.yaml", "resources: [../base]\n")],
    ]
    .concat();
    assert_eq!(Folder::new(&two).check(base.0), []);
}

#[test]
fn a_patch_is_judged_with_what_it_is_laid_over() {
    let wrong = patch("        - name: LD_PRELOAD\n          value: libjemalloc.so.2, libx.so\n");
    let project = Folder::new(&[
        ("base/deployment.yaml", DEPLOYMENT),
        ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        (
            "prod/kustomization.yaml",
            "resources: [../base]\npatches:\n- path: patch.yaml\n",
        ),
        ("prod/patch.yaml", &wrong),
    ]);
    let rules = project.check("prod/patch.yaml");
    assert!(rules.iter().any(|(_, line)| *line == 11), "{rules:?}");
    assert_eq!(project.check("base/deployment.yaml"), []);
}

#[test]
fn a_number_is_quoted_where_it_stands() {
    let number = "        - name: MALLOC_ARENA_MAX\n          value: 2\n";
    let indented: String = patch(number)
        .lines()
        .map(|line| format!("    {line}\n"))
        .collect();
    let inline = format!(
        "resources: [../base]\npatches:\n- patch: |-\n{indented}  target: {{kind: Deployment}}\n"
    );
    let ops = "- op: add\n  path: /spec/template/spec/containers/0/env/-\n  value:\n    name: MALLOC_ARENA_MAX\n    value: 2\n";
    let json: String = ops.lines().map(|line| format!("    {line}\n")).collect();
    let project = Folder::new(&[
        ("base/deployment.yaml", DEPLOYMENT),
        ("base/kustomization.yaml", "resources: [deployment.yaml]\n"),
        (
            "file/kustomization.yaml",
            "resources: [../base]\npatches:\n- path: patch.yaml\n",
        ),
        ("file/patch.yaml", &patch(number)),
        ("inline/kustomization.yaml", &inline),
        (
            "ops/kustomization.yaml",
            "resources: [../base]\npatches:\n- path: ops.yaml\n  target: {kind: Deployment}\n",
        ),
        ("ops/ops.yaml", ops),
        (
            "json/kustomization.yaml",
            &format!(
                "resources: [../base]\npatches:\n- target: {{kind: Deployment}}\n  patch: |\n{json}"
            ),
        ),
    ]);
    for (name, line) in [
        ("file/patch.yaml", 11),
        ("inline/kustomization.yaml", 14),
        ("ops/ops.yaml", 5),
        ("json/kustomization.yaml", 9),
    ] {
        assert_eq!(project.check(name), [("env-not-string", line)], "{name}");
        let before = std::fs::read_to_string(project.0.path().join(name)).unwrap();
        let (after, left) = project.fix(name);
        assert_eq!(
            after,
            before.replace("value: 2\n", "value: \"2\"\n"),
            "{name}: {left:?}"
        );
    }
}

#[test]
fn what_a_generator_brings_is_reported_in_the_kustomization() {
    let refers = DEPLOYMENT.replace(
        "        env:\n        - name: A\n          value: a\n",
        "        envFrom:\n        - configMapRef: {name: settings}\n",
    );
    let generator = "resources: [deployment.yaml]\nconfigMapGenerator:\n- name: settings\n  literals:\n  - LD_PRELOAD=libjemalloc.so.2\n";
    let project = Folder::new(&[
        ("deployment.yaml", &refers),
        ("kustomization.yaml", generator),
    ]);
    assert_eq!(project.check("deployment.yaml"), []);
    let rules = project.check("kustomization.yaml");
    assert!(
        rules.iter().all(|(_, line)| *line == 5) && !rules.is_empty(),
        "{rules:?}"
    );
}

#[test]
fn kustomizations_that_name_each_other_or_what_is_not_there_end() {
    let project = Folder::new(&[
        (
            "a/kustomization.yaml",
            "resources: [../b, ../a, nothing.yaml, 'https://example.com/x?ref=1', deployment.yaml]\n# ontainers: \n",
        ),
        (
            "b/kustomization.yaml",
            "resources: [../a]\npatches: [{path: deployment.yaml}, {patch: 'x: ['}, {target: {name: '('}, patch: '- {op: add, path: /, value: 1}'}]\n# ontainers:\n",
        ),
        ("a/deployment.yaml", DEPLOYMENT),
    ]);
    project.check("a/kustomization.yaml");
    project.check("b/kustomization.yaml");
    project.check("a/deployment.yaml");
}

#[test]
fn long_lists_and_many_operations_end() {
    let env: String = (0..8_000)
        .map(|at| format!("        - name: V{at}\n          value: v\n"))
        .collect();
    let long = DEPLOYMENT.replace("        - name: A\n          value: a\n", &env);
    let ops =
        "- {op: add, path: /spec/template/spec/containers/0/env/0, value: {name: X, value: x}}\n"
            .repeat(2_500);
    let project = Folder::new(&[
        ("deployment.yaml", &long),
        ("long.yaml", &long),
        ("ops.yaml", &ops),
        (
            "kustomization.yaml",
            "resources: [deployment.yaml]\npatches:\n- path: long.yaml\n- path: ops.yaml\n  target: {kind: Deployment}\n",
        ),
    ]);
    project.check("deployment.yaml");
    project.check("ops.yaml");
    let nested = format!("{}x{}", "{a: ".repeat(100), "}".repeat(100));
    let bomb = format!(
        "kind: Deployment\nmetadata: {{name: web}}\nspec: &s\n  a: {nested}\n  b: *s\n  template: *s\n"
    );
    let patch = format!("apiVersion: apps/v1\n{bomb}");
    let project = Folder::new(&[
        ("deployment.yaml", DEPLOYMENT),
        ("patch.yaml", &patch),
        (
            "kustomization.yaml",
            "resources: [deployment.yaml, patch.yaml]\npatches: [{path: patch.yaml}, {path: patch.yaml, target: {name: '.*'}}]\nimages: [{name: python, newTag: '3'}]\n",
        ),
    ]);
    project.check("deployment.yaml");
}
