//! Markdown tables.

/// A Markdown table: `align` holds `l` or `r` for each column.
pub fn table(align: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let rule: Vec<&str> = align
        .chars()
        .map(|c| if c == 'r' { "---:" } else { "---" })
        .collect();
    let mut out = line(head) + &line(&rule);
    for row in rows {
        out += &line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_rule() {
        let text = table("lr", &["x", "y"], &[vec!["a".into(), "1".into()]]);
        assert_eq!(text, "| x | y |\n| --- | ---: |\n| a | 1 |\n");
    }
}
