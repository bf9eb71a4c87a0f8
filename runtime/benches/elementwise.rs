//! Operations bound by memory: affine, activation, addition, gate, and the mean and blur pools.

mod shapes;

use resnetc_runtime::plan::*;
use shapes::{Arena, Case, measure};

type Shape = [usize; 3];

fn case(kind: &str, shape: Shape, op: Op, arena: &Arena, weights: usize) -> Case {
    let [channels, height, width] = shape;
    let name = format!("{kind}_{channels}x{height}x{width}");
    Case::new(name, op, arena, weights, shape.iter().product())
}

fn affine(shape: Shape) -> Case {
    let mut arena = Arena::new(1);
    let (input, output) = (arena.map(shape), arena.map(shape));
    let op = Op::Affine { input, output, weights: 0, activation: Activation::Relu };
    case("affine", shape, op, &arena, 2 * output.pixel)
}

fn activate(kind: &str, shape: Shape, activation: Activation) -> Case {
    let mut arena = Arena::new(1);
    let (input, output) = (arena.map(shape), arena.map(shape));
    case(kind, shape, Op::Activate { input, output, activation }, &arena, 0)
}

fn add(shape: Shape) -> Case {
    let mut arena = Arena::new(1);
    let (input, other, output) = (arena.map(shape), arena.map(shape), arena.map(shape));
    let residual = Residual::identity(other);
    let op = Op::Add { input, residual, output, activation: Activation::Relu };
    case("add", shape, op, &arena, 0)
}

fn gate(shape: Shape) -> Case {
    let mut arena = Arena::new(1);
    let (input, gate, output) = (arena.map(shape), arena.map([shape[0], 1, 1]), arena.map(shape));
    let op = Op::Gate { input, gate, residual: None, output, activation: Activation::Relu };
    case("gate", shape, op, &arena, 0)
}

fn avg_pool(shape: Shape) -> Case {
    let mut arena = Arena::new(1);
    let (input, output) = (arena.map(shape), arena.map([shape[0], shape[1] / 2, shape[2] / 2]));
    let op = Op::AvgPool(AvgPool::new(Pool::new(input, output, [2, 2]), [0, 0], true));
    case("avg_pool", shape, op, &arena, 0)
}

fn global_avg_pool(shape: Shape) -> Case {
    let mut arena = Arena::new(1);
    let (input, output) = (arena.map(shape), arena.map([shape[0], 1, 1]));
    case("global_avg_pool", shape, Op::GlobalAvgPool { input, output }, &arena, 0)
}

fn blur_pool(shape: Shape) -> Case {
    let mut arena = Arena::new(1);
    let (input, output) = (arena.map(shape), arena.map([shape[0], shape[1] / 2, shape[2] / 2]));
    case("blur_pool", shape, Op::BlurPool(BlurPool::new(input, output, 3, 2, 1)), &arena, 0)
}

fn main() {
    let (wide, narrow) = ([256, 56, 56], [2048, 7, 7]);
    let cases = [
        affine(wide),
        affine(narrow),
        activate("relu", wide, Activation::Relu),
        activate("silu", wide, Activation::Silu),
        add(wide),
        add(narrow),
        gate(wide),
        avg_pool(wide),
        global_avg_pool(narrow),
        blur_pool(wide),
    ];
    measure("elementwise", cases);
}
