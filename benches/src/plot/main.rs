//! Draws the figures that depend on the number of entries, from the last run, into `docs/performance`.

#![allow(clippy::unwrap_used, reason = "a program that cannot draw panics")]

use std::fs;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::*;
use rmap_bench::figure::Summary;
use rmap_bench::store::{self, Run};

/// One picture: its file, its title, the unit, and the figures of its lines, each with its counterpart.
struct Picture {
    file: &'static str,
    title: &'static str,
    unit: &'static str,
    /// Position of the legend, away from the lines.
    legend: SeriesLabelPosition,
    figures: &'static [&'static str],
}

const PICTURES: [Picture; 5] = [
    Picture {
        file: "get",
        title: "One look-up, one thread",
        unit: "ns",
        legend: SeriesLabelPosition::UpperLeft,
        figures: &["get borrowed", "get cloned"],
    },
    Picture {
        file: "apply",
        title: "Notifications applied, one thread",
        unit: "million/s",
        legend: SeriesLabelPosition::LowerLeft,
        figures: &["notifications applied, decode included"],
    },
    Picture {
        file: "view",
        title: "One consistent view",
        unit: "us",
        legend: SeriesLabelPosition::UpperLeft,
        figures: &["consistent view"],
    },
    Picture {
        file: "join",
        title: "Joining a map",
        unit: "ms",
        legend: SeriesLabelPosition::UpperLeft,
        figures: &["join"],
    },
    Picture {
        file: "memory",
        title: "Memory per entry beyond key and value",
        unit: "bytes",
        legend: SeriesLabelPosition::UpperLeft,
        figures: &["rmap-core: per entry beyond key and value"],
    },
];

const COLOURS: [RGBColor; 4] =
    [RGBColor(31, 119, 180), RGBColor(127, 127, 127), RGBColor(214, 39, 40), RGBColor(188, 160, 120)];

/// A line: its name, and a summary for each size.
type Line = (String, Vec<(f64, Summary)>);

fn main() {
    let runs = store::read();
    if runs.is_empty() || runs.iter().any(Run::is_quick) {
        eprintln!("there is no full run in target/bench: `just bench` makes one");
        std::process::exit(1);
    }
    let folder = store::workspace().join("docs/performance");
    fs::create_dir_all(&folder).unwrap();
    for picture in &PICTURES {
        let lines: Vec<Line> = picture.figures.iter().flat_map(|name| lines(&runs, name)).collect();
        if lines.is_empty() {
            eprintln!("the run has no figures for {}.svg", picture.file);
        } else {
            draw(&folder.join(format!("{}.svg", picture.file)), picture, &lines);
        }
    }
}

/// The lines of a figure and its counterpart.
fn lines(runs: &[Run], name: &str) -> Vec<Line> {
    let mut figures: Vec<_> =
        runs.iter().flat_map(|run| &run.figures).filter(|figure| figure.name == name).collect();
    figures.sort_by_key(|figure| figure.entries);
    let point = |entries: Option<u64>, rounds: &[f64]| Some((entries? as f64, Summary::of(rounds)));
    let ours: Vec<_> = figures.iter().filter_map(|figure| point(figure.entries, &figure.rounds)).collect();
    let its: Vec<_> =
        figures.iter().filter_map(|figure| point(figure.entries, &figure.beside.as_ref()?.rounds)).collect();
    let beside = figures.iter().find_map(|figure| figure.beside.as_ref()).map(|beside| beside.name.clone());
    let lines = [(Some(format!("rmap: {name}")), ours), (beside, its)];
    lines
        .into_iter()
        .filter_map(|(name, points)| Some((name?, points)))
        .filter(|line| !line.1.is_empty())
        .collect()
}

/// The powers of ten around both numbers, so that the axis has labels at its ends.
fn decades(least: f64, greatest: f64) -> Range<f64> {
    10_f64.powf(least.log10().floor())..10_f64.powf(greatest.log10().ceil())
}

/// Draws with logarithmic axes. A stroke at each point spans the smallest to the largest of its rounds.
fn draw(path: &Path, picture: &Picture, lines: &[Line]) {
    let summaries = || lines.iter().flat_map(|line| line.1.iter().map(|point| point.1));
    let least = summaries().map(|summary| summary.min).fold(f64::INFINITY, f64::min);
    let greatest = summaries().map(|summary| summary.max).fold(0.0, f64::max);
    let area = SVGBackend::new(path, (800, 480)).into_drawing_area();
    area.fill(&WHITE).unwrap();
    let mut chart = ChartBuilder::on(&area)
        .caption(picture.title, ("sans-serif", 22))
        .margin(16)
        .x_label_area_size(44)
        .y_label_area_size(76)
        .build_cartesian_2d((800.0..1_250_000.0).log_scale(), decades(least, greatest).log_scale())
        .unwrap();
    chart
        .configure_mesh()
        .label_style(("sans-serif", 16))
        .x_desc("entries")
        .y_desc(picture.unit)
        .x_label_formatter(&|entries| rmap_bench::figure::number(*entries))
        .y_label_formatter(&|value| rmap_bench::figure::number(*value))
        .light_line_style(WHITE)
        .draw()
        .unwrap();
    for (line, colour) in lines.iter().zip(COLOURS) {
        let (name, points) = line;
        let medians = points.iter().map(|(entries, summary)| (*entries, summary.median));
        chart
            .draw_series(LineSeries::new(medians, colour.stroke_width(2)))
            .unwrap()
            .label(name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 20, y)], colour.stroke_width(2)));
        let strokes = points.iter().map(|(entries, summary)| {
            PathElement::new([(*entries, summary.min), (*entries, summary.max)], colour.stroke_width(1))
        });
        chart.draw_series(strokes).unwrap();
    }
    chart
        .configure_series_labels()
        .background_style(WHITE.mix(0.8))
        .border_style(BLACK.mix(0.3))
        .position(picture.legend.clone())
        .label_font(("sans-serif", 16))
        .draw()
        .unwrap();
    area.present().unwrap();
}
