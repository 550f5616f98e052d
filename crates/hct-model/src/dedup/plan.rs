//! Which checkpoints to store alone, and on which of them the others.

/// For each checkpoint the one to store it on, or none, so that all together take little. Bases
/// are stored alone, so that nothing takes more than one of them to read. They are picked one by
/// one, each time the one that saves most.
///
/// `alone` are the bytes of checkpoints by themselves, `on` gives those of one on another.
pub(super) fn plan(alone: &[f64], on: impl Fn(usize, usize) -> f64) -> Vec<Option<usize>> {
    let n = alone.len();
    let best = |i: usize, bases: &[usize]| {
        let candidates = bases.iter().map(|&b| (on(i, b), b));
        let best = candidates.min_by(|a, b| a.0.total_cmp(&b.0));
        best.filter(|&(bytes, _)| bytes < alone[i])
    };
    let total = |bases: &[usize]| -> f64 {
        let bytes = |i: usize| match bases.contains(&i) {
            true => alone[i],
            false => best(i, bases).map_or(alone[i], |(bytes, _)| bytes),
        };
        (0..n).map(bytes).sum()
    };
    let mut bases: Vec<usize> = Vec::new();
    let mut least = total(&bases);
    loop {
        let more = (0..n).filter(|i| !bases.contains(i)).map(|i| {
            let with = [&bases[..], &[i]].concat();
            (total(&with), i)
        });
        match more.min_by(|a, b| a.0.total_cmp(&b.0)) {
            Some((bytes, i)) if bytes < least => {
                least = bytes;
                bases.push(i);
            }
            _ => break,
        }
    }
    (0..n)
        .map(|i| match bases.contains(&i) {
            true => None,
            false => best(i, &bases).map(|(_, base)| base),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_base_serves_its_family_and_strangers_stay_alone() {
        // 0, 1 and 2 are of a family, 1 nearest to the others; 3 is a stranger.
        let on = [
            [0.0, 20.0, 50.0, 100.0],
            [20.0, 0.0, 20.0, 100.0],
            [50.0, 20.0, 0.0, 100.0],
            [100.0; 4],
        ];
        let found = plan(&[100.0; 4], |i, b| on[i][b]);
        assert_eq!(found, [Some(1), None, Some(1), None]);
    }

    #[test]
    fn two_families_have_a_base_each() {
        let near = |i: usize, b: usize| if i / 2 == b / 2 { 10.0 } else { 100.0 };
        let found = plan(&[100.0; 4], near);
        assert_eq!(found, [None, Some(0), None, Some(2)]);
        assert!(plan(&[], |_, _| 0.0).is_empty());
    }
}
