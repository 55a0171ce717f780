//! Logins, as docker and podman keep them: in `config.json` and `auth.json`, or with a program that it names.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::super::{plain, small};
use super::helper;
use crate::image::access::Access;

/// What a registry is shown. It has no `Debug`: nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Login {
    Password {
        user: String,
        password: String,
    },
    /// What is changed for a token.
    Identity(String),
}

impl Login {
    /// The header that shows it.
    pub(super) fn header(&self) -> Option<String> {
        match self {
            Self::Password { user, password } => Some(format!(
                "Basic {}",
                STANDARD.encode(format!("{user}:{password}"))
            )),
            Self::Identity(_) => None,
        }
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Logins {
    auths: Option<BTreeMap<String, Entry>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: Option<String>,
    identitytoken: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

/// A helper says this instead of a name, where its secret is a token.
const TOKEN: &str = "<token>";
/// What Docker Hub is called there.
const HUB: &str = "https://index.docker.io/v1/";

/// The login for a repository of a host; the first file that has one counts.
///
/// # Errors
/// Where a file or a helper is not what it should be.
pub(super) fn of(host: &str, repository: &str, access: &Access) -> Result<Option<Login>, String> {
    for path in &access.logins {
        let Some(logins) = read(path)? else { continue };
        let found = logins.of(host, repository);
        if let Some(login) = found.map_err(|why| format!("{}: {why}", path.display()))? {
            return Ok(Some(login));
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Option<Logins>, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{}: {why}", path.display());
    let mut file = match plain(path) {
        Ok((file, _)) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(wrong(&error)),
    };
    let bytes = small(&mut file, "it").map_err(|why| wrong(&why))?;
    // What is wrong in it is not quoted: secrets stand there.
    let read = serde_json::from_slice(&bytes);
    let at = |error: serde_json::Error| {
        wrong(&format!("line {} is not what docker writes", error.line()))
    };
    read.map(Some).map_err(at)
}

impl Logins {
    fn of(&self, host: &str, repository: &str) -> Result<Option<Login>, String> {
        let hub = host == "docker.io";
        let server = if hub { HUB } else { host };
        let names = if hub {
            &[host, HUB, "index.docker.io"][..]
        } else {
            &[host]
        };
        let own = names
            .iter()
            .find_map(|name| self.cred_helpers.as_ref()?.get(*name));
        let helper = own.or(self.creds_store.as_ref());
        if let Some(helper) = helper.filter(|helper| !helper.is_empty())
            && let Some((user, password)) = helper::ask(helper, server)?
        {
            return Ok(Some(match user == TOKEN {
                true => Login::Identity(password),
                false => Login::Password { user, password },
            }));
        }
        // Podman's may be those of a part of the host: the longest counts.
        let mut part = format!("{host}/{repository}");
        loop {
            if let Some(entry) = self.entry(&part) {
                return entry.login();
            }
            match part.rsplit_once('/') {
                Some((shorter, _)) => part = shorter.to_owned(),
                None if hub => return self.entry(HUB).map_or(Ok(None), Entry::login),
                None => return Ok(None),
            }
        }
    }

    /// The entry of a host, however its name is written.
    fn entry(&self, part: &str) -> Option<&Entry> {
        let bare = |key: &str| {
            let key = key
                .strip_prefix("https://")
                .or(key.strip_prefix("http://"))
                .unwrap_or(key)
                .to_owned();
            let key = key.trim_end_matches('/');
            let key = key
                .strip_suffix("/v1")
                .or(key.strip_suffix("/v2"))
                .unwrap_or(key);
            key.to_owned()
        };
        let auths = self.auths.as_ref()?;
        let exact = auths.get(part);
        exact.or_else(|| {
            auths
                .iter()
                .find(|(key, _)| bare(key) == part)
                .map(|(_, entry)| entry)
        })
    }
}

impl Entry {
    fn login(&self) -> Result<Option<Login>, String> {
        if let Some(token) = self
            .identitytoken
            .as_ref()
            .filter(|token| !token.is_empty())
        {
            return Ok(Some(Login::Identity(token.clone())));
        }
        if let (Some(user), Some(password), None) = (&self.username, &self.password, &self.auth) {
            let (user, password) = (user.clone(), password.clone());
            return Ok(Some(Login::Password { user, password }));
        }
        let Some(auth) = self.auth.as_ref().filter(|auth| !auth.is_empty()) else {
            return Ok(None);
        };
        let wrong = || "an `auth` in it is not what docker writes: log in again".to_owned();
        let bytes = STANDARD.decode(auth.trim()).map_err(|_| wrong())?;
        let text = String::from_utf8(bytes).map_err(|_| wrong())?;
        let (user, password) = text.split_once(':').ok_or_else(wrong)?;
        Ok(Some(Login::Password {
            user: user.to_owned(),
            password: password.trim_end_matches('\0').to_owned(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(text: &str, host: &str, repository: &str) -> Option<String> {
        let logins: Logins = serde_json::from_str(text).unwrap();
        match logins.of(host, repository).unwrap()? {
            Login::Password { user, password } => Some(format!("{user}/{password}")),
            Login::Identity(token) => Some(format!("identity {token}")),
        }
    }

    #[test]
    fn logins_are_found_as_docker_and_podman_write_them() {
        // `a:b`, `c:d:e`
        let text = r#"{"auths": {
            "https://index.docker.io/v1/": {"auth": "YTpi"},
            "https://one.example/v2/": {"auth": "YzpkOmU="},
            "two.example/acme": {"identitytoken": "x"},
            "two.example": {"auth": "YTpi"},
            "empty.example": {},
            "hand.example": {"username": "u", "password": "p"}
        }, "HttpHeaders": {}, "credHelpers": null, "credsStore": ""}"#;
        assert_eq!(login(text, "docker.io", "library/python").unwrap(), "a/b");
        assert_eq!(login(text, "one.example", "app").unwrap(), "c/d:e");
        assert_eq!(
            login(text, "two.example", "acme/app").unwrap(),
            "identity x"
        );
        assert_eq!(login(text, "two.example", "other/app").unwrap(), "a/b");
        assert_eq!(login(text, "hand.example", "app").unwrap(), "u/p");
        assert_eq!(login(text, "empty.example", "app"), None);
        assert_eq!(login(r#"{"auths": null}"#, "empty.example", "app"), None);
        assert_eq!(login(text, "other.example", "app"), None);
    }

    #[test]
    fn what_is_wrong_in_it_is_not_quoted() {
        let logins: Logins =
            serde_json::from_str(r#"{"auths": {"h.example": {"auth": "c2VjcmV0"}}}"#).unwrap();
        let Err(why) = logins.of("h.example", "app") else {
            panic!()
        };
        assert!(
            why.contains("log in again") && !why.contains("secret"),
            "{why}"
        );
    }
}
