//! Which versions a text allows: the highest counts, as installers take the newest that may be.

/// A requirement taken apart: the name, and the highest version that is allowed: `openvino[extra]==2024.1`, `playwright@1.2`,
/// `./openvino-2024.6.0-cp312-cp312-linux_x86_64.whl`.
pub(super) fn split(text: &str) -> (&str, Option<String>) {
    let wheel = text.trim().strip_suffix(".whl");
    if let Some(wheel) = wheel.filter(|wheel| !wheel.contains('@')) {
        let mut parts = wheel.rsplit('/').next().unwrap_or(wheel).split('-');
        let name = parts.next().unwrap_or_default();
        return (name, parts.next().map(str::to_owned));
    }
    let scoped = usize::from(text.starts_with('@'));
    let ends = |c: char| {
        matches!(
            c,
            '=' | '<' | '>' | '~' | '!' | ';' | '[' | '@' | ' ' | '"' | '\''
        )
    };
    let end = text.get(scoped..).and_then(|rest| rest.find(ends));
    let end = end.map_or(text.len(), |end| end + scoped);
    let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let behind = match rest.strip_prefix('[') {
        Some(extras) => extras.split_once(']').map_or("", |(_, rest)| rest),
        None => rest,
    };
    let behind = behind.trim();
    // `name @ https://...` names a place.
    let version = if behind.contains("://") {
        None
    } else {
        written(behind)
    };
    (name, version)
}

/// The highest version that a specifier allows: `>=1.2,<2` gives the last one below 2. `None` where none is the highest.
pub(super) fn written(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['"', '\'', '(', ')']);
    let parts = text.split(',').map(str::trim);
    let highest = parts.filter_map(one);
    highest.min_by(|a, b| numbers(a).cmp(&numbers(b)))
}

fn one(part: &str) -> Option<String> {
    let at = part.find(|c: char| c.is_ascii_digit())?;
    let (operator, rest) = part.split_at_checked(at)?;
    let end = rest
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(rest.len());
    let (version, behind) = rest.split_at_checked(end)?;
    let version = version.trim_end_matches('.');
    if behind.starts_with('*') && !operator.contains(['>', '<', '!']) {
        return Some(within(version, numbers(version).len()));
    }
    match operator.trim().trim_end_matches('v') {
        "" | "=" | "==" | "===" | "@" | "<=" => Some(version.to_owned()),
        "<" => below(version),
        "~=" => Some(within(version, numbers(version).len().saturating_sub(1))),
        "~" | "@~" => Some(within(version, 2)),
        "^" | "@^" => {
            let leading = numbers(version).iter().take_while(|n| **n == 0).count();
            Some(within(version, leading + 1))
        }
        _ => None,
    }
}

/// The highest of those that share so many parts with `version`.
fn within(version: &str, parts: usize) -> String {
    let kept: Vec<&str> = version.split('.').take(parts.max(1)).collect();
    format!("{}.{LAST}", kept.join("."))
}

/// Higher than any part of a version that is really used.
const LAST: u32 = 9999;

/// The highest version below one.
fn below(version: &str) -> Option<String> {
    let mut parts = numbers(version);
    while parts.last() == Some(&0) {
        parts.pop();
    }
    let last = parts.pop()?;
    parts.push(last - 1);
    parts.push(LAST);
    let parts: Vec<String> = parts.iter().map(u32::to_string).collect();
    Some(parts.join("."))
}

fn numbers(version: &str) -> Vec<u32> {
    let parts = version.split('.');
    parts.map(|part| part.parse().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_taken_apart() {
        let of = |text| {
            let (name, version) = split(text);
            format!("{name} {}", version.unwrap_or_default())
        };
        assert_eq!(of("openvino==2024.1"), "openvino 2024.1");
        assert_eq!(of("openvino[x]>=2"), "openvino ");
        assert_eq!(of("optimum[openvino]~=1.2.3"), "optimum 1.2.9999");
        assert_eq!(of("@playwright/test@1.2"), "@playwright/test 1.2");
        assert_eq!(of("playwright@latest"), "playwright ");
        assert_eq!(of("a @ https://b/c-1.0.tar.gz"), "a ");
        assert_eq!(
            of("./wheels/openvino-2024.6.0-cp312-cp312-linux_x86_64.whl"),
            "openvino 2024.6.0"
        );
    }

    #[test]
    fn the_highest_version() {
        let of = |text| written(text).unwrap_or_default();
        assert_eq!(of("==2024.1.*"), "2024.1.9999");
        assert_eq!(of("<2024"), "2023.9999");
        assert_eq!(of("<2024.4.0"), "2024.3.9999");
        assert_eq!(of("<=2024.3"), "2024.3");
        assert_eq!(of("~=2023.1"), "2023.9999");
        assert_eq!(of("^0.3.1"), "0.3.9999");
        assert_eq!(of("^1.40.0"), "1.9999");
        assert_eq!(of("~1.40.0"), "1.40.9999");
        assert_eq!(of("1.48.0"), "1.48.0");
        assert_eq!(of(">=1.2, <1.49, <2"), "1.48.9999");
        for open in ["", "*", "latest", ">=1", "!=2", ">0", "<0"] {
            assert_eq!(of(open), "", "{open}");
        }
    }
}
