//! A table as text and in Markdown.

/// Rows of cells under a heading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Table {
    /// What stands over it.
    pub(crate) title: String,
    /// The names of its columns; the first one's cells are names, the others' are numbers.
    pub(crate) head: Vec<String>,
    /// As many cells in each as there are names.
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(crate) fn new(title: &str, head: &[&str]) -> Self {
        Self { title: title.to_owned(), head: head.iter().map(ToString::to_string).collect(), rows: Vec::new() }
    }

    /// For a terminal: the first column to the left, the others to the right.
    pub(crate) fn text(&self) -> String {
        let widths: Vec<usize> = (0..self.head.len()).map(|column| self.width(column)).collect();
        let line = |cells: &[String]| {
            let cells = cells.iter().zip(&widths).enumerate();
            let cells = cells.map(|(column, (cell, width))| match column {
                0 => format!("{cell:<width$}"),
                _ => format!("{cell:>width$}"),
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
        };
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        format!("{}\n\n{}{rows}", self.title, line(&self.head))
    }

    /// For a document.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = format!("|---|{}\n", "---:|".repeat(self.head.len() - 1));
        let escaped = |row: &Vec<String>| row.iter().map(|cell| cell.replace('|', "\\|")).collect::<Vec<_>>();
        let rows: String = self.rows.iter().map(|row| line(&escaped(row))).collect();
        format!("### {}\n\n{}{rule}{rows}", self.title, line(&self.head))
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().chain([&self.head]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

/// A number with as many places as are worth reading: three digits, or all before the point, in groups of three.
pub(crate) fn figure(value: f64) -> String {
    let places = match value.abs() {
        0.0 => 0,
        size if size < 0.995 => 3,
        size if size < 9.95 => 2,
        size if size < 99.5 => 1,
        _ => 0,
    };
    let text = format!("{value:.places$}");
    let (whole, fraction) =
        text.split_once('.').map_or((&*text, String::new()), |(whole, rest)| (whole, format!(".{rest}")));
    grouped(whole) + &fraction
}

fn grouped(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !text.ends_with('-') {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("Fruit", &["name", "count"]);
        table.rows.push(vec!["apples".to_owned(), "7".to_owned()]);
        table.rows.push(vec!["µ|s".to_owned(), "12,345".to_owned()]);
        table
    }

    #[test]
    fn text_stands_in_columns() {
        assert_eq!(table().text(), "Fruit\n\nname     count\napples       7\nµ|s     12,345\n");
    }

    #[test]
    fn markdown_is_a_table() {
        let expected = "### Fruit\n\n| name | count |\n|---|---:|\n| apples | 7 |\n| µ\\|s | 12,345 |\n";
        assert_eq!(table().markdown(), expected);
    }

    #[test]
    fn figures_are_short() {
        let figures = [0.0, 0.0123, 0.74, 2.5, 12.34, 123.4, 1_234.5, 188_000.0, 1e7].map(figure);
        assert_eq!(figures, ["0", "0.012", "0.740", "2.50", "12.3", "123", "1,234", "188,000", "10,000,000"]);
    }
}
