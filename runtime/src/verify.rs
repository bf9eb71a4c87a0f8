//! The check of a plan, made once for each model; kernels then trust every number in it.
//!
//! In: a [`Plan`], by whomever it was written. Out: nothing, or the first rule that it breaks:
//!
//! 1. The batch, the images of a round, of which there are no more than a batch has, the sizes of the
//!    input and of each output, and all sizes, strides, dilations and repetitions are at least 1; there is
//!    an output; nothing overflows, for which a convolution's strides and dilations are at most 65,536.
//! 2. Each view lies in the arena for all images of a round, and its pixels have room for its channels.
//! 3. What an operation reads and what it writes agree in shape.
//! 4. What an operation writes overlaps nothing that it reads. Except: element-wise operations and
//!    the identity residual of a convolution may be in place, the two views being the same.
//! 5. The windows of a convolution stay within the input's border; those of a pooling operation each
//!    touch the map; a blur's reach no further than the map mirrored once.
//! 6. The channels of a convolution's output are padded to [`LANES`]; of several groups each has a
//!    multiple of [`LANES`] output channels, and `groups * group_input` is the input's pixel.
//! 7. Weights lie within the packed weights, in the last repetition of a section too; sections repeat
//!    at least once, and a round has a bounded number of steps.
//! 8. What loads the input has its shape; each output is stored exactly once, with its shape.
//! 9. Elements of fewer bits than a word fill whole panels, but for an image that is loaded and convolved;
//!    what is read in whole vectors has as many channels as what is written, padding included; a
//!    convolution of floats reads and writes floats alone; sums of products of bytes do not overflow;
//!    depthwise convolutions, blurs and softmax are of floats.

use std::fmt::Display;

use crate::plan::{
    Algorithm, AvgPool, BlurPool, Conv, Depthwise, Element, LANES, MOST_BYTE_PRODUCTS, Op, Output, Plan,
    Pool, Residual, Section, View,
};

/// The most taps of a blur: its coefficients are kept on the stack.
pub(crate) const BLUR_TAPS: usize = 16;

/// The largest stride or dilation of a convolution.
const MOST_STEP: usize = 1 << 16;

/// A plan that the kernels would not survive.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the plan is not sound: {step}: {reason}")]
pub struct Invalid {
    /// The step's name, or what else is wrong.
    pub step: String,
    /// The rule that is broken.
    pub reason: String,
}

type Checked = Result<(), String>;

impl Plan {
    /// Checks every invariant that the kernels rely on.
    ///
    /// # Errors
    ///
    /// The first rule that is broken, and where.
    pub fn verify(&self) -> Result<(), Invalid> {
        let mut total = 0_usize;
        let mut stored = vec![0_usize; self.outputs.len()];
        check_interface(self).map_err(|reason| Invalid { step: "interface".into(), reason })?;
        for stage in self.stages.iter() {
            for section in stage.sections.iter() {
                let fault = |reason| Invalid { step: stage.name.to_string(), reason };
                positive(&[section.times], "repetitions").map_err(fault)?;
                total = total.saturating_add(section.times.saturating_mul(section.steps.len().max(1)));
                ensure(total <= MOST_STEPS, "too many steps").map_err(fault)?;
                for step in section.steps.iter() {
                    check_step(self, section, &step.op, &mut stored)
                        .map_err(|reason| Invalid { step: step.name.to_string(), reason })?;
                }
            }
        }
        for (output, times) in self.outputs.iter().zip(stored) {
            if times != 1 {
                let reason = format!("stored {times} times, not once");
                return Err(Invalid { step: output.name.to_string(), reason });
            }
        }
        Ok(())
    }
}

fn ensure(holds: bool, reason: impl Display) -> Checked {
    if holds { Ok(()) } else { Err(reason.to_string()) }
}

/// `None` where the arithmetic overflowed.
fn fits(value: Option<usize>, limit: usize, what: &str) -> Checked {
    ensure(value.is_some_and(|value| value <= limit), format_args!("{what} out of range"))
}

fn product(factors: &[usize]) -> Option<usize> {
    factors.iter().try_fold(1_usize, |product, &factor| product.checked_mul(factor))
}

fn positive(values: &[usize], what: &str) -> Checked {
    ensure(!values.contains(&0), format_args!("{what} of 0"))
}

/// The most kernel calls of one round.
const MOST_STEPS: usize = 1 << 24;
/// The most elements of one allocation.
const MOST: usize = isize::MAX as usize / 8;
/// The most elements of a thread's own memory.
const MOST_SCRATCH: usize = 1 << 28;

fn check_interface(plan: &Plan) -> Checked {
    positive(&[plan.batch], "batch")?;
    positive(&[plan.images], "images")?;
    ensure(plan.images <= plan.batch, "more images go through the network than a run has")?;
    positive(&plan.input, "input size")?;
    ensure(!plan.outputs.is_empty(), "no output")?;
    let [c, h, w] = plan.input;
    fits(product(&[plan.batch, c, h, w]), MOST, "input")?;
    fits(Some(plan.arena), MOST, "arena")?;
    fits(Some(plan.weights), MOST, "weights")?;
    let mut total = Some(0_usize);
    for Output { shape: [c, h, w], .. } in plan.outputs.iter() {
        positive(&[*c, *h, *w], "output size")?;
        let size = product(&[plan.batch, *c, *h, *w]);
        total = total.zip(size).and_then(|(total, size)| total.checked_add(size));
    }
    fits(total, MOST, "outputs")
}

/// What the rules of one step are checked against.
struct Scope<'a> {
    plan: &'a Plan,
    section: &'a Section,
}

fn check_step(plan: &Plan, section: &Section, op: &Op, stored: &mut [usize]) -> Checked {
    let scope = Scope { plan, section };
    scope.weights(0, Some(0))?;
    match op {
        Op::Load { output } => {
            scope.image(output)?;
            ensure(shape(output) == plan.input, "not the input's shape")
        }
        Op::Conv(conv) => scope.conv(conv),
        Op::Depthwise(depthwise) => scope.depthwise(depthwise),
        Op::MaxPool(pool) => scope.pool(pool),
        Op::AvgPool(AvgPool { pool, pad_end, .. }) => {
            scope.pool(pool)?;
            ensure(pad_end.iter().all(|&pad| pad <= MOST), "padding out of range")
        }
        Op::GlobalAvgPool { input, output } => {
            scope.views(&[input, output])?;
            same_lanes(&[input, output])?;
            disjoint(scope.plan, output, input)?;
            ensure(shape(output) == [input.channels, 1, 1], "not the input's channels by 1 x 1")
        }
        Op::BlurPool(blur) => scope.blur(blur),
        Op::Affine { input, output, weights, .. } => {
            scope.element_wise(input, output)?;
            ensure(input.lanes() == output.lanes(), "input and output differ in pixel")?;
            scope.weights(*weights, output.lanes().checked_mul(2))
        }
        Op::Activate { input, output, .. } => scope.element_wise(input, output),
        Op::Add { input, residual, output, .. } => {
            scope.element_wise(input, output)?;
            scope.residual(residual, output)
        }
        Op::Gate { input, gate, residual, output, .. } => {
            scope.element_wise(input, output)?;
            scope.view(gate)?;
            same_lanes(&[input, gate, output])?;
            disjoint(plan, output, gate)?;
            let [c, h, w] = shape(output);
            let broadcast = [[c, h, w], [c, 1, 1]].contains(&shape(gate));
            ensure(broadcast, "the gate has neither the input's shape nor 1 x 1")?;
            residual.as_ref().map_or(Ok(()), |residual| scope.residual(residual, output))
        }
        Op::PadChannels { residual, output } => {
            scope.view(output)?;
            scope.residual(residual, output)
        }
        Op::Softmax { input, output } => {
            floats(&[input, output])?;
            scope.element_wise(input, output)
        }
        Op::Store { input, output } => {
            scope.view(input)?;
            let result = plan.outputs.get(*output).ok_or("no such output")?;
            ensure(shape(input) == result.shape, "not the output's shape")?;
            stored[*output] = stored[*output].saturating_add(section.times);
            Ok(())
        }
    }
}

fn shape(view: &View) -> [usize; 3] {
    [view.channels, view.height, view.width]
}

/// One past the view's last element, for all images of a round.
fn end(plan: &Plan, view: &View) -> Option<usize> {
    let border = view.border;
    let height = view.height.checked_add(border.top)?.checked_add(border.bottom)?;
    let width = view.width.checked_add(border.left)?.checked_add(border.right)?;
    product(&[plan.images, height, width, view.pixel])?.checked_add(view.offset)
}

fn disjoint(plan: &Plan, a: &View, b: &View) -> Checked {
    let apart = |a: &View, b: &View| end(plan, a).is_some_and(|end| end <= b.offset);
    ensure(apart(a, b) || apart(b, a), "the output overlaps what is read")
}

/// Whether every element of the one lies where the other's does.
fn same_place(a: &View, b: &View) -> bool {
    let place = |view: &View| View { channels: 0, element: Element::F32, ..*view };
    place(a) == place(b) && a.element.stores_as(b.element)
}

/// Whether pixels have as many channels, padding included, unless all are floats: others are read and
/// written in whole vectors.
fn same_lanes(views: &[&View]) -> Checked {
    let same = views.windows(2).all(|pair| pair[0].lanes() == pair[1].lanes());
    let floats = views.iter().all(|view| view.element == Element::F32);
    ensure(same || floats, "pixels of fewer bits than floats, and of other numbers of channels")
}

fn floats(views: &[&View]) -> Checked {
    ensure(views.iter().all(|view| view.element == Element::F32), "elements that are no floats")
}

fn disjoint_or_same(plan: &Plan, a: &View, b: &View) -> Checked {
    if same_place(a, b) { Ok(()) } else { disjoint(plan, a, b) }
}

impl Scope<'_> {
    fn view(&self, view: &View) -> Checked {
        self.image(view)?;
        let whole = view.element == Element::F32 || view.lanes().is_multiple_of(LANES);
        ensure(whole, "channels are not padded to panels")
    }

    /// A view of any number of channels.
    fn image(&self, view: &View) -> Checked {
        positive(&[view.height, view.width, view.channels], "map size")?;
        match view.element {
            Element::F32 | Element::Bf16 => {}
            Element::Split { parts } => {
                let whole = (2..=3).contains(&parts) && view.pixel.is_multiple_of(parts);
                ensure(whole, "a pixel is not divided into its parts")?;
            }
            Element::U8(scale) => {
                let sized = |step: f32| step > 0.0 && step.is_normal();
                ensure(scale.steps().into_iter().all(sized), "a scale of no size")?;
                let within = |zero: f32| (0.0..=255.0).contains(&zero);
                ensure(scale.zeros().into_iter().all(within), "a zero beyond 8 bits")?;
            }
        }
        ensure(view.pixel <= MOST, "pixel out of range")?;
        ensure(view.channels <= view.lanes(), "more channels than a pixel has")?;
        fits(end(self.plan, view), self.plan.arena, "view")
    }

    fn views(&self, views: &[&View]) -> Checked {
        views.iter().try_for_each(|view| self.view(view))
    }

    /// `len` weights at `offset`, in each repetition.
    fn weights(&self, offset: usize, len: Option<usize>) -> Checked {
        let moved = (self.section.times - 1).checked_mul(self.section.weight_step);
        let end = len.zip(moved).and_then(|(len, moved)| len.checked_add(moved)?.checked_add(offset));
        fits(end, self.plan.weights, "weights")
    }

    fn element_wise(&self, input: &View, output: &View) -> Checked {
        self.views(&[input, output])?;
        same_lanes(&[input, output])?;
        ensure(shape(input) == shape(output), "input and output differ in shape")?;
        disjoint_or_same(self.plan, output, input)
    }

    fn residual(&self, residual: &Residual, output: &View) -> Checked {
        let Residual { view, stride, channel_offset } = residual;
        self.view(view)?;
        positive(&[*stride], "residual stride")?;
        let last = |size: usize| (size - 1).checked_mul(*stride);
        let within = |size, limit| last(size).is_some_and(|last| last < limit);
        let covered = within(output.height, view.height) && within(output.width, view.width);
        ensure(covered, "the residual is smaller than the output")?;
        ensure(*channel_offset <= output.lanes(), "residual channels out of range")?;
        let identity = *stride == 1 && *channel_offset == 0;
        if identity { disjoint_or_same(self.plan, output, view) } else { disjoint(self.plan, output, view) }
    }

    fn conv(&self, conv: &Conv) -> Checked {
        let Conv { input, output, groups, group_input, .. } = conv;
        self.window(Window {
            input,
            output,
            kernel: conv.kernel,
            stride: conv.stride,
            dilation: conv.dilation,
            pad: conv.pad,
        })?;
        positive(&[*groups, *group_input], "group")?;
        let padded = output.channels.checked_next_multiple_of(LANES) == Some(output.lanes());
        ensure(padded, "output channels are not padded to panels")?;
        let whole = *groups == 1 || output.lanes().is_multiple_of(groups.saturating_mul(LANES));
        let shared = input.pixel == output.pixel && LANES.is_multiple_of(*group_input);
        if input.element == Element::F32 {
            floats(&[output])?;
            floats(&conv.residual.iter().map(|residual| &residual.view).collect::<Vec<_>>())?;
        } else {
            ensure(whole, "a group of few channels of several values a word")?;
            ensure(conv.algorithm == Algorithm::Direct, "an algorithm for floats")?;
            ensure(group_input.is_multiple_of(input.element.parts()), "a group is not divided into parts")?;
        }
        if let Element::U8(_) = input.element {
            fits(conv.depth(), MOST_BYTE_PRODUCTS, "sum of bytes' products")?;
        }
        ensure(whole || shared, "a group is no whole number of panels, nor is a panel of groups")?;
        let inputs = groups.checked_mul(*group_input) == Some(input.pixel);
        ensure(inputs, "the groups do not make up the input's pixel")?;
        if let Algorithm::Winograd { block, .. } = conv.algorithm {
            ensure(
                conv.suits_winograd(),
                "Winograd's algorithm is for a 3 x 3 kernel of stride 1 in one group",
            )?;
            positive(&[block], "block")?;
            fits(Some(conv.scratch()), MOST_SCRATCH, "block")?;
        }
        self.weights(conv.weights, conv.packed_weights())?;
        conv.residual.as_ref().map_or(Ok(()), |residual| self.residual(residual, output))
    }

    fn depthwise(&self, depthwise: &Depthwise) -> Checked {
        let Depthwise { input, output, kernel, .. } = depthwise;
        floats(&[input, output])?;
        floats(&depthwise.residual.iter().map(|residual| &residual.view).collect::<Vec<_>>())?;
        self.window(Window {
            input,
            output,
            kernel: *kernel,
            stride: depthwise.stride,
            dilation: depthwise.dilation,
            pad: depthwise.pad,
        })?;
        let same = input.channels == output.channels && input.pixel == output.pixel;
        ensure(same, "input and output differ in channels")?;
        let taps = product(kernel).and_then(|taps| taps.checked_add(1));
        self.weights(depthwise.weights, taps.and_then(|taps| taps.checked_mul(output.pixel)))?;
        depthwise.residual.as_ref().map_or(Ok(()), |residual| self.residual(residual, output))
    }

    /// Windows that read the border.
    fn window(&self, window: Window<'_>) -> Checked {
        let Window { input, output, kernel, stride, dilation, pad } = window;
        self.image(input)?;
        self.view(output)?;
        disjoint(self.plan, output, input)?;
        for values in [kernel, stride, dilation] {
            positive(&values, "kernel, stride or dilation")?;
        }
        let steps = [stride, dilation].into_iter().flatten();
        ensure(steps.max() <= Some(MOST_STEP), "stride or dilation out of range")?;
        let border = input.border;
        ensure(pad[0] <= border.top && pad[1] <= border.left, "padding outside the border")?;
        let sizes = [
            (0, output.height, border.top + input.height + border.bottom, border.top),
            (1, output.width, border.left + input.width + border.right, border.left),
        ];
        for (axis, outputs, size, before) in sizes {
            let last = (outputs - 1).checked_mul(stride[axis]);
            let reach = (kernel[axis] - 1).checked_mul(dilation[axis]);
            let end = last.zip(reach).and_then(|(last, reach)| last.checked_add(reach)?.checked_add(before));
            ensure(end.is_some_and(|end| end - pad[axis] < size), "a window leaves the border")?;
        }
        Ok(())
    }

    /// Windows of which only what lies on the map counts.
    fn pool(&self, pool: &Pool) -> Checked {
        let Pool { input, output, kernel, stride, pad } = pool;
        self.views(&[input, output])?;
        same_lanes(&[input, output])?;
        disjoint(self.plan, output, input)?;
        ensure(input.channels == output.channels, "input and output differ in channels")?;
        positive(kernel, "kernel")?;
        positive(stride, "stride")?;
        for (axis, outputs, size) in [(0, output.height, input.height), (1, output.width, input.width)] {
            let last = (outputs - 1).checked_mul(stride[axis]);
            let touches = pad[axis] < kernel[axis]
                && last.is_some_and(|last| last.saturating_sub(pad[axis]) < size)
                && last.and_then(|last| last.checked_add(kernel[axis])).is_some_and(|end| end <= MOST);
            ensure(touches, "a window lies outside the map")?;
        }
        Ok(())
    }

    fn blur(&self, blur: &BlurPool) -> Checked {
        let BlurPool { input, output, size, stride, pad } = blur;
        floats(&[input, output])?;
        self.views(&[input, output])?;
        disjoint(self.plan, output, input)?;
        ensure(input.channels == output.channels, "input and output differ in channels")?;
        ensure((1..=BLUR_TAPS).contains(size), format_args!("a blur has 1 to {BLUR_TAPS} taps"))?;
        positive(&[*stride], "stride")?;
        for (outputs, inputs) in [(output.height, input.height), (output.width, input.width)] {
            let last = (outputs - 1).checked_mul(*stride).and_then(|last| last.checked_add(size - 1));
            let mirrored =
                *pad < inputs && last.is_some_and(|last| last.saturating_sub(*pad) <= 2 * (inputs - 1));
            ensure(mirrored, "a window leaves the mirrored map")?;
        }
        Ok(())
    }
}

/// What a convolution and a depthwise one have in common.
struct Window<'a> {
    input: &'a View,
    output: &'a View,
    kernel: [usize; 2],
    stride: [usize; 2],
    dilation: [usize; 2],
    pad: [usize; 2],
}
