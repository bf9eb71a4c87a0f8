//! `info`: what this program is.
//!
//! With `--json` one object: `name`, `params`, `macs` (of one image), `input`, `batch`, `outputs`
//! (`name`, `shape`), `labels` (their number), `arena_bytes`, `weights_bytes`, `precision`, `units`
//! (what multiplies, for each kind of element: `precision`, `layers`, `by`, `native`), `isa`,
//! `preprocess`, `digest`. `isa` is what a run would use; `null` if `RESNETC_ISA` names none.

use std::io::Write;

use clap::{ArgMatches, Command};
use serde_json::{Value, json};

use super::failure::Failure;
use super::terminal::{Style, Terminal};
use super::{Program, opening};
use crate::isa::Level;
use crate::plan::{Element, Filter, Plan, Preprocess};

pub(super) fn declare(command: Command, _: &'static Plan) -> Command {
    command
        .about("Tell what this program is: shapes, sizes, preprocessing")
        .arg(opening::json_argument("Print one JSON object instead of text"))
}

pub(super) fn run(program: &Program, arguments: &ArgMatches, terminal: &mut Terminal) -> Result<(), Failure> {
    let plan = program.plan;
    if arguments.get_flag("json") {
        return Ok(writeln!(terminal, "{}", describe(plan))?);
    }
    let isa = match Level::choose() {
        Ok(level) => level.name().to_owned(),
        Err(error) => format!("none: {error}"),
    };
    let name = terminal.paint(Style::Bold, &plan.name);
    writeln!(terminal, "{name}")?;
    let outputs = plan.outputs.iter().map(|output| format!("{} {}", output.name, shape(output.shape)));
    let labels = match plan.labels.len() {
        0 => "none".to_owned(),
        count => format!("{count}, such as {}", plan.labels[0]),
    };
    let rows = [
        ("input", shape(plan.input)),
        ("outputs", outputs.collect::<Vec<_>>().join(", ")),
        ("labels", labels),
        ("batch", format!("up to {}", plan.batch)),
        ("parameters", scaled(plan.params as f64, "")),
        ("MACs", format!("{} an image", scaled(plan.macs as f64, ""))),
        ("arena", scaled(4.0 * plan.arena as f64, "B")),
        ("weights", scaled(4.0 * plan.weights as f64, "B")),
        ("precision", precision(plan)),
        ("ISA", isa),
        ("pictures", pictures(&plan.preprocess, plan.input)),
        ("digest", hex(&plan.digest)),
    ];
    for (key, value) in rows {
        let key = terminal.paint(Style::Dim, &format!("{key:<12}"));
        writeln!(terminal, "  {key}{value}")?;
    }
    Ok(())
}

fn describe(plan: &Plan) -> Value {
    let outputs: Vec<Value> =
        plan.outputs.iter().map(|output| json!({ "name": output.name, "shape": output.shape })).collect();
    let preprocess = &plan.preprocess;
    json!({
        "name": plan.name,
        "params": plan.params,
        "macs": plan.macs,
        "input": plan.input,
        "batch": plan.batch,
        "outputs": outputs,
        "labels": plan.labels.len(),
        "arena_bytes": 4 * plan.arena,
        "weights_bytes": 4 * plan.weights,
        "precision": plan.precision(),
        "units": units(plan),
        "isa": Level::choose().ok().map(|level| level.name()),
        "preprocess": {
            "resize": preprocess.resize,
            "filter": filter(preprocess.filter),
            "mean": decimal(preprocess.mean),
            "std": decimal(preprocess.std),
        },
        "digest": hex(&plan.digest),
    })
}

/// The precision, and what of this machine multiplies it.
fn precision(plan: &Plan) -> String {
    let Ok(level) = Level::choose() else { return plan.precision() };
    let mut units: Vec<&str> =
        plan.layers_by_element().iter().map(|(element, _)| level.unit(*element).0).collect();
    units.sort_unstable();
    units.dedup();
    format!("{}, by {}", plan.precision(), units.join(" and "))
}

fn units(plan: &Plan) -> Vec<Value> {
    let Ok(level) = Level::choose() else { return Vec::new() };
    let layers = plan.layers_by_element();
    let unit = |(element, layers): (Element, usize)| {
        let (by, native) = level.unit(element);
        json!({ "precision": element.precision(), "layers": layers, "by": by, "native": native })
    };
    layers.into_iter().map(unit).collect()
}

/// The shortest decimals that are these floats, rather than their binary expansions.
fn decimal(values: [f32; 3]) -> [f64; 3] {
    values.map(|value| value.to_string().parse().unwrap_or(f64::from(value)))
}

fn pictures(preprocess: &Preprocess, [_, height, width]: [usize; 3]) -> String {
    let filter = filter(preprocess.filter);
    let size = match preprocess.resize {
        Some(side) => format!("shorter side to {side} ({filter}), centre {height} x {width}"),
        None => format!("resized to {height} x {width} ({filter})"),
    };
    format!("{size}, 0..1, mean {:?}, std {:?}", preprocess.mean, preprocess.std)
}

fn filter(filter: Filter) -> &'static str {
    match filter {
        Filter::Bilinear => "bilinear",
        Filter::Bicubic => "bicubic",
    }
}

fn shape([channels, height, width]: [usize; 3]) -> String {
    format!("{channels} x {height} x {width}")
}

fn hex(digest: &[u8; 32]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With a decimal prefix and a unit: 25.56 M, 1.02 kB.
fn scaled(value: f64, unit: &str) -> String {
    let text = match value {
        1e9.. => format!("{:.2} G{unit}", value / 1e9),
        1e6.. => format!("{:.2} M{unit}", value / 1e6),
        1e3.. => format!("{:.2} k{unit}", value / 1e3),
        _ => format!("{value} {unit}"),
    };
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_numbers_have_a_prefix() {
        assert_eq!(scaled(25_557_032.0, ""), "25.56 M");
        assert_eq!(scaled(4.09e9, "B"), "4.09 GB");
        assert_eq!(scaled(12.0, ""), "12");
    }

    #[test]
    fn means_are_printed_as_the_spec_has_them() {
        assert_eq!(json!(decimal([0.485, 0.456, 0.406])).to_string(), "[0.485,0.456,0.406]");
    }
}
