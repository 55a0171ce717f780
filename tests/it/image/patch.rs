//! `image patch`: what comes out of an image, and what is refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::elf::{self, Told};
use super::layout::{Entry, INDEX, Layout, gzip, hex, layer, zstd};
use super::{RELEASE, SERVER, base, check, is_fine, packed, refused};
use crate::support::run::{Run, finish, folder, program, run_limited};

const LIBRARY: &str = "usr/lib/x86_64-linux-gnu/libjemalloc.so.2";
const GLIBC: Told<'_> = Told {
    soname: "libc.so.6",
    needs: &[],
    wants: &[],
    has: &["GLIBC_2.2.5", "GLIBC_2.36", "GLIBC_2.34"],
};

/// A jemalloc for glibc, as Debian 12 builds it.
fn jemalloc(machine: u8) -> Vec<u8> {
    let told = Told {
        soname: "libjemalloc.so.2",
        needs: &["libc.so.6"],
        wants: &["GLIBC_2.2.5", "GLIBC_2.34"],
        has: &[],
    };
    elf::library(machine, told)
}

/// Debian 12 with Python, and without jemalloc.
pub(super) fn bare(machine: u8, triplet: &str) -> Vec<u8> {
    let libc = elf::library(machine, GLIBC);
    let libc_path = format!("usr/lib/{triplet}/libc.so.6");
    layer(&[
        Entry::Symlink("lib", "usr/lib"),
        Entry::File("usr/lib/os-release", RELEASE),
        Entry::File(
            "var/lib/dpkg/status",
            b"Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n",
        ),
        Entry::File(&libc_path, &libc),
        Entry::File("usr/bin/python3.11", &libc),
        Entry::Symlink("usr/bin/python3", "python3.11"),
    ])
}

pub(super) fn started(env: &[&str]) -> Value {
    json!({
        "Env": env, "Cmd": SERVER, "Healthcheck": {"Test": ["CMD", "true"], "Interval": 30_000_000_000_u64},
        "ArgsEscaped": true, "OnBuild": ["RUN x"],
    })
}

pub(super) const PATH: &str = "PATH=/usr/bin:/bin";

/// A folder with the image `oci:app:1`, made by `make`, and libraries for two machines.
pub(super) fn prepared(make: impl FnOnce(&mut Layout) -> Value) -> tempfile::TempDir {
    let folder = libraries();
    let mut layout = Layout::at(&folder.path().join("app"));
    let root = make(&mut layout);
    layout.tag(root, "1");
    folder
}

/// A folder with libraries for two machines.
pub(super) fn libraries() -> tempfile::TempDir {
    let folder = folder([]);
    for (name, machine) in [("amd64", 62), ("arm64", 183)] {
        let own = folder.path().join(name);
        fs::create_dir(&own).unwrap();
        fs::write(own.join("libjemalloc.so.2"), jemalloc(machine)).unwrap();
    }
    folder
}

fn plain(env: &[&str]) -> tempfile::TempDir {
    prepared(|layout| layout.image("amd64", &started(env), &[bare(62, "x86_64-linux-gnu")]))
}

const AMD64: &str = "--library=amd64/libjemalloc.so.2";
const ARM64: &str = "--library=arm64/libjemalloc.so.2";
pub(super) const ARM64_AND_AMD64: [&str; 2] = [AMD64, ARM64];

pub(super) fn patch(folder: &Path, arguments: &[&str]) -> Run {
    run_limited(folder, ["image", "patch"].iter().chain(arguments))
}

/// The digest that a run printed, and nothing else.
pub(super) fn digest(run: &Run) -> String {
    assert_eq!(run.code, Some(0), "{}", run.err);
    let digest = run.out.strip_suffix('\n').unwrap();
    assert!(
        digest.starts_with("sha256:") && !digest.contains('\n'),
        "{digest}"
    );
    digest.to_owned()
}

fn json_of(layout: &Path, digest: &str) -> Value {
    let bytes = fs::read(layout.join("blobs").join(digest.replace(':', "/"))).unwrap();
    assert_eq!(format!("sha256:{}", hex(&bytes)), digest);
    serde_json::from_slice(&bytes).unwrap()
}

/// The manifest and the configuration of an image.
fn image(layout: &Path, digest: &str) -> (Value, Value) {
    let manifest = json_of(layout, digest);
    let config = json_of(layout, manifest["config"]["digest"].as_str().unwrap());
    (manifest, config)
}

fn index(layout: &Path) -> Value {
    serde_json::from_slice(&fs::read(layout.join("index.json")).unwrap()).unwrap()
}

/// All files below a folder, and what they hold.
fn all(folder: &Path) -> BTreeSet<(String, Vec<u8>)> {
    let mut found = BTreeSet::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => open.push(path),
                false => {
                    let bytes = fs::read(&path).unwrap();
                    found.insert((path.display().to_string(), bytes));
                }
            }
        }
    }
    found
}

#[test]
fn jemalloc_comes_into_force_and_all_else_stays() {
    let folder = plain(&[PATH, "A=<1>"]);
    let at = folder.path();
    let run = patch(at, &["oci:app:1", "-o", "oci:out/new:2", AMD64]);
    let root = digest(&run);
    assert!(run.err.contains("signatures"), "{}", run.err);
    is_fine(&check(at, &["oci:out/new:2"]));
    let out = at.join("out/new");
    let before = index(&at.join("app"))["manifests"][0]["digest"]
        .as_str()
        .unwrap()
        .to_owned();
    let named = &index(&out)["manifests"][0];
    assert_eq!(
        (
            &named["digest"],
            &named["annotations"]["org.opencontainers.image.ref.name"]
        ),
        (&json!(root), &json!("2"))
    );
    let (old_manifest, old_config) = image(&at.join("app"), &before);
    let (manifest, config) = image(&out, &root);
    let layers = manifest["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 2);
    assert_eq!(layers[0], old_manifest["layers"][0]);
    assert_eq!(layers[1]["mediaType"], layers[0]["mediaType"]);
    assert_eq!(
        manifest["annotations"]["org.opencontainers.image.base.digest"],
        json!(before)
    );
    let env: Vec<&str> = config["config"]["Env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|pair| pair.as_str().unwrap())
        .collect();
    assert_eq!(env[..3], [PATH, "A=<1>", "LD_PRELOAD=libjemalloc.so.2"]);
    assert!(env[3].starts_with("MALLOC_CONF=narenas:1,"), "{env:?}");
    for field in ["Healthcheck", "ArgsEscaped", "OnBuild", "Cmd"] {
        assert_eq!(config["config"][field], old_config["config"][field]);
    }
    // The base layer is the very file that it was.
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let blob = layers[0]["digest"].as_str().unwrap().replace(':', "/");
        let number = |layout: &Path| {
            fs::metadata(layout.join("blobs").join(&blob))
                .unwrap()
                .ino()
        };
        assert_eq!(number(&out), number(&at.join("app")));
    }
    // Nothing unfinished is left.
    assert_eq!(fs::read_dir(at.join("out")).unwrap().count(), 1);
}

/// Whoever changes what is written changes this, and says so: two machines with two versions write two images.
#[test]
fn an_input_that_was_recorded_has_the_digest_that_was_recorded() {
    let folder = prepared(two);
    let at = folder.path();
    let own = at.join("debs");
    fs::create_dir(&own).unwrap();
    for (machine, arch) in [(62, "amd64"), (183, "arm64")] {
        let file = own.join(format!("libjemalloc2_{arch}.deb"));
        fs::write(file, deb(machine, arch, "libc6 (>= 2.34)", ("", as_it_is))).unwrap();
    }
    let patched = |source: &str, extra: &[&str]| {
        let mut command = program(at);
        command.env("SOURCE_DATE_EPOCH", "1700000000");
        command.args(["image", "patch", source, "-o", "oci:out:1", "--quiet"]);
        digest(&finish(command.args(extra), b""))
    };
    let recorded = "sha256:92fb359221b9159a5e90c11d32262c7758f1a765bafd2a129d548466a6fae658";
    assert_eq!(patched("oci:app:1", &["--deb", "debs"]), recorded);
}

#[test]
fn the_same_image_gives_the_same_digest_and_a_patched_one_stays() {
    let folder = plain(&[PATH]);
    let at = folder.path();
    let first = digest(&patch(at, &["oci:app:1", "-o", "oci:a:1", AMD64]));
    let second = digest(&patch(at, &["oci:app:1", "-o", "oci:b", AMD64]));
    assert_eq!(first, second);
    let run = patch(at, &["oci:a:1", "-o", "oci:c:1", AMD64]);
    assert_eq!(digest(&run), first);
    assert!(
        run.err.contains("linux/amd64: nothing to change"),
        "{}",
        run.err
    );
    assert!(!run.err.contains("signatures"), "{}", run.err);
    let epoch = finish(
        program(at)
            .args([
                "image",
                "patch",
                "--quiet",
                "oci:app:1",
                "-o",
                "oci:d:1",
                AMD64,
            ])
            .env("SOURCE_DATE_EPOCH", "1700000000"),
        b"",
    );
    let epoch_digest = digest(&epoch);
    assert_eq!(epoch.err, "");
    assert_ne!(epoch_digest, first);
    let (_, config) = image(&at.join("d"), &epoch_digest);
    assert_eq!(config["created"], json!("2023-11-14T22:13:20Z"));
}

#[test]
fn the_thread_hook_comes_into_each_python() {
    let folder = prepared(|layout| {
        let libc = elf::library(62, GLIBC);
        let more = layer(&[
            Entry::File("opt/conda/bin/python3.12", &libc),
            Entry::File("opt/conda/lib/python3.12/site-packages/x.py", b""),
            Entry::File("app/.venv/lib/python3.11/site-packages/x.py", b""),
            Entry::File("app/.venv/pyvenv.cfg", b"home = /usr/bin\n"),
            Entry::Symlink("app/.venv/bin/python3", "/usr/bin/python3.11"),
            // One of them has it.
            Entry::File(
                "opt/conda/lib/python3.12/site-packages/jemalloc_thread.py",
                b"x",
            ),
        ]);
        layout.image(
            "amd64",
            &started(&[PATH]),
            &[bare(62, "x86_64-linux-gnu"), more],
        )
    });
    let at = folder.path();
    let hooked = ["--thread-hook", AMD64];
    let run = patch(
        at,
        &[&["oci:app:1", "-o", "oci:out:1"], &hooked[..]].concat(),
    );
    let root = digest(&run);
    is_fine(&check(at, &["oci:out:1"]));
    let files = files_of(&at.join("out"), &root);
    for site in [
        "usr/local/lib/python3.11/dist-packages",
        "opt/conda/lib/python3.12/site-packages",
        "app/.venv/lib/python3.11/site-packages",
    ] {
        let path = format!("{site}/jemalloc_thread.pth");
        let found = files.iter().find(|(own, _)| *own == path);
        let (_, text) = found.unwrap_or_else(|| panic!("{path}: {files:?}"));
        assert_eq!(text, "import jemalloc_thread; jemalloc_thread.install()");
    }
    let (_, config) = image(&at.join("out"), &root);
    let env = config["config"]["Env"].to_string();
    assert!(env.contains("JEMALLOC_THREAD_IN_PYTHON=1"), "{env}");
    let conf = env.split("MALLOC_CONF=").nth(1).unwrap();
    assert!(
        !conf
            .split('"')
            .next()
            .unwrap()
            .contains("background_thread"),
        "{env}"
    );
    // It stays, and comes into what has all else.
    let again = patch(
        at,
        &[&["oci:out:1", "-o", "oci:again:1"], &hooked[..]].concat(),
    );
    assert_eq!(digest(&again), root);
    digest(&patch(at, &["oci:app:1", "-o", "oci:plain:1", AMD64]));
    let later = patch(
        at,
        &[&["oci:plain:1", "-o", "oci:later:1"], &hooked[..]].concat(),
    );
    let (_, config) = image(&at.join("later"), &digest(&later));
    assert_eq!(config["config"]["Env"].to_string(), env);
}

#[test]
fn what_is_there_is_kept_and_completed() {
    let with = |env: &[&str]| {
        let folder = plain(env);
        let root = digest(&patch(
            folder.path(),
            &["oci:app:1", "-o", "oci:out:1", AMD64],
        ));
        let (_, config) = image(&folder.path().join("out"), &root);
        config["config"]["Env"].clone()
    };
    let env = with(&[PATH, "LD_PRELOAD=libgomp.so.1", "MALLOC_CONF=narenas:2"]);
    assert_eq!(
        env,
        json!([
            PATH,
            "LD_PRELOAD=libgomp.so.1:libjemalloc.so.2",
            "MALLOC_CONF=narenas:2"
        ])
    );
    // The library is there, and only its name is missing.
    let folder = prepared(|layout| {
        let env = json!({"Env": [PATH], "Cmd": SERVER});
        layout.image("amd64", &env, &[base()])
    });
    let root = digest(&patch(folder.path(), &["oci:app:1", "-o", "oci:out:1"]));
    let (manifest, config) = image(&folder.path().join("out"), &root);
    assert_eq!(manifest["layers"].as_array().unwrap().len(), 1);
    assert_eq!(
        config["config"]["Env"][1],
        json!("LD_PRELOAD=libjemalloc.so.2")
    );
    is_fine(&check(folder.path(), &["oci:out:1"]));
}

#[test]
fn the_new_layer_is_packed_as_the_others_are() {
    let kind = "application/vnd.oci.image.layer.v1.tar";
    // A layer was recorded with its digest: a compressor that packs otherwise makes another image of the same input.
    let recorded = [
        "sha256:2b5de8d07b20a0239dc8f16e42b74c75d4b35ba2a42a9a682d89e3d557778eea",
        "sha256:1161ba0eab37bff36c0dc8c61074b61cf7b2acb7a2793e98b45251a6a2ae3e7d",
    ];
    let packings = [("+gzip", gzip as Pack), ("+zstd", zstd)];
    for ((ending, pack), recorded) in packings.into_iter().zip(recorded) {
        let folder = prepared(|layout| {
            let plain = bare(62, "x86_64-linux-gnu");
            let stored = layout.blob(&pack(&plain), &format!("{kind}{ending}"));
            let config = json!({
                "architecture": "amd64", "os": "linux", "config": started(&[PATH]), "created": "2024-01-02T03:04:05Z",
                "history": [{"created_by": "x"}],
                "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex(&plain))]},
            });
            let config = layout.blob(
                config.to_string().as_bytes(),
                "application/vnd.oci.image.config.v1+json",
            );
            layout.manifest(&json!({"schemaVersion": 2, "config": config, "layers": [stored]}))
        });
        let at = folder.path();
        let root = digest(&patch(at, &["oci:app:1", "-o", "oci:out:1", AMD64]));
        is_fine(&check(at, &["oci:out:1"]));
        let (manifest, config) = image(&at.join("out"), &root);
        assert_eq!(
            manifest["layers"][1]["mediaType"],
            json!(format!("{kind}{ending}"))
        );
        assert_eq!(manifest["layers"][1]["digest"], json!(recorded));
        let step = &config["history"][1];
        assert_eq!(step["created"], json!("2024-01-02T03:04:05Z"));
        let by = step["created_by"].as_str().unwrap();
        assert!(
            by.starts_with(&format!("malloclint image patch: /{LIBRARY}, LD_PRELOAD=")),
            "{by}"
        );
    }
}

/// An index of two platforms, and what says something of the first.
fn two(layout: &mut Layout) -> Value {
    let mut amd64 = layout.image("amd64", &started(&[PATH]), &[bare(62, "x86_64-linux-gnu")]);
    amd64["platform"] = json!({"architecture": "amd64", "os": "linux"});
    let mut arm64 = layout.image(
        "arm64",
        &started(&[PATH]),
        &[bare(183, "aarch64-linux-gnu")],
    );
    arm64["platform"] = json!({"architecture": "arm64", "os": "linux"});
    let config = layout.blob(b"{}", "application/vnd.oci.image.config.v1+json");
    let mut said = layout.manifest(&json!({"schemaVersion": 2, "config": config, "layers": []}));
    said["platform"] = json!({"architecture": "unknown", "os": "unknown"});
    said["annotations"] = json!({
        "vnd.docker.reference.type": "attestation-manifest",
        "vnd.docker.reference.digest": amd64["digest"],
    });
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": [amd64, arm64, said], "x": 1.5});
    layout.blob(index.to_string().as_bytes(), INDEX)
}

#[test]
fn each_platform_gets_its_own_library() {
    let folder = prepared(two);
    let at = folder.path();
    let run = patch(at, &["oci:app:1", "-o", "oci:out:1", AMD64, ARM64]);
    let root = digest(&run);
    assert!(
        run.err
            .contains("(attestation-manifest) is about an image that is another now"),
        "{}",
        run.err
    );
    is_fine(&check(at, &["oci:out:1"]));
    let index = json_of(&at.join("out"), &root);
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    assert_eq!(index["x"], json!(1.5));
    assert_eq!(
        index["manifests"][1]["platform"]["architecture"],
        json!("arm64")
    );
    // One that is asked for alone needs no index.
    let root = digest(&patch(
        at,
        &[
            "oci:app:1",
            "-o",
            "oci:arm:1",
            "--platform",
            "linux/arm64",
            ARM64,
        ],
    ));
    let (_, config) = image(&at.join("arm"), &root);
    assert_eq!(config["architecture"], json!("arm64"));
    assert_eq!(
        fs::read_dir(at.join("arm/blobs/sha256")).unwrap().count(),
        4
    );
    refused(
        &patch(at, &["oci:app:1", "-o", "oci:none:1", AMD64]),
        "linux/arm64: none of the libraries is for linux/arm64 (`amd64/libjemalloc.so.2` is for amd64)",
    );
    assert!(!at.join("none").exists());
    refused(
        &patch(
            at,
            &[
                "oci:app:1",
                "-o",
                "oci:none:1",
                "--platform",
                "linux/s390x",
                AMD64,
            ],
        ),
        "no image there is for that platform",
    );
}

#[test]
fn other_images_of_a_layout_stay() {
    let folder = plain(&[PATH]);
    let at = folder.path();
    let old = index(&at.join("app"))["manifests"][0].clone();
    // In the very folder that it comes from.
    let root = digest(&patch(
        at,
        &["oci:app:1", "-o", "oci:app:1-jemalloc", AMD64],
    ));
    let now = index(&at.join("app"));
    assert_eq!(now["manifests"][0], old);
    assert_eq!(now["manifests"][1]["digest"], json!(root));
    refused(
        &patch(at, &["oci:app:1", "-o", "oci:app", AMD64]),
        "name this one by a tag",
    );
    assert_eq!(index(&at.join("app")), now);
    let root = digest(&patch(at, &["oci:app:1", "-o", "oci:app:1", AMD64]));
    let now = index(&at.join("app"));
    assert_eq!(now["manifests"][0]["digest"], json!(root));
    assert_eq!(now["manifests"].as_array().unwrap().len(), 2);
    is_fine(&check(at, &["oci:app:1", "oci:app:1-jemalloc"]));
}

/// As `cp -al` makes it: both have the same files.
#[test]
fn a_copy_that_shares_the_files_stays() {
    let folder = plain(&[PATH]);
    let at = folder.path();
    for (path, _) in all(&at.join("app")) {
        let copy = path.replacen("/app/", "/copy/", 1);
        fs::create_dir_all(Path::new(&copy).parent().unwrap()).unwrap();
        fs::hard_link(path, copy).unwrap();
    }
    let before = all(&at.join("copy"));
    digest(&patch(at, &["oci:app:1", "-o", "oci:app:1", AMD64]));
    assert_eq!(all(&at.join("copy")), before);
}

#[test]
fn a_dry_run_says_what_would_come_and_writes_nothing() {
    let folder = plain(&[PATH, "LD_PRELOAD=libgomp.so.1"]);
    let at = folder.path();
    let before = all(at);
    let run = patch(
        at,
        &["oci:app:1", "--dry-run", AMD64, "--goal", "throughput"],
    );
    assert_eq!(run.code, Some(0), "{}", run.err);
    let size = jemalloc(62).len();
    for line in [
        format!("  + /{LIBRARY} ({size} bytes)\n"),
        "  - LD_PRELOAD=libgomp.so.1\n".into(),
        "  + LD_PRELOAD=libgomp.so.1:libjemalloc.so.2\n".into(),
        "  + MALLOC_CONF=narenas:4,".into(),
    ] {
        assert!(run.out.contains(&line), "{line} is not in:\n{}", run.out);
    }
    assert_eq!(all(at), before);
    let root = digest(&patch(
        at,
        &[
            "oci:app:1",
            "-o",
            "oci:out:1",
            AMD64,
            "--goal",
            "throughput",
        ],
    ));
    assert!(run.out.contains(&format!("\n{root} (")), "{}", run.out);
}

#[test]
fn archives_hold_the_same_image() {
    let folder = prepared(two);
    let at = folder.path();
    let both = digest(&patch(
        at,
        &["oci:app:1", "-o", "oci-archive:both.tar:1", AMD64, ARM64],
    ));
    is_fine(&check(at, &["oci-archive:both.tar:1"]));
    refused(
        &patch(
            at,
            &[
                "oci:app:1",
                "-o",
                "docker-archive:both.tar:acme/app",
                AMD64,
                ARM64,
            ],
        ),
        "holds an image for one platform",
    );
    // What was there is there.
    assert_eq!(
        digest(&patch(at, &["oci-archive:both.tar", "-o", "oci:again:1"])),
        both
    );
    let one = ["oci:app:1", "--platform=linux/amd64", AMD64, "-o"];
    let with = |to: &'static str| [one.as_slice(), &[to]].concat();
    let layout = digest(&patch(at, &with("oci:out:1")));
    assert_eq!(
        digest(&patch(at, &with("docker-archive:one.tar:acme/app"))),
        layout
    );
    is_fine(&check(at, &["docker-archive:one.tar:acme/app:latest"]));
    // What docker saved has no manifest: it gets one.
    let from = patch(at, &["docker-archive:one.tar", "-o", "oci:saved:1"]);
    assert!(from.err.contains("nothing to change"), "{}", from.err);
    is_fine(&check(at, &["oci:saved:1"]));
    let first = fs::read(at.join("one.tar")).unwrap();
    digest(&patch(at, &with("docker-archive:one.tar:acme/app")));
    assert_eq!(fs::read(at.join("one.tar")).unwrap(), first);
}

#[test]
fn what_docker_saved_is_patched_too() {
    let folder = plain(&[PATH]);
    let at = folder.path();
    let saved = folder.path().join("saved");
    fs::create_dir(&saved).unwrap();
    let plain = bare(62, "x86_64-linux-gnu");
    fs::write(saved.join("layer.tar"), &plain).unwrap();
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": started(&[PATH]),
        "rootfs": {"type": "layers", "diff_ids": [format!("sha256:{}", hex(&plain))]},
    });
    fs::write(saved.join("config.json"), config.to_string()).unwrap();
    let manifest = json!([{"Config": "config.json", "RepoTags": null, "Layers": ["layer.tar"]}]);
    fs::write(saved.join("manifest.json"), manifest.to_string()).unwrap();
    fs::write(at.join("saved.tar"), packed(&saved)).unwrap();
    digest(&patch(
        at,
        &["docker-archive:saved.tar", "-o", "oci:out:1", AMD64],
    ));
    is_fine(&check(at, &["oci:out:1"]));
}

#[test]
fn what_would_not_run_is_refused_with_what_to_do() {
    let of = |files: &[Entry<'_>], arguments: &[&str]| {
        let folder = prepared(|layout| layout.image("amd64", &started(&[PATH]), &[layer(files)]));
        let musl = Told {
            soname: "libjemalloc.so.2",
            needs: &["libc.musl-x86_64.so.1"],
            ..Told::default()
        };
        let new = Told {
            soname: "libjemalloc.so.2",
            needs: &["libc.so.6"],
            wants: &["GLIBC_2.38"],
            has: &[],
        };
        let cxx = Told {
            soname: "libjemalloc.so.2",
            needs: &["libstdc++.so.6", "libc.so.6"],
            ..Told::default()
        };
        let other = Told {
            soname: "libmimalloc.so.2",
            ..Told::default()
        };
        for (name, told) in [("musl", musl), ("new", new), ("cxx", cxx), ("other", other)] {
            fs::write(folder.path().join(name), elf::library(62, told)).unwrap();
        }
        fs::write(folder.path().join("text"), "x").unwrap();
        let run = patch(
            folder.path(),
            &[&["oci:app:1", "-o", "oci:out:1"], arguments].concat(),
        );
        assert!(!folder.path().join("out").exists());
        run
    };
    let libc = elf::library(62, GLIBC);
    let debian = [
        Entry::File("usr/lib/os-release", RELEASE),
        Entry::File("usr/lib/x86_64-linux-gnu/libc.so.6", &libc),
        Entry::File("usr/bin/python3.11", &libc),
        Entry::Symlink("usr/bin/python3", "python3.11"),
    ];
    let alpine = [
        Entry::File("etc/os-release", b"ID=alpine\nVERSION_ID=3.20.3\n"),
        Entry::File("lib/ld-musl-x86_64.so.1", &libc),
        Entry::Folder("usr/lib"),
        Entry::File("usr/bin/python3.12", &libc),
        Entry::Symlink("usr/bin/python3", "python3.12"),
    ];
    refused(
        &of(&debian, &[]),
        "or its library with `--library FILE`, and take the one of the package `libjemalloc2` of debian 12",
    );
    refused(
        &of(&debian, &["--library=nowhere"]),
        "nowhere: there is no such file",
    );
    refused(
        &of(&debian, &["--library=text"]),
        "text: it is no library for Linux",
    );
    refused(
        &of(&debian, &["--library=other"]),
        "it calls itself `libmimalloc.so.2`",
    );
    refused(
        &of(&debian, &[ARM64]),
        "none of the libraries is for linux/amd64",
    );
    refused(
        &of(&debian, &["--library=musl"]),
        "was built for musl, and the image has glibc",
    );
    refused(
        &of(&alpine, &[AMD64]),
        "was built for glibc, and the image has musl: take the one of the package `jemalloc` of alpine 3.20",
    );
    refused(
        &of(&debian, &["--library=new"]),
        "`new` needs glibc 2.38, and the image has 2.36",
    );
    refused(&of(&debian, &["--library=cxx"]), "lacks libstdc++.so.6");
    refused(&of(&debian[..2], &[AMD64]), "no Python is in it");
}

#[test]
fn a_program_that_a_preload_breaks_is_spared() {
    let metadata = "usr/lib/python3/dist-packages/openvino-2025.1.0.dist-info/METADATA";
    let folder = prepared(|layout| {
        let files = layer(&[Entry::File(metadata, b"x")]);
        layout.image(
            "amd64",
            &started(&[PATH]),
            &[bare(62, "x86_64-linux-gnu"), files],
        )
    });
    let at = folder.path();
    let run = patch(at, &["oci:app:1", "-o", "oci:out:1", AMD64]);
    refused(&run, "OpenVINO is in it, and ends with");
    assert!(
        run.err.contains("`--unsafe` does it all the same"),
        "{}",
        run.err
    );
    let run = patch(at, &["oci:app:1", "-o", "oci:out:1", AMD64, "--unsafe"]);
    digest(&run);
    assert!(run.err.contains("OpenVINO is in it"), "{}", run.err);
}

#[test]
fn another_allocator_is_left_where_it_is() {
    let folder = prepared(|layout| {
        let mimalloc = elf::library(
            62,
            Told {
                soname: "libmimalloc.so.2",
                ..Told::default()
            },
        );
        let files = layer(&[Entry::File(
            "usr/lib/x86_64-linux-gnu/libmimalloc.so.2",
            &mimalloc,
        )]);
        let env = started(&[PATH, "LD_PRELOAD=libmimalloc.so.2"]);
        layout.image("amd64", &env, &[bare(62, "x86_64-linux-gnu"), files])
    });
    refused(
        &patch(folder.path(), &["oci:app:1", "-o", "oci:out:1", AMD64]),
        "mimalloc is loaded in it already",
    );
}

#[test]
fn a_wrong_destination_says_what_to_write() {
    let folder = plain(&[PATH]);
    let at = folder.path();
    let to = |to: &str| patch(at, &["oci:app:1", "-o", to, AMD64]);
    let digest = format!("docker://acme/app@sha256:{}", "0".repeat(64));
    refused(&to(&digest), "names a digest, and that is what comes out");
    refused(
        &to("oci:amd64:1"),
        "it is not an OCI layout: name another folder",
    );
    refused(&to("oci-archive:app"), "it is not a plain file");
    fs::write(at.join("file"), "x").unwrap();
    refused(&to("oci:file:1"), "file: ");
    assert_eq!(fs::read(at.join("file")).unwrap(), b"x");
}

/// How a part of a package is packed.
pub(super) type Pack = fn(&[u8]) -> Vec<u8>;

/// A package of Debian, its parts packed as `ending` says.
pub(super) fn deb(machine: u8, arch: &str, depends: &str, (ending, pack): (&str, Pack)) -> Vec<u8> {
    let triplet = if arch == "amd64" {
        "x86_64-linux-gnu"
    } else {
        "aarch64-linux-gnu"
    };
    let control = format!(
        "Package: libjemalloc2\nSource: jemalloc\nVersion: 5.3.0-1\nArchitecture: {arch}\nDepends: {depends}\nMulti-Arch: same\nDescription: x\n"
    );
    let library = format!("usr/lib/{triplet}/libjemalloc.so.2");
    let sums = format!(
        "aa  {library}\nbb  usr/share/doc/libjemalloc2/changelog.gz\ncc  usr/share/doc/libjemalloc2/copyright\n"
    );
    let control = layer(&[
        Entry::Folder("./"),
        Entry::File("./control", control.as_bytes()),
        Entry::File("./md5sums", sums.as_bytes()),
    ]);
    let data = layer(&[
        Entry::Folder("./usr/"),
        Entry::File(&format!("./{library}"), &jemalloc(machine)),
        Entry::File("./usr/share/doc/libjemalloc2/changelog.gz", b"x"),
        Entry::File("./usr/share/doc/libjemalloc2/copyright", b"free"),
    ]);
    let mut bytes = b"!<arch>\n".to_vec();
    for (name, data) in [
        ("debian-binary".to_owned(), b"2.0\n".to_vec()),
        (format!("control.tar{ending}"), pack(&control)),
        (format!("data.tar{ending}"), pack(&data)),
    ] {
        let head = format!(
            "{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n",
            0,
            0,
            0,
            100_644,
            data.len()
        );
        bytes.extend(head.into_bytes());
        bytes.extend(&data);
        bytes.resize(bytes.len().next_multiple_of(2), b'\n');
    }
    bytes
}

pub(super) fn as_it_is(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// The files of the uppermost layer of an image, which is not compressed; folders hold nothing.
fn files_of(layout: &Path, digest: &str) -> Vec<(String, String)> {
    let (manifest, _) = image(layout, digest);
    let layer = manifest["layers"].as_array().unwrap().last().unwrap()["digest"].clone();
    let layer = layer.as_str().unwrap().replace(':', "/");
    let bytes = fs::read(layout.join("blobs").join(layer)).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        let path = entry.path().unwrap().display().to_string();
        (path, String::from_utf8_lossy(&bytes).into_owned())
    });
    entries.collect()
}

#[test]
fn a_package_is_listed_where_the_image_lists_its_packages() {
    let packings = [
        ("", as_it_is as fn(&[u8]) -> Vec<u8>),
        (".gz", gzip),
        (".zst", zstd),
    ];
    let mut digests = BTreeSet::new();
    for packing in packings {
        let folder = prepared(|layout| {
            let info = layer(&[Entry::File("var/lib/dpkg/info/libc6:amd64.list", b"/.\n")]);
            layout.image(
                "amd64",
                &started(&[PATH]),
                &[bare(62, "x86_64-linux-gnu"), info],
            )
        });
        let at = folder.path();
        fs::write(
            at.join("j.deb"),
            deb(62, "amd64", "libc6 (>= 2.34)", packing),
        )
        .unwrap();
        let root = digest(&patch(
            at,
            &["oci:app:1", "-o", "oci:out:1", "--deb", "j.deb"],
        ));
        is_fine(&check(at, &["oci:out:1"]));
        let files = files_of(&at.join("out"), &root);
        let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
        let info = "var/lib/dpkg/info/libjemalloc2:amd64";
        assert_eq!(
            paths,
            [
                LIBRARY,
                "usr/share",
                "usr/share/doc",
                "usr/share/doc/libjemalloc2",
                "usr/share/doc/libjemalloc2/copyright",
                &format!("{info}.list"),
                &format!("{info}.md5sums"),
                "var/lib/dpkg/status",
            ]
        );
        assert_eq!(
            files[6].1,
            format!("aa  {LIBRARY}\ncc  usr/share/doc/libjemalloc2/copyright\n")
        );
        assert_eq!(
            files[7].1,
            "Package: libc6\nStatus: install ok installed\nVersion: 2.36-9\n\nPackage: libjemalloc2\nStatus: install ok installed\nSource: jemalloc\nVersion: 5.3.0-1\nArchitecture: amd64\nDepends: libc6 (>= 2.34)\nMulti-Arch: same\nDescription: x\n\n"
        );
        digests.insert(root);
    }
    assert_eq!(digests.len(), 1);
}

#[test]
fn images_without_dpkg_have_a_file_for_each_package() {
    let folder = prepared(|layout| {
        let libc = elf::library(62, GLIBC);
        let files = [
            Entry::File("usr/lib/os-release", RELEASE),
            Entry::File(
                "var/lib/dpkg/status.d/libc6",
                b"Package: libc6\nVersion: 2.36-9\n",
            ),
            Entry::File("usr/lib/x86_64-linux-gnu/libc.so.6", &libc),
            Entry::File("usr/bin/python3.11", &libc),
            Entry::Symlink("usr/bin/python3", "python3.11"),
        ];
        layout.image("amd64", &started(&[PATH]), &[layer(&files)])
    });
    let at = folder.path();
    fs::write(at.join("j.deb"), deb(62, "amd64", "libc6", ("", as_it_is))).unwrap();
    let root = digest(&patch(
        at,
        &["oci:app:1", "-o", "oci:out:1", "--deb", "j.deb"],
    ));
    is_fine(&check(at, &["oci:out:1"]));
    let files = files_of(&at.join("out"), &root);
    let paths: Vec<&str> = files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths[5..],
        [
            "var/lib/dpkg/status.d/libjemalloc2",
            "var/lib/dpkg/status.d/libjemalloc2.md5sums"
        ]
    );
    assert!(
        files[5]
            .1
            .starts_with("Package: libjemalloc2\nSource: jemalloc\n")
    );
}

#[test]
fn packages_of_a_folder_are_those_of_its_platforms() {
    let folder = prepared(two);
    let at = folder.path();
    fs::create_dir(at.join("debs")).unwrap();
    for (machine, arch) in [(62, "amd64"), (183, "arm64")] {
        let name = format!("debs/libjemalloc2_5.3.0-1_{arch}.deb");
        fs::write(at.join(name), deb(machine, arch, "libc6", ("", as_it_is))).unwrap();
    }
    fs::write(at.join("debs/libjemalloc-dev_5.3.0-1_amd64.deb"), "x").unwrap();
    digest(&patch(
        at,
        &["oci:app:1", "-o", "oci:out:1", "--deb", "debs"],
    ));
    is_fine(&check(at, &["oci:out:1"]));
}

#[test]
fn a_package_that_does_not_fit_is_refused() {
    let folder = plain(&[PATH]);
    let at = folder.path();
    let with = |name: &str, bytes: &[u8]| {
        fs::write(at.join(name), bytes).unwrap();
        patch(at, &["oci:app:1", "-o", "oci:out:1", "--deb", name])
    };
    refused(
        &with("text.deb", b"x"),
        "text.deb: it is no package of Debian",
    );
    let whole = deb(
        62,
        "amd64",
        "libc6, libstdc++6 (>= 5) | libc++1",
        ("", as_it_is),
    );
    refused(
        &with("needs.deb", &whole),
        "the package `libjemalloc2` needs `libstdc++6 (>= 5) | libc++1`, which is not in the image",
    );
    refused(
        &with("cut.deb", &whole[..3000]),
        "it is no package of Debian",
    );
    let other = deb(183, "arm64", "libc6", ("", as_it_is));
    refused(&with("arm.deb", &other), "`arm.deb` is for arm64");
    refused(
        &patch(at, &["oci:app:1", "-o", "oci:out:1", "--deb", "amd64"]),
        "no package of jemalloc is in it",
    );
    assert!(!at.join("out").exists());
}
