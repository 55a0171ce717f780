//! Plain files of servers: by HTTP or HTTPS, bounded in size and time, and wherever a redirect leads that may lead there.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ureq::http::header::{LOCATION, RETRY_AFTER};
use ureq::http::{Response, StatusCode, Uri};
use ureq::{Agent, Body};

use super::again::{Failure, again};
use super::agent::{agent_of, failed};
use super::client::leads_to;
use super::names::{self, Names};
use super::paced::Paced;
use crate::image::access::Access;

/// So often an answer may lead elsewhere.
const REDIRECTS: usize = 5;
/// All files together are asked for no longer than that: whoever names the servers may have them ask for patience without end.
const LONGEST: Duration = Duration::from_secs(600);

/// Servers of files, each with connections that are used again.
pub(crate) struct Web {
    access: Access,
    /// By their hosts, and whether only what is outside is asked.
    agents: Mutex<BTreeMap<(String, bool), Agent>>,
    began: Instant,
}

impl Web {
    pub(crate) fn new(access: &Access) -> Self {
        Self {
            access: access.clone(),
            agents: Mutex::default(),
            began: Instant::now(),
        }
    }

    /// Reads a file at an address; nothing where the server has none. `most`: it has no more bytes. `read`: what is made of it, anew with
    /// each try.
    ///
    /// # Errors
    /// Where it cannot be had or is larger, for people.
    pub(crate) fn get<T>(
        &self,
        url: &str,
        most: u64,
        read: impl Fn(&mut dyn Read) -> io::Result<T>,
    ) -> Result<Option<T>, String> {
        if self.began.elapsed() > LONGEST {
            return Err(format!(
                "{url}: the archives took more than {} minutes",
                LONGEST.as_secs() / 60
            ));
        }
        let done = again(|| {
            let Some(answer) = self.followed(url)? else {
                return Ok(None);
            };
            let mut body = Bounded {
                inner: Paced::new(answer.into_body().into_reader()),
                left: most,
            };
            read(&mut body)
                .map(Some)
                .map_err(|error| broken(url, &error))
        });
        done.map_err(|failure| match failure {
            Failure::Passing(why, _) | Failure::Lasting(why) => why,
        })
    }

    /// The answer at the end of all redirects.
    fn followed(&self, url: &str) -> Result<Option<Response<Body>>, Failure> {
        let (mut url, mut outside) = (url.to_owned(), false);
        for _ in 0..=REDIRECTS {
            let host = host_of(&url)
                .ok_or_else(|| Failure::Lasting(format!("`{url}` is no address of a server")))?;
            let answer = self.agent(&host, outside)?.get(&url).call();
            let answer = answer.map_err(|error| failed(&host, &error))?;
            if !answer.status().is_redirection() {
                return judged(answer, &url);
            }
            // Nobody outside leads into the network that this machine stands in, whatever the names there are.
            outside = outside || !self.is_within(&url);
            let to = answer.headers().get(LOCATION);
            let to = to.and_then(|to| to.to_str().ok());
            let next = to.and_then(|to| leads_to(&url, to));
            url = next.filter(|next| may_lead(&url, next)).ok_or_else(|| {
                let why = "redirects to an address that malloclint does not follow (from HTTPS to HTTP, into a private network, or not a full address)";
                Failure::Lasting(format!("{host} {why}"))
            })?;
        }
        Err(Failure::Lasting(format!("{url}: too many redirects")))
    }

    fn agent(&self, host: &str, outside: bool) -> Result<Agent, Failure> {
        let mut agents = self.agents.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (host.to_owned(), outside);
        if let Some(known) = agents.get(&key) {
            return Ok(known.clone());
        }
        let made = agent_of(host, &self.access, outside);
        let made = made.map_err(|why| Failure::Lasting(why.to_string()))?;
        Ok(agents.entry(key).or_insert(made).clone())
    }

    /// Whether a server stands in a private network, as its name is known here.
    fn is_within(&self, url: &str) -> bool {
        let names = Names {
            patience: self.access.patience,
            outside: false,
        };
        let host = url.parse::<Uri>().ok();
        let host = host.as_ref().and_then(Uri::host).unwrap_or_default();
        names
            .addresses(host)
            .is_ok_and(|all| all.into_iter().any(names::is_within))
    }
}

/// Host and port.
fn host_of(url: &str) -> Option<String> {
    let url: Uri = url.parse().ok()?;
    Some(url.authority()?.as_str().to_owned())
}

/// Whether a server may send us there: nobody outside leads into the network that this machine stands in.
fn may_lead(from: &str, to: &str) -> bool {
    let within = |url: &str| {
        url.parse::<Uri>()
            .is_ok_and(|url| is_within(url.host().unwrap_or_default()))
    };
    !within(to) || within(from)
}

/// Whether a host is this machine, or an address of a private network.
fn is_within(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(address) => names::is_within(address),
        Err(_) => bare.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

/// The answer, if it is a file, and nothing where there is none.
fn judged(answer: Response<Body>, url: &str) -> Result<Option<Response<Body>>, Failure> {
    let status = answer.status();
    let number = status.as_u16();
    match status {
        StatusCode::OK => Ok(Some(answer)),
        StatusCode::NOT_FOUND | StatusCode::GONE => Ok(None),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(Failure::Lasting(format!(
            "{url}: the server denies access to it ({number})"
        ))),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => Err(Failure::Passing(
            format!("{url}: status {number}"),
            wait(&answer),
        )),
        status if status.is_server_error() => Err(Failure::Passing(
            format!("{url}: status {number}"),
            wait(&answer),
        )),
        _ => Err(Failure::Lasting(format!("{url}: status {number}"))),
    }
}

/// How long a server asks to wait.
fn wait(answer: &Response<Body>) -> Option<Duration> {
    let wait = answer.headers().get(RETRY_AFTER)?;
    Some(Duration::from_secs(
        wait.to_str().ok()?.trim().parse().ok()?,
    ))
}

/// What an answer comes to that does not reach its end. One that is too long or too slow is so the next time, too.
fn broken(url: &str, error: &io::Error) -> Failure {
    let why = format!("{url}: {error}");
    match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::TimedOut => Failure::Lasting(why),
        _ => Failure::Passing(why, None),
    }
}

/// A body with no more bytes than it may have.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(into)?;
        match self.left.checked_sub(read as u64) {
            Some(left) => self.left = left,
            None => {
                let why = "it has more bytes than it may have";
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            }
        }
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_outside_leads_inside() {
        let outside = "http://deb.example/a";
        for inside in [
            "http://localhost/b",
            "http://127.0.0.1:80/b",
            "http://10.1.2.3/b",
            "http://169.254.169.254/latest",
            "http://[::1]/b",
            "http://[::ffff:192.168.0.1]/b",
            "http://[fd00::1]/b",
            "http://100.64.0.1/b",
            "http://localhost./b",
        ] {
            assert!(!may_lead(outside, inside), "{inside}");
            assert!(may_lead("http://127.0.0.1:8080/a", inside), "{inside}");
        }
        assert!(may_lead(outside, "https://cdn.example/b"));
    }
}
