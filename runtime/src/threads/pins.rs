//! Where the workers of a team are held.
//!
//! In: workers, made by the thread that will run with them. Out: each is confined to one processor, on
//! a core of its own first, so that what it left in that core's caches is there in its next run.
//!
//! Nothing is pinned that would have to share: no team that has more members than it may use
//! processors, or that a quota gives less than these, for others then run there too; no worker on a
//! processor that another team of this process has claimed, nor on the caller's. The caller's thread is
//! not ours and goes where the system puts it; if it comes to a worker's processor, the worker makes
//! way. Whatever is refused leaves a worker as the system made it.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::processors::{Processors, allowed, confine, current, order_from};
use super::sync::thread::JoinHandle;

/// The processors that teams have pinned workers to.
pub(super) struct Claims(Mutex<Processors>);

impl Claims {
    pub(super) const fn new() -> Self {
        Self(Mutex::new(Processors::EMPTY))
    }

    /// Those of all teams of this process.
    pub(super) fn of_process() -> &'static Self {
        static CLAIMS: Claims = Claims::new();
        &CLAIMS
    }

    /// Claims the first that nobody has.
    fn claim(&self, mut candidates: impl Iterator<Item = usize>) -> Option<usize> {
        let mut claimed = self.lock();
        let processor = candidates.find(|&processor| !claimed.contains(processor))?;
        claimed.insert(processor);
        Some(processor)
    }

    fn release(&self, processor: usize) {
        self.lock().remove(processor);
    }

    fn lock(&self) -> MutexGuard<'_, Processors> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The processors that the workers of one team are confined to; claimed until it is dropped, which is
/// to be after the workers have gone.
pub(super) struct Pins {
    claims: &'static Claims,
    /// What the workers may use when they are not pinned.
    allowed: Processors,
    /// The same, the best first.
    order: Vec<usize>,
    /// Each worker's processor, if it is pinned.
    held: Vec<Option<usize>>,
}

impl Pins {
    /// Pins what can be pinned. The calling thread is the one that made the workers.
    pub(super) fn new(workers: &[JoinHandle<()>], claims: &'static Claims) -> Self {
        let held = vec![None; workers.len()];
        let mut pins = Self { claims, allowed: Processors::EMPTY, order: Vec::new(), held };
        if workers.is_empty() {
            return pins;
        }
        let (Some(allowed), Some(here)) = (allowed(), current()) else { return pins };
        let parallelism = thread::available_parallelism().map_or(1, usize::from);
        if !is_alone(workers.len() + 1, allowed.len(), parallelism) {
            return pins;
        }
        pins.allowed = allowed;
        pins.order = order_from(here, &allowed);
        for (index, worker) in workers.iter().enumerate() {
            pins.held[index] = pins.hold(worker, here);
        }
        pins
    }

    /// Sends the worker away that is pinned to where the caller, which is about to run, is now.
    pub(super) fn make_way(&mut self, workers: &[JoinHandle<()>]) {
        if self.held.iter().all(Option::is_none) {
            return;
        }
        let Some(here) = current() else { return };
        let pinned = self.held.iter().position(|&held| held == Some(here));
        let Some(index) = pinned else { return };
        self.held[index] = self.hold(&workers[index], here);
        if self.held[index].is_none() {
            confine(&workers[index], &self.allowed);
        }
        self.claims.release(here);
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn is_pinned(&self, worker: usize) -> bool {
        self.held[worker].is_some()
    }

    /// Confines a worker to the best processor that is free and not the caller's.
    fn hold(&self, worker: &JoinHandle<()>, here: usize) -> Option<usize> {
        let others = self.order.iter().copied().filter(|&processor| processor != here);
        let processor = self.claims.claim(others)?;
        if confine(worker, &Processors::only(processor)) {
            return Some(processor);
        }
        self.claims.release(processor);
        None
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        self.held.iter().flatten().for_each(|&processor| self.claims.release(processor));
    }
}

/// Whether a team can have its processors for itself: there are enough, and no quota on them.
fn is_alone(members: usize, allowed: usize, parallelism: usize) -> bool {
    members <= allowed && allowed <= parallelism
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_kept_until_it_is_released() {
        let claims = Claims::new();
        assert_eq!(claims.claim([3, 5].into_iter()), Some(3));
        assert_eq!(claims.claim([3, 5].into_iter()), Some(5));
        assert_eq!(claims.claim([3, 5].into_iter()), None);
        claims.release(5);
        assert_eq!(claims.claim([3, 5].into_iter()), Some(5));
    }

    #[test]
    fn too_many_members_and_quotas_forbid_pinning() {
        assert!(is_alone(2, 2, 2));
        assert!(is_alone(2, 8, 8));
        assert!(!is_alone(3, 2, 2));
        assert!(!is_alone(2, 8, 2));
    }
}
