//! What a registry asks for before it answers (RFC 7235; distribution, "Token Authentication Specification").

use std::collections::BTreeMap;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

/// One way that a server offers.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    /// A token from somewhere else.
    Bearer {
        realm: String,
        service: Option<String>,
        scope: Option<String>,
    },
}

impl Challenge {
    /// Reads the headers `WWW-Authenticate`; tokens are liked best.
    pub(super) fn of<'a>(headers: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut basic = None;
        for one in headers.flat_map(challenges) {
            let (scheme, rest) = one.split_once(' ').unwrap_or((one, ""));
            if scheme.eq_ignore_ascii_case("basic") {
                basic = Some(Self::Basic);
            } else if scheme.eq_ignore_ascii_case("bearer") {
                let mut said = parameters(rest);
                let Some(realm) = said.remove("realm") else {
                    continue;
                };
                let (service, scope) = (said.remove("service"), said.remove("scope"));
                return Some(Self::Bearer {
                    realm,
                    service,
                    scope,
                });
            }
        }
        basic
    }
}

/// A header may hold several: each begins with a word that no `=` follows.
fn challenges(header: &str) -> Vec<&str> {
    let (mut begins, mut quoted, mut part) = (Vec::new(), false, 0);
    let mut look = |from: usize, to: usize| {
        let text = header.get(from..to).unwrap_or_default();
        let start = from + text.len() - text.trim_start().len();
        let word = text.split_whitespace().next().unwrap_or_default();
        if !word.is_empty() && !word.contains('=') {
            begins.push(start);
        }
    };
    for (at, c) in header.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => {
                look(part, at);
                part = at + 1;
            }
            _ => {}
        }
    }
    look(part, header.len());
    let ends = begins.iter().skip(1).copied().chain([header.len()]);
    let pairs = begins.iter().copied().zip(ends);
    pairs
        .filter_map(|(from, to)| Some(header.get(from..to)?.trim_matches([' ', ','])))
        .collect()
}

/// `name="value"`, separated by commas, which may stand in quotes, too.
fn parameters(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',']).to_ascii_lowercase();
        let value;
        (value, rest) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        found.insert(name, value.trim().to_owned());
    }
    found
}

/// Where a token is asked for.
pub(super) fn place(realm: &str, service: Option<&str>, scope: &str) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let first = if realm.contains('?') { '&' } else { '?' };
    let service = service.map(|service| format!("service={}&", encoded(service)));
    // Each is one of its own; what forms hold is a list.
    let scopes = scope
        .split(' ')
        .map(|one| format!("scope={}", encoded(one)));
    let scopes: Vec<String> = scopes.collect();
    format!(
        "{realm}{first}{}{}",
        service.unwrap_or_default(),
        scopes.join("&")
    )
}

/// The form that changes an identity for a token.
pub(super) fn form(
    identity: &str,
    service: Option<&str>,
    scope: &str,
) -> Vec<(&'static str, String)> {
    vec![
        ("grant_type", "refresh_token".into()),
        ("service", service.unwrap_or_default().into()),
        ("client_id", "malloclint".into()),
        ("scope", scope.into()),
        ("refresh_token", identity.into()),
    ]
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

/// The header that shows the token of an answer.
pub(super) fn header(answer: &[u8]) -> Option<String> {
    let told: Token = serde_json::from_slice(answer).ok()?;
    let token = told
        .token
        .or(told.access_token)
        .filter(|token| !token.is_empty())?;
    // It becomes a part of a head, where lines end.
    let is_plain = token.bytes().all(|byte| byte.is_ascii_graphic());
    is_plain.then(|| format!("Bearer {token}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read_as_registries_write_them() {
        let of = |text: &'static str| Challenge::of([text].into_iter());
        let hub = r#"Bearer realm="https://auth.example/token",service="reg.example",scope="repository:a/b:pull,push""#;
        assert_eq!(
            of(hub),
            Some(Challenge::Bearer {
                realm: "https://auth.example/token".into(),
                service: Some("reg.example".into()),
                scope: Some("repository:a/b:pull,push".into()),
            })
        );
        assert_eq!(of(r#"Basic realm="x""#), Some(Challenge::Basic));
        assert_eq!(of("bearer service=x"), None);
        let both = r#"Basic realm="a, b", Bearer realm="https://auth.example/t",service=x"#;
        assert!(
            matches!(of(both), Some(Challenge::Bearer { realm, .. }) if realm == "https://auth.example/t")
        );
        assert_eq!(
            of(r#"Bearer service="x", Basic realm="y""#),
            Some(Challenge::Basic)
        );
        assert_eq!(of("Negotiate"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn tokens_are_asked_for_and_shown() {
        let place = place("https://a.example/t", Some("r x"), "repository:a/b:pull");
        assert_eq!(
            place,
            "https://a.example/t?service=r%20x&scope=repository%3Aa%2Fb%3Apull"
        );
        let two = super::place("https://a.example/t?x", None, "repository:a:pull,push b");
        assert_eq!(
            two,
            "https://a.example/t?x&scope=repository%3Aa%3Apull%2Cpush&scope=b"
        );
        assert_eq!(header(br#"{"access_token": "t"}"#).unwrap(), "Bearer t");
        assert_eq!(header(b"{\"token\": \"t\\r\\nX: y\"}"), None);
    }
}
