//! `malloclint tune`.

use std::io;

#[cfg(not(target_os = "linux"))]
pub(super) use elsewhere::{keep, run};
#[cfg(target_os = "linux")]
pub(super) use here::{keep, run};

use super::Status;
use crate::cli::tune::{Keeper, Tune};

/// Systems without `/proc`.
#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::{Keeper, Status, Tune, io};

    const REASON: &str = "malloclint: `tune` needs Linux: it reads the memory of processes from /proc (in a container it works elsewhere, too)";

    pub(in crate::commands) fn run(
        _: &Tune,
        _: bool,
        _: &mut dyn io::Write,
        err: &mut dyn io::Write,
    ) -> io::Result<Status> {
        writeln!(err, "{REASON}")?;
        Ok(Status::Trouble)
    }

    pub(in crate::commands) fn keep(_: &Keeper, err: &mut dyn io::Write) -> io::Result<Status> {
        writeln!(err, "{REASON}")?;
        Ok(Status::Trouble)
    }
}

#[cfg(target_os = "linux")]
mod container;

#[cfg(target_os = "linux")]
mod here {
    use std::ffi::OsString;
    use std::io::IsTerminal;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
    use regex::Regex;

    use super::{Keeper, Status, Tune, container, io};
    use crate::cli::tune::{Allocator, Better, Format, Memory};
    use crate::commands::evidence;
    use crate::commands::proposal::{self, Setting};
    use crate::config::{Configs, MallocConf};
    use crate::load::{Amount, Header, Settings, Target};
    use crate::report::harmless;
    use crate::text::duration;
    use crate::tune::{
        self, Interrupt, Judge, Kept, Known, Limit, Load, Options, Outcome, Ready, Saved, Server,
        Stop, Watcher, Which, Work, Workload, report,
    };
    use crate::write;

    /// Requests per second: at least one in a quarter of an hour, at most what one machine can ask of itself.
    const MIN_RATE: f64 = 0.001;
    const MAX_RATE: f64 = 100_000.0;
    /// A server may take so long to get ready.
    const READY: Duration = Duration::from_secs(30);

    pub(in crate::commands) fn run(
        arguments: &Tune,
        colour: bool,
        out: &mut dyn io::Write,
        err: &mut dyn io::Write,
    ) -> io::Result<Status> {
        let done = target(arguments).and_then(|target| Ok((measured(arguments)?, target)));
        match done {
            Ok((outcome, target)) => tell(arguments, &outcome, target.as_deref(), colour, out, err),
            Err(reason) => {
                writeln!(err, "malloclint: {reason}")?;
                Ok(Status::Trouble)
            }
        }
    }

    /// The file that the best setting goes into: that from which `fix` takes it here, else a new one.
    fn target(arguments: &Tune) -> Result<Option<PathBuf>, String> {
        if !arguments.write {
            return Ok(None);
        }
        let found = Configs::file_here().map_err(|error| error.to_string())?;
        let path = found.unwrap_or_else(|| "malloclint.toml".into());
        tune::can_save(&path).map_err(|error| error.to_string())?;
        Ok(Some(path))
    }

    fn measured(arguments: &Tune) -> Result<Outcome, String> {
        let seen = arguments.evidence.as_deref().map(evidence::of_service);
        let seen = seen.transpose()?;
        let mut options = options(arguments)?;
        // What cannot be written in the end is known before the first of many minutes.
        for path in [&arguments.csv, &arguments.html].into_iter().flatten() {
            write::report::check(path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        let interrupt = Interrupt::listen().map_err(|error| error.to_string())?;
        let bar = Bar::new(options.budget, arguments.no_progress);
        if let Some(seen) = seen {
            bar.note(&harmless(&seen));
        }
        // It stays until all has been measured.
        let prepared = (arguments.docker.as_deref())
            .map(|image| container::prepare(arguments, image, &interrupt, &|text| bar.note(text)))
            .transpose()?;
        if let Some(prepared) = &prepared {
            options.workload.command.clone_from(&prepared.command);
            options.workload.container = Some(prepared.container.clone());
            options.workload.work = work(arguments, &prepared.command)?;
        }
        let done = tune::tune(&options, &interrupt, &bar);
        bar.0.finish_and_clear();
        done.map_err(|error| error.to_string())
    }

    fn time(option: &str, text: &str) -> Result<Duration, String> {
        duration::parse(text).map_err(|error| format!("{option}: {error}"))
    }

    /// What kind of command it is said to be, or is known to be.
    fn work(arguments: &Tune, command: &[OsString]) -> Result<Work, String> {
        if arguments.batch {
            return Ok(Work::Command);
        }
        let ready = arguments.ready.as_deref().map(Ready::parse).transpose();
        let ready = ready.map_err(|error| format!("--ready: {error}"))?;
        let load = match &arguments.load {
            Some(load) => Load::Command(load.clone()),
            None => Load::Requests(requests(arguments)?),
        };
        let said = arguments.server
            || ready.is_some()
            || !arguments.url.is_empty()
            || arguments.port.is_some();
        let known = Known::of(command).is_some();
        let ready_timeout = arguments.ready_timeout.as_deref();
        let ready_timeout = ready_timeout.map(|text| time("--ready-timeout", text));
        let ready_timeout = ready_timeout.transpose()?;
        let server = Server {
            load,
            port: arguments.port,
            pinned: arguments.port.is_some(),
            at: None,
            ready,
            ready_limit: Limit {
                time: ready_timeout.unwrap_or(READY),
                why: "`--ready-timeout`",
            },
            ready_said: ready_timeout.is_some(),
            settle: time("--settle", &arguments.settle)?,
        };
        if let Load::Requests(settings) = &server.load
            && settings.is_placed()
            && server.port.is_some()
        {
            return Err("--port: every `--url` names its port already: write `--url /PATH`, or leave out `--port`".into());
        }
        let of_load = matches!(server.load, Load::Command(_));
        match arguments.metric {
            // It is looked for in what the command prints, which a server does not end to print.
            Some(_) if !of_load && said => Err("--metric: it looks into the output of `--load`; requests that are made here have figures of their own".into()),
            Some(_) if !of_load && !known => Ok(Work::Command),
            Some(_) if !of_load => Err("--metric: CMD is a server, whose requests per second count: drop it, or give a load of your own (`--server --ready CHECK --load CMD`); where CMD ends by itself, say `--batch`".into()),
            _ if said || known => Ok(Work::Server(server)),
            _ => Ok(Work::Unknown(server)),
        }
    }

    /// The requests that are asked for.
    fn requests(arguments: &Tune) -> Result<Settings, String> {
        let targets = arguments.url.iter().map(|text| Target::parse(text));
        let targets: Result<Vec<Target>, String> = targets.collect();
        let headers = arguments.headers.iter().map(|text| Header::parse(text));
        let headers: Result<Vec<Header>, String> = headers.collect();
        let rate = arguments.rate;
        if let Some(rate) = rate.filter(|rate| !(MIN_RATE..=MAX_RATE).contains(rate)) {
            return Err(format!(
                "--rate: {rate} is no number of requests per second that can be kept: give one from {MIN_RATE} to {MAX_RATE}"
            ));
        }
        let load_time = time("--load-time", &arguments.load_time)?;
        if load_time.is_zero() {
            return Err("--load-time: no request is made in no time".into());
        }
        Ok(Settings {
            targets: targets.map_err(|error| format!("--url: {error}"))?,
            connections: arguments.connections.into(),
            rate,
            keep_alive: arguments.keep_alive,
            headers: headers.map_err(|error| format!("--header: {error}"))?,
            amount: arguments
                .requests
                .map_or(Amount::Time(load_time), Amount::Requests),
        })
    }

    fn options(arguments: &Tune) -> Result<Options, String> {
        let metric = arguments.metric.as_deref().map(Regex::new).transpose();
        let metric = metric.map_err(|error| format!("--metric: {error}"))?;
        let work = work(arguments, &arguments.command)?;
        let goal = arguments.goal;
        let judge = Judge {
            goal: tune::goal(goal).ok_or_else(|| format!("no goal is called `{}`", goal.name()))?,
            memory: match arguments.memory {
                Memory::Mean => tune::Memory::Mean,
                Memory::Peak => tune::Memory::Peak,
                Memory::End => tune::Memory::End,
            },
            more_is_better: metric.as_ref().map(|_| arguments.better == Better::Higher),
        };
        let which = |allocator: &Allocator| match allocator {
            Allocator::Glibc => Which::Glibc,
            Allocator::Jemalloc => Which::Jemalloc,
            Allocator::Mimalloc => Which::Mimalloc,
            Allocator::Tcmalloc => Which::Tcmalloc,
        };
        let named: Vec<Which> = arguments.allocators.iter().map(which).collect();
        let budget = time("--budget", &arguments.budget)?;
        Ok(Options {
            workload: Workload {
                command: arguments.command.clone(),
                container: None,
                work,
                metric,
                limit: Limit {
                    time: time("--timeout", &arguments.timeout)?,
                    why: "`--timeout`",
                },
            },
            judge,
            budget,
            warmup: arguments.warmup.into(),
            rounds: arguments.rounds.into(),
            candidates: arguments.candidates.into(),
            seed: arguments.seed,
            allocators: (!named.is_empty()).then_some(named),
            libs: arguments.libs.clone(),
            tries: arguments.tries.clone(),
        })
    }

    /// Prints and writes what came out; one file that cannot be written keeps no other back.
    fn tell(
        arguments: &Tune,
        outcome: &Outcome,
        target: Option<&Path>,
        colour: bool,
        out: &mut dyn io::Write,
        err: &mut dyn io::Write,
    ) -> io::Result<Status> {
        let told = print(arguments.format, outcome, colour, out);
        let mut status = match outcome.stop {
            Stop::Decided | Stop::Undecided | Stop::Rounds | Stop::Budget if outcome.compared() => {
                Status::Clean
            }
            _ => Status::Trouble,
        };
        if outcome.stop == Stop::Discarded {
            writeln!(
                err,
                "malloclint: every setting that was to be compared was discarded"
            )?;
        }
        let mut troubled = |reason: String| {
            status = Status::Trouble;
            writeln!(err, "malloclint: {reason}")
        };
        if let Stop::Failed(reason) = &outcome.stop {
            troubled(format!("the command failed in a later run: {reason}"))?;
        }
        let files: [(_, report::Form); 2] = [
            (&arguments.csv, report::csv),
            (&arguments.html, report::html),
        ];
        for (path, form) in files {
            let Some(path) = path else { continue };
            if let Err(error) = report::to_file(path, outcome, form) {
                troubled(format!("{}: {error}", path.display()))?;
            }
        }
        let saved = target.map(|path| save(outcome, path, err)).transpose();
        if let Err(reason) = &saved {
            writeln!(err, "malloclint: {reason}")?;
            status = Status::Trouble;
        }
        // A pipe that was closed keeps no file back.
        told?;
        let setting = saved.ok().flatten().flatten();
        if let Some(setting) = setting {
            // What programs read stays as it is.
            let out = (arguments.format == Format::Human).then_some(out);
            status = status.max(proposal::tell(&outcome.command, setting, out, err)?);
        }
        Ok(status)
    }

    fn print(
        format: Format,
        outcome: &Outcome,
        colour: bool,
        out: &mut dyn io::Write,
    ) -> io::Result<()> {
        match format {
            Format::Json => report::json(outcome, out)?,
            Format::Human => {
                let width = terminal_size::terminal_size().map_or(100, |(width, _)| width.0.into());
                report::terminal(outcome, report::Style { width, colour }, out)?;
            }
        }
        out.flush()
    }

    /// Writes the best setting into a configuration; gives what the files that start the command are to get.
    fn save<'a>(
        outcome: &'a Outcome,
        path: &Path,
        err: &mut dyn io::Write,
    ) -> Result<Option<Setting<'a>>, String> {
        let file = path.display();
        let saved = tune::save(outcome, path, MallocConf::accepts);
        let saved = saved.map_err(|error| error.to_string())?;
        let said = match saved {
            Saved::Written(_) => format!("wrote {file}: `malloclint fix` sets it"),
            Saved::Same(_) => format!("{file} holds it already"),
            Saved::Variables(_) => {
                format!("nothing is written to {file}: it has no key for variables alone")
            }
            Saved::Nothing => {
                "nothing is written: nothing is surely better than the C library's own allocator"
                    .into()
            }
            Saved::Interrupted => "nothing is written: it was interrupted".into(),
            Saved::Stays => {
                "nothing is written: what is set now stays, and `fix` sets nothing like it".into()
            }
        };
        writeln!(err, "malloclint: {said}").map_err(|error| error.to_string())?;
        Ok(match saved {
            Saved::Written(conf) | Saved::Same(conf) => Some(Setting::Jemalloc(conf)),
            Saved::Variables(all) => Some(Setting::Variables(all)),
            Saved::Nothing | Saved::Stays | Saved::Interrupted => None,
        })
    }

    /// The process that keeps a command.
    pub(in crate::commands) fn keep(
        arguments: &Keeper,
        err: &mut dyn io::Write,
    ) -> io::Result<Status> {
        let pair = |text: &OsString| {
            let bytes = text.as_bytes();
            let at = bytes
                .iter()
                .position(|byte| *byte == b'=')
                .unwrap_or(bytes.len());
            let (name, value) = bytes.split_at(at);
            let value = value.get(1..).unwrap_or_default();
            (
                OsString::from_vec(name.to_vec()),
                OsString::from_vec(value.to_vec()),
            )
        };
        let kept = Kept {
            set: arguments.set.iter().map(pair).collect(),
            unset: arguments.unset.clone(),
            command: arguments.command.clone(),
            cleanup: arguments.cleanup.clone(),
        };
        match tune::keep(&kept) {
            Ok(()) => Ok(Status::Clean),
            Err(error) => {
                writeln!(
                    err,
                    "malloclint: this command is for `malloclint tune`: {error}"
                )?;
                Ok(Status::Trouble)
            }
        }
    }

    /// A bar that fills with the budget, on a terminal.
    struct Bar(ProgressBar);

    impl Bar {
        fn new(budget: Duration, refused: bool) -> Self {
            let target = if refused || !io::stderr().is_terminal() {
                ProgressDrawTarget::hidden()
            } else {
                ProgressDrawTarget::stderr()
            };
            let bar = ProgressBar::with_draw_target(Some(budget.as_secs().max(1)), target);
            let template = "{bar:24} {prefix}, {wide_msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style);
            }
            Self(bar)
        }
    }

    impl Watcher for Bar {
        fn note(&self, text: &str) {
            // Notes are for people and logs: they come with a bar or without.
            self.0.suspend(|| {
                let _ = io::Write::write_all(
                    &mut io::stderr(),
                    format!("malloclint: {text}\n").as_bytes(),
                );
            });
        }

        fn progress(&self, spent: Duration, budget: Duration, what: &str) {
            let left = Duration::from_secs(budget.saturating_sub(spent).as_secs());
            self.0.set_position(spent.as_secs());
            self.0
                .set_prefix(format!("at most {} left", duration::show(left)));
            self.0.set_message(what.to_owned());
        }
    }
}
