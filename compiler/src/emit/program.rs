//! A standalone program: the network's module, and a `main` that hands it to the runtime.

use quote::{format_ident, quote};

use resnetc_runtime::plan::Plan;

use super::network::{Weights, module_name, network, pretty};

/// The `main.rs` of a program. With [`Weights::File`] the program looks for `weights_file` beside
/// its executable.
pub fn program(plan: &Plan, weights: &Weights, weights_file: &str) -> String {
    let module = format_ident!("{}", module_name(&plan.name));
    let source = match weights {
        Weights::Embedded(_) => quote! { Weights::Embedded(#module::WEIGHTS) },
        Weights::File => quote! { Weights::Beside(#weights_file) },
    };
    let main = pretty(quote! {
        use resnetc_runtime::program::{Program, Weights};

        fn main() -> std::process::ExitCode {
            resnetc_runtime::program::main(&Program { plan: &#module::PLAN, weights: #source })
        }
    });
    format!("#![forbid(unsafe_code)]\n\n{main}\n{}", network(plan, weights))
}
