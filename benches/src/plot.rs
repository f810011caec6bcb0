//! The plots: rate against concurrency, latency against load, cost against size.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow};
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use crate::jobs::Beside;
use crate::measure::Kind;
use crate::run::{Summary, Taken};
use crate::table::figure;

/// A plot whose x axis is logarithmic.
#[derive(Clone, Debug, PartialEq)]
struct Plot {
    file: &'static str,
    title: &'static str,
    x: &'static str,
    y: &'static str,
    /// Whether the y axis is logarithmic too; else it begins at zero.
    log: bool,
    lines: Vec<Line>,
}

/// A name and its points, from left to right.
type Line = (&'static str, Vec<(f64, f64)>);

/// Draws those plots into a directory that there are points for.
pub(crate) fn draw(taken: &[Taken], folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't create {}", folder.display()))?;
    for plot in [rates(taken), waits(taken), costs(taken)] {
        // Of a single point there is nothing to see.
        if plot.lines.iter().any(|(_, points)| points.len() > 1) {
            let file = folder.join(plot.file);
            fs::write(&file, svg(&plot)?).with_context(|| format!("can't write {}", file.display()))?;
        }
    }
    Ok(())
}

fn rates(taken: &[Taken]) -> Plot {
    let drain = |taken: &Taken| match taken.row.kind {
        Kind::Drain { at_once } if taken.row.part == "drain" => Some(at_once as f64),
        _ => None,
    };
    let rate = |summary: &Summary| summary.rate.map(|rate| rate.median);
    let of = |kept: bool| {
        let kind = if kept { crate::jobs::Kind::Kept } else { crate::jobs::Kind::Dropped };
        points(taken, |taken| drain(taken).filter(|_| taken.row.load.kind == kind), rate)
    };
    Plot {
        file: "rate.svg",
        title: "Rate against concurrency",
        x: "jobs at a time",
        y: "jobs per second",
        log: false,
        lines: vec![("rows kept", of(true)), ("rows dropped", of(false))],
    }
}

fn waits(taken: &[Taken]) -> Plot {
    let percent = |taken: &Taken| taken.row.percent.map(|percent| percent as f64);
    let milliseconds = |spread: Option<crate::figure::Spread>| spread.map(|spread| spread.median / 1e3);
    Plot {
        file: "latency.svg",
        title: "Latency against load",
        x: "percent of the drain rate",
        y: "milliseconds from dispatch to start",
        log: true,
        lines: vec![
            ("p50", points(taken, percent, |summary| milliseconds(summary.p50))),
            ("p99", points(taken, percent, |summary| milliseconds(summary.p99))),
        ],
    }
}

fn costs(taken: &[Taken]) -> Plot {
    let cpu = |summary: &Summary| summary.cpu_per_job.map(|cost| cost.median);
    let elapsed = |summary: &Summary| summary.rate.map(|rate| 1e6 / rate.median);
    let size = |taken: &Taken| (taken.row.kind == Kind::PushAndDrain).then_some(taken.row.load.beside.finished as f64);
    let drain = |taken: &Taken, of: fn(&Beside) -> u64| {
        let beside = Some(of(&taken.row.load.beside)).filter(|beside| *beside > 0 && taken.row.part == "size")?;
        matches!(taken.row.kind, Kind::Drain { .. }).then_some(beside as f64)
    };
    let finished = points(taken, |taken| drain(taken, |beside| beside.finished), elapsed);
    let waiting = points(taken, |taken| drain(taken, |beside| beside.waiting), elapsed);
    let (x, lines) = match finished.is_empty() {
        true => {
            let lines =
                vec![("processor time", points(taken, size, cpu)), ("elapsed time", points(taken, size, elapsed))];
            ("finished jobs in the store", lines)
        }
        false => ("other jobs in the store", vec![("finished", finished), ("waiting", waiting)]),
    };
    Plot { file: "size.svg", title: "Cost against size", x, y: "microseconds per job", log: false, lines }
}

fn points(taken: &[Taken], x: impl Fn(&Taken) -> Option<f64>, y: impl Fn(&Summary) -> Option<f64>) -> Vec<(f64, f64)> {
    let mut points: Vec<_> = taken.iter().filter_map(|one| Some((x(one)?, y(&one.summary(taken))?))).collect();
    points.sort_by(|one, other| one.0.total_cmp(&other.0));
    points
}

fn svg(plot: &Plot) -> Result<String> {
    let all = || plot.lines.iter().flat_map(|(_, points)| points);
    let low = all().map(|point| point.1).fold(f64::MAX, f64::min);
    let high = all().map(|point| point.1).fold(f64::MIN_POSITIVE, f64::max);
    match plot.log {
        true => svg_on(plot, (low / 2.0..high * 2.0).log_scale()),
        false => svg_on::<std::ops::Range<f64>>(plot, 0.0..high * 1.4),
    }
}

fn svg_on<Y>(plot: &Plot, y: Y) -> Result<String>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let mut text = String::new();
    let canvas = SVGBackend::with_string(&mut text, (720, 440)).into_drawing_area();
    paint(plot, y, &canvas).map_err(|error| anyhow!("can't draw {}: {error}", plot.file))?;
    drop(canvas);
    Ok(text)
}

type Canvas<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn paint<Y>(plot: &Plot, y: Y, canvas: &Canvas<'_>) -> Result<(), Box<dyn std::error::Error>>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: ValueFormatter<f64>,
{
    let xs = || plot.lines.iter().flat_map(|(_, points)| points).map(|point| point.0);
    let (low, high) = (xs().fold(f64::MAX, f64::min), xs().fold(f64::MIN_POSITIVE, f64::max));
    canvas.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(canvas)
        .caption(plot.title, ("sans-serif", 20))
        .margin(12)
        .margin_right(48)
        .x_label_area_size(44)
        .y_label_area_size(72)
        .build_cartesian_2d((low..high * 1.05).log_scale(), y)?;
    let number = |value: &f64| tick(*value);
    let mut mesh = chart.configure_mesh();
    mesh.light_line_style(TRANSPARENT).bold_line_style(BLACK.mix(0.15));
    mesh.x_desc(plot.x).y_desc(plot.y).x_label_formatter(&number).y_label_formatter(&number).draw()?;
    for (index, (name, points)) in plot.lines.iter().enumerate() {
        let color = [RGBColor(0, 90, 181), RGBColor(220, 50, 32)][index % 2];
        let key = move |(x, y)| PathElement::new([(x, y), (x + 20, y)], color.stroke_width(2));
        chart
            .draw_series(LineSeries::new(points.clone(), color.stroke_width(2)).point_size(3))?
            .label(*name)
            .legend(key);
    }
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::UpperLeft).border_style(BLACK).background_style(WHITE).draw()?;
    canvas.present()?;
    Ok(())
}

/// A round number without the places that a measured one has.
fn tick(value: f64) -> String {
    let text = figure(value);
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_is_well_formed_and_has_its_lines_and_names() {
        for log in [true, false] {
            let lines = vec![("p50", vec![(1.0, 0.5), (10.0, 0.7)]), ("p99", vec![(1.0, 2.5), (10.0, 9.0)])];
            let plot = Plot { file: "a.svg", title: "A & B", x: "load", y: "ms", log, lines };
            let text = svg(&plot).unwrap();
            assert!(is_well_formed(&text), "{text}");
            // Two lines, and their samples in the legend.
            let is_line = |element: &&str| element.starts_with("polyline") && !element.contains("#000000");
            assert_eq!(
                text.split('<').filter(is_line).filter(|line| line.contains("width=\"2\"")).count(),
                4,
                "{text}"
            );
            for word in ["A &amp; B", "p50", "p99", "load"] {
                assert!(text.contains(word), "{word}: {text}");
            }
        }
    }

    #[test]
    fn ticks_are_round() {
        let ticks = [1.0, 0.5, 10.0, 2.5, 100.0, 50_000.0, 0.0].map(tick);
        assert_eq!(ticks, ["1", "0.5", "10", "2.5", "100", "50,000", "0"]);
    }

    /// Whether every element that is opened is closed, in the right order.
    fn is_well_formed(text: &str) -> bool {
        let mut open = Vec::new();
        for tag in text.split('<').skip(1).filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag) {
            let name = tag.trim_start_matches('/').split_whitespace().next().unwrap_or_default();
            if tag.starts_with('/') {
                if open.pop() != Some(name) {
                    return false;
                }
            } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
                open.push(name);
            }
        }
        open.is_empty() && text.contains("</svg>")
    }
}
