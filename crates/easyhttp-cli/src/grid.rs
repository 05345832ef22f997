//! A table with as many columns as there is room for.

use crate::style::TITLE;
use crate::text::{Line, PLAIN, Part, columns_of, pad};

/// Between two columns.
const GAP: &str = "  ";

/// The columns of a table.
#[derive(Debug)]
pub(crate) struct Grid<const N: usize> {
    pub(crate) titles: [&'static str; N],
    /// The columns that a narrow terminal does without, the first one first.
    pub(crate) dispensable: &'static [usize],
    /// The column that takes what the others leave.
    pub(crate) flexible: Option<Flexible>,
}

/// A column whose texts may be cut.
#[derive(Debug)]
pub(crate) struct Flexible {
    pub(crate) column: usize,
    /// How much of it is worth more than another column.
    pub(crate) least: usize,
    /// How wide it gets when there is room.
    pub(crate) most: usize,
}

impl<const N: usize> Grid<N> {
    /// The line of titles, and one for each row.
    pub(crate) fn lines(&self, rows: &[[Part; N]], width: usize) -> Vec<Line> {
        let needed = |column: usize| {
            let cells = rows.iter().map(|row| columns_of(&row[column].1));
            cells.chain([self.titles[column].len()]).max().unwrap_or_default()
        };
        let is_flexible =
            |column: usize| self.flexible.as_ref().is_some_and(|it| it.column == column);
        let taken = |columns: &[usize]| -> usize {
            let others = columns.iter().filter(|column| !is_flexible(**column));
            others.map(|column| needed(*column) + GAP.len()).sum()
        };
        let least = self.flexible.as_ref().map_or(0, |it| it.least);
        let mut columns: Vec<_> = (0..N).collect();
        for column in self.dispensable {
            if taken(&columns) + least > width {
                columns.retain(|other| other != column);
            }
        }
        let left = width.saturating_sub(taken(&columns));
        let width_of = |column| match &self.flexible {
            Some(it) if it.column == column => left.min(it.most),
            _ => needed(column),
        };
        let line = |cells: &dyn Fn(usize) -> Part| -> Line {
            let padded = columns.iter().flat_map(|column| {
                let (style, text) = cells(*column);
                [(style, pad(&text, width_of(*column))), (PLAIN, GAP.to_owned())]
            });
            // Nothing follows the last one.
            padded.take(2 * columns.len() - 1).collect()
        };
        let title = line(&|column| (TITLE, self.titles[column].to_owned()));
        let rows = rows.iter().map(|row| line(&|column| row[column].clone()));
        std::iter::once(title).chain(rows).collect()
    }
}
