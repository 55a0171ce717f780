//! The application that a server is told to run: `app.main:app`.

use super::Follower;
use crate::dockerfile::copy;
use crate::dockerfile::image::{Copied, CopySource};
use crate::text::paths::normal;

/// Modules lie so many folders deep in a repository.
const DEPTH: usize = 6;

impl Follower<'_> {
    /// The module that a server is told to run, where neither the image's working folder nor the repository has it. It may
    /// come with a package; else the server ends at once.
    pub(super) fn missing_target(&self) -> Option<String> {
        let context = |copied: &&Copied| copied.from == CopySource::Context;
        let copied: Vec<&Copied> = self.state.copies.iter().filter(context).collect();
        let mut words = self.argv.iter().skip(1);
        let (named, forms) = words.find_map(|word| forms(word))?;
        let there = |path: &String| copy::find(self.build, self.state, path).is_some();
        let found =
            forms.iter().any(there) || copied.iter().any(|copied| self.brings(copied, &forms));
        (!copied.is_empty() && !found).then(|| named.to_owned())
    }

    /// Whether what is copied holds a file of these names, in whatever folder: sources may lie below `src`. So may what
    /// cannot be listed.
    fn brings(&self, copied: &Copied, forms: &[String]) -> bool {
        let around = self.build.around;
        let home = around.home(&self.build.file.path);
        let source = normal(copied.path.trim_matches(['/', '*']));
        let mut folders =
            home.folders
                .iter()
                .map(|above| match (above.as_str(), source.as_str()) {
                    (above, "") => above.to_owned(),
                    (above, source) => format!("{above}/{source}"),
                });
        let listed = folders.find_map(|folder| {
            let mut files = around.list(&folder, DEPTH).peekable();
            files.peek().is_some().then_some(files)
        });
        listed.is_none_or(|mut files| {
            files.any(|path| {
                forms.iter().any(|form| {
                    let rest = path.strip_suffix(form.as_str());
                    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
                })
            })
        })
    }
}

/// What a word names, and the files that it may be: `app.main:app`, `app/main.py`.
fn forms(word: &str) -> Option<(&str, Vec<String>)> {
    if word.ends_with(".py") && !word.starts_with('-') && !word.contains(['=', '$', '*']) {
        return Some((word, vec![word.to_owned()]));
    }
    let module = module(word)?;
    let path = module.replace('.', "/");
    Some((
        module,
        vec![format!("{path}.py"), format!("{path}/__init__.py")],
    ))
}

/// The module of `app.main:app`, `shop.wsgi:create()`; nothing for addresses and paths.
fn module(word: &str) -> Option<&str> {
    let (module, attribute) = word.split_once(':')?;
    let name = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
    };
    let attribute = attribute.split('(').next().unwrap_or_default();
    let file = attribute.ends_with(".py");
    let named = !file && module.split('.').all(name) && attribute.split('.').all(name);
    named.then_some(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_is_told_from_an_address() {
        for (word, expected) in [
            ("app.main:app", Some("app.main")),
            ("shop.wsgi:create('x')", Some("shop.wsgi")),
            ("a:b", Some("a")),
            ("0.0.0.0:8000", None),
            ("unix:/run/x.sock", None),
            ("localhost:80", None),
            ("file:conf.py", None),
            ("redis://x", None),
            ("--bind", None),
        ] {
            assert_eq!(module(word), expected, "{word}");
        }
    }
}
