//! Data to drawings: one file a figure.

pub mod block;
pub mod glyph;
pub mod memory;
pub mod network;
pub mod pairs;
pub mod passes;
pub mod roofline;
pub mod steps;
pub mod times;

use super::figure::path;
use super::markup::Element;

/// The head of an arrow that points down and ends at a point.
fn arrow([x, y]: [f64; 2]) -> Element {
    path("tip", &format!("M{x:.1} {y:.1}l-3.5 -6h7z"))
}

/// Width of the figures that are charts.
const WIDTH: f64 = 720.0;
