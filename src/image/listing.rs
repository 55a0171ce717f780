//! The configuration of an image as text: what a Dockerfile would say that starts from its files. Reports quote its lines.

use super::manifest::Image;
use crate::model::Built;

/// The text.
pub(super) fn of(image: &Image, built: &Built, preloads: bool) -> String {
    let config = image.config.clone();
    let mut lines = vec![heading(image, built), format!("FROM {}", built.name)];
    // It is read like one that a Dockerfile brings.
    lines.extend(preloads.then(|| "COPY /etc/ld.so.preload /etc/ld.so.preload".to_owned()));
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
            // White space that is none between entries of LD_PRELOAD, as these are not.
            '\n' | '\r' => text.push('\t'),
            c => text.push(c),
        }
    }
    text
}

fn words(words: &[String]) -> String {
    // As JSON, which docker reads; nothing can be wrong with texts.
    serde_json::to_string(words).unwrap_or_else(|_| "[]".into())
}
