//! Plans of one kernel, and how they are measured.
//!
//! In: an operation's sizes. Out: a [`Case`], whose plan is that step and a store of one value; and its
//! time in a session of one thread, at each level that the machine has. Throughput counts a [`Case`]'s
//! work: MACs, or the values that an operation without weights reads.
//!
//! No plan loads an image: a session's memory is filled once, so that a run is the kernel alone, its
//! input as near as the run before left it.

#![allow(dead_code, reason = "no benchmark uses all of it")]

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use resnetc_runtime::isa::Level;
use resnetc_runtime::plan::*;
use resnetc_runtime::{Model, Options, Session, weights};

/// A step to measure.
pub struct Case {
    name: String,
    /// What a run computes, for the throughput.
    work: usize,
    plan: Plan,
}

/// Views one behind the other.
pub struct Arena {
    batch: usize,
    end: usize,
}

impl Arena {
    /// An empty one, for `batch` images.
    pub fn new(batch: usize) -> Self {
        Self { batch, end: 0 }
    }

    /// The view behind those that are there.
    pub fn place(&mut self, view: View) -> View {
        let view = View { offset: self.end, ..view };
        self.end += self.batch * view.image();
        view
    }

    /// The map of `[channels, height, width]` behind those that are there.
    pub fn map(&mut self, shape: [usize; 3]) -> View {
        self.place(View::new(0, shape))
    }
}

impl Case {
    /// One step over what lies in `arena`, with as many weights as it reads.
    pub fn new(name: impl Into<String>, op: Op, arena: &Arena, weights: usize, work: usize) -> Self {
        let value = View::new(op.extent().offset, [1, 1, 1]);
        let step = |name: &'static str, op| Step { name: name.into(), op, split: Split::Rows };
        let steps = vec![step("kernel", op), step("store", Op::Store { input: value, output: 0 })];
        let section = Section { times: 1, first: 0, weight_step: 0, steps: steps.into() };
        let plan = Plan {
            name: "kernel".into(),
            digest: [0; 32],
            batch: arena.batch,
            images: arena.batch,
            input: [1, 1, 1],
            preprocess: Preprocess { resize: None, filter: Filter::Bilinear, mean: [0.0; 3], std: [1.0; 3] },
            labels: vec![].into(),
            outputs: vec![Output::new("value", [1, 1, 1])].into(),
            arena: arena.end,
            weights,
            params: 0,
            macs: 0,
            stages: vec![Stage { name: "all".into(), sections: vec![section].into() }].into(),
        };
        Self { name: name.into(), work, plan }
    }

    fn session(&self, level: Level) -> Session {
        let values: Vec<f32> = (0..self.plan.weights).map(|i| (i % 31) as f32 / 1024.0).collect();
        let bytes = weights::encode(&self.plan, &values).expect("as many as the plan has");
        let model = Model::from_bytes(self.plan.clone(), bytes).expect("a sound plan");
        let options = Options { threads: 1, level: Some(level) };
        let mut session = model.session_with(options).expect("memory for one step");
        // Memory that was never written is one page of zeros to the system, which no cache misses.
        session.poison(0.5);
        session
    }
}

/// A convolution, padded so that stride 1 keeps the map's size.
#[derive(Clone, Copy)]
pub struct Window {
    input: [usize; 3],
    channels: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
    shortcut: bool,
}

impl Window {
    /// From `[channels, height, width]` to as many channels.
    pub fn new(input: [usize; 3], channels: usize, kernel: usize) -> Self {
        Self { input, channels, kernel, stride: 1, groups: 1, shortcut: false }
    }

    /// With a stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// In as many groups; as many as channels are a depthwise convolution.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Plus an identity shortcut.
    pub fn shortcut(self) -> Self {
        Self { shortcut: true, ..self }
    }

    fn name(&self) -> String {
        let [channels, height, width] = self.input;
        let mut name = format!("{channels}x{height}x{width}_to_{}", self.channels);
        if self.stride > 1 {
            name += &format!("_stride{}", self.stride);
        }
        if self.groups > 1 {
            name += &format!("_groups{}", self.groups);
        }
        if self.shortcut {
            name += "_shortcut";
        }
        name
    }

    /// Its input as a network has it: an image of few channels is not padded to panels.
    fn view(&self, outputs: [usize; 2]) -> View {
        let [channels, height, width] = self.input;
        let pad = self.kernel / 2;
        let behind = |outputs: usize, length: usize| {
            ((outputs - 1) * self.stride + self.kernel).saturating_sub(pad + length)
        };
        let (bottom, right) = (behind(outputs[0], height), behind(outputs[1], width));
        let view = View::new(0, self.input).bordered(Border { top: pad, left: pad, bottom, right });
        if channels < 4 { view.pixel(channels) } else { view }
    }

    /// The step, and its MACs as the network is specified: zeros between merged groups are no work.
    pub fn case(self) -> Case {
        let [channels, height, width] = self.input;
        let [rows, columns] = [height, width].map(|length| length.div_ceil(self.stride));
        let mut arena = Arena::new(1);
        let input = arena.place(self.view([rows, columns]));
        let output = arena.map([self.channels, rows, columns]);
        let taps = self.kernel * self.kernel;
        let macs = rows * columns * self.channels * taps * channels / self.groups;
        let (kernel, pad, stride) = ([self.kernel; 2], [self.kernel / 2; 2], [self.stride; 2]);
        if self.groups > 1 && self.groups == channels {
            let op = Depthwise::new(input, output, 0).kernel(kernel, pad).stride(stride);
            let op = Op::Depthwise(op.then(Activation::Relu));
            return Case::new(self.name(), op, &arena, (taps + 1) * output.pixel, macs);
        }
        // Groups narrower than a panel are merged until they fill one.
        let merged = LANES.div_ceil(self.channels / self.groups).min(self.groups);
        let (groups, group_input) = (self.groups / merged, input.pixel * merged / self.groups);
        let mut op = Conv::new(input, output, 0).kernel(kernel, pad).stride(stride);
        op = op.groups(groups, group_input).then(Activation::Relu);
        if self.shortcut {
            op = op.add(Residual::identity(arena.map([self.channels, rows, columns])));
        }
        let weights = output.pixel * (taps * group_input + 1);
        Case::new(self.name(), Op::Conv(op), &arena, weights, macs)
    }
}

/// Measures all cases of a family, as the command line asks for.
pub fn measure(family: &str, cases: impl IntoIterator<Item = Case>) {
    let mut criterion = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let mut group = criterion.benchmark_group(family);
    for case in cases {
        group.throughput(Throughput::Elements(case.work as u64));
        let images = vec![0.0; case.plan.batch];
        for level in Level::available() {
            let mut session = case.session(level);
            group.bench_function(BenchmarkId::new(&case.name, level.name()), |bencher| {
                bencher.iter(|| black_box(session.run(black_box(&images)).map(|outputs| outputs.main()[0])));
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
