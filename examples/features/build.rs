//! Compiles the backbone when this program is compiled.

fn main() {
    resnetc::build_script::Build::new("backbone.resnet").run();
}
