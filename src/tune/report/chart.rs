//! Memory over time in a terminal: an area of block characters, five lines high.

use std::io;

use crate::tune::Sample;

const HEIGHT: usize = 5;
const BLOCKS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The axes that several charts share, so that they can be compared by eye.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axes {
    /// Columns.
    pub(super) width: usize,
    /// Seconds.
    pub(super) seconds: f64,
    /// Bytes.
    pub(super) most: f64,
}

/// The highest memory in each column; `None` where nothing was measured any more.
fn columns(samples: &[Sample], axes: Axes) -> Vec<Option<f64>> {
    let first = samples
        .first()
        .map_or(0.0, |sample| sample.at.as_secs_f64());
    let mut columns: Vec<Option<f64>> = vec![None; axes.width];
    for sample in samples {
        let at = (sample.at.as_secs_f64() - first) / axes.seconds.max(1e-9) * axes.width as f64;
        let index = (at as usize).min(axes.width.saturating_sub(1));
        if let Some(column) = columns.get_mut(index) {
            *column = Some(column.unwrap_or(0.0).max(sample.memory as f64));
        }
    }
    // Between two looks memory is what it was.
    let last = columns.iter().rposition(Option::is_some).unwrap_or(0);
    let mut known = None;
    for column in columns.iter_mut().take(last + 1) {
        *column = column.or(known);
        known = *column;
    }
    columns
}

/// The lines of an area, the highest first.
fn lines(samples: &[Sample], axes: Axes) -> Vec<String> {
    let columns = columns(samples, axes);
    let steps = (BLOCKS.len() - 1) as f64;
    let draw = |row: usize, column: &Option<f64>| {
        let full = column.unwrap_or(0.0) / axes.most.max(1.0) * HEIGHT as f64 * steps;
        let below = (HEIGHT - 1 - row) as f64 * steps;
        let filled = (full - below).round().clamp(0.0, steps) as usize;
        BLOCKS.get(filled).copied().unwrap_or(' ')
    };
    (0..HEIGHT)
        .map(|row| columns.iter().map(|column| draw(row, column)).collect())
        .collect()
}

/// Writes one chart with its axis on the left.
pub(super) fn write(
    title: &str,
    samples: &[Sample],
    axes: Axes,
    out: &mut dyn io::Write,
) -> io::Result<()> {
    writeln!(out, "  {title}")?;
    let most = axes.most / super::MIB;
    let top = format!("{most:.*} MiB", usize::from(most < 10.0));
    for (row, line) in lines(samples, axes).iter().enumerate() {
        let label = match row {
            0 => top.as_str(),
            row if row + 1 == HEIGHT => "0",
            _ => "",
        };
        writeln!(out, "  {label:>10} ┤{}", line.trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn samples(values: &[u64]) -> Vec<Sample> {
        let one = |(at, memory): (usize, &u64)| Sample {
            at: Duration::from_secs(at as u64),
            memory: *memory,
            processes: 1,
            ticks: 0,
        };
        values.iter().enumerate().map(one).collect()
    }

    #[test]
    fn an_area_rises_and_ends_where_measuring_ended() {
        let axes = Axes {
            width: 8,
            seconds: 8.0,
            most: 100.0,
        };
        let drawn = lines(&samples(&[0, 20, 50, 100]), axes);
        assert_eq!(
            drawn,
            ["   █    ", "   █    ", "  ▄█    ", "  ██    ", " ███    "]
        );
    }

    #[test]
    fn gaps_are_filled_and_nothing_divides_by_zero() {
        let axes = Axes {
            width: 8,
            seconds: 2.0,
            most: 10.0,
        };
        assert_eq!(lines(&samples(&[10, 10, 10]), axes)[0], "████████");
        let axes = Axes {
            width: 3,
            seconds: 0.0,
            most: 0.0,
        };
        assert_eq!(lines(&samples(&[0]), axes).len(), HEIGHT);
        assert_eq!(lines(&[], axes)[0], "   ");
    }
}
