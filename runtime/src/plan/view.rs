//! Where maps lie in the arena.

use super::{Element, LANES};

/// A map of activations in the arena: the channels of `[n, y, x]` begin at
/// `offset + n * image() + (top + y) * row() + (left + x) * pixel`, and lie there as `element` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct View {
    /// Where the buffer begins, border included.
    pub offset: usize,
    /// Rows, without the border.
    pub height: usize,
    /// Columns, without the border.
    pub width: usize,
    /// Channels that mean something; those above, up to `lanes()`, are finite and multiply zeros.
    pub channels: usize,
    /// Distance from one column to the next: the words of `channels`, padded.
    pub pixel: usize,
    /// How the values are stored.
    pub element: Element,
    /// Rows and columns of zeros around the map.
    pub border: Border,
}

/// Width of the zeros around a map, in rows and columns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Border {
    /// Rows above.
    pub top: usize,
    /// Columns before.
    pub left: usize,
    /// Rows below.
    pub bottom: usize,
    /// Columns behind.
    pub right: usize,
}

impl Border {
    /// No border.
    pub const NONE: Self = Self::all(0);

    /// The same width on each side.
    pub const fn all(width: usize) -> Self {
        Self { top: width, left: width, bottom: width, right: width }
    }

    /// The wider of the two on each side.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self {
            top: self.top.max(other.top),
            left: self.left.max(other.left),
            bottom: self.bottom.max(other.bottom),
            right: self.right.max(other.right),
        }
    }
}

impl View {
    /// A map of `[channels, height, width]` at `offset`, channels padded to [`LANES`], no border.
    pub const fn new(offset: usize, [channels, height, width]: [usize; 3]) -> Self {
        let pixel = channels.next_multiple_of(LANES);
        Self { offset, height, width, channels, pixel, element: Element::F32, border: Border::NONE }
    }

    /// The same map of other elements, its channels padded to [`LANES`].
    #[must_use]
    pub const fn of(self, element: Element) -> Self {
        Self { element, pixel: element.words(self.channels.next_multiple_of(LANES)), ..self }
    }

    /// The same map with a border.
    #[must_use]
    pub const fn bordered(self, border: Border) -> Self {
        Self { border, ..self }
    }

    /// The same map with `pixel` words from column to column.
    #[must_use]
    pub const fn pixel(self, pixel: usize) -> Self {
        Self { pixel, ..self }
    }

    /// Channels of a pixel, padding included.
    pub const fn lanes(&self) -> usize {
        self.element.channels(self.pixel)
    }

    /// Distance from one row to the next.
    pub const fn row(&self) -> usize {
        (self.border.left + self.width + self.border.right) * self.pixel
    }

    /// Distance from one image to the next: the size of one image's buffer.
    pub const fn image(&self) -> usize {
        (self.border.top + self.height + self.border.bottom) * self.row()
    }

    /// Distance from the buffer's begin to the map's first element.
    pub const fn interior(&self) -> usize {
        self.border.top * self.row() + self.border.left * self.pixel
    }

    /// Where `[n, y, x, 0]` lies in the arena.
    pub const fn at(&self, n: usize, y: usize, x: usize) -> usize {
        self.offset + n * self.image() + self.interior() + y * self.row() + x * self.pixel
    }
}
