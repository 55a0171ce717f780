//! Looks for the server that a command has become: where it takes connections, and whether it answers HTTP there.
//!
//! Of a command that is known to be a server it is enough that it listens. Another one may listen for workers of its own, or show
//! how far it is on a page: it is a server if it answers HTTP and has nothing else to do.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::known::Known;
use super::listening::{self, Listener, Sockets};
use super::reach::Reach;
use super::tree::Root;
use crate::facts::ports;
use crate::load::{Failure, Origin, PATIENCE, Probe, Settings, Target};

/// Between two looks at the sockets: of a server one waits for, and of a command that is at work.
const SOON: Duration = Duration::from_millis(100);
const LATER: Duration = Duration::from_secs(1);
/// So long it listens before it is taken: a server with several ports opens them one after the other.
const SETTLED: Duration = Duration::from_millis(300);
/// So long a Unix socket is all there is: the port may come behind that of a control interface.
const ALONE: Duration = Duration::from_secs(5);
/// So long the port is waited for on which a server usually listens, or its arguments say so, while another is open: of figures about
/// itself, or of a program that it needs.
const USUAL: Duration = ALONE;
const NAMED: Duration = Duration::from_secs(20);
/// One of several ports may take so long to answer.
const QUICK: Duration = Duration::from_secs(3);
/// A port that did not answer so often is not asked again.
const TRIES: u8 = 3;
/// What uses less than this of a processor waits for work.
pub(super) const IDLE: f64 = 0.25;
/// How long that is looked at.
pub(super) const WHILE: Duration = Duration::from_secs(1);

/// A search for one server.
pub(super) struct Finder {
    settings: Settings,
    /// How a container is reached, where the server runs in one.
    reach: Option<Reach>,
    known: Option<Known>,
    /// The only port that counts, as the server has it; `None`: any.
    wanted: Option<u16>,
    /// The port on which it listened before.
    before: Option<u16>,
    /// Whether it is known that it is a server.
    sure: bool,
    looked: Option<Instant>,
    /// Since when it listens.
    since: Option<Instant>,
    probe: Option<(Origin, Probe)>,
    /// How often a port did not answer HTTP.
    silent: BTreeMap<u16, u8>,
    /// The last look.
    sockets: Sockets,
}

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A server, and where.
    Server(Spot),
    /// A server that cannot be reached; why, and what to do.
    Unreachable(String),
    /// Somebody else takes connections on its port.
    Contested(u16),
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) origin: Origin,
    /// The port as the server has it.
    pub(super) port: u16,
    /// Its other ports that can be reached, where it has some.
    pub(super) others: Vec<u16>,
}

impl Finder {
    pub(super) fn new(settings: &Settings, known: Option<Known>, sure: bool) -> Self {
        Self {
            settings: settings.clone(),
            reach: None,
            sure: sure || known.is_some(),
            known,
            wanted: None,
            before: None,
            looked: None,
            since: None,
            probe: None,
            silent: BTreeMap::new(),
            sockets: Sockets::default(),
        }
    }

    /// The same search in a container.
    pub(super) fn within(self, reach: Option<Reach>) -> Self {
        Self { reach, ..self }
    }

    /// The same search for a port, as the server has it; `alone`: what else it listens on does not count.
    pub(super) fn on(self, port: Option<u16>, alone: bool) -> Self {
        Self {
            wanted: port.filter(|_| alone),
            before: port,
            ..self
        }
    }

    /// On which port it would listen, where that is known.
    pub(super) fn probable(&self) -> Option<u16> {
        self.before.or_else(|| self.usual())
    }

    /// The port that is taken before any other. A server that had one port alone may have another one in each run.
    fn expected(&self) -> Option<u16> {
        match self.before {
            Some(_) => self.wanted,
            None => self.usual(),
        }
    }

    fn usual(&self) -> Option<u16> {
        self.known.as_ref().and_then(|known| known.port)
    }

    /// How long that is waited for, another port being open.
    fn patience(&self) -> Duration {
        match &self.known {
            Some(known) if known.named => NAMED,
            _ => USUAL,
        }
    }

    /// Whether it is known to be a server.
    pub(super) const fn is_sure(&self) -> bool {
        self.sure
    }

    /// What it is known to be.
    pub(super) const fn known(&self) -> Option<&Known> {
        self.known.as_ref()
    }

    /// Goes on with the search; `idle` says whether the command waits for work.
    pub(super) fn step(&mut self, root: Root, idle: bool) -> Option<Found> {
        if let Some((origin, probe)) = &mut self.probe {
            let answer = probe.wait(Duration::ZERO)?;
            let origin = origin.clone();
            self.probe = None;
            match answer {
                Ok(_) | Err(Failure::Status(_)) => return self.server(&origin),
                Err(Failure::Nonsense(_)) => {
                    self.silent.insert(self.inside(&origin), TRIES);
                }
                Err(_) => *self.silent.entry(self.inside(&origin)).or_default() += 1,
            }
        }
        let pause = if self.sure { SOON } else { LATER };
        if self.looked.is_some_and(|looked| looked.elapsed() < pause) {
            return None;
        }
        self.look(root);
        let open = self.open();
        if open.is_empty() {
            if self.sure {
                // What was silent may answer yet.
                self.silent.clear();
            }
            let any = !self.sockets.unix.is_empty() || !self.sockets.tcp.is_empty();
            self.since = self.since.filter(|_| any);
            return self.unreachable();
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() < SETTLED || !self.sure && !idle {
            return None;
        }
        let expected = self.expected();
        let is_there = open.iter().any(|listener| Some(listener.port) == expected);
        if expected.is_some() && !is_there && since.elapsed() < self.patience() {
            return None;
        }
        self.choose(&open)
    }

    fn look(&mut self, root: Root) {
        self.looked = Some(Instant::now());
        if !self.sure {
            self.known = Known::below(root);
            self.sure = self.known.is_some();
        }
        self.sockets = listening::below(root);
        if let Some(reach) = &self.reach {
            let tcp = std::mem::take(&mut self.sockets.tcp).into_iter();
            self.sockets.tcp = tcp.map(|listener| reach.seen_here(listener)).collect();
        }
    }

    /// The sockets that may be the server's.
    fn open(&self) -> Vec<Listener> {
        let fits = |listener: &&Listener| {
            let port = listener.port;
            let silent = self.silent.get(&port).is_some_and(|tries| *tries >= TRIES);
            let unlikely = !self.sure && ports::is_of_a_dashboard(port);
            self.is_wanted(listener) && listener.here && !silent && !unlikely
        };
        self.sockets.tcp.iter().filter(fits).cloned().collect()
    }

    fn is_wanted(&self, listener: &Listener) -> bool {
        self.wanted.is_none_or(|port| listener.port == port)
    }

    /// Where no port can be reached: whether anything else can be said of it.
    fn unreachable(&mut self) -> Option<Found> {
        if !self.sure {
            return None;
        }
        let mut wanted = self.sockets.tcp.iter().filter(|one| self.is_wanted(one));
        let elsewhere = wanted.find(|listener| !listener.here);
        // Another port that is open says that the right one may come.
        let unix = match self.wanted {
            Some(_) if !self.sockets.tcp.is_empty() => String::new(),
            _ => self.sockets.unix.join(", "),
        };
        if elsewhere.is_none() && unix.is_empty() {
            return None;
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() < ALONE {
            return None;
        }
        if let Some(listener) = elsewhere {
            let port = listener.port;
            return Some(Found::Unreachable(match self.reach {
                Some(_) => Reach::refusal(listener.address),
                None => format!(
                    "the server listens on port {port} in a network of its own, which cannot be reached from here: run malloclint in that network"
                ),
            }));
        }
        let argument = self
            .known
            .as_ref()
            .and_then(|known| ports::tcp_argument(&known.name));
        let how = argument.map_or_else(String::new, |argument| format!(" (`{argument}`)"));
        Some(Found::Unreachable(format!(
            "the server listens on no TCP port but on a Unix socket ({unix}): start it with a port{how}, or give a load of your own (`--server --ready CHECK --load CMD`)"
        )))
    }

    /// Takes a port, or asks whether HTTP is spoken there.
    fn choose(&mut self, open: &[Listener]) -> Option<Found> {
        let expected = self.expected();
        let listener = open.iter().find(|listener| Some(listener.port) == expected);
        let taken = listener.is_some() || open.len() == 1;
        let tries = |listener: &&Listener| self.silent.get(&listener.port).copied();
        let listener = listener.or_else(|| open.iter().min_by_key(tries))?;
        if listener.contested && self.sure {
            return Some(Found::Contested(listener.port));
        }
        let origin = Origin::listening(listener.address);
        if self.sure && taken {
            return self.server(&origin);
        }
        let page = self
            .settings
            .targets
            .first()
            .map_or("/", |target| &target.path);
        let page = Target::page(origin.clone(), page.to_owned());
        let patience = if taken { PATIENCE } else { QUICK };
        self.probe = Some((origin, Probe::start(&self.settings, &page, patience)));
        None
    }

    /// What takes connections there; nothing where that is over again.
    fn server(&self, origin: &Origin) -> Option<Found> {
        let all = self.sockets.tcp.iter();
        let is_it = |one: &&Listener| one.here && Origin::listening(one.address) == *origin;
        let port = all.clone().find(is_it)?.port;
        let others = all.filter(|one| one.here && one.port != port);
        let mut others: Vec<u16> = others.map(|one| one.port).collect();
        others.sort_unstable();
        others.dedup();
        Some(Found::Server(Spot {
            origin: origin.clone(),
            port,
            others,
        }))
    }

    /// The port of a place as the server has it.
    fn inside(&self, origin: &Origin) -> u16 {
        let all = self.sockets.tcp.iter();
        let mut own = all.filter(|one| one.here && Origin::listening(one.address) == *origin);
        own.next().map_or_else(|| origin.port(), |one| one.port)
    }

    /// Whether it listened on any port when it was last looked at.
    pub(super) const fn listens(&self) -> bool {
        !self.sockets.tcp.is_empty()
    }

    /// What is missing, in words.
    pub(super) fn lack(&self) -> String {
        let ports: Vec<u16> = self.sockets.tcp.iter().map(|one| one.port).collect();
        let listed: Vec<String> = ports.iter().map(u16::to_string).collect();
        let listed = listed.join(", ");
        if let Some(wanted) = self.wanted.filter(|wanted| !ports.contains(wanted)) {
            return match ports.as_slice() {
                [] => format!("it does not listen on port {wanted}"),
                _ => format!("it does not listen on port {wanted}, but on port {listed}"),
            };
        }
        if ports.is_empty() {
            return "it listens on no TCP port; what has another load needs `--server --ready CHECK --load CMD`".into();
        }
        format!("nothing answers HTTP on port {listed}")
    }
}
