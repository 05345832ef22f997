//! What was measured: a list of samples, and the medians over it.

use std::collections::BTreeMap;

use easyhttp_bench::Figures;
use serde::{Deserialize, Serialize};

use crate::loads::Load;

/// What a number says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) enum Figure {
    /// Microseconds.
    P50,
    /// Microseconds.
    P99,
    /// Microseconds.
    P999,
    /// Calls a second.
    Rate,
    /// Microseconds of processor time for one call: client, server, broker, all of them.
    ClientCpu,
    ServerCpu,
    BrokerCpu,
    Cpu,
    /// MB resident: the server's, the client's, the broker's.
    Server,
    Client,
    Broker,
    /// System calls for one call.
    ClientSyscalls,
    ServerSyscalls,
    ClientWrites,
    ServerWrites,
    ClientFutexes,
    ServerFutexes,
    /// Wake-ups a second.
    WakeUps,
    /// Percent of a core.
    CorePercent,
    /// MB of the stripped program.
    Size,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Sample {
    contender: String,
    load: Load,
    figure: Figure,
    repetition: usize,
    value: f64,
}

/// All that a run has measured.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(crate) struct Results {
    /// Whether all contenders were measured as long as they shall be.
    pub(crate) is_whole: bool,
    pub(crate) repetitions: usize,
    pub(crate) seconds: u64,
    pub(crate) machine: String,
    /// Why contenders were left out, by their names.
    pub(crate) left_out: BTreeMap<String, String>,
    samples: Vec<Sample>,
}

impl Results {
    pub(crate) fn new(
        repetitions: usize,
        machine: String,
        left_out: BTreeMap<String, String>,
    ) -> Self {
        Self { repetitions, machine, left_out, ..Self::default() }
    }

    pub(crate) fn add(
        &mut self,
        repetition: usize,
        contender: &str,
        load: Load,
        figure: Figure,
        value: f64,
    ) {
        let contender = contender.to_owned();
        self.samples.push(Sample { contender, load, figure, repetition, value });
    }

    /// Notes what a client saw.
    pub(crate) fn add_figures(
        &mut self,
        repetition: usize,
        contender: &str,
        load: Load,
        figures: &Figures,
    ) {
        let mut add = |figure, value| self.add(repetition, contender, load, figure, value);
        add(Figure::P50, figures.p50);
        add(Figure::P99, figures.p99);
        add(Figure::P999, figures.p999);
        add(Figure::Rate, figures.rate);
        add(Figure::Cpu, figures.cpu.iter().sum());
        let cpus = [Figure::ClientCpu, Figure::ServerCpu, Figure::BrokerCpu];
        let peaks = [Figure::Client, Figure::Server, Figure::Broker];
        cpus.into_iter().zip(&figures.cpu).for_each(|(figure, cpu)| add(figure, *cpu));
        // What is left after a million calls counts, elsewhere the most there ever was.
        let memory = if load == Load::Million { &figures.resident } else { &figures.peak };
        peaks.into_iter().zip(memory).for_each(|(figure, memory)| add(figure, *memory));
    }

    /// By repetition.
    fn values(&self, contender: &str, load: Load, figure: Figure) -> BTreeMap<usize, f64> {
        let is_asked = |sample: &&Sample| {
            sample.load == load && sample.figure == figure && sample.contender == contender
        };
        let samples = self.samples.iter().filter(is_asked);
        samples.map(|sample| (sample.repetition, sample.value)).collect()
    }

    /// Over all repetitions.
    pub(crate) fn median(&self, contender: &str, load: Load, figure: Figure) -> Option<f64> {
        median(self.values(contender, load, figure).into_values().collect())
    }

    /// How a figure relates to another contender's in the same repetition, over all of them.
    pub(crate) fn ratio(
        &self,
        (contender, other): (&str, &str),
        load: Load,
        figure: Figure,
    ) -> Option<f64> {
        let others = self.values(other, load, figure);
        let values = self.values(contender, load, figure);
        let both = |(repetition, value)| Some(value / others.get(&repetition)?);
        median(values.into_iter().filter_map(both).collect())
    }

    /// How much larger a figure is than another contender's, likewise.
    pub(crate) fn difference(
        &self,
        (contender, other): (&str, &str),
        load: Load,
        figure: Figure,
    ) -> Option<f64> {
        let others = self.values(other, load, figure);
        let values = self.values(contender, load, figure);
        let both = |(repetition, value)| Some(value - others.get(&repetition)?);
        median(values.into_iter().filter_map(both).collect())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_within_a_repetition() {
        let mut results = Results::default();
        // The machine gets slower; the second contender always takes twice as long.
        for (repetition, value) in [(1, 10.0), (2, 20.0), (3, 400.0)] {
            results.add(repetition, "one", Load::OneCore, Figure::P50, value);
            results.add(repetition, "two", Load::OneCore, Figure::P50, value * 2.0);
        }
        // One that was measured only once is compared where it was.
        results.add(3, "three", Load::OneCore, Figure::P50, 100.0);
        let ratio = |names| results.ratio(names, Load::OneCore, Figure::P50);
        assert_eq!(ratio(("two", "one")), Some(2.0));
        assert_eq!(ratio(("three", "one")), Some(0.25));
        assert_eq!(ratio(("four", "one")), None);
    }
}
