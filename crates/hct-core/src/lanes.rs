//! As many numbers as a vector holds, or fewer at the end of a row: whole ones by name, since a copy of a
//! length that is not known is a call.

/// The first `N` of `values`, zeros where there are fewer.
#[inline(always)]
pub(crate) fn load<T: Copy + Default, const N: usize>(values: &[T]) -> [T; N] {
    match values.first_chunk() {
        Some(all) => *all,
        None => {
            let mut lanes = [T::default(); N];
            lanes[..values.len()].copy_from_slice(values);
            lanes
        }
    }
}

/// Writes as many of `lanes` as `out` has room for.
#[inline(always)]
pub(crate) fn store<T: Copy, const N: usize>(lanes: &[T; N], out: &mut [T]) {
    match out.first_chunk_mut() {
        Some(all) => *all = *lanes,
        None => out.copy_from_slice(&lanes[..out.len()]),
    }
}
