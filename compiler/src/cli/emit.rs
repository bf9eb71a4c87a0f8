//! `resnetc emit`: what a stage of the compiler makes of a spec.

use clap::{Arg, ArgMatches, Command};

use crate::emit::{Weights, network};
use crate::{compile, fuse, graph, plan};

use super::{Outcome, args};

pub fn command() -> Command {
    Command::new("emit")
        .about("Print what a stage of the compiler makes of a spec")
        .arg(args::spec())
        .args(args::settings())
        .arg(args::batch())
        .args(args::algorithms())
        .args(args::precisions())
        .arg(
            Arg::new("stage")
                .long("stage")
                .value_parser(["ast", "network", "graph", "fused", "dot", "plan", "rust"])
                .default_value("rust")
                .help(
                    "ast, network, graph (before the passes), fused (after them), dot (fused, for Graphviz), plan \
                     or rust",
                ),
        )
        .arg(args::output())
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (spec, checked) = args::check(matches)?;
    let checked = &checked.network;
    let stage = matches.get_one::<String>("stage").map_or("rust", String::as_str);
    let text = match stage {
        "ast" => format!("{:#?}\n", spec.file()),
        "network" => network_text(checked),
        "graph" => graph::to_text(&graph::lower(checked, None)),
        "fused" => graph::to_text(&fuse(checked, None)),
        "dot" => graph::to_dot(&fuse(checked, None)),
        stage => {
            let compiled = compile(checked, None, &args::options(matches)?)?;
            match stage {
                "plan" => plan::to_text(&compiled.plan),
                _ => network(&compiled.plan, &Weights::File),
            }
        }
    };
    args::write_output(matches, &text)
}

fn network_text(network: &crate::Network) -> String {
    let mut out = format!("network {}\n", network.name);
    for (index, node) in network.nodes.iter().enumerate() {
        let [c, h, w] = node.shape;
        let inputs: Vec<_> = node.inputs.iter().map(|i| format!("%{}", i.0)).collect();
        out += &format!(
            "%{index} = {}({}) : {c}x{h}x{w}  // {}\n",
            node.layer.word(),
            inputs.join(", "),
            node.path
        );
    }
    for output in &network.outputs {
        out += &format!("output {} = %{}\n", output.name, output.node.0);
    }
    out
}
