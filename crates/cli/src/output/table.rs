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

    /// Take away columns from the right until the table is no wider than a terminal, but keep the first `least`.
    /// Gives how many were taken.
    pub fn narrow(&mut self, room: usize, least: usize) -> usize {
        let widths = self.widths();
        let fits = |columns: &usize| widths[..*columns].iter().sum::<usize>() + 2 * (columns - 1) <= room;
        let kept = (least.max(1)..=widths.len())
            .rev()
            .find(fits)
            .unwrap_or(least.min(widths.len()));
        self.heads.truncate(kept);
        widths.len() - kept
    }

    fn widths(&self) -> Vec<usize> {
        let width = |column: usize| {
            let head = self.heads.get(column).map(|(head, _)| head);
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.chain(head).map(|cell| cell.width()).max().unwrap_or(0)
        };
        (0..self.heads.len()).map(width).collect()
    }

    /// Heads, then rows, columns two apart.
    pub fn text(&self) -> String {
        let heads: Vec<String> = self.heads.iter().map(|(head, _)| head.clone()).collect();
        let widths = self.widths();
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
    fn a_narrow_terminal_gets_fewer_columns() {
        let mut table = Table::default().left(&["bucket"]).right(&["requests", "errors", "p99"]);
        table.row(["10:00", "1 234", "5", "310 ms"].map(str::to_owned));
        assert_eq!(table.narrow(24, 2), 1);
        assert_eq!(table.text(), "bucket  requests  errors\n10:00      1 234       5\n");
        assert_eq!(table.narrow(3, 2), 1);
        assert_eq!(table.narrow(80, 2), 0);
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        let mut table = Table::default().left(&["platform"]);
        table.row(["\u{1b}[2Jgone\r\n\u{202e}".to_owned()]);
        assert_eq!(table.text(), "platform\n\u{fffd}[2Jgone\u{fffd}\u{fffd}\u{fffd}\n");
    }
}
