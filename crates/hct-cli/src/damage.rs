//! What is damaged, as a table.

use hct_model::VerifyFailure;

use crate::table::{Align, Table, printable};

/// A row for everything that is damaged.
pub fn table(failures: &[VerifyFailure]) -> String {
    let columns = ["damaged", "name", "what is wrong"].map(|c| (c, Align::Left));
    let mut table = Table::new(&columns);
    for f in failures {
        let error = match f.pieces.len() {
            // The message names the first.
            0 | 1 => f.error.clone(),
            n => format!("{} ({n} pieces are damaged)", f.error),
        };
        table.row([f.kind.to_owned(), printable(&f.name), printable(&error)]);
    }
    table.render()
}
