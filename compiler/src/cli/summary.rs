//! `resnetc summary`: the table of layers that people know.

use clap::{ArgMatches, Command};
use serde_json::json;

use crate::compile;
use crate::model::{Layer, Network, Node};
use crate::numbers::{grouped, size};

use super::{Outcome, args, terminal};

pub fn command() -> Command {
    Command::new("summary")
        .about("Show a model's layers, their shapes, parameters, MACs and memory, with totals")
        .arg(args::spec())
        .args(args::settings())
        .arg(args::batch())
        .args(args::algorithms())
        .args(args::precisions())
        .arg(args::json())
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (_, checked) = args::check(matches)?;
    let network = &checked.network;
    let compiled = compile(network, None, &args::options(matches)?)?;
    let arena_bytes = compiled.plan.arena * size_of::<f32>();
    let weight_bytes = compiled.plan.weights * size_of::<f32>();
    if matches.get_flag("json") {
        let layers: Vec<_> = network
            .nodes
            .iter()
            .map(|node| {
                json!({
                    "name": node.path,
                    "op": node.layer.word(),
                    "stage": network.parts.get(node.part),
                    "shape": node.shape,
                    "params": network.params(node),
                    "macs": network.macs(node),
                    "bytes": bytes(node),
                })
            })
            .collect();
        let value = json!({
            "model": network.name,
            "params": network.total_params(),
            "macs": network.total_macs(),
            "arena_bytes": arena_bytes,
            "live_bytes": compiled.live_bytes,
            "weight_bytes": weight_bytes,
            "batch": compiled.plan.batch,
            "images_at_once": compiled.plan.images,
            "precision": compiled.plan.precision(),
            "layers": layers,
        });
        return terminal::print(&format!("{value}\n"));
    }
    let mut out = table(network);
    out += &format!(
        "\n{}, {}\nparameters      {}\nMACs            {} for an image\nweights         {}\n\
         arena           {} for {} (at least {} are alive at once)\n",
        network.name,
        compiled.plan.precision(),
        grouped(network.total_params()),
        grouped(network.total_macs()),
        size(weight_bytes),
        size(arena_bytes),
        match (compiled.plan.batch, compiled.plan.images) {
            (batch, images) if images < batch => format!("a batch of {batch}, {images} at once"),
            (batch, _) => format!("a batch of {batch}"),
        },
        size(compiled.live_bytes),
    );
    terminal::print(&out)
}

/// One line a layer; what only passes values on is left out.
fn table(network: &Network) -> String {
    let shown: Vec<&Node> =
        network.nodes.iter().filter(|n| !matches!(n.layer, Layer::Input | Layer::Dropout)).collect();
    let width = shown.iter().map(|n| n.path.len()).max().unwrap_or(0).max(5);
    let mut out = format!(
        "{:width$}  {:15}  {:>15}  {:>12}  {:>15}  {:>10}\n",
        "layer", "operation", "output", "parameters", "MACs", "memory"
    );
    let mut part = None;
    for node in shown {
        if part != Some(node.part) {
            part = Some(node.part);
            out += &format!("{}\n", network.parts.get(node.part).map_or("", String::as_str));
        }
        let [c, h, w] = node.shape;
        let (params, macs) = (network.params(node), network.macs(node));
        let count = |n: u64| if n == 0 { "-".to_owned() } else { grouped(n) };
        out += &format!(
            "{:width$}  {:15}  {:>15}  {:>12}  {:>15}  {:>10}\n",
            node.path,
            node.layer.word(),
            format!("{c} x {h} x {w}"),
            count(params),
            count(macs),
            size(bytes(node)),
        );
    }
    out
}

/// The size of a layer's output for one image.
fn bytes(node: &Node) -> usize {
    node.shape.iter().product::<usize>() * size_of::<f32>()
}
