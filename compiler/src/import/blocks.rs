//! Which block of the language each block of the network is.
//!
//! Blocks of one [`Form`] differ in their widths alone. Where a standard block has the form and the
//! widths, it is used; else one block is defined for all of the form, with a parameter for each width
//! that does not follow from another.

use super::description::{Block, Network, Order, Pooled, Shortcut};

/// What the stages repeat, and the blocks that are defined for it.
#[derive(Debug)]
pub struct Blocks {
    /// For each stage its repetitions.
    pub stages: Vec<Vec<Repetition>>,
    /// Blocks that the spec defines.
    pub own: Vec<OwnBlock>,
}

/// `COUNT of NAME(args)`
#[derive(Debug)]
pub struct Repetition {
    /// How many blocks.
    pub count: usize,
    /// The block.
    pub name: String,
    /// Its arguments; by place where there is no name.
    pub args: Vec<(Option<&'static str>, usize)>,
}

/// A block that the spec defines.
#[derive(Debug)]
pub struct OwnBlock {
    /// Its name.
    pub name: String,
    /// Its parameters.
    pub params: Vec<String>,
    /// Everything but the widths.
    pub form: Form,
    /// Channels and groups of each convolution.
    pub convs: Vec<[Amount; 2]>,
    /// Channels between a gate's layers.
    pub squeeze: Option<Amount>,
}

/// A number in a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Amount {
    /// Itself.
    Literal(usize),
    /// A parameter.
    Param(String),
    /// A parameter divided.
    Part(String, usize),
}

/// What blocks have in common that differ in widths alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Form {
    /// Where norms stand.
    pub order: Order,
    /// Each convolution's kernel, whether it has a bias, and whether it has a norm.
    pub convs: Vec<([usize; 2], bool, bool)>,
    /// Whether the first convolution has the stride, whatever its kernel.
    pub strided_first: bool,
    /// Whether the layers of a gate have a bias, if there is a gate.
    pub gate: Option<bool>,
    /// The projection, if it is not the one that the language deduces.
    pub projection: Option<ProjectionForm>,
}

/// A projection that a block spells out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectionForm {
    /// Of its convolution.
    pub kernel: [usize; 2],
    /// Whether that has a bias.
    pub bias: bool,
    /// Whether a norm follows.
    pub norm: bool,
    /// Whether the mean is taken first.
    pub pooled: bool,
}

/// The widths of a block.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Widths {
    channels: Vec<usize>,
    groups: Vec<usize>,
    squeeze: Option<usize>,
}

/// Blocks that follow each other and are equal.
#[derive(Debug)]
struct Run {
    count: usize,
    form: Form,
    widths: Widths,
}

/// Finds the blocks of a network that has this name.
pub fn blocks(network: &Network, name: &str) -> Blocks {
    let stages: Vec<Vec<Run>> = (0..network.stages.len()).map(|stage| runs(network, stage)).collect();
    let mut forms: Vec<&Form> = Vec::new();
    for run in stages.iter().flatten() {
        if !forms.contains(&&run.form) {
            forms.push(&run.form);
        }
    }
    let mut own = Vec::new();
    let mut calls = Vec::new();
    for form in forms {
        let all = || stages.iter().flatten().filter(|run| run.form == *form);
        let standard: Option<Vec<_>> = all().map(|run| standard(form, &run.widths)).collect();
        match standard.filter(|calls| calls.iter().all(|(name, _)| *name == calls[0].0)) {
            Some(_) => calls.push((form, None)),
            None => {
                let number = if own.is_empty() { String::new() } else { (own.len() + 1).to_string() };
                let widths: Vec<&Widths> = all().map(|run| &run.widths).collect();
                own.push(define(form, format!("{name}_block{number}"), &widths));
                calls.push((form, Some(own.len() - 1)));
            }
        }
    }
    let call = |run: &Run| {
        let own =
            calls.iter().find(|(form, _)| **form == run.form).and_then(|(_, own)| *own).map(|at| &own[at]);
        let (name, args) = match own {
            Some(own) => (own.name.clone(), own.arguments(&run.widths)),
            None => standard(&run.form, &run.widths)
                .map_or_else(Default::default, |(name, args)| (name.into(), args)),
        };
        Repetition { count: run.count, name, args }
    };
    let stages = stages.iter().map(|runs| runs.iter().map(call).collect()).collect();
    Blocks { stages, own }
}

/// The runs of equal blocks of a stage.
fn runs(network: &Network, stage: usize) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    let projection = find_projection(network, stage);
    for block in &network.stages[stage].blocks {
        let form = Form {
            order: network.order,
            convs: block.convs.iter().map(|conv| (conv.kernel, conv.bias, conv.norm.is_some())).collect(),
            strided_first: network.ported && block.convs.iter().all(|conv| conv.groups == 1),
            gate: block.gate.as_ref().map(|gate| gate.bias),
            projection: projection.clone(),
        };
        let widths = Widths {
            channels: block.convs.iter().map(|conv| conv.channels).collect(),
            groups: block.convs.iter().map(|conv| conv.groups).collect(),
            squeeze: block.gate.as_ref().map(|gate| gate.squeeze),
        };
        match runs.last_mut() {
            Some(last) if last.form == form && last.widths == widths => last.count += 1,
            _ => runs.push(Run { count: 1, form, widths }),
        }
    }
    runs
}

/// The projection of a stage's blocks, if the language does not deduce it: that of the stage, or that of
/// another if this one has none.
fn find_projection(network: &Network, stage: usize) -> Option<ProjectionForm> {
    let of = |block: &Block| {
        block.projection.as_ref().map(|projection| ProjectionForm {
            kernel: projection.conv.kernel,
            bias: projection.conv.bias,
            norm: projection.conv.norm.is_some(),
            pooled: projection.pooled != Pooled::No,
        })
    };
    let own = network.stages[stage].blocks.iter().find_map(of);
    let found = own.or_else(|| network.stages.iter().flat_map(|stage| &stage.blocks).find_map(of))?;
    let norm = network.order == Order::Post;
    let deduced = ProjectionForm { kernel: [1, 1], bias: false, norm, pooled: false };
    (network.shortcut != Shortcut::ZeroPad && found != deduced).then_some(found)
}

type Args = Vec<(Option<&'static str>, usize)>;

/// The standard block of a form and widths, and its arguments.
fn standard(form: &Form, widths: &Widths) -> Option<(&'static str, Args)> {
    const POOLED: ProjectionForm = ProjectionForm { kernel: [1, 1], bias: false, norm: true, pooled: true };
    let plain = form.convs.iter().all(|(_, bias, norm)| !bias && *norm);
    let kernels: Vec<[usize; 2]> = form.convs.iter().map(|(kernel, _, _)| *kernel).collect();
    let dense = widths.groups.iter().all(|&groups| groups == 1);
    if !plain || (form.strided_first && kernels[0] == [1, 1]) {
        return None;
    }
    match (&kernels[..], &widths.channels[..]) {
        ([[3, 3], [3, 3]], [a, b]) if a == b && dense && form.gate.is_none() && form.projection.is_none() => {
            let name = if form.order == Order::Post { "basic" } else { "preact_basic" };
            Some((name, vec![(None, *a)]))
        }
        ([[1, 1], [3, 3], [1, 1]], &[a, b, c]) if a == b => {
            let [one, groups, other] = widths.groups[..] else { return None };
            let expansion = c / a;
            let whole = c % a == 0;
            let own = |default: usize| (expansion != default).then_some((Some("expansion"), expansion));
            match (form.order, form.gate, &form.projection) {
                (Order::Post, None, None) if one == 1 && other == 1 => grouped(a, c, groups),
                (Order::Pre, None, None) if dense && whole => {
                    Some(("preact_bottleneck", [(None, a)].into_iter().chain(own(4)).collect()))
                }
                (Order::Post, None, Some(form)) if dense && whole && *form == POOLED => {
                    Some(("bottleneck_d", [(None, a)].into_iter().chain(own(4)).collect()))
                }
                (Order::Post, Some(true), None) if dense && whole => {
                    let squeeze = widths.squeeze.filter(|squeeze| c % squeeze == 0)?;
                    let reduction = c / squeeze;
                    let reduction = (reduction != 16).then_some((Some("reduction"), reduction));
                    Some(("bottleneck_se", [(None, a)].into_iter().chain(own(4)).chain(reduction).collect()))
                }
                _ => None,
            }
        }
        _ => None,
    }
}

/// `bottleneck` with its groups: `inner = width * base / 64 * groups`.
fn grouped(inner: usize, outputs: usize, groups: usize) -> Option<(&'static str, Args)> {
    if groups == 1 && outputs.is_multiple_of(inner) && outputs / inner != 4 && outputs / inner != 2 {
        return Some(("bottleneck", vec![(None, inner), (Some("expansion"), outputs / inner)]));
    }
    let width = outputs / 4;
    if !outputs.is_multiple_of(4) || !inner.is_multiple_of(groups) {
        return None;
    }
    let base = (inner / groups).checked_mul(64)?.checked_div(width)?;
    let exact = (width.checked_mul(base)? / 64).checked_mul(groups) == Some(inner) && base > 0;
    let groups = (groups != 1).then_some((Some("groups"), groups));
    let base = (base != 64).then_some((Some("base"), base));
    exact.then(|| ("bottleneck", [(None, width)].into_iter().chain(groups).chain(base).collect()))
}

/// Defines a block for all blocks of a form.
fn define(form: &Form, name: String, all: &[&Widths]) -> OwnBlock {
    let last = form.convs.len() - 1;
    let of =
        |get: &dyn Fn(&Widths) -> usize| -> Vec<usize> { all.iter().map(|widths| get(widths)).collect() };
    let width = of(&|w| w.channels[last]);
    let mut params = vec![("width".to_owned(), width)];
    let mut find = |values: Vec<usize>, name: &str| -> Amount {
        if let Some((known, _)) = params.iter().find(|(_, known)| *known == values) {
            return Amount::Param(known.clone());
        }
        let by = params[0].1[0] / values[0].max(1);
        if by > 1
            && params[0].1.iter().zip(&values).all(|(width, value)| width % by == 0 && width / by == *value)
        {
            return Amount::Part("width".to_owned(), by);
        }
        let name = if params.iter().any(|(known, _)| known == name) {
            format!("{name}{}", params.len())
        } else {
            name.to_owned()
        };
        params.push((name.clone(), values));
        Amount::Param(name)
    };
    let mut convs = Vec::new();
    for at in 0..=last {
        let channels = find(of(&|w| w.channels[at]), "inner");
        let groups = of(&|w| w.groups[at]);
        let constant = groups.iter().all(|count| *count == groups[0]);
        let groups = if constant { Amount::Literal(groups[0]) } else { find(groups, "groups") };
        convs.push([channels, groups]);
    }
    let squeeze = form.gate.map(|_| find(of(&|w| w.squeeze.unwrap_or(1)), "squeeze"));
    let params = params.into_iter().map(|(name, _)| name).collect();
    OwnBlock { name, params, form: form.clone(), convs, squeeze }
}

impl OwnBlock {
    /// The arguments that give a block these widths.
    fn arguments(&self, widths: &Widths) -> Args {
        let slots = self.convs.iter().zip(widths.channels.iter().zip(&widths.groups));
        let slots = slots.flat_map(|([channels, groups], (c, g))| [(channels, *c), (groups, *g)]);
        let slots: Vec<(&Amount, usize)> = slots.chain(self.squeeze.as_ref().zip(widths.squeeze)).collect();
        let value =
            |param: &String| slots.iter().find(|(amount, _)| **amount == Amount::Param(param.clone()));
        self.params.iter().filter_map(|param| value(param).map(|(_, value)| (None, *value))).collect()
    }

    /// The convolution that takes the stride: the first of the largest kernel.
    pub fn strided(&self) -> usize {
        if self.form.strided_first {
            return 0;
        }
        let area = |at: &usize| self.form.convs[*at].0.into_iter().fold(1, usize::saturating_mul);
        let largest = (0..self.form.convs.len()).map(|at| area(&at)).max().unwrap_or(0);
        (0..self.form.convs.len()).find(|at| area(at) == largest).unwrap_or(0)
    }
}
