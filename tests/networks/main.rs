//! Random valid networks: compiled and run in every way there is, they give what the oracle gives.
//!
//! [`generator`] makes networks that are valid by construction; [`differential`] computes each by every precision,
//! algorithm, instruction set, number of threads and of images, against references in f64. A failure prints the
//! smallest spec that fails, and the seed that gives it again. A few dozen networks are tried with all other tests;
//! thousands are, of seeds that nobody tried, with
//!
//!     RESNETC_NETWORKS=5000 cargo test --release -p resnetc-tests --test networks
//!
//! and `RESNETC_SEED=N` begins with that seed. Networks that were once compiled wrongly have their own tests in
//! [`known`].

mod bounds;
mod coverage;
mod differential;
mod generator;
mod known;
mod measure;
mod place;
mod properties;
mod runner;
mod shrinking;
mod spec;
mod steps;
mod subject;
mod variant;
mod window;
