//! What becomes of a configuration, a manifest, and what names that in an index (image-spec, config.md, manifest.md, annotations.md).

use super::json::{List, Object, quoted};
use super::layer::Layer;
use crate::check::images::Variable;
use crate::image::{Blob, Digest};
use crate::text::date;

/// What says of an image on which one it stands.
const BASE_DIGEST: &str = "org.opencontainers.image.base.digest";
const BASE_NAME: &str = "org.opencontainers.image.base.name";

/// What changes in a configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) variables: &'a [Variable],
    pub(super) layer: Option<&'a Layer>,
    /// When the change is said to be made, in seconds since 1970; else when the base was.
    pub(super) epoch: Option<u64>,
}

/// The image on which the new one stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base<'a> {
    pub(super) digest: &'a Digest,
    /// What it is called on every machine.
    pub(super) name: Option<&'a str>,
}

/// When an image was made, in seconds since 1970, as far as it says that.
pub(super) fn created(config: &str) -> Option<u64> {
    date::seconds(&Object::read(config).ok()?.text("created")?)
}

/// The configuration with a change.
///
/// # Errors
/// Where something in it is not what it must be.
pub(super) fn config(text: &str, change: Change<'_>) -> Result<String, serde_json::Error> {
    let mut config = Object::read(text)?;
    let mut started = config.object("config")?;
    if !change.variables.is_empty() {
        let mut list = started.list("Env")?;
        for variable in change.variables {
            set(&mut list, variable);
        }
        started.set("Env", list);
        config.set("config", started);
    }
    if let Some(seconds) = change.epoch {
        config.set_text("created", &date::rfc3339(seconds));
    }
    let mut rootfs = config.object("rootfs")?;
    let mut layers = rootfs.list("diff_ids")?;
    let history = history(&config, layers.0.len(), change)?;
    if let Some(layer) = change.layer {
        layers.0.push(quoted(&layer.unpacked.to_string()));
        rootfs.set("diff_ids", layers);
        config.set("rootfs", rootfs);
    }
    if let Some(history) = history {
        config.set("history", history);
    }
    Ok(config.to_string())
}

/// Sets a variable in its place; of several of one name the last one counts.
fn set(list: &mut List, variable: &Variable) {
    let Variable { name, value, .. } = variable;
    let is_it = |pair: &&mut String| {
        let pair = serde_json::from_str::<String>(pair).unwrap_or_default();
        pair.split_once('=').is_some_and(|(own, _)| own == name)
    };
    let pair = quoted(&format!("{name}={value}"));
    match list.0.iter_mut().rev().find(is_it) {
        Some(old) => *old = pair,
        None => list.0.push(pair),
    }
}

/// The history with one step more. One that does not tell of all layers says nothing any more: it stays as it is.
fn history(
    config: &Object,
    layers: usize,
    change: Change<'_>,
) -> Result<Option<List>, serde_json::Error> {
    let mut history = config.list("history")?;
    let steps: Vec<Object> = history
        .0
        .iter()
        .map(|step| Object::read(step))
        .collect::<Result<_, _>>()?;
    let of_layers = steps
        .iter()
        .filter(|step| step.get("empty_layer") != Some("true"));
    if of_layers.count() != layers {
        return Ok(None);
    }
    let mut step = Object::default();
    if let Some(created) = config.get("created") {
        step.set("created", created);
    }
    let files = change.layer.map_or(&[][..], |layer| &layer.files);
    let files = files.iter().map(|file| format!("/{}", file.path));
    let variables = change.variables.iter();
    let variables = variables.map(|variable| format!("{}={}", variable.name, variable.value));
    let what: Vec<String> = files.chain(variables).collect();
    step.set_text(
        "created_by",
        &format!("malloclint image patch: {}", what.join(", ")),
    );
    if change.layer.is_none() {
        step.set("empty_layer", true);
    }
    history.0.push(step.to_string());
    Ok(Some(history))
}

/// The manifest with another configuration, and perhaps one layer more.
///
/// # Errors
/// Where something in it is not what it must be.
pub(super) fn manifest(
    text: &str,
    config: &Blob,
    layer: Option<&Layer>,
    base: Base<'_>,
) -> Result<String, serde_json::Error> {
    let mut manifest = Object::read(text)?;
    let mut named = manifest.object("config")?;
    name(&mut named, config);
    manifest.set("config", named);
    if let Some(layer) = layer {
        let mut layers = manifest.list("layers")?;
        let mut named = Object::default();
        named.set_text("mediaType", &layer.kind);
        name(&mut named, &layer.blob);
        layers.0.push(named.to_string());
        manifest.set("layers", layers);
    }
    // Those of docker have no annotations.
    if manifest
        .text("mediaType")
        .is_none_or(|kind| kind.contains(".oci."))
    {
        let mut annotations = manifest.object("annotations")?;
        stand_on(&mut annotations, base);
        manifest.set("annotations", annotations);
    }
    Ok(manifest.to_string())
}

/// What names a manifest in an index, for the one that takes its place.
///
/// # Errors
/// Where something in it is not what it must be.
pub(super) fn descriptor(
    text: &str,
    blob: &Blob,
    base: Option<Base<'_>>,
) -> Result<String, serde_json::Error> {
    let mut named = Object::read(text)?;
    name(&mut named, blob);
    let mut annotations = named.object("annotations")?;
    let tells = annotations.get(BASE_DIGEST).is_some() || annotations.get(BASE_NAME).is_some();
    if let Some(base) = base.filter(|_| tells) {
        stand_on(&mut annotations, base);
        named.set("annotations", annotations);
    }
    Ok(named.to_string())
}

fn name(named: &mut Object, blob: &Blob) {
    named.set_text("digest", &blob.digest.to_string());
    named.set("size", blob.size);
}

/// What was said of the base's own base is said of the base.
fn stand_on(annotations: &mut Object, base: Base<'_>) {
    annotations.set_text(BASE_DIGEST, &base.digest.to_string());
    match base.name {
        Some(name) => annotations.set_text(BASE_NAME, name),
        None => annotations.remove(BASE_NAME),
    }
}

#[cfg(test)]
mod tests {
    use super::super::layer::File;
    use super::*;

    const CONFIG: &str = r#"{"architecture":"amd64","created":"2024-05-14T01:02:03.5Z","config":{"Env":["A=1","LD_PRELOAD=x.so"],"Healthcheck":{"Test":["CMD","x"],"Interval":1.50},"ArgsEscaped":true,"Shell":["/bin/sh","-c"],"OnBuild":null},"history":[{"created_by":"\u003cx\u003e"},{"empty_layer":true}],"moby.buildkit.x":{"n":123456789012345678901},"os":"linux","rootfs":{"type":"layers","diff_ids":["sha256:1"]}}"#;

    fn variable(name: &str, value: &str) -> Variable {
        Variable {
            name: name.into(),
            value: value.into(),
            before: None,
        }
    }

    fn layer() -> Layer {
        let file = File {
            path: "usr/lib/l".into(),
            bytes: b"x".into(),
        };
        Layer::of(vec![file], &Default::default(), None, 0).unwrap()
    }

    #[test]
    fn a_configuration_keeps_all_that_is_not_changed() {
        let layer = layer();
        let change = Change {
            variables: &[
                variable("LD_PRELOAD", "x.so:l"),
                variable("MALLOC_CONF", "narenas:1"),
            ],
            layer: Some(&layer),
            epoch: None,
        };
        let id = &layer.unpacked;
        let wanted = CONFIG
            .replace(
                r#""LD_PRELOAD=x.so""#,
                r#""LD_PRELOAD=x.so:l","MALLOC_CONF=narenas:1""#,
            )
            .replace(
                r#"{"empty_layer":true}"#,
                r#"{"empty_layer":true},{"created":"2024-05-14T01:02:03.5Z","created_by":"malloclint image patch: /usr/lib/l, LD_PRELOAD=x.so:l, MALLOC_CONF=narenas:1"}"#,
            )
            .replace(r#"["sha256:1"]"#, &format!(r#"["sha256:1","{id}"]"#));
        assert_eq!(config(CONFIG, change).unwrap(), wanted);
        assert_eq!(created(CONFIG), Some(1_715_648_523));
    }

    #[test]
    fn what_says_little_is_completed_as_far_as_it_can_be() {
        let change = Change {
            variables: &[variable("MALLOC_CONF", "narenas:1")],
            layer: None,
            epoch: Some(0),
        };
        let text = r#"{"config":null,"rootfs":{"diff_ids":["sha256:1"]}}"#;
        assert_eq!(
            config(text, change).unwrap(),
            r#"{"config":{"Env":["MALLOC_CONF=narenas:1"]},"rootfs":{"diff_ids":["sha256:1"]},"created":"1970-01-01T00:00:00Z"}"#
        );
        assert!(config(r#"{"config":{"Env":"x"}}"#, change).is_err());
    }

    #[test]
    fn a_manifest_says_on_what_it_stands() {
        let (layer, digest) = (layer(), Digest::of(b"base"));
        let config = Blob::of(b"{}");
        let base = Base {
            digest: &digest,
            name: None,
        };
        let text = r#"{"schemaVersion":2,"config":{"mediaType":"c","digest":"sha256:0","size":1,"x":1.0},"layers":[{"digest":"sha256:1","size":2,"urls":["u"]}],"annotations":{"a":"b","org.opencontainers.image.base.name":"old"}}"#;
        let told = manifest(text, &config, Some(&layer), base).unwrap();
        let (blob, kind) = (&layer.blob, &layer.kind);
        let wanted = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"c","digest":"{}","size":2,"x":1.0}},"layers":[{{"digest":"sha256:1","size":2,"urls":["u"]}},{{"mediaType":"{kind}","digest":"{}","size":{}}}],"annotations":{{"a":"b","{BASE_DIGEST}":"{digest}"}}}}"#,
            config.digest, blob.digest, blob.size
        );
        assert_eq!(told, wanted);
        let dockers = text.replace(
            r#"{"schemaVersion":2"#,
            r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json""#,
        );
        let told = manifest(&dockers, &config, None, base).unwrap();
        assert!(told.contains("base.name") && !told.contains("base.digest"));
    }
}
