//! Plain aligned tables.

pub use hct_model::printable;

/// Most characters of a cell that others may be padded to. Longer ones are shortened, but at the end of
/// a line, where nothing is padded.
const WIDEST: usize = 120;

/// Characters at the end of a shortened cell, which tell layers apart.
const KEPT_AT_END: usize = 50;

/// Which side a column's cells keep to.
#[derive(Clone, Copy)]
pub enum Align {
    Left,
    Right,
}

/// Rows of cells, as wide as their widest, within reason.
pub struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table whose columns have these headings.
    pub fn new(columns: &[(&str, Align)]) -> Table {
        Table {
            aligns: columns.iter().map(|c| c.1).collect(),
            rows: vec![columns.iter().map(|c| c.0.to_owned()).collect()],
        }
    }

    /// A table without headings.
    pub fn bare(aligns: &[Align]) -> Table {
        Table {
            aligns: aligns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut row: Vec<String> = cells.into_iter().collect();
        // A file of 20,000 tensors may have a name of 200 kB.
        if let [padded @ .., _] = &mut row[..] {
            padded.iter_mut().for_each(shorten);
        }
        self.rows.push(row);
    }

    /// The table as text, each line ended.
    pub fn render(&self) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.aligns.len()).map(width).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &width), align) in row.iter().zip(&widths).zip(&self.aligns) {
                let pad = " ".repeat(width - cell.chars().count());
                let (before, after) = match align {
                    Align::Left => ("", pad.as_str()),
                    Align::Right => (pad.as_str(), ""),
                };
                line += &format!("{before}{cell}{after}  ");
            }
            out += line.trim_end();
            out.push('\n');
        }
        out
    }
}

/// Leaves out the middle of a cell that is too wide.
fn shorten(cell: &mut String) {
    let count = cell.chars().count();
    if count <= WIDEST {
        return;
    }
    let at = |n: usize| cell.char_indices().nth(n).map_or(cell.len(), |(at, _)| at);
    let (head, tail) = (at(WIDEST - KEPT_AT_END - 1), at(count - KEPT_AT_END));
    *cell = format!("{}\u{2026}{}", &cell[..head], &cell[tail..]);
}

/// Lines whose characters are [`printable`] but for the ends of lines.
pub fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, line) in text.split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
        }
        out += &printable(line);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[("name", Align::Left), ("bytes", Align::Right)]);
        table.row(["ü".into(), "1234567".into()]);
        table.row(["weights".into(), "9".into()]);
        assert_eq!(
            table.render(),
            "name       bytes\nü        1234567\nweights        9\n"
        );
    }

    #[test]
    fn one_long_name_widens_no_column() {
        let mut table = Table::new(&[("name", Align::Left), ("note", Align::Left)]);
        table.row(["ü".repeat(200_000), "x".repeat(500)]);
        for _ in 0..20_000 {
            table.row(["layers.0".into(), "short".into()]);
        }
        let text = table.render();
        assert!(text.len() < 20_002 * 140 + 1000);
        let long = text.lines().nth(1).unwrap();
        assert_eq!(long.chars().take_while(|&c| c != '\u{2026}').count(), 69);
        assert!(long.ends_with(&"x".repeat(500)), "the last column is whole");
    }

    #[test]
    fn lines_are_kept_and_all_else_is_escaped() {
        assert_eq!(
            lines("a\u{1b}[2J\n\u{202e}b\n"),
            "a\\u{1b}[2J\n\\u{202e}b\n"
        );
    }
}
