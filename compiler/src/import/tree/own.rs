//! The block that a spec defines where no standard one fits.

use crate::import::blocks::{Amount, Form, OwnBlock, ProjectionForm};
use crate::import::description::Order;
use crate::import::words::{
    arg, command, container, divided, ident, inline, int, line, lines, named, option, size, truth, variable,
};
use crate::syntax::ast::{Body, Clause, Command, Expr, Statement};

/// The statements of a block that the spec defines.
pub fn own(block: &OwnBlock) -> Body {
    let OwnBlock { form, .. } = block;
    let mut branch: Vec<Statement> = Vec::new();
    let convs = form.convs.len();
    let norm_relu = |at: usize| {
        let norm = form.convs[at].2.then(|| command("norm", vec![]));
        norm.into_iter().chain([command("relu", vec![])])
    };
    if form.order == Order::Pre {
        branch.extend(line(vec![container("preactivate", vec![], inline(line(norm_relu(0).collect())))]));
    }
    for at in 0..convs {
        let behind: Vec<Command> = match form.order {
            Order::Post if at + 1 < convs => norm_relu(at).collect(),
            Order::Pre if at + 1 < convs => norm_relu(at + 1).collect(),
            Order::Post => form.convs[at].2.then(|| command("norm", vec![])).into_iter().collect(),
            Order::Pre => Vec::new(),
        };
        branch.extend(line([own_conv(block, at)].into_iter().chain(behind).collect()));
    }
    branch
        .extend(block.squeeze.as_ref().map(|squeeze| line(vec![gate(form, squeeze)])).into_iter().flatten());
    let mut residual = container("residual", vec![], lines(branch));
    let body = form.projection.as_ref().map(projection);
    residual.clauses.extend(body.map(|body| Clause { word: ident("projection"), body }));
    let mut statements = line(vec![residual]);
    if form.order == Order::Post {
        statements.extend(line(vec![command("relu", vec![])]));
    }
    lines(statements)
}

fn amount(amount: &Amount) -> Expr {
    match amount {
        Amount::Literal(value) => int(*value),
        Amount::Param(name) => variable(name),
        Amount::Part(name, by) => divided(name, *by),
    }
}

fn own_conv(block: &OwnBlock, at: usize) -> Command {
    let (kernel, bias, _) = block.form.convs[at];
    let [channels, groups] = &block.convs[at];
    let mut args = vec![arg(size(kernel)), arg(amount(channels))];
    args.extend((at == block.strided()).then(|| arg(variable("stride"))));
    args.extend((*groups != Amount::Literal(1)).then(|| match groups {
        Amount::Param(name) if name == "groups" => arg(variable(name)),
        _ => option("groups", amount(groups)),
    }));
    args.extend(bias.then(|| arg(variable("bias"))));
    command("conv", args)
}

/// Squeeze and excitation, as `bottleneck_se` has it.
fn gate(form: &Form, squeeze: &Amount) -> Command {
    let conv = |channels: &Amount, name| {
        let mut args = vec![arg(size([1, 1])), arg(amount(channels))];
        args.extend((form.gate == Some(true)).then(|| arg(variable("bias"))));
        named(command("conv", args), Some(name))
    };
    let width = Amount::Param("width".to_owned());
    let mut inner = line(vec![conv(squeeze, "fc1"), command("relu", vec![])]);
    inner.extend(line(vec![conv(&width, "fc2"), command("sigmoid", vec![])]));
    let mut body = line(vec![command("global_avg_pool", vec![])]);
    body.extend(line(vec![container("scope", vec![arg(variable("se"))], lines(inner))]));
    container("gate", vec![], lines(body))
}

fn projection(form: &ProjectionForm) -> Body {
    let mut commands = Vec::new();
    if form.pooled {
        let args = vec![
            option("size", variable("stride")),
            arg(variable("stride")),
            arg(variable("ceil_mode")),
            option("count_include_pad", truth(false)),
        ];
        commands.push(command("avg_pool", args));
    }
    let mut args = vec![arg(size(form.kernel)), arg(variable("width"))];
    args.extend((!form.pooled).then(|| arg(variable("stride"))));
    args.extend(form.bias.then(|| arg(variable("bias"))));
    commands.push(command("conv", args));
    commands.extend(form.norm.then(|| command("norm", vec![])));
    lines(commands.into_iter().flat_map(|command| line(vec![command])).collect())
}
