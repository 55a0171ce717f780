//! `image check docker://…`: what registries answer, and where logins go.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::layout::{Layout, gzip, hex};
use super::server::{Answer, Asked, Server};
use super::{base, config, is_fine, refused};
use crate::support::run::{Run, finish, folder, program};

/// The blobs of a layout, handed out as a registry does it.
struct Registry {
    /// By their digests.
    blobs: BTreeMap<String, Vec<u8>>,
    /// What `acme/app:1` leads to.
    root: String,
}

impl Registry {
    fn new() -> Self {
        let folder = folder([]);
        let mut layout = Layout::at(&folder.path().join("app"));
        let image = layout.image("amd64", &config("libjemalloc.so.2"), &[gzip(&base())]);
        let root = image["digest"].as_str().unwrap().to_owned();
        layout.tag(image, "1");
        let blobs = fs::read_dir(folder.path().join("app/blobs/sha256")).unwrap();
        let blob = |entry: std::io::Result<fs::DirEntry>| {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            (format!("sha256:{}", hex(&bytes)), bytes)
        };
        Self {
            blobs: blobs.map(blob).collect(),
            root,
        }
    }

    /// The right answer.
    fn answer(&self, asked: &Asked) -> Answer {
        let none =
            || Answer::of(404).body(r#"{"errors":[{"code":"X","message":"what is unknown"}]}"#);
        let Some(rest) = asked.path.strip_prefix("/v2/acme/app/") else {
            return match asked.path.as_str() {
                "/v2/" => Answer::of(200),
                _ => none(),
            };
        };
        let digest = match rest.strip_prefix("manifests/") {
            Some("1") => self.root.clone(),
            Some(digest) => digest.to_owned(),
            None => rest.strip_prefix("blobs/").unwrap_or_default().to_owned(),
        };
        match self.blobs.get(&digest).cloned() {
            Some(body) => Answer::of(200)
                .with("Docker-Content-Digest", digest)
                .body(body),
            None => none(),
        }
    }
}

/// A registry that answers right, but for what `other` answers.
fn registry(other: impl Fn(&Asked) -> Option<Answer> + Send + Sync + 'static) -> Server {
    let right = Registry::new();
    Server::start(move |asked| other(asked).unwrap_or_else(|| right.answer(asked)))
}

/// Checks it with the logins of `config.json`, if there are any.
fn check_with(server: &Server, logins: &str, arguments: &[&str]) -> Run {
    let home = folder([]);
    if !logins.is_empty() {
        fs::write(home.path().join("config.json"), logins).unwrap();
    }
    check_at(home.path(), server, arguments)
}

fn check_at(home: &Path, server: &Server, arguments: &[&str]) -> Run {
    let mut command = program(home);
    for name in [
        "REGISTRY_AUTH_FILE",
        "XDG_RUNTIME_DIR",
        "http_proxy",
        "HTTP_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(name);
    }
    let fixed = ["image", "check", "--isolated", "--format", "concise"];
    let timeout = match arguments.contains(&"--timeout") {
        true => &[][..],
        false => &["--timeout", "10"],
    };
    let name = format!("docker://{}/acme/app:1", server.host);
    finish(
        command
            .env("HOME", home)
            .env("DOCKER_CONFIG", home)
            .args(fixed)
            .args(timeout)
            .args(arguments)
            .arg(name),
        b"",
    )
}

fn check(server: &Server) -> Run {
    check_with(server, "", &[])
}

/// `user:secret`
const LOGIN: &str = "Basic dXNlcjpzZWNyZXQ=";

fn login(host: &str) -> String {
    json!({"auths": {host: {"auth": "dXNlcjpzZWNyZXQ="}}}).to_string()
}

#[test]
fn images_are_fetched_by_their_digests() {
    let server = registry(|_| None);
    is_fine(&check(&server));
    assert_eq!(server.paths().len(), 3, "{:?}", server.paths());
    let gone = check_with(&server, "", &["docker://127.0.0.1:1/acme/app"]);
    assert_eq!(gone.code, Some(2));
    assert!(
        gone.err.contains("127.0.0.1:1 does not answer"),
        "{}",
        gone.err
    );
    let none = registry(|asked| asked.path.contains("manifests").then(|| Answer::of(404)));
    refused(&check(&none), "has no acme/app:1");
}

#[test]
fn logins_are_shown_to_those_who_ask_for_them() {
    let basic = || {
        registry(|asked| {
            let shown = asked.heads.get("authorization").map(String::as_str) == Some(LOGIN);
            (!shown && asked.path != "/v2/")
                .then(|| Answer::of(401).with("WWW-Authenticate", "Basic realm=\"x\""))
        })
    };
    let server = basic();
    is_fine(&check_with(&server, &login(&server.host), &[]));
    refused(&check(&server), &format!("`docker login {}`", server.host));
    let wrong = json!({"auths": {&server.host: {"auth": "dXNlcjp4"}}}).to_string();
    let run = check_with(&server, &wrong, &[]);
    refused(&run, "rejects the saved login");
    assert!(!run.err.contains("dXNlcjp4"), "{}", run.err);
    let broken = check_with(&server, "{\"auths\": [\"secret\"]}", &[]);
    refused(&broken, "is not what docker writes");
    assert!(!broken.err.contains("secret"), "{}", broken.err);
}

#[test]
fn tokens_come_from_where_the_registry_says() {
    let tokens = Arc::new(Server::start(|asked| {
        let is_right = asked.path == "/token?service=s%20x&scope=repository%3Aacme%2Fapp%3Apull";
        let shown = asked.heads.get("authorization").map(String::as_str);
        match (is_right, shown) {
            (true, Some(LOGIN)) => Answer::of(200).body(r#"{"token": "let-me-in"}"#),
            (true, None) => Answer::of(401),
            _ => Answer::of(400),
        }
    }));
    let realm = format!("http://{}/token", tokens.host);
    let server = registry(move |asked| {
        let shown = asked.heads.get("authorization").map(String::as_str);
        let challenge =
            format!("Bearer realm=\"{realm}\",service=\"s x\",scope=\"repository:acme/app:pull\"");
        (shown != Some("Bearer let-me-in"))
            .then(|| Answer::of(401).with("WWW-Authenticate", challenge))
    });
    is_fine(&check_with(&server, &login(&server.host), &[]));
    // One token does for all that follows.
    assert_eq!(tokens.asked().len(), 1, "{:?}", tokens.paths());
    refused(&check(&server), "requires a login");
    let evil = registry(|_| {
        let challenge = "Bearer realm=\"http://203.0.113.1/token\"";
        Some(Answer::of(401).with("WWW-Authenticate", challenge))
    });
    refused(
        &check_with(&evil, &login(&evil.host), &[]),
        "which is not safe",
    );
}

#[cfg(unix)]
#[test]
fn helpers_are_asked_for_logins() {
    use std::os::unix::fs::PermissionsExt as _;
    let server = registry(|asked| {
        let shown = asked.heads.get("authorization").map(String::as_str) == Some(LOGIN);
        (!shown && asked.path != "/v2/").then(|| Answer::of(401).with("WWW-Authenticate", "Basic"))
    });
    let home = folder([]);
    let place = home.path().join("docker-credential-test");
    let script = "#!/bin/sh\nread -r host; echo \"$1 $host\" > \"$HOME/asked\"\necho '{\"ServerURL\":\"x\",\"Username\":\"user\",\"Secret\":\"secret\"}'\n";
    fs::write(&place, script).unwrap();
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(home.path().join("config.json"), r#"{"credsStore": "test"}"#).unwrap();
    let path = format!(
        "{}:{}",
        home.path().display(),
        std::env::var("PATH").unwrap()
    );
    let name = format!("docker://{}/acme/app:1", server.host);
    let mut command = program(home.path());
    command
        .env("HOME", home.path())
        .env("DOCKER_CONFIG", home.path())
        .env("PATH", path);
    is_fine(&finish(
        command.args(["image", "check", "--isolated", "--format", "concise", &name]),
        b"",
    ));
    let asked = fs::read_to_string(home.path().join("asked")).unwrap();
    assert_eq!(asked, format!("get {}\n", server.host));
}

#[test]
fn no_login_goes_where_a_redirect_leads() {
    let right = Registry::new();
    let storage = Arc::new(Server::start(move |asked| right.answer(asked)));
    let to = format!("http://{}", storage.host);
    let server = registry(move |asked| {
        if asked.heads.get("authorization").map(String::as_str) != Some(LOGIN)
            && asked.path != "/v2/"
        {
            return Some(Answer::of(401).with("WWW-Authenticate", "Basic"));
        }
        let moved = || Answer::of(307).with("Location", format!("{to}{}", asked.path));
        asked.path.contains("/blobs/").then(moved)
    });
    is_fine(&check_with(&server, &login(&server.host), &[]));
    let asked = storage.asked();
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(
        asked
            .iter()
            .all(|asked| !asked.heads.contains_key("authorization")),
        "{asked:?}"
    );

    // Nor where what is there asks for one.
    let thief = Arc::new(Server::start(|asked| {
        match asked.path.starts_with("/token") {
            true => Answer::of(200).body(r#"{"token": "x"}"#),
            false => {
                let realm = format!("http://{}/token", asked.heads["host"]);
                Answer::of(401).with("WWW-Authenticate", format!("Bearer realm=\"{realm}\""))
            }
        }
    }));
    let to = format!("http://{}", thief.host);
    let open = registry(move |asked| {
        let moved = || Answer::of(307).with("Location", format!("{to}{}", asked.path));
        asked.path.contains("/blobs/").then(moved)
    });
    refused(
        &check_with(&open, &login(&open.host), &[]),
        "refuses access",
    );
    let asked = thief.asked();
    assert!(
        asked.iter().all(|asked| !asked.path.starts_with("/token")),
        "{asked:?}"
    );
    assert!(
        asked
            .iter()
            .all(|asked| !asked.heads.contains_key("authorization")),
        "{asked:?}"
    );

    let round = registry(|asked| {
        asked
            .path
            .contains("/blobs/")
            .then(|| Answer::of(302).with("Location", asked.path.clone()))
    });
    refused(&check(&round), "too many redirects");
    let nowhere = registry(|asked| {
        let odd = || Answer::of(302).with("Location", "file:///etc/passwd");
        asked.path.contains("/blobs/").then(odd)
    });
    refused(&check(&nowhere), "does not follow");
}

#[test]
fn what_passes_is_tried_again() {
    let busy = registry(|asked| {
        let later = || Answer::of(429).with("Retry-After", "0");
        (asked.before == 0 && asked.path.contains("acme")).then(later)
    });
    is_fine(&check(&busy));
    let trouble = registry(|asked| {
        (asked.before < 2 && asked.path.contains("manifests")).then(|| Answer::of(503))
    });
    is_fine(&check(&trouble));
    let long = registry(|asked| {
        let later = || Answer::of(429).with("Retry-After", "86400");
        asked.path.contains("manifests").then(later)
    });
    refused(&check(&long), "asks to wait for 86400 s");
    let broken = registry(|asked| asked.path.contains("manifests").then(|| Answer::of(500)));
    let run = check(&broken);
    refused(&run, "failed with status 500");
    assert_eq!(broken.paths().len(), 5);
    let shut = registry(|asked| {
        let body = r#"{"errors":[{"code":"DENIED","message":"not\u001b[31m you"}]}"#;
        asked
            .path
            .contains("manifests")
            .then(|| Answer::of(403).body(body))
    });
    let run = check(&shut);
    refused(&run, "denies access to acme/app:1");
    assert!(!run.err.contains('\u{1b}'), "{:?}", run.err);
}

#[test]
fn blobs_go_on_where_they_broke_off() {
    let right = Registry::new();
    let server = registry(move |asked| {
        if !asked.path.contains("/blobs/") {
            return None;
        }
        let Answer { body, .. } = right.answer(asked);
        let from = asked.heads.get("range").map_or(0, |range| {
            range
                .trim_start_matches("bytes=")
                .trim_end_matches('-')
                .parse()
                .unwrap()
        });
        let rest = body[from..].to_vec();
        let some = rest.len().min(150);
        let status = if from == 0 { 200 } else { 206 };
        Some(Answer {
            length: Some(rest.len()),
            ..Answer::of(status)
                .with(
                    "Content-Range",
                    format!("bytes {from}-{}/{}", body.len() - 1, body.len()),
                )
                .body(&rest[..some])
        })
    });
    is_fine(&check(&server));
    let ranges = server
        .asked()
        .iter()
        .filter(|asked| asked.heads.contains_key("range"))
        .count();
    assert!(ranges > 1, "{ranges}");

    // One that never gets on.
    let right = Registry::new();
    let cut = registry(move |asked| {
        let Answer { body, .. } = right.answer(asked);
        let nothing = || Answer {
            length: Some(body.len()),
            ..Answer::of(200)
        };
        asked.path.contains("/blobs/").then(nothing)
    });
    refused(&check(&cut), "breaks off");
    assert!(cut.paths().len() < 20, "{:?}", cut.paths());
}

#[test]
fn nobody_is_waited_for_without_end() {
    let silent = registry(|asked| {
        let answer = || Answer {
            silence: Duration::from_secs(60),
            length: Some(100),
            ..Answer::of(200)
        };
        asked.path.contains("manifests").then(answer)
    });
    let home = folder([]);
    let start = std::time::Instant::now();
    let run = check_at(home.path(), &silent, &["--timeout", "1"]);
    refused(&run, "does not respond");
    assert!(
        start.elapsed() < Duration::from_secs(20),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn what_comes_to_another_digest_is_refused() {
    let blob = registry(|asked| {
        asked
            .path
            .contains("/blobs/")
            .then(|| Answer::of(200).body("{}"))
    });
    refused(&check(&blob), "has not the size that is said");
    let lies = registry(|asked| {
        let other = format!("sha256:{}", "0".repeat(64));
        let answer = || {
            Answer::of(200)
                .with("Docker-Content-Digest", other.clone())
                .body("{}")
        };
        asked.path.contains("manifests").then(answer)
    });
    refused(&check(&lies), "was changed or damaged");
    let huge = registry(|asked| {
        asked
            .path
            .contains("manifests")
            .then(|| Answer::of(200).body(vec![b' '; 9 << 20]))
    });
    refused(&check(&huge), "has more than");
    let page = registry(|asked| {
        asked
            .path
            .contains("manifests")
            .then(|| Answer::of(200).body("<html>"))
    });
    refused(&check(&page), "expected value");
}

#[test]
fn a_cache_is_asked_before_the_registry() {
    let server = registry(|_| None);
    let home = folder([]);
    let cached = |server: &Server| check_at(home.path(), server, &["--cache", "cache"]);
    is_fine(&cached(&server));
    let blobs = |server: &Server| {
        server
            .paths()
            .iter()
            .filter(|path| path.contains("/blobs/"))
            .count()
    };
    assert_eq!(blobs(&server), 2);
    is_fine(&cached(&server));
    assert_eq!(blobs(&server), 2, "{:?}", server.paths());
    // What was damaged is fetched again, where it is needed.
    fs::remove_dir_all(home.path().join("cache/layers")).unwrap();
    let folder = home.path().join("cache/blobs/sha256");
    for file in fs::read_dir(&folder).unwrap() {
        let path = file.unwrap().path();
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    is_fine(&cached(&server));
    assert_eq!(blobs(&server), 4, "{:?}", server.paths());
    is_fine(&cached(&server));
    assert_eq!(blobs(&server), 4, "{:?}", server.paths());
    let names: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    assert!(names.iter().all(|name| name.len() == 64), "{names:?}");
}

#[test]
fn what_is_called_by_its_digest_and_kept_needs_no_registry() {
    let right = Registry::new();
    let root = right.root.clone();
    let server = Server::start(move |asked| right.answer(asked));
    let home = folder([]);
    let name = format!("docker://{}/acme/app@{root}", server.host);
    let of = |name: &str| {
        let fixed = [
            "image",
            "check",
            "--isolated",
            "--format",
            "concise",
            "--cache",
            "cache",
        ];
        finish(
            program(home.path())
                .env("HOME", home.path())
                .args(fixed)
                .arg(name),
            b"",
        )
    };
    is_fine(&of(&name));
    let asked = server.paths().len();
    is_fine(&of(&name));
    assert_eq!(server.paths().len(), asked, "{:?}", server.paths());
}

#[test]
fn layers_that_were_read_are_neither_read_nor_fetched_again() {
    let server = registry(|_| None);
    let home = folder([]);
    let cached = || check_at(home.path(), &server, &["--cache", "cache"]);
    is_fine(&cached());
    fs::remove_dir_all(home.path().join("cache/blobs")).unwrap();
    is_fine(&cached());
    // The configuration alone.
    assert_eq!(
        server
            .paths()
            .iter()
            .filter(|path| path.contains("/blobs/"))
            .count(),
        3,
        "{:?}",
        server.paths()
    );
}

/// Checks the images of a list.
fn of_list(home: &Path, list: &str, arguments: &[&str]) -> Run {
    fs::write(home.join("list"), list).unwrap();
    let fixed = [
        "image",
        "check",
        "--isolated",
        "--format",
        "concise",
        "--from",
        "list",
    ];
    finish(
        program(home).env("HOME", home).args(fixed).args(arguments),
        b"",
    )
}

#[test]
fn lists_are_checked_whole() {
    let server = registry(|_| None);
    let home = folder([]);
    let list = format!(
        "# of the cluster\n{0}/acme/app:1 {0}/acme/app:1\n\ndocker-pullable://{0}/acme/app:2\nNo Image\noci:nowhere:1\n",
        server.host
    );
    let run = of_list(home.path(), &list, &["--show", "all"]);
    assert_eq!(run.code, Some(2), "{}{}", run.out, run.err);
    for part in [
        "acme/app:2: ",
        "`No` names no image",
        "`Image` names no image",
        "oci:nowhere:1: nowhere: there is no such folder",
    ] {
        assert!(run.err.contains(part), "{part} is not in {}", run.err);
    }
    assert_eq!(run.err.lines().count(), 4, "{}", run.err);
    let run = of_list(home.path(), "\n# nothing\n", &[]);
    refused(&run, "the list names no image");
}

#[test]
fn a_host_that_is_asked_in_vain_is_given_up() {
    let server = registry(|asked| asked.path.contains("manifests").then(|| Answer::of(503)));
    let home = folder([]);
    let names: Vec<String> = (0..9)
        .map(|tag| format!("{}/acme/app:{tag}\n", server.host))
        .collect();
    let run = of_list(home.path(), &names.concat(), &["--jobs", "1"]);
    assert_eq!(run.code, Some(2), "{}", run.err);
    let given_up = run
        .err
        .lines()
        .filter(|line| line.contains("it is not asked any more"))
        .count();
    assert_eq!(given_up, 6, "{}", run.err);
    assert_eq!(server.paths().len(), 15, "{:?}", server.paths());
}
