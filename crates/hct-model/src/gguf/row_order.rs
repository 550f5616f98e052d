//! The order of the rows that rotary position embedding rotates together.
//!
//! In checkpoints of the Llama layout, row i of a head is rotated with row i + half a head; GGUF stores
//! such two rows side by side. Other layouts have the first order in GGUF as well.

/// Puts rows in the order of checkpoints; `rows` of `row_bytes` each, a whole number of heads of an even
/// number of rows.
pub(super) fn halves_from_pairs(rows: &[u8], row_bytes: usize, head_rows: usize) -> Vec<u8> {
    reordered(rows, row_bytes, head_rows, |row| {
        2 * (row % (head_rows / 2)) + row / (head_rows / 2)
    })
}

/// Puts rows in the order of GGUF.
pub(super) fn pairs_from_halves(rows: &[u8], row_bytes: usize, head_rows: usize) -> Vec<u8> {
    reordered(rows, row_bytes, head_rows, |row| {
        row / 2 + row % 2 * (head_rows / 2)
    })
}

/// Each head with row `from(i)` at place i.
fn reordered(
    rows: &[u8],
    row_bytes: usize,
    head_rows: usize,
    from: impl Fn(usize) -> usize,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len());
    for head in rows.chunks_exact(head_rows * row_bytes) {
        for row in 0..head_rows {
            out.extend_from_slice(&head[from(row) * row_bytes..][..row_bytes]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What llama.cpp's converter does: `reshape(heads, 2, rows / 2, columns).swapaxes(1, 2)`.
    fn swapped(rows: &[u8], heads: usize, head_rows: usize, columns: usize) -> Vec<u8> {
        let mut stored = vec![0; rows.len()];
        let half_rows = head_rows / 2;
        for head in 0..heads {
            for half in 0..2 {
                for pair in 0..half_rows {
                    for column in 0..columns {
                        let from = ((head * 2 + half) * half_rows + pair) * columns + column;
                        let to = ((head * half_rows + pair) * 2 + half) * columns + column;
                        stored[to] = rows[from];
                    }
                }
            }
        }
        stored
    }

    #[test]
    fn both_orders_are_those_of_the_converter() {
        let (heads, head_rows, columns) = (3, 8, 5);
        let rows: Vec<u8> = (0..(heads * head_rows * columns) as u8).collect();
        let stored = swapped(&rows, heads, head_rows, columns);
        assert_ne!(stored, rows);
        assert_eq!(pairs_from_halves(&rows, columns, head_rows), stored);
        assert_eq!(halves_from_pairs(&stored, columns, head_rows), rows);
    }
}
