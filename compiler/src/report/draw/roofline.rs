//! The roofline (Williams, Waterman, Patterson 2009): a dot a layer that multiplies, its arithmetic intensity against
//! what it attains, below what the machine's multipliers and memory allow.
//!
//! Without a profile there is no machine: layers are then drawn by how much they compute, which says which of them a
//! roof of little bandwidth would weigh on.

use crate::numbers::short;
use crate::report::figure::{Drawing, Figure, hint, line, path, text};
use crate::report::markup::Element;
use crate::report::profile::{Bound, LayerTime, Limits, Profile};
use crate::report::scale::{Scale, tick};
use crate::report::schedule::Step;
use crate::report::subject::Subject;

use super::WIDTH;
use super::steps::{legend, unit, value_axis};

const HEIGHT: f64 = 400.0;
const SPAN: [f64; 2] = [58.0, WIDTH - 14.0];
const TOP: f64 = 34.0;
const BOTTOM: f64 = HEIGHT - 46.0;
/// Operations of a multiply-accumulate.
const OPERATIONS: f64 = 2.0;

/// A layer in the plot.
struct Dot {
    x: f64,
    y: f64,
    bound: Option<Bound>,
    winograd: bool,
    told: String,
}

/// Draws the layers of a network.
pub fn roofline(subject: &Subject) -> Figure {
    let (dots, title, description) = match &subject.profile {
        Some(profile) => {
            let dots: Vec<Dot> = profile.layers.iter().filter(|layer| layer.macs > 0).map(timed).collect();
            let description = describe_timed(&dots, profile);
            (dots, format!("Roofline of {}", subject.name), description)
        }
        None => {
            let dots: Vec<Dot> = subject.schedule.steps.iter().filter(|s| s.macs > 0).map(planned).collect();
            let description = describe_planned(&dots);
            (dots, format!("Intensity of the layers of {}", subject.name), description)
        }
    };
    let shapes = plot(&dots, subject.profile.as_ref());
    let drawing = Drawing { width: WIDTH, height: HEIGHT, shapes };
    Figure { name: "roofline".to_owned(), title, description, drawing }
}

fn describe_timed(dots: &[Dot], profile: &Profile) -> String {
    let memory = dots.iter().filter(|dot| dot.bound == Some(Bound::Memory)).count();
    let roofs: Vec<String> = roofs(profile).iter().map(|&(name, gmacs)| peak(name, gmacs)).collect();
    let winograd = if dots.iter().any(|dot| dot.winograd) {
        " Work is counted as the network has it: Winograd’s algorithm saves products, and may so lift a layer above \
         the roof; such layers are hollow."
    } else {
        ""
    };
    format!(
        "{} layers by operations a byte, across, and GFLOP/s attained, up, on logarithmic axes. Circles: {} layers \
         whose floor is computing; squares: {memory} whose floor is memory. The roof is what this machine was measured \
         to do: {}, {} GB/s.{winograd}",
        dots.len(),
        dots.len() - memory,
        roofs.join(", "),
        bandwidth(profile),
    )
}

fn describe_planned(dots: &[Dot]) -> String {
    format!(
        "{} layers by operations a byte, across, and their work in MFLOP, up, on logarithmic axes. The further left, \
         the more a layer asks of memory. With a profile, layers are held against a machine.",
        dots.len(),
    )
}

/// `207 GFLOP/s of f32`
fn peak(name: &str, gmacs: f64) -> String {
    format!("{} GFLOP/s of {name}", tick((OPERATIONS * gmacs).round()))
}

/// To a tenth of a GB/s.
fn bandwidth(profile: &Profile) -> String {
    tick((10.0 * profile.limits.gbytes).round() / 10.0)
}

fn intensity(macs: u64, bytes: u64) -> f64 {
    OPERATIONS * macs as f64 / bytes.max(1) as f64
}

fn timed(layer: &LayerTime) -> Dot {
    // A step shorter than a profile's last digit has no rate.
    let gflops = if layer.ms > 0.0 { OPERATIONS * layer.macs as f64 / (layer.ms * 1e6) } else { 0.0 };
    let x = intensity(layer.macs, layer.bytes);
    let told = format!(
        "{}: {:.1} FLOP/B, {:.1} GFLOP/s, {}, bound by {}",
        layer.name,
        x,
        gflops,
        layer.kernel,
        layer.bound.name()
    );
    Dot { x, y: gflops, bound: Some(layer.bound), winograd: is_winograd(&layer.kernel), told }
}

/// Whether a kernel makes fewer products than the network has.
fn is_winograd(kernel: &str) -> bool {
    kernel.starts_with("winograd")
}

fn planned(step: &Step) -> Dot {
    let x = intensity(step.macs, step.bytes);
    let told = format!("{}: {:.1} FLOP/B, {} MACs, {}", step.name, x, short(step.macs), step.kernel);
    Dot { x, y: OPERATIONS * step.macs as f64 / 1e6, bound: None, winograd: is_winograd(&step.kernel), told }
}

/// What the machine multiplies at most of what the network has, in GMAC/s.
fn roofs(profile: &Profile) -> Vec<(&'static str, f64)> {
    let Limits { gmacs, bf16_gmacs, int8_gmacs, .. } = profile.limits;
    // Singles in parts are multiplied as halves, three or six products each.
    let all = [
        ("f32", gmacs),
        ("bf16", bf16_gmacs),
        ("f32-fast", bf16_gmacs / 3.0),
        ("f32-fast3", bf16_gmacs / 6.0),
        ("int8", int8_gmacs),
    ];
    // `int8`, or `int8 (20 layers), f32 (1 layer)`.
    let is_used = |name: &str| profile.precision.split(", ").any(|part| part.split(' ').next() == Some(name));
    let mut roofs: Vec<(&str, f64)> =
        all.into_iter().filter(|(name, gmacs)| is_used(name) && *gmacs > 0.0).collect();
    if roofs.is_empty() {
        roofs.push(("f32", gmacs));
    }
    roofs
}

fn plot(dots: &[Dot], profile: Option<&Profile>) -> Vec<Element> {
    let roofs = profile.map(roofs).unwrap_or_default();
    let peaks = roofs.iter().map(|(_, gmacs)| OPERATIONS * gmacs);
    let ridges = profile.into_iter().flat_map(|p| peaks.clone().map(|peak| peak / p.limits.gbytes));
    let x = Scale::logarithmic(dots.iter().map(|dot| dot.x).chain(ridges), SPAN);
    let y = Scale::logarithmic(dots.iter().map(|dot| dot.y).chain(peaks), [BOTTOM, TOP]);
    let mut shapes = vec![unit(if profile.is_some() { "GFLOP/s" } else { "MFLOP" }, 16.0)];
    shapes.extend(value_axis(&y, SPAN));
    for value in x.ticks() {
        shapes.push(line("rule", [x.at(value), TOP], [x.at(value), BOTTOM]));
        shapes.push(text("small", [x.at(value), BOTTOM + 17.0], "middle", tick(value)));
    }
    let below = "operations a byte (FLOP/B)";
    shapes.push(text("small", [(SPAN[0] + SPAN[1]) / 2.0, HEIGHT - 8.0], "middle", below));
    if let Some(profile) = profile {
        for &(name, gmacs) in &roofs {
            shapes.push(roof(OPERATIONS * gmacs, profile.limits.gbytes, [&x, &y]));
            let label = format!("{}, {} GB/s", peak(name, gmacs), bandwidth(profile));
            shapes.push(text("label", [SPAN[1] - 4.0, y.at(OPERATIONS * gmacs) - 7.0], "end", label));
        }
        shapes.extend(legend(keys(dots), SPAN[1]));
    }
    shapes.extend(dots.iter().map(|dot| mark(dot, [x.at(dot.x), y.at(dot.y)])));
    shapes
}

/// Up with the bandwidth, then level at the peak.
fn roof(peak: f64, gbytes: f64, [x, y]: [&Scale; 2]) -> Element {
    let ([left, right], bottom) = (x.values(), y.values()[0]);
    let begin = (bottom / gbytes).max(left).min(right);
    let ridge = (peak / gbytes).clamp(begin, right);
    let points = [(begin, begin * gbytes), (ridge, (ridge * gbytes).min(peak)), (right, peak)];
    let points: Vec<String> =
        points.iter().map(|&(px, py)| format!("{:.1} {:.1}", x.at(px), y.at(py))).collect();
    path("roof", &format!("M{}", points.join("L")))
}

/// The marks that are in the plot, and what they stand for.
fn keys(dots: &[Dot]) -> Vec<(Element, String)> {
    const MARKS: [(Bound, bool, &str); 3] = [
        (Bound::Compute, false, "bound by computing"),
        (Bound::Compute, true, "by Winograd’s algorithm"),
        (Bound::Memory, false, "bound by memory"),
    ];
    let there = MARKS.into_iter().filter(|(bound, winograd, _)| {
        dots.iter().any(|dot| (dot.bound, dot.winograd) == (Some(*bound), *winograd))
    });
    there
        .map(|(bound, winograd, said)| {
            let dot = Dot { x: 0.0, y: 0.0, bound: Some(bound), winograd, told: String::new() };
            (shape(&dot, [0.0, 0.0]).class(&format!("key {}", class(&dot))), said.to_owned())
        })
        .collect()
}

/// The class of a dot, or of its key.
fn class(dot: &Dot) -> &'static str {
    match (dot.bound, dot.winograd) {
        (Some(Bound::Memory), true) => "memory hollow",
        (Some(Bound::Memory), false) => "memory",
        (Some(Bound::Compute) | None, true) => "compute hollow",
        (Some(Bound::Compute) | None, false) => "compute",
    }
}

fn mark(dot: &Dot, at: [f64; 2]) -> Element {
    hint(shape(dot, at).class(&format!("dot {}", class(dot))), &dot.told)
}

/// A circle, or a square for what memory bounds.
fn shape(dot: &Dot, [x, y]: [f64; 2]) -> Element {
    match dot.bound {
        Some(Bound::Memory) => {
            let square = Element::new("rect").length("x", x - 4.0).length("y", y - 4.0);
            square.length("width", 8.0).length("height", 8.0)
        }
        Some(Bound::Compute) | None => {
            Element::new("circle").length("cx", x).length("cy", y).length("r", 4.5)
        }
    }
}
