//! 3 x 3 convolutions in groups: those of ResNeXt-50 32x4d, and depthwise ones.

mod shapes;

use shapes::{Window, measure};

fn main() {
    let conv = |channels, side| Window::new([channels, side, side], channels, 3);
    let resnext = [
        conv(128, 56),
        conv(256, 56).stride(2),
        conv(256, 28),
        conv(512, 28).stride(2),
        conv(512, 14),
        conv(1024, 14).stride(2),
        conv(1024, 7),
    ]
    .map(|window| window.groups(32));
    let depthwise = [
        conv(64, 56).groups(64),
        conv(128, 56).groups(128).stride(2),
        conv(128, 28).groups(128),
        conv(256, 14).groups(256),
        conv(512, 7).groups(512),
    ];
    measure("grouped", resnext.into_iter().chain(depthwise).map(Window::case));
}
