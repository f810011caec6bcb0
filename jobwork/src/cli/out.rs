use std::io::{self, Write};

use serde::Serialize;
use serde_json::Value;

/// Where results go: tables for people, or JSON.
pub(super) struct Out<'a> {
    json: bool,
    to: &'a mut dyn Write,
}

/// One thing of a list: as JSON, and as the cells of its row.
pub(super) struct Row<const N: usize> {
    pub(super) json: Value,
    pub(super) cells: [String; N],
}

impl<'a> Out<'a> {
    pub(super) fn new(json: bool, to: &'a mut dyn Write) -> Self {
        Self { json, to }
    }

    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// A line for people.
    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.to, "{}", printable(text))
    }

    /// A JSON document on a line of its own.
    pub(super) fn json(&mut self, value: &impl Serialize) -> io::Result<()> {
        serde_json::to_writer(&mut *self.to, value)?;
        writeln!(self.to)
    }

    /// A list: a table, or an object a line.
    pub(super) fn rows<const N: usize>(&mut self, head: [&str; N], rows: &[Row<N>]) -> io::Result<()> {
        if self.json {
            return rows.iter().try_for_each(|row| self.json(&row.json));
        }
        let cells = rows.iter().map(|row| row.cells.each_ref().map(|cell| printable(cell)));
        let lines: Vec<[String; N]> = std::iter::once(head.map(str::to_owned)).chain(cells).collect();
        let widths: [usize; N] =
            std::array::from_fn(|at| lines.iter().map(|cells| cells[at].chars().count()).max().unwrap_or(0));
        for cells in lines {
            let padded: Vec<String> = cells.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
            writeln!(self.to, "{}", padded.join("  ").trim_end())?;
        }
        Ok(())
    }

    /// What one thing is: a line per field.
    pub(super) fn fields(&mut self, fields: &[(&str, String)]) -> io::Result<()> {
        let width = fields.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
        fields.iter().try_for_each(|(key, value)| writeln!(self.to, "{key:<width$}  {}", printable(value)))
    }
}

/// The text without anything that a terminal would obey: names, tags and errors come from anywhere.
pub(super) fn printable(text: &str) -> String {
    let escape = |char: char| match char.is_control() && char != '\n' && char != '\t' {
        true => char.escape_default().to_string(),
        false => char.to_string(),
    };
    text.chars().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut text = Vec::new();
        let row = |a: &str, b: &str| Row { json: Value::Null, cells: [a.to_owned(), b.to_owned()] };
        Out::new(false, &mut text).rows(["id", "n"], &[row("größer", "1"), row("x", "\u{1b}[2J")]).unwrap();
        assert_eq!(String::from_utf8(text).unwrap(), "id      n\ngrößer  1\nx       \\u{1b}[2J\n");
    }
}
