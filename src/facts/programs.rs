//! Programs that start Python processes (`programs.toml`).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde::Deserialize;

use super::options::given;

/// Whether a program keeps running.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Kind {
    Service,
    Notebook,
    Oneshot,
}

/// How a program makes workers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub(crate) enum Workers {
    Threads,
    Fork,
    Spawn,
    #[default]
    Unknown,
}

/// What a program does when it is started.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Behaviour {
    /// Whether it keeps running.
    pub kind: Kind,
    /// How it makes workers without further options.
    #[serde(default)]
    pub model: Workers,
    /// Options that, with a number over 1 or no number, change that to `with_workers`.
    #[serde(default)]
    pub workers: Vec<String>,
    /// The model with such an option.
    #[serde(default)]
    pub with_workers: Workers,
    /// Options whose value decides the model.
    #[serde(default)]
    pub pool: Vec<String>,
    /// The models by that value.
    #[serde(default)]
    pub pools: BTreeMap<String, Workers>,
    /// Whether it answers in a pool of threads.
    #[serde(default)]
    pub threaded: bool,
    /// Options that, with a number over 1, make it do so.
    #[serde(default)]
    pub threads: Vec<String>,
    /// Arguments that make it do so.
    #[serde(default)]
    pub thread_pools: Vec<String>,
    /// Kinds of workers, as `pool` names them, for which the number of threads counts; all where none are named.
    #[serde(default)]
    pub threads_with: Vec<String>,
    /// Words with which it has one thread, whatever else is said.
    #[serde(default)]
    pub no_threads: Vec<String>,
    /// To how many heaps it limits glibc by itself.
    #[serde(default)]
    pub heaps: Option<u32>,
    /// Whether its own documentation calls it a server for development.
    #[serde(default)]
    pub development: bool,
    /// Whether its documentation advises another server for production.
    #[serde(default)]
    pub second_choice: bool,
}

#[derive(Debug, Deserialize)]
struct Program {
    names: Vec<String>,
    #[serde(flatten)]
    other: Behaviour,
    #[serde(default)]
    subcommands: BTreeMap<String, Behaviour>,
    /// Nothing is known of subcommands that are not named: projects bring their own.
    #[serde(default)]
    own: bool,
}

/// A program that starts others as a file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Supervisor {
    names: Vec<String>,
    /// The options whose value is the path of that file.
    #[serde(default)]
    pub options: Vec<String>,
    /// Where it looks for it otherwise.
    pub files: Vec<String>,
    /// Folders of further ones.
    #[serde(default)]
    pub folders: Vec<String>,
    /// How the sections of programs begin; nothing where a program is a line for a shell.
    pub section: Option<String>,
    /// The keys of the command's words.
    #[serde(default)]
    pub command: Vec<String>,
    /// The key of its variables.
    pub environment: Option<String>,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

/// The program of that name that starts others as a file says.
#[must_use]
pub(crate) fn supervisor(name: &str) -> Option<&'static Supervisor> {
    let mut all = programs().supervisor.iter();
    all.find(|one| one.names.iter().any(|own| own == name))
}

/// A program that starts others without the environment that it got itself.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Launcher {
    names: Vec<String>,
    with: Option<String>,
    saved_by: Option<String>,
    /// What it does.
    pub why: String,
    /// What to do.
    pub help: String,
    #[cfg_attr(
        not(test),
        expect(
            dead_code,
            reason = "tests demand that every fact says where it was read"
        )
    )]
    source: String,
}

impl Launcher {
    /// The variable, and its value, without which it hands the environment on.
    #[must_use]
    pub(crate) fn only_with(&self) -> Option<(&str, &str)> {
        self.with.as_deref()?.split_once('=')
    }

    /// Whether the file that it is given makes it hand the environment on.
    #[must_use]
    pub(crate) fn is_saved_by(&self, text: &str) -> bool {
        self.saved_by
            .as_deref()
            .is_some_and(|sign| text.contains(sign))
    }
}

/// Whether a server ends its workers by how much address space they have.
#[must_use]
pub(crate) fn counts_address_space(name: &str) -> bool {
    programs().address_space.iter().any(|own| own == name)
}

/// The launcher of that name.
#[must_use]
pub(crate) fn launcher(name: &str) -> Option<&'static Launcher> {
    let mut all = programs().launcher.iter();
    all.find(|launcher| launcher.names.iter().any(|own| own == name))
}

/// Text in a Python program that says that it keeps running.
#[derive(Debug, Deserialize)]
pub(crate) struct Sign {
    /// The text.
    pub text: String,
    #[serde(default)]
    among: Vec<String>,
    /// What it starts answers in several threads.
    #[serde(default)]
    pub threads: bool,
}

#[derive(Debug, Default, Deserialize)]
struct Programs {
    #[serde(default)]
    supervisor: Vec<Supervisor>,
    #[serde(default)]
    sign: Vec<Sign>,
    #[serde(default)]
    reload: Vec<String>,
    #[serde(default)]
    python_servers: Vec<String>,
    #[serde(default)]
    unpack: Vec<String>,
    #[serde(default)]
    unseen: Vec<String>,
    #[serde(default)]
    piped: Vec<String>,
    #[serde(default)]
    stdio: Vec<String>,
    #[serde(default)]
    stdio_unless: Vec<String>,
    #[serde(default)]
    foreign: Vec<String>,
    #[serde(default)]
    address_space: Vec<String>,
    #[serde(default)]
    launcher: Vec<Launcher>,
    #[serde(default)]
    program: Vec<Program>,
}

fn programs() -> &'static Programs {
    static DATA: OnceLock<Programs> = OnceLock::new();
    DATA.get_or_init(|| toml_edit::de::from_str(include_str!("programs.toml")).unwrap_or_default())
}

/// What `name` does with `arguments`; `None` for programs that are not in the table.
#[must_use]
pub(crate) fn behaviour(name: &str, arguments: &[String]) -> Option<&'static Behaviour> {
    let program = programs()
        .program
        .iter()
        .find(|program| program.names.iter().any(|known| known == name))?;
    let word = |argument: &&String| !argument.starts_with('-') && !argument.contains('=');
    let named = |argument: &String| program.subcommands.get(argument.as_str());
    let mut words = arguments.iter().filter(word).take(4);
    let found = words.find_map(named);
    found.or_else(|| (!program.own).then_some(&program.other))
}

/// What the words of a command say of the threads that answer in a process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Threads {
    /// Nothing.
    Unsaid,
    /// One, or none at all.
    One,
    /// A number that is not known when the text is read.
    Some,
    /// Several, by these words: `--threads 8`, `gthread`.
    Several(String),
}

/// What the words of a command say of threads.
#[must_use]
pub(crate) fn threads(server: &str, words: &[String]) -> Threads {
    let Some(found) = behaviour(server, words) else {
        return Threads::Unsaid;
    };
    let asked = given(words, &found.pool);
    let kind = asked.and_then(|asked| asked.value);
    let pool = |word: &str| found.thread_pools.iter().any(|own| own == word);
    if let Some(asked) = asked.filter(|_| kind.is_some_and(pool)) {
        return Threads::Several(asked.text());
    }
    if let Some(word) = words.iter().find(|word| pool(word)) {
        return Threads::Several(word.clone());
    }
    if words.iter().any(|word| found.no_threads.contains(word)) {
        return Threads::One;
    }
    match kind {
        Some(kind) if kind.contains(['$', '*']) => return Threads::Some,
        Some(kind) if !has_threads_of(found, kind) => return Threads::One,
        _ => {}
    }
    let Some(given) = given(words, &found.threads) else {
        return Threads::Unsaid;
    };
    match given.value.map(str::parse::<u32>) {
        Some(Ok(0 | 1)) => Threads::One,
        Some(Ok(_)) => Threads::Several(given.text()),
        _ => Threads::Some,
    }
}

/// What kind of workers the words of a command ask for: `gevent`.
#[must_use]
pub(crate) fn worker_kind<'a>(server: &str, words: &'a [String]) -> Option<&'a str> {
    given(words, &behaviour(server, words)?.pool)?.value
}

/// Whether workers of that kind have as many threads as are asked for.
#[must_use]
pub(crate) fn threads_count(server: &str, kind: &str) -> bool {
    behaviour(server, &[]).is_none_or(|found| has_threads_of(found, kind))
}

fn has_threads_of(found: &Behaviour, kind: &str) -> bool {
    found.threads_with.is_empty() || found.threads_with.iter().any(|own| own == kind)
}

/// To how many heaps a server limits glibc by itself, where it does.
#[must_use]
pub(crate) fn own_heaps(server: &str) -> Option<u32> {
    behaviour(server, &[])?.heaps
}

/// Whether a server forks its workers, with these words.
#[must_use]
pub(crate) fn forks(server: &str, words: &[String]) -> bool {
    let Some(found) = behaviour(server, words) else {
        return false;
    };
    let pool = given(words, &found.pool).and_then(|given| given.value);
    let workers = pool.and_then(|pool| found.pools.get(pool));
    *workers.unwrap_or(&found.model) == Workers::Fork
}

/// Whether a word stands in a text by itself: `bottle`, not `bottleneck`.
fn has_word(text: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text
            .get(at + word.len()..)
            .and_then(|text| text.chars().next());
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// The text in a Python program that says it keeps running, if there is such text.
#[must_use]
pub(crate) fn sign_of_service(text: &str) -> Option<&'static Sign> {
    let lower = std::cell::OnceCell::new();
    let among = |words: &[String]| {
        let lower = lower.get_or_init(|| text.to_lowercase());
        words.is_empty() || words.iter().any(|word| has_word(lower, word))
    };
    let fits = |sign: &&Sign| text.contains(sign.text.as_str()) && among(&sign.among);
    programs().sign.iter().find(fits)
}

/// Whether a server answers in several threads by itself.
#[must_use]
pub(crate) fn has_threads(server: &str, words: &[String]) -> bool {
    behaviour(server, words).is_some_and(|found| found.threaded)
}

/// Whether a Python program with that text and those arguments serves its caller over standard
/// input, and ends with it.
#[must_use]
pub(crate) fn talks_over_stdio(text: &str, arguments: &[String]) -> bool {
    let table = programs();
    let says_otherwise = |argument: &String| {
        table
            .stdio_unless
            .iter()
            .any(|word| argument.contains(word.as_str()))
    };
    table.stdio.iter().any(|sign| text.contains(sign.as_str()))
        && !arguments.iter().any(says_otherwise)
}

/// Whether `option` makes a server start anew whenever its source changes.
#[must_use]
pub(crate) fn reloads(option: &str) -> bool {
    let (name, value) = option.split_once('=').unwrap_or((option, ""));
    let on = !matches!(value, "false" | "False" | "0");
    on && programs().reload.iter().any(|known| known == name)
}

/// Whether `name` unpacks archives.
#[must_use]
pub(crate) fn unpacks(name: &str) -> bool {
    programs().unpack.iter().any(|known| known == name)
}

/// Whether `name` may put any file anywhere: installers, build tools, shells that are fed by a pipe,
/// Python programs of the project's own.
#[must_use]
pub(crate) fn works_unseen(name: &str, arguments: &[String], piped: bool) -> bool {
    let table = programs();
    let own_script = name.starts_with("python")
        && arguments
            .first()
            .is_some_and(|script| script.ends_with(".py") && !script.ends_with("manage.py"));
    own_script
        || table.unseen.iter().any(|known| known == name)
        || piped && table.piped.iter().any(|known| known == name)
}

/// Whether a server's name alone says Python; shells and the like say nothing.
#[must_use]
pub(crate) fn is_python_server(server: Option<&str>) -> bool {
    server.is_some_and(|server| {
        programs()
            .python_servers
            .iter()
            .any(|known| known == server)
    })
}

/// Whether `name` is a program of another language.
#[must_use]
pub(crate) fn is_foreign(name: &str) -> bool {
    programs().foreign.iter().any(|foreign| foreign == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_parses_and_names_no_program_twice() {
        let table: Programs = toml_edit::de::from_str(include_str!("programs.toml")).unwrap();
        let mut names: Vec<_> = table
            .program
            .iter()
            .flat_map(|program| &program.names)
            .collect();
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(count > 100);
        let mut launchers = table.launcher.iter();
        assert!(launchers.all(|launcher| !launcher.source.is_empty()));
        let mut supervisors = programs().supervisor.iter();
        assert!(supervisors.all(|supervisor| !supervisor.source.is_empty()));
    }

    #[test]
    fn subcommands_decide() {
        let args = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let kind = |name, text| behaviour(name, &args(text)).map(|found| (found.kind, found.model));
        assert_eq!(
            kind("celery", "-A app worker -l info"),
            Some((Kind::Service, Workers::Fork))
        );
        assert_eq!(
            kind("celery", "-A app inspect ping"),
            Some((Kind::Oneshot, Workers::Unknown))
        );
        assert_eq!(
            kind("flask", "--app x run"),
            Some((Kind::Service, Workers::Threads))
        );
        assert_eq!(kind("nginx", ""), None);
    }
}
