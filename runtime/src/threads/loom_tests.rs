//! The team and its barrier in every order in which loom can have their threads run, and with every value
//! that each can then see of what others wrote: `RUSTFLAGS="--cfg loom"`, which `tests/loom.sh` sets.
//!
//! What members write lies in loom's cells: to read one without having to see the write is an error, as
//! is an order in which nobody can go on.

use loom::cell::UnsafeCell;
use loom::model::Builder;

use super::sync::thread;
use super::*;

/// Explores a model, whose threads are interrupted at most so often other than where they wait.
fn explore(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// So many interruptions, unless `LOOM_MAX_PREEMPTIONS` says otherwise.
fn preemptions(unless_told: usize) -> usize {
    Builder::new().preemption_bound.unwrap_or(unless_told)
}

/// A value of each member.
struct Values(Vec<UnsafeCell<usize>>);

// SAFETY: loom's cells check each access: one while another may be writing fails the model.
unsafe impl Sync for Values {}

impl Values {
    fn new(members: usize) -> Self {
        Self((0..members).map(|_| UnsafeCell::new(0)).collect())
    }

    fn set(&self, member: usize, value: usize) {
        // SAFETY: the pointer is valid; loom sees whoever else has one.
        self.0[member].with_mut(|place| unsafe { *place = value });
    }

    fn all_are(&self, value: usize) -> bool {
        // SAFETY: the pointer is valid; loom sees whoever writes meanwhile.
        self.0.iter().all(|cell| cell.with(|place| unsafe { *place == value }))
    }
}

/// What one member does at each meeting: writes, meets the others, and reads what they wrote.
fn pass(member: usize, barrier: &Barrier, meetings: &[Values]) {
    for values in meetings {
        values.set(member, 1);
        assert!(barrier.wait());
        assert!(values.all_are(1));
    }
}

fn meetings(members: usize, times: usize) -> Vec<Values> {
    (0..times).map(|_| Values::new(members)).collect()
}

/// Has all members meet some times in one run.
fn meet(team: &mut Team, times: usize) {
    let meetings = meetings(team.members(), times);
    assert!(team.run(|member, barrier| pass(member, barrier, &meetings)).is_ok());
    assert!(meetings.iter().all(|values| values.all_are(1)));
}

/// Members, without a team, that meet some times.
fn explore_barrier(members: usize, times: usize, preemptions: usize) {
    explore(preemptions, move || {
        let shared = Arc::new((Barrier::new(members), meetings(members, times)));
        let spawn = |member| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || pass(member, &shared.0, &shared.1))
        };
        let others: Vec<_> = (1..members).map(spawn).collect();
        pass(0, &shared.0, &shared.1);
        others.into_iter().for_each(|other| other.join().unwrap());
    });
}

#[test]
fn two_members_see_at_each_barrier_what_both_wrote_before() {
    explore_barrier(2, 2, preemptions(3));
}

#[test]
fn three_members_see_at_each_barrier_what_all_wrote_before() {
    // Of three, two can spin in turns for ever while the third is interrupted, which loom cannot end.
    explore_barrier(3, 2, 0);
}

#[test]
fn two_members_run_twice() {
    explore(preemptions(2), || {
        let mut team = Team::new(2).unwrap();
        meet(&mut team, 1);
        meet(&mut team, 1);
    });
}

#[test]
fn a_caller_sees_what_three_members_wrote() {
    explore(preemptions(2), || {
        let mut team = Team::new(3).unwrap();
        let values = Values::new(3);
        for run in 1..=2 {
            assert!(team.run(|member, _| values.set(member, run)).is_ok());
            assert!(values.all_are(run));
        }
    });
}

#[test]
fn a_team_is_dropped_while_its_workers_start_or_park() {
    explore(preemptions(2), || drop(Team::new(3).unwrap()));
    explore(preemptions(2), || {
        let mut team = Team::new(2).unwrap();
        assert!(team.run(|_, _| {}).is_ok());
    });
}

#[test]
fn a_panic_of_any_member_lets_the_others_go_and_is_mended() {
    for culprit in 0..2 {
        explore(preemptions(2), move || {
            let mut team = Team::new(2).unwrap();
            let run = team.run(|member, barrier| {
                assert!(member != culprit, "meant to panic");
                assert!(!barrier.wait());
            });
            assert!(run.is_err());
            meet(&mut team, 1);
        });
    }
}
