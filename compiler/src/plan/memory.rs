//! Offsets in one arena for buffers with live ranges: best fit, in the order of their first step.
//!
//! Going in the order of time gives the blocks of a stage the same offsets, so that they can be
//! rolled into a loop.

use resnetc_runtime::plan::LANES;

/// A buffer that is wanted from one step to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The step that writes it first.
    pub first: usize,
    /// The last step that reads it.
    pub last: usize,
    /// Its size.
    pub size: usize,
}

/// Where the buffers are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// One a request, multiples of [`LANES`].
    pub offsets: Vec<usize>,
    /// The arena's size.
    pub size: usize,
    /// The most that is alive at one step.
    pub live: usize,
}

/// Places buffers, which come in the order of their first steps; `None` if the sum overflows.
pub fn place(requests: &[Request]) -> Option<Placement> {
    let mut offsets: Vec<usize> = Vec::with_capacity(requests.len());
    let mut alive: Vec<(usize, usize, usize)> = Vec::new(); // offset, size, last
    let (mut size, mut live) = (0, 0);
    for request in requests {
        let wanted = request.size.checked_next_multiple_of(LANES)?;
        alive.retain(|(_, _, last)| *last >= request.first);
        let offset = best_gap(&alive, wanted);
        let end = offset.checked_add(wanted)?;
        let at = alive.partition_point(|(o, _, _)| *o < offset);
        alive.insert(at, (offset, wanted, request.last));
        size = size.max(end);
        live = live.max(alive.iter().map(|(_, s, _)| s).sum());
        offsets.push(offset);
    }
    Some(Placement { offsets, size, live })
}

/// The smallest gap that fits between buffers that are alive, sorted by offset; else behind them.
fn best_gap(alive: &[(usize, usize, usize)], wanted: usize) -> usize {
    let mut end = 0;
    let mut best: Option<(usize, usize)> = None; // length, offset
    for &(offset, size, _) in alive {
        let gap = offset.saturating_sub(end);
        if gap >= wanted && best.is_none_or(|(length, _)| gap < length) {
            best = Some((gap, end));
        }
        end = end.max(offset + size);
    }
    best.map_or(end, |(_, offset)| offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_dead_buffer_makes_room() {
        let requests = [(0, 1, 32), (1, 2, 16), (2, 3, 32)];
        let requests = requests.map(|(first, last, size)| Request { first, last, size });
        let placed = place(&requests).unwrap();
        assert_eq!(placed.offsets, [0, 32, 0]);
        assert_eq!((placed.size, placed.live), (48, 48));
    }

    proptest! {
        #[test]
        fn buffers_alive_together_do_not_overlap(
            mut spans in prop::collection::vec((0usize..20, 0usize..6, 1usize..200), 1..40)
        ) {
            spans.sort();
            let requests: Vec<_> =
                spans.iter().map(|&(first, n, size)| Request { first, last: first + n, size }).collect();
            let placed = place(&requests).unwrap();
            prop_assert!(placed.live <= placed.size);
            for (i, a) in requests.iter().enumerate() {
                for (j, b) in requests.iter().enumerate().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let (x, y) = (placed.offsets[i], placed.offsets[j]);
                    prop_assert!(!together || x + a.size <= y || y + b.size <= x);
                }
            }
        }
    }
}
