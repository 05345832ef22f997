//! The most important figures as a chart: SVG that reads well on light and dark pages.

use std::fmt::Write;

use crate::contenders::{BASELINE, CONTENDERS, Kind};
use crate::loads::Load::{self, *};
use crate::report::number;
use crate::results::Figure::{self, *};
use crate::results::Results;

/// What one panel shows.
struct Panel {
    title: &'static str,
    says: &'static str,
    load: Load,
    figure: Figure,
    more_is_better: bool,
}

const PANELS: &[Panel] = &[
    Panel {
        title: "One call, µs",
        says: "p50 on one core; shorter is better",
        load: OneCore,
        figure: P50,
        more_is_better: false,
    },
    Panel {
        title: "Calls a second",
        says: "64 in flight; longer is better",
        load: At64,
        figure: Rate,
        more_is_better: true,
    },
    Panel {
        title: "CPU for one call, µs",
        says: "all processes; shorter is better",
        load: At64,
        figure: Cpu,
        more_is_better: false,
    },
];

/// Who is shown; the others stand in the tables.
const SHOWN: &[&str] = &[
    "tcp",
    "async",
    "hyper",
    "axum",
    "coap",
    "iroh",
    "mqtt",
    "nats",
    "zenoh",
    "libp2p",
    "python",
    "easyhttp-python",
];

const NAMES: f64 = 160.0;
const PANEL: f64 = 240.0;
const BAR: f64 = 150.0;
const ROW: f64 = 24.0;
const TOP: f64 = 66.0;

/// A bar that would be longer than so many times the baseline's is cut.
const CUT: f64 = 7.0;

const STYLE: &str = "\
text { font: 13px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 14px; }
.says, .value { fill: #59636e; font-size: 12px; }
.ours { font-weight: 600; }
.bar { fill: #b6bfc9; }
.bar.ours { fill: #1a7f5a; }
.bar.yardstick { fill: #d8dee4; }
.cut { fill: none; stroke: #ffffff; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .says, .value { fill: #9198a1; }
  .bar { fill: #4d5661; }
  .bar.ours { fill: #2ea97c; }
  .bar.yardstick { fill: #30363d; }
  .cut { stroke: #0d1117; }
}
";

/// None if there is nothing to show.
pub(crate) fn render(results: &Results) -> Option<String> {
    let value = |name: &str, panel: &Panel| results.median(name, panel.load, panel.figure);
    let is_here = |name: &&&str| value(name, &PANELS[0]).is_some();
    let shown: Vec<_> = SHOWN.iter().filter(is_here).copied().collect();
    if !shown.contains(&BASELINE) {
        return None;
    }
    let width = NAMES + PANEL * PANELS.len() as f64;
    let height = TOP + ROW * shown.len() as f64 + 8.0;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>EasyHTTP beside others: one small FETCH and its answer between two processes\
         </title>\n<style>\n{STYLE}</style>\n"
    );
    for (row, name) in shown.iter().enumerate() {
        let (title, class) = label(name);
        let y = TOP + ROW * row as f64 + 16.0;
        let x = NAMES - 10.0;
        let _ = writeln!(
            svg,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{title}</text>"
        );
    }
    for (number, panel) in PANELS.iter().enumerate() {
        let left = NAMES + PANEL * number as f64;
        let rows: Vec<_> = shown.iter().map(|name| (label(name).1, value(name, panel))).collect();
        draw(&mut svg, panel, left, &rows, value(BASELINE, panel)?);
    }
    svg.push_str("</svg>\n");
    Some(svg)
}

fn label(name: &str) -> (&'static str, &'static str) {
    let row = CONTENDERS.iter().find(|row| row.name == name);
    let class = row.map_or("", |row| match row.kind {
        Kind::Ours => "ours",
        Kind::Yardstick => "yardstick",
        Kind::Client | Kind::Rival => "",
    });
    // Short enough for the margin.
    let title = match name {
        "async" => "EasyHTTP",
        "mqtt" => "MQTT 5",
        _ => row.map_or("", |row| row.title),
    };
    (title, class)
}

fn draw(svg: &mut String, panel: &Panel, left: f64, rows: &[(&str, Option<f64>)], baseline: f64) {
    let Panel { title, says, .. } = panel;
    let _ = writeln!(svg, "<text class=\"title\" x=\"{left}\" y=\"22\">{title}</text>");
    let _ = writeln!(svg, "<text class=\"says\" x=\"{left}\" y=\"42\">{says}</text>");
    let longest = rows.iter().filter_map(|(_, value)| *value).fold(0.0, f64::max);
    let full = if panel.more_is_better { longest } else { longest.min(baseline * CUT) };
    for (row, (class, value)) in rows.iter().enumerate() {
        let Some(value) = value else { continue };
        let y = TOP + ROW * row as f64 + 3.0;
        let width = (value / full).min(1.0) * BAR;
        let _ = writeln!(
            svg,
            "<rect class=\"bar {class}\" x=\"{left}\" y=\"{y:.1}\" width=\"{width:.1}\" \
             height=\"17\" rx=\"2\"/>"
        );
        if *value > full {
            let (x, bottom) = (left + BAR - 22.0, y + 18.0);
            let _ = writeln!(
                svg,
                "<path class=\"cut\" d=\"M{:.1} {bottom:.1}l6 -19M{:.1} {bottom:.1}l6 -19\"/>",
                x,
                x + 7.0
            );
        }
        let (x, y, value) = (left + width + 6.0, y + 13.0, number(*value));
        let _ =
            writeln!(svg, "<text class=\"value {class}\" x=\"{x:.1}\" y=\"{y:.1}\">{value}</text>");
    }
}
