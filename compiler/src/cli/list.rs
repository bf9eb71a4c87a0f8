//! `resnetc list`: the shipped models.

use clap::{ArgMatches, Command};
use serde_json::json;

use crate::Spec;
use crate::spec::shipped_models;

use super::{Outcome, args, terminal};

pub fn command() -> Command {
    Command::new("list").about("List the shipped models, which a SPEC can name").arg(args::json())
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let mut rows = Vec::new();
    for (name, file) in shipped_models() {
        let checked = Spec::open(&name)?.check(&[])?;
        let network = checked.network;
        rows.push((name, network.total_params(), network.total_macs(), network.nodes[0].shape, file.name));
    }
    if matches.get_flag("json") {
        let rows: Vec<_> = rows
            .iter()
            .map(|(name, params, macs, input, file)| {
                json!({ "model": name, "params": params, "macs": macs, "input": input, "file": file })
            })
            .collect();
        return terminal::print(&format!("{}\n", json!(rows)));
    }
    let width = rows.iter().map(|r| r.0.len()).max().unwrap_or(0);
    let mut out =
        format!("{:width$}  {:>11}  {:>14}  {:>11}  file\n", "model", "parameters", "MACs", "input");
    for (name, params, macs, [c, h, w], file) in rows {
        let input = format!("{c}x{h}x{w}");
        out += &format!("{name:width$}  {params:>11}  {macs:>14}  {input:>11}  {file}\n");
    }
    terminal::print(&out)
}
