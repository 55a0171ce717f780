//! What a build leaves outside of its engine: files, archives of images, images in a registry.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use super::Words;
use super::words::is_false;

/// What a build left.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Left {
    /// Images, as `image check` calls them.
    Images(Vec<String>),
    /// Files alone.
    Files,
}

/// One `--output`: `type=oci,dest=FILE`.
pub(super) struct Output(Vec<(String, String)>);

impl Output {
    /// Nothing where it says no type.
    fn read(text: &OsStr) -> Option<Self> {
        let text = text.to_string_lossy();
        if !text.contains('=') {
            // A folder, or `-` for an archive of files.
            return Some(Self(vec![("type".into(), "local".into())]));
        }
        let fields = fields(&text);
        // All of it may stand in quotes, too.
        let fields = match fields.as_slice() {
            [whole] => fields_of_whole(whole, &text),
            _ => fields,
        };
        let pairs = fields.iter().filter_map(|field| {
            let (name, value) = field.split_once('=')?;
            Some((name.trim().to_owned(), value.trim().to_owned()))
        });
        let read = Self(pairs.collect());
        read.value("type").is_some().then_some(read)
    }

    fn value(&self, name: &str) -> Option<&str> {
        let own = self.0.iter().find(|(known, _)| known == name);
        own.map(|(_, value)| value.as_str())
    }

    pub(super) fn is_files(&self) -> bool {
        matches!(self.value("type"), Some("local" | "tar"))
    }

    pub(super) fn is_pushed(&self) -> bool {
        self.value("type") == Some("registry") || self.value("push").is_some_and(is_true)
    }

    /// The archive or folder with an image, as `image check` calls it.
    fn image(&self) -> Option<String> {
        let dest = self.value("dest")?;
        match self.value("type")? {
            "oci" if self.value("tar").is_some_and(is_false) => Some(format!("oci:{dest}")),
            "oci" => Some(format!("oci-archive:{dest}")),
            "docker" => Some(format!("docker-archive:{dest}")),
            _ => None,
        }
    }
}

/// The fields of a line of CSV: commas in quotes part nothing.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            c => fields
                .last_mut()
                .into_iter()
                .for_each(|field| field.push(c)),
        }
    }
    fields
}

/// Those of the only field that a line has, where that is the whole line in quotes.
fn fields_of_whole(field: &str, line: &str) -> Vec<String> {
    match line.starts_with('"') {
        true => field.split(',').map(str::to_owned).collect(),
        false => vec![field.to_owned()],
    }
}

/// Truth as Go reads it (strconv.ParseBool).
fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "true" | "TRUE" | "True")
}

/// Those that are understood.
pub(super) fn of(words: &Words) -> Vec<Output> {
    words.all("output").filter_map(Output::read).collect()
}

/// Whether all are.
///
/// # Errors
/// What to write instead.
pub(super) fn are_read(words: &Words) -> Result<(), String> {
    let mut all = words.all("output");
    match all.any(|output| Output::read(output).is_none()) {
        true => Err("`--output` is not understood: write it as `type=oci,dest=FILE`".into()),
        false => Ok(()),
    }
}

/// What was written to files; nothing where the image is in the engine.
///
/// # Errors
/// Where nobody can look at it, and what to do.
pub(super) fn left(words: &Words) -> Result<Option<Left>, String> {
    let outputs = of(words);
    let images: Vec<String> = outputs.iter().filter_map(Output::image).collect();
    if images.iter().any(|image| image.ends_with(":-")) {
        return Err(
            "the image went to standard output, where nobody can look at it: name a file".into(),
        );
    }
    Ok(match images.is_empty() {
        false => Some(Left::Images(images)),
        true if !outputs.is_empty() && outputs.iter().all(Output::is_files) => Some(Left::Files),
        true => None,
    })
}

/// What BuildKit writes down of what it pushed (docs.docker.com/reference/cli/docker/buildx/build/, `--metadata-file`).
#[derive(Debug, Deserialize)]
struct Metadata {
    #[serde(rename = "containerimage.digest")]
    digest: String,
}

/// The images that went to a registry: by their digest where that was written down, since a tag may be another's by now.
///
/// # Errors
/// Where they have no name.
pub(super) fn pushed(words: &Words) -> Result<Left, String> {
    let tags = words
        .all("tag")
        .map(|tag| tag.to_string_lossy().into_owned());
    let outputs = of(words);
    // One output may have several.
    let names = outputs.iter().filter_map(|output| output.value("name"));
    let names = names.flat_map(|names| names.split(',').map(str::to_owned));
    let mut names: Vec<String> = tags.chain(names).collect();
    let Some(first) = names.first() else {
        return Err("the image was pushed without a name: give it one by `--tag`".into());
    };
    // By whatever name, it is one.
    if let Some(digest) = words.value("metadata-file").and_then(digest) {
        let image = format!("docker://{}@{digest}", without_tag(first));
        return Ok(Left::Images(vec![image]));
    }
    let mut known = BTreeSet::new();
    names.retain(|name| known.insert(name.clone()));
    let images = names.iter().map(|name| format!("docker://{name}"));
    Ok(Left::Images(images.collect()))
}

fn digest(file: &OsStr) -> Option<String> {
    let text = fs::read_to_string(Path::new(file)).ok()?;
    let metadata: Metadata = serde_json::from_str(&text).ok()?;
    Some(metadata.digest)
}

fn without_tag(name: &str) -> &str {
    let folder = name.rfind('/').map_or(0, |at| at + 1);
    let tag = name.get(folder..).and_then(|last| last.find(':'));
    tag.and_then(|at| name.get(..folder + at)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::engines;

    fn words(arguments: &[&str]) -> Words {
        let arguments: Vec<_> = arguments.iter().map(Into::into).collect();
        Words::read(&engines()[0], &arguments)
    }

    #[test]
    fn what_was_pushed_is_called_by_its_digest_where_that_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("metadata");
        let option = format!("--metadata-file={}", file.display());
        let tag = "localhost:5000/acme/api:1.4";
        let pushed = |arguments: &[&str]| pushed(&words(arguments)).unwrap();
        let images = |names: &[&str]| Left::Images(names.iter().map(|&name| name.into()).collect());
        let by_tag = images(&["docker://localhost:5000/acme/api:1.4"]);
        assert_eq!(pushed(&["-t", tag, &option, "."]), by_tag);
        fs::write(&file, r#"{"containerimage.digest": "sha256:12", "a": {}}"#).unwrap();
        let by_digest = images(&["docker://localhost:5000/acme/api@sha256:12"]);
        assert_eq!(pushed(&["-t", tag, &option, "."]), by_digest);
        let other = "--output=type=registry,name=localhost:5000/acme/api";
        assert_eq!(pushed(&["-t", tag, other, &option, "."]), by_digest);
        assert!(super::pushed(&words(&["--push", "."])).is_err());
        let two = "--output=type=image,\"name=localhost:5000/a:1,localhost:5000/b\",push=1";
        let two = words(&["-t", "localhost:5000/a:1", two, "."]);
        assert!(of(&two).iter().any(Output::is_pushed));
        let both = images(&["docker://localhost:5000/a:1", "docker://localhost:5000/b"]);
        assert_eq!(super::pushed(&two).unwrap(), both);
    }
}
