//! 1 x 1 convolutions of ResNet-50's bottlenecks: into one, out of one, and the projections beside.

mod shapes;

use shapes::{Window, measure};

fn main() {
    let conv = |input, channels| Window::new(input, channels, 1);
    let reduce = [
        conv([64, 56, 56], 64),
        conv([256, 56, 56], 64),
        conv([512, 28, 28], 128),
        conv([1024, 14, 14], 256),
        conv([2048, 7, 7], 512),
    ];
    let expand = [
        conv([64, 56, 56], 256).shortcut(),
        conv([128, 28, 28], 512).shortcut(),
        conv([256, 14, 14], 1024).shortcut(),
        conv([512, 7, 7], 2048).shortcut(),
    ];
    let project = [
        conv([64, 56, 56], 256),
        conv([256, 56, 56], 512).stride(2),
        conv([512, 28, 28], 1024).stride(2),
        conv([1024, 14, 14], 2048).stride(2),
    ];
    measure("conv1x1", reduce.into_iter().chain(expand).chain(project).map(Window::case));
}
