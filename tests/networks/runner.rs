//! Runs a property of random networks: how many, from which seed on, and what a failure says.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseResult, TestError, TestRng, TestRunner};
use resnetc::precision::Precision;
use resnetc_runtime::plan::Algorithm;
use resnetc_runtime::plan::winograd::Form;

use super::generator::{Random, random};
use super::spec;
use super::variant::Chances;

/// Networks of each property, unless the environment says another number.
const NETWORKS: u64 = 40;
/// Multiply-accumulates of a batch, about, if it has more than one image.
const MOST_MACS: usize = 1_200_000;
/// How often a network is made smaller, at most.
const SHRINKS: u32 = 600;

/// A random network, and how it is compiled and run.
#[derive(Clone)]
pub struct Case {
    /// The network.
    pub network: Random,
    /// Images of a batch.
    pub batch: usize,
    /// What is left to chance when it is compiled.
    pub chances: Chances,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let images = if self.batch == 1 { "image" } else { "images" };
        write!(f, "{} {images} of\n{}", self.batch, self.network.spec())
    }
}

/// Random cases.
pub fn cases() -> impl Strategy<Value = Case> {
    let block = || select(vec![1usize, 2, 5, 24, 48, 96]);
    let winograd = (select(&Form::ALL[..]), block());
    let algorithm = prop_oneof![
        1 => Just(Algorithm::Direct),
        3 => winograd.prop_map(|(form, block)| Algorithm::Winograd { form, block }),
    ];
    let chances = (vec(algorithm, 1..4), vec(select(&Precision::ALL[..]), 1..5), 0usize..9, 0usize..48)
        .prop_map(|(tuning, precisions, at_once, turn)| Chances { tuning, precisions, at_once, turn });
    (random(), 1usize..10, chances).prop_map(|(network, batch, chances)| {
        let most = (MOST_MACS / spec::write(&network).macs.max(1)).max(1);
        Case { network, batch: batch.min(most), chances }
    })
}

/// A network that lacks a property: the smallest that was found.
#[derive(Debug)]
pub struct Failure {
    /// What is wrong.
    pub reason: String,
    /// Where.
    pub case: Case,
    /// What gives it again.
    pub seed: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, case, seed } = self;
        write!(f, "{reason}\n{case:?}\nthis again: RESNETC_SEED={seed} RESNETC_NETWORKS=1")
    }
}

/// Holds a property for as many networks as the environment says; without it, for the same ones each time, so
/// that a test says of a change what it said of the code before.
///
/// # Panics
///
/// If one does not have it.
pub fn hold(property: impl Fn(&Case) -> TestCaseResult) {
    let number = |name: &str| {
        let text = std::env::var(name).ok()?;
        Some(text.parse::<u64>().unwrap_or_else(|error| panic!("{name} is `{text}`: {error}")))
    };
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_nanos() as u64);
    let networks = number("RESNETC_NETWORKS");
    let first = number("RESNETC_SEED").or_else(|| networks.map(|_| now())).unwrap_or(0);
    let networks = networks.unwrap_or(NETWORKS);
    println!("{networks} networks from RESNETC_SEED={first} on");
    first_failure(first, networks, property).unwrap_or_else(|failure| panic!("{failure}"));
}

/// Tries a property on networks of as many seeds, one behind the other.
///
/// # Errors
///
/// The first that lacks it, made smaller.
pub fn first_failure(
    first: u64,
    networks: u64,
    property: impl Fn(&Case) -> TestCaseResult,
) -> Result<(), Box<Failure>> {
    (0..networks).try_for_each(|index| try_seed(first.wrapping_add(index), &property))
}

fn try_seed(seed: u64, property: impl Fn(&Case) -> TestCaseResult) -> Result<(), Box<Failure>> {
    let config =
        Config { cases: 1, failure_persistence: None, max_shrink_iters: SHRINKS, ..Config::default() };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let found = TestRunner::new_with_rng(config, rng).run(&cases(), |case| property(&case));
    found.map_err(|error| match error {
        TestError::Fail(reason, case) => Box::new(Failure { reason: reason.to_string(), case, seed }),
        TestError::Abort(reason) => panic!("no network: {reason}"),
    })
}
