//! 3 x 3 convolutions of ResNet-50's stages, and of the CIFAR networks'.

mod shapes;

use shapes::{Window, measure};

fn main() {
    let conv = |input, channels| Window::new(input, channels, 3);
    let imagenet = [
        conv([64, 56, 56], 64),
        conv([128, 56, 56], 128).stride(2),
        conv([128, 28, 28], 128),
        conv([256, 28, 28], 256).stride(2),
        conv([256, 14, 14], 256),
        conv([512, 14, 14], 512).stride(2),
        conv([512, 7, 7], 512),
    ];
    let cifar = [
        conv([16, 32, 32], 16),
        conv([16, 32, 32], 32).stride(2),
        conv([32, 16, 16], 32),
        conv([32, 16, 16], 64).stride(2),
        conv([64, 8, 8], 64),
    ];
    measure("conv3x3", imagenet.into_iter().chain(cifar).map(Window::case));
}
