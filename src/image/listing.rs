//! The configuration of an image as text: what a Dockerfile would say that starts from its files. Reports quote its lines.

use serde::Deserialize;

use super::manifest::Image;
use crate::model::Built;

/// The configuration's members that are used here; the names are those of docker, which has more of them than the specification.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Outer {
    #[serde(rename = "config")]
    config: Option<Config>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Config {
    env: Option<Vec<String>>,
    user: Option<String>,
    working_dir: Option<String>,
    entrypoint: Option<Vec<String>>,
    cmd: Option<Vec<String>>,
    shell: Option<Vec<String>>,
    exposed_ports: Option<std::collections::BTreeMap<String, serde::de::IgnoredAny>>,
    volumes: Option<std::collections::BTreeMap<String, serde::de::IgnoredAny>>,
    healthcheck: Option<Healthcheck>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Healthcheck {
    test: Option<Vec<String>>,
}

/// The value of a variable of the image's environment.
pub(super) fn variable(image: &Image, name: &str) -> Option<String> {
    let env = config(image).env?;
    let mut pairs = env.iter().filter_map(|pair| pair.split_once('='));
    pairs
        .find(|(known, _)| *known == name)
        .map(|(_, value)| value.to_owned())
}

fn config(image: &Image) -> Config {
    let outer: Outer = serde_json::from_slice(&image.config).unwrap_or_default();
    outer.config.unwrap_or_default()
}

/// The text.
pub(super) fn of(image: &Image, built: &Built) -> String {
    let config = config(image);
    let mut lines = vec![heading(image, built), format!("FROM {}", built.name)];
    if let Some(shell) = config.shell.filter(|shell| !shell.is_empty()) {
        lines.push(format!("SHELL {}", words(&shell)));
    }
    for pair in config.env.iter().flatten() {
        if let Some((name, value)) = pair.split_once('=').filter(|(name, _)| is_name(name)) {
            lines.push(format!("ENV {name}={}", quoted(value)));
        }
    }
    let named = |what: &str, names: Vec<String>| {
        names
            .into_iter()
            .map(|name| format!("{what} {name}"))
            .collect::<Vec<_>>()
    };
    let safe =
        |name: &String| !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '$');
    let ports = config
        .exposed_ports
        .unwrap_or_default()
        .into_keys()
        .filter(safe);
    lines.extend(named("EXPOSE", ports.collect()));
    let volumes = config
        .volumes
        .unwrap_or_default()
        .into_keys()
        .map(|path| words(&[path]));
    lines.extend(named("VOLUME", volumes.collect()));
    let test = config
        .healthcheck
        .and_then(|check| check.test)
        .unwrap_or_default();
    match test.split_first() {
        Some((kind, test)) if kind == "CMD" => {
            lines.push(format!("HEALTHCHECK CMD {}", words(test)));
        }
        Some((kind, _)) if kind == "CMD-SHELL" => lines.push("HEALTHCHECK CMD true".into()),
        _ => {}
    }
    let user = config.user.filter(|user| !user.is_empty());
    lines.extend(user.map(|user| format!("USER {}", escaped(&user))));
    let folder = config.working_dir.filter(|folder| !folder.is_empty());
    lines.extend(folder.map(|folder| format!("WORKDIR {}", escaped(&folder))));
    let entrypoint = config.entrypoint.filter(|all| !all.is_empty());
    lines.extend(entrypoint.map(|all| format!("ENTRYPOINT {}", words(&all))));
    let cmd = config.cmd.filter(|all| !all.is_empty());
    lines.extend(cmd.map(|all| format!("CMD {}", words(&all))));
    lines.join("\n") + "\n"
}

/// What is known of its files.
fn heading(image: &Image, built: &Built) -> String {
    let mut parts = vec![format!("# {}", image.platform)];
    parts.extend(image.digest.as_ref().map(ToString::to_string));
    parts.extend(built.system.clone());
    parts.extend(built.python.as_ref().map(|python| match python.version {
        Some((major, minor)) => format!("Python {major}.{minor}"),
        None => "Python".into(),
    }));
    for library in &built.libraries {
        let version = library.version.as_deref().unwrap_or_default();
        let text = format!("{} {version}", library.path);
        parts.push(text.trim_end().to_owned());
    }
    // It is one line, whatever an image calls itself.
    let text = parts.join(", ");
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// In quotes, so that nothing is expanded. What ends a line ends no line here.
fn quoted(value: &str) -> String {
    format!("\"{}\"", escaped(value))
}

fn escaped(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        match c {
            '"' | '\\' | '$' => text.extend(['\\', c]),
            '\n' | '\r' => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

fn words(words: &[String]) -> String {
    // As JSON, which docker reads; nothing can be wrong with texts.
    serde_json::to_string(words).unwrap_or_else(|_| "[]".into())
}
