//! Definitions of custom resources are passed over unread: schemas of megabytes, in which no container runs.

use std::ops::Range;

use memchr::memmem;

/// The line that says that a document is one.
const KIND: &str = "kind: CustomResourceDefinition";

/// The parts of a stream that are to be read: whole documents, all but the definitions of custom resources.
///
/// A line that begins with `---` always begins a document, whatever stands around it (YAML 1.2.2, 9.1.2). A stream with
/// directives or with ends of documents is one part.
pub(super) fn without(text: &str) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let directs = memmem::find(bytes, b"\n%").is_some() || text.starts_with('%');
    if memmem::find(bytes, KIND.as_bytes()).is_none()
        || directs
        || memmem::find(bytes, b"\n...").is_some()
    {
        return std::iter::once(0..text.len()).collect();
    }
    let mut parts: Vec<Range<usize>> = Vec::new();
    for document in documents(text) {
        if text.get(document.clone()).is_some_and(is_definition) {
            continue;
        }
        match parts.last_mut() {
            Some(last) if last.end == document.start => last.end = document.end,
            _ => parts.push(document),
        }
    }
    parts
}

/// Every document with the marker that it begins with.
fn documents(text: &str) -> Vec<Range<usize>> {
    let begins = memmem::find_iter(text.as_bytes(), b"\n---").filter_map(|at| {
        let rest = text.get(at + 4..)?;
        (rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])).then_some(at + 1)
    });
    let mut found = Vec::new();
    let mut start = 0;
    for at in begins {
        found.push(start..at);
        start = at;
    }
    found.push(start..text.len());
    found
}

/// Whether a key at the left margin says so: nothing else can stand there in a mapping.
fn is_definition(document: &str) -> bool {
    memmem::find_iter(document.as_bytes(), KIND).any(|at| {
        let line = |rest: &str| rest.lines().next().unwrap_or_default().trim().is_empty();
        let begins = at == 0 || document.as_bytes().get(at - 1) == Some(&b'\n');
        begins && document.get(at + KIND.len()..).is_some_and(line)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        let parts = without(text);
        let parts: Vec<&str> = parts.into_iter().map(|part| &text[part]).collect();
        parts.join("|")
    }

    #[test]
    fn definitions_are_left_out() {
        let definition = "---\nkind: CustomResourceDefinition\nspec: {}\n";
        let pod = "---\nkind: Pod\n";
        assert_eq!(read(pod), pod);
        assert_eq!(read(definition), "");
        assert_eq!(
            read(&format!("{pod}{definition}{pod}{pod}")),
            format!("{pod}|{pod}{pod}")
        );
        assert_eq!(
            read(&format!("# head\n{definition}{pod}")),
            format!("# head\n|{pod}")
        );
        let bare = "kind: CustomResourceDefinition\r\nspec: {}\r\n";
        assert_eq!(
            read(&format!("{bare}--- # next\r\na: 1\r\n")),
            "--- # next\r\na: 1\r\n"
        );
    }

    #[test]
    fn what_only_speaks_of_definitions_is_read() {
        let whole = |text: &str| assert_eq!(read(text), text);
        whole("data:\n  a: |\n    ---\n    kind: CustomResourceDefinition\n");
        whole("rules:\n- kind: CustomResourceDefinition\n");
        whole("kind: CustomResourceDefinitionList\n");
        whole("# kind: CustomResourceDefinition\na: 1\n");
        whole("a: 1\n----\nkind: Pod\n--- kind: CustomResourceDefinition\n");
        whole("%YAML 1.2\n---\nkind: CustomResourceDefinition\n");
        whole("kind: CustomResourceDefinition\n...\nkind: Pod\n");
        whole("");
    }
}
