//! Reads the crate's own source: files, their code without comments, strings and tests, and the
//! paths that the code imports.

use std::collections::BTreeSet;
use std::path::Path;

/// One file of `src/`.
pub(crate) struct File {
    /// Its path from the root of the project.
    pub(crate) path: String,
    /// Its module path: `["inputs", "dockerfile", "walk"]`.
    pub(crate) module: Vec<String>,
    /// Its text.
    pub(crate) text: String,
}

/// All files of `src/` that are not tests.
pub(crate) fn all() -> Vec<File> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let rust = files(&src)
        .into_iter()
        .filter_map(|path| path.strip_suffix(".rs").map(str::to_owned));
    let modules = rust.map(|path| path.split('/').map(str::to_owned).collect::<Vec<_>>());
    let product = modules.filter(|module| !module.iter().any(|part| part == "tests"));
    let read = |module: Vec<String>| {
        let path = format!("{}.rs", module.join("/"));
        File {
            text: std::fs::read_to_string(src.join(&path)).unwrap(),
            path: format!("src/{path}"),
            module,
        }
    };
    product.map(read).collect()
}

/// The files below a folder, `/` between the parts, sorted.
pub(crate) fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, name)) = open.pop() {
        for entry in std::fs::read_dir(&folder)
            .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        {
            let entry = entry.unwrap();
            let name = format!("{name}{}", entry.file_name().to_string_lossy());
            match entry.file_type().unwrap() {
                kind if kind.is_dir() => open.push((entry.path(), format!("{name}/"))),
                kind if kind.is_file() => found.push(name),
                _ => {}
            }
        }
    }
    found.sort();
    found
}

/// Whether `code` has `token` where a name begins.
pub(crate) fn mentions(code: &str, token: &str) -> bool {
    let continues =
        |before: Option<char>| before.is_some_and(|char| char.is_alphanumeric() || char == '_');
    let named = token.starts_with(|char: char| char.is_alphanumeric());
    code.match_indices(token)
        .any(|(at, _)| !named || !continues(code[..at].chars().next_back()))
}

impl File {
    /// The code: comments, strings and tests are blanked, line breaks stay.
    pub(crate) fn code(&self) -> String {
        without_tests(&plain(&self.text))
    }

    /// The paths of this crate that the code names, from the crate's root, sorted.
    pub(crate) fn imports(&self) -> Vec<Vec<String>> {
        let code = self.code();
        let mut found = BTreeSet::new();
        for root in ["crate", "super", "self", "malloclint"] {
            for (at, _) in code.match_indices(root) {
                let before = code[..at].chars().next_back();
                let inner =
                    before.is_some_and(|char| char.is_alphanumeric() || char == '_' || char == ':');
                if inner || !code[at + root.len()..].trim_start().starts_with("::") {
                    continue;
                }
                let mut tree = Vec::new();
                use_tree(
                    &mut code[at..].chars().peekable(),
                    &mut Vec::new(),
                    &mut tree,
                );
                found.extend(tree.iter().filter_map(|path| self.absolute(path)));
            }
        }
        found.into_iter().collect()
    }

    /// The modules below this one that its code names without `self`: `scopes::Reach`.
    pub(crate) fn children(&self) -> Vec<Vec<String>> {
        let code = self.code();
        let declared = code.split(';').filter_map(|item| {
            let words: Vec<&str> = item.split_whitespace().collect();
            match words.as_slice() {
                [.., "mod", name] => Some(*name),
                _ => None,
            }
        });
        let named = declared.filter(|name| mentions(&code, &format!("{name}::")));
        named
            .map(|name| [&self.module[..], &[name.to_owned()]].concat())
            .collect()
    }

    /// A path as written here, as a path from the crate's root.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let ups = path.iter().take_while(|part| *part == "super").count();
        let (mut base, rest) = match path.first().map(String::as_str)? {
            "super" => (
                self.module[..self.module.len().checked_sub(ups)?].to_vec(),
                &path[ups..],
            ),
            "self" => (self.module.clone(), &path[1..]),
            "malloclint" if self.module != ["main"] => return None,
            _ => (Vec::new(), &path[1..]),
        };
        base.extend(rest.iter().cloned());
        (!base.is_empty()).then_some(base)
    }
}

/// Reads `a::b::{c, d::e}` into the paths it stands for.
fn use_tree(
    chars: &mut std::iter::Peekable<std::str::Chars<'_>>,
    prefix: &mut Vec<String>,
    out: &mut Vec<Vec<String>>,
) {
    let depth = prefix.len();
    loop {
        while chars.next_if(|char| char.is_whitespace()).is_some() {}
        let mut name = String::new();
        while let Some(char) =
            chars.next_if(|char| char.is_alphanumeric() || *char == '_' || *char == '*')
        {
            name.push(char);
        }
        if name.is_empty() {
            break;
        }
        prefix.push(name);
        if chars.next_if_eq(&':').is_none() || chars.next_if_eq(&':').is_none() {
            break;
        }
        while chars.next_if(|char| char.is_whitespace()).is_some() {}
        if chars.next_if_eq(&'{').is_some() {
            while chars.peek().is_some_and(|char| *char != '}') {
                use_tree(chars, prefix, out);
                // What is left of the entry (`as name`, the comma) says nothing about imports.
                while chars.next_if(|char| !matches!(char, ',' | '}')).is_some() {}
                chars.next_if_eq(&',');
                while chars.next_if(|char| char.is_whitespace()).is_some() {}
            }
            chars.next();
            prefix.truncate(depth);
            return;
        }
    }
    out.push(prefix.clone());
    prefix.truncate(depth);
}

/// The text with comments, strings and characters blanked; its length stays.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = text.as_bytes().to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = opaque_end(bytes, at);
        for byte in out[at..end].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at = end.max(at + 1);
    }
    String::from_utf8(out).unwrap()
}

/// Where the comment, string or character that begins at `at` ends; `at` where none begins.
fn opaque_end(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    let until = |mark: &[u8], from: usize| {
        let found = bytes[from..]
            .windows(mark.len())
            .position(|window| window == mark);
        found.map_or(bytes.len(), |found| from + found + mark.len())
    };
    let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
    match rest {
        [b'/', b'/', ..] => until(b"\n", at) - 1,
        [b'/', b'*', ..] => block_end(bytes, at),
        [b'"', ..] => quoted_end(bytes, at + 1, b'"'),
        [b'\'', b'\\', ..] => quoted_end(bytes, at + 1, b'\''),
        // A character, not a lifetime: its closing quote is near.
        [b'\'', ..] => {
            let width = std::str::from_utf8(&bytes[at + 1..])
                .ok()
                .and_then(|text| text.chars().next())
                .map_or(1, char::len_utf8);
            if bytes.get(at + 1 + width) == Some(&b'\'') {
                at + width + 2
            } else {
                at
            }
        }
        [b'r', b'"' | b'#', ..] if !word_before => {
            let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return at;
            }
            let close = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            until(&close, at + hashes + 2)
        }
        _ => at,
    }
}

fn quoted_end(bytes: &[u8], mut at: usize, quote: u8) -> usize {
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn block_end(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    while here < bytes.len() {
        match &bytes[here..] {
            [b'/', b'*', ..] => (depth, here) = (depth + 1, here + 2),
            [b'*', b'/', ..] => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
        if depth == 0 {
            break;
        }
    }
    here
}

fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    for range in test_items(code).into_iter().rev() {
        let lines = "\n".repeat(code[range.clone()].matches('\n').count());
        out.replace_range(range, &lines);
    }
    out
}

/// The `#[cfg(test)]` items of blanked code: from the attribute to the closing brace or semicolon.
fn test_items(code: &str) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (start, attribute) in code.match_indices("#[cfg(test)]") {
        if found.last().is_some_and(|last| last.end > start) {
            continue;
        }
        let mut depth = 0_usize;
        let mut end = code.len();
        for (at, byte) in code.bytes().enumerate().skip(start + attribute.len()) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(byte, b'}' | b';') {
                end = at + 1;
                break;
            }
        }
        found.push(start..end);
    }
    found
}
