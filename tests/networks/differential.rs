//! One network, computed in every way there is, and held against two references in f64.
//!
//! The oracle is the graph before any pass: what the spec means. The plan's reference is what the plan says, with
//! the roundings of what it stores, so it judges the kernels alone and much more closely. Besides, bits are the same
//! for any number of threads, and for any images that go with an image.

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
/// In which turns there are so many: waiting for each other, they take long.
const RARELY: usize = 16;

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
    for (turn, variant) in variants(subject, chances).iter().enumerate() {
        let compiled = variant.compile(subject);
        let Some(bytes) = compiled.weights else { return Err(TestCaseError::fail("no weights")) };
        let words = bytes[HEADER..].chunks_exact(4);
        let words: Vec<f32> = words.map(|word| f32::from_le_bytes(word.try_into().unwrap())).collect();
        let said = reference::run(&compiled.plan, &words, &subject.images);
        let model = Model::from_bytes(compiled.plan, bytes);
        let model = model.map_err(|error| TestCaseError::fail(format!("{}: {error}", variant.name)))?;
        for (index, level) in Level::available().enumerate() {
            let place = |what: String| format!("{what}, by {} at {}", variant.name, level.name());
            let fail = |what: String| TestCaseError::fail(place(what));
            let mut session = session(&model, level, 1);
            let whole = run(&mut session, &subject.images);
            for ((output, values), (said, truth)) in whole.iter().zip(said.iter().zip(&subject.truth)) {
                let plan = bounds::error(values, said);
                let found = Found { output: output.clone(), plan, oracle: bounds::error(values, truth) };
                judge(variant, &found).map_err(fail)?;
            }
            for n in 1..subject.batch {
                same(&mut session, subject, &whole, n).map_err(fail)?;
            }
            for (threads, n) in teams(subject.batch, chances.threads + turn + index) {
                same(&mut self::session(&model, level, threads), subject, &whole, n).map_err(fail)?;
            }
        }
    }
    Ok(())
}

/// Numbers of threads, and of images, for a way to compute a network: in turn, so that many networks meet all.
fn teams(batch: usize, turn: usize) -> Vec<(usize, usize)> {
    let threads = THREADS[turn % THREADS.len()];
    let many = turn.is_multiple_of(RARELY).then_some((MANY, 1));
    [(threads, batch), (threads, 1 + turn % batch)].into_iter().chain(many).collect()
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
    let image = subject.images.len() / subject.batch;
    for ((name, values), (_, whole)) in run(session, &subject.images[first * image..]).iter().zip(whole) {
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
