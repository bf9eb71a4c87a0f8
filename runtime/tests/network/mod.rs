//! A small residual network that uses what plans have: a border, a repeated section with a shortcut
//! added in place, a second output, and a batch of which two images at a time go through it.

use resnetc_runtime::isa::Level;
use resnetc_runtime::plan::*;
use resnetc_runtime::{Model, Outputs, weights};

/// The largest batch.
pub const BATCH: usize = 3;
/// How many images go through the network together.
pub const IMAGES: usize = 2;
/// Floats of an image.
#[allow(dead_code, reason = "not every test that uses this module runs the network")]
pub const IMAGE: usize = 3 * 9 * 11;

/// Numbers in -1..1.
pub fn numbers(seed: u32, len: usize) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next()).collect()
}

struct Builder {
    arena: usize,
    weights: usize,
}

impl Builder {
    fn view(&mut self, view: View) -> View {
        let view = View { offset: self.arena, ..view };
        self.arena += IMAGES * view.image();
        view
    }

    fn conv(&mut self, input: View, output: View, size: usize, residual: Option<View>) -> Op {
        let mut conv =
            Conv::new(input, output, self.weights).kernel([size; 2], [size / 2; 2]).then(Activation::Relu);
        if size == 3 && input.channels > 3 {
            conv = conv.by(Algorithm::Winograd { form: winograd::Form::F2x2, block: 3 });
        }
        conv.residual = residual.map(Residual::identity);
        self.weights += conv.packed_weights().unwrap();
        Op::Conv(conv)
    }
}

fn section(times: usize, weight_step: usize, steps: Vec<(Op, Split)>) -> Section {
    let name = if times == 1 { "step" } else { "block.*.step" };
    let step = |(op, split)| Step { name: name.into(), op, split };
    let steps: Vec<Step> = steps.into_iter().map(step).collect();
    Section { times, first: 4, weight_step, steps: steps.into() }
}

/// The network's plan.
pub fn plan() -> Plan {
    let mut builder = Builder { arena: 0, weights: 0 };
    let image = builder.view(View::new(0, [3, 9, 11]).pixel(3).bordered(Border::all(1)));
    let map = View::new(0, [32, 9, 11]).bordered(Border::all(1));
    let (a, b) = (builder.view(map), builder.view(map));
    let mean = builder.view(View::new(0, [32, 1, 1]));
    let logits = builder.view(View::new(0, [10, 1, 1]));
    let probabilities = builder.view(logits);
    let stem = builder.conv(image, a, 3, None);
    let first = builder.weights;
    let block =
        vec![(builder.conv(a, b, 3, None), Split::Rows), (builder.conv(b, a, 3, Some(a)), Split::Channels)];
    let weight_step = builder.weights - first;
    builder.weights += 2 * weight_step;
    let linear = builder.conv(mean, logits, 1, None);
    let (rows, channels) = (Split::Rows, Split::Channels);
    let sections = vec![
        section(1, 0, vec![(Op::Load { output: image }, rows), (stem, rows)]),
        section(3, weight_step, block),
        section(
            1,
            0,
            vec![
                (Op::Store { input: a, output: 1 }, rows),
                (Op::GlobalAvgPool { input: a, output: mean }, channels),
                (linear, channels),
                (Op::Softmax { input: logits, output: probabilities }, channels),
                (Op::Store { input: probabilities, output: 0 }, channels),
            ],
        ),
    ];
    Plan {
        name: "small".into(),
        digest: [7; 32],
        batch: BATCH,
        images: IMAGES,
        input: [3, 9, 11],
        preprocess: Preprocess { resize: None, filter: Filter::Bilinear, mean: [0.0; 3], std: [1.0; 3] },
        labels: vec![].into(),
        outputs: vec![
            Output { name: "probabilities".into(), shape: [10, 1, 1] },
            Output { name: "c1".into(), shape: [32, 9, 11] },
        ]
        .into(),
        arena: builder.arena,
        weights: builder.weights,
        params: 0,
        macs: 0,
        stages: vec![Stage { name: "all".into(), sections: sections.into() }].into(),
    }
}

/// Its weights, small enough that nothing grows from block to block.
#[allow(dead_code, reason = "not every test that uses this module runs the network")]
pub fn values(plan: &Plan) -> Vec<f32> {
    numbers(1, plan.weights).iter().map(|value| value * 0.1).collect()
}

/// The network.
#[allow(dead_code, reason = "not every test that uses this module runs the network")]
pub fn model() -> Model {
    let plan = plan();
    let bytes = weights::encode(&plan, &values(&plan)).unwrap();
    Model::from_bytes(plan, bytes).unwrap()
}

/// That a run at a level gave these values, but for rounding.
#[allow(dead_code, reason = "not every test that uses this module runs the network")]
#[track_caller]
pub fn assert_close(outputs: Outputs, expected: &[Vec<f64>], level: Level) {
    assert_eq!(outputs.len(), expected.len());
    for ((output, found), expected) in outputs.iter().zip(expected) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let close = (f64::from(*found) - expected).abs() <= 1e-5 * (1.0 + expected.abs());
            assert!(close, "{}: {found}, not {expected} at {}", output.name, level.name());
        }
    }
}
