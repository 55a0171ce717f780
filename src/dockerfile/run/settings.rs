//! Settings that a RUN makes: some reach the process (`/etc/ld.so.preload`), most do not.

use super::{Source, located};
use crate::dockerfile::image::{ImageState, Preloading, Written};
use crate::facts::families_named;
use crate::facts::{Family, is_allocator_setting};
use crate::model::{Reach, Setting, Stray, Value, Via};
use crate::shell::effects::{Effect, EffectKind};
use crate::text::paths;
use crate::text::{Place, Traced};

/// An export or a file that is written.
pub(super) fn apply(state: &mut ImageState, source: Source<'_>, effect: &Effect, last: bool) {
    match &effect.kind {
        EffectKind::Export {
            name,
            value: Some(value),
        } if last && source.depth == 0 && !effect.context.function => {
            let text = source
                .text
                .as_str()
                .get(value.range.clone())
                .unwrap_or_default()
                .to_owned();
            let conditional = effect.context.conditional;
            export(state, name, text, conditional, source.place(&effect.range));
        }
        EffectKind::Write {
            path,
            content,
            text,
            append,
        } => {
            let place = content
                .as_ref()
                .map_or_else(|| source.place(&effect.range), |range| source.place(range));
            write(
                state,
                &Writing {
                    path,
                    text,
                    append: *append,
                    place,
                    source,
                    content: content.as_ref(),
                    effect,
                },
            );
        }
        _ => {}
    }
}

/// `RUN export NAME=value` with nothing but other exports after it: gone when the RUN ends.
fn export(state: &mut ImageState, name: &str, value: String, conditional: bool, place: Place) {
    let family = families_named(&value).first().copied();
    let loads = name == "LD_PRELOAD" && family.is_some();
    if !loads && (value.is_empty() || !is_allocator_setting(name)) {
        return;
    }
    state.strays.push(Stray {
        variable: Some(name.to_owned()),
        value,
        family,
        reach: Reach::Run,
        conditional,
        place,
    });
}

struct Writing<'a> {
    path: &'a str,
    text: &'a str,
    append: bool,
    place: Place,
    source: Source<'a>,
    content: Option<&'a std::ops::Range<usize>>,
    effect: &'a Effect,
}

fn write(state: &mut ImageState, writing: &Writing<'_>) {
    let path = located(state, writing.effect, writing.path);
    match path.as_str() {
        "/etc/ld.so.preload" => preload_file(state, writing),
        _ if path.starts_with("/etc/ld.so.conf") => {
            let lines = writing
                .text
                .split([' ', '\n', ','])
                .filter(|word| word.starts_with('/'));
            state
                .search_dirs
                .extend(lines.map(|line| line.trim_end_matches('/').to_owned()));
        }
        _ => {
            if is_shell_start(&path) {
                shell_start(state, writing, &path);
            }
            let text = content(writing);
            if !writing.append {
                state.written.retain(|written| written.path != path);
            }
            state.written.push(Written { path, text });
        }
    }
}

fn content(writing: &Writing<'_>) -> Traced {
    match writing.content {
        Some(range) => {
            let text = writing.source.text.as_str().get(range.clone());
            // `echo "..." > FILE`: the quotes are the shell's.
            let quoted = |quote: char| {
                let inner = text?.strip_prefix(quote)?.strip_suffix(quote)?;
                (!inner.contains(quote)).then_some(range.start + 1..range.end - 1)
            };
            let bare = quoted('"').or_else(|| quoted('\''));
            writing
                .source
                .text
                .part(bare.unwrap_or_else(|| range.clone()))
        }
        None => {
            let mut text = Traced::new();
            text.push_from(writing.text, writing.place.span);
            text
        }
    }
}

/// The loader reads the file for every program: what stands in it is preloaded.
fn preload_file(state: &mut ImageState, writing: &Writing<'_>) {
    if families_named(writing.text).is_empty() {
        return state.hide(
            "/etc/ld.so.preload",
            "what is written to `/etc/ld.so.preload` cannot be read",
        );
    }
    let mut text = Traced::new();
    // Behind a condition the script itself picks the right path.
    let pattern = if writing.effect.context.conditional {
        format!("*/{}", file_name(writing.text))
    } else {
        stars(writing.text)
    };
    text.push_from(&pattern, writing.place.span);
    let setting = Setting {
        value: Value {
            text,
            ..Value::default()
        },
        place: writing.place.clone(),
        name_place: writing.place.clone(),
        step: state.step,
        via: Via::File,
    };
    state.preloads.push(Preloading {
        setting,
        conditional: writing.effect.context.conditional,
    });
}

fn file_name(text: &str) -> &str {
    paths::file_name(text.trim())
}

/// Text as a pattern: what the shell put in when it ran becomes `*`.
pub(in crate::dockerfile) fn stars(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.trim();
    while let Some(at) = rest.find(['$', '`']) {
        out.push_str(rest.get(..at).unwrap_or_default());
        out.push('*');
        let after = rest.get(at..).unwrap_or_default();
        let length = match after.get(1..2) {
            Some("(") => after.rfind(')').map_or(after.len(), |end| end + 1),
            Some("{") => after.find('}').map_or(after.len(), |end| end + 1),
            _ if after.starts_with('`') => after
                .get(1..)
                .and_then(|rest| rest.find('`'))
                .map_or(after.len(), |end| end + 2),
            _ => {
                let name = after.get(1..).unwrap_or_default();
                1 + name
                    .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                    .unwrap_or(name.len())
            }
        };
        rest = after.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
    out
}

/// Files that shells read when they start: a service is not started by one of those.
pub(in crate::dockerfile) fn is_shell_start(path: &str) -> bool {
    let name = paths::file_name(path);
    path.starts_with("/etc/profile")
        || matches!(
            path,
            "/etc/environment" | "/etc/bash.bashrc" | "/etc/bashrc"
        )
        || matches!(
            name,
            ".bashrc" | ".profile" | ".bash_profile" | ".zshrc" | ".bash_login"
        )
}

fn shell_start(state: &mut ImageState, writing: &Writing<'_>, path: &str) {
    let named = families_named(writing.text);
    if !writing.text.contains("LD_PRELOAD") || named.is_empty() {
        return;
    }
    state.strays.push(Stray {
        variable: Some("LD_PRELOAD".into()),
        value: writing.text.trim().to_owned(),
        family: named.first().copied().or(Some(Family::Other)),
        reach: Reach::Shells(path.to_owned()),
        conditional: writing.effect.context.conditional,
        place: writing.place.clone(),
    });
}

#[cfg(test)]
mod tests {
    use super::stars;

    #[test]
    fn what_the_shell_puts_in_becomes_a_star() {
        assert_eq!(
            stars("/usr/lib/$(uname -m)-linux-gnu/x.so"),
            "/usr/lib/*-linux-gnu/x.so"
        );
        assert_eq!(stars("/usr/${A}/$B/x"), "/usr/*/*/x");
        assert_eq!(stars("`find / -name x`\n"), "*");
    }
}
