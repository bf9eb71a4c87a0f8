//! A session: the memory and the threads that a model runs with. One for each caller.
//!
//! In: images, NCHW. Out: [`Outputs`], borrowed from the session until its next run. Every member of
//! the team makes all calls of the plan, and computes its share of each, all meeting at a barrier
//! behind each step. No share splits a sum, so results do not depend on the number of threads.

use std::fmt;

use crate::buffer::Buffer;
use crate::error::Error;
use crate::isa::{Isa, Level};
#[cfg(feature = "program")]
use crate::kernels::limits::Limits;
use crate::kernels::{Context, Share, StepCall};
use crate::model::{Model, Options};
use crate::plan::{Output, Plan};
use crate::threads::{Barrier, Team};

/// Memory and threads to run a [`Model`] with.
pub struct Session {
    model: Model,
    isa: Isa,
    team: Team,
    arena: Buffer,
    results: Buffer,
    /// Each member's own memory, one behind the other.
    scratch: Buffer,
    /// Where each output begins in `results`.
    starts: Vec<usize>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("model", &self.plan().name)
            .field("level", &self.level())
            .field("threads", &self.threads())
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(crate) fn new(model: Model, options: Options) -> Result<Self, Error> {
        let isa = Isa::new(match options.level {
            Some(level) => level,
            None => Level::choose()?,
        })?;
        let plan = model.plan();
        let mut starts = Vec::with_capacity(plan.outputs.len());
        let mut end = 0;
        for output in plan.outputs.iter() {
            starts.push(end);
            end += plan.batch * output.shape.iter().product::<usize>();
        }
        let arena = Buffer::zeroed(plan.arena)?;
        let results = Buffer::zeroed(end)?;
        let team = Team::new(options.threads)?;
        let scratch = Buffer::zeroed(plan.scratch().saturating_mul(options.threads))?;
        Ok(Self { model, isa, team, arena, results, scratch, starts })
    }

    /// What was compiled.
    pub fn plan(&self) -> &Plan {
        self.model.plan()
    }

    /// The instruction set that the kernels use.
    pub fn level(&self) -> Level {
        self.isa.level()
    }

    /// Threads, the caller's included.
    pub fn threads(&self) -> usize {
        self.team.members()
    }

    /// Runs the network on `images`: n images of `plan().input`, one behind the other, each NCHW;
    /// n is 1 to `plan().batch`.
    ///
    /// # Errors
    ///
    /// [`Error::Input`] if `images` has another length.
    pub fn run(&mut self, images: &[f32]) -> Result<Outputs<'_>, Error> {
        let n = self.run_observed(images, |_| Unobserved)?;
        Ok(Outputs { session: self, n })
    }

    /// How many images these are.
    pub(crate) fn count_images(&self, images: &[f32]) -> Result<usize, Error> {
        let plan = self.plan();
        let image = plan.input.iter().product::<usize>();
        let n = images.len() / image;
        if images.len() != n * image || !(1..=plan.batch).contains(&n) {
            return Err(Error::Input { found: images.len(), image, batch: plan.batch });
        }
        Ok(n)
    }

    /// Runs the network, each member's steps seen by what `observe` gives for its number; gives the
    /// number of images.
    pub(crate) fn run_observed<O: Observer>(
        &mut self,
        images: &[f32],
        observe: impl Fn(usize) -> O + Sync,
    ) -> Result<usize, Error> {
        let n = self.count_images(images)?;
        let plan = self.model.plan();
        let context = Context {
            arena: self.arena.as_mut_ptr(),
            weights: self.model.weights(),
            images: images.as_ptr(),
            results: self.results.as_mut_ptr(),
            starts: &self.starts,
            first: 0,
            n,
            scratch: self.scratch.as_mut_ptr(),
        };
        let (isa, members) = (self.isa, self.team.members());
        let own = self.scratch.as_slice().len() / members;
        self.team
            .run(|member, barrier| {
                let context = context.with_scratch_at(member * own);
                walk(plan, isa, &context, (member, members), barrier, &mut observe(member));
            })
            .map_err(|_| Error::Panicked)?;
        Ok(n)
    }

    /// What the kernels are compiled for.
    pub(crate) fn isa(&self) -> Isa {
        self.isa
    }

    /// What this machine can do on this session's threads with its instruction set.
    #[cfg(feature = "program")]
    pub(crate) fn measure_limits(&mut self) -> Result<Limits, Error> {
        let elements: Vec<_> =
            self.plan().layers_by_element().into_iter().map(|(element, _)| element).collect();
        Limits::measure(self.isa, &mut self.team, &elements)
    }

    /// Fills all memory with `value`, so that a test sees what is read before it is written.
    #[doc(hidden)]
    pub fn poison(&mut self, value: f32) {
        self.arena.as_mut_slice().fill(value);
        self.results.as_mut_slice().fill(value);
        self.scratch.as_mut_slice().fill(value);
    }
}

/// Sees one member's way through the plan.
pub(crate) trait Observer {
    /// The member is about to compute its share of the first step.
    fn begin(&mut self);
    /// The member has computed its share of a step.
    fn compute(&mut self);
    /// All members have, and the next step begins.
    fn meet(&mut self);
}

/// Sees nothing, at no cost.
struct Unobserved;

impl Observer for Unobserved {
    #[inline(always)]
    fn begin(&mut self) {}
    #[inline(always)]
    fn compute(&mut self) {}
    #[inline(always)]
    fn meet(&mut self) {}
}

/// One member's way through the plan.
fn walk<O: Observer>(
    plan: &Plan,
    isa: Isa,
    context: &Context,
    member: (usize, usize),
    barrier: &Barrier,
    observer: &mut O,
) {
    observer.begin();
    for call in plan.calls(context.n) {
        let context = context.with_images(&call.images).with_weights_at(call.weights);
        let share = Share::of(call.step, context.n, member);
        // SAFETY: `Plan::verify` passed when the model was made, the memory is what the plan asks for,
        // no two members have the same share, and a barrier separates the steps.
        unsafe { StepCall::new(&context, &call.step.op, share) }.run(isa);
        observer.compute();
        if !barrier.wait() {
            return;
        }
        observer.meet();
    }
}

/// What a run gave, in the order of [`Plan::outputs`].
#[derive(Clone, Copy, Debug)]
pub struct Outputs<'a> {
    session: &'a Session,
    n: usize,
}

impl<'a> Outputs<'a> {
    /// Images in this run.
    pub fn images(&self) -> usize {
        self.n
    }

    /// The first output: n results of `plan().outputs[0].shape`, one behind the other.
    pub fn main(&self) -> &'a [f32] {
        self.nth(0).map_or(&[], |(_, values)| values)
    }

    /// The output of that name, as [`Outputs::main`].
    pub fn get(&self, name: &str) -> Option<&'a [f32]> {
        self.iter().find_map(|(output, values)| (output.name == name).then_some(values))
    }

    /// Number of outputs.
    pub fn len(&self) -> usize {
        self.session.starts.len()
    }

    /// Whether there are no outputs; a plan has at least one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All outputs, with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&'a Output, &'a [f32])> + use<'a> {
        let this = *self;
        (0..this.len()).filter_map(move |index| this.nth(index))
    }

    fn nth(&self, index: usize) -> Option<(&'a Output, &'a [f32])> {
        let output = self.session.plan().outputs.get(index)?;
        let start = *self.session.starts.get(index)?;
        let len = self.n * output.shape.iter().product::<usize>();
        let values = self.session.results.as_slice().get(start..start + len)?;
        Some((output, values))
    }
}
