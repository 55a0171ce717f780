//! Documents that are printed, not written: rule pages and the table in the README.

use std::path::Path;

use super::{UPDATING, updates};
use crate::support::run::run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn explain_prints_the_page_of_every_rule() {
    for rule in &malloclint::internals::rules::RULES {
        let page = std::fs::read_to_string(format!("{ROOT}/rules/{}.md", rule.id)).unwrap();
        let prose = page.splitn(3, "+++\n").nth(2).unwrap().trim();
        let shown = run(Path::new(ROOT), ["explain", rule.id]);
        assert_eq!(
            (shown.code, shown.err.as_str()),
            (Some(0), ""),
            "{}",
            rule.id
        );
        let (head, body) = shown.out.split_once("\n\n").unwrap();
        assert!(head.starts_with(&format!("{} (", rule.id)), "{head}");
        assert!(head.ends_with(&rule.meta().summary), "{head}");
        // The examples stand on the page.
        let (reasons, examples) = body.trim().rsplit_once("\n\nExamples: ").unwrap();
        assert_eq!(
            Some(reasons.trim()),
            prose.split("\n## Examples").next().map(str::trim)
        );
        assert!(examples.ends_with(&format!("rules/{}.md#examples", rule.id)));
    }
}

#[test]
fn the_readme_has_the_table_of_rules() {
    let _guard = UPDATING.lock();
    let path = format!("{ROOT}/README.md");
    let readme = std::fs::read_to_string(&path).unwrap();
    let table = run(Path::new(ROOT), ["rules", "--format", "markdown"]).out;
    let (before, rest) = readme
        .split_once("<!-- rules -->\n")
        .expect("the marker before the table");
    let (now, after) = rest
        .split_once("<!-- /rules -->")
        .expect("the marker behind the table");
    if updates() {
        std::fs::write(
            path,
            format!("{before}<!-- rules -->\n{table}<!-- /rules -->{after}"),
        )
        .unwrap();
        return;
    }
    assert_eq!(now, table, "UPDATE=1 cargo test --test it cli writes it");
}

#[test]
fn links_in_the_documents_lead_somewhere() {
    let mut links = 0;
    for name in [
        "README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "docs/json.md",
        "docs/inspect.md",
    ] {
        let path = Path::new(ROOT).join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        for (_, rest) in text
            .match_indices("](")
            .map(|(at, mark)| text.split_at(at + mark.len()))
        {
            let target = rest.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            links += 1;
            assert!(
                path.parent().unwrap().join(target).exists(),
                "{name} links to {target}"
            );
        }
    }
    assert!(links > 12, "only {links} links were found");
}

/// The table of expectations names a test in each row that says yes, and every one of them is there.
#[test]
fn what_users_expect_is_held_by_a_test() {
    let root = env!("CARGO_MANIFEST_DIR");
    let table = include_str!("../../../docs/expectations.md");
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let mut named = 0;
    for row in rows.skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let (own, test) = (cells[4], cells.get(5).copied().unwrap_or_default());
        if own.starts_with("no") {
            assert_eq!(test, "", "{row}");
            continue;
        }
        assert!(!test.is_empty(), "{row}");
        for name in test.split('`').skip(1).step_by(2) {
            named += 1;
            if name.starts_with("make ") || name.contains('.') || name.ends_with('/') {
                continue;
            }
            let (module, function) = name.rsplit_once("::").unwrap_or(("config", name));
            let own = format!("{root}/tests/it/{}.rs", module.replace("::", "/"));
            let unit = format!(
                "{root}/src/{}.rs",
                module.trim_end_matches("::tests").replace("::", "/")
            );
            let held = [own, unit].iter().any(|path| {
                let text = std::fs::read_to_string(path).unwrap_or_default();
                text.contains(&format!("fn {function}("))
            });
            assert!(held, "{name} of docs/expectations.md is not there");
        }
        for link in test.split("](").skip(1) {
            let path = link.split(')').next().unwrap();
            let path = format!("{root}/docs/{path}");
            assert!(std::path::Path::new(&path).exists(), "{path}");
        }
    }
    assert!(named > 20, "{named}");
}
