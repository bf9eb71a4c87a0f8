//! Windows of convolutions and pools: fitted to a map, counted and written.
//!
//! Counted by rules of their own, not by the compiler's.

use super::place::{Place, Shape, Within};

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

impl Window {
    /// The window that fits the maps of a place.
    pub fn fitted(&self, place: &Place, within: Within, dilation: [usize; 2]) -> Self {
        let mut window = self.clone();
        if within != Within::Part {
            window.stride = [1, 1];
            let is_odd = window.kernel.iter().all(|size| size % 2 == 1);
            window.pad = if is_odd && self.pad != Pad::Same { Pad::Centred } else { Pad::Same };
        }
        let fits = |shape: &Shape| window.map(*shape, window.stride, dilation, false).is_some();
        if !place.shapes.iter().all(fits) {
            window.pad = Pad::Same;
        }
        window
    }

    /// The maps that it gives at a place.
    pub fn maps(&self, place: &Place, within: Within, dilation: [usize; 2], ceil: bool) -> Vec<[usize; 2]> {
        let map = |(index, shape): (usize, &Shape)| {
            let stride = if within == Within::Strided { [place.stride_of(index); 2] } else { self.stride };
            self.map(*shape, stride, dilation, ceil).unwrap_or_else(|| panic!("{self:?} fits {shape:?}"))
        };
        place.shapes.iter().enumerate().map(map).collect()
    }

    fn map(
        &self,
        [_, height, width]: Shape,
        stride: [usize; 2],
        dilation: [usize; 2],
        ceil: bool,
    ) -> Option<[usize; 2]> {
        let side = |axis: usize, length: usize| {
            let (size, stride, dilation) = (self.kernel[axis], stride[axis], dilation[axis]);
            let (before, after) = match self.pad {
                Pad::Centred => [(size - 1) / 2 * dilation; 2].into(),
                Pad::Of(pad) => [pad[axis]; 2].into(),
                Pad::Same => same(length, (size, stride, dilation)),
            };
            let whole = outputs(length, (size, stride, dilation), (before, after))?;
            // A further window begins within the map.
            let more = ceil
                && (whole - 1) * stride + size < length + before + after
                && whole * stride < length + before;
            Some(whole + usize::from(more))
        };
        Some([side(0, height)?, side(1, width)?])
    }

    /// The words of its stride, none if it is this one.
    pub fn stride_words(&self, within: Within, unless: [usize; 2]) -> String {
        match within {
            Within::Strided => ", stride".to_owned(),
            Within::Part | Within::Branch if self.stride == unless => String::new(),
            Within::Part | Within::Branch => format!(", stride({}, {})", self.stride[0], self.stride[1]),
        }
    }

    /// The words of its padding, which is this if centred.
    pub fn pad_words(&self, centred: [usize; 2]) -> String {
        match self.pad {
            Pad::Same => ", pad same".to_owned(),
            Pad::Centred => format!(", pad({}, {})", centred[0], centred[1]),
            Pad::Of(pad) => format!(", pad({}, {})", pad[0], pad[1]),
        }
    }
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
fn same(length: usize, (size, stride, dilation): (usize, usize, usize)) -> (usize, usize) {
    let last = (length.div_ceil(stride) - 1) * stride;
    let missing = (last + (size - 1) * dilation + 1).saturating_sub(length);
    (missing / 2, missing - missing / 2)
}
