//! Compiles the network when this program is compiled.

fn main() {
    resnetc::build_script::Build::new("../cifar10/cifar10.resnet").batch(8).run();
}
