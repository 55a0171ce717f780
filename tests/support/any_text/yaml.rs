//! What holds of every edit of a manifest or Compose file: the result is YAML, and nothing else is touched.

use malloclint::internals::dockerfile;
use malloclint::internals::fix::untouched;
use malloclint::internals::manifests::Sheet;
use malloclint::internals::manifests::{compose, kubernetes};
use malloclint::internals::model::Change;
use malloclint::internals::project::Format;
use malloclint::internals::surroundings::Nowhere;
use malloclint::internals::text::{Edit, SourceFile, apply};
use malloclint::internals::yaml;

/// More containers of one text are not edited: each time all of it is read again.
const MOST: usize = 8;

/// Edits every container of `text`, and panics where the result is not what it must be.
pub(crate) fn check(path: &str, text: &str) {
    let Ok(tree) = yaml::read(text) else { return };
    for comment in &tree.comments {
        assert!(text.get(comment.start..comment.end).is_some());
    }
    // A refusal says why: some come from a look at the result, which is no YAML or touches something else.
    for outcome in with_variable(path, text) {
        match outcome {
            Ok(after) => {
                assert!(after != text, "nothing changed");
                assert!(yaml::read(&after).is_ok(), "no YAML any more");
            }
            Err(why) => assert!(!why.is_empty()),
        }
    }
}

/// The text with the variable in each of its first containers in turn: each is read anew.
pub(crate) fn with_variable(path: &str, text: &str) -> Vec<Result<String, String>> {
    let Ok(tree) = yaml::read(text) else {
        return Vec::new();
    };
    let file = SourceFile::new(path, text.as_bytes().to_vec());
    let sheet = Sheet {
        file: &file,
        text,
        tree: &tree,
    };
    let change = [Change::SetEnv {
        name: "MALLOCLINT_WAS_HERE".into(),
        value: "a: 'b' $(c) \\ 2".into(),
    }];
    let made = |edits: Result<Vec<Edit>, String>| {
        let bytes = apply(text.as_bytes(), &edits?).unwrap();
        let after = SourceFile::new(path, bytes);
        untouched(&file, &after)?;
        Ok(String::from_utf8(after.bytes.clone()).unwrap())
    };
    if Format::of(path, text.as_bytes()) == Format::Compose {
        let services = compose::read(sheet, &Nowhere).into_iter().take(MOST);
        return services
            .map(|(container, site)| {
                let unit = dockerfile::started_elsewhere(&container, &Nowhere);
                made(compose::spell(sheet, &unit, site, &change))
            })
            .collect();
    }
    let containers = kubernetes::read(sheet).into_iter().take(MOST);
    containers
        .map(|(container, site)| {
            let unit = dockerfile::started_elsewhere(&container, &Nowhere);
            made(kubernetes::spell(sheet, &unit, site, &change))
        })
        .collect()
}
