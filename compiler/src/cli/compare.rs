//! `resnetc compare`: a network against activations that another framework recorded.
//!
//! With `--json` one object: `agrees`, `tolerance`, `layers` (`layer`, `relative`, `greatest`), `departure`
//! (null, or `layer`, `name`, `place`, `relative`, `greatest`, `shapes`, `causes` with `what`, `mend`, `relative`, and
//! `tried`), `left` and `unused`. Exit code 1 if a layer departs.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Command, value_parser};
use serde_json::{Value, json};

use crate::compare::{Comparison, Departure, Difference, TOLERANCE, compare};
use crate::spec::Checked;
use crate::{Error, weights};

use super::{Failure, Outcome, args, terminal};

/// Causes that are shown, without `--json`.
const SHOWN: usize = 3;

pub fn command() -> Command {
    Command::new("compare")
        .about("Name the first layer that departs from recorded activations, by how much, and why")
        .arg(args::spec())
        .args(args::weights())
        .args(args::settings())
        .arg(
            Arg::new("reference")
                .long("reference")
                .value_name("DUMP")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The activations: a tensor for each module, by its path, and `input` (.safetensors)"),
        )
        .arg(
            Arg::new("tolerance")
                .long("tolerance")
                .value_name("T")
                .value_parser(value_parser!(f64))
                .help(format!("The relative L2 error at which a layer agrees; {TOLERANCE:e} unless given")),
        )
        .arg(args::json())
        .after_help(
            "The dump is what `record` of examples/compare/record.py makes of a PyTorch network.\n\n\
             Example:\n  resnetc compare mine.resnet --weights network.safetensors --reference activations.safetensors",
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (spec, checked) = args::check(matches)?;
    let checkpoints = args::any_checkpoints(matches, &spec, &checked)?;
    let [checkpoint] = checkpoints.as_slice() else {
        let reason = "an ensemble's members are compared one by one: name a member's model and its weights";
        return Err(Error::Usage(reason.to_owned()).into());
    };
    let dump = weights::read(matches.get_one::<PathBuf>("reference").map_or("".as_ref(), |p| p.as_path()))?;
    let tolerance = matches.get_one::<f64>("tolerance").copied().unwrap_or(TOLERANCE);
    if !(tolerance > 0.0 && tolerance < 1.0) {
        return Err(Error::Usage(format!("a tolerance of {tolerance} is not between 0 and 1")).into());
    }
    let renames = args::options(matches)?.renames;
    let place = |layer: &str| place(&checked, layer);
    let found = compare(&checked.network, checkpoint, &dump, &renames, tolerance)?;
    terminal::print(&if matches.get_flag("json") {
        to_json(&found, tolerance, place)
    } else {
        to_text(&found, place)
    })?;
    if found.departure.is_some() { Err(Failure::Told) } else { Ok(()) }
}

/// The line of a spec that wrote a layer.
fn place(checked: &Checked, layer: &str) -> Option<String> {
    let node = checked.network.nodes.iter().find(|node| node.path == layer)?;
    let sources = &checked.warnings.sources;
    Some(format!("{}:{}", sources.name(node.span.file), sources.line_column(node.span).0))
}

fn to_text(found: &Comparison, place: impl Fn(&str) -> Option<String>) -> String {
    let count = found.agreeing.len();
    let all = count + found.left + usize::from(found.departure.is_some());
    let worst = found.agreeing.iter().max_by(|a, b| a.distance.relative.total_cmp(&b.distance.relative));
    let worst = worst.map_or_else(String::new, |worst| {
        format!("; the furthest is {}: relative L2 error {:.1e}", worst.layer, worst.distance.relative)
    });
    match &found.departure {
        None => format!("all {all} layers agree{worst}\n"),
        Some(departure) => {
            format!(
                "layers that agree: the first {count} of {all}{worst}\n{}",
                departure_text(departure, place(&departure.layer))
            )
        }
    }
}

fn departure_text(departure: &Departure, place: Option<String>) -> String {
    let Departure { causes, tried, difference, .. } = departure;
    let layer = departure.layer.clone() + &place.map_or_else(String::new, |place| format!(" ({place})"));
    let mut out = match difference {
        Difference::Values(distance) => format!(
            "{layer} is the first that departs: relative L2 error {:.1e}, greatest difference {:.1e}\n",
            distance.relative, distance.greatest
        ),
        Difference::Shapes(found, recorded) => {
            format!("{layer} is the first that departs: its shape is {found:?}, the dump's {recorded:?}\n")
        }
    };
    for cause in causes.iter().take(SHOWN) {
        let error = cause.distance.relative;
        out +=
            &format!("  likely cause: {}\n    (then the error is {error:.1e}): {}\n", cause.what, cause.mend);
    }
    if causes.is_empty() {
        out += &format!("  none of the {tried} changes that were tried makes it agree\n");
    }
    out
}

/// A number, or null where it is none.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn to_json(found: &Comparison, tolerance: f64, place: impl Fn(&str) -> Option<String>) -> String {
    let layers: Vec<Value> = found
        .agreeing
        .iter()
        .map(|layer| {
            json!({
                "layer": layer.layer,
                "relative": number(layer.distance.relative),
                "greatest": number(layer.distance.greatest),
            })
        })
        .collect();
    let departure = found.departure.as_ref().map(|departure| {
        let causes: Vec<Value> = departure
            .causes
            .iter()
            .map(|cause| {
                json!({ "what": cause.what, "mend": cause.mend, "relative": number(cause.distance.relative) })
            })
            .collect();
        let (distance, shapes) = match departure.difference {
            Difference::Values(distance) => (Some(distance), Value::Null),
            Difference::Shapes(found, recorded) => (None, json!([found, recorded])),
        };
        json!({
            "layer": departure.layer,
            "name": departure.name,
            "place": place(&departure.layer),
            "relative": distance.map(|d| number(d.relative)),
            "greatest": distance.map(|d| number(d.greatest)),
            "shapes": shapes,
            "causes": causes,
            "tried": departure.tried,
        })
    });
    let value = json!({
        "agrees": found.departure.is_none(),
        "tolerance": tolerance,
        "layers": layers,
        "departure": departure,
        "left": found.left,
        "unused": found.unused,
    });
    format!("{value}\n")
}
