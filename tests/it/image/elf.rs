//! Libraries for tests, as far as they are read: what they are called, what they need, and which glibc.

/// What a library says of itself.
#[derive(Clone, Copy, Default)]
pub(super) struct Told<'a> {
    /// `DT_SONAME`.
    pub(super) soname: &'a str,
    /// `DT_NEEDED`.
    pub(super) needs: &'a [&'a str],
    /// The versions that its symbols need, as of the first library that it needs: `GLIBC_2.34`.
    pub(super) wants: &'a [&'a str],
    /// The versions that its own symbols have.
    pub(super) has: &'a [&'a str],
}

const STRINGS: u32 = 3;
const DYNAMIC: u32 = 6;
const NEEDED_VERSIONS: u32 = 0x6fff_fffe;
const OWN_VERSIONS: u32 = 0x6fff_fffd;

/// A library of 64 bits for that machine: amd64 is 62, arm64 183.
pub(super) fn library(machine: u8, told: Told<'_>) -> Vec<u8> {
    let mut strings = vec![0];
    let mut name = |text: &str| {
        let at = strings.len() as u32;
        strings.extend(text.as_bytes());
        strings.push(0);
        at
    };
    let mut dynamic = Vec::new();
    let mut entry = |tag: u64, value: u32| {
        dynamic.extend(tag.to_le_bytes());
        dynamic.extend(u64::from(value).to_le_bytes());
    };
    let needs: Vec<u32> = told.needs.iter().map(|need| name(need)).collect();
    needs.iter().for_each(|need| entry(1, *need));
    if !told.soname.is_empty() {
        entry(14, name(told.soname));
    }
    entry(0, 0);
    let wants: Vec<u32> = told.wants.iter().map(|want| name(want)).collect();
    let mut needed = Vec::new();
    if let Some(from) = needs.first().filter(|_| !wants.is_empty()) {
        needed.extend([1, 0]);
        needed.extend((wants.len() as u16).to_le_bytes());
        for word in [*from, 16, 0] {
            needed.extend(word.to_le_bytes());
        }
        for (at, want) in wants.iter().enumerate() {
            let next = if at + 1 < wants.len() { 16u32 } else { 0 };
            for word in [0, 0, *want, next] {
                needed.extend(word.to_le_bytes());
            }
        }
    }
    let has: Vec<u32> = told.has.iter().map(|own| name(own)).collect();
    let mut own = Vec::new();
    for (at, version) in has.iter().enumerate() {
        let next = if at + 1 < has.len() { 28u32 } else { 0 };
        // Version 1, no flags, its number, one name.
        for half in [1u16, 0, at as u16 + 2, 1] {
            own.extend(half.to_le_bytes());
        }
        for word in [0, 20, next, *version, 0] {
            own.extend(word.to_le_bytes());
        }
    }
    let parts = [
        (STRINGS, strings, 0),
        (DYNAMIC, dynamic, 0),
        (NEEDED_VERSIONS, needed, u32::from(!wants.is_empty())),
        (OWN_VERSIONS, own, has.len() as u32),
    ];
    file(machine, &parts)
}

/// The file with these sections, the first of which holds the names of the others.
fn file(machine: u8, parts: &[(u32, Vec<u8>, u32)]) -> Vec<u8> {
    const HEAD: usize = 64;
    let mut bytes = vec![0; HEAD];
    bytes[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
    (bytes[16], bytes[18], bytes[20], bytes[52]) = (3, machine, 1, 64);
    let mut sections = vec![0; HEAD];
    for (kind, data, count) in parts.iter().filter(|(_, data, _)| !data.is_empty()) {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        let offset = bytes.len() as u64;
        bytes.extend(data);
        sections.extend(0u32.to_le_bytes());
        sections.extend(kind.to_le_bytes());
        for word in [0, 0, offset, data.len() as u64] {
            sections.extend(word.to_le_bytes());
        }
        let link = if *kind == STRINGS { 0u32 } else { 1 };
        sections.extend(link.to_le_bytes());
        sections.extend(count.to_le_bytes());
        let each = if *kind == DYNAMIC { 16u64 } else { 0 };
        for word in [8, each] {
            sections.extend(word.to_le_bytes());
        }
    }
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let offset = bytes.len() as u64;
    bytes[40..48].copy_from_slice(&offset.to_le_bytes());
    bytes[58] = 64;
    bytes[62] = 1;
    bytes[60] = (sections.len() / HEAD) as u8;
    bytes.extend(sections);
    bytes
}
