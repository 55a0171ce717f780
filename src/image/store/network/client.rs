//! A registry and how it is asked: by HTTPS, with a login if it wants one, and wherever it sends us; the login goes nowhere else.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use ureq::http::header::{ACCEPT, AUTHORIZATION, LOCATION, RANGE, RETRY_AFTER, WWW_AUTHENTICATE};
use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body};

use super::again::{Failure, TRIES, again};
use super::agent::{agent, failed, is_loopback};
use super::login::{self, Login};
use super::paced::Paced;
use super::token::{self, Challenge};
use crate::image::Refused;
use crate::image::access::Access;

/// So often an answer may lead elsewhere.
const REDIRECTS: usize = 5;
/// What an error says of itself has no more bytes, and neither has a token.
const SMALL: u64 = 64 << 10;
/// A host that is asked in vain so often in a row is not asked for the rest of a list.
const MISSES: u32 = 3;
/// A registry.
pub(super) struct Client {
    agent: Agent,
    pub(super) host: String,
    access: Access,
    /// Where it is asked, once that is known.
    base: Mutex<Base>,
    /// How often in a row it gave no answer, tried again or not.
    misses: AtomicU32,
    /// What it was shown last for a repository. Nothing prints it.
    shown: Mutex<BTreeMap<String, String>>,
}

/// Where a registry is asked, and how often that was tried to find out.
#[derive(Default)]
struct Base {
    known: Option<String>,
    tries: u32,
}

/// What is wanted of it.
pub(super) struct Asked<'a> {
    pub(super) repository: &'a str,
    /// Behind the repository: `blobs/sha256:…`
    pub(super) path: &'a str,
    /// For people.
    pub(super) what: &'a str,
    pub(super) accept: Option<&'a str>,
    /// The first byte that is wanted.
    pub(super) from: u64,
    /// Whether the answer may take its time, as long as it comes.
    pub(super) large: bool,
}

/// An answer, and where it came from in the end.
struct Answered {
    answer: Response<Body>,
    url: String,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Client {
    pub(super) fn new(host: &str, access: &Access) -> Result<Self, Refused> {
        Ok(Self {
            agent: agent(host, access)?,
            host: host.to_owned(),
            access: access.clone(),
            base: Mutex::default(),
            misses: AtomicU32::new(0),
            shown: Mutex::default(),
        })
    }

    /// Asks until there is an answer. `read`: what is made of it, as part of the try.
    ///
    /// # Errors
    /// Where there is none, for people.
    pub(super) fn get<T>(
        &self,
        asked: &Asked<'_>,
        read: impl Fn(Response<Body>) -> Result<T, Failure>,
    ) -> Result<T, String> {
        if self.misses.load(Ordering::Relaxed) >= MISSES {
            return Err(format!(
                "{} was asked in vain {MISSES} times in a row: it is not asked any more",
                self.host
            ));
        }
        match again(|| self.once(asked).and_then(&read)) {
            Ok(done) => {
                self.misses.store(0, Ordering::Relaxed);
                Ok(done)
            }
            Err(Failure::Lasting(why)) => Err(why),
            Err(Failure::Passing(why, _)) => {
                self.misses.fetch_add(1, Ordering::Relaxed);
                Err(why)
            }
        }
    }

    fn once(&self, asked: &Asked<'_>) -> Result<Response<Body>, Failure> {
        let base = self.base()?;
        let url = format!("{base}/v2/{}/{}", asked.repository, asked.path);
        let shown = locked(&self.shown).get(asked.repository).cloned();
        let first = self.followed(&base, &url, asked, shown.as_deref())?;
        if first.answer.status() != StatusCode::UNAUTHORIZED {
            return self.judged(first.answer, asked.what);
        }
        self.is_own(&first, &base, asked.what)?;
        let found = login::of(&self.host, asked.repository, &self.access);
        let found = found.map_err(Failure::Lasting)?;
        let header = self.pass(&base, &first.answer, asked, found.as_ref())?;
        drop(first);
        let second = self.followed(&base, &url, asked, Some(&header))?;
        if second.answer.status() == StatusCode::UNAUTHORIZED {
            self.is_own(&second, &base, asked.what)?;
            return Err(self.shut(asked.what, found.is_some()));
        }
        locked(&self.shown).insert(asked.repository.to_owned(), header);
        self.judged(second.answer, asked.what)
    }

    /// A login is for the registry alone: nobody else who asks for one is shown it.
    fn is_own(&self, answered: &Answered, base: &str, what: &str) -> Result<(), Failure> {
        if is_of(&answered.url, base) {
            return Ok(());
        }
        let place = self.asked_at(&answered.url);
        Err(Failure::Lasting(format!(
            "{place} refuses access to {what}"
        )))
    }

    /// Where it is asked: only where it is said, or on this machine, by plain HTTP.
    fn base(&self) -> Result<String, Failure> {
        let mut base = locked(&self.base);
        if let Some(known) = &base.known {
            return Ok(known.clone());
        }
        // Others wait for this answer: it is not looked for anew for each of them.
        if base.tries >= TRIES {
            return Err(Failure::Lasting(format!("{} does not respond", self.host)));
        }
        base.tries += 1;
        let host = match self.host.as_str() {
            // Its registry is not where its name leads.
            "docker.io" => "registry-1.docker.io",
            host => host,
        };
        let secret = format!("https://{host}");
        let found = match is_loopback(host) || self.access.insecure {
            true => self.spoken(secret, format!("http://{host}"))?,
            false => secret,
        };
        Ok(base.known.insert(found).clone())
    }

    /// Which of both it speaks; nothing is shown to it meanwhile.
    fn spoken(&self, secret: String, plain: String) -> Result<String, Failure> {
        let patience = Some(self.access.patience);
        let ask = |base: &str| {
            let request = self.agent.get(format!("{base}/v2/"));
            request.config().timeout_global(patience).build().call()
        };
        let Err(error) = ask(&secret) else {
            return Ok(secret);
        };
        let failure = failed(&self.host, &error);
        if matches!(&failure, Failure::Passing(..)) && !matches!(error, ureq::Error::Io(_)) {
            return Err(failure);
        }
        // A server of HTTPS calls this a bad request.
        match ask(&plain) {
            Ok(answer) if answer.status() != StatusCode::BAD_REQUEST => Ok(plain),
            _ => Err(failure),
        }
    }

    /// The answer at the end of all redirects.
    fn followed(
        &self,
        base: &str,
        url: &str,
        asked: &Asked<'_>,
        header: Option<&str>,
    ) -> Result<Answered, Failure> {
        let mut url = url.to_owned();
        for _ in 0..=REDIRECTS {
            // Large ones are watched while they come.
            let whole = (!asked.large).then(|| self.access.patience.saturating_mul(2));
            let request = self.agent.get(&url).config();
            let mut request = request.timeout_recv_body(whole).build();
            if let Some(accept) = asked.accept {
                request = request.header(ACCEPT, accept);
            }
            if asked.from > 0 {
                request = request.header(RANGE, format!("bytes={}-", asked.from));
            }
            if let Some(header) = header.filter(|_| is_of(&url, base)) {
                request = request.header(AUTHORIZATION, header);
            }
            let answer = request.call();
            let answer = answer.map_err(|error| failed(&self.asked_at(&url), &error))?;
            if !answer.status().is_redirection() {
                return Ok(Answered { answer, url });
            }
            let to = answer.headers().get(LOCATION);
            let to = to.and_then(|to| to.to_str().ok());
            url = to.and_then(|to| leads_to(&url, to)).ok_or_else(|| {
                let why = "redirects to an address that malloclint does not follow (not HTTPS, or not a full address)";
                Failure::Lasting(format!("{} {why}", self.host))
            })?;
        }
        let why = format!("{}: too many redirects", self.host);
        Err(Failure::Lasting(why))
    }

    /// Who was asked, for people.
    fn asked_at(&self, url: &str) -> String {
        let authority = url
            .parse::<Uri>()
            .ok()
            .and_then(|url| url.authority().map(ToString::to_string));
        match authority {
            Some(authority) if authority != self.host && authority != "registry-1.docker.io" => {
                format!("{authority}, where {} leads,", self.host)
            }
            _ => self.host.clone(),
        }
    }

    /// What is shown to a registry that asks for something.
    fn pass(
        &self,
        base: &str,
        answer: &Response<Body>,
        asked: &Asked<'_>,
        login: Option<&Login>,
    ) -> Result<String, Failure> {
        let challenges = answer.headers().get_all(WWW_AUTHENTICATE).into_iter();
        let challenge = Challenge::of(challenges.filter_map(|header| header.to_str().ok()));
        match challenge {
            Some(Challenge::Basic) => {
                let header = login.and_then(Login::header);
                header.ok_or_else(|| self.shut(asked.what, false))
            }
            Some(Challenge::Bearer {
                realm,
                service,
                scope,
            }) => {
                let scope =
                    scope.unwrap_or_else(|| format!("repository:{}:pull", asked.repository));
                if !may_be_told(&realm, base) {
                    return Err(Failure::Lasting(format!(
                        "{} asks for a login to be sent to {realm}, which is not safe",
                        self.host
                    )));
                }
                self.token(&realm, service.as_deref(), &scope, (login, asked.what))
            }
            None => Err(self.shut(asked.what, login.is_some())),
        }
    }

    fn token(
        &self,
        realm: &str,
        service: Option<&str>,
        scope: &str,
        (login, what): (Option<&Login>, &str),
    ) -> Result<String, Failure> {
        let whole = Some(self.access.patience.saturating_mul(2));
        let answer = match login {
            Some(Login::Identity(identity)) => self
                .agent
                .post(realm)
                .config()
                .timeout_global(whole)
                .build()
                .send_form(token::form(identity, service, scope)),
            _ => {
                let request = self.agent.get(token::place(realm, service, scope));
                let mut request = request.config().timeout_global(whole).build();
                if let Some(header) = login.and_then(Login::header) {
                    request = request.header(AUTHORIZATION, header);
                }
                request.call()
            }
        };
        let answer = answer.map_err(|error| failed(&self.asked_at(realm), &error))?;
        if matches!(
            answer.status(),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST
        ) {
            return Err(self.shut(what, login.is_some()));
        }
        let mut answer = self.judged(answer, "the place of its tokens")?;
        let told = answer.body_mut().with_config().limit(SMALL).read_to_vec();
        let told = told.map_err(|error| failed(&self.host, &error))?;
        token::header(&told)
            .ok_or_else(|| Failure::Lasting(format!("{} gives no token", self.host)))
    }

    fn shut(&self, what: &str, had_login: bool) -> Failure {
        let host = &self.host;
        Failure::Lasting(match had_login {
            true => format!(
                "{host} rejects the saved login for {what}: log in again with `docker login {host}`"
            ),
            false => format!(
                "{host} requires a login for {what}, or there is no such image: log in with `docker login {host}`, or check the name"
            ),
        })
    }

    /// The answer, if it is the one that was wanted.
    fn judged(&self, mut answer: Response<Body>, what: &str) -> Result<Response<Body>, Failure> {
        let status = answer.status();
        if matches!(status, StatusCode::OK | StatusCode::PARTIAL_CONTENT) {
            return Ok(answer);
        }
        let host = &self.host;
        let wait = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
        let said = said(&mut answer);
        let passing = |why: String| {
            let wait = wait.map(Duration::from_secs);
            Failure::Passing(format!("{host} {why}{said}"), wait)
        };
        let lasting = |why: String| Failure::Lasting(format!("{host} {why}{said}"));
        Err(match status {
            StatusCode::NOT_FOUND => lasting(format!("has no {what}")),
            StatusCode::FORBIDDEN => lasting(format!("denies access to {what}")),
            StatusCode::TOO_MANY_REQUESTS => passing("limits requests (429)".into()),
            StatusCode::REQUEST_TIMEOUT => passing("failed with status 408".into()),
            status if status.is_server_error() => {
                passing(format!("failed with status {}", status.as_u16()))
            }
            status => lasting(format!("answers {} to {what}", status.as_u16())),
        })
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    message: String,
}

/// What an answer says of its error, in brackets.
fn said(answer: &mut Response<Body>) -> String {
    let mut text = Vec::new();
    let paced = Paced::new(answer.body_mut().as_reader());
    let read = paced.take(SMALL).read_to_end(&mut text);
    let told: Option<Errors> = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    let first = told.and_then(|told| told.errors.into_iter().next());
    match first {
        Some(first) => format!(" ({})", first.message.chars().take(200).collect::<String>()),
        None => String::new(),
    }
}

fn origin(url: &str) -> Option<(String, String)> {
    let url: Uri = url.parse().ok()?;
    let authority = url.authority()?.as_str().to_ascii_lowercase();
    Some((url.scheme_str()?.to_ascii_lowercase(), authority))
}

/// Whether an address is one of the registry itself, its port and the way it is asked included.
fn is_of(url: &str, base: &str) -> bool {
    origin(url).is_some_and(|own| origin(base) == Some(own))
}

/// Whether a login may be sent there: in secret, or to the registry that is asked without secret anyway; on this machine its tokens may
/// have a port of their own.
fn may_be_told(realm: &str, base: &str) -> bool {
    let (Ok(realm), Ok(base)) = (realm.parse::<Uri>(), base.parse::<Uri>()) else {
        return false;
    };
    let is_bare = realm
        .authority()
        .is_some_and(|authority| !authority.as_str().contains('@'));
    let host = realm.host().unwrap_or_default();
    let same = base
        .host()
        .is_some_and(|own| own.eq_ignore_ascii_case(host));
    let port = realm.port_u16() == base.port_u16() || is_loopback(host);
    is_bare
        && match (realm.scheme_str(), base.scheme_str()) {
            (Some("https"), _) => true,
            (Some("http"), Some("http")) => same && port,
            _ => false,
        }
}

/// Where a redirect leads: never from HTTPS to what everybody can read.
pub(super) fn leads_to(from: &str, to: &str) -> Option<String> {
    let (scheme, authority) = origin(from)?;
    let whole = match to {
        to if to.starts_with("//") => format!("{scheme}:{to}"),
        to if to.starts_with('/') => format!("{scheme}://{authority}{to}"),
        to => to.to_owned(),
    };
    let (next, authority) = origin(&whole)?;
    let is_safe = next == "https" || next == "http" && scheme == "http";
    (is_safe && !authority.contains('@')).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_secret() {
        let to = |to| leads_to("https://r.example/v2/a/blobs/x", to);
        assert_eq!(to("/b?c").unwrap(), "https://r.example/b?c");
        assert_eq!(to("//s.example/b").unwrap(), "https://s.example/b");
        assert_eq!(to("https://s.example/b").unwrap(), "https://s.example/b");
        for wrong in [
            "http://r.example/b",
            "ftp://x/y",
            "b",
            "",
            "https://user:pw@s.example/",
            "file:///etc/passwd",
        ] {
            assert_eq!(to(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn logins_go_to_the_registry_alone() {
        let base = "https://r.example:5000";
        assert!(is_of("https://R.example:5000/v2/", base));
        for other in [
            "https://r.example/v2/",
            "http://r.example:5000/",
            "https://r.example:5000.evil.example/",
        ] {
            assert!(!is_of(other, base), "{other}");
        }
        assert!(may_be_told("https://auth.example/token", base));
        assert!(!may_be_told("http://r.example:5000/token", base));
        assert!(may_be_told(
            "http://127.0.0.1:5001/token",
            "http://127.0.0.1:5000"
        ));
        assert!(!may_be_told(
            "http://auth.example/token",
            "http://127.0.0.1:5000"
        ));
    }
}
