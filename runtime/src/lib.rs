//! What programs compiled by resnetc run on.
//!
//! In: a [`plan::Plan`], which is what the compiler decided, and packed weights. Out: a [`Model`],
//! checked once and shared by all threads, and from it any number of [`Session`]s, each with its own
//! memory and its own team of threads, which turn images into results.
//!
//! Nothing is decided here that could have been decided when the network was compiled, except for
//! the instruction set ([`isa::Level`]), which is chosen when a session is made.

mod buffer;
mod error;
#[doc(hidden)]
pub mod files;
#[cfg(any(test, feature = "guarded"))]
#[doc(hidden)]
pub mod guarded;
pub mod isa;
mod kernels;
mod mapping;
mod model;
#[cfg(feature = "npy")]
#[doc(hidden)]
pub mod npy;
pub mod plan;
#[cfg(feature = "images")]
pub mod preprocess;
mod profile;
#[cfg(feature = "program")]
pub mod program;
#[cfg(any(test, feature = "reference"))]
pub mod reference;
mod session;
mod threads;
pub mod verify;
pub mod weights;

pub use error::Error;
pub use mapping::{MappedFile, map_file};
pub use model::{Model, Options};
pub use profile::{Profile, StepProfile};
pub use session::{Outputs, Session};
pub use threads::default_threads;
