//! Processors: those that a thread may use, the one it is on, and those that share a core.
//!
//! In: what the system says of affinity and of topology. Out: [`Processors`], an order in which to hand
//! them out, and the number of threads that suits them. Where the system says nothing (other systems
//! than Linux, more than [`Processors::MOST`]) there is no set, and nothing can be confined to one.

use std::fs;
use std::thread;

pub(super) use system::{allowed, confine, current};

/// A set of processors, laid out as Linux's `cpu_set_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub(super) struct Processors([usize; Self::MOST / usize::BITS as usize]);

impl Processors {
    /// A set's processors have smaller numbers.
    const MOST: usize = 1024;
    pub(super) const EMPTY: Self = Self([0; _]);

    pub(super) fn only(processor: usize) -> Self {
        let mut set = Self::EMPTY;
        set.insert(processor);
        set
    }

    pub(super) fn contains(&self, processor: usize) -> bool {
        let (word, bit) = Self::place(processor);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Does nothing for a number that no set can hold, as does [`Processors::remove`].
    pub(super) fn insert(&mut self, processor: usize) {
        let (word, bit) = Self::place(processor);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }

    pub(super) fn remove(&mut self, processor: usize) {
        let (word, bit) = Self::place(processor);
        if let Some(word) = self.0.get_mut(word) {
            *word &= !bit;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// In ascending order.
    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        (0..Self::MOST).filter(|&processor| self.contains(processor))
    }

    fn place(processor: usize) -> (usize, usize) {
        let bits = usize::BITS as usize;
        (processor / bits, 1 << (processor % bits))
    }
}

/// The physical cores that this process may use: its affinity and its quota are respected.
pub fn default_threads() -> usize {
    let parallelism = thread::available_parallelism().map_or(1, usize::from);
    allowed().map_or(parallelism, |set| count_cores(&find_cores(&set)).clamp(1, parallelism))
}

/// A processor, and what its core is called; one that the system does not tell is a core of its own.
type Placed = (usize, String);

fn find_cores(set: &Processors) -> Vec<Placed> {
    let core = |processor: usize| {
        let path = format!("/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list");
        fs::read_to_string(path).unwrap_or_else(|_| processor.to_string())
    };
    set.iter().map(|processor| (processor, core(processor))).collect()
}

fn count_cores(placed: &[Placed]) -> usize {
    let mut cores: Vec<&str> = placed.iter().map(|(_, core)| core.as_str()).collect();
    cores.sort_unstable();
    cores.dedup();
    cores.len()
}

/// All of `set` in the order in which a team on `here` takes them: `here`, then one of each other core,
/// the next by number first, then the further hardware threads of these cores.
pub(super) fn order_from(here: usize, set: &Processors) -> Vec<usize> {
    order_placed(here, find_cores(set))
}

fn order_placed(here: usize, mut placed: Vec<Placed>) -> Vec<usize> {
    let first = placed.iter().position(|&(processor, _)| processor == here).unwrap_or(0);
    placed.rotate_left(first);
    let mut ranked: Vec<(usize, usize)> = (placed.iter().enumerate())
        .map(|(index, (processor, core))| {
            let before = placed[..index].iter().filter(|(_, other)| other == core).count();
            (before, *processor)
        })
        .collect();
    ranked.sort_by_key(|&(before, _)| before);
    ranked.into_iter().map(|(_, processor)| processor).collect()
}

#[cfg(all(target_os = "linux", not(all(loom, test))))]
mod system {
    use std::os::unix::thread::JoinHandleExt;
    use std::thread::JoinHandle;

    use super::Processors;

    /// What the calling thread may use, and what threads that it makes begin with.
    pub(in super::super) fn allowed() -> Option<Processors> {
        let mut set = Processors::EMPTY;
        // SAFETY: the set has the size that is given and any bits are valid in it.
        let status = unsafe { libc::sched_getaffinity(0, size_of_val(&set), (&raw mut set).cast()) };
        (status == 0).then_some(set)
    }

    /// The processor that the calling thread is on.
    pub(in super::super) fn current() -> Option<usize> {
        // SAFETY: it takes nothing.
        usize::try_from(unsafe { libc::sched_getcpu() }).ok()
    }

    /// Has a thread that runs, and is not about to end, use `set` alone. False if that is refused.
    pub(in super::super) fn confine(thread: &JoinHandle<()>, set: &Processors) -> bool {
        let id = thread.as_pthread_t() as libc::pthread_t;
        // SAFETY: the thread is not joined as long as its handle is there, and the set has the size
        // that is given.
        let status = unsafe { libc::pthread_setaffinity_np(id, size_of_val(set), (&raw const *set).cast()) };
        status == 0
    }
}

#[cfg(not(all(target_os = "linux", not(all(loom, test)))))]
mod system {
    use super::super::sync::thread::JoinHandle;
    use super::Processors;

    pub(in super::super) fn allowed() -> Option<Processors> {
        None
    }

    pub(in super::super) fn current() -> Option<usize> {
        None
    }

    pub(in super::super) fn confine(_: &JoinHandle<()>, _: &Processors) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(cores: &[&str]) -> Vec<Placed> {
        cores.iter().map(|core| core.to_string()).enumerate().collect()
    }

    #[test]
    fn a_set_has_what_was_inserted() {
        let mut set = Processors::EMPTY;
        for processor in [0, 63, 64, 1023, 1024, usize::MAX] {
            set.insert(processor);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 63, 64, 1023]);
        set.remove(63);
        set.remove(1024);
        assert_eq!((set.len(), set.contains(63), set.contains(64)), (3, false, true));
        assert_eq!(Processors::only(5).iter().collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn cores_come_before_their_further_threads() {
        let neighbours = placed(&["0-1", "0-1", "2-3", "2-3"]);
        assert_eq!(order_placed(0, neighbours.clone()), [0, 2, 1, 3]);
        assert_eq!(order_placed(3, neighbours), [3, 0, 1, 2]);
        let halves = placed(&["0,3", "1,4", "2,5", "0,3", "1,4", "2,5"]);
        assert_eq!(order_placed(1, halves.clone()), [1, 2, 3, 4, 5, 0]);
        assert_eq!(order_placed(99, halves), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_core_counts_once() {
        assert_eq!(count_cores(&placed(&["0,3", "1,4", "2,5", "0,3", "1,4", "2,5"])), 3);
        assert_eq!(count_cores(&placed(&["0", "1"])), 2);
    }

    #[test]
    fn default_threads_are_no_more_than_allowed() {
        let parallelism = thread::available_parallelism().map_or(1, usize::from);
        assert!((1..=parallelism).contains(&default_threads()));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_systems_set_is_read_as_it_is_meant() {
        let set = allowed().unwrap();
        // A quota may make it less.
        assert!(set.len() >= thread::available_parallelism().unwrap().get());
        assert!(set.contains(current().unwrap()));
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap();
        let first = list.trim().split(['-', ',']).next().unwrap();
        assert_eq!(set.iter().next().unwrap().to_string(), first);
    }
}
