//! What was measured of the settings that `fix` writes, as messages quote it (`measured.toml`).

use serde::Deserialize;

use super::data::Table;

/// Ratios to glibc with nothing set, in the same round; as text, so that they are quoted as they stand.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// Memory at rest of forked workers with one thread, after heavy requests.
    pub(crate) sync_memory: String,
    /// What they take of CPU time meanwhile.
    pub(crate) sync_cpu: String,
    /// The same of processes with threads: of the service with the least, and of the one with the most.
    pub(crate) threads_memory: [String; 2],
    /// What they take of CPU time, likewise.
    pub(crate) threads_cpu: [String; 2],
    /// Once each process has grown by so much, in MiB, a tenth of the memory is saved: in the service where that came soonest, and
    /// in the one where it came last.
    pub(crate) tenth_from_mib: [u32; 2],
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static FILE: Table<Measured> = Table::new(include_str!("measured.toml"));

impl Measured {
    /// From when on a tenth of the memory is saved, in words.
    pub(crate) fn break_even(&self) -> String {
        let [soonest, last] = self.tenth_from_mib;
        format!(
            "a tenth is saved once each process has grown by {soonest} to {last} MiB, the sooner the less of that stays in use"
        )
    }
}

/// What was measured.
pub(crate) fn measured() -> &'static Measured {
    FILE.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_whole() {
        FILE.check().unwrap();
        let measured = measured();
        let [soonest, last] = measured.tenth_from_mib;
        assert!(!measured.source.is_empty() && soonest > 0 && soonest <= last);
        let number = |text: &String| text.parse::<f64>().unwrap();
        for (single, threads, sane) in [
            (&measured.sync_memory, &measured.threads_memory, 0.1..1.0),
            (&measured.sync_cpu, &measured.threads_cpu, 0.5..2.0),
        ] {
            let [least, most] = threads.each_ref().map(number);
            assert!(least <= most && sane.contains(&least) && sane.contains(&most));
            assert!(sane.contains(&number(single)));
        }
    }
}
