//! What it was measured on: ratios of another machine may be others.

use std::fs;

use super::proof::Proof;
use crate::facts::Libc;

/// A machine, as far as it says what it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Machine {
    /// The model of its CPUs, and their architecture where they have no name.
    pub cpu: String,
    /// How many of them this process may use.
    pub cpus: usize,
    /// Its memory, in bytes.
    pub memory: Option<u64>,
    /// The version of Linux.
    pub kernel: Option<String>,
    /// The C library of the command, with its version where that is known.
    pub libc: Option<String>,
    /// The version of Python, where the command runs one: `3.11`.
    pub python: Option<String>,
}

impl Machine {
    /// This one, with what a run without any setting showed of the command.
    pub(super) fn here(baseline: &Proof) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let model = field(&read("/proc/cpuinfo"), "model name");
        let kernel = read("/proc/sys/kernel/osrelease").trim().to_owned();
        Self {
            cpu: model.unwrap_or_else(|| std::env::consts::ARCH.to_owned()),
            cpus: std::thread::available_parallelism().map_or(1, usize::from),
            memory: field(&read("/proc/meminfo"), "MemTotal").and_then(|text| bytes(&text)),
            kernel: Some(kernel).filter(|kernel| !kernel.is_empty()),
            libc: baseline.libc.map(|libc| {
                let version = baseline.libc_version.as_ref();
                match version.filter(|_| libc == Libc::Glibc) {
                    Some(version) => format!("{libc} {version}"),
                    None => libc.to_string(),
                }
            }),
            python: baseline.python.clone(),
        }
    }
}

/// The value of a line `name : value`.
fn field(text: &str, name: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(own, _)| own.trim() == name)?;
    Some(value.trim().to_owned())
}

/// `8048084 kB` in bytes.
fn bytes(text: &str) -> Option<u64> {
    let number: u64 = text.strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_their_names() {
        let text = "processor\t: 0\nmodel name\t: AMD EPYC 7B13\nmodel name\t: other\n";
        assert_eq!(field(text, "model name").as_deref(), Some("AMD EPYC 7B13"));
        assert_eq!(field(text, "model"), None);
        assert_eq!(bytes("8048084 kB"), Some(8_048_084 * 1024));
        assert_eq!(bytes("8048084"), None);
    }

    #[test]
    fn this_machine_is_one() {
        let machine = Machine::here(&Proof::default());
        assert!(machine.cpus > 0 && !machine.cpu.is_empty());
        assert!(machine.memory > Some(1 << 20) && machine.kernel.is_some());
        assert_eq!((machine.libc, machine.python), (None, None));
    }
}
