//! What a library or a program says of itself: its header and its dynamic section (System V ABI).

use object::Endianness;
use object::elf;
use object::read::elf::{Dyn, FileHeader, SectionTable};
use serde::{Deserialize, Serialize};

use crate::facts::{self, Arch, Libc};

/// None that matters is larger, in bytes: a Python that is linked statically has some 30 MiB.
pub(crate) const LARGEST: u64 = 48 << 20;
/// So many names are taken of what it needs, and of versions, and none that is longer, in bytes.
const MOST: usize = 1024;
const NAME: usize = 256;

/// A library or program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Library {
    /// It is one, as far as it was read.
    pub(crate) loads: bool,
    /// The architecture, where it is one that images are built for.
    pub(crate) arch: Option<Arch>,
    /// What it needs.
    pub(crate) needs: Vec<String>,
    /// The newest version of glibc that its symbols name: `2.34`.
    pub(crate) glibc: Option<String>,
    /// The version that jemalloc says of itself.
    pub(crate) version: Option<String>,
}

impl Library {
    /// One of which nothing was read.
    pub(super) fn unread() -> Self {
        Self {
            loads: true,
            ..Self::default()
        }
    }

    /// Whether it is one for this architecture; where that is not known, it is.
    pub(crate) fn fits(&self, arch: Option<Arch>) -> bool {
        // Both of arm's bear the same number.
        let same = |own: Arch| match arch {
            Some(Arch::Armv6) => own == Arch::Armv7,
            arch => arch == Some(own),
        };
        self.loads && (arch.is_none() || self.arch.is_none_or(same))
    }

    /// The C library that it was built for, by what it needs.
    pub(crate) fn libc(&self) -> Option<Libc> {
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
    facts::family_of_library(name).is_some() || is_python && runs
}

/// Reads it. What is none, or is broken, is not loaded.
pub(crate) fn read(bytes: &[u8]) -> Library {
    let found = match bytes.get(..5) {
        Some([0x7f, b'E', b'L', b'F', class]) if *class == elf::ELFCLASS64.0 => {
            read_as::<elf::FileHeader64<Endianness>>(bytes)
        }
        Some([0x7f, b'E', b'L', b'F', _]) => read_as::<elf::FileHeader32<Endianness>>(bytes),
        _ => None,
    };
    found.unwrap_or_default()
}

/// The name that it says it is loaded by (`DT_SONAME`).
pub(crate) fn soname(bytes: &[u8]) -> Option<String> {
    let names = match bytes.get(..5)? {
        [0x7f, b'E', b'L', b'F', class] if *class == elf::ELFCLASS64.0 => {
            soname_as::<elf::FileHeader64<Endianness>>(bytes)
        }
        _ => soname_as::<elf::FileHeader32<Endianness>>(bytes),
    };
    names?.into_iter().next()
}

fn soname_as<Header: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Vec<String>> {
    let header = Header::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, bytes).ok()?;
    dynamic_names(elf::DT_SONAME, endian, &sections, bytes)
}

fn read_as<Header: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<Library> {
    let header = Header::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let wide = header.is_type_64();
    let arch = match header.e_machine(endian) {
        elf::EM_X86_64 => Some(Arch::Amd64),
        elf::EM_AARCH64 => Some(Arch::Arm64),
        // Both of arm's are the same here: what differs is in their attributes.
        elf::EM_ARM => Some(Arch::Armv7),
        elf::EM_386 => Some(Arch::I386),
        elf::EM_S390 => Some(Arch::S390x),
        elf::EM_PPC64 => Some(Arch::Ppc64le),
        elf::EM_RISCV if wide => Some(Arch::Riscv64),
        elf::EM_LOONGARCH if wide => Some(Arch::Loong64),
        _ => None,
    };
    let mut library = Library {
        loads: true,
        arch,
        version: jemallocs(bytes),
        ..Library::default()
    };
    let sections = header.sections(endian, bytes).ok();
    if let Some(sections) = sections {
        library.needs = dynamic_names(elf::DT_NEEDED, endian, &sections, bytes).unwrap_or_default();
        library.glibc = newest_glibc(endian, &sections, bytes);
    }
    Some(library)
}

/// The names behind entries of the dynamic section, such as `DT_NEEDED`.
fn dynamic_names<Header: FileHeader<Endian = Endianness>>(
    tag: elf::DynamicTag,
    endian: Endianness,
    sections: &SectionTable<'_, Header>,
    bytes: &[u8],
) -> Option<Vec<String>> {
    let (dynamic, strings) = sections.dynamic(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, strings).ok()?;
    let tagged = dynamic.iter().filter(|entry| entry.tag(endian) == tag);
    let names = tagged
        .take(MOST)
        .filter_map(|entry| entry.string(endian, strings).ok());
    // Each is looked for to its end: behind one that is longer than any nothing more is.
    let names = names.take_while(|name| name.len() <= NAME);
    Some(
        names
            .map(|name| String::from_utf8_lossy(name).into_owned())
            .collect(),
    )
}

/// The newest version that it asks of glibc's libraries.
fn newest_glibc<Header: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    sections: &SectionTable<'_, Header>,
    bytes: &[u8],
) -> Option<String> {
    let (needed, strings) = sections.gnu_verneed(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, strings).ok()?;
    let mut newest: Option<(u32, u32)> = None;
    // They are chained by what they say themselves.
    let mut left = MOST;
    for library in needed {
        let Ok((_, versions)) = library else { break };
        for version in versions {
            let Ok(version) = version else { break };
            left = left.checked_sub(1)?;
            let name = version.name(endian, strings).unwrap_or_default();
            if name.len() > NAME {
                return None;
            }
            newest = newest.max(numbers(&String::from_utf8_lossy(name)));
        }
        left = left.checked_sub(1)?;
    }
    newest.map(|(major, minor)| format!("{major}.{minor}"))
}

/// The version of a glibc, by the newest that its symbols bear: `2.36`.
pub(crate) fn glibc_of(bytes: &[u8]) -> Option<String> {
    let newest = match bytes.get(..5)? {
        [0x7f, b'E', b'L', b'F', class] if *class == elf::ELFCLASS64.0 => {
            defined_as::<elf::FileHeader64<Endianness>>(bytes)
        }
        _ => defined_as::<elf::FileHeader32<Endianness>>(bytes),
    };
    newest.map(|(major, minor)| format!("{major}.{minor}"))
}

fn defined_as<Header: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Option<(u32, u32)> {
    let header = Header::parse(bytes).ok()?;
    let endian = header.endian().ok()?;
    let sections = header.sections(endian, bytes).ok()?;
    let (defined, strings) = sections.gnu_verdef(endian, bytes).ok()??;
    let strings = sections.strings(endian, bytes, strings).ok()?;
    let mut newest = None;
    for version in defined.take(MOST) {
        let (_, mut names) = version.ok()?;
        // The first name is its own, the others are those that it follows.
        if let Some(name) = names.next().ok()? {
            let name = name.name(endian, strings).unwrap_or_default();
            newest = newest.max(numbers(&String::from_utf8_lossy(name)));
        }
    }
    newest
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
