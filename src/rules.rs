//! The rules: a list from which checks, `--help`, `explain`, reports and tests all derive.
//!
//! A rule is one file here, one page in `rules/` and one line below. It sees units and facts, never
//! text of a format, and reports findings; it does not know how they are shown or mended.

use std::sync::OnceLock;

use crate::facts::{Family, Libc};
use crate::finding::{Applicability, Finding, Severity};
use crate::model::malloc_conf::{Conf, unread};
use crate::model::{Change, Library, Preload, Unit, Via, entries, finds};
use crate::pages::{self, Fix, Meta};
use crate::text::Place;

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id: kebab-case, names the fault.
    pub id: &'static str,
    /// Its page, as it stands in `rules/`.
    pub page: &'static str,
    check: Option<fn(&Unit, &mut Report<'_>)>,
    meta: OnceLock<Meta>,
}

/// The modules of all rules and the list of them, in the order of the catalogue. `tool` rules have
/// a page only: the tool itself reports them.
macro_rules! rules {
    ($($module:ident = $id:literal,)* ; tool $($tool:literal,)*) => {
        $(mod $module;)*

        /// All rules.
        pub static RULES: [Rule; [$($id,)* $($tool,)*].len()] = [
            $(Rule::new($id, include_str!(concat!("../rules/", $id, ".md")), Some($module::check)),)*
            $(Rule::new($tool, include_str!(concat!("../rules/", $tool, ".md")), None),)*
        ];
    };
}

rules! {
    allocator_unset = "allocator-unset",
    jemalloc_not_preloaded = "jemalloc-not-preloaded",
    preload_not_installed = "preload-not-installed",
    preload_wrong_arch = "preload-wrong-arch",
    preload_arch_specific = "preload-arch-specific",
    preload_wrong_path = "preload-wrong-path",
    preload_wrong_soname = "preload-wrong-soname",
    preload_wrong_libc = "preload-wrong-libc",
    preload_needs_missing = "preload-needs-missing",
    preload_wrong_stage = "preload-wrong-stage",
    preload_before_install = "preload-before-install",
    preload_not_expanded = "preload-not-expanded",
    preload_not_exported = "preload-not-exported",
    preload_overwritten = "preload-overwritten",
    preload_malformed = "preload-malformed",
    preload_stripped = "preload-stripped",
    allocators_conflict = "allocators-conflict",
    malloc_conf_unset = "malloc-conf-unset",
    malloc_conf_malformed = "malloc-conf-malformed",
    malloc_conf_unknown_option = "malloc-conf-unknown-option",
    malloc_conf_bad_value = "malloc-conf-bad-value",
    malloc_conf_obsolete_option = "malloc-conf-obsolete-option",
    malloc_conf_without_jemalloc = "malloc-conf-without-jemalloc",
    malloc_conf_never_purges = "malloc-conf-never-purges",
    malloc_conf_debug_left_on = "malloc-conf-debug-left-on",
    narenas_ignores_cpu_limit = "narenas-ignores-cpu-limit",
    background_thread_lost_on_fork = "background-thread-lost-on-fork",
    glibc_tunable_dead = "glibc-tunable-dead",
    glibc_tunable_misspelt = "glibc-tunable-misspelt",
    glibc_tunable_bad_value = "glibc-tunable-bad-value",
    pythonmalloc_slow = "pythonmalloc-slow",
    pythonmalloc_invalid = "pythonmalloc-invalid",
    env_not_string = "env-not-string",
    env_duplicate = "env-duplicate",
    install_as_non_root = "install-as-non-root",
    dev_package_in_final = "dev-package-in-final",
    ; tool
    "unreadable-input",
    "suppression-unused",
    "suppression-unknown",
}

impl Rule {
    const fn new(
        id: &'static str,
        page: &'static str,
        check: Option<fn(&Unit, &mut Report<'_>)>,
    ) -> Self {
        Self {
            id,
            page,
            check,
            meta: OnceLock::new(),
        }
    }

    /// Its metadata. (A page that cannot be read is caught by the tests, not by users.)
    #[must_use]
    pub fn meta(&self) -> &Meta {
        self.meta.get_or_init(|| {
            pages::read(self.page).map_or_else(
                |error| Meta {
                    summary: error.to_string(),
                    severity: Severity::Warning,
                    since: String::new(),
                    inputs: Vec::new(),
                    fix: Fix::None,
                },
                |(meta, _)| meta,
            )
        })
    }

    /// Its prose, as Markdown.
    #[must_use]
    pub fn prose(&self) -> &'static str {
        pages::read(self.page).map_or(self.page, |(_, body)| body)
    }
}

/// The rule of that id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// Lets every rule look at a unit.
pub fn check(unit: &Unit, findings: &mut Vec<Finding>) {
    for rule in &RULES {
        if let Some(check) = rule.check {
            check(unit, &mut Report { rule, findings });
        }
    }
}

/// Where a rule puts its findings.
#[derive(Debug)]
pub struct Report<'r> {
    rule: &'static Rule,
    findings: &'r mut Vec<Finding>,
}

impl Report<'_> {
    /// A finding of this rule, still to be added.
    #[must_use]
    pub fn finding(&self, place: &Place, message: impl Into<String>) -> Finding {
        Finding::new(
            self.rule.id,
            self.rule.meta().severity,
            place.clone(),
            message,
        )
    }

    /// Adds a finding.
    pub fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}

/// Preload entries that rules may find fault with: those that stand in the text as the process gets
/// them. What a start script puts together is its own business: it may test before it sets.
fn faults(unit: &Unit) -> impl Iterator<Item = &Preload> {
    unit.preloads
        .iter()
        .filter(|preload| !preload.conditional && preload.family.is_some())
}

/// What the loader does about a file that it cannot find.
fn loader_says(unit: &Unit) -> &'static str {
    if unit.platform.libc.value() == Some(&Libc::Musl) {
        return "musl's loader skips it without a word";
    }
    "the loader prints `cannot be preloaded ... ignored` for every program and goes on without it"
}

/// The file name of an entry, without what is around it.
fn soname_of(preload: &Preload) -> String {
    let file = preload.name.rsplit('/').next().unwrap_or_default();
    file.trim_matches(|c: char| matches!(c, '"' | '\''))
        .to_owned()
}

/// What makes an allocator run in a unit: it is installed, named, and jemalloc configured.
fn bring(family: Family) -> Vec<Change> {
    let mut changes = vec![Change::Install(family), Change::Preload(family)];
    changes.extend((family == Family::Jemalloc).then_some(Change::Tune));
    changes
}

/// The changes and what they are called, with a `MALLOC_CONF` where jemalloc comes into force without one: its
/// defaults keep up to twice as much memory at rest. Versions before 5 know none of the settings.
fn with_tuning(
    unit: &Unit,
    family: Option<Family>,
    title: String,
    mut changes: Vec<Change>,
) -> (String, Vec<Change>) {
    let old = |library: &Library| {
        let version = library.version.as_deref().unwrap_or_default();
        library.family == Family::Jemalloc && version.starts_with(['3', '4'])
    };
    let tuned = unit.env.get("MALLOC_CONF").is_some() || unit.libraries.iter().any(old);
    if family != Some(Family::Jemalloc) || tuned {
        return (title, changes);
    }
    changes.push(Change::Tune);
    (format!("{title}, and set `MALLOC_CONF`"), changes)
}

/// The `MALLOC_CONF` of a process, where jemalloc may read it. (Where nothing does, its text does not
/// matter.)
fn malloc_conf(unit: &Unit) -> Option<Conf<'_>> {
    if unit.role.is_build() || unread(unit).is_some() {
        return None;
    }
    Conf::of(unit)
}

/// What is wrong with a `MALLOC_CONF` is an error where jemalloc is in force for sure.
fn conf_finding(report: &Report<'_>, conf: &Conf<'_>, place: &Place, message: String) -> Finding {
    let mut finding = report.finding(place, message);
    if !conf.readers.in_force {
        let severity = finding.severity.min(Severity::Warning);
        finding = finding.at_severity(severity);
    }
    if let (Some(version), Some(from)) = (conf.readers.version, &conf.readers.because) {
        finding = finding.note(format!("jemalloc is {version} here ({from})"));
    }
    if conf.aborts() {
        finding =
            finding.note("with `abort_conf:true` the process does not start: jemalloc ends it");
    }
    finding
}

/// The remedy that gives `MALLOC_CONF` another text.
fn set_conf(value: String) -> Vec<Change> {
    let name = "MALLOC_CONF".into();
    vec![if value.is_empty() {
        Change::UnsetEnv { name }
    } else {
        Change::SetEnv { name, value }
    }]
}

/// What such a remedy is called.
fn bringing(family: Family) -> String {
    match family {
        Family::Jemalloc => "install, preload and configure jemalloc".into(),
        family => format!("install and preload {family}"),
    }
}

/// Adds the remedy that renames one entry of `LD_PRELOAD` and keeps the others, where the loader
/// would find the new name.
fn rename_entry(
    finding: Finding,
    unit: &Unit,
    preload: &Preload,
    name: &str,
    safe: Applicability,
) -> Finding {
    let Some(var) = unit
        .env
        .get("LD_PRELOAD")
        .filter(|_| preload.via == Via::Environment)
    else {
        return finding;
    };
    if !finds(unit, name) {
        // The new name would be no better: a person must look.
        return finding;
    }
    let value = var.now.value.text.as_str();
    let value = entries(value)
        .into_iter()
        .filter_map(|range| value.get(range))
        .map(|entry| if entry == preload.name { name } else { entry })
        .collect::<Vec<_>>()
        .join(":");
    let change = Change::SetEnv {
        name: "LD_PRELOAD".into(),
        value,
    };
    let title = format!("preload `{name}`");
    let (title, changes) = with_tuning(unit, preload.family, title, vec![change]);
    finding.remedy(title, safe, changes)
}
