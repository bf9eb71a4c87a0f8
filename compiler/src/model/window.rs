//! Windows over a map: how many fit, for convolutions and pools, as PyTorch and TensorFlow count.

use super::network::Pad;

/// A window over one axis: everything that its output's length depends on.
pub struct Axis {
    /// Taps.
    pub size: usize,
    /// Step between windows.
    pub stride: usize,
    /// Step between taps.
    pub dilation: usize,
    /// Padding before the map.
    pub before: usize,
    /// Padding behind the map.
    pub after: usize,
}

impl Axis {
    /// Taps and the holes between them.
    pub fn extent(&self) -> usize {
        (self.size - 1) * self.dilation + 1
    }

    /// How many windows fit; `None` if not one does. PyTorch's rule, in ceil mode too.
    pub fn outputs(&self, length: usize, ceil_mode: bool) -> Option<usize> {
        let room = (length + self.before + self.after).checked_sub(self.extent())?;
        if !ceil_mode {
            return Some(room / self.stride + 1);
        }
        let count = room.div_ceil(self.stride) + 1;
        // The last window must begin within the map or the padding before it.
        Some(if (count - 1) * self.stride >= length + self.before { count - 1 } else { count })
    }
}

/// Padding of one axis as TensorFlow's `SAME` has it: the output is the input over the stride,
/// rounded up, and the odd zero goes behind.
pub fn same(length: usize, size: usize, stride: usize, dilation: usize) -> (usize, usize) {
    let extent = (size - 1) * dilation + 1;
    let covered = (length.div_ceil(stride).max(1) - 1) * stride + extent;
    let total = covered.saturating_sub(length);
    (total / 2, total - total / 2)
}

/// The vertical and the horizontal axis of a window.
pub fn axes(kernel: [usize; 2], stride: [usize; 2], dilation: [usize; 2], pad: Pad) -> [Axis; 2] {
    let axis = |i: usize, before, after| Axis {
        size: kernel[i],
        stride: stride[i],
        dilation: dilation[i],
        before,
        after,
    };
    [axis(0, pad.top, pad.bottom), axis(1, pad.left, pad.right)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ceil_mode_drops_a_window_that_begins_in_the_far_padding() {
        let axis = Axis { size: 2, stride: 2, dilation: 1, before: 1, after: 1 };
        // PyTorch: MaxPool2d(2, 2, 1, ceil_mode=True) on 4 gives 3, on 5 gives 3.
        assert_eq!(axis.outputs(4, true), Some(3));
        assert_eq!(axis.outputs(5, true), Some(3));
    }

    #[test]
    fn same_padding_puts_the_odd_zero_behind() {
        assert_eq!(same(32, 3, 2, 1), (0, 1));
        assert_eq!(same(32, 3, 1, 1), (1, 1));
        assert_eq!(same(7, 3, 2, 1), (1, 1));
    }
}
