//! Which archives an image asks for packages (sources.list(5)).

use super::paragraphs::{self, Paragraph};
use crate::image::{Read, Refused};

/// Where they are listed: one file, and a folder of more.
const FILE: &str = "etc/apt/sources.list";
const FOLDER: &str = "etc/apt/sources.list.d";
/// No image asks more suites, and none takes more parts of one.
const MOST: usize = 64;
const COMPONENTS: usize = 32;

/// A suite of an archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Source {
    /// The file that names it.
    pub(super) place: String,
    /// The address of the archive, without a `/` at its end.
    pub(super) uri: String,
    pub(super) suite: String,
    pub(super) components: Vec<String>,
    /// The value of `Signed-By`.
    pub(super) signed_by: Option<String>,
    /// Whether indexes are asked for by their digests; as the archive wants it, where nothing is said.
    pub(super) by_hash: Option<bool>,
}

impl Source {
    /// `http://deb.debian.org/debian bookworm`
    pub(super) fn shown(&self) -> String {
        format!("{} {}", self.uri, self.suite)
    }
}

/// All that can be asked, and what is left out, for people.
#[derive(Debug, Default)]
pub(super) struct Sources {
    pub(super) asked: Vec<Source>,
    pub(super) left_out: Vec<String>,
}

/// Reads those of an image. `arch`: as dpkg calls it.
///
/// # Errors
/// Where one is to be believed without a signature, or cannot be read.
pub(super) fn of(image: &Read<'_>, arch: &str) -> Result<Sources, Refused> {
    let mut found = Sources::default();
    let listed = image.names_in(FOLDER).into_iter();
    let listed = listed.map(|name| format!("{FOLDER}/{name}"));
    for path in std::iter::once(FILE.to_owned()).chain(listed) {
        let one_line = path == FILE || path.ends_with(".list");
        if !one_line && !path.ends_with(".sources") {
            continue;
        }
        let Some(text) = image.bytes(&path) else {
            continue;
        };
        let text = String::from_utf8_lossy(&text);
        let place = format!("/{path}");
        let entries = match one_line {
            true => lines(&text),
            false => stanzas(&text),
        };
        let entries = entries.map_err(|line| {
            Refused::new(format!("{place}, line {line}: it is no source of apt"))
        })?;
        for entry in entries {
            found.take(&entry, &place, arch)?;
        }
    }
    match found.asked.len() > MOST {
        true => Err(Refused::new(format!(
            "its apt asks {} suites of archives, and no more than {MOST} are asked",
            found.asked.len()
        ))),
        false => Ok(found),
    }
}

/// What both ways of writing say; names of options as stanzas have them.
#[derive(Debug, Default)]
struct Entry {
    uris: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
    options: Paragraph,
}

impl Entry {
    fn says(&self, name: &str, values: &[&str]) -> bool {
        let value = self.options.get(name).map(str::to_ascii_lowercase);
        value.is_some_and(|value| values.contains(&value.as_str()))
    }
}

const YES: [&str; 6] = ["yes", "true", "with", "on", "enable", "1"];
const NO: [&str; 6] = ["no", "false", "without", "off", "disable", "0"];
/// What changes where an index is, or which packages count: malloclint does not know how.
const STRANGE: [&str; 4] = ["inrelease-path", "snapshot", "include", "exclude"];

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// `deb [arch=amd64 signed-by=/a.gpg] http://deb.example/debian bookworm main`; the number of a line that is none is an error.
fn lines(text: &str) -> Result<Vec<Entry>, usize> {
    let mut found = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let Some(rest) = line
            .strip_prefix("deb")
            .filter(|rest| rest.starts_with([' ', '\t', '[']))
        else {
            match line.is_empty() || line.starts_with("deb-src") {
                true => continue,
                false => return Err(at + 1),
            }
        };
        let (options, rest) = match rest.trim_start().strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or(at + 1)?,
            None => ("", rest),
        };
        // A disc has spaces in its name.
        let mut rest = words(rest).into_iter();
        let uri = rest.next().ok_or(at + 1)?;
        found.push(Entry {
            suites: vec![rest.next().ok_or(at + 1)?],
            components: rest.collect(),
            options: options_of(options).ok_or(at + 1)?,
            uris: vec![uri],
        });
    }
    Ok(found)
}

/// Options of a line under the names that stanzas have for them.
fn options_of(text: &str) -> Option<Paragraph> {
    let mut told = String::new();
    for option in text.split_whitespace() {
        let (name, value) = option.split_once('=')?;
        let name = match name {
            "arch" => "architectures",
            "arch+" => "architectures-add",
            "arch-" => "architectures-remove",
            name => name,
        };
        told += &format!("{name}: {}\n", value.replace(',', " "));
    }
    Some(paragraphs::read(&told).ok()?.pop().unwrap_or_default())
}

fn stanzas(text: &str) -> Result<Vec<Entry>, usize> {
    let list = |stanza: &Paragraph, name| words(stanza.get(name).unwrap_or_default());
    let stanzas = paragraphs::read(text)?.into_iter();
    let stanzas = stanzas.filter(|stanza| list(stanza, "types").iter().any(|kind| kind == "deb"));
    let entries = stanzas.map(|stanza| Entry {
        uris: list(&stanza, "uris"),
        suites: list(&stanza, "suites"),
        components: list(&stanza, "components"),
        options: stanza,
    });
    let is_on = |entry: &Entry| !entry.says("enabled", &NO);
    Ok(entries.filter(is_on).collect())
}

impl Sources {
    /// Takes the suites of an entry.
    fn take(&mut self, entry: &Entry, place: &str, arch: &str) -> Result<(), Refused> {
        if !is_for(entry, arch) {
            return Ok(());
        }
        for uri in &entry.uris {
            for suite in &entry.suites {
                let suite = suite.replace("$(ARCH)", arch);
                if let Some(why) = against(entry, uri, &suite) {
                    let what = format!(
                        "{place}: `{} {suite}` is left out, {why}",
                        without_login(uri)
                    );
                    self.left_out.push(what);
                    continue;
                }
                if entry.says("trusted", &YES) {
                    return Err(Refused::new(format!(
                        "{place} tells apt to take `{uri} {suite}` without a valid signature (`trusted=yes`), which malloclint never does: name its key with `Signed-By` in place of that, or fetch the package and name it with `--deb FILE`"
                    )));
                }
                self.asked.push(Source {
                    place: place.to_owned(),
                    uri: uri.trim_end_matches('/').to_owned(),
                    suite,
                    components: entry.components.clone(),
                    signed_by: entry.options.get("signed-by").map(str::to_owned),
                    by_hash: by_hash(entry),
                });
            }
        }
        Ok(())
    }
}

fn by_hash(entry: &Entry) -> Option<bool> {
    match entry {
        _ if entry.says("by-hash", &NO) => Some(false),
        _ if entry.says("by-hash", &["force"]) => Some(true),
        _ => None,
    }
}

/// Whether an entry is for an architecture.
fn is_for(entry: &Entry, arch: &str) -> bool {
    let named = |name: &str| entry.options.get(name).map(words);
    let has = |names: Vec<String>| names.iter().any(|name| name == arch);
    let only = named("architectures").is_none_or(has);
    let more = named("architectures-add").is_some_and(has);
    let less = named("architectures-remove").is_some_and(has);
    (only || more) && !less
}

/// Why a suite is not asked.
fn against(entry: &Entry, uri: &str, suite: &str) -> Option<String> {
    let (scheme, rest) = uri.split_once(':').unwrap_or(("", uri));
    if !matches!(scheme, "http" | "https") {
        return Some(format!(
            "since only archives of http and https are asked (`{scheme}:`)"
        ));
    }
    let rest = rest.strip_prefix("//").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    if host.contains('@') {
        return Some("since its address has a login in it".to_owned());
    }
    if host.is_empty() || !uri.bytes().all(is_of_address) || !is_path(rest) {
        return Some("since that is no plain address".to_owned());
    }
    if suite.ends_with('/') || entry.components.is_empty() {
        return Some("since it has no components (a flat archive)".to_owned());
    }
    let odd = |part: &String| !is_path(part) || !part.bytes().all(is_of_path);
    if odd(&suite.to_owned())
        || entry.components.iter().any(odd)
        || entry.components.len() > COMPONENTS
    {
        return Some("since its suite or components have no plain names".to_owned());
    }
    let mut strange = STRANGE.into_iter();
    let strange =
        strange.find(|name| entry.options.get(name).is_some_and(|value| value != "no"))?;
    Some(format!(
        "since malloclint does not know its option `{strange}`"
    ))
}

/// What apt's files say is shown: a password is not.
fn without_login(uri: &str) -> String {
    match (uri.split_once("://"), uri.rsplit_once('@')) {
        (Some((scheme, _)), Some((_, rest))) => format!("{scheme}://…@{rest}"),
        _ => uri.to_owned(),
    }
}

fn is_of_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/._+~-".contains(&byte)
}

fn is_of_address(byte: u8) -> bool {
    is_of_path(byte) || b":[]%".contains(&byte)
}

/// Whether no part of a path leads upwards.
fn is_path(path: &str) -> bool {
    !path.starts_with('/') && !path.split('/').any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(entries: Vec<Entry>) -> Result<Sources, Refused> {
        let mut sources = Sources::default();
        for entry in entries {
            sources.take(&entry, "/s", "amd64")?;
        }
        Ok(sources)
    }

    fn shown(sources: &Sources) -> Vec<String> {
        let asked = sources.asked.iter();
        asked
            .map(|source| format!("{} {}", source.shown(), source.components.join("+")))
            .collect()
    }

    #[test]
    fn lines_name_suites() {
        let text = "# c\ndeb http://d.example/debian/ bookworm main contrib # c\ndeb-src http://d.example/debian bookworm main\n\
            deb [ arch=amd64,arm64 signed-by=/a.gpg,/b.gpg by-hash=no ] https://e.example x main\n\
            deb [arch=arm64] http://f.example x main\ndeb [arch-=amd64] http://f.example x main\n";
        let sources = taken(lines(text).unwrap()).unwrap();
        assert_eq!(
            shown(&sources),
            [
                "http://d.example/debian bookworm main+contrib",
                "https://e.example x main"
            ]
        );
        assert_eq!(sources.asked[1].signed_by.as_deref(), Some("/a.gpg /b.gpg"));
        assert_eq!(sources.asked[1].by_hash, Some(false));
        for wrong in [
            "deb",
            "deb [a=b http://x y z",
            "deb http://x",
            "rpm x",
            "deb [a] http://x y z",
        ] {
            assert!(lines(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn stanzas_name_suites() {
        let text = "Types: deb deb-src\nURIs: http://d.example/debian http://e.example\nSuites: bookworm bookworm-updates\nComponents: main\n\
            Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQ==\n -----END PGP PUBLIC KEY BLOCK-----\n\n\
            Types: deb\nURIs: http://f.example\nSuites: x\nComponents: main\nEnabled: no\n\n\
            Types: deb-src\nURIs: http://f.example\nSuites: x\nComponents: main\n";
        let sources = taken(stanzas(text).unwrap()).unwrap();
        assert_eq!(
            shown(&sources),
            [
                "http://d.example/debian bookworm main",
                "http://d.example/debian bookworm-updates main",
                "http://e.example bookworm main",
                "http://e.example bookworm-updates main"
            ]
        );
        let key = sources.asked[0].signed_by.as_deref().unwrap();
        assert!(key.contains("BLOCK-----\n.\nmQ==\n"), "{key}");
    }

    #[test]
    fn what_cannot_be_asked_is_left_out_and_said() {
        for (line, why) in [
            ("deb file:/srv/debs x main", "`file:`"),
            (
                "deb mirror+file:/etc/apt/mirrors.list x main",
                "`mirror+file:`",
            ),
            ("deb cdrom:[Debian 12]/ x main", "`cdrom:`"),
            ("deb http://user:secret@d.example x main", "login"),
            ("deb http://d.example ./", "flat"),
            ("deb http://d.example x/../.. main", "plain names"),
            ("deb http://d.example x ../main", "plain names"),
            ("deb http://d.example/a/../b x main", "plain address"),
            ("deb http://d.example/a?b x main", "plain address"),
            (
                "deb [snapshot=20260101] http://d.example x main",
                "`snapshot`",
            ),
        ] {
            let sources = taken(lines(line).unwrap()).unwrap();
            assert!(sources.asked.is_empty(), "{line}");
            assert!(sources.left_out[0].contains(why), "{}", sources.left_out[0]);
            assert!(!sources.left_out[0].contains("secret"));
        }
    }

    #[test]
    fn nothing_is_believed_without_a_signature() {
        let line = "deb [trusted=yes] http://d.example x main";
        let why = taken(lines(line).unwrap()).unwrap_err().to_string();
        assert!(why.contains("trusted=yes"), "{why}");
        let stanza =
            "Types: deb\nURIs: http://d.example\nSuites: x\nComponents: main\nTrusted: yes\n";
        assert!(taken(stanzas(stanza).unwrap()).is_err());
    }
}
