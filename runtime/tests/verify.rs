//! Plans that the kernels would not survive are refused, rule by rule.

mod network;

use network::{BATCH, plan};
use resnetc_runtime::plan::*;

/// The plan with step `index` changed, counted over all sections.
fn with_step(index: usize, change: impl FnOnce(&mut Op)) -> Plan {
    let mut plan = plan();
    let mut change = Some(change);
    let mut count = 0;
    let mut stages = plan.stages.into_owned();
    for section in stages.iter_mut().flat_map(|stage| stage.sections.to_mut()) {
        for step in section.steps.to_mut() {
            if count == index {
                change.take().unwrap()(&mut step.op);
            }
            count += 1;
        }
    }
    plan.stages = stages.into();
    plan
}

fn with_conv(index: usize, change: impl FnOnce(&mut Conv)) -> Plan {
    with_step(index, |op| match op {
        Op::Conv(conv) => change(conv),
        _ => panic!("step {index} is no convolution"),
    })
}

fn with_section(change: impl FnOnce(&mut Section)) -> Plan {
    let mut plan = plan();
    let mut stages = plan.stages.into_owned();
    change(&mut stages[0].sections.to_mut()[1]);
    plan.stages = stages.into();
    plan
}

#[track_caller]
fn refused(plan: Plan, reason: &str) {
    let found = plan.verify().unwrap_err().to_string();
    assert!(found.contains(reason), "{found}");
}

const STEM: usize = 1;
const FIRST: usize = 2;
const SECOND: usize = 3;
const STORE: usize = 4;
const MEAN: usize = 5;
const LINEAR: usize = 6;
const SOFTMAX: usize = 7;

#[test]
fn the_plan_itself_is_sound() {
    plan().verify().unwrap();
}

#[test]
fn sizes_of_zero_are_refused() {
    refused(Plan { batch: 0, ..plan() }, "batch of 0");
    refused(Plan { input: [3, 0, 11], ..plan() }, "input size of 0");
    refused(with_conv(STEM, |conv| conv.stride = [0, 1]), "of 0");
    refused(with_conv(STEM, |conv| conv.output.width = 0), "map size of 0");
    refused(with_section(|section| section.times = 0), "repetitions of 0");
    refused(Plan { images: 0, ..plan() }, "images of 0");
}

#[test]
fn a_round_has_no_more_images_than_a_run() {
    refused(Plan { images: BATCH + 1, ..plan() }, "more images go through the network than a run has");
}

#[test]
fn steps_that_would_overflow_are_refused() {
    let reason = "stride or dilation out of range";
    refused(with_conv(LINEAR, |conv| conv.stride = [usize::MAX, 1]), reason);
    refused(with_conv(LINEAR, |conv| conv.dilation = [1, usize::MAX]), reason);
}

#[test]
fn views_outside_the_arena_are_refused() {
    refused(Plan { arena: plan().arena - 1, ..plan() }, "view out of range");
    refused(Plan { batch: usize::MAX / 2, ..plan() }, "input out of range");
    refused(Plan { batch: 1 << 40, images: 1 << 40, ..plan() }, "view out of range");
    refused(with_conv(STEM, |conv| conv.output.offset = usize::MAX - 5), "view out of range");
    refused(with_conv(STEM, |conv| conv.output.border.top = usize::MAX), "view out of range");
    refused(with_conv(STEM, |conv| conv.input.channels = 4), "more channels");
}

#[test]
fn overlaps_are_refused_unless_in_place() {
    let in_place = |op: &mut Op| {
        if let Op::Softmax { input, .. } = *op {
            *op = Op::Softmax { input, output: input };
        }
    };
    with_step(SOFTMAX, in_place).verify().unwrap();
    refused(Plan { images: 3, ..plan() }, "overlaps");
    refused(with_conv(FIRST, |conv| conv.output = conv.input), "overlaps");
    refused(with_conv(FIRST, |conv| conv.output.offset -= 1), "overlaps");
    refused(
        with_conv(SECOND, |conv| {
            conv.residual = Some(Residual { view: conv.output, stride: 1, channel_offset: 1 });
        }),
        "overlaps",
    );
    refused(
        with_conv(SECOND, |conv| {
            let view = View { offset: conv.output.offset + 16, ..conv.output };
            conv.residual = Some(Residual { view, stride: 1, channel_offset: 0 });
        }),
        "overlaps",
    );
}

#[test]
fn windows_outside_the_border_are_refused() {
    refused(with_conv(STEM, |conv| conv.pad = [2, 1]), "padding outside the border");
    refused(with_conv(STEM, |conv| conv.pad = [0, 1]), "a window leaves the border");
    refused(with_conv(STEM, |conv| conv.stride = [1, 2]), "a window leaves the border");
    refused(with_conv(STEM, |conv| conv.dilation = [1, 2]), "a window leaves the border");
}

#[test]
fn groups_that_do_not_fit_are_refused() {
    refused(with_conv(FIRST, |conv| conv.groups = 2), "make up the input's pixel");
    refused(
        with_conv(FIRST, |conv| {
            conv.groups = 4;
            conv.group_input = 8;
            conv.output.channels = 16;
            conv.output.pixel = 16;
        }),
        "whole number of panels",
    );
    let narrow = with_conv(FIRST, |conv| {
        conv.groups = 4;
        conv.group_input = 8;
        conv.algorithm = Algorithm::Direct;
    });
    assert_eq!(narrow.verify(), Ok(()));
    refused(with_conv(STEM, |conv| conv.output.channels = 3), "not padded to panels");
}

#[test]
fn winograd_of_what_it_cannot_compute_is_refused() {
    let winograd = |block| Algorithm::Winograd { form: winograd::Form::F2x2, block };
    let plain = "3 x 3 kernel of stride 1";
    refused(with_conv(STEM, |conv| (conv.algorithm, conv.kernel) = (winograd(1), [3, 2])), plain);
    refused(with_conv(FIRST, |conv| (conv.groups, conv.group_input) = (4, 8)), plain);
    refused(with_conv(STEM, |conv| conv.algorithm = winograd(0)), "block of 0");
    refused(with_conv(STEM, |conv| conv.algorithm = winograd(usize::MAX)), "block out of range");
}

#[test]
fn weights_outside_the_blob_are_refused() {
    refused(Plan { weights: plan().weights - 1, ..plan() }, "weights out of range");
    refused(with_section(|section| section.times = 5), "weights out of range");
    refused(with_section(|section| section.weight_step = usize::MAX), "weights out of range");
    refused(with_conv(STEM, |conv| conv.weights = usize::MAX), "weights out of range");
}

#[test]
fn residuals_that_do_not_cover_the_output_are_refused() {
    let small = |view: View| View { height: view.height - 1, ..view };
    refused(
        with_conv(FIRST, |conv| {
            conv.residual = Some(Residual { view: small(conv.input), stride: 1, channel_offset: 0 });
        }),
        "smaller than the output",
    );
    refused(
        with_conv(FIRST, |conv| {
            conv.residual = Some(Residual { view: conv.input, stride: 2, channel_offset: 0 });
        }),
        "smaller than the output",
    );
}

#[test]
fn pooling_windows_outside_the_map_are_refused() {
    let pool = |kernel, stride, pad| {
        move |op: &mut Op| {
            if let Op::GlobalAvgPool { input, output } = *op {
                *op = Op::MaxPool(Pool { input, output, kernel, stride, pad });
            }
        }
    };
    with_step(MEAN, pool([9, 11], [1, 1], [0, 0])).verify().unwrap();
    refused(with_step(MEAN, pool([2, 2], [1, 1], [2, 0])), "outside the map");
    refused(with_step(MEAN, pool([usize::MAX, 2], [1, 1], [0, 0])), "outside the map");
    let blur = |op: &mut Op| {
        if let Op::GlobalAvgPool { input, output } = *op {
            *op = Op::BlurPool(BlurPool { input, output, size: 3, stride: 1, pad: 9 });
        }
    };
    refused(with_step(MEAN, blur), "mirrored map");
}

#[test]
fn outputs_are_stored_once_and_in_shape() {
    let store = |index| {
        move |op: &mut Op| {
            if let Op::Store { output, .. } = op {
                *output = index
            }
        }
    };
    refused(with_step(STORE, store(2)), "no such output");
    refused(with_step(STORE, store(0)), "not the output's shape");
    let twice = |op: &mut Op| {
        if let Op::GlobalAvgPool { input, .. } = *op {
            *op = Op::Store { input, output: 1 };
        }
    };
    refused(with_step(MEAN, twice), "stored 2 times");
    refused(Plan { outputs: vec![].into(), ..plan() }, "no output");
}

#[test]
fn elements_that_kernels_cannot_read_are_refused() {
    let bytes = Element::U8(Scale::new(0.5, 3));
    // A convolution of bytes has constants besides its words, and there is room for both.
    let of = |element: Element| {
        with_conv(FIRST, move |conv| {
            conv.residual = None;
            conv.input = conv.input.of(element);
            conv.group_input = conv.input.pixel;
            conv.algorithm = Algorithm::Direct;
        })
    };
    for element in [Element::Bf16, bytes, Element::Split { parts: 2 }] {
        of(element).verify().unwrap();
    }
    refused(of(Element::Split { parts: 4 }), "divided into its parts");
    refused(of(Element::U8(Scale::new(f32::NAN, 0))), "a scale of no size");
    refused(of(Element::U8(Scale::new(-1.0, 0))), "a scale of no size");
    let ragged = with_conv(FIRST, |conv| {
        conv.residual = None;
        (conv.input, conv.algorithm) = (conv.input.of(Element::Split { parts: 3 }), Algorithm::Direct);
        conv.input.pixel -= 1;
        conv.group_input = conv.input.pixel;
    });
    refused(ragged, "divided into its parts");
    refused(with_conv(FIRST, |conv| conv.output = conv.output.of(Element::Bf16)), "are no floats");
    let faster = with_conv(FIRST, |conv| {
        conv.input = conv.input.of(Element::Bf16);
        conv.group_input = conv.input.pixel;
    });
    refused(faster, "an algorithm for floats");
    let narrow = with_conv(FIRST, |conv| {
        (conv.input, conv.algorithm) = (conv.input.of(Element::Bf16), Algorithm::Direct);
        (conv.groups, conv.group_input) = (4, conv.input.pixel / 4);
    });
    refused(narrow, "a group of few channels");
    let mean = |change: fn(&mut View, &mut View)| {
        with_step(MEAN, move |op| {
            if let Op::GlobalAvgPool { input, output } = op {
                change(input, output);
            }
        })
    };
    mean(|input, output| (*input, *output) = (input.of(Element::Bf16), output.of(Element::Bf16)))
        .verify()
        .unwrap();
    refused(mean(|input, _| *input = input.of(Element::Bf16).pixel(4)), "more channels");
    refused(mean(|input, _| *input = input.of(Element::Bf16).pixel(17)), "padded to panels");
    refused(mean(|input, _| *input = input.of(Element::Bf16).pixel(24)), "other numbers of channels");
}

#[test]
fn the_message_names_the_step() {
    let error = with_conv(STEM, |conv| conv.pad = [2, 1]).verify().unwrap_err();
    assert_eq!(error.step, "step");
}

#[test]
fn sections_run_a_bounded_number_of_steps() {
    refused(with_section(|section| section.times = 0), "repetitions");
    refused(with_section(|section| section.times = usize::MAX), "steps");
    let endless = |section: &mut Section| {
        *section = Section { times: usize::MAX, first: 0, weight_step: 0, steps: Vec::new().into() };
    };
    let mut plan = plan();
    let mut stages = plan.stages.into_owned();
    let mut sections = stages[0].sections.to_vec();
    let mut empty = sections[0].clone();
    endless(&mut empty);
    sections.push(empty);
    stages[0].sections = sections.into();
    plan.stages = stages.into();
    refused(plan, "steps");
}
