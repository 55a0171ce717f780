//! What every report says of a process: where the memory is, whose allocator is called, what is in force.

use crate::inspect::account::Account;
use crate::text::wording::plural;

/// One row: what it is, and how many bytes.
pub(super) struct Row {
    pub(super) group: &'static str,
    pub(super) what: String,
    /// The name for machines.
    pub(super) key: &'static str,
    /// By the allocator's word, and what of that is in memory.
    pub(super) bytes: u64,
    pub(super) shown: u64,
    /// It is free: the allocator keeps it.
    pub(super) free: bool,
}

/// Where the memory is.
pub(super) fn rows(account: &Account) -> Vec<Row> {
    let mut rows = Rows(Vec::new());
    of_malloc(account, &mut rows);
    of_jemalloc(account, &mut rows);
    let python = &account.pymalloc;
    rows.add("python", "live objects", "pymalloc_live", python.live);
    let free = format!("free in {} arenas of Python's own", python.arenas);
    rows.free("python", &free, "pymalloc_free", python.free);
    let census = &account.census;
    rows.add("other", "stacks of threads", "stacks", census.stacks);
    rows.add(
        "other",
        "data of programs and libraries",
        "libraries",
        census.libraries,
    );
    let dark = account.unexplained();
    rows.add("other", "not explained", "not_explained", dark);
    rows.add("other", "files", "files", account.status.file);
    rows.add("other", "shared memory", "shared", account.status.shared);
    rows.0
}

struct Rows(Vec<Row>);

impl Rows {
    fn add(&mut self, group: &'static str, what: &str, key: &'static str, bytes: u64) {
        self.push(group, what, key, bytes, false);
    }

    fn free(&mut self, group: &'static str, what: &str, key: &'static str, bytes: u64) {
        self.push(group, what, key, bytes, true);
    }

    fn push(&mut self, group: &'static str, what: &str, key: &'static str, bytes: u64, free: bool) {
        if bytes > 0 {
            self.0.push(Row {
                group,
                what: what.to_owned(),
                key,
                bytes,
                shown: bytes,
                free,
            });
        }
    }
}

fn of_malloc(account: &Account, rows: &mut Rows) {
    let sum = |of| account.in_heaps(of);
    rows.add(
        "malloc",
        "live blocks",
        "malloc_live",
        sum(|heap| heap.live),
    );
    rows.add(
        "malloc",
        "big blocks, mapped by themselves",
        "malloc_mapped",
        account.big_blocks(),
    );
    if let Some(row) = rows.0.last_mut().filter(|row| row.key == "malloc_mapped") {
        row.shown = account.big_blocks_in_memory();
    }
    rows.free(
        "malloc",
        "free, whole pages (malloc_trim)",
        "malloc_free_pages",
        sum(|heap| heap.free_pages),
    );
    rows.free(
        "malloc",
        "free, ends of arenas",
        "malloc_tops",
        sum(|heap| heap.top),
    );
    rows.free(
        "malloc",
        "free, smaller than a page",
        "malloc_free_small",
        sum(super::super::glibc::Heap::small),
    );
    rows.add(
        "malloc",
        "caches of threads",
        "malloc_cached",
        sum(|heap| heap.cached),
    );
    rows.add(
        "malloc",
        "of others, in between (sbrk)",
        "malloc_foreign",
        sum(|heap| heap.foreign),
    );
}

fn of_jemalloc(account: &Account, rows: &mut Rows) {
    let Some(jemalloc) = account.jemalloc() else {
        return;
    };
    let between = jemalloc.active.saturating_sub(jemalloc.live);
    rows.add(
        "jemalloc",
        "live blocks, caches of threads",
        "jemalloc_live",
        jemalloc.live,
    );
    rows.free(
        "jemalloc",
        "free between blocks",
        "jemalloc_between",
        between,
    );
    rows.free(
        "jemalloc",
        "free, dirty pages",
        "jemalloc_dirty",
        jemalloc.dirty,
    );
    rows.free(
        "jemalloc",
        "free, muzzy pages",
        "jemalloc_muzzy",
        jemalloc.muzzy,
    );
    let known = jemalloc.dirty + jemalloc.muzzy;
    for row in &mut rows.0 {
        // Of what is free some was never touched.
        if matches!(row.key, "jemalloc_dirty" | "jemalloc_muzzy") && jemalloc.free_resident < known
        {
            let share = jemalloc.free_resident as f64 / known.max(1) as f64;
            row.shown = (row.bytes as f64 * share) as u64;
        }
    }
}

/// Which allocator is called.
pub(super) fn in_force(account: &Account) -> String {
    let glibc = account.glibc.as_ref().ok();
    let version = glibc.and_then(|glibc| glibc.version.clone());
    if let Some(path) = account.stranger() {
        return format!("not known ({path})");
    }
    match (account.family(), &account.library, version) {
        (Some(family), Some(path), _) => {
            let jemalloc = account.jemalloc();
            let version = jemalloc.map(|jemalloc| format!(" laid out as {}", jemalloc.version));
            format!("{family}{} ({path})", version.unwrap_or_default())
        }
        (None, _, Some(version)) => format!("glibc {version}"),
        (None, Some(path), None) => path.clone(),
        _ => "not known".into(),
    }
}

/// What is in force of the allocator that is called.
pub(super) fn settings(account: &Account) -> Vec<String> {
    let threads = usize::try_from(account.status.threads).unwrap_or(usize::MAX);
    if let Some(jemalloc) = account.jemalloc() {
        return vec![format!(
            "{} in use for {}",
            plural(jemalloc.arenas, "arena"),
            plural(threads, "thread")
        )];
    }
    if account.family().is_some() {
        return Vec::new();
    }
    let Some(glibc) = account.glibc.as_ref().ok() else {
        let arenas = account.mapped_arenas;
        return (arenas > 0)
            .then(|| {
                format!(
                    "{} for {}, by its mappings",
                    plural(arenas, "arena"),
                    plural(threads, "thread")
                )
            })
            .into_iter()
            .collect();
    };
    let arenas = glibc.heaps.len();
    let Some(parameters) = glibc.parameters else {
        return vec![format!(
            "{} for {}",
            plural(arenas, "arena"),
            plural(threads, "thread")
        )];
    };
    let most = match parameters.arena_max {
        0 => "unlimited".to_owned(),
        most => most.to_string(),
    };
    let drift = if parameters.is_drifting {
        ", drifting"
    } else {
        ""
    };
    let size = |bytes: u64| match bytes {
        0..1024 => format!("{bytes} bytes"),
        _ => format!("{} KiB", bytes >> 10),
    };
    vec![
        format!(
            "MALLOC_ARENA_MAX {most}: {} for {}",
            plural(arenas, "arena"),
            plural(threads, "thread")
        ),
        format!(
            "blocks mapped from {}, ends kept to {}{drift}",
            size(parameters.mmap_threshold),
            size(parameters.trim_threshold)
        ),
    ]
}
