//! Classifiers: 1 x 1 convolutions whose pixels are the images of a batch.

mod shapes;

use resnetc_runtime::plan::{Conv, Op};
use shapes::{Arena, Case, measure};

fn linear(inputs: usize, classes: usize, batch: usize) -> Case {
    let mut arena = Arena::new(batch);
    let (input, output) = (arena.map([inputs, 1, 1]), arena.map([classes, 1, 1]));
    let weights = output.pixel * (input.pixel + 1);
    let name = format!("{inputs}_to_{classes}_batch{batch}");
    Case::new(name, Op::Conv(Conv::new(input, output, 0)), &arena, weights, batch * inputs * classes)
}

fn main() {
    let sizes = [(2048, 1000), (512, 1000), (64, 10)];
    measure("linear", sizes.iter().flat_map(|&(inputs, classes)| [1, 8].map(|n| linear(inputs, classes, n))));
}
