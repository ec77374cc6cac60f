//! Tables with aligned columns, measured as a terminal shows them.

use unicode_width::UnicodeWidthStr;

/// Where a column's texts stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// A table that is built row by row and then written.
#[derive(Debug, Default)]
pub struct Table {
    heads: Vec<(String, Side)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Heads of columns with text.
    #[must_use]
    pub fn left(mut self, heads: &[&str]) -> Table {
        self.heads.extend(heads.iter().map(|head| (plain(head), Side::Left)));
        self
    }

    /// Heads of columns with numbers.
    #[must_use]
    pub fn right(mut self, heads: &[&str]) -> Table {
        self.heads.extend(heads.iter().map(|head| (plain(head), Side::Right)));
        self
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| plain(&cell)).collect());
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Heads, then rows, columns two apart.
    pub fn text(&self) -> String {
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| head.clone()).collect();
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells
                .chain(heads.get(column))
                .map(|cell| cell.width())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..heads.len()).map(width).collect();
        let mut out = String::new();
        for row in std::iter::once(&heads).chain(&self.rows) {
            let mut line = String::new();
            for ((cell, width), (_, side)) in row.iter().zip(&widths).zip(&self.heads) {
                let blank = " ".repeat(width - cell.width().min(*width));
                if !line.is_empty() {
                    line.push_str("  ");
                }
                match side {
                    Side::Left => line.extend([cell.as_str(), &blank]),
                    Side::Right => line.extend([blank.as_str(), cell]),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Names and values in two columns.
pub fn pairs<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let pairs: Vec<(&str, String)> = pairs.into_iter().collect();
    let width = pairs.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
    pairs
        .iter()
        .map(|(name, value)| format!("{name:width$}  {}\n", plain(value)))
        .collect()
}

/// Make a text from a database harmless for a terminal: control characters show as �.
pub fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_as_a_terminal_shows_them() {
        let mut table = Table::default().left(&["platform"]).right(&["requests"]);
        table.row(["東京".to_owned(), "12 345".to_owned()]);
        table.row(["openai".to_owned(), "9".to_owned()]);
        assert_eq!(
            table.text(),
            "platform  requests\n東京        12 345\nopenai           9\n"
        );
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let mut table = Table::default().left(&["platform"]);
        table.row(["\u{1b}[2Jgone\r\n\u{202e}".to_owned()]);
        assert_eq!(table.text(), "platform\n\u{fffd}[2Jgone\u{fffd}\u{fffd}\u{fffd}\n");
    }
}
