//! Texts of paragraphs with fields, as Debian writes sources, releases and packages (deb822(5)).

/// A paragraph: its fields in their order, by names in lower case. Lines of a value are separated by `\n`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Paragraph(Vec<(String, String)>);

/// No text has more.
const MOST: usize = 4096;

impl Paragraph {
    /// The value of a field; of two with one name the first.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut fields = self.0.iter();
        let (_, value) = fields.find(|(own, _)| own.eq_ignore_ascii_case(name))?;
        Some(value)
    }

    fn take(&mut self, line: &str) -> Option<()> {
        if line.starts_with([' ', '\t']) {
            let (_, value) = self.0.last_mut()?;
            value.push('\n');
            value.push_str(line.trim());
            return Some(());
        }
        let (name, value) = line.split_once(':')?;
        let name = name.trim_end().to_ascii_lowercase();
        self.0.push((name, value.trim().to_owned()));
        Some(())
    }
}

/// Reads a text. A line that is no field and no part of one is an error: its number, from 1.
pub(super) fn read(text: &str) -> Result<Vec<Paragraph>, usize> {
    let mut found = Vec::new();
    let mut open = Paragraph::default();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_end();
        if line.starts_with('#') {
            continue;
        }
        if !line.is_empty() {
            open.take(line).ok_or(at + 1)?;
        } else if open != Paragraph::default() {
            found.push(std::mem::take(&mut open));
        }
        if found.len() > MOST || open.0.len() > MOST {
            return Err(at + 1);
        }
    }
    if open != Paragraph::default() {
        found.push(open);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_go_on_behind_a_space() {
        let text = "# c\n\nTypes: deb\nURIs:  a\n b\n# c\n\tc\n\n\nsuites: x\n";
        let read = read(text).unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].get("uris"), Some("a\nb\nc"));
        assert_eq!(read[1].get("Suites"), Some("x"));
        assert_eq!(read[1].get("URIs"), None);
    }

    #[test]
    fn what_is_no_field_is_an_error() {
        assert_eq!(read("A: b\n\nc\n"), Err(3));
        assert_eq!(read(" a: b\n"), Err(1));
    }
}
