//! `image patch … -o docker://…`: what is sent to a registry, in which order, and what it is shown.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::layout::{INDEX, Layout, hex};
use super::patch::{ARM64_AND_AMD64, bare, libraries, started};
use super::server::{Answer, Asked, Server};
use crate::support::run::{Run, finish, program};

/// What a registry holds, by repository and digest, or tag.
#[derive(Default)]
struct Held {
    blobs: BTreeMap<(String, String), Vec<u8>>,
    manifests: BTreeMap<(String, String), Vec<u8>>,
}

/// A registry that takes what it gets, but for what `other` answers; its folder with libraries and logins.
struct Registry {
    server: Server,
    held: Arc<Mutex<Held>>,
    home: TempDir,
    /// What `acme/app:1` is.
    root: String,
}

/// One with the image `acme/app:1` for two platforms.
fn registry(other: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Registry {
    let home = libraries();
    let mut layout = Layout::at(&home.path().join("app"));
    let mut images = [
        layout.image("amd64", &started(&[]), &[bare(62, "x86_64-linux-gnu")]),
        layout.image("arm64", &started(&[]), &[bare(183, "aarch64-linux-gnu")]),
    ];
    for (image, arch) in images.iter_mut().zip(["amd64", "arm64"]) {
        image["platform"] = json!({"architecture": arch, "os": "linux"});
    }
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
    let index = layout.blob(index.to_string().as_bytes(), INDEX);
    let root = index["digest"].as_str().unwrap().to_owned();
    layout.tag(index, "1");
    let mut held = Held::default();
    for entry in fs::read_dir(home.path().join("app/blobs/sha256")).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        let digest = format!("sha256:{}", hex(&bytes));
        let is_manifest = serde_json::from_slice::<Value>(&bytes)
            .is_ok_and(|told| told.get("schemaVersion").is_some());
        let to = if is_manifest {
            &mut held.manifests
        } else {
            &mut held.blobs
        };
        to.insert(("acme/app".into(), digest), bytes);
    }
    let own = |name: &str| ("acme/app".to_owned(), name.to_owned());
    let bytes = held.manifests[&own(&root)].clone();
    held.manifests.insert(own("1"), bytes);
    let held = Arc::new(Mutex::new(held));
    let own = Arc::clone(&held);
    let server = Server::start(move |asked| {
        other(asked).unwrap_or_else(|| answer(&mut own.lock().unwrap(), asked))
    });
    Registry {
        server,
        held,
        home,
        root,
    }
}

/// What a registry answers that does as the specification has it.
fn answer(held: &mut Held, asked: &Asked) -> Answer {
    if asked.path == "/v2/" {
        return Answer::of(200);
    }
    let (path, query) = asked.path.split_once('?').unwrap_or((&asked.path, ""));
    let query: BTreeMap<&str, String> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name, value.replace("%2F", "/")))
        .collect();
    let rest = path.strip_prefix("/v2/").unwrap();
    if let Some((repository, at)) = rest.split_once("/manifests/") {
        let key = (repository.to_owned(), at.to_owned());
        if asked.method == "PUT" {
            let digest = format!("sha256:{}", hex(&asked.body));
            let by_digest = (repository.to_owned(), digest.clone());
            held.manifests.insert(by_digest, asked.body.clone());
            held.manifests.insert(key, asked.body.clone());
            return Answer::of(201).with("Docker-Content-Digest", digest);
        }
        return held
            .manifests
            .get(&key)
            .map_or(Answer::of(404), |bytes| Answer::of(200).body(bytes.clone()));
    }
    let (repository, rest) = rest.split_once("/blobs/").unwrap();
    let of = |digest: &str| (repository.to_owned(), digest.to_owned());
    match (
        asked.method.as_str(),
        query.get("mount"),
        query.get("digest"),
    ) {
        ("POST", Some(digest), _) => {
            let there = held
                .blobs
                .get(&(query["from"].clone(), digest.clone()))
                .cloned();
            match there {
                Some(bytes) => {
                    held.blobs.insert(of(digest), bytes);
                    Answer::of(201)
                }
                None => session(repository),
            }
        }
        ("POST", None, _) => session(repository),
        ("PUT", _, Some(digest)) => {
            assert_eq!(*digest, format!("sha256:{}", hex(&asked.body)));
            held.blobs.insert(of(digest), asked.body.clone());
            Answer::of(201)
        }
        _ => held
            .blobs
            .get(&of(rest))
            .map_or(Answer::of(404), |bytes| Answer::of(200).body(bytes.clone())),
    }
}

fn session(repository: &str) -> Answer {
    Answer::of(202).with(
        "Location",
        format!("/v2/{repository}/blobs/uploads/7?_state=x"),
    )
}

impl Registry {
    fn patch(&self, from: &str, to: &str) -> Run {
        let host = &self.server.host;
        self.run(&[&from.replace("HOST", host), "-o", &to.replace("HOST", host)])
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = program(self.home.path());
        for name in [
            "REGISTRY_AUTH_FILE",
            "XDG_RUNTIME_DIR",
            "http_proxy",
            "HTTP_PROXY",
            "ALL_PROXY",
        ] {
            command.env_remove(name);
        }
        command
            .env("HOME", self.home.path())
            .env("DOCKER_CONFIG", self.home.path());
        command
            .args(["image", "patch", "--timeout", "10"])
            .args(ARM64_AND_AMD64)
            .args(arguments);
        finish(&mut command, b"")
    }

    /// All that was asked but for reading: the method, and the path without what is behind a `?`.
    fn written(&self) -> Vec<String> {
        let asked = self.server.asked().into_iter();
        let written = asked.filter(|asked| !["GET", "HEAD"].contains(&asked.method.as_str()));
        written
            .map(|asked| {
                let path = asked.path.split("?digest").next().unwrap_or_default();
                format!(
                    "{} {}",
                    asked.method,
                    path.split("&digest").next().unwrap_or_default()
                )
            })
            .collect()
    }

    fn manifest(&self, repository: &str, at: &str) -> Option<Vec<u8>> {
        let key = (repository.to_owned(), at.to_owned());
        self.held.lock().unwrap().manifests.get(&key).cloned()
    }
}

fn digest(run: &Run) -> String {
    assert_eq!(run.code, Some(0), "{}", run.err);
    run.out.trim_end().to_owned()
}

const FROM: &str = "docker://HOST/acme/app:1";

#[test]
fn what_is_new_is_sent_and_its_tag_comes_last() {
    let registry = registry(|_| None);
    let root = digest(&registry.patch(FROM, "docker://HOST/acme/app:2"));
    assert_eq!(
        root,
        format!(
            "sha256:{}",
            hex(&registry.manifest("acme/app", "2").unwrap())
        )
    );
    let same = digest(&registry.patch(FROM, "oci:out:2"));
    assert_eq!(root, same, "wherever it goes");
    let written = registry.written();
    let count = |begin: &str| {
        written
            .iter()
            .filter(|line| line.starts_with(begin))
            .count()
    };
    // Of each platform a layer and a configuration.
    assert_eq!(count("PUT /v2/acme/app/blobs/"), 4, "{written:#?}");
    let manifests = count("PUT /v2/acme/app/manifests/sha256:");
    assert_eq!(manifests, 2, "{written:#?}");
    let (last, before) = written.split_last().unwrap();
    assert_eq!(last, "PUT /v2/acme/app/manifests/2");
    assert!(
        before
            .iter()
            .rev()
            .take(2)
            .all(|line| line.contains("/manifests/")),
        "{before:#?}"
    );
    // The old one is there as it was.
    assert_eq!(
        hex(&registry.manifest("acme/app", "1").unwrap()),
        registry.root["sha256:".len()..]
    );
}

#[test]
fn another_repository_gets_what_is_there_without_sending_it() {
    let registry = registry(|_| None);
    digest(&registry.patch(FROM, "docker://HOST/other/app:1"));
    let written = registry.written();
    let mounts = written.iter().filter(|line| line.contains("?mount="));
    // Each platform's layer is mounted; what is new is sent.
    assert_eq!(mounts.count(), 2, "{written:#?}");
    let sent = written
        .iter()
        .filter(|line| line.starts_with("PUT /v2/other/app/blobs/"));
    assert_eq!(sent.count(), 4, "{written:#?}");
    assert!(registry.manifest("other/app", "1").is_some());
}

#[test]
fn where_nothing_can_be_mounted_all_is_sent() {
    let no_mount = |asked: &Asked| {
        let repository = asked.path.contains("?mount=").then_some("other/app")?;
        Some(session(repository))
    };
    let registry = registry(no_mount);
    digest(&registry.patch(FROM, "docker://HOST/other/app:1"));
    let written = registry.written();
    let sent = written
        .iter()
        .filter(|line| line.starts_with("PUT /v2/other/app/blobs/"));
    assert_eq!(sent.count(), 6, "{written:#?}");
}

#[test]
fn whoever_may_not_mount_sends() {
    let registry = registry(|asked| {
        let is_mount = asked.path.contains("?mount=");
        is_mount.then(|| Answer::of(401).with("WWW-Authenticate", "Basic realm=\"x\""))
    });
    digest(&registry.patch(FROM, "docker://HOST/other/app:1"));
    let written = registry.written();
    let sent = written
        .iter()
        .filter(|line| line.starts_with("PUT /v2/other/app/blobs/"));
    assert_eq!(sent.count(), 6, "{written:#?}");
}

/// That a registry sends those elsewhere who ask for a blob does not say that there is one.
#[test]
fn a_redirect_is_no_blob() {
    for (there, expected) in [(404, 6), (200, 0)] {
        let storage = Server::start(move |_| Answer::of(there));
        let to = format!("http://{}/blob", storage.host);
        let registry = registry(move |asked| {
            (asked.method == "HEAD").then(|| Answer::of(307).with("Location", to.clone()))
        });
        digest(&registry.patch(FROM, "docker://HOST/acme/app:2"));
        let written = registry.written();
        let blobs = written
            .iter()
            .filter(|line| line.starts_with("PUT /v2/acme/app/blobs/"));
        // What was stored is sent, too: this registry does not have it.
        assert_eq!(blobs.count(), expected, "{there}: {written:#?}");
    }
}

#[test]
fn no_platform_is_taken_from_its_own_tag() {
    let registry = registry(|_| None);
    let to = format!("docker://{}/acme/app:1", registry.server.host);
    let run = registry.run(&[&to, "-o", &to, "--platform", "linux/amd64"]);
    assert_eq!(run.code, Some(2), "{}", run.out);
    assert!(
        run.err.contains("the other platforms would be gone"),
        "{}",
        run.err
    );
    assert!(registry.written().is_empty());
}

#[test]
fn what_is_not_taken_leaves_the_tag_as_it_was() {
    let refused = |asked: &Asked| {
        let is_blob = asked.method == "PUT" && asked.path.contains("/blobs/");
        is_blob.then(|| Answer::of(403).body(r#"{"errors":[{"message":"read only"}]}"#))
    };
    let lies = |asked: &Asked| {
        let is_manifest = asked.method == "PUT" && asked.path.contains("/manifests/");
        let other = format!("sha256:{}", "0".repeat(64));
        is_manifest.then(|| Answer::of(201).with("Docker-Content-Digest", other))
    };
    let elsewhere = |to: &'static str| {
        move |asked: &Asked| (asked.method == "POST").then(|| Answer::of(202).with("Location", to))
    };
    for (registry, why) in [
        (registry(refused), "denies access to the blob"),
        (registry(refused), "(read only)"),
        (registry(lies), "says that it stored sha256:0000"),
        (
            registry(elsewhere("file:///etc/passwd")),
            "an address that is not safe",
        ),
        (registry(elsewhere("")), "does not say where"),
        (
            registry(|asked| (asked.method == "POST").then(|| Answer::of(405))),
            "answers 405",
        ),
    ] {
        let run = registry.patch(FROM, "docker://HOST/acme/app:1");
        assert_eq!(run.code, Some(2), "{why}: {}", run.out);
        assert!(run.err.contains(why), "{why}: {}", run.err);
        assert!(run.out.is_empty());
        let now = hex(&registry.manifest("acme/app", "1").unwrap());
        assert_eq!(now, registry.root["sha256:".len()..], "{why}");
    }
}

#[test]
fn a_token_allows_to_push_and_goes_to_the_registry_alone() {
    let storage = Server::start(|asked| match asked.method.as_str() {
        "PUT" => Answer::of(201),
        _ => Answer::of(404),
    });
    let to = format!("http://{}/upload", storage.host);
    let registry = registry(move |asked| {
        if asked.path.starts_with("/token") {
            return Some(Answer::of(200).body(format!(r#"{{"token":"{}"}}"#, asked.path.len())));
        }
        let shown = asked
            .heads
            .get("authorization")
            .cloned()
            .unwrap_or_default();
        if !shown.starts_with("Bearer ") {
            let host = &asked.heads["host"];
            let challenge = format!(
                r#"Bearer realm="http://{host}/token",service="x",scope="repository:acme/app:pull""#
            );
            return Some(Answer::of(401).with("WWW-Authenticate", challenge));
        }
        (asked.method == "POST").then(|| Answer::of(202).with("Location", to.clone()))
    });
    let logins = json!({"auths": {&registry.server.host: {"auth": "dXNlcjpzZWNyZXQ="}}});
    fs::write(registry.home.path().join("config.json"), logins.to_string()).unwrap();
    digest(&registry.patch(FROM, "docker://HOST/other/app:1"));
    let tokens: Vec<String> = registry.server.paths();
    let tokens: Vec<&String> = tokens
        .iter()
        .filter(|path| path.starts_with("/token"))
        .collect();
    let push = "scope=repository%3Aother%2Fapp%3Apull%2Cpush&scope=repository%3Aacme%2Fapp%3Apull";
    assert!(tokens.iter().any(|path| path.ends_with(push)), "{tokens:?}");
    let sent = storage.asked();
    assert!(!sent.is_empty());
    for asked in &sent {
        assert!(!asked.heads.contains_key("authorization"), "{asked:?}");
        assert!(
            asked.path.starts_with("/upload?digest=sha256:"),
            "{}",
            asked.path
        );
    }
}

#[test]
fn an_image_whose_layer_is_damaged_is_not_pushed() {
    let registry = registry(|_| None);
    let layers: Vec<_> = fs::read_dir(registry.home.path().join("app/blobs/sha256"))
        .unwrap()
        .collect();
    let largest = layers
        .into_iter()
        .map(|entry| entry.unwrap().path())
        .max_by_key(|path| fs::metadata(path).unwrap().len());
    damage(&largest.unwrap());
    let run = registry.patch("oci:app:1", "docker://HOST/new/app:1");
    assert_eq!(run.code, Some(2), "{}", run.out);
    assert!(registry.manifest("new/app", "1").is_none());
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}
