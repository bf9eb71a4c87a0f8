//! A library's user who goes on for long: 64 sessions of one model, and 8 threads that take turns with them.
//!
//! Each answer is the first one's, bit for bit, whichever session gave it and however often it ran; memory is as
//! large at the end as after the begin; and threads are given back. `RESNETC_SOAK_SECONDS` is how long (`soak.sh`
//! sets it); unless it is set it takes a few seconds, in which memory says nothing yet and is not judged.

use std::collections::VecDeque;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use resnetc_runtime::{Model, Session};
use resnetc_tests::golden::{Golden, compile};
use resnetc_tests::synthetic;

const SESSIONS: usize = 64;
const THREADS: usize = 8;
/// Different inputs.
const INPUTS: usize = 4;
/// Runs of a session before another takes its place.
const LIFE: usize = 5;
/// What memory may grow by from the first quarter to the last, in KiB: the allocator's, not ours.
const GROWTH: usize = 2048;

/// A network for inputs of two images.
fn model() -> Model {
    let golden = Golden::read("cifar_resnet20");
    let network = golden.network();
    compile(&network, golden.values(&network), 2)
}

/// A session and how often it has run.
struct Used {
    session: Session,
    runs: usize,
}

impl Used {
    /// Every other session has a thread besides the caller's.
    fn new(model: &Model, number: usize) -> Self {
        Self { session: model.session(1 + number % 2).unwrap(), runs: 0 }
    }
}

struct Soak {
    model: Model,
    inputs: Vec<Vec<f32>>,
    /// The first answers.
    expected: Vec<Vec<f32>>,
    idle: Mutex<VecDeque<Used>>,
    runs: AtomicUsize,
    over: AtomicBool,
}

impl Soak {
    fn new(model: Model) -> Self {
        let inputs: Vec<Vec<f32>> = (0..INPUTS)
            .map(|index| {
                synthetic::input([2, 3, 32, 32]).iter().map(|v| v * (1.0 - index as f32 / 8.0)).collect()
            })
            .collect();
        let mut session = model.session(1).unwrap();
        let expected = inputs.iter().map(|input| session.run(input).unwrap().main().to_vec()).collect();
        let idle = (0..SESSIONS).map(|number| Used::new(&model, number)).collect();
        let (runs, over) = (AtomicUsize::new(0), AtomicBool::new(false));
        Self { model, inputs, expected, idle: Mutex::new(idle), runs, over }
    }

    /// One thread's work: the session that has waited longest, again and again.
    fn work(&self) {
        while !self.over.load(Ordering::Relaxed) {
            let mut used = self.idle.lock().unwrap().pop_front().unwrap();
            let run = self.runs.fetch_add(1, Ordering::Relaxed);
            let answer = used.session.run(&self.inputs[run % INPUTS]).unwrap();
            let same = answer.main().iter().zip(&self.expected[run % INPUTS]);
            assert!(same.clone().all(|(a, b)| a.to_bits() == b.to_bits()), "run {run} has another answer");
            used.runs += 1;
            if used.runs == LIFE {
                let threads = used.session.threads();
                drop(used);
                used = Used::new(&self.model, threads - 1);
            }
            self.idle.lock().unwrap().push_back(used);
        }
    }
}

/// Tells the threads to end when this is dropped, by a failure too.
struct Ending<'a>(&'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What the process has in memory, in KiB.
fn resident() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn threads() -> usize {
    fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn sessions_that_run_for_long_answer_the_same_in_the_same_memory() {
    if !cfg!(target_os = "linux") {
        println!("skipped: memory and threads are counted on Linux");
        return;
    }
    let asked: Option<f64> = std::env::var("RESNETC_SOAK_SECONDS").ok().map(|text| text.parse().unwrap());
    let seconds = asked.unwrap_or(3.0);
    let model = model();
    let before = threads();
    let soak = Soak::new(model);
    let mut samples = Vec::new();
    thread::scope(|scope| {
        let _ending = Ending(&soak.over);
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(|| soak.work())).collect();
        let begin = Instant::now();
        while begin.elapsed().as_secs_f64() < seconds {
            thread::sleep(Duration::from_secs_f64(seconds / 400.0));
            samples.push(resident());
            assert!(!workers.iter().any(thread::ScopedJoinHandle::is_finished), "a thread ended early");
        }
    });
    let Soak { idle, runs, .. } = soak;
    drop(idle);
    // The first tenth is what it takes until all has been used once.
    let samples = &samples[samples.len() / 10..];
    let quarters = samples.chunks(samples.len().div_ceil(4));
    let most: Vec<usize> = quarters.map(|quarter| quarter.iter().copied().max().unwrap()).collect();
    let runs = runs.into_inner();
    println!(
        "{runs} runs of {SESSIONS} sessions on {THREADS} threads in {seconds} s: {most:?} KiB, same answers"
    );
    assert!(runs > SESSIONS, "each session ran");
    assert!(asked.is_none() || most.last().unwrap() <= &(most[0] + GROWTH), "memory grew: {most:?} KiB");
    // A thread that has been waited for may be listed for a moment more.
    let begin = Instant::now();
    while threads() > before && begin.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(threads(), before, "all threads are given back");
}
