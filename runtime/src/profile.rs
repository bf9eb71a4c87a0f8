//! Where the time of a run goes: each step's, and each thread's within it.
//!
//! In: images, as [`Session::run`] takes them. Out: a [`Profile`] of one run. Every member of the team
//! reads the clock twice a step, into memory that was made before the run; what is measured so is the
//! ordinary run, with its threads, its instruction set and its barriers.

use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::Error;
use crate::kernels;
use crate::plan::{Call, Element, Op};
use crate::session::{Observer, Session};

/// One run of a network, step by step.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// Images in the run.
    pub images: usize,
    /// The steps in the order in which they ran, repetitions one by one, those of each
    /// [round](crate::plan::Plan::rounds) behind the last one's.
    pub steps: Vec<StepProfile>,
}

/// One step of a run, for some of its images. All times count from the call of [`Session::profile`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct StepProfile {
    /// Path in the network, such as `layer3.4.conv2`.
    pub name: String,
    /// Which of the run's images.
    pub images: Range<usize>,
    /// What computed it: [`Op::kernel`](crate::plan::Op::kernel).
    pub kernel: String,
    /// Pixels and output channels of the largest tile that is kept in registers; convolutions have one.
    pub tile: Option<[usize; 2]>,
    /// Multiply-accumulates for these images: [`Op::macs`](crate::plan::Op::macs).
    pub macs: u64,
    /// Products that the kernel makes: [`Op::products`](crate::plan::Op::products).
    pub products: u64,
    /// What they multiply; floats where they multiply nothing.
    pub element: Element,
    /// Bytes moved for these images: [`Op::bytes`](crate::plan::Op::bytes).
    pub bytes: u64,
    /// From one barrier to the next, as the calling thread saw them.
    pub span: Range<Duration>,
    /// When each thread computed its share, the caller's first; the rest of the span it waited.
    pub busy: Vec<Range<Duration>>,
}

impl Profile {
    /// From the begin of the first step to the end of the last.
    pub fn time(&self) -> Duration {
        match (self.steps.first(), self.steps.last()) {
            (Some(first), Some(last)) => last.span.end.saturating_sub(first.span.start),
            _ => Duration::ZERO,
        }
    }
}

impl StepProfile {
    /// How long the step took.
    pub fn time(&self) -> Duration {
        self.span.end.saturating_sub(self.span.start)
    }
}

impl Session {
    /// Runs the network on `images`, as [`Session::run`] does, and tells where the time went. A first
    /// run pays for cold caches and untouched memory: profile a later one.
    ///
    /// # Errors
    ///
    /// Those of [`Session::run`].
    pub fn profile(&mut self, images: &[f32]) -> Result<Profile, Error> {
        let n = self.count_images(images)?;
        let steps = self.plan().calls(n).count();
        let untouched = Marks { begin: Instant::now(), computed: Instant::now(), met: Instant::now() };
        let members: Vec<Mutex<Vec<Marks>>> =
            (0..self.threads()).map(|_| Mutex::new(vec![untouched; steps])).collect();
        let origin = Instant::now();
        self.run_observed(images, |member| Recorder::new(&members[member]))?;
        let since = |mark: Instant| mark.saturating_duration_since(origin);
        let members: Vec<Vec<Marks>> = members.into_iter().map(into_inner).collect();
        let (isa, threads) = (self.isa(), self.threads());
        let profile = |(index, call): (usize, Call<'_>)| {
            let (step, n) = (call.step, call.images.len());
            let marks = |member: &Vec<Marks>| member[index];
            let own = members.first().map_or(untouched, marks);
            StepProfile {
                name: step.name.replace('*', &call.index.to_string()),
                images: call.images,
                kernel: step.op.kernel(),
                tile: kernels::largest_tile(isa, step, n, threads),
                macs: step.op.macs(n),
                products: step.op.products(n),
                element: match &step.op {
                    Op::Conv(conv) => conv.input.element,
                    _ => Element::F32,
                },
                bytes: step.op.bytes(n),
                span: since(own.begin)..since(own.met),
                busy: members.iter().map(marks).map(|m| since(m.begin)..since(m.computed)).collect(),
            }
        };
        Ok(Profile { images: n, steps: self.plan().calls(n).enumerate().map(profile).collect() })
    }
}

/// What one member saw of a step.
#[derive(Clone, Copy)]
struct Marks {
    begin: Instant,
    computed: Instant,
    met: Instant,
}

/// Writes down when one member passes what.
struct Recorder<'a> {
    marks: MutexGuard<'a, Vec<Marks>>,
    step: usize,
    begin: Instant,
}

impl<'a> Recorder<'a> {
    /// No other member has these marks: the lock is never waited for.
    fn new(marks: &'a Mutex<Vec<Marks>>) -> Self {
        let marks = marks.lock().unwrap_or_else(PoisonError::into_inner);
        Self { marks, step: 0, begin: Instant::now() }
    }
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}

impl Observer for Recorder<'_> {
    #[inline]
    fn begin(&mut self) {
        self.begin = Instant::now();
    }

    #[inline]
    fn compute(&mut self) {
        let (begin, computed) = (self.begin, Instant::now());
        if let Some(marks) = self.marks.get_mut(self.step) {
            *marks = Marks { begin, computed, met: computed };
        }
    }

    #[inline]
    fn meet(&mut self) {
        self.begin = Instant::now();
        if let Some(marks) = self.marks.get_mut(self.step) {
            marks.met = self.begin;
        }
        self.step += 1;
    }
}
