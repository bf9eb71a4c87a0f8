//! Residuals and gates: a branch, what stands beside it, and how the two meet.
//!
//! The shortcut's mode is the model's; a block only says what its branch is and, if it must, what a
//! projection is in it.

use crate::diagnostics::{Code, Diagnostic, Edit, Span};
use crate::syntax::ast::{Arg, Body, Clause, Command, ExprKind, StatementKind};

use super::eval::{Env, Value};
use super::expand::{Expander, Flow, Shortcut};
use super::naming::Naming;
use super::network::{Conv, Layer, Pad, Shape};

/// A shape, as messages show it.
pub fn show([c, h, w]: Shape) -> String {
    format!("{c} x {h} x {w}")
}

/// The stride that takes one length to another as a 1 x 1 window does.
fn stride_between(from: usize, to: usize) -> Option<usize> {
    let stride = from.div_ceil(to);
    (from.div_ceil(stride) == to).then_some(stride)
}

/// The block's stride for the one convolution of a projection that lacks it, if that makes its map the
/// branch's.
fn missing_stride(clause: &Clause, env: &Env, found: Shape, to: Shape) -> Option<Edit> {
    let stride = env.get("stride")?;
    let is_stride = |axis: usize| {
        let between = stride_between(found[axis], to[axis]);
        between.is_some_and(|between| Value::Int(between as i64) == stride)
    };
    if found[0] != to[0] || !is_stride(1) || !is_stride(2) {
        return None;
    }
    let commands = clause.body.statements.iter().filter_map(|s| match &s.kind {
        StatementKind::Command(command) if command.word.text == "conv" => Some(command),
        _ => None,
    });
    let [conv] = commands.collect::<Vec<_>>()[..] else { return None };
    let names = |arg: &Arg| match (&arg.name, &arg.value.kind) {
        (Some(name), _) => name.text == "stride",
        (None, ExprKind::Path(path)) => path.text == "stride",
        _ => false,
    };
    let last = conv.args.last().filter(|_| !conv.args.iter().any(names))?;
    Some(Edit { span: last.span.behind(), text: ", stride".to_owned() })
}

impl<'a> Expander<'a> {
    /// Expands `residual { branch } projection { … }`.
    pub(super) fn residual(
        &mut self,
        command: &'a Command,
        body: &'a Body,
        env: &mut Env,
        input: Flow,
        names: &mut Naming,
    ) -> Flow {
        let span = command.word.span;
        let first = body.statements.first().and_then(|s| match &s.kind {
            StatementKind::Command(c) if c.word.text == "preactivate" => c.body.as_ref(),
            _ => None,
        });
        let (begin, rest) = match first {
            Some(pre) => (self.body(pre, env, input, names), &body.statements[1..]),
            None => (input, &body.statements[..]),
        };
        let branch = self.statements(rest, env, begin, names);
        if self.shortcut == Shortcut::None {
            return branch;
        }
        let (Some(from), Some(to)) = (input.shape, branch.shape) else { return branch.unknown() };
        let projected = match self.shortcut {
            Shortcut::ProjectionAll => true,
            Shortcut::None | Shortcut::ZeroPad | Shortcut::Projection => from != to,
        };
        let shortcut = if !projected {
            input
        } else if self.shortcut == Shortcut::ZeroPad {
            self.zero_pad(input, from, to, span, names)
        } else if let Some(clause) = command.clauses.first() {
            let mut inner = Naming::positions(names.join("downsample"));
            self.body(&clause.body, env, begin, &mut inner)
        } else {
            self.project(begin, from, to, first.is_none(), span, names)
        };
        let Some(found) = shortcut.shape else { return branch.unknown() };
        if found != to {
            let mut error = Diagnostic::error(
                Code::R0204,
                span,
                "the branch and its shortcut differ in shape",
                format!("the branch gives {}, its shortcut {}", show(to), show(found)),
            )
            .with_note(format!("both begin from {}", show(from)));
            error = match command.clauses.first() {
                Some(clause) => error
                    .with_label(clause.word.span, format!("this projection gives {}", show(found)))
                    .with_fixes(
                        "give the projection the branch's channels and stride",
                        missing_stride(clause, env, found, to),
                    ),
                None => error.with_help("let the branch keep its input's shape, or change it by a stride"),
            };
            self.report(error);
            return branch.unknown();
        }
        let path = names.next("add", None);
        self.push(Layer::Add, &[branch.node, shortcut.node], Some(to), path, span)
    }

    /// Option A: every stride-th pixel, and zero channels on both sides.
    fn zero_pad(&mut self, input: Flow, from: Shape, to: Shape, span: Span, names: &mut Naming) -> Flow {
        let strides = (stride_between(from[1], to[1]), stride_between(from[2], to[2]));
        match strides {
            (Some(stride), Some(other)) if stride == other && to[0] >= from[0] => {
                let layer = Layer::ZeroPad { stride, before: (to[0] - from[0]) / 2 };
                let path = names.next("shortcut", None);
                self.push(layer, &[input.node], Some(to), path, span)
            }
            _ => {
                let why = if to[0] < from[0] {
                    format!("zero padding cannot take {} channels to {}", from[0], to[0])
                } else {
                    format!("no stride takes a {} x {} map to {} x {}", from[1], from[2], to[1], to[2])
                };
                self.report(
                    Diagnostic::error(
                        Code::R0206,
                        span,
                        "no zero-padded shortcut fits this branch",
                        format!("the branch gives {}, its input is {}", show(to), show(from)),
                    )
                    .with_note(why)
                    .with_help("use `shortcut projection`, or change the branch"),
                );
                input.unknown()
            }
        }
    }

    /// Option B's projection: a 1 x 1 convolution with the branch's stride, and a norm unless the
    /// block is pre-activated.
    fn project(
        &mut self,
        input: Flow,
        from: Shape,
        to: Shape,
        norm: bool,
        span: Span,
        names: &mut Naming,
    ) -> Flow {
        let (Some(vertical), Some(horizontal)) =
            (stride_between(from[1], to[1]), stride_between(from[2], to[2]))
        else {
            self.report(
                Diagnostic::error(
                    Code::R0204,
                    span,
                    "the branch and its shortcut differ in shape",
                    format!("the branch gives {}, its input is {}", show(to), show(from)),
                )
                .with_note(format!(
                    "a 1 x 1 convolution takes a {} x {} map to {} x {} under no stride",
                    from[1], from[2], to[1], to[2]
                ))
                .with_help("keep the branch's padding at `(size - 1) / 2`, or write its `projection { … }`"),
            );
            return input.unknown();
        };
        let mut inner = Naming::positions(names.join("downsample"));
        let conv = Conv {
            channels: to[0],
            kernel: [1, 1],
            stride: [vertical, horizontal],
            pad: Pad::default(),
            dilation: [1, 1],
            groups: 1,
            bias: false,
        };
        let path = inner.next("conv", None);
        let projected = self.push(Layer::Conv(conv), &[input.node], Some(to), path, span);
        if !norm {
            return projected;
        }
        let path = inner.next("norm", None);
        self.push(Layer::BatchNorm { eps: 1e-5 }, &[projected.node], projected.shape, path, span)
    }

    /// Expands `gate { … }`.
    pub(super) fn gate(
        &mut self,
        span: Span,
        body: &'a Body,
        env: &mut Env,
        input: Flow,
        names: &mut Naming,
    ) -> Flow {
        let gate = self.body(body, env, input, names);
        let (Some(from), Some(to)) = (input.shape, gate.shape) else { return input.unknown() };
        if from[0] != to[0] || (to != from && [to[1], to[2]] != [1, 1]) {
            self.report(
                Diagnostic::error(
                    Code::R0205,
                    span,
                    "the gate does not fit what it multiplies",
                    format!("the gate gives {}, its input is {}", show(to), show(from)),
                )
                .with_help("a gate has its input's channels, and its map or 1 x 1"),
            );
            return input.unknown();
        }
        let path = names.next("gate", None);
        self.push(Layer::Mul, &[input.node, gate.node], Some(from), path, span)
    }
}
