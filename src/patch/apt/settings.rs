//! Settings of an image's apt that change what it would fetch (apt.conf(5), apt_preferences(5)).

use super::paragraphs;
use crate::image::{Read, Refused};

/// Each is a file, and a folder of more.
const SETTINGS: [&str; 2] = ["etc/apt/apt.conf", "etc/apt/apt.conf.d"];
const PINS: [&str; 2] = ["etc/apt/preferences", "etc/apt/preferences.d"];

/// What is to be known of settings that are not followed.
///
/// # Errors
/// Where a pin decides which version of the package is taken.
pub(super) fn look(image: &Read<'_>, name: &str) -> Result<Vec<String>, Refused> {
    for (place, text) in texts(image, PINS) {
        if pins(&text, name) {
            return Err(Refused::new(format!(
                "{place} pins versions of `{name}`, which malloclint does not follow: fetch the package in a container of the image (`apt-get download {name}`), and name it with `--deb FILE`"
            )));
        }
    }
    for (place, text) in texts(image, SETTINGS) {
        if lines(&text).any(|line| line.contains("default-release")) {
            return Err(Refused::new(format!(
                "{place} names a default release, which malloclint does not follow: fetch the package in a container of the image (`apt-get download {name}`), and name it with `--deb FILE`"
            )));
        }
    }
    let settings = texts(image, SETTINGS).into_iter();
    let proxies = settings.filter(|(_, text)| names_proxy(text));
    let note = |(place, _): (String, String)| {
        format!(
            "{place} names a proxy, which is not asked: `http_proxy` and `https_proxy` of this machine are"
        )
    };
    Ok(proxies.map(note).collect())
}

fn texts(image: &Read<'_>, [file, folder]: [&str; 2]) -> Vec<(String, String)> {
    let below = image.names_in(folder).into_iter();
    let below = below.map(|name| format!("{folder}/{name}"));
    let paths = std::iter::once(file.to_owned()).chain(below);
    let texts = paths.filter_map(|path| {
        let text = image.bytes(&path)?;
        Some((
            format!("/{path}"),
            String::from_utf8_lossy(&text).into_owned(),
        ))
    });
    texts.collect()
}

/// Whether a text of preferences may be about a package: patterns are taken for ones that are.
fn pins(text: &str, name: &str) -> bool {
    let Ok(stanzas) = paragraphs::read(text) else {
        return true;
    };
    let mut named = stanzas.iter().filter_map(|stanza| stanza.get("Package"));
    named.any(|list| {
        let mut words = list.split_whitespace();
        words.any(|word| {
            let word = word.strip_prefix("src:").unwrap_or(word);
            let begin = word.split(['*', '?', '[']).next().unwrap_or_default();
            let is_pattern = begin.len() < word.len() && name.starts_with(begin);
            word.starts_with('/') || is_pattern || word == name || word == "jemalloc"
        })
    })
}

/// The lines that are no comments, in lower case.
fn lines(text: &str) -> impl Iterator<Item = String> {
    let lines = text
        .lines()
        .map(|line| line.trim_start().to_ascii_lowercase());
    lines.filter(|line| !line.starts_with("//") && !line.starts_with('#'))
}

fn names_proxy(text: &str) -> bool {
    lines(text).any(|line| {
        line.contains("proxy") && !line.contains("\"direct\"") && !line.contains("\"false\"")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_of_others_do_not_matter() {
        let of = |packages: &str| {
            pins(
                &format!("Package: {packages}\nPin: release n=sid\nPin-Priority: -1\n"),
                "libjemalloc2",
            )
        };
        for own in [
            "*",
            "libjemalloc2",
            "nodejs lib*",
            "/jem/",
            "src:jemalloc",
            "?*",
        ] {
            assert!(of(own), "{own}");
        }
        assert!(!of("nodejs") && !of("node*") && !pins("# x\n", "libjemalloc2"));
        assert!(pins("broken\n", "libjemalloc2"));
    }

    #[test]
    fn proxies_are_seen() {
        assert!(names_proxy(
            "Acquire::http::Proxy \"http://10.0.0.1:3142\";\n"
        ));
        assert!(!names_proxy(
            "// Acquire::http::Proxy \"x\";\nAcquire::https::Proxy \"DIRECT\";\nAPT::X \"1\";\n"
        ));
    }
}
