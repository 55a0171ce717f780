//! All requests of a load: which is made when, by whom, and when it is over.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::client::Client;
use super::failure::{Failure, Problem};
use super::mix::Mix;
use super::request::Request;
use super::tally::{Summary, Tally};
use super::{Amount, PATIENCE, Settings};

/// What a thread needs: it keeps two small buffers on its stack.
const STACK: usize = 256 << 10;
/// So often a request that waits for its time looks whether it is still wanted.
const TICK: Duration = Duration::from_millis(50);
/// Of a load whose length is not known yet, more failures than this are looked at.
const FEW: u64 = 10;

/// A load that runs. It ends when this is dropped.
pub(crate) struct Load {
    shared: Arc<Shared>,
    tallies: Receiver<Tally>,
    /// How many connections have not said yet what they saw.
    left: usize,
    all: Tally,
}

/// A page and where it is.
struct Page {
    url: String,
    request: Request,
    server: usize,
    /// Whether it was ever answered as it should be.
    answered: AtomicBool,
}

/// What all connections share.
struct Shared {
    pages: Vec<Page>,
    mix: Mix,
    servers: Vec<Vec<SocketAddr>>,
    keep_alive: bool,
    patience: Duration,
    rate: Option<f64>,
    amount: Amount,
    start: Instant,
    next: AtomicU64,
    done: AtomicU64,
    failures: AtomicU64,
    stop: AtomicBool,
    /// The page of the last request that failed, and why it did.
    last: Mutex<Option<(String, Failure)>>,
    problem: Mutex<Option<Problem>>,
}

impl Load {
    /// Starts it. Each page must name its server.
    ///
    /// # Errors
    /// Where a server has no address, or there are no threads for so many connections.
    pub(crate) fn start(settings: &Settings) -> Result<Self, Problem> {
        Self::patient(settings, PATIENCE)
    }

    fn patient(settings: &Settings, patience: Duration) -> Result<Self, Problem> {
        let shared = Arc::new(Shared::of(settings, patience)?);
        let (send, tallies) = channel();
        let load = Self {
            shared,
            tallies,
            left: settings.connections,
            all: Tally::default(),
        };
        for _ in 0..settings.connections {
            let (shared, send) = (Arc::clone(&load.shared), Sender::clone(&send));
            let thread = thread::Builder::new().stack_size(STACK);
            let started = thread.spawn(move || send.send(shared.connection()));
            started.map_err(|error| {
                Problem::System(format!(
                    "no thread for each of {} connections: {error}; ask for fewer with `--connections`",
                    settings.connections
                ))
            })?;
        }
        Ok(load)
    }

    /// Waits so long, or until it is over.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<Result<Summary, Problem>> {
        let start = Instant::now();
        while self.left > 0 {
            let left = limit.saturating_sub(start.elapsed());
            match self.tallies.recv_timeout(left) {
                Ok(tally) => {
                    self.left -= 1;
                    self.all.add(&tally);
                }
                Err(RecvTimeoutError::Timeout) => return self.problem().map(Err),
                Err(RecvTimeoutError::Disconnected) => {
                    let lost = Problem::System("a thread of the load has gone".into());
                    return Some(Err(self.problem().unwrap_or(lost)));
                }
            }
            if let Some(problem) = self.problem() {
                return Some(Err(problem));
            }
        }
        let all = std::mem::take(&mut self.all);
        Some(match self.shared.too_many(all.failures, all.requests) {
            Some(problem) => Err(problem),
            None => Ok(all.summary()),
        })
    }

    fn problem(&self) -> Option<Problem> {
        locked(&self.shared.problem).clone()
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Nobody waits for threads that still wait for a server: they hold nothing but their own.
        self.shared.stop.store(true, Ordering::Relaxed);
    }
}

impl Shared {
    fn of(settings: &Settings, patience: Duration) -> Result<Self, Problem> {
        let origins = settings.origins();
        let addresses = |origin: &&super::Origin| {
            let found = origin.addresses();
            found.map_err(|error| {
                Problem::System(format!("there is no host for `{origin}`: {error}"))
            })
        };
        let servers: Result<Vec<_>, _> = origins.iter().map(addresses).collect();
        let page = |target: &super::Target| {
            let is_own = |origin: &&super::Origin| Some(*origin) == target.origin.as_ref();
            let server = origins.iter().position(is_own);
            let server =
                server.ok_or_else(|| Problem::System(format!("`{target}` names no server")))?;
            Ok(Page {
                url: target.url(),
                request: Request::of(settings, target),
                server,
                answered: AtomicBool::new(false),
            })
        };
        let pages: Result<Vec<Page>, Problem> = settings.targets.iter().map(page).collect();
        let weights: Vec<u32> = settings
            .targets
            .iter()
            .map(|target| target.weight)
            .collect();
        // By a schedule it is known how many requests a time holds.
        let amount = match (settings.amount, settings.rate) {
            (Amount::Time(time), Some(rate)) => {
                Amount::Requests((time.as_secs_f64() * rate).ceil().max(1.0) as u64)
            }
            (amount, _) => amount,
        };
        Ok(Self {
            pages: pages?,
            mix: Mix::of(&weights),
            servers: servers?,
            keep_alive: settings.keep_alive,
            patience,
            rate: settings.rate,
            amount,
            start: Instant::now(),
            next: AtomicU64::new(0),
            done: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            last: Mutex::new(None),
            problem: Mutex::new(None),
        })
    }

    /// Makes requests until there are no more.
    fn connection(&self) -> Tally {
        let mut tally = Tally::default();
        let mut client = Client::new(
            self.servers.len(),
            self.keep_alive,
            self.patience,
            &self.stop,
        );
        while let Some((number, due)) = self.next() {
            if !self.sleep_until(due) {
                break;
            }
            let Some(page) = self.pages.get(self.mix.at(number)) else {
                break;
            };
            let addresses = self
                .servers
                .get(page.server)
                .map(Vec::as_slice)
                .unwrap_or_default();
            // By a schedule it counts what whoever asked then has waited, however late the request was made.
            let began = due.unwrap_or_else(Instant::now);
            let answer = client.ask(page.server, addresses, &page.request.bytes(number));
            let took = began.elapsed();
            match answer {
                Err(Failure::Stopped) => break,
                Err(failure) => {
                    tally.failures += 1;
                    if matches!(failure, Failure::Timeout(_)) {
                        tally.took(took);
                    }
                    self.failed(page, failure);
                }
                Ok(_) => {
                    tally.took(took);
                    page.answered.store(true, Ordering::Relaxed);
                }
            }
            self.done.fetch_add(1, Ordering::Relaxed);
            tally.requests += 1;
            tally.end = self.start.elapsed();
        }
        tally
    }

    /// The number of the next request, and when it is due by the schedule.
    fn next(&self) -> Option<(u64, Option<Instant>)> {
        if self.stop.load(Ordering::Relaxed) {
            return None;
        }
        if let Amount::Time(time) = self.amount
            && self.start.elapsed() >= time
        {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if matches!(self.amount, Amount::Requests(count) if number >= count) {
            return None;
        }
        let Some(rate) = self.rate else {
            return Some((number, None));
        };
        let after = Duration::try_from_secs_f64(number as f64 / rate).ok()?;
        Some((number, Some(self.start.checked_add(after)?)))
    }

    /// Whether the request is still wanted when its time has come.
    fn sleep_until(&self, due: Option<Instant>) -> bool {
        let Some(due) = due else { return true };
        loop {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() || self.stop.load(Ordering::Relaxed) {
                return left.is_zero();
            }
            thread::sleep(left.min(TICK));
        }
    }

    /// A page whose first answer is a failure ends the load at once; so do too many.
    fn failed(&self, page: &Page, failure: Failure) {
        *locked(&self.last) = Some((page.url.clone(), failure.clone()));
        let failures = self.failures.fetch_add(1, Ordering::Relaxed) + 1;
        let problem = if page.answered.load(Ordering::Relaxed) {
            let done = self.done.load(Ordering::Relaxed) + 1;
            match self.amount {
                Amount::Requests(count) => self
                    .too_many(failures, count)
                    .map(|problem| sooner(problem, done)),
                Amount::Time(_) => self.too_many(failures, done).filter(|_| failures > FEW),
            }
        } else {
            let url = page.url.clone();
            Some(Problem::Page { url, failure })
        };
        if let Some(problem) = problem {
            self.stop.store(true, Ordering::Relaxed);
            locked(&self.problem).get_or_insert(problem);
        }
    }

    /// More than one of a hundred.
    fn too_many(&self, failures: u64, requests: u64) -> Option<Problem> {
        if failures.saturating_mul(100) <= requests {
            return None;
        }
        let (url, failure) = locked(&self.last).clone()?;
        Some(Problem::TooMany {
            failures,
            requests,
            url,
            failure,
        })
    }
}

/// The same, told of the requests that were made rather than of all that were to be.
fn sooner(problem: Problem, done: u64) -> Problem {
    match problem {
        Problem::TooMany {
            failures,
            url,
            failure,
            ..
        } => Problem::TooMany {
            failures,
            requests: done,
            url,
            failure,
        },
        other => other,
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;

    use super::super::Target;
    use super::*;

    const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// A server whose answer to each path is as `answer` says; the paths that it was asked for.
    fn server(
        answer: impl Fn(&str) -> String + Send + Sync + 'static,
    ) -> (String, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (Arc::clone(&answer), Arc::clone(&seen));
                thread::spawn(move || {
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    let mut writer = stream;
                    loop {
                        let mut line = String::new();
                        if reader.read_line(&mut line).unwrap_or(0) == 0 {
                            return;
                        }
                        if let Some(path) = line.strip_prefix("GET ") {
                            let path = path.split(' ').next().unwrap().to_owned();
                            let said = answer(&path);
                            seen.lock().unwrap().push(path);
                            while reader.read_line(&mut line).unwrap_or(0) > 2 {}
                            if writer.write_all(said.as_bytes()).is_err() {
                                return;
                            }
                        }
                    }
                });
            }
        });
        (origin, asked)
    }

    fn settings(urls: &[String], amount: Amount) -> Settings {
        Settings {
            targets: urls.iter().map(|url| Target::parse(url).unwrap()).collect(),
            connections: 4,
            rate: None,
            keep_alive: true,
            headers: Vec::new(),
            amount,
        }
    }

    fn run(settings: &Settings) -> Result<Summary, Problem> {
        let mut load = Load::patient(settings, Duration::from_millis(500)).unwrap();
        load.wait(Duration::from_secs(60)).unwrap()
    }

    #[test]
    fn every_load_asks_for_the_same_pages_whoever_asks() {
        for keep_alive in [true, false] {
            let (origin, asked) = server(|_| OK.into());
            let urls = [
                format!("3*{origin}/a?{{number}}"),
                format!("{origin}/b?{{number}}"),
            ];
            let settings = Settings {
                keep_alive,
                ..settings(&urls, Amount::Requests(40))
            };
            let summary = run(&settings).unwrap();
            assert_eq!((summary.requests, summary.failures), (40, 0));
            assert!(
                summary.per_second() > 1.0
                    && summary.p50 <= summary.p99
                    && summary.p99 <= summary.max
            );
            let mut paths = asked.lock().unwrap().clone();
            paths.sort();
            let mut expected: Vec<String> = (0..40)
                .map(|n| format!("/{}?{n}", if n % 4 == 2 { "b" } else { "a" }))
                .collect();
            expected.sort();
            assert_eq!(paths, expected);
        }
    }

    #[test]
    fn a_time_ends_and_says_how_many_that_were() {
        let (origin, asked) = server(|_| OK.into());
        let began = Instant::now();
        let summary = run(&settings(
            &[format!("{origin}/")],
            Amount::Time(Duration::from_millis(300)),
        ))
        .unwrap();
        assert!(
            began.elapsed() < Duration::from_secs(20) && summary.time >= Duration::from_millis(250)
        );
        assert_eq!(summary.requests as usize, asked.lock().unwrap().len());
    }

    #[test]
    fn a_rate_is_kept_and_makes_a_number_of_a_time() {
        let (origin, _) = server(|_| OK.into());
        let settings = Settings {
            rate: Some(200.0),
            ..settings(
                &[format!("{origin}/")],
                Amount::Time(Duration::from_millis(500)),
            )
        };
        let summary = run(&settings).unwrap();
        assert_eq!(summary.requests, 100);
        // The last of them is due after 495 ms; on a machine that is busy it may be late.
        assert!(summary.time >= Duration::from_millis(490), "{summary:?}");
    }

    /// The server stops for a second once.
    #[test]
    fn a_stall_is_seen_by_a_schedule_and_flattered_by_a_closed_loop() {
        let stalls = || {
            let busy = Mutex::new(());
            server(move |path| {
                // As one worker does: whoever comes meanwhile waits.
                let _turn = busy.lock().unwrap();
                if path.ends_with("?100") {
                    thread::sleep(Duration::from_secs(1));
                }
                OK.into()
            })
        };
        let made = |rate| {
            let mut settings = settings(
                &[format!("{}/?{{number}}", stalls().0)],
                Amount::Requests(400),
            );
            (settings.rate, settings.connections) = (rate, 1);
            let mut load = Load::start(&settings).unwrap();
            load.wait(Duration::from_secs(60)).unwrap().unwrap()
        };
        let long = |time: Duration| time >= Duration::from_millis(900);
        let scheduled = made(Some(200.0));
        // 40 of the 400 waited for more than 800 ms.
        assert!(long(scheduled.max) && long(scheduled.p99), "{scheduled:?}");
        assert!(scheduled.p90 >= Duration::from_millis(500), "{scheduled:?}");
        let closed = made(None);
        assert!(long(closed.max), "{closed:?}");
        assert!(
            closed.p99 < Duration::from_millis(500),
            "one of 400 waited: {closed:?}"
        );
    }

    #[test]
    fn a_page_that_fails_at_first_ends_all_of_it() {
        let (origin, asked) = server(|path| {
            if path == "/bad" {
                "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".into()
            } else {
                OK.into()
            }
        });
        let urls = [format!("9*{origin}/"), format!("{origin}/bad")];
        let problem = run(&settings(&urls, Amount::Requests(100_000))).unwrap_err();
        let said = format!("{origin}/bad answers with status 500: see what the server printed");
        assert!(problem.to_string().starts_with(&said), "{problem}");
        assert!(asked.lock().unwrap().len() < 1000);
    }

    #[test]
    fn few_failures_are_counted_and_many_are_no_figures() {
        let fails = |from: u64, to: u64| {
            server(move |path| {
                let number: u64 = path.trim_start_matches("/?").parse().unwrap();
                if (from..to).contains(&number) {
                    "HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n".into()
                } else {
                    OK.into()
                }
            })
        };
        let (origin, _) = fails(100, 104);
        let summary = run(&settings(
            &[format!("{origin}/?{{number}}")],
            Amount::Requests(400),
        ))
        .unwrap();
        assert_eq!((summary.requests, summary.failures), (400, 4));
        let (origin, asked) = fails(100, 400);
        let problem = run(&settings(
            &[format!("{origin}/?{{number}}")],
            Amount::Requests(400),
        ))
        .unwrap_err();
        assert!(
            problem
                .to_string()
                .contains("answers with status 502; with more than 1 %"),
            "{problem}"
        );
        assert!(
            asked.lock().unwrap().len() < 400,
            "it ends when that is sure"
        );
        let (origin, _) = fails(100, u64::MAX);
        let time = Amount::Time(Duration::from_secs(30));
        let problem = run(&settings(&[format!("{origin}/?{{number}}")], time)).unwrap_err();
        assert!(
            matches!(problem, Problem::TooMany { failures, .. } if failures > FEW),
            "{problem}"
        );
    }

    #[test]
    fn nothing_is_there_or_it_never_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}/", listener.local_addr().unwrap());
        let problem = run(&settings(
            std::slice::from_ref(&origin),
            Amount::Requests(10),
        ))
        .unwrap_err();
        assert!(
            problem
                .to_string()
                .contains("does not answer within 500 ms: give a page that takes less"),
            "{problem}"
        );
        drop(listener);
        let problem = run(&settings(&[origin], Amount::Requests(10))).unwrap_err();
        assert!(
            problem
                .to_string()
                .contains("cannot be connected to (Connection refused)"),
            "{problem}"
        );
    }

    #[test]
    fn what_is_dropped_ends() {
        let (origin, asked) = server(|_| OK.into());
        let mut load = Load::start(&settings(
            &[format!("{origin}/")],
            Amount::Requests(u64::MAX),
        ))
        .unwrap();
        assert!(load.wait(Duration::from_millis(200)).is_none());
        drop(load);
        thread::sleep(Duration::from_millis(300));
        let then = asked.lock().unwrap().len();
        thread::sleep(Duration::from_millis(200));
        assert!(then > 0 && asked.lock().unwrap().len() == then);
    }
}
