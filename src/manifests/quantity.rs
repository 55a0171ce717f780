//! Amounts of CPU time and memory as manifests write them.

/// The suffixes of a Kubernetes quantity that enlarge (`apimachinery`, `resource/quantity.go`).
const KUBERNETES: [(&str, f64); 12] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("m", 1e-3),
    ("", 1.0),
];

/// The units of a Compose byte value (compose-spec/spec.md, "Specifying byte values"); `docker` counts
/// them by 1,024.
const COMPOSE: [(&str, f64); 8] = [
    ("kb", 1024.0),
    ("mb", 1_048_576.0),
    ("gb", 1_073_741_824.0),
    ("k", 1024.0),
    ("m", 1_048_576.0),
    ("g", 1_073_741_824.0),
    ("b", 1.0),
    ("", 1.0),
];

/// A Kubernetes quantity of cores, in thousandths of one: `500m`, `2`, `0.5`.
#[must_use]
pub(crate) fn cores(text: &str) -> Option<u64> {
    whole(number(text, &KUBERNETES)? * 1000.0)
}

/// A Kubernetes quantity of memory, in bytes: `512Mi`, `1G`, `1e9`.
#[must_use]
pub(crate) fn bytes(text: &str) -> Option<u64> {
    whole(number(text, &KUBERNETES)?)
}

/// A Compose byte value, in bytes: `512m`, `1gb`.
#[must_use]
pub(crate) fn compose_bytes(text: &str) -> Option<u64> {
    whole(number(&text.to_ascii_lowercase(), &COMPOSE)?)
}

fn number(text: &str, suffixes: &[(&str, f64)]) -> Option<f64> {
    let text = text.trim();
    let (digits, factor) = suffixes
        .iter()
        .find_map(|(suffix, factor)| Some((text.strip_suffix(suffix)?, *factor)))?;
    let plain = |b: u8| b.is_ascii_digit() || b".+-eE".contains(&b);
    if !digits.bytes().all(plain) {
        return None;
    }
    digits.parse::<f64>().ok().map(|number| number * factor)
}

/// The amount, rounded up as Kubernetes does; nothing is no limit.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the bounds are checked"
)]
fn whole(amount: f64) -> Option<u64> {
    (amount > 0.0 && amount < 9e15).then(|| amount.ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_their_readers_read_them() {
        assert_eq!(cores("500m"), Some(500));
        assert_eq!(cores("2"), Some(2000));
        assert_eq!(cores("0.25"), Some(250));
        assert_eq!(cores("1e3m"), Some(1000));
        assert_eq!(bytes("512Mi"), Some(512 << 20));
        assert_eq!(bytes("1G"), Some(1_000_000_000));
        assert_eq!(bytes("1e9"), Some(1_000_000_000));
        assert_eq!(compose_bytes("512M"), Some(512 << 20));
        assert_eq!(compose_bytes("1.5gb"), Some(3 << 29));
        for text in ["", "0", "-1", "much", "1Zi", "${CPU}", "inf", "nan", "1e99"] {
            assert_eq!(cores(text), None, "{text}");
        }
    }
}
