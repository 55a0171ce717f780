//! What was measured of the settings that `fix` writes, as messages quote it (`measured.toml`).

use serde::Deserialize;

use super::data::Table;

/// Ratios to glibc with nothing set, in the same round; as text, so that they are quoted as they stand.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measured {
    /// Memory at rest of forked workers with one thread, after heavy requests.
    pub(crate) sync_memory: String,
    /// From so much growth of each process on, in MiB, a tenth of the memory is saved.
    pub(crate) saves_from_mib: u32,
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "for the reader; the tests demand it")
    )]
    source: String,
}

static FILE: Table<Measured> = Table::new(include_str!("measured.toml"));

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
        assert!(!measured.source.is_empty() && measured.saves_from_mib > 0);
        let ratio = measured.sync_memory.parse::<f64>().unwrap();
        assert!((0.1..1.0).contains(&ratio), "{ratio}");
    }
}
