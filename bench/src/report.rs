//! The figures as tables, in Markdown.

use std::fmt::{self, Display, Formatter, Write};

use crate::Result;
use crate::contenders::CONTENDERS;
use crate::load::Figures;
use crate::processes::Placement;

/// All turns with one load at one place.
pub(crate) struct Series {
    pub(crate) placement: Placement,
    pub(crate) in_flight: usize,
    /// For each turn the figures of all contenders, in their order.
    pub(crate) turns: Vec<Vec<Figures>>,
}

impl Series {
    fn median(&self, contender: usize, figure: fn(&Figures) -> f64) -> f64 {
        median(self.turns.iter().map(|turn| figure(&turn[contender])).collect())
    }

    /// How a figure relates to that of the first contender in the same turn.
    fn ratio(&self, contender: usize, figure: fn(&Figures) -> f64) -> f64 {
        let ratio = |turn: &Vec<Figures>| figure(&turn[contender]) / figure(&turn[0]);
        median(self.turns.iter().map(ratio).collect())
    }
}

impl Display for Series {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## {} in flight, {}\n", self.in_flight, self.placement)?;
        writeln!(
            f,
            "| | p50 µs | × | p99 µs | × | calls/s | × | CPU µs/call: client | server | × |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for (number, contender) in CONTENDERS.iter().enumerate() {
            write!(f, "| {} ", contender.name)?;
            let columns: [fn(&Figures) -> f64; 3] = [|f| f.p50, |f| f.p99, |f| f.calls_per_second];
            for figure in columns {
                let (median, ratio) = (self.median(number, figure), self.ratio(number, figure));
                write!(f, "| {median:.*} | {ratio:.2} ", usize::from(median < 100.0))?;
            }
            let (client, server) = (|f: &Figures| f.client_cpu, |f: &Figures| f.server_cpu);
            let both = self.ratio(number, |f| f.client_cpu + f.server_cpu);
            let (client, server) = (self.median(number, client), self.median(number, server));
            writeln!(f, "| {client:.1} | {server:.1} | {both:.2} |")?;
        }
        Ok(())
    }
}

/// A figure that shall not be exceeded.
pub(crate) struct Target {
    pub(crate) what: String,
    pub(crate) limit: f64,
    pub(crate) measured: f64,
}

impl Display for Target {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { what, limit, measured } = self;
        let verdict = if measured < limit { "met" } else { "**missed**" };
        writeln!(f, "| {what} | < {limit} | {measured:.2} | {verdict} |")
    }
}

/// The whole report. If the product could not be measured, it says so.
pub(crate) fn render(
    series: &[Series],
    product: Result<Vec<Target>>,
    repetitions: usize,
) -> String {
    let mut text = format!(
        "# One FETCH on loopback\n\n\
         Medians of {repetitions} turns. × is the median of the ratios to {} within a turn: \
         absolute figures vary from run to run, ratios less so. Connections are kept.\n",
        CONTENDERS[0].name
    );
    let mut targets = Vec::new();
    for series in series {
        let _ = write!(text, "{series}");
        if series.in_flight == 1 {
            targets.push(Target {
                what: format!("p50 of the {}, ×, {}", CONTENDERS[1].name, series.placement),
                limit: 1.5,
                measured: series.ratio(1, |figures| figures.p50),
            });
        }
    }
    let skipped = match product {
        Ok(product) => {
            targets.extend(product);
            String::new()
        }
        Err(error) => format!("\nThe program `easyhttp` was not measured: {error}.\n"),
    };
    text.push_str("\n## Targets\n\n| | target | measured | |\n|---|--:|--:|---|\n");
    text.extend(targets.iter().map(Target::to_string));
    text + &skipped
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
