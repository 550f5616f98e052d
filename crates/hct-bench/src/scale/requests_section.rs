//! What is transferred of a file at a URL.

use super::report::Requests;
use crate::text::cells::{percent_fine, thousands};
use crate::text::table::table;

/// The section, from what was measured.
pub fn render(requests: &Requests) -> String {
    let cells = requests.rows.iter().map(|row| {
        let beyond = row.sent.saturating_sub(row.needed);
        vec![
            row.what.clone(),
            row.requests.to_string(),
            thousands(row.needed),
            thousands(row.sent),
            thousands(beyond),
            percent_fine(beyond as f64 / requests.file_bytes as f64),
        ]
    });
    let head = [
        "what",
        "requests",
        "bytes needed",
        "bytes sent",
        "beyond",
        "of the file",
    ];
    format!(
        "## Requests\n\n`cargo xtask scale --requests GIB`: a file of {} bytes (`--strategy lossless`), {} tensors and an index of {} \
         bytes, on a web server on loopback that counts. Needed is what decoding reads of the same file on the disk once it is open: \
         tiles, tables and whatever else those rows take. Opening takes one request, for the last 64 KiB, and another for an \
         index that is longer; a request has 4 MiB at most.\n\n{}",
        thousands(requests.file_bytes),
        thousands(requests.tensors),
        thousands(requests.index_bytes),
        table("lrrrrr", &head, &cells.collect::<Vec<_>>())
    )
}
