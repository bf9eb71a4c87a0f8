//! Where a step of a random network stands: the shapes there, and how windows change them.

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

/// Windows over a map.
#[derive(Clone, Debug)]
pub struct Window {
    /// Height and width.
    pub kernel: [usize; 2],
    /// Between windows.
    pub stride: [usize; 2],
    /// Around the map.
    pub pad: Pad,
}

/// Padding around a map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pad {
    /// Half a window's.
    Centred,
    /// TensorFlow's.
    Same,
    /// So many rows and columns on each side.
    Of([usize; 2]),
}

/// How many windows of a size, stride and dilation fit; `None` if not one does.
pub fn outputs(
    length: usize,
    (size, stride, dilation): (usize, usize, usize),
    (before, after): (usize, usize),
) -> Option<usize> {
    let room = (before + length + after).checked_sub((size - 1) * dilation + 1)?;
    Some(room / stride + 1)
}

/// The padding with which there are as many windows as the length has strides.
pub fn same(length: usize, (size, stride, dilation): (usize, usize, usize)) -> (usize, usize) {
    let last = (length.div_ceil(stride) - 1) * stride;
    let missing = (last + (size - 1) * dilation + 1).saturating_sub(length);
    (missing / 2, missing - missing / 2)
}
