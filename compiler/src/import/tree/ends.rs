//! Stem and head of a described network, under the checkpoint's names.

use crate::import::description::{Conv, Head, Network, Order, Stem, StemSize};
use crate::import::names::number;
use crate::import::words::{
    arg, command, container, inline, int, line, lines, named, option, size, truth, variable,
};
use crate::syntax::ast::Command;

/// Names that the language gives to the layers of the model's top, in the order in which they come.
#[derive(Default)]
struct Names {
    convs: usize,
    norms: usize,
}

impl Names {
    fn conv<'a>(&mut self, path: &'a str) -> Option<&'a str> {
        named_unless(path, "conv", &mut self.convs)
    }

    fn norm<'a>(&mut self, path: &'a str) -> Option<&'a str> {
        named_unless(path, "bn", &mut self.norms)
    }
}

/// The path, unless it is the one that comes next anyway.
fn named_unless<'a>(path: &'a str, word: &str, count: &mut usize) -> Option<&'a str> {
    if path == format!("{word}{}", *count + 1) {
        *count += 1;
        return None;
    }
    Some(path)
}

/// The stem.
pub fn stem(network: &Network) -> Command {
    let Stem { convs, size: stem_size } = &network.stem;
    let mut names = Names::default();
    let mut body: Vec<Vec<Command>> = Vec::new();
    let strides = strides(&network.stem);
    let mut rest: Vec<(&Conv, usize)> = convs.iter().zip(strides).collect();
    while !rest.is_empty() {
        let (scope, inside) = sequence(&rest);
        if inside > 0 {
            let begin: Vec<_> = rest.drain(..inside).collect();
            body.push(vec![sequential(scope, &begin)]);
            let norm = begin.last().and_then(|(conv, _)| conv.norm.as_deref());
            if let Some(norm) = norm.filter(|norm| !in_scope(norm, scope)) {
                body.push(vec![named(command("norm", vec![]), names.norm(norm)), command("relu", vec![])]);
            }
            continue;
        }
        let (first, stride) = rest.remove(0);
        let mut commands = vec![named(stem_conv(first, stride), names.conv(&first.path))];
        commands.extend(first.norm.iter().map(|norm| named(command("norm", vec![]), names.norm(norm))));
        if first.norm.is_some() || network.order == Order::Post {
            commands.push(command("relu", vec![]));
        }
        body.push(commands);
    }
    if *stem_size == StemSize::StridePool {
        let mut args = vec![arg(size([3, 3])), option("stride", int(2))];
        if network.ported {
            args.extend([option("pad", int(0)), arg(variable("ceil_mode"))]);
        }
        body.push(vec![command("max_pool", args)]);
    }
    part("stem", body)
}

/// The stride of each convolution of a stem.
fn strides(stem: &Stem) -> Vec<usize> {
    let last = stem.convs.len() - 1;
    let is_strided = |at: usize| match stem.size {
        StemSize::Keep => false,
        StemSize::StridePool => at == 0,
        StemSize::StrideStride => at == 0 || at == last,
    };
    (0..=last).map(|at| 1 + usize::from(is_strided(at))).collect()
}

/// Convolutions, norms and activations that are numbered within a scope.
fn sequential(scope: &str, convs: &[(&Conv, usize)]) -> Command {
    let statements = convs.iter().flat_map(|(conv, stride)| {
        let own = conv.norm.as_deref().is_some_and(|norm| in_scope(norm, scope));
        let behind = own.then(|| [command("norm", vec![]), command("relu", vec![])]);
        line([stem_conv(conv, *stride)].into_iter().chain(behind.into_iter().flatten()).collect())
    });
    let statements = statements.collect();
    let body = if convs.len() == 1 { inline(statements) } else { lines(statements) };
    container("sequential", vec![arg(variable(scope))], body)
}

/// A part of the model; on one line if it is one line.
fn part(word: &str, body: Vec<Vec<Command>>) -> Command {
    let whole = body.len() == 1;
    let statements = body.into_iter().flat_map(line).collect();
    container(word, vec![], if whole { inline(statements) } else { lines(statements) })
}

fn stem_conv(conv: &Conv, stride: usize) -> Command {
    let mut args = vec![arg(size(conv.kernel)), arg(int(conv.channels))];
    args.extend((stride > 1).then(|| option("stride", int(stride))));
    args.extend(conv.bias.then(|| arg(variable("bias"))));
    command("conv", args)
}

/// How many convolutions are numbered as `sequential` numbers them, and the name before their numbers.
/// The norm of the last may stand behind the sequence.
fn sequence<'a>(convs: &[(&'a Conv, usize)]) -> (&'a str, usize) {
    let Some((scope, _)) = convs[0].0.path.rsplit_once('.') else { return ("", 0) };
    let mut place = 0;
    let mut inside = 0;
    for (conv, _) in convs {
        if conv.path != format!("{scope}.{place}") {
            break;
        }
        inside += 1;
        match &conv.norm {
            // The activation behind the norm counts too.
            Some(norm) if *norm == format!("{scope}.{}", place + 1) => place += 3,
            _ => break,
        }
    }
    // A single number is a name like others.
    let alone = inside == 1 && !convs[0].0.norm.as_deref().is_some_and(|norm| in_scope(norm, scope));
    (scope, if alone { 0 } else { inside })
}

/// Whether a path is of a number within a scope.
fn in_scope(path: &str, scope: &str) -> bool {
    path.rsplit_once('.').is_some_and(|(before, last)| before == scope && number(last).is_some())
}

/// The head.
pub fn head(network: &Network) -> Command {
    let Head { norm, linear } = &network.head;
    let mut body = Vec::new();
    if let Some(norm) = norm {
        body.push(vec![named(command("norm", vec![]), Some(norm)), command("relu", vec![])]);
    }
    let mut last = vec![command("global_avg_pool", vec![])];
    if let Some(linear) = linear {
        let mut args = vec![arg(int(linear.features))];
        args.extend((!linear.bias).then(|| option("bias", truth(false))));
        let name = Some(&*linear.path).filter(|path| *path != "fc");
        last.push(named(command("linear", args), name));
    }
    body.push(last);
    part("head", body)
}
