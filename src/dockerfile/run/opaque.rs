//! What a RUN does that cannot be followed, and how much of the image that leaves unseen.

use super::{DEPTH, Source, apply, located, pattern};
use crate::dockerfile::build::Build;
use crate::dockerfile::copy;
use crate::dockerfile::image::ImageState;
use crate::facts::families_named;
use crate::facts::programs;
use crate::shell::effects::Effect;
use crate::shell::syntax::Word;
use crate::text::paths::base_name;

/// Programs that may put any file anywhere: archives into the folder they are given, others `/`.
pub(super) fn work(build: &Build<'_>, state: &mut ImageState, effect: &Effect, words: &[Word]) {
    let words: Vec<String> = words
        .iter()
        .map(|word| pattern(build, state, word))
        .collect();
    let Some((program, rest)) = words.split_first() else {
        return;
    };
    let program = base_name(program);
    if programs::unpacks(program) {
        let after = |option: &str| {
            rest.iter()
                .skip_while(|word| *word != option)
                .nth(1)
                .cloned()
        };
        let joined = rest
            .iter()
            .find_map(|word| word.strip_prefix("--directory=").map(str::to_owned));
        let folder = [
            "-C",
            "--directory",
            "-d",
            "-xzC",
            "-xC",
            "-xjC",
            "-xJC",
            "xzC",
        ]
        .iter()
        .find_map(|option| after(option))
        .or(joined);
        let folder = located(state, effect, folder.as_deref().unwrap_or("."));
        state.hide_rest(&folder, format!("`{program}` unpacks something there"));
    } else if programs::works_unseen(program, rest, effect.context.piped) {
        state.hide_rest(
            "/",
            format!("what `{program}` puts into the image cannot be seen"),
        );
    }
}

/// Something is done with an allocator that cannot be followed.
pub(super) fn mentioned(state: &mut ImageState, source: Source<'_>, effect: &Effect) {
    let text = source
        .text
        .as_str()
        .get(effect.range.clone())
        .unwrap_or_default();
    let families = families_named(text);
    let first = text
        .split_whitespace()
        .next()
        .unwrap_or_default()
        .to_owned();
    for family in families {
        if !state.mentioned.contains(&family) {
            state.mentioned.push(family);
        }
        state.hide_rest(
            "/",
            format!("`{first}` does something with {family} that cannot be followed"),
        );
    }
}

/// A script of the image runs: read it if it stands beside the Dockerfile, else anything may be.
pub(super) fn script(
    build: &Build<'_>,
    state: &mut ImageState,
    source: Source<'_>,
    effect: &Effect,
    path: &Word,
) {
    let path = located(state, effect, &pattern(build, state, path));
    let readable = if source.depth < DEPTH {
        copy::find(build, state, &path)
    } else {
        None
    };
    let opened = match readable {
        Some(readable) => readable.open(build),
        None => Err(format!("the script `{path}` is not beside the Dockerfile")),
    };
    match opened {
        Ok((text, file)) => {
            let source = Source {
                text: &text,
                file: &file,
                depth: source.depth + 1,
            };
            apply(build, state, source);
        }
        Err(why) => state.hide("/", why),
    }
}

/// A download for one architecture binds the image to it, unless the text also looks at the
/// architecture it runs on.
pub(super) fn bind_architecture(state: &mut ImageState, text: &str) {
    if state.arch_bound.is_some() || !text.contains("http") {
        return;
    }
    let looks = [
        "uname",
        "TARGETARCH",
        "TARGETPLATFORM",
        "print-architecture",
        "$(arch)",
        "${ARCH",
        "$ARCH",
    ];
    if looks.iter().any(|sign| text.contains(sign)) {
        return;
    }
    let download = |word: &&str| word.contains("://");
    for word in text.split_whitespace().filter(download) {
        let arch = match word {
            _ if word.contains("x86_64") || word.contains("amd64") => crate::facts::Arch::Amd64,
            _ if word.contains("aarch64") || word.contains("arm64") => crate::facts::Arch::Arm64,
            _ => continue,
        };
        let word = word.trim_matches(['"', '\'', ';']);
        state.arch_bound = Some((arch, word.to_owned()));
        return;
    }
}
