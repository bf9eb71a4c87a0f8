//! A plan as a module of constants.

use std::collections::HashMap;

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::{format_ident, quote};

use resnetc_runtime::plan::{Border, Element, Filter, Plan, Section, Split, Stage, Step, View};

use super::ops::emit_op;

/// Where a compiled network finds its weights.
#[derive(Clone, Debug, PartialEq)]
pub enum Weights {
    /// In the binary: the path of the packed weights, as `include_bytes!` takes it.
    Embedded(String),
    /// In a file that the caller opens.
    File,
    /// Where the runtime's command line finds them: at the end of the program, or beside it.
    Program,
}

/// What the runtime's plan module has that emitted code may use.
const RUNTIME_NAMES: &[&str] = &[
    "Activation",
    "Algorithm",
    "AvgPool",
    "BlurPool",
    "Border",
    "Conv",
    "Depthwise",
    "Element",
    "Filter",
    "Op",
    "Output",
    "Plan",
    "Pool",
    "Preprocess",
    "Residual",
    "Scale",
    "Section",
    "Split",
    "Stage",
    "Step",
    "View",
    "winograd",
];

/// The module of a plan, formatted: `pub mod NAME { … }`. Class names are included from the file
/// [`labels_file`], a name a line.
pub fn network(plan: &Plan, weights: &Weights) -> String {
    let module = format_ident!("{}", module_name(&plan.name));
    let items = items(plan, weights);
    let title = format!(" The network `{}`, compiled by resnetc {}.", plan.name, env!("CARGO_PKG_VERSION"));
    pretty(quote! {
        #[doc = #title]
        #[forbid(unsafe_code)]
        pub mod #module {
            #items
        }
    })
}

/// The name of the file with a plan's class names, beside the emitted code.
pub fn labels_file(plan: &Plan) -> String {
    format!("{}.labels", module_name(&plan.name))
}

/// Formats items.
pub(super) fn pretty(tokens: TokenStream) -> String {
    match syn::parse2(tokens) {
        Ok(file) => prettyplease::unparse(&file),
        Err(error) => unreachable!("emitted code is Rust: {error}"),
    }
}

/// A model's name as a module's.
pub fn module_name(name: &str) -> String {
    let word: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let word = word.to_ascii_lowercase();
    // A word of the language, a number, or a crate that emitted code names, is no name.
    let taken = ["alloc", "core", "resnetc_runtime", "std"].contains(&word.as_str());
    match syn::parse_str::<syn::Ident>(&word) {
        Ok(_) if !taken => word,
        _ => format!("net_{word}"),
    }
}

/// Maps that have a name in the emitted code.
#[derive(Default)]
pub(super) struct Maps {
    views: Vec<View>,
    places: HashMap<View, usize>,
}

impl Maps {
    /// The constant that stands for a map.
    pub fn name(&mut self, view: &View) -> Ident {
        let index = *self.places.entry(*view).or_insert_with(|| {
            self.views.push(*view);
            self.views.len() - 1
        });
        format_ident!("M{index}")
    }

    fn items(&self) -> TokenStream {
        let consts = self.views.iter().enumerate().map(|(index, view)| {
            let name = format_ident!("M{index}");
            let value = emit_view(view);
            quote! { const #name: View = #value; }
        });
        quote! { #(#consts)* }
    }
}

pub(super) fn number(value: usize) -> Literal {
    Literal::usize_unsuffixed(value)
}

pub(super) fn pair([a, b]: [usize; 2]) -> TokenStream {
    let (a, b) = (number(a), number(b));
    quote! { [#a, #b] }
}

fn triple(values: [usize; 3]) -> TokenStream {
    let values = values.map(number);
    quote! { [#(#values),*] }
}

fn emit_view(view: &View) -> TokenStream {
    let shape = [view.channels, view.height, view.width];
    let (offset, dims) = (number(view.offset), triple(shape));
    let mut out = quote! { View::new(#offset, #dims) };
    if view.element != Element::F32 {
        let element = emit_element(view.element);
        out = quote! { #out.of(#element) };
    }
    if view.pixel != View::new(0, shape).of(view.element).pixel {
        let pixel = number(view.pixel);
        out = quote! { #out.pixel(#pixel) };
    }
    if view.border != Border::NONE {
        let Border { top, left, bottom, right } = view.border;
        let border = if view.border == Border::all(top) {
            let width = number(top);
            quote! { Border::all(#width) }
        } else {
            let [top, left, bottom, right] = [top, left, bottom, right].map(number);
            quote! { Border { top: #top, left: #left, bottom: #bottom, right: #right } }
        };
        out = quote! { #out.bordered(#border) };
    }
    out
}

fn emit_element(element: Element) -> TokenStream {
    match element {
        Element::F32 => quote! { Element::F32 },
        Element::Bf16 => quote! { Element::Bf16 },
        Element::Split { parts } => {
            let parts = number(parts);
            quote! { Element::Split { parts: #parts } }
        }
        Element::U8(scale) => {
            if let Some((step, zero)) = scale.uniform() {
                let (step, zero) = (Literal::f32_unsuffixed(step), Literal::u8_unsuffixed(zero));
                return quote! { Element::U8(Scale::new(#step, #zero)) };
            }
            let [steps, zeros] = [scale.steps(), scale.zeros()].map(|four| four.map(Literal::f32_unsuffixed));
            quote! { Element::U8(Scale::of_channels([#(#steps),*], [#(#zeros),*])) }
        }
    }
}

fn items(plan: &Plan, weights: &Weights) -> TokenStream {
    let mut maps = Maps::default();
    let mut stages = TokenStream::new();
    let mut names: Vec<Ident> = Vec::new();
    for (index, stage) in plan.stages.iter().enumerate() {
        // Numbered, so that no two stages' constants can meet, nor a stage's and the module's own.
        let name = format_ident!("S{index}_{}", module_name(&stage.name).to_ascii_uppercase());
        stages.extend(emit_stage(stage, &name, &mut maps));
        names.push(name);
    }
    let maps = maps.items();
    let plan_item = emit_plan(plan, &names);
    let access = emit_access(weights);
    let items = quote! {
        #access
        #plan_item
        #stages
        #maps
    };
    let mut used = Vec::new();
    collect_idents(items.clone(), &mut used);
    let imports: Vec<_> =
        RUNTIME_NAMES.iter().filter(|n| used.iter().any(|u| u == *n)).map(|n| format_ident!("{n}")).collect();
    quote! {
        use std::borrow::Cow;
        use resnetc_runtime::plan::{#(#imports),*};
        #items
    }
}

fn collect_idents(tokens: TokenStream, into: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => collect_idents(group.stream(), into),
            TokenTree::Ident(ident) => into.push(ident.to_string()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn emit_access(weights: &Weights) -> TokenStream {
    match weights {
        Weights::Program => TokenStream::new(),
        Weights::Embedded(path) => quote! {
            /// The packed weights.
            pub static WEIGHTS: &[u8] = resnetc_runtime::include_weights!(#path);

            /// The network with its weights, checked.
            ///
            /// # Errors
            ///
            /// If the weights are not those that the network was compiled with.
            pub fn model() -> Result<resnetc_runtime::Model, resnetc_runtime::Error> {
                resnetc_runtime::Model::embedded(&PLAN, WEIGHTS)
            }
        },
        Weights::File => quote! {
            /// The network with its weights, mapped from a file and checked.
            ///
            /// # Errors
            ///
            /// If the file cannot be read, or is not what the network was compiled with.
            pub fn open(
                path: impl AsRef<std::path::Path>,
            ) -> Result<resnetc_runtime::Model, resnetc_runtime::Error> {
                resnetc_runtime::Model::open(&PLAN, path.as_ref())
            }
        },
    }
}

fn emit_plan(plan: &Plan, stages: &[Ident]) -> TokenStream {
    let name = &*plan.name;
    let digest = plan.digest.iter().map(|b| Literal::u8_unsuffixed(*b));
    let (batch, images, input) = (number(plan.batch), number(plan.images), triple(plan.input));
    let (arena, weights) = (number(plan.arena), number(plan.weights));
    let (params, macs) = (Literal::u64_unsuffixed(plan.params), Literal::u64_unsuffixed(plan.macs));
    let labels = match plan.labels.len() {
        0 => quote! { &[] },
        count => {
            let (count, file) = (number(count), labels_file(plan));
            quote! { &resnetc_runtime::plan::lines::<#count>(include_str!(#file)) }
        }
    };
    let outputs = plan.outputs.iter().map(|o| {
        let (name, shape) = (&*o.name, triple(o.shape));
        quote! { Output::new(#name, #shape) }
    });
    let titles = plan.stages.iter().map(|s| &*s.name);
    let p = &plan.preprocess;
    let resize = match p.resize {
        Some(side) => {
            let side = number(side);
            quote! { Some(#side) }
        }
        None => quote! { None },
    };
    let filter = match p.filter {
        Filter::Bilinear => quote! { Filter::Bilinear },
        Filter::Bicubic => quote! { Filter::Bicubic },
    };
    let (mean, std) = (p.mean.map(Literal::f32_unsuffixed), p.std.map(Literal::f32_unsuffixed));
    // Splitting very many names when the program is compiled takes rustc longer than it expects.
    let many = (plan.labels.len() > 10_000).then(|| quote! { #[allow(long_running_const_eval)] });
    quote! {
        /// The network: its interface, its memory, and its steps.
        #many
        pub static PLAN: Plan = Plan {
            name: Cow::Borrowed(#name),
            digest: [#(#digest),*],
            batch: #batch,
            images: #images,
            input: #input,
            preprocess: Preprocess {
                resize: #resize,
                filter: #filter,
                mean: [#(#mean),*],
                std: [#(#std),*],
            },
            labels: Cow::Borrowed(#labels),
            outputs: Cow::Borrowed(OUTPUTS),
            arena: #arena,
            weights: #weights,
            params: #params,
            macs: #macs,
            stages: Cow::Borrowed(STAGES),
        };

        const OUTPUTS: &[Output] = &[#(#outputs),*];
        const STAGES: &[Stage] = &[#(Stage::new(#titles, #stages)),*];
    }
}

/// A stage's sections, and the steps of each, as constants: references within function calls
/// would not outlive them.
fn emit_stage(stage: &Stage, constant: &Ident, maps: &mut Maps) -> TokenStream {
    let mut lists = TokenStream::new();
    let mut sections = Vec::new();
    for (index, section) in stage.sections.iter().enumerate() {
        let steps = match stage.sections.len() {
            1 => format_ident!("{constant}_STEPS"),
            _ => format_ident!("{constant}_STEPS_{index}"),
        };
        sections.push(emit_section(section, &steps));
        let list = section.steps.iter().map(|step| emit_step(step, maps));
        lists.extend(quote! { const #steps: &[Step] = &[#(#list),*]; });
    }
    quote! {
        const #constant: &[Section] = &[#(#sections),*];
        #lists
    }
}

fn emit_section(section: &Section, steps: &Ident) -> TokenStream {
    // A block that is like no other still has its number, which is in its steps' names.
    if (section.times, section.first) == (1, 0) {
        return quote! { Section::once(#steps) };
    }
    let (times, first, step) = (number(section.times), number(section.first), number(section.weight_step));
    quote! { Section::repeat(#times, #first, #step, #steps) }
}

fn emit_step(step: &Step, maps: &mut Maps) -> TokenStream {
    let name = &*step.name;
    let split = match step.split {
        Split::Rows => quote! { Split::Rows },
        Split::Channels => quote! { Split::Channels },
    };
    let op = emit_op(&step.op, maps);
    quote! { Step::new(#name, #split, #op) }
}
