//! Figures with their names, as text and back, and how two such tables differ.

use std::fmt::{self, Display, Formatter};

use super::system_calls::COLUMNS;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unit {
    /// Of one round.
    Instructions,
    /// Of one call.
    SystemCalls,
}

/// How far a rough figure may be off. On a machine that does nothing else a call of
/// `#[tokio::main]` takes 2.0 futexes, on a busy one 3.0.
const ROUGHLY: f64 = 1.5;

impl Unit {
    pub(crate) fn columns(self) -> Vec<&'static str> {
        match self {
            Self::Instructions => vec!["instructions"],
            Self::SystemCalls => COLUMNS.map(|(name, _)| name).to_vec(),
        }
    }

    /// Whether this is more than chance. Instructions have none: the margin is
    /// for another compiler, and for a change that is worth a little.
    fn is_more(self, accepted: Figure, now: Figure) -> bool {
        match self {
            Self::Instructions => now.value > accepted.value * 1.05,
            Self::SystemCalls if now.is_rough => now.value > accepted.value + ROUGHLY,
            Self::SystemCalls => now.value > accepted.value + 0.1,
        }
    }

    /// Whether this is so much less that it can be lost again unnoticed. That is
    /// an error: what only warns is not read by anybody.
    fn is_less(self, accepted: Figure, now: Figure) -> bool {
        match self {
            Self::Instructions => now.value < accepted.value * 0.95,
            Self::SystemCalls if now.is_rough => now.value < accepted.value - ROUGHLY,
            Self::SystemCalls => now.value < accepted.value - 0.5,
        }
    }

    fn show(self, Figure { value, is_rough }: Figure) -> String {
        match self {
            Self::Instructions => with_commas(value),
            Self::SystemCalls if is_rough => format!("~{value:.1}"),
            Self::SystemCalls => format!("{value:.2}"),
        }
    }

    fn show_change(self, accepted: Figure, now: Figure) -> String {
        match self {
            Self::Instructions => format!("{:+.1} %", (now.value / accepted.value - 1.0) * 100.0),
            Self::SystemCalls => format!("{:+.2}", now.value - accepted.value),
        }
    }
}

/// What was counted, or is accepted.
#[derive(Debug, PartialEq)]
pub(crate) struct Table {
    pub(crate) unit: Unit,
    pub(crate) rows: Vec<Row>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// One for each column; none where it is a matter of chance.
    pub(crate) figures: Vec<Option<Figure>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    /// It changes a little from run to run.
    pub(crate) is_rough: bool,
}

impl Figure {
    pub(crate) fn exact(value: f64) -> Self {
        Self { value, is_rough: false }
    }

    pub(crate) fn rough(value: f64) -> Self {
        Self { value: (value * 2.0).round() / 2.0, is_rough: true }
    }

    fn parse(text: &str) -> Option<Self> {
        match text.strip_prefix('~') {
            Some(number) => number.parse().ok().map(Self::rough),
            None => text.replace(',', "").parse().ok().map(Self::exact),
        }
    }
}

impl Table {
    /// The rows of the table in a text, whatever stands around them.
    pub(crate) fn parse(unit: Unit, text: &str) -> Self {
        let figure = |cell: &str| match cell {
            "–" => Some(None),
            number => Figure::parse(number).map(Some),
        };
        let row = |line: &str| {
            let cells = line.strip_prefix("| ")?.strip_suffix(" |")?;
            let (name, figures) = cells.split_once(" | ")?;
            let figures = figures.split(" | ").map(figure).collect::<Option<_>>()?;
            Some(Row { name: name.to_owned(), figures })
        };
        Self { unit, rows: text.lines().filter_map(row).collect() }
    }

    /// A line for each figure: what was accepted, what it is now, the change.
    pub(crate) fn beside(&self, accepted: &Self) -> String {
        let mut lines = format!("{:<56}{:>10}{:>10}\n", "", "accepted", "now");
        for (name, now) in self.figures() {
            let old = accepted.figure(&name);
            let shown = old.map_or("–".to_owned(), |old| self.unit.show(old));
            let change = old.map_or(String::new(), |old| self.unit.show_change(old, now));
            lines += &format!("{name:<56}{shown:>10}{:>10}{change:>10}\n", self.unit.show(now));
        }
        lines
    }

    /// What a person has to look at.
    pub(crate) fn differences(&self, accepted: &Self) -> Vec<String> {
        let unit = self.unit;
        let mut found = Vec::new();
        for (name, now) in self.figures() {
            let Some(old) = accepted.figure(&name) else {
                found.push(format!("{name}: not accepted yet"));
                continue;
            };
            let is = match (unit.is_more(old, now), unit.is_less(old, now)) {
                (true, _) => "MORE",
                (_, true) => "fewer, which is to be kept",
                _ => continue,
            };
            let [old_shown, now_shown] = [old, now].map(|figure| unit.show(figure));
            let change = unit.show_change(old, now);
            found.push(format!("{name}: {is}: {now_shown} instead of {old_shown}, {change}"));
        }
        let gone = accepted.figures().filter(|(name, _)| self.figure(name).is_none());
        found.extend(gone.map(|(name, _)| format!("{name}: accepted, but not counted any more")));
        found
    }

    /// All figures, with the names of row and column.
    fn figures(&self) -> impl Iterator<Item = (String, Figure)> {
        self.rows.iter().flat_map(|row| {
            let columns = self.unit.columns().into_iter().zip(&row.figures);
            columns.filter_map(|(column, figure)| {
                Some((format!("{}: {column}", row.name), (*figure)?))
            })
        })
    }

    fn figure(&self, name: &str) -> Option<Figure> {
        self.figures().find(|(known, _)| known == name).map(|(_, figure)| figure)
    }
}

/// In Markdown.
impl Display for Table {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let columns = self.unit.columns();
        writeln!(f, "| | {} |", columns.join(" | "))?;
        writeln!(f, "|---|{}", "--:|".repeat(columns.len()))?;
        for row in &self.rows {
            write!(f, "| {} |", row.name)?;
            for figure in &row.figures {
                let shown = figure.map_or("–".to_owned(), |figure| self.unit.show(figure));
                write!(f, " {shown} |")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

/// `1234567` as `1,234,567`.
fn with_commas(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut shown = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instructions(rows: &[(&str, f64)]) -> Table {
        let row = |(name, figure): &(&str, f64)| Row {
            name: (*name).to_owned(),
            figures: vec![Some(Figure::exact(*figure))],
        };
        Table { unit: Unit::Instructions, rows: rows.iter().map(row).collect() }
    }

    fn system_calls(figures: [Option<Figure>; 6]) -> Table {
        let row = Row { name: "client".to_owned(), figures: figures.to_vec() };
        Table { unit: Unit::SystemCalls, rows: vec![row] }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let table = instructions(&[("read", 999.0), ("write", 1_234_567.0)]);
        assert!(table.to_string().ends_with("| read | 999 |\n| write | 1,234,567 |\n"), "{table}");
        let text = format!("# Title\n\nSome words.\n\n{table}\nMore words.\n");
        assert_eq!(Table::parse(Unit::Instructions, &text), table);

        let table = system_calls([
            Some(Figure::exact(1.25)),
            Some(Figure::rough(2.5)),
            None,
            Some(Figure::exact(0.0)),
            Some(Figure::rough(0.0)),
            Some(Figure::exact(0.0)),
        ]);
        assert_eq!(Table::parse(Unit::SystemCalls, &table.to_string()), table);
    }

    #[test]
    fn five_percent_more_or_less_is_no_difference() {
        let accepted = instructions(&[("read", 1000.0)]);
        for same in [950.0, 1000.0, 1050.0] {
            assert_eq!(instructions(&[("read", same)]).differences(&accepted), [""; 0]);
        }
        assert_eq!(
            instructions(&[("read", 1051.0)]).differences(&accepted),
            ["read: instructions: MORE: 1,051 instead of 1,000, +5.1 %"]
        );
        assert_eq!(
            instructions(&[("read", 900.0)]).differences(&accepted),
            ["read: instructions: fewer, which is to be kept: 900 instead of 1,000, -10.0 %"]
        );
    }

    #[test]
    fn another_system_call_is_a_difference_and_a_chance_is_none() {
        let writes = |figure| system_calls([Some(figure), None, None, None, None, None]);
        let accepted = writes(Figure::exact(1.0));
        assert_eq!(writes(Figure::exact(1.09)).differences(&accepted), [""; 0]);
        assert_eq!(
            writes(Figure::exact(1.2)).differences(&accepted),
            ["client: writes: MORE: 1.20 instead of 1.00, +0.20"]
        );
        assert_eq!(accepted.differences(&writes(Figure::exact(2.0))).len(), 1);

        let accepted = writes(Figure::rough(2.0));
        for same in [1.0, 1.8, 3.1] {
            assert_eq!(writes(Figure::rough(same)).differences(&accepted), [""; 0]);
        }
        assert_eq!(
            writes(Figure::rough(4.1)).differences(&accepted),
            ["client: writes: MORE: ~4.0 instead of ~2.0, +2.00"]
        );
    }

    #[test]
    fn what_is_new_and_what_is_gone_is_a_difference() {
        let (old, new) = (instructions(&[("old", 1.0)]), instructions(&[("new", 1.0)]));
        assert_eq!(
            new.differences(&old),
            [
                "new: instructions: not accepted yet",
                "old: instructions: accepted, but not counted any more"
            ]
        );
    }
}
