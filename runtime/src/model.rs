//! A model: a plan that was checked, and its weights. Immutable, shared, cheap to clone.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::isa::Level;
use crate::plan::Plan;
use crate::session::Session;
use crate::weights::Weights;

/// A compiled network with its weights.
#[derive(Clone, Debug)]
pub struct Model(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    plan: Cow<'static, Plan>,
    weights: Weights,
}

/// How a session runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Threads, the caller's included.
    pub threads: usize,
    /// The instruction set; `None`: what `RESNETC_ISA` names, or the best that the machine has.
    pub level: Option<Level>,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: crate::default_threads(), level: None }
    }
}

impl From<Plan> for Cow<'static, Plan> {
    fn from(plan: Plan) -> Self {
        Cow::Owned(plan)
    }
}

impl From<&'static Plan> for Cow<'static, Plan> {
    fn from(plan: &'static Plan) -> Self {
        Cow::Borrowed(plan)
    }
}

impl Model {
    /// A network whose weights are in the program itself; see [`include_weights!`](crate::include_weights).
    ///
    /// # Errors
    ///
    /// [`Error::Plan`] if the plan is not sound, and if `bytes` are not its weights: [`Error::Magic`],
    /// [`Error::Version`], [`Error::Length`], [`Error::Damaged`] or [`Error::Digest`].
    pub fn embedded(plan: &'static Plan, bytes: &'static [u8]) -> Result<Self, Error> {
        plan.verify()?;
        let weights = Weights::embedded(plan, bytes)?;
        Ok(Self::new(Cow::Borrowed(plan), weights))
    }

    /// A network whose weights are mapped from a file, which must not be changed in place while the
    /// model lives (see [`map_file`](crate::map_file)).
    ///
    /// # Errors
    ///
    /// Those of [`Model::embedded`], and [`Error::Open`].
    pub fn open(plan: impl Into<Cow<'static, Plan>>, path: &Path) -> Result<Self, Error> {
        let plan = plan.into();
        plan.verify()?;
        let weights = Weights::open(&plan, path)?;
        Ok(Self::new(plan, weights))
    }

    /// A network whose weights are at the end of a file, behind a program: see
    /// [`weights::append`](crate::weights::append).
    ///
    /// # Errors
    ///
    /// Those of [`Model::open`].
    pub fn open_appended(plan: impl Into<Cow<'static, Plan>>, path: &Path) -> Result<Self, Error> {
        let plan = plan.into();
        plan.verify()?;
        let weights = Weights::open_appended(&plan, path)?;
        Ok(Self::new(plan, weights))
    }

    /// A network whose weights were made in this process.
    ///
    /// # Errors
    ///
    /// Those of [`Model::embedded`].
    pub fn from_bytes(plan: impl Into<Cow<'static, Plan>>, bytes: Vec<u8>) -> Result<Self, Error> {
        let plan = plan.into();
        plan.verify()?;
        let weights = Weights::copied(&plan, &bytes)?;
        Ok(Self::new(plan, weights))
    }

    fn new(plan: Cow<'static, Plan>, weights: Weights) -> Self {
        Self(Arc::new(Inner { plan, weights }))
    }

    /// What was compiled.
    pub fn plan(&self) -> &Plan {
        &self.0.plan
    }

    /// The packed weights, `plan().weights` of them.
    pub(crate) fn weights(&self) -> *const f32 {
        self.0.weights.values()
    }

    /// Memory and threads to run with. `threads` counts the caller's.
    ///
    /// # Errors
    ///
    /// Those of [`Model::session_with`].
    pub fn session(&self, threads: usize) -> Result<Session, Error> {
        self.session_with(Options { threads, level: None })
    }

    /// Memory and threads to run with.
    ///
    /// # Errors
    ///
    /// [`Error::Unavailable`] or [`Error::UnknownIsa`] if another instruction set is asked for than the
    /// machine has; [`Error::Memory`], [`Error::Threads`], [`Error::Spawn`].
    pub fn session_with(&self, options: Options) -> Result<Session, Error> {
        Session::new(self.clone(), options)
    }
}
