//! Whose `malloc` a program calls: the address in its table of jumps, read where it lies in memory; what was dropped from there, in its file.

use super::memory::{self, Memory, Window, half, short, word};
use super::process::{Mapping, Process};

/// Tags of the dynamic section (System V ABI, "Dynamic Section").
const STRTAB: u64 = 5;
const SYMTAB: u64 = 6;
const RELA: u64 = 7;
const RELASZ: u64 = 8;
const PLTRELSZ: u64 = 2;
const JMPREL: u64 = 23;
/// The type of a program header that holds it, and of one that is loaded.
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
/// The size of a program header, in bytes.
const HEADER: u64 = 56;
/// So many parts of a table are read.
const PARTS: u32 = 1024;
/// So many relocations of one object are looked at.
const MOST: u64 = 1 << 19;

/// The file whose `malloc` the program calls, or its library of Python.
pub(super) fn allocator(process: &Process) -> Option<String> {
    let program = process.program()?.to_string_lossy().into_owned();
    let is_python = |map: &&Mapping| map.path.contains("/libpython");
    let of_program = process.maps.iter().find(|map| map.path == program);
    let of_python = process.maps.iter().find(is_python);
    let mut objects = of_program.into_iter().chain(of_python);
    let (own, slot) = objects.find_map(|map| Some((map, slot(process, map, b"malloc")?)))?;
    let target = memory::word_at(process, slot)?;
    // Until it is called for the first time the loader's own lines stand there.
    let found = process.mapping(target)?;
    (found.path != own.path).then(|| found.path.clone())
}

/// The address of the slot of that name in the tables of an object.
fn slot(memory: &dyn Memory, first: &Mapping, name: &[u8]) -> Option<u64> {
    let head = memory::read(memory, first.start, 64)?;
    if head.get(..4)? != b"\x7fELF" || first.offset != 0 {
        return None;
    }
    let count = u64::from(short(&head, 56)?);
    let (table, size) = (word(&head, 32)?, u64::from(short(&head, 54)?));
    // What stands there is the process's own word.
    if size != HEADER {
        return None;
    }
    let headers = memory::read(
        memory,
        first.start.checked_add(table)?,
        usize::try_from(count * size).ok()?,
    )?;
    let headers = headers.chunks_exact(usize::try_from(size).ok()?);
    let of = |kind: u32| headers.clone().find(|header| half(header, 0) == Some(kind));
    // The first part that is loaded lies where the object does.
    let base = first
        .start
        .wrapping_sub(word(of(PT_LOAD)?, 16)? & !(memory::PAGE - 1));
    let dynamic = of(PT_DYNAMIC)?;
    let (at, length) = (word(dynamic, 16)?, word(dynamic, 40)?);
    let section = memory::read(memory, base.wrapping_add(at), usize::try_from(length).ok()?)?;
    let tag = |wanted: u64| {
        let mut pairs = section.chunks_exact(16);
        pairs.find_map(|pair| (word(pair, 0)? == wanted).then(|| word(pair, 8))?)
    };
    // The loader may have made addresses of what are offsets in the file.
    let address = |value: u64| {
        if value < base {
            base.wrapping_add(value)
        } else {
            value
        }
    };
    let (strings, symbols) = (address(tag(STRTAB)?), address(tag(SYMTAB)?));
    let tables = [(tag(JMPREL), tag(PLTRELSZ)), (tag(RELA), tag(RELASZ))];
    let (mut symbols, mut strings) = (Table::at(memory, symbols), Table::at(memory, strings));
    tables.into_iter().find_map(|(at, length)| {
        let (at, length) = (address(at?), length?);
        let entries = memory::read(memory, at, usize::try_from(length.min(MOST * 24)).ok()?)?;
        entries.chunks_exact(24).find_map(|entry| {
            let symbol = word(entry, 8)? >> 32;
            let symbol = symbols.bytes(symbol * 24, 4).filter(|_| symbol != 0)?;
            let string = u64::from(half(symbol, 0)?);
            let text = strings.bytes(string, name.len() + 1)?;
            let same = text.get(..name.len())? == name && text.last() == Some(&0);
            same.then(|| word(entry, 0).map(|offset| base.wrapping_add(offset)))?
        })
    })
}

/// A table in memory that is read here and there: a part of it is kept.
struct Table<'a> {
    memory: &'a dyn Memory,
    start: u64,
    window: Window,
    /// How often another part may still be read: what leads there may be anything.
    left: u32,
}

impl<'a> Table<'a> {
    fn at(memory: &'a dyn Memory, start: u64) -> Self {
        Self {
            memory,
            start,
            window: Window::default(),
            left: PARTS,
        }
    }

    /// The bytes at an offset.
    fn bytes(&mut self, offset: u64, length: usize) -> Option<&[u8]> {
        let at = self.start.checked_add(offset)?;
        if self.window.at(at, length).is_none() {
            self.left = self.left.checked_sub(1)?;
            self.window = Window::of(self.memory, at, u64::MAX).ok()?;
        }
        self.window.at(at, length)
    }
}
