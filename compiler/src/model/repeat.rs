//! Repetitions: `COUNT of BLOCK(arguments), stride S` to blocks, each under names of its own.
//!
//! A block sees its parameters and `stride` and nothing of what uses it. A value that is wrong is
//! reported once and unknown from there on, so the block's own mistakes are found all the same.

use crate::diagnostics::{Code, Diagnostic, Sink, Span, nearest};
use crate::syntax::ast::{Arg, Body, Call, CallArg, Expr, Item, ItemKind, Param};

use super::bind::{bind, quoted};
use super::catalogue;
use super::eval::{Env, Value, wrong_kind};
use super::expand::{Expander, Flow};
use super::limits::SMALLER;
use super::naming::Naming;
use super::network::Layer;

/// Blocks within blocks.
const MAX_DEPTH: usize = 32;

impl<'a> Expander<'a> {
    /// Expands a repetition.
    pub(super) fn repeat(
        &mut self,
        count: &'a Expr,
        call: &'a Call,
        args: &'a [Arg],
        env: &mut Env,
        flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        let times = self.repeat_count(count, env);
        let stride = self.repeat_stride(args, env);
        let Some(item) = self.find_block(call) else { return flow.unknown() };
        let ItemKind::Block { params, body } = &item.kind else {
            unreachable!("only blocks are in the table of blocks")
        };
        let values = self.reporting(|sink| bind_params(Callee::Block, params, call, env, sink));
        self.calls.push((item.name.text.as_str(), call.span));
        let inside = self.block_env(params, &values, env);
        let start = if times.is_some() { flow } else { flow.unknown() };
        let flow = self.blocks(times.unwrap_or(1), stride, &inside, (body, call.span), start, names);
        self.calls.pop();
        flow
    }

    /// Expands a block so many times; once, if that goes wrong.
    fn blocks(
        &mut self,
        times: i64,
        stride: Value,
        env: &Env,
        (body, call): (&'a Body, Span),
        mut flow: Flow,
        names: &mut Naming,
    ) -> Flow {
        let mut stride = Some(stride);
        let names_and_values = env.bytes() + names.bytes();
        for _ in 0..times {
            let room = self.budget.take_block().and_then(|()| self.budget.take_text(names_and_values));
            if let Err(what) = room {
                self.fill(call, what, SMALLER);
                break;
            }
            if self.calls.len() == 1 {
                self.block = Some(self.block.map_or(0, |b| b + 1));
            }
            let mut inside = env.clone();
            inside.set("stride", stride.take().unwrap_or(Value::Int(1)), call, call);
            flow = self.body(body, &mut inside, flow, &mut names.next_block());
            if self.budget.is_full() || flow.shape.is_none() {
                break;
            }
        }
        flow
    }

    /// The names that a block's body begins with; a value that is wrong is unknown.
    fn block_env(&mut self, params: &[Param], values: &[Option<(Value, Span)>], outer: &Env) -> Env {
        let mut env = Env::default();
        env.hidden = outer.names().map(str::to_owned).collect();
        for (param, value) in params.iter().zip(values) {
            let (value, given) = match (value, &param.default) {
                (Some((value, given)), _) => (value.clone(), *given),
                (None, Some(default)) => {
                    let value = self.reporting(|sink| {
                        let value = env.eval(default, sink);
                        value.filter(|value| whole(value, default.span, param.name.span, sink))
                    });
                    (value.unwrap_or(Value::Unknown), param.name.span)
                }
                (None, None) => (Value::Unknown, param.name.span),
            };
            self.trace.values.push((param.name.span, value.clone()));
            env.set(&param.name.text, value, param.name.span, given);
        }
        env
    }

    /// Expands a block that nothing asks for, over a map and parameters that are not known.
    pub(super) fn block_alone(mut self, params: &[Param], body: &'a Body) {
        let values: Vec<_> = params.iter().map(|p| Some((Value::Unknown, p.name.span))).collect();
        let mut env = self.block_env(params, &values, &Env::default());
        env.set("stride", Value::Unknown, body.span, body.span);
        let input = self.push(Layer::Input, &[], None, "input".to_owned(), body.span);
        self.body(body, &mut env, input, &mut Naming::kinds(""));
    }

    fn repeat_count(&mut self, count: &Expr, env: &mut Env) -> Option<i64> {
        let times = self.reporting(|sink| env.eval_int(count, sink))?;
        if times < 1 {
            let message = format!("{times} blocks cannot be built");
            let label = "must be at least 1";
            self.report(env.explain(Diagnostic::error(Code::R0303, count.span, message, label), count));
            env.distrust(count);
            return None;
        }
        Some(times)
    }

    fn repeat_stride(&mut self, args: &'a [Arg], env: &mut Env) -> Value {
        let first = args.first().map_or(Span::default(), |a| a.span);
        let bound = self.reporting(|sink| bind(&catalogue::REPEAT, first, args, env, sink));
        bound.distrusted.iter().for_each(|expr| env.distrust(expr));
        if bound.broken { Value::Unknown } else { Value::Int(bound.count("stride").unwrap_or(1) as i64) }
    }

    fn find_block(&mut self, call: &Call) -> Option<&'a Item> {
        let name = call.name.text.as_str();
        let Some(item) = self.blocks.items.get(name).copied() else {
            if self.blocks.incomplete {
                return None;
            }
            let mut error = Diagnostic::error(
                Code::R0101,
                call.name.span,
                format!("there is no block `{name}`"),
                "unknown block",
            );
            if catalogue::find(name).is_some() {
                error = error
                    .with_note(format!("`{name}` is a command, and only blocks are repeated"))
                    .with_help(format!("write `block NAME {{ {name} … }}` and repeat that"));
            } else if let Some(near) = nearest(name, self.blocks.items.keys().copied()) {
                error = error.with_nearest(call.name.span, near);
            } else {
                let mut known: Vec<_> = self.blocks.items.keys().copied().collect();
                known.sort_unstable();
                error = error.with_note(format!("known: {}", quoted(known)));
            }
            self.report(error);
            return None;
        };
        if self.calls.iter().any(|(n, _)| *n == name) {
            let place = call.name.span;
            let message = format!("`{name}` contains itself");
            self.report(
                Diagnostic::error(Code::R0108, place, message, "asked for within itself")
                    .with_note("a spec has no recursion: it always ends"),
            );
            return None;
        }
        if self.calls.len() >= MAX_DEPTH {
            let message = format!("blocks stand in one another more than {MAX_DEPTH} deep");
            self.report(Diagnostic::error(Code::R0401, call.name.span, message, "too deep here"));
            return None;
        }
        Some(item)
    }
}

/// What a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callee {
    /// A model, by an alias.
    Model,
    /// A block.
    Block,
}

/// Binds a call's arguments to parameters, in the parameters' order; `None` where the default holds.
/// Reports what does not fit; the value is unknown then.
pub(super) fn bind_params(
    what: Callee,
    params: &[Param],
    call: &Call,
    env: &Env,
    sink: &mut Sink,
) -> Vec<Option<(Value, Span)>> {
    let mut values: Vec<Option<(Value, Span)>> = vec![None; params.len()];
    let mut fits = true;
    let mut next = 0;
    for arg in &call.args {
        let place = match &arg.name {
            Some(name) => params.iter().position(|p| p.name.text == name.text),
            None => Some(next).filter(|n| *n < params.len()),
        };
        let Some(place) = place else {
            // One value too many is one mistake, however many follow it.
            if fits || arg.name.is_some() {
                sink.push(misfit(what, params, call, arg));
            }
            fits = false;
            continue;
        };
        if arg.name.is_none() {
            next += 1;
        }
        let span = arg.value.span;
        let param = &params[place].name;
        let value = env.eval(&arg.value, sink).filter(|value| whole(value, span, param.span, sink));
        if let Some((_, first)) = &values[place] {
            let message = format!("`{}` is given twice", param.text);
            let error = Diagnostic::error(Code::R0307, span, message, "given again");
            sink.push(error.with_label(*first, "given here"));
        }
        values[place] = Some((value.unwrap_or(Value::Unknown), span));
    }
    // A model may get the rest from outside.
    if what == Callee::Model {
        return values;
    }
    let lacking = || params.iter().zip(&values).filter(|(p, v)| p.default.is_none() && v.is_none());
    if let (Some((first, _)), true) = (lacking().next(), fits) {
        let names = quoted(lacking().map(|(p, _)| p.name.text.as_str()));
        let message = format!("`{}` needs a value for {names}", call.name.text);
        let label = format!("{names} not given");
        sink.push(
            Diagnostic::error(Code::R0106, call.span, message, label)
                .with_label(first.name.span, "it has no default")
                .with_note(takes(params, call)),
        );
    }
    for (param, value) in params.iter().zip(&mut values) {
        if param.default.is_none() && value.is_none() {
            *value = Some((Value::Unknown, call.span));
        }
    }
    values
}

/// Whether a value can be a parameter's: whole numbers and truth values can.
pub(super) fn whole(value: &Value, span: Span, param: Span, sink: &mut Sink) -> bool {
    let fits = matches!(value, Value::Int(_) | Value::Bool(_) | Value::Unknown);
    if !fits {
        sink.push(wrong_kind(span, "a whole number", value).with_label(param, "for this parameter"));
    }
    fits
}

fn takes(params: &[Param], call: &Call) -> String {
    let shown =
        |p: &Param| if p.default.is_some() { format!("[{}]", p.name.text) } else { p.name.text.clone() };
    let names: Vec<_> = params.iter().map(shown).collect();
    match names.as_slice() {
        [] => format!("`{}` has no parameters", call.name.text),
        names => format!("it is written `{}({})`", call.name.text, names.join(", ")),
    }
}

fn misfit(what: Callee, params: &[Param], call: &Call, arg: &CallArg) -> Diagnostic {
    let Some(name) = &arg.name else {
        let message = format!("one value too many for `{}`", call.name.text);
        return Diagnostic::error(Code::R0107, arg.value.span, message, "there is no parameter for it")
            .with_note(takes(params, call));
    };
    let message = format!("`{}` has no parameter `{}`", call.name.text, name.text);
    let error = Diagnostic::error(Code::R0105, name.span, message, "unknown parameter")
        .with_note(takes(params, call));
    // A model can be given two more, whatever its parameters.
    let more: &[&str] = if what == Callee::Model { &["shortcut", "input"] } else { &[] };
    let known = params.iter().map(|p| p.name.text.as_str()).chain(more.iter().copied());
    match nearest(&name.text, known) {
        Some(near) => error.with_nearest(name.span, near),
        None => error,
    }
}
