//! A standalone program: the network's module, and a `main` that hands it to the runtime.

use quote::{format_ident, quote};

use resnetc_runtime::plan::Plan;

use super::network::{Weights, module_name, network, pretty};

/// The `main.rs` of a program. Its weights are in the file of the name `beside` in its folder, or
/// appended to the executable.
pub fn program(plan: &Plan, beside: Option<&str>) -> String {
    let module = format_ident!("{}", module_name(&plan.name));
    let source = match beside {
        Some(file) => quote! { Weights::Beside(#file) },
        None => quote! { Weights::Appended },
    };
    let main = pretty(quote! {
        use resnetc_runtime::program::{Program, Weights};

        fn main() -> std::process::ExitCode {
            resnetc_runtime::program::main(&Program { plan: &#module::PLAN, weights: #source })
        }
    });
    format!("#![forbid(unsafe_code)]\n\n{main}\n{}", network(plan, &Weights::Program))
}
