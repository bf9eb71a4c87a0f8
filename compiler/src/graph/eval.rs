//! The oracle: a naive interpreter of any graph, in f32 or f64.
//!
//! In: a graph with weights and NCHW images. Out: one NCHW array an output. Convolution is im2col
//! and a matrix product; everything else is written as its definition. Passes and kernels are held
//! against it, so it shares no code with either.

use std::collections::{HashMap, HashSet};
use std::ops::{AddAssign, Mul};

use ndarray::{Array2, Array4, ArrayView2, Axis, Slice};
use resnetc_runtime::plan::Activation;
use resnetc_runtime::reference::gemm::Gemm;

use super::graph::{Graph, NodeId};
use super::op::{Constant, Conv, Op, ResidualRead, Window};

/// A float that the oracle computes in.
pub trait Real:
    Gemm + Copy + PartialOrd + AddAssign + Mul<Output = Self> + Into<f64> + Default + 'static
{
    /// Rounds to this type.
    fn from_f64(value: f64) -> Self;
}

impl Real for f32 {
    fn from_f64(value: f64) -> Self {
        value as f32
    }
}

impl Real for f64 {
    fn from_f64(value: f64) -> Self {
        value
    }
}

/// Why a graph could not be interpreted.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{path}: {what}")]
pub struct EvalError {
    /// The node.
    pub path: String,
    /// What it lacks.
    pub what: &'static str,
}

/// Runs a graph on `[n, c, h, w]` images; the results are in the order of the outputs.
pub fn eval<T: Real>(graph: &Graph, images: &Array4<T>) -> Result<Vec<Array4<T>>, EvalError> {
    let mut values: HashMap<NodeId, Array4<T>> = HashMap::new();
    let mut left: HashMap<NodeId, usize> = HashMap::new();
    let mut outputs: Vec<(usize, Array4<T>)> = Vec::new();
    for id in graph.order() {
        let node = graph.node(id);
        let operands = graph.operands(id);
        let inputs: Vec<&Array4<T>> = operands.iter().filter_map(|o| values.get(o)).collect();
        let value = match &node.op {
            Op::Input => images.clone(),
            op => eval_op(op, &inputs, node.shape)
                .map_err(|what| EvalError { path: node.path.clone(), what })?,
        };
        if let Op::Output { index, .. } = node.op {
            outputs.push((index, value.clone()));
        }
        for operand in operands {
            let uses = left.entry(operand).or_insert_with(|| graph.uses(operand).len());
            *uses -= 1;
            if *uses == 0 {
                values.remove(&operand);
            }
        }
        values.insert(id, value);
    }
    outputs.sort_by_key(|(index, _)| *index);
    Ok(outputs.into_iter().map(|(_, value)| value).collect())
}

/// The value of one node, computed from those that `known` has of the nodes before it: nothing behind a known
/// value is looked at.
///
/// # Errors
///
/// If a constant has no values, or the known ones do not fit the graph.
pub fn eval_at<T: Real>(
    graph: &Graph,
    target: NodeId,
    known: &dyn Fn(NodeId) -> Option<Array4<T>>,
) -> Result<Array4<T>, EvalError> {
    let mut values: HashMap<NodeId, Array4<T>> = HashMap::new();
    let mut wanted = HashSet::from([target]);
    let mut open = vec![target];
    while let Some(id) = open.pop() {
        for operand in graph.operands(id) {
            if !wanted.insert(operand) {
                continue;
            }
            match known(operand) {
                Some(value) => _ = values.insert(operand, value),
                None => open.push(operand),
            }
        }
    }
    for id in graph.order().into_iter().filter(|id| wanted.contains(id)) {
        if values.contains_key(&id) {
            continue;
        }
        let inputs: Vec<&Array4<T>> = graph.operands(id).iter().filter_map(|o| values.get(o)).collect();
        let node = graph.node(id);
        let value = eval_op(&node.op, &inputs, node.shape);
        let value = value.map_err(|what| EvalError { path: node.path.clone(), what })?;
        if id == target {
            return Ok(value);
        }
        values.insert(id, value);
    }
    Err(EvalError { path: graph.node(target).path.clone(), what: "it reads itself" })
}

const NO_VALUES: &str = "the graph has no weights";

fn eval_op<T: Real>(op: &Op, inputs: &[&Array4<T>], shape: [usize; 3]) -> Result<Array4<T>, &'static str> {
    let x = *inputs.first().ok_or("an operand is missing")?;
    Ok(match op {
        Op::Input => return Err("an input has no operand"),
        Op::Conv(c) => {
            let mut y = conv(x, c)?;
            if let Some(residual) = c.residual {
                add_residual(&mut y, inputs[1], residual);
            }
            activate(y, c.activation)
        }
        Op::Linear(linear) => {
            let (n, features) = (x.dim().0, linear.weight.shape[0]);
            let weight = matrix::<T>(&linear.weight, features)?;
            let rows = Array2::from_shape_vec((n, weight.ncols()), x.iter().copied().collect())
                .map_err(|_| "it reads a map")?;
            let mut y = product(rows.view(), weight.t());
            if let Some(bias) = &linear.bias {
                for (mut column, b) in y.columns_mut().into_iter().zip(values(bias)?) {
                    column.map_inplace(|v| *v += T::from_f64(f64::from(*b)));
                }
            }
            let y = Array4::from_shape_fn((n, features, 1, 1), |(i, f, _, _)| y[[i, f]]);
            activate(y, linear.activation)
        }
        Op::BatchNorm { weight, bias, mean, variance, eps } => {
            let (g, b, m, v) = (values(weight)?, values(bias)?, values(mean)?, values(variance)?);
            by_channel(x, |c, value| {
                let [g, b, m, v] = [g[c], b[c], m[c], v[c]].map(f64::from);
                (value - m) / (v + eps).sqrt() * g + b
            })
        }
        Op::ScaleShift { scale, shift, activation } => {
            let (scale, shift) = (values(scale)?, values(shift)?);
            let y = by_channel(x, |c, value| value * f64::from(scale[c]) + f64::from(shift[c]));
            activate(y, *activation)
        }
        Op::Activation(a) => activate(x.clone(), *a),
        Op::Add { residual, activation } => {
            let mut y = x.clone();
            add_residual(&mut y, inputs[1], *residual);
            activate(y, *activation)
        }
        Op::Gate(gate) => {
            let by = inputs[1].broadcast(x.dim()).ok_or("a gate does not fit")?;
            let mut y = x * &by;
            if let Some(residual) = gate.residual {
                add_residual(&mut y, inputs[2], residual);
            }
            activate(y, gate.activation)
        }
        Op::MaxPool(window) => {
            pool(x, window, shape, |w| w.values.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b)))
        }
        Op::AvgPool { window, count_include_pad } => pool(x, window, shape, |w| {
            let divisor = if *count_include_pad { w.padded } else { w.values.len() };
            w.values.iter().sum::<f64>() / divisor as f64
        }),
        Op::GlobalAvgPool => {
            let (n, c, h, w) = x.dim();
            let mean = |i, k| {
                x.index_axis(Axis(0), i).index_axis(Axis(0), k).iter().map(|&v| v.into()).sum::<f64>()
                    / (h * w) as f64
            };
            Array4::from_shape_fn((n, c, 1, 1), |(i, k, _, _)| T::from_f64(mean(i, k)))
        }
        Op::ZeroPad(read) => {
            let mut y = Array4::default((x.dim().0, shape[0], shape[1], shape[2]));
            add_residual(&mut y, x, *read);
            y
        }
        Op::Softmax => softmax(x),
        Op::BlurPool { size, stride, pad } => blur(x, *size, *stride, *pad, shape),
        Op::Dropout | Op::Output { .. } => x.clone(),
    })
}

fn values(constant: &Constant) -> Result<&[f32], &'static str> {
    constant.values.as_ref().map(|values| values.as_slice()).ok_or(NO_VALUES)
}

/// A constant as a matrix of so many rows.
fn matrix<T: Real>(constant: &Constant, rows: usize) -> Result<Array2<T>, &'static str> {
    let data: Vec<T> = values(constant)?.iter().map(|&v| T::from_f64(f64::from(v))).collect();
    Array2::from_shape_vec((rows, data.len() / rows.max(1)), data).map_err(|_| "a constant has a wrong shape")
}

fn product<T: Real>(a: ArrayView2<T>, b: ArrayView2<T>) -> Array2<T> {
    let (m, k, n) = (a.nrows(), a.ncols(), b.ncols());
    let (a, b) = (a.iter().copied().collect::<Vec<_>>(), b.iter().copied().collect::<Vec<_>>());
    let mut c = vec![T::default(); m * n];
    T::gemm(m, k, n, &a, &b, &mut c);
    Array2::from_shape_fn((m, n), |(i, j)| c[i * n + j])
}

fn conv<T: Real>(x: &Array4<T>, c: &Conv) -> Result<Array4<T>, &'static str> {
    let a = &c.attributes;
    let (n, channels, h, w) = x.dim();
    let [kh, kw] = a.kernel;
    let windows = |length: usize, pads: usize, i: usize| {
        let last = (length + pads).checked_sub((a.kernel[i] - 1) * a.dilation[i] + 1);
        last.map(|last| last / a.stride[i] + 1).ok_or("a window does not fit its map")
    };
    let (oh, ow) = (windows(h, a.pad.top + a.pad.bottom, 0)?, windows(w, a.pad.left + a.pad.right, 1)?);
    let (group_in, group_out) = (channels / a.groups, a.channels / a.groups);
    let weight = matrix::<T>(&c.weight, a.channels)?;
    let mut out = Array4::<T>::default((n, a.channels, oh, ow));
    for image in 0..n {
        for group in 0..a.groups {
            let mut columns = Array2::<T>::default((group_in * kh * kw, oh * ow));
            for ((row, column), value) in columns.indexed_iter_mut() {
                let (k, ky, kx) = (row / (kh * kw), row / kw % kh, row % kw);
                let y = (column / ow * a.stride[0] + ky * a.dilation[0]).wrapping_sub(a.pad.top);
                let x_at = (column % ow * a.stride[1] + kx * a.dilation[1]).wrapping_sub(a.pad.left);
                if y < h && x_at < w {
                    *value = x[[image, group * group_in + k, y, x_at]];
                }
            }
            let rows = weight.slice_axis(Axis(0), Slice::from(group * group_out..(group + 1) * group_out));
            let result = product(rows, columns.view());
            for (k, row) in result.rows().into_iter().enumerate() {
                let mut planes = out.index_axis_mut(Axis(0), image);
                let mut plane = planes.index_axis_mut(Axis(0), group * group_out + k);
                plane.iter_mut().zip(row).for_each(|(slot, value)| *slot = *value);
            }
        }
    }
    if let Some(bias) = &c.bias {
        for (mut plane, b) in out.axis_iter_mut(Axis(1)).zip(values(bias)?) {
            plane.map_inplace(|v| *v += T::from_f64(f64::from(*b)));
        }
    }
    Ok(out)
}

fn add_residual<T: Real>(y: &mut Array4<T>, residual: &Array4<T>, read: ResidualRead) {
    for ((n, c, h, w), value) in y.indexed_iter_mut() {
        let from =
            c.checked_sub(read.before).and_then(|c| residual.get([n, c, h * read.stride, w * read.stride]));
        if let Some(summand) = from {
            *value += *summand;
        }
    }
}

fn by_channel<T: Real>(x: &Array4<T>, f: impl Fn(usize, f64) -> f64) -> Array4<T> {
    Array4::from_shape_fn(x.dim(), |(n, c, h, w)| T::from_f64(f(c, x[[n, c, h, w]].into())))
}

fn activate<T: Real>(mut x: Array4<T>, activation: Activation) -> Array4<T> {
    if activation != Activation::None {
        x.map_inplace(|v| *v = T::from_f64(apply(activation, (*v).into())));
    }
    x
}

/// An activation by its definition.
pub fn apply(activation: Activation, x: f64) -> f64 {
    let sigmoid = |x: f64| 1.0 / (1.0 + (-x).exp());
    let hard_sigmoid = |x: f64| (x + 3.0).clamp(0.0, 6.0) / 6.0;
    match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
        Activation::LeakyRelu(slope) => {
            if x > 0.0 {
                x
            } else {
                x * f64::from(slope)
            }
        }
        Activation::Silu => x * sigmoid(x),
        Activation::Gelu => x * 0.5 * (1.0 + libm::erf(x / std::f64::consts::SQRT_2)),
        Activation::Sigmoid => sigmoid(x),
        Activation::HardSigmoid => hard_sigmoid(x),
        Activation::HardSwish => x * hard_sigmoid(x),
        Activation::Tanh => x.tanh(),
    }
}

/// What a pooling window sees.
struct Seen {
    /// Values within the map.
    values: Vec<f64>,
    /// Positions within the map and its padding.
    padded: usize,
}

fn pool<T: Real>(x: &Array4<T>, window: &Window, shape: [usize; 3], f: impl Fn(Seen) -> f64) -> Array4<T> {
    let (n, _, h, w) = x.dim();
    let Window { kernel, stride, pad, .. } = window;
    Array4::from_shape_fn((n, shape[0], shape[1], shape[2]), |(i, c, oy, ox)| {
        let mut seen = Seen { values: Vec::new(), padded: 0 };
        for y in oy * stride[0]..oy * stride[0] + kernel[0] {
            for x_at in ox * stride[1]..ox * stride[1] + kernel[1] {
                let inside = y < h + pad.top + pad.bottom && x_at < w + pad.left + pad.right;
                seen.padded += usize::from(inside);
                let (y, x_at) = (y.wrapping_sub(pad.top), x_at.wrapping_sub(pad.left));
                if y < h && x_at < w {
                    seen.values.push(x[[i, c, y, x_at]].into());
                }
            }
        }
        T::from_f64(f(seen))
    })
}

fn softmax<T: Real>(x: &Array4<T>) -> Array4<T> {
    let mut y = x.clone();
    for mut lane in y.lanes_mut(Axis(1)) {
        let top = lane.iter().fold(f64::NEG_INFINITY, |a, &b| a.max(b.into()));
        let sum: f64 = lane.iter().map(|&v| (v.into() - top).exp()).sum();
        lane.map_inplace(|v| *v = T::from_f64(((*v).into() - top).exp() / sum));
    }
    y
}

fn blur<T: Real>(x: &Array4<T>, size: usize, stride: usize, pad: usize, shape: [usize; 3]) -> Array4<T> {
    let (n, _, h, w) = x.dim();
    // Pascal's triangle, row by row.
    let taps = (1..size).fold(vec![1.0f64], |row, _| {
        let at = |i: usize| row.get(i).copied().unwrap_or_default();
        (0..=row.len()).map(|i| at(i) + at(i.wrapping_sub(1))).collect()
    });
    let total: f64 = taps.iter().sum();
    let mirror = |at: usize, length: usize| -> usize {
        let at = at.abs_diff(pad);
        if at < length { at } else { 2 * (length - 1) - at }
    };
    Array4::from_shape_fn((n, shape[0], shape[1], shape[2]), |(i, c, oy, ox)| {
        let mut sum = 0.0;
        for (ky, ty) in taps.iter().enumerate() {
            for (kx, tx) in taps.iter().enumerate() {
                let value: f64 = x[[i, c, mirror(oy * stride + ky, h), mirror(ox * stride + kx, w)]].into();
                sum += ty * tx * value;
            }
        }
        T::from_f64(sum / (total * total))
    })
}
