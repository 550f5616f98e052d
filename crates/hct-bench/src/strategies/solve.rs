//! Finding the setting at which a measured value just reaches what is asked for.

use anyhow::{Context, Result};

/// Whole encodings to try; two or three are usual.
const ATTEMPTS: usize = 7;

/// Looks by secants for an `x` at which `attempt` measures a little below 0, but no lower than
/// −`tolerance`, and returns what it made there, or of what was below 0 the nearest. `slope` is
/// about how fast the value grows with `x`.
pub fn just_below_zero<T>(
    start: f64,
    slope: f64,
    tolerance: f64,
    mut attempt: impl FnMut(f64) -> Result<(f64, T)>,
) -> Result<T> {
    let mut x = start;
    let mut before: Option<(f64, f64)> = None;
    let mut best: Option<(f64, T)> = None;
    for _ in 0..ATTEMPTS {
        let (y, made) = attempt(x)?;
        if y <= 0.0 && best.as_ref().is_none_or(|(highest, _)| y > *highest) {
            best = Some((y, made));
        }
        if (-tolerance..=0.0).contains(&y) {
            break;
        }
        let measured = before.map(|(x0, y0)| (y - y0) / (x - x0));
        // What is measured may be noise where the two are close.
        let sound = |s: &f64| (0.5..=2.0).contains(&(s / slope));
        let slope = measured.filter(sound).unwrap_or(slope);
        before = Some((x, y));
        x -= (y + 0.5 * tolerance) / slope;
    }
    let (_, made) = best.context("no setting reaches what was asked for")?;
    Ok(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bent_line_is_met_from_below() {
        let mut attempts = 0;
        let found = just_below_zero(0.0, 1.0, 0.01, |x| {
            attempts += 1;
            Ok((1.3 * x + 0.1 * x * x - 2.0, x))
        });
        let x = found.unwrap();
        let y = 1.3 * x + 0.1 * x * x - 2.0;
        assert!((-0.01..=0.0).contains(&y), "{y}");
        assert!(attempts <= 4, "{attempts}");
    }

    #[test]
    fn what_cannot_be_reached_is_an_error() {
        assert!(just_below_zero(0.0, 1.0, 0.01, |_| Ok((1.0, ()))).is_err());
    }
}
