//! Teams: members that meet, panics, callers that change, workers that are asleep or awake or too
//! many, and where they are held.

use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

use super::processors::{allowed, current};
use super::*;

/// Fails, instead of waiting for ever, if a test's threads wait for each other.
fn finishes(test: impl FnOnce() + Send + 'static) {
    let (sender, receiver) = mpsc::channel();
    let tested = thread::spawn(move || {
        test();
        sender.send(()).unwrap();
    });
    if let Err(mpsc::RecvTimeoutError::Timeout) = receiver.recv_timeout(Duration::from_secs(60)) {
        panic!("a deadlock");
    }
    tested.join().unwrap();
}

/// Has all members meet a number of times.
fn meet(team: &mut Team) {
    let members = team.members();
    let counts: Vec<AtomicUsize> = (0..50).map(|_| AtomicUsize::new(0)).collect();
    let run = team.run(|_, barrier| {
        for count in &counts {
            count.fetch_add(1, Ordering::Relaxed);
            assert!(barrier.wait());
            assert_eq!(count.load(Ordering::Relaxed), members);
        }
    });
    assert!(run.is_ok());
}

/// Long enough for workers to park.
fn let_workers_park(team: &Team) {
    while !team.shared.parked.iter().all(|parked| parked.0.load(Ordering::SeqCst)) {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn all_members_meet_at_each_barrier() {
    finishes(|| {
        let mut team = Team::new(4).unwrap();
        (0..20).for_each(|_| meet(&mut team));
    });
}

#[test]
fn a_panic_of_any_member_ends_the_run_and_not_the_team() {
    finishes(|| {
        for members in 1..=4 {
            let mut team = Team::new(members).unwrap();
            for culprit in 0..members {
                let run = team.run(|member, barrier| {
                    assert!(member != culprit, "meant to panic");
                    while barrier.wait() && members > 1 {}
                });
                assert!(run.is_err());
                meet(&mut team);
            }
        }
    });
}

#[test]
fn what_a_member_panics_with_is_dropped_even_if_that_panics() {
    struct Payload(Arc<()>);
    impl Drop for Payload {
        fn drop(&mut self) {
            if Arc::strong_count(&self.0) == 2 {
                // What takes no memory, because it stays.
                std::panic::panic_any(());
            }
        }
    }
    finishes(|| {
        for (members, count) in [(1, 2), (1, 3), (2, 2), (2, 3)] {
            let mut team = Team::new(members).unwrap();
            let shared = Arc::new(());
            // Dropping the payload panics if nobody shares it but this test.
            let others = vec![shared.clone(); count - 2];
            let payload = Mutex::new(Some(Payload(shared.clone())));
            let run = team.run(|member, _| {
                if member + 1 == members {
                    std::panic::panic_any(payload.lock().unwrap().take().unwrap());
                }
            });
            assert!(run.is_err());
            assert_eq!(Arc::strong_count(&shared), 1 + others.len(), "it is dropped");
            meet(&mut team);
        }
    });
}

#[test]
fn a_team_serves_another_caller_in_each_run() {
    finishes(|| {
        let mut team = thread::spawn(|| Team::new(3).unwrap()).join().unwrap();
        for run in 0..20 {
            if run % 4 == 0 {
                let_workers_park(&team);
            }
            thread::scope(|scope| {
                scope.spawn(|| meet(&mut team));
            });
        }
    });
}

#[test]
fn a_team_is_dropped_while_its_workers_spin_or_park_or_start() {
    finishes(|| {
        for _ in 0..50 {
            drop(Team::new(4).unwrap());
            let mut team = Team::new(3).unwrap();
            meet(&mut team);
            drop(team);
        }
        let mut team = Team::new(4).unwrap();
        meet(&mut team);
        let_workers_park(&team);
        drop(team);
    });
}

#[test]
fn a_team_is_dropped_after_a_panic() {
    finishes(|| {
        let mut team = Team::new(3).unwrap();
        assert!(team.run(|member, _| assert!(member == 0, "meant to panic")).is_err());
    });
}

#[test]
fn more_members_than_processors_finish() {
    finishes(|| {
        let members = 4 * thread::available_parallelism().unwrap().get();
        let mut team = Team::new(members).unwrap();
        (0..5).for_each(|_| meet(&mut team));
    });
}

#[test]
fn many_teams_run_at_once() {
    finishes(|| {
        thread::scope(|scope| {
            for members in [1, 2, 2, 2, 3, 3, 4, 5] {
                scope.spawn(move || {
                    let mut team = Team::new(members).unwrap();
                    (0..5).for_each(|_| meet(&mut team));
                });
            }
        });
    });
}

/// The processors that each member may use.
fn members_processors(team: &mut Team) -> Vec<Vec<usize>> {
    let found = Mutex::new(vec![vec![]; team.members()]);
    let run = team.run(|member, _| {
        let processors = allowed().map_or(vec![], |set| set.iter().collect());
        found.lock().unwrap()[member] = processors;
    });
    assert!(run.is_ok());
    found.into_inner().unwrap()
}

/// A team of two with claims of its own, if its worker could be pinned.
fn pinned_pair(claims: &'static Claims) -> Option<Team> {
    let team = Team::with_claims(2, claims).unwrap();
    let pinned = team.pins.is_pinned(0);
    if !pinned {
        println!("skipped: pinning is refused here, or there is one processor, or a quota");
    }
    pinned.then_some(team)
}

#[test]
fn a_worker_has_one_processor_and_the_caller_all_of_its_own() {
    static CLAIMS: Claims = Claims::new();
    let before: Option<Vec<usize>> = allowed().map(|set| set.iter().collect());
    let Some(mut team) = pinned_pair(&CLAIMS) else { return };
    let found = members_processors(&mut team);
    assert_eq!(Some(&found[0]), before.as_ref());
    assert_eq!(found[1].len(), 1);
}

#[test]
fn a_worker_makes_way_for_the_caller() {
    static CLAIMS: Claims = Claims::new();
    let Some(mut team) = pinned_pair(&CLAIMS) else { return };
    for _ in 0..4 {
        let there = members_processors(&mut team)[1][0];
        thread::scope(|scope| {
            scope.spawn(|| {
                confine_this_thread(there);
                assert_eq!(current(), Some(there));
                let found = members_processors(&mut team);
                assert_eq!(found[0], [there]);
                assert_eq!(found[1].len(), 1);
                assert_ne!(found[1], [there]);
            });
        });
    }
}

#[test]
fn no_two_teams_pin_workers_to_one_processor() {
    static CLAIMS: Claims = Claims::new();
    let all = allowed().map_or(1, |set| set.iter().count());
    let Some(first) = pinned_pair(&CLAIMS) else { return };
    let mut teams: Vec<Team> = (0..2 * all).map(|_| Team::with_claims(2, &CLAIMS).unwrap()).collect();
    teams.push(first);
    let found: Vec<Vec<usize>> = teams.iter_mut().map(|team| members_processors(team).remove(1)).collect();
    let mut pinned: Vec<usize> = found.iter().filter(|set| set.len() == 1).map(|set| set[0]).collect();
    assert!(pinned.len() < found.len());
    pinned.sort_unstable();
    assert!(pinned.windows(2).all(|pair| pair[0] != pair[1]), "{pinned:?}");
    drop(teams);
    assert!(pinned_pair(&CLAIMS).is_some(), "claims outlive their teams");
}

#[test]
fn a_team_with_more_members_than_processors_is_not_pinned() {
    static CLAIMS: Claims = Claims::new();
    let Some(all) = allowed().map(|set| set.iter().collect::<Vec<_>>()) else { return };
    let mut team = Team::with_claims(all.len() + 1, &CLAIMS).unwrap();
    assert!(members_processors(&mut team).iter().all(|found| *found == all));
}

#[cfg(target_os = "linux")]
fn confine_this_thread(processor: usize) {
    let set = processors::Processors::only(processor);
    // SAFETY: the set has the size that is given.
    let status = unsafe { libc::sched_setaffinity(0, size_of_val(&set), (&raw const set).cast()) };
    assert_eq!(status, 0);
}

#[cfg(not(target_os = "linux"))]
fn confine_this_thread(_: usize) {}
