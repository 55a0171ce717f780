//! One line per run, for spreadsheets and notebooks.

use std::io;

use crate::tune::{Outcome, Run};

/// Writes the runs.
///
/// # Errors
/// Where the output cannot be written.
pub(crate) fn write(outcome: &Outcome, out: &mut dyn io::Write) -> io::Result<()> {
    writeln!(
        out,
        "setting,preload,environment,round,wall_seconds,cpu_seconds,metric,memory_mean_bytes,memory_peak_bytes,memory_end_bytes,samples,requests,failures,requests_per_second,p50_seconds,p90_seconds,p99_seconds,max_seconds"
    )?;
    for tried in &outcome.tried {
        let candidate = &tried.candidate;
        let preload = candidate
            .library
            .as_ref()
            .map_or("", |library| library.path.as_str());
        let env: Vec<String> = candidate
            .env
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        for (round, run) in &tried.runs {
            writeln!(
                out,
                "{},{},{},{},{:.6},{:.2},{},{:.0},{:.0},{:.0},{},{}",
                field(&candidate.name),
                field(preload),
                field(&env.join(" ")),
                round + 1,
                run.wall.as_secs_f64(),
                run.cpu,
                run.metric
                    .map_or_else(String::new, |metric| metric.to_string()),
                run.mean(),
                run.peak(),
                run.end(),
                run.samples.len(),
                requests(run),
            )?;
        }
    }
    Ok(())
}

/// What the requests took: empty fields where none were made here.
fn requests(run: &Run) -> String {
    let Some(took) = &run.requests else {
        return ",".repeat(6);
    };
    let times =
        [took.p50, took.p90, took.p99, took.max].map(|time| format!("{:.6}", time.as_secs_f64()));
    format!(
        "{},{},{:.3},{}",
        took.requests,
        took.failures,
        took.per_second(),
        times.join(",")
    )
}

/// A field as RFC 4180 wants it.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes() {
        assert_eq!(
            field("narenas:1,tcache:false"),
            "\"narenas:1,tcache:false\""
        );
        assert_eq!(field("a\"b"), "\"a\"\"b\"");
        assert_eq!(field("glibc"), "glibc");
    }
}
