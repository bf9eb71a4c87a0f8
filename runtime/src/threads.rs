//! A team of threads that walks the same steps together.
//!
//! In: a function of the member's number, run by every member, the caller being member 0. Out: all
//! have returned. Within a run members meet at a [`Barrier`], spinning; between runs workers spin
//! for a moment and then park. A panic of one member breaks the barrier, so that none waits for ever.
//! Any thread may be the caller, another in each run.

mod barrier;
#[cfg(all(loom, test))]
mod loom_tests;
mod pins;
mod processors;
mod sync;
#[cfg(all(not(loom), test))]
mod tests;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;
pub(crate) use barrier::Barrier;
use barrier::{Line, wait_a_little};
use pins::{Claims, Pins};
pub use processors::default_threads;
use sync::thread::{self, JoinHandle};
use sync::{Arc, AtomicBool, AtomicUsize, Linger, Ordering, UnsafeCell, fence, spin_loop};

const MOST_THREADS: usize = 1024;

/// What the members are to run: a borrowed closure without its lifetime.
#[derive(Clone, Copy)]
struct Job {
    closure: *const (),
    call: unsafe fn(*const (), usize, &Barrier),
}

struct Shared {
    barrier: Barrier,
    /// Number of runs so far; a worker that sees it change runs the job.
    epoch: Line<AtomicUsize>,
    /// Workers that have yet to return from the job.
    running: Line<AtomicUsize>,
    stop: AtomicBool,
    parked: Vec<Line<AtomicBool>>,
    job: UnsafeCell<Option<Job>>,
}

// SAFETY: `job` is written by the caller only while no worker runs, before `epoch` is released, and read
// by workers only after they acquired that epoch; the closure behind it is `Sync` (see `Team::run`).
unsafe impl Send for Shared {}
// SAFETY: `&Shared` gives no more than that reading and writing of `job`, and atomics.
unsafe impl Sync for Shared {}

/// A member of the team panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

/// The caller and its workers.
pub(crate) struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    pins: Pins,
}

impl Team {
    /// A team of `members`, the caller included.
    ///
    /// # Errors
    ///
    /// [`Error::Threads`] for none or more than 1024, [`Error::Spawn`] if the system gives no more.
    pub(crate) fn new(members: usize) -> Result<Self, Error> {
        Self::with_claims(members, Claims::of_process())
    }

    fn with_claims(members: usize, claims: &'static Claims) -> Result<Self, Error> {
        if !(1..=MOST_THREADS).contains(&members) {
            return Err(Error::Threads(members));
        }
        let shared = Arc::new(Shared {
            barrier: Barrier::new(members),
            epoch: Line::default(),
            running: Line::default(),
            stop: AtomicBool::new(false),
            parked: (1..members).map(|_| Line::default()).collect(),
            job: UnsafeCell::new(None),
        });
        let pins = Pins::new(&[], claims);
        let mut team = Self { shared, workers: Vec::with_capacity(members - 1), pins };
        for member in 1..members {
            let shared = Arc::clone(&team.shared);
            let worker = thread::Builder::new().name(format!("resnetc-{member}"));
            // If one cannot be had, dropping `team` sends those before it home.
            let worker = worker.spawn(move || work(&shared, member)).map_err(Error::Spawn)?;
            team.workers.push(worker);
        }
        team.pins = Pins::new(&team.workers, claims);
        Ok(team)
    }

    /// Members, the caller included.
    pub(crate) fn members(&self) -> usize {
        self.workers.len() + 1
    }

    /// Runs `function` in every member and returns when all have.
    pub(crate) fn run<F>(&mut self, function: F) -> Result<(), Panicked>
    where
        F: Fn(usize, &Barrier) + Sync,
    {
        /// # Safety
        ///
        /// `closure` is an `&F` that lives as long as the call.
        unsafe fn call<F: Fn(usize, &Barrier)>(closure: *const (), member: usize, barrier: &Barrier) {
            // SAFETY: the caller's promise.
            let function = unsafe { &*closure.cast::<F>() };
            function(member, barrier);
        }

        let shared = &*self.shared;
        if self.workers.is_empty() {
            return catch_unwind(AssertUnwindSafe(|| function(0, &shared.barrier))).map_err(drop_payload);
        }
        self.pins.make_way(&self.workers);
        let job = Job { closure: (&raw const function).cast(), call: call::<F> };
        // SAFETY: no worker runs: the last run waited for `running` to be 0, and `&mut self` keeps
        // others away.
        shared.job.with_mut(|place| unsafe { *place = Some(job) });
        shared.running.0.store(self.workers.len(), Ordering::Relaxed);
        shared.begin_epoch();
        // See `next_epoch`.
        fence(Ordering::SeqCst);
        for (worker, parked) in self.workers.iter().zip(&shared.parked) {
            if parked.0.load(Ordering::Relaxed) {
                worker.thread().unpark();
            }
        }
        run_guarded(shared, || function(0, &shared.barrier));
        let mut spins = 0;
        while shared.running.0.load(Ordering::Acquire) != 0 {
            wait_a_little(&mut spins);
        }
        if shared.barrier.mend() { Err(Panicked) } else { Ok(()) }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.shared.begin_epoch();
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches every panic of its jobs.
            let _ = worker.join();
        }
    }
}

impl Shared {
    /// Shows the workers what was written before. Only the team's owner may.
    fn begin_epoch(&self) {
        let epoch = self.epoch.0.load(Ordering::Relaxed);
        self.epoch.0.store(epoch.wrapping_add(1), Ordering::Release);
    }
}

fn run_guarded(shared: &Shared, job: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(job)) {
        shared.barrier.break_up();
        drop_payload(payload);
    }
}

/// Dropping what was panicked with may itself panic, which must not end a worker: what that leaves stays.
fn drop_payload(payload: Box<dyn Any + Send>) -> Panicked {
    if let Err(another) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(another);
    }
    Panicked
}

/// A worker's life.
fn work(shared: &Shared, member: usize) {
    let mut seen = 0;
    loop {
        seen = next_epoch(shared, member, seen);
        if shared.stop.load(Ordering::Relaxed) {
            return;
        }
        // SAFETY: the caller wrote the job before it released the epoch that was acquired here, and
        // writes it again only after `running` went down.
        if let Some(job) = shared.job.with(|place| unsafe { *place }) {
            run_guarded(shared, || {
                // SAFETY: `call` and `closure` were made for each other in `Team::run`, which borrows the
                // closure until `running` has gone down.
                unsafe { (job.call)(job.closure, member, &shared.barrier) }
            });
        }
        shared.running.0.fetch_sub(1, Ordering::Release);
    }
}

/// Waits until the epoch is another than `seen`.
fn next_epoch(shared: &Shared, member: usize, seen: usize) -> usize {
    let parked = &shared.parked[member - 1].0;
    let mut linger = Linger::begin();
    loop {
        let epoch = shared.epoch.0.load(Ordering::Acquire);
        if epoch != seen {
            return epoch;
        }
        if !linger.is_over() {
            spin_loop();
            continue;
        }
        // The caller raises the epoch and then looks for parked workers, a worker says that it parks
        // and then looks at the epoch, each with a fence between: one of them sees the other.
        parked.store(true, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        if shared.epoch.0.load(Ordering::Relaxed) == seen {
            thread::park();
        }
        parked.store(false, Ordering::Relaxed);
    }
}
