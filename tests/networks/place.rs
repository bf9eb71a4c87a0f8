//! Where a step of a random network stands.

/// Channels, height and width.
pub type Shape = [usize; 3];

/// A place in a network that is being written.
#[derive(Clone, Debug, Default)]
pub struct Place {
    /// The shapes there: in a block the first repetition's, and that of the others if there are any.
    pub shapes: Vec<Shape>,
    /// In a block, the stride of its first repetition.
    pub stride: usize,
    /// Multiply-accumulates up to here, about.
    pub macs: usize,
    /// What paths begin with.
    pub prefix: String,
    /// Outputs so far: each one's path and its name.
    pub outputs: Vec<(String, String)>,
}

impl Place {
    /// The channels, if all repetitions have as many.
    pub fn channels(&self) -> Option<usize> {
        let first = self.shapes.first()?[0];
        self.shapes.iter().all(|shape| shape[0] == first).then_some(first)
    }

    /// The block's stride in a repetition.
    pub fn stride_of(&self, repetition: usize) -> usize {
        if repetition == 0 { self.stride } else { 1 }
    }

    /// A name for the next operation, which becomes an output.
    pub fn name_output(&mut self) -> String {
        let name = format!("value{}", self.outputs.len());
        self.outputs.push((format!("{}{name}", self.prefix), name.clone()));
        name
    }
}

/// Where a step stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Within {
    /// In a part of the network: shapes may become any.
    Part,
    /// In a residual's branch: maps keep their size.
    Branch,
    /// The same, but that it takes the block's stride.
    Strided,
}
