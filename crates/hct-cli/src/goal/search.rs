//! Finding how coarsely to code for a given loss.

use std::ops::RangeInclusive;

/// Encodings to try; three are usual.
const ATTEMPTS: usize = 8;
/// A loss of at least this share of the most that is allowed is near enough.
const NEAR: f64 = 0.9;
/// The share that is aimed at.
const AIM: f64 = 0.95;
/// Octaves apart that are worth another try.
const APART: f64 = 0.02;
/// Longest stride beyond what has been tried, in octaves.
const STRIDE: f64 = 3.0;

/// Where a coder can be set to: the logarithm to base 2 of an error, to which the loss is about
/// proportional.
pub struct Dial {
    /// What to try first.
    pub start: f64,
    /// The finest and the coarsest.
    pub limits: RangeInclusive<f64>,
}

/// The coarsest of what `attempt` gives whose loss is at most `most`, as far as a few attempts tell:
/// within a tenth as a rule. `attempt` codes at an error of 2 to the power of what it is given, and
/// says what is lost. None where the finest loses more.
pub fn search<T, E>(
    most: f64,
    dial: &Dial,
    attempt: &mut dyn FnMut(f64) -> Result<(f64, T), E>,
) -> Result<Option<T>, E> {
    let (finest, coarsest) = (*dial.limits.start(), *dial.limits.end());
    let aim = (most * AIM).log2();
    let mut octaves = dial.start.clamp(finest, coarsest);
    // Octaves and the logarithm of the loss, on either side.
    let mut fine: Option<(f64, f64, T)> = None;
    let mut coarse: Option<(f64, f64)> = None;
    for tried in 1.. {
        let (loss, made) = attempt(octaves)?;
        // No loss, or a ratio that chance brought below 1, is no number of octaves.
        let log = loss.max(most * 1e-3).log2();
        if loss <= most {
            if fine.as_ref().is_none_or(|(at, ..)| octaves > *at) {
                fine = Some((octaves, log, made));
            }
            if loss >= NEAR * most || octaves >= coarsest {
                break;
            }
        } else {
            if coarse.is_none_or(|(at, _)| octaves < at) {
                coarse = Some((octaves, log));
            }
            if octaves <= finest {
                break;
            }
        }
        // Where nothing has been good enough yet, that comes before the number of attempts.
        if tried >= ATTEMPTS && (fine.is_some() || tried >= 3 * ATTEMPTS) {
            break;
        }
        let next = match (&fine, coarse) {
            (Some((a, log_a, _)), Some((b, log_b))) => {
                if b - a < 2.0 * APART {
                    break;
                }
                let share = ((aim - log_a) / (log_b - log_a)).clamp(0.1, 0.9);
                a + share * (b - a)
            }
            _ => octaves + (aim - log).clamp(-STRIDE, STRIDE),
        };
        let next = next.clamp(finest, coarsest);
        if (next - octaves).abs() < APART && fine.is_some() {
            break;
        }
        octaves = next;
    }
    Ok(fine.map(|(.., made)| made))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    /// Searches where the loss is `loss` of octaves; gives what was found and the number of attempts.
    fn found(most: f64, loss: impl Fn(f64) -> f64) -> (Option<f64>, usize) {
        let dial = Dial {
            start: -20.0,
            limits: -40.0..=0.0,
        };
        let mut attempts = 0;
        let result = search(most, &dial, &mut |octaves| {
            attempts += 1;
            Ok::<_, Infallible>((loss(octaves), octaves))
        });
        let Ok(octaves) = result;
        (octaves, attempts)
    }

    #[test]
    fn proportional_losses_take_two_attempts() {
        for most in [0.1, 0.02, 0.001] {
            let loss = |octaves: f64| 0.05 * (octaves + 20.0).exp2();
            let (octaves, attempts) = found(most, loss);
            let lost = loss(octaves.unwrap());
            assert!(lost <= most && lost >= NEAR * most, "{most}: {lost}");
            assert!(attempts <= 3, "{most}: {attempts}");
        }
    }

    #[test]
    fn other_slopes_and_noise_are_coped_with() {
        for slope in [0.3, 0.8, 1.5, 2.0] {
            let loss = |octaves: f64| {
                let noise = 1.0 + 0.02 * (octaves * 1e3).sin();
                noise * 3e-3 * (slope * (octaves + 17.0)).exp2()
            };
            let (octaves, attempts) = found(0.02, loss);
            let lost = loss(octaves.unwrap());
            assert!((0.7 * 0.02..=0.02).contains(&lost), "{slope}: {lost}");
            assert!(attempts <= ATTEMPTS, "{slope}: {attempts}");
        }
    }

    #[test]
    fn what_costs_nothing_is_as_coarse_as_can_be_and_what_never_gets_there_is_nothing() {
        assert_eq!(found(0.1, |_| 0.0).0, Some(0.0));
        assert_eq!(found(0.1, |_| -0.01).0, Some(0.0));
        let (never, attempts) = found(0.1, |_| 1.0);
        assert_eq!(never, None);
        assert!(attempts <= 8, "{attempts}");
        // A step: the loss is 0 or too much.
        let (octaves, _) = found(0.1, |octaves| if octaves > -7.0 { 9.0 } else { 0.0 });
        assert!((-8.0..=-7.0).contains(&octaves.unwrap()));
    }
}
