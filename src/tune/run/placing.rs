//! Where the pages of a load are: the server is looked for, and its first page is waited for.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::Watch;
use crate::facts::ports;
use crate::load::{Answer, Failure, Origin, PATIENCE, Probe, Problem, Settings, Target};
use crate::tune::error::{Ending, RunError};
use crate::tune::finder::{Finder, Found, IDLE, Spot, WHILE};
use crate::tune::limit::Limit;
use crate::tune::listening;
use crate::tune::workload::Server;

/// How long a port may take to say that it takes connections.
const KNOCK: Duration = Duration::from_secs(1);
/// A request that waits so long was let in: to refuse it, or to answer that it is too early, takes no time.
const LET_IN: Duration = Duration::from_secs(1);
/// The page of a server of which none is named.
const FIRST: &str = "/";

/// What came first.
pub(super) enum Came {
    Found(Found),
    Ended(Ending),
}

/// A load, and where its pages are.
pub(super) struct Placed {
    /// What is asked for; pages may name no server.
    pub(super) settings: Settings,
    /// Where those are.
    pub(super) found: Option<Spot>,
    /// Whether the pages are those that were asked for.
    asked: bool,
    /// Whether it is sure that the command is a server.
    sure: bool,
    /// What people should know.
    pub(super) notes: Vec<String>,
}

impl Placed {
    /// One whose pages name their servers.
    pub(super) fn named(settings: &Settings) -> Self {
        Self {
            settings: settings.clone(),
            found: None,
            asked: true,
            sure: true,
            notes: Vec::new(),
        }
    }

    fn on(settings: &Settings, spot: Spot, sure: bool) -> Self {
        let mut settings = settings.clone();
        let asked = !settings.targets.is_empty();
        if !asked {
            settings.targets.push(Target::unplaced(FIRST.to_owned()));
        }
        Self {
            settings,
            found: Some(spot),
            asked,
            sure,
            notes: Vec::new(),
        }
    }

    /// What is asked for, each page on its server.
    pub(super) fn load(&self) -> Settings {
        match &self.found {
            Some(spot) => self.settings.at(&spot.origin),
            None => self.settings.clone(),
        }
    }
}

/// Whether the ports of the pages are free: the server that is started will want them.
pub(super) fn unused(settings: &Settings, at: Option<&Origin>) -> Result<(), RunError> {
    let taken = |origin: &&Origin| {
        let addresses = origin.addresses().unwrap_or_default();
        let knock = |address| TcpStream::connect_timeout(address, KNOCK).is_ok();
        addresses.iter().any(knock)
    };
    match settings.origins().into_iter().chain(at).find(taken) {
        Some(origin) => Err(in_use(origin.port())),
        None => Ok(()),
    }
}

fn in_use(port: u16) -> RunError {
    RunError::PortInUse {
        port,
        holder: listening::holder(port),
    }
}

impl Watch<'_> {
    /// What is left of the time for a server to get ready.
    pub(super) fn left_of(&self, limit: Limit) -> Duration {
        limit.time.saturating_sub(self.starts.elapsed())
    }

    /// What people should know of where the server is, and whether other ports are open than those that were when it was found.
    pub(super) fn told(&self, placed: &Placed, server: &Server) -> (Option<String>, bool) {
        let Some(spot) = &placed.found else {
            return (None, false);
        };
        let all = listening::below(self.sampler.root()).tcp.into_iter();
        let all = all.map(|one| one.port);
        let later = all.filter(|port| *port != spot.port && !spot.others.contains(port));
        let later: BTreeSet<u16> = later.collect();
        let later: Vec<u16> = later.into_iter().collect();
        let mut named: Vec<u16> = placed
            .settings
            .origins()
            .iter()
            .map(|one| one.port())
            .collect();
        if server.pinned {
            // The user knows.
            named.extend(spot.others.iter().chain(&later));
        }
        let note = said(spot, &later, &named, placed.sure);
        (Some(note), !(spot.others.is_empty() && later.is_empty()))
    }

    /// Looks for a server that is known to be one.
    pub(super) fn find(
        &mut self,
        server: &Server,
        settings: &Settings,
        command: &[OsString],
    ) -> Result<Placed, RunError> {
        let finder = self.finder(settings, command, true);
        let mut finder = finder.on(server.port, server.pinned);
        let limit = self.deadline.within(server.ready_limit);
        match self.until_found(&mut finder, self.left_of(limit))? {
            Some(came) => self.place(settings, &finder, came),
            None => Err(RunError::NotReady {
                limit,
                check: finder.lack(),
                tail: self.running.tail(),
            }),
        }
    }

    /// Goes on with a search until something is found, the command has ended, or the time is up.
    pub(super) fn until_found(
        &mut self,
        finder: &mut Finder,
        limit: Duration,
    ) -> Result<Option<Came>, RunError> {
        self.until(limit, |watch, pause| {
            if let Some(ending) = watch.running.wait(pause) {
                return Some(Came::Ended(ending));
            }
            let idle = watch.sampler.busy(WHILE).is_some_and(|busy| busy < IDLE);
            finder.step(watch.sampler.root(), idle).map(Came::Found)
        })
    }

    /// Puts the pages of a load on the server that was found.
    pub(super) fn place(
        &mut self,
        settings: &Settings,
        finder: &Finder,
        came: Came,
    ) -> Result<Placed, RunError> {
        match came {
            Came::Found(Found::Server(spot)) => {
                let placed = Placed::on(settings, spot, finder.is_sure());
                if let Some(why) = nothing_of_its_own(finder).filter(|_| !placed.asked) {
                    return Err(RunError::Unreachable {
                        why,
                        tail: self.running.tail(),
                    });
                }
                Ok(placed)
            }
            Came::Found(Found::Unreachable(why)) => Err(RunError::Unreachable {
                why,
                tail: self.running.tail(),
            }),
            // Who listens there in a container is not to be seen from here.
            Came::Found(Found::Contested(port)) if self.contained.is_some() => {
                Err(RunError::PortInUse { port, holder: None })
            }
            Came::Found(Found::Contested(port)) => Err(in_use(port)),
            Came::Ended(ending) => {
                let died = self.died("the server", ending);
                // All of its own has ended: whoever listens there now was in its way.
                let wanted = finder.probable().filter(|_| self.contained.is_none());
                let held = wanted.filter(|port| listening::holder(*port).is_some());
                Err(held.map_or(died, in_use))
            }
        }
    }

    /// Waits until the first page answers as it should. Where none was asked for, the server may name another.
    pub(super) fn until_page(
        &mut self,
        server: &Server,
        placed: &mut Placed,
    ) -> Result<(), RunError> {
        let answer = self.first_answer(server, placed)?;
        let Some(location) = answer.location.filter(|_| !placed.asked) else {
            return Ok(());
        };
        let asked = placed.load().targets.first().map(Target::url);
        let Some(target) = placed.settings.targets.first_mut() else {
            return Ok(());
        };
        let path = elsewhere(&location, &target.path).ok_or_else(|| RunError::Unreachable {
            why: format!(
                "{} leads to {location}: give a page by `--url /PATH`; where the application wants TLS, `--header 'X-Forwarded-Proto: https'` may do",
                asked.unwrap_or_default()
            ),
            tail: self.running.tail(),
        })?;
        let from = std::mem::replace(&mut target.path, path);
        let note = format!(
            "{from} leads to {}, which is asked for: `--url` gives another page",
            target.path
        );
        placed.notes.push(note);
        placed.asked = true;
        self.first_answer(server, placed).map(drop)
    }

    fn first_answer(&mut self, server: &Server, placed: &Placed) -> Result<Answer, RunError> {
        enum First {
            Answer(Result<Answer, Failure>),
            Ended(Ending),
        }
        let load = placed.load();
        let Some(target) = load.targets.first() else {
            return Err(RunError::System("a load without a page".into()));
        };
        let start = || Probe::start(&load, target, PATIENCE);
        let (mut probe, mut asked, mut last) = (start(), Instant::now(), None);
        let limit = self.deadline.within(server.ready_limit);
        let first = self.until(self.left_of(limit), |watch, pause| {
            if let Some(ending) = watch.running.wait(Duration::ZERO) {
                return Some(First::Ended(ending));
            }
            let Some(answer) = probe.wait(pause) else {
                if asked.elapsed() >= LET_IN {
                    last = None;
                }
                return None;
            };
            match answer {
                Err(failure) if failure.may_pass() => {
                    last = Some(failure);
                    (probe, asked) = (start(), Instant::now());
                    // A port that refuses does so at once.
                    watch.running.wait(pause).map(First::Ended)
                }
                answer => Some(First::Answer(answer)),
            }
        })?;
        match first {
            Some(First::Answer(Ok(answer))) => Ok(answer),
            Some(First::Answer(Err(failure))) => Err(RunError::Requests {
                problem: Problem::Page {
                    url: target.url(),
                    failure,
                },
                sure: placed.sure,
                tail: self.running.tail(),
            }),
            Some(First::Ended(ending)) => Err(self.died("the server", ending)),
            None => Err(RunError::NotReady {
                limit,
                check: match last {
                    Some(failure) => format!("{} {failure}", target.url()),
                    None => format!("{} takes connections and does not answer", target.url()),
                },
                tail: self.running.tail(),
            }),
        }
    }
}

/// Why requests for its pages would measure nothing of the application.
fn nothing_of_its_own(finder: &Finder) -> Option<String> {
    let name = &finder.known()?.name;
    let why = ports::pages_are_files(name)?;
    Some(format!(
        "the pages of {name} are files that run nothing of the application: {why}. Give a load of your own (`--server --ready CHECK --load CMD`)"
    ))
}

/// What was found, and how to say otherwise. `later`: ports that were opened since.
fn said(spot: &Spot, later: &[u16], named: &[u16], sure: bool) -> String {
    let mut text = format!("the server listens on {}", spot.origin);
    let unnamed = |all: &[u16]| -> Vec<u16> {
        let unnamed = all.iter().filter(|port| !named.contains(port));
        unnamed.copied().collect()
    };
    let (others, later) = (unnamed(&spot.others), unnamed(later));
    if !others.is_empty() {
        text.push_str(&format!(
            " (and on {}: `--port PORT` takes another)",
            listed(&others)
        ));
    }
    if !later.is_empty() {
        text.push_str(&format!(
            "; after the load it listens on {}, too: `--port PORT` takes another",
            listed(&later)
        ));
    }
    if !sure {
        text.push_str("; if the command ends by itself, say `--batch`");
    }
    text
}

/// `ports 80 and 81`
fn listed(ports: &[u16]) -> String {
    let words: Vec<String> = ports.iter().map(u16::to_string).collect();
    match words.as_slice() {
        [one] => format!("port {one}"),
        [some @ .., last] => format!("ports {} and {last}", some.join(", ")),
        [] => String::new(),
    }
}

/// The path to which a page leads, where that is on the same server.
fn elsewhere(location: &str, from: &str) -> Option<String> {
    let path = match location.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => {
            rest.find('/').map_or("/", |at| rest.split_at(at).1)
        }
        Some(_) => return None,
        None if location.starts_with("//") => return None,
        None => location,
    };
    let path = path.split('#').next().unwrap_or_default();
    let whole = if path.starts_with('/') {
        path.to_owned()
    } else {
        format!("/{path}")
    };
    let clean = whole.chars().all(|c| c.is_ascii_graphic());
    (clean && whole != from).then_some(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_leads_to_another_of_the_same_server() {
        for (location, expected) in [
            ("/en/", Some("/en/")),
            ("en/?a=b#top", Some("/en/?a=b")),
            ("http://localhost:8000/docs", Some("/docs")),
            ("http://localhost:8000", None),
            ("/", None),
            ("https://localhost/", None),
            ("//other/x", None),
            ("/a b", None),
        ] {
            assert_eq!(elsewhere(location, "/").as_deref(), expected, "{location}");
        }
    }

    #[test]
    fn what_was_found_is_said_with_how_to_say_otherwise() {
        let spot = |others: &[u16]| Spot {
            origin: Origin::listening("0.0.0.0:8000".parse().unwrap()),
            port: 8000,
            others: others.to_vec(),
        };
        let plain = "the server listens on 127.0.0.1:8000";
        assert_eq!(said(&spot(&[]), &[], &[], true), plain);
        assert_eq!(said(&spot(&[9000]), &[9001], &[9000, 9001], true), plain);
        let others = said(&spot(&[9000, 9001]), &[], &[], false);
        assert!(
            others.contains("(and on ports 9000 and 9001: `--port PORT` takes another)")
                && others.ends_with("`--batch`"),
            "{others}"
        );
        let later = said(&spot(&[]), &[9000], &[], true);
        assert!(later.ends_with("it listens on port 9000, too: `--port PORT` takes another"));
    }
}
