//! Offsets in one arena for buffers with live ranges: best fit in the order of their first steps, or the
//! largest buffers first if that takes less.
//!
//! Of equal buffers the earlier comes first, which gives the blocks of a stage the same offsets, so that
//! they can be rolled into a loop.

use std::cmp::Reverse;

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
    let mut by_size: Vec<usize> = (0..requests.len()).collect();
    let by_time = by_size.clone();
    by_size.sort_by_key(|&index| Reverse(requests[index].size));
    let (by_time, by_size) = (place_in_turn(requests, &by_time)?, place_in_turn(requests, &by_size)?);
    let (offsets, size) = if by_size.1 < by_time.1 { by_size } else { by_time };
    Some(Placement { offsets, size, live: live(requests)? })
}

/// Places buffers one after the other, each between those that are alive with it; offsets, and the end.
fn place_in_turn(requests: &[Request], turns: &[usize]) -> Option<(Vec<usize>, usize)> {
    let mut offsets = vec![0; requests.len()];
    // Offset, length, and place of those that have an offset, by offset.
    let mut placed: Vec<(usize, usize, usize)> = Vec::with_capacity(requests.len());
    let mut size = 0;
    for &turn in turns {
        let request = requests[turn];
        let wanted = request.size.checked_next_multiple_of(LANES)?;
        let together = |other: usize| {
            let other = requests[other];
            request.first <= other.last && other.first <= request.last
        };
        let alive = placed.iter().filter(|(_, _, other)| together(*other));
        let offset = best_gap(alive.map(|&(offset, length, _)| (offset, length)), wanted);
        size = size.max(offset.checked_add(wanted)?);
        let at = placed.partition_point(|(other, _, _)| *other < offset);
        placed.insert(at, (offset, wanted, turn));
        offsets[turn] = offset;
    }
    Some((offsets, size))
}

/// The most that is alive at one step, each buffer's length being a multiple of [`LANES`].
fn live(requests: &[Request]) -> Option<usize> {
    let mut changes: Vec<(usize, bool, usize)> = Vec::with_capacity(2 * requests.len());
    for request in requests {
        let wanted = request.size.checked_next_multiple_of(LANES)?;
        // What dies behind a step makes room for what the next one writes.
        changes.extend([(request.first, true, wanted), (request.last.checked_add(1)?, false, wanted)]);
    }
    changes.sort_unstable();
    let (mut alive, mut most) = (0_usize, 0);
    for (_, born, size) in changes {
        alive = if born { alive.checked_add(size)? } else { alive - size };
        most = most.max(alive);
    }
    Some(most)
}

/// The smallest gap that fits between buffers, sorted by offset; else behind them.
fn best_gap(alive: impl Iterator<Item = (usize, usize)>, wanted: usize) -> usize {
    let mut end = 0;
    let mut best: Option<(usize, usize)> = None; // length, offset
    for (offset, length) in alive {
        let gap = offset.saturating_sub(end);
        if gap >= wanted && best.is_none_or(|(length, _)| gap < length) {
            best = Some((gap, end));
        }
        end = end.max(offset + length);
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

    #[test]
    fn large_buffers_come_first_where_that_takes_less() {
        // In the order of time the last one finds no room before or between the others.
        let requests = [(0, 1, 32), (1, 3, 16), (2, 4, 48)];
        let requests = requests.map(|(first, last, size)| Request { first, last, size });
        let placed = place(&requests).unwrap();
        assert_eq!((placed.offsets, placed.size), (vec![0, 48, 0], 64));
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
