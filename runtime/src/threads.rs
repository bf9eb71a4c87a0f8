//! A team of threads that walks the same steps together.
//!
//! In: a function of the member's number, run by every member, the caller being member 0. Out: all
//! have returned. Within a run members meet at a [`Barrier`], spinning; between runs workers spin
//! for a moment and then park. A panic of one member breaks the barrier, so that none waits for ever.

use std::any::Any;
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::error::Error;

/// How long a worker looks out for the next run before it parks.
const LINGER: Duration = Duration::from_micros(80);
/// Spins before a waiting thread offers its core to others, should there be more threads than cores.
const SPINS: u32 = 4096;
const MOST_THREADS: usize = 1024;

/// The physical cores that this process may use: its affinity and its quota are respected.
pub fn default_threads() -> usize {
    let allowed = thread::available_parallelism().map_or(1, usize::from);
    physical_cores().map_or(allowed, |cores| cores.clamp(1, allowed))
}

/// Cores among the processors of this process's affinity, each with however many hardware threads.
fn physical_cores() -> Option<usize> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut siblings = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        for cpu in first.parse::<u32>().ok()?..=last.parse::<u32>().ok()? {
            let path = format!("/sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list");
            siblings.push(std::fs::read_to_string(path).ok()?);
        }
    }
    siblings.sort_unstable();
    siblings.dedup();
    Some(siblings.len())
}

/// Where the members of a team wait for each other.
#[derive(Debug)]
pub(crate) struct Barrier {
    members: usize,
    arrived: Line<AtomicUsize>,
    generation: Line<AtomicUsize>,
    broken: AtomicBool,
}

/// Keeps what different threads write on different cache lines.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line<T>(T);

impl Barrier {
    fn new(members: usize) -> Self {
        Self {
            members,
            arrived: Line::default(),
            generation: Line::default(),
            broken: AtomicBool::new(false),
        }
    }

    /// Waits for all members; what each wrote before is then visible to all. False if one panicked,
    /// after which the run is to be given up.
    #[must_use]
    pub(crate) fn wait(&self) -> bool {
        if self.members == 1 {
            return true;
        }
        let generation = self.generation.0.load(Ordering::Relaxed);
        if self.arrived.0.fetch_add(1, Ordering::AcqRel) + 1 == self.members {
            self.arrived.0.store(0, Ordering::Relaxed);
            self.generation.0.store(generation.wrapping_add(1), Ordering::Release);
            return true;
        }
        let mut spins = 0;
        while self.generation.0.load(Ordering::Acquire) == generation {
            if self.broken.load(Ordering::Relaxed) {
                return false;
            }
            wait_a_little(&mut spins);
        }
        true
    }
}

fn wait_a_little(spins: &mut u32) {
    *spins = spins.wrapping_add(1);
    if spins.is_multiple_of(SPINS) { thread::yield_now() } else { spin_loop() }
}

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
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// A member of the team panicked.
#[derive(Debug)]
pub(crate) struct Panicked;

/// The caller and its workers.
pub(crate) struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

impl Team {
    /// A team of `members`, the caller included.
    pub(crate) fn new(members: usize) -> Result<Self, Error> {
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
        let mut team = Self { shared, workers: Vec::with_capacity(members - 1) };
        for member in 1..members {
            let shared = Arc::clone(&team.shared);
            let worker = thread::Builder::new().name(format!("resnetc-{member}"));
            // If one cannot be had, dropping `team` sends those before it home.
            let worker = worker.spawn(move || work(&shared, member)).map_err(Error::Spawn)?;
            team.workers.push(worker);
        }
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
        unsafe fn call<F: Fn(usize, &Barrier)>(closure: *const (), member: usize, barrier: &Barrier) {
            // SAFETY: `closure` is the `&F` that `run` made it from, which waits until all have returned.
            let function = unsafe { &*closure.cast::<F>() };
            function(member, barrier);
        }

        let shared = &*self.shared;
        if self.workers.is_empty() {
            return catch_unwind(AssertUnwindSafe(|| function(0, &shared.barrier))).map_err(drop_payload);
        }
        // SAFETY: no worker runs: the last run waited for `running` to be 0, and `&mut self` keeps
        // others away.
        unsafe { *shared.job.get() = Some(Job { closure: (&raw const function).cast(), call: call::<F> }) };
        shared.running.0.store(self.workers.len(), Ordering::Relaxed);
        shared.epoch.0.fetch_add(1, Ordering::SeqCst);
        for (worker, parked) in self.workers.iter().zip(&shared.parked) {
            if parked.0.load(Ordering::SeqCst) {
                worker.thread().unpark();
            }
        }
        run_guarded(shared, || function(0, &shared.barrier));
        let mut spins = 0;
        while shared.running.0.load(Ordering::Acquire) != 0 {
            wait_a_little(&mut spins);
        }
        if !shared.barrier.broken.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        shared.barrier.arrived.0.store(0, Ordering::Relaxed);
        Err(Panicked)
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        self.shared.epoch.0.fetch_add(1, Ordering::SeqCst);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // A worker catches every panic of its jobs.
            let _ = worker.join();
        }
    }
}

fn run_guarded(shared: &Shared, job: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(job)) {
        shared.barrier.broken.store(true, Ordering::Relaxed);
        drop_payload(payload);
    }
}

/// Dropping what was panicked with may itself panic, which must not end a worker.
fn drop_payload(payload: Box<dyn Any + Send>) -> Panicked {
    std::mem::forget(payload);
    Panicked
}

/// A worker's life.
fn work(shared: &Shared, member: usize) {
    let mut seen = 0;
    loop {
        seen = next_epoch(shared, member, seen);
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        // SAFETY: the caller wrote the job before it released the epoch that was acquired here, and
        // writes it again only after `running` went down.
        if let Some(job) = unsafe { *shared.job.get() } {
            run_guarded(shared, || {
                // SAFETY: `call` and `closure` were made for each other in `Team::run`, which waits for us.
                unsafe { (job.call)(job.closure, member, &shared.barrier) }
            });
        }
        shared.running.0.fetch_sub(1, Ordering::Release);
    }
}

/// Waits until the epoch is another than `seen`.
fn next_epoch(shared: &Shared, member: usize, seen: usize) -> usize {
    let parked = &shared.parked[member - 1].0;
    let start = Instant::now();
    let mut spins = 0_u32;
    loop {
        let epoch = shared.epoch.0.load(Ordering::SeqCst);
        if epoch != seen {
            return epoch;
        }
        spins = spins.wrapping_add(1);
        if !spins.is_multiple_of(64) || start.elapsed() < LINGER {
            spin_loop();
            continue;
        }
        // The caller raises the epoch and then looks for parked workers, a worker says that it parks
        // and then looks at the epoch; in one total order, so that one of them sees the other.
        parked.store(true, Ordering::SeqCst);
        if shared.epoch.0.load(Ordering::SeqCst) == seen {
            thread::park();
        }
        parked.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_members_meet_at_each_barrier() {
        let mut team = Team::new(4).unwrap();
        let counts: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
        for _ in 0..20 {
            counts.iter().for_each(|count| count.store(0, Ordering::SeqCst));
            let run = team.run(|_, barrier| {
                for count in &counts {
                    count.fetch_add(1, Ordering::Relaxed);
                    assert!(barrier.wait());
                    assert_eq!(count.load(Ordering::Relaxed), 4);
                }
            });
            assert!(run.is_ok());
        }
    }

    #[test]
    fn a_panic_of_any_member_ends_the_run_and_not_the_team() {
        for members in 1..=4 {
            let mut team = Team::new(members).unwrap();
            for culprit in 0..members {
                let run = team.run(|member, barrier| {
                    assert!(member != culprit, "meant to panic");
                    while barrier.wait() && members > 1 {}
                });
                assert!(run.is_err());
                let run = team.run(|_, barrier| assert!(barrier.wait()));
                assert!(run.is_ok());
            }
        }
    }

    #[test]
    fn default_threads_are_no_more_than_allowed() {
        let allowed = thread::available_parallelism().map_or(1, usize::from);
        assert!((1..=allowed).contains(&default_threads()));
    }
}
