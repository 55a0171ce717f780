//! Files of variables, as `env_file` and `.env` are: one `NAME=value` a line.

/// `NAME=value` lines: name, value without its quotes, where the name stands.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (&str, &str, usize)> {
    let mut at = 0;
    text.split_inclusive('\n').filter_map(move |line| {
        let start = at;
        at += line.len();
        let lead = line.len() - line.trim_start().len();
        let trimmed = line.trim();
        let trimmed = trimmed.strip_prefix("export ").unwrap_or(trimmed);
        let skipped = line.trim().len() - trimmed.len();
        if trimmed.starts_with('#') {
            return None;
        }
        let (name, value) = trimmed.split_once('=')?;
        let value = value.trim();
        let quoted = ['"', '\''].into_iter().find_map(|quote| {
            let inner = value.strip_prefix(quote)?;
            inner.get(..inner.find(quote)?)
        });
        let plain = value.split(" #").next().unwrap_or_default().trim_end();
        Some((
            name.trim_end(),
            quoted.unwrap_or(plain),
            start + lead + skipped,
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_an_environment_file() {
        let text = "# no\nA=1\n export B = \"two words\" # why\nC='x'\nD=a # b\nE\n";
        let found: Vec<_> = lines(text)
            .map(|(name, value, at)| (name, value, &text[at..=at]))
            .collect();
        assert_eq!(
            found,
            [
                ("A", "1", "A"),
                ("B", "two words", "B"),
                ("C", "x", "C"),
                ("D", "a", "D")
            ]
        );
    }
}
