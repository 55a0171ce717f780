//! How many arguments each instruction takes. BuildKit's parser does not count them, its builder does.
//!
//! Source: `frontend/dockerfile/instructions/parse.go` of BuildKit.

use super::{Args, Keyword, Word};

/// What is wrong with the number of arguments, if anything is.
pub(super) fn fault(keyword: Keyword, args: &Args) -> Option<String> {
    let name = keyword.as_str();
    match (keyword, args) {
        (Keyword::From, Args::Words(words)) if is_image(words) => None,
        (Keyword::From, _) => Some("`FROM` takes an image, and maybe `AS` and a name".to_owned()),
        (Keyword::Add | Keyword::Copy, _) if count(args) < 2 => {
            Some(format!("`{name}` needs a source and a destination"))
        }
        (Keyword::Shell, Args::Json(strings)) if !strings.is_empty() => None,
        (Keyword::Shell, _) => Some("`SHELL` needs a list in JSON form".to_owned()),
        (Keyword::Run | Keyword::Cmd | Keyword::Entrypoint | Keyword::Unknown, _) => None,
        (_, Args::None) => Some(format!("`{name}` needs an argument")),
        _ => None,
    }
}

/// `IMAGE`, or `IMAGE AS NAME`.
fn is_image(words: &[Word]) -> bool {
    match words {
        [_] => true,
        [_, middle, _] => middle.raw.as_str().eq_ignore_ascii_case("as"),
        _ => false,
    }
}

fn count(args: &Args) -> usize {
    match args {
        Args::Words(words) => words.len(),
        Args::Json(strings) => strings.len(),
        _ => 0,
    }
}
