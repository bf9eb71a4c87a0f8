//! What networks begin with: convolutions from three channels, and the max pool behind.

mod shapes;

use resnetc_runtime::plan::{Op, Pool};
use shapes::{Arena, Case, Window, measure};

fn max_pool() -> Case {
    let mut arena = Arena::new(1);
    let (input, output) = (arena.map([64, 112, 112]), arena.map([64, 56, 56]));
    let op = Op::MaxPool(Pool::new(input, output, [3, 3]).stride([2, 2], [1, 1]));
    Case::new("max_pool_64x112x112", op, &arena, 0, 64 * 112 * 112)
}

fn main() {
    let imagenet = Window::new([3, 224, 224], 64, 7).stride(2).case();
    let cifar = Window::new([3, 32, 32], 16, 3).case();
    measure("stem", [imagenet, cifar, max_pool()]);
}
