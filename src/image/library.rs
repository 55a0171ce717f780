//! What a library or a program says of itself: its header and its dynamic section (System V ABI).

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn, ElfFile64, FileHeader};

use crate::facts::{self, Arch, Libc};

/// None that matters is larger, in bytes: a Python that is linked statically has some 30 MiB.
pub(super) const LARGEST: u64 = 96 << 20;

/// A library or program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Library {
    /// Of 64 bits.
    pub(super) wide: bool,
    /// The architecture, where it is one that images are built for.
    pub(super) arch: Option<Arch>,
    /// What it needs.
    pub(super) needs: Vec<String>,
    /// The newest version of glibc that its symbols name: `2.34`.
    pub(super) glibc: Option<String>,
    /// The version that jemalloc says of itself.
    pub(super) version: Option<String>,
}

impl Library {
    /// The C library that it was built for, by what it needs.
    pub(super) fn libc(&self) -> Option<Libc> {
        let needs = |begin: &str| self.needs.iter().any(|name| name.starts_with(begin));
        if needs("libc.musl") || needs("ld-musl") {
            return Some(Libc::Musl);
        }
        needs("libc.so.6").then_some(Libc::Glibc)
    }
}

/// Whether a file is an allocator, or a Python that may be linked with one.
pub(super) fn matters(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let is_python = name
        .strip_prefix("python3.")
        .or_else(|| name.strip_prefix("libpython3."));
    let is_python = is_python.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let runs = folder.ends_with("bin") || name.starts_with("libpython");
    name.contains(".so") && facts::family_of_library(name).is_some() || is_python && runs
}

/// Reads it; nothing where it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Library> {
    let wide = match bytes.get(..5)? {
        [0x7f, b'E', b'L', b'F', class] => *class == elf::ELFCLASS64.0,
        _ => return None,
    };
    if !wide {
        return Some(Library::default());
    }
    let file: ElfFile64<'_, Endianness> = ElfFile64::parse(bytes).ok()?;
    let endian = file.endian();
    let arch = match file.elf_header().e_machine(endian) {
        elf::EM_X86_64 => Some(Arch::Amd64),
        elf::EM_AARCH64 => Some(Arch::Arm64),
        elf::EM_S390 => Some(Arch::S390x),
        elf::EM_PPC64 => Some(Arch::Ppc64le),
        elf::EM_RISCV => Some(Arch::Riscv64),
        _ => None,
    };
    Some(Library {
        wide,
        arch,
        needs: needs(&file, bytes).unwrap_or_default(),
        glibc: newest_glibc(&file, bytes),
        version: jemallocs(bytes),
    })
}

/// The names behind `DT_NEEDED`.
fn needs(file: &ElfFile64<'_, Endianness>, bytes: &[u8]) -> Option<Vec<String>> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let (dynamic, strings) = sections.dynamic(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, strings).ok()?;
    let needed = dynamic
        .iter()
        .filter(|entry| entry.tag(endian) == elf::DT_NEEDED);
    let names = needed.filter_map(|entry| entry.string(endian, strings).ok());
    Some(
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
    )
}

/// The newest version that it asks of glibc's libraries.
fn newest_glibc(file: &ElfFile64<'_, Endianness>, bytes: &[u8]) -> Option<String> {
    let endian = file.endian();
    let sections = file.elf_section_table();
    let versions = sections.gnu_verneed(endian, bytes).ok()??;
    let (needed, strings) = versions;
    let strings = sections.strings(endian, bytes, strings).ok()?;
    let mut newest: Option<(u32, u32)> = None;
    for library in needed {
        let Ok((_, versions)) = library else { break };
        for version in versions {
            let Ok(version) = version else { break };
            let Ok(name) = version.name(endian, strings) else {
                continue;
            };
            newest = newest.max(numbers(&String::from_utf8_lossy(name)));
        }
    }
    newest.map(|(major, minor)| format!("{major}.{minor}"))
}

/// What jemalloc prints of itself, `5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c`: the numbers in front.
fn jemallocs(bytes: &[u8]) -> Option<String> {
    const COMMIT: usize = 40;
    memchr::memmem::find_iter(bytes, b"-0-g").find_map(|at| {
        let commit = bytes.get(at + 4..at + 4 + COMMIT)?;
        let before = bytes.get(at.saturating_sub(8)..at)?;
        let start = before
            .iter()
            .rposition(|byte| !byte.is_ascii_digit() && *byte != b'.');
        let version = str::from_utf8(before.get(start.map_or(0, |at| at + 1)..)?).ok()?;
        let is_version =
            version.split('.').count() == 3 && commit.iter().all(u8::is_ascii_hexdigit);
        is_version.then(|| version.to_owned())
    })
}

/// `GLIBC_2.34`.
fn numbers(version: &str) -> Option<(u32, u32)> {
    let rest = version.strip_prefix("GLIBC_")?;
    let (major, minor) = rest.split_once('.')?;
    let minor = minor.split('.').next()?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
