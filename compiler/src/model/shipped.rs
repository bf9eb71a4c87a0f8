//! The files that come with the compiler: standard blocks and the shipped specs.

/// A text file that is part of the compiler.
#[derive(Clone, Copy, Debug)]
pub struct Shipped {
    /// Its path, as diagnostics show it.
    pub name: &'static str,
    /// Its text.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($base:literal: $($name:literal),* ;)*) => {
        &[$($(Shipped { name: $name, text: include_str!(concat!($base, $name)) },)*)*]
    };
}

/// The standard blocks, written in the language itself.
pub const STANDARD: &[Shipped] = shipped! {
    "../": "std/basic.resnet", "std/bottleneck.resnet", "std/preact.resnet";
};

/// The shipped specs; every model in them can be named by its name alone.
pub const SPECS: &[Shipped] = shipped! {
    "../../../": "specs/imagenet/resnet.resnet", "specs/imagenet/variants.resnet",
        "specs/imagenet/preact.resnet", "specs/cifar/resnet.resnet", "specs/cifar/preact.resnet",
        "specs/cifar/wide.resnet", "specs/cifar/resnext.resnet", "specs/mlperf_tiny/resnet8.resnet";
};

/// Lists of class names that shipped specs refer to.
pub const LABELS: &[Shipped] = shipped! {
    "../../../": "specs/imagenet/labels.txt", "specs/cifar/cifar10.txt";
};
