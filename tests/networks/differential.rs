//! One network, computed in every way there is, and held against two references in f64.
//!
//! The oracle is the graph before any pass: what the spec means. The plan's reference is what the plan says, with
//! the roundings of what it stores, so it judges the kernels alone and much more closely. Besides, bits are the same
//! for any number of threads, and for any images that go with an image. Every way meets every number of threads and of
//! images, in turn, over a few networks.

use std::ops::Range;

use proptest::test_runner::{TestCaseError, TestCaseResult};
use resnetc_runtime::isa::Level;
use resnetc_runtime::weights::HEADER;
use resnetc_runtime::{Model, Options, Session, reference};

use super::bounds;
use super::subject::Subject;
use super::variant::{Chances, Variant, variants};

/// Numbers of threads besides one.
const THREADS: [usize; 3] = [2, 3, 5];
/// More threads than most steps have rows of an image, or panels of channels.
const MANY: usize = 17;
/// Images that are held against what the plan says: the others' bits do not depend on them.
const REFERENCED: usize = 2;

/// How far an output is from its references.
#[derive(Clone, Debug)]
pub struct Found {
    /// Which one.
    pub output: String,
    /// From what the plan says.
    pub plan: f64,
    /// From the oracle.
    pub oracle: f64,
}

/// Judges an output's errors.
pub type Judge<'a> = dyn FnMut(&Variant, &Found) -> Result<(), String> + 'a;

/// Holds a network against its references, as `judge` thinks right, and against itself.
pub fn check(subject: &Subject, chances: &Chances, judge: &mut Judge) -> TestCaseResult {
    let truth = subject.truth();
    for (turn, variant) in variants(subject, chances).iter().enumerate() {
        let compiled = variant.compile(subject);
        let bytes = compiled.weights.expect("the subject has values");
        let words = bytes[HEADER..].chunks_exact(4);
        let words: Vec<f32> = words.map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
        let said = reference::run(&compiled.plan, &words, subject.first(REFERENCED));
        let model = Model::from_bytes(compiled.plan, bytes);
        let model = model.map_err(|error| TestCaseError::fail(format!("{}: {error}", variant.name)))?;
        for (index, level) in Level::available().enumerate() {
            let fail = |what: String| {
                TestCaseError::fail(format!("{what}, by {} at {}", variant.name, level.name()))
            };
            let mut session = session(&model, level, 1);
            let whole = run(&mut session, &subject.images);
            assert_eq!([whole.len(), said.len()], [truth.len(); 2], "as many outputs as the graph has");
            for ((output, values), (said, truth)) in whole.iter().zip(said.iter().zip(&truth)) {
                let plan = bounds::error(&values[..said.len()], said);
                let found = Found { output: output.clone(), plan, oracle: bounds::error(values, truth) };
                judge(variant, &found).map_err(fail)?;
            }
            let turn = chances.turn + turn + index;
            for n in remainders(subject.batch, turn) {
                same(&mut session, subject, &whole, n).map_err(fail)?;
            }
            let (threads, n) = team(subject.batch, turn);
            same(&mut self::session(&model, level, threads), subject, &whole, n).map_err(fail)?;
        }
    }
    Ok(())
}

/// Numbers of images that are run by one thread: all there are, or one of them.
fn remainders(batch: usize, turn: usize) -> Range<usize> {
    let one = 1 + turn % batch;
    if turn.is_multiple_of(2) { 1..batch } else { one..one + 1 }
}

/// Threads, and a number of images.
fn team(batch: usize, turn: usize) -> (usize, usize) {
    match turn % 16 {
        0 => (MANY, 1),
        turn => (THREADS[turn % THREADS.len()], batch - turn / THREADS.len() % batch),
    }
}

fn session(model: &Model, level: Level, threads: usize) -> Session {
    model.session_with(Options { threads, level: Some(level) }).unwrap()
}

/// Each output's name and values, of a run in memory that is no number.
fn run(session: &mut Session, images: &[f32]) -> Vec<(String, Vec<f32>)> {
    session.poison(f32::NAN);
    let outputs = session.run(images).unwrap();
    outputs.iter().map(|(output, values)| (output.name.to_string(), values.to_vec())).collect()
}

/// Runs the last `n` images: they give, bit for bit, what they gave among all.
fn same(
    session: &mut Session,
    subject: &Subject,
    whole: &[(String, Vec<f32>)],
    n: usize,
) -> Result<(), String> {
    let first = subject.batch - n;
    for ((name, values), (_, whole)) in run(session, subject.last(n)).iter().zip(whole) {
        let all = &whole[first * (whole.len() / subject.batch)..];
        let bits = |values: &[f32]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        if bits(values) != bits(all) {
            let threads = session.threads();
            return Err(format!(
                "{name} has other bits for {n} images on {threads} threads than for all on one"
            ));
        }
    }
    Ok(())
}
