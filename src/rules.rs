//! The rules: a list from which checks, `--help`, `explain`, reports and tests all derive.
//!
//! A rule is one file here, one page in `rules/` and one line below. It sees units and facts, never
//! text of a format, and reports findings; it does not know how they are shown or fixed.

mod allocator_unset;
mod allocator_variable_unread;
mod allocators_conflict;
mod background_thread_breaks_program;
mod background_thread_lost_on_fork;
mod dev_package_in_final;
mod env_duplicate;
mod env_not_string;
mod glibc_tunable_bad_value;
mod glibc_tunable_dead;
mod glibc_tunable_misspelt;
mod install_as_non_root;
mod jemalloc_not_preloaded;
mod jemalloc_page_size;
mod malloc_conf_bad_value;
mod malloc_conf_debug_left_on;
mod malloc_conf_malformed;
mod malloc_conf_never_purges;
mod malloc_conf_obsolete_option;
mod malloc_conf_serialises_threads;
mod malloc_conf_unknown_option;
mod malloc_conf_unset;
mod malloc_conf_without_jemalloc;
mod narenas_ignores_cpu_limit;
mod preload_arch_specific;
mod preload_before_install;
mod preload_breaks_program;
mod preload_file_on_musl;
mod preload_malformed;
mod preload_needs_missing;
mod preload_noise;
mod preload_not_a_library;
mod preload_not_expanded;
mod preload_not_exported;
mod preload_not_installed;
mod preload_overwritten;
mod preload_stripped;
mod preload_wrong_arch;
mod preload_wrong_libc;
mod preload_wrong_path;
mod preload_wrong_soname;
mod preload_wrong_stage;
mod pythonmalloc_invalid;
mod pythonmalloc_slow;
mod remedies;
mod thread_hook_missing;

pub(crate) use allocator_unset::what_is_set;
pub(crate) use remedies::in_force;

use std::sync::OnceLock;

use crate::finding::{Finding, Severity, Subject};
use crate::model::Unit;
use crate::pages::{self, Fix, Meta};
use crate::text::{Place, near};

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

/// The list of all rules, in the order of the catalogue. `tool` rules have a page only: the tool itself
/// reports them. (Their modules are declared above, where `cargo fmt` sees them.)
macro_rules! rules {
    ($($module:ident = $id:literal,)* ; tool $($tool:literal,)*) => {
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
    jemalloc_page_size = "jemalloc-page-size",
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
    preload_not_a_library = "preload-not-a-library",
    preload_file_on_musl = "preload-file-on-musl",
    preload_breaks_program = "preload-breaks-program",
    preload_noise = "preload-noise",
    allocators_conflict = "allocators-conflict",
    malloc_conf_unset = "malloc-conf-unset",
    malloc_conf_malformed = "malloc-conf-malformed",
    malloc_conf_unknown_option = "malloc-conf-unknown-option",
    malloc_conf_bad_value = "malloc-conf-bad-value",
    malloc_conf_obsolete_option = "malloc-conf-obsolete-option",
    malloc_conf_serialises_threads = "malloc-conf-serialises-threads",
    malloc_conf_without_jemalloc = "malloc-conf-without-jemalloc",
    allocator_variable_unread = "allocator-variable-unread",
    malloc_conf_never_purges = "malloc-conf-never-purges",
    malloc_conf_debug_left_on = "malloc-conf-debug-left-on",
    narenas_ignores_cpu_limit = "narenas-ignores-cpu-limit",
    background_thread_breaks_program = "background-thread-breaks-program",
    background_thread_lost_on_fork = "background-thread-lost-on-fork",
    thread_hook_missing = "thread-hook-missing",
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
    "suppression-malformed",
    "suppression-expired",
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

    /// What it finds, why it matters and when to leave it: its prose without the examples.
    #[must_use]
    pub fn reasons(&self) -> &'static str {
        let prose = self.prose();
        let end = prose.find("\n## Examples").unwrap_or(prose.len());
        prose.get(..end).unwrap_or(prose).trim()
    }

    /// The address of its page.
    #[must_use]
    pub fn url(&self) -> String {
        url(self.id)
    }

    /// Its prose, as Markdown.
    #[must_use]
    pub fn prose(&self) -> &'static str {
        pages::read(self.page).map_or(self.page, |(_, body)| body)
    }
}

/// The address of a rule's page, as it stood when this version was released.
#[must_use]
pub(crate) fn url(id: &str) -> String {
    let (home, version) = (env!("CARGO_PKG_REPOSITORY"), env!("CARGO_PKG_VERSION"));
    format!("{home}/blob/v{version}/rules/{id}.md")
}

/// Whether a rule speaks of built images.
#[must_use]
pub(crate) fn is_of_images(id: &str) -> bool {
    find(id).is_some_and(|rule| rule.meta().inputs.iter().any(|input| input == "image"))
}

/// The rule of that id.
#[must_use]
pub(crate) fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}

/// The rule whose id is nearly `id`, if one is.
#[must_use]
pub(crate) fn nearest(id: &str) -> Option<&'static str> {
    let all = RULES.iter().map(|rule| (near::edits(rule.id, id), rule.id));
    all.min().filter(|(edits, _)| *edits <= 4).map(|(_, id)| id)
}

/// A finding of one of the tool's own rules.
#[must_use]
pub(crate) fn of_tool(id: &str, place: &Place, message: impl Into<String>) -> Option<Finding> {
    let rule = find(id)?;
    let severity = rule.meta().severity;
    Some(Finding::new(rule.id, severity, place.clone(), message))
}

/// A finding about a file that cannot be read.
#[must_use]
pub(crate) fn unreadable(place: &Place, message: impl Into<String>) -> Option<Finding> {
    of_tool("unreadable-input", place, message).map(|finding| finding.about(Subject::File))
}

/// Lets every rule look at a unit.
pub(crate) fn check(unit: &Unit, findings: &mut Vec<Finding>) {
    for rule in &RULES {
        if let Some(check) = rule.check {
            check(unit, &mut Report { rule, findings });
        }
    }
}

/// Where a rule puts its findings.
#[derive(Debug)]
pub(crate) struct Report<'r> {
    rule: &'static Rule,
    findings: &'r mut Vec<Finding>,
}

impl Report<'_> {
    /// A finding of this rule, still to be added.
    #[must_use]
    pub(crate) fn finding(&self, place: &Place, message: impl Into<String>) -> Finding {
        // A value that is quoted may hold the end of a line.
        let message = message.into().replace('\n', "\\n");
        Finding::new(
            self.rule.id,
            self.rule.meta().severity,
            place.clone(),
            message,
        )
    }

    /// Adds a finding.
    pub(crate) fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }
}
