/// The network `cifar_resnet`, compiled by resnetc 0.1.0.
#[forbid(unsafe_code)]
pub mod cifar_resnet {
    use std::borrow::Cow;
    use resnetc_runtime::plan::{
        Activation, Algorithm, Border, Conv, Filter, Op, Output, Plan, Preprocess,
        Residual, Section, Split, Stage, Step, View, winograd,
    };
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
    /// The network: its interface, its memory, and its steps.
    pub static PLAN: Plan = Plan {
        name: Cow::Borrowed("cifar_resnet"),
        digest: [
            159, 15, 108, 11, 35, 66, 122, 174, 183, 163, 254, 242, 221, 51, 100, 61,
            213, 92, 254, 49, 109, 228, 124, 41, 253, 58, 230, 228, 209, 148, 7, 129,
        ],
        batch: 2,
        images: 2,
        input: [3, 32, 32],
        preprocess: Preprocess {
            resize: Some(32),
            filter: Filter::Bilinear,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
        },
        labels: Cow::Borrowed(
            &resnetc_runtime::plan::lines::<10>(include_str!("cifar_resnet.labels")),
        ),
        outputs: Cow::Borrowed(OUTPUTS),
        arena: 76224,
        weights: 227504,
        params: 75290,
        macs: 12239488,
        stages: Cow::Borrowed(STAGES),
    };
    const OUTPUTS: &[Output] = &[Output::new("logits", [10, 1, 1])];
    const STAGES: &[Stage] = &[
        Stage::new("stem", S0_STEM),
        Stage::new("layer1", S1_LAYER1),
        Stage::new("layer2", S2_LAYER2),
        Stage::new("layer3", S3_LAYER3),
        Stage::new("head", S4_HEAD),
    ];
    const S0_STEM: &[Section] = &[Section::once(S0_STEM_STEPS)];
    const S0_STEM_STEPS: &[Step] = &[
        Step::new("input", Split::Rows, Op::Load { output: M0 }),
        Step::new(
            "conv1",
            Split::Rows,
            Op::Conv(Conv::new(M0, M1, 0).kernel([3, 3], [1, 1]).then(Activation::Relu)),
        ),
    ];
    const S1_LAYER1: &[Section] = &[Section::once(S1_LAYER1_STEPS)];
    const S1_LAYER1_STEPS: &[Step] = &[
        Step::new(
            "layer1.*.conv1",
            Split::Rows,
            Op::Conv(
                Conv::new(M1, M2, 448)
                    .kernel([3, 3], [1, 1])
                    .then(Activation::Relu)
                    .by(Algorithm::Winograd {
                        form: winograd::Form::F4x4,
                        block: 72,
                    }),
            ),
        ),
        Step::new(
            "layer1.*.conv2",
            Split::Rows,
            Op::Conv(
                Conv::new(M2, M1, 9680)
                    .kernel([3, 3], [1, 1])
                    .add(Residual::identity(M1))
                    .then(Activation::Relu)
                    .by(Algorithm::Winograd {
                        form: winograd::Form::F4x4,
                        block: 72,
                    }),
            ),
        ),
    ];
    const S2_LAYER2: &[Section] = &[Section::once(S2_LAYER2_STEPS)];
    const S2_LAYER2_STEPS: &[Step] = &[
        Step::new(
            "layer2.*.conv1",
            Split::Rows,
            Op::Conv(
                Conv::new(M1, M3, 18912)
                    .kernel([3, 3], [1, 1])
                    .stride([2, 2])
                    .then(Activation::Relu),
            ),
        ),
        Step::new(
            "layer2.*.conv2",
            Split::Rows,
            Op::Conv(
                Conv::new(M3, M4, 23552)
                    .kernel([3, 3], [1, 1])
                    .add(Residual::zero_padded(M1, 2, 8))
                    .then(Activation::Relu)
                    .by(Algorithm::Winograd {
                        form: winograd::Form::F4x4,
                        block: 24,
                    }),
            ),
        ),
    ];
    const S3_LAYER3: &[Section] = &[Section::once(S3_LAYER3_STEPS)];
    const S3_LAYER3_STEPS: &[Step] = &[
        Step::new(
            "layer3.*.conv1",
            Split::Channels,
            Op::Conv(
                Conv::new(M4, M5, 60448)
                    .kernel([3, 3], [1, 1])
                    .stride([2, 2])
                    .then(Activation::Relu),
            ),
        ),
        Step::new(
            "layer3.*.conv2",
            Split::Channels,
            Op::Conv(
                Conv::new(M5, M6, 78944)
                    .kernel([3, 3], [1, 1])
                    .add(Residual::zero_padded(M4, 2, 16))
                    .then(Activation::Relu)
                    .by(Algorithm::Winograd {
                        form: winograd::Form::F4x4,
                        block: 8,
                    }),
            ),
        ),
    ];
    const S4_HEAD: &[Section] = &[Section::once(S4_HEAD_STEPS)];
    const S4_HEAD_STEPS: &[Step] = &[
        Step::new(
            "avgpool",
            Split::Rows,
            Op::GlobalAvgPool {
                input: M6,
                output: M7,
            },
        ),
        Step::new("linear", Split::Channels, Op::Conv(Conv::new(M7, M8, 226464))),
        Step::new("output.logits", Split::Rows, Op::Store { input: M8, output: 0 }),
    ];
    const M0: View = View::new(36992, [3, 32, 32]).pixel(3).bordered(Border::all(1));
    const M1: View = View::new(0, [16, 32, 32]).bordered(Border::all(1));
    const M2: View = View::new(36992, [16, 32, 32]).bordered(Border::all(1));
    const M3: View = View::new(36992, [32, 16, 16]).bordered(Border::all(1));
    const M4: View = View::new(57728, [32, 16, 16])
        .bordered(Border {
            top: 1,
            left: 1,
            bottom: 0,
            right: 0,
        });
    const M5: View = View::new(0, [64, 8, 8]).bordered(Border::all(1));
    const M6: View = View::new(12800, [64, 8, 8]);
    const M7: View = View::new(0, [64, 1, 1]);
    const M8: View = View::new(128, [10, 1, 1]);
}
