//! Sessions: results, inputs that are refused, threads that come and go.

mod network;

use std::thread;
use std::time::Duration;

use network::{BATCH, IMAGE, assert_close, model, numbers, values};
use resnetc_runtime::isa::Level;
use resnetc_runtime::{Error, Options, Session, reference};

fn bits(session: &mut Session, images: &[f32]) -> Vec<u32> {
    let outputs = session.run(images).unwrap();
    outputs.iter().flat_map(|(_, values)| values).map(|value| value.to_bits()).collect()
}

#[test]
fn results_are_the_references_at_every_level_and_batch() {
    let model = model();
    for level in Level::ALL {
        if !level.is_available() {
            println!("skipped: this machine has no {}", level.name());
            continue;
        }
        for n in 1..=BATCH {
            let images = numbers(n as u32, n * IMAGE);
            let expected = reference::run(model.plan(), &values(model.plan()), &images);
            let mut session = model.session_with(Options { threads: 2, level: Some(level) }).unwrap();
            session.poison(f32::NAN);
            let outputs = session.run(&images).unwrap();
            assert_eq!((outputs.images(), outputs.len()), (n, 2));
            assert_close(outputs, &expected, level);
        }
    }
}

#[test]
fn results_do_not_depend_on_threads_or_on_the_last_run() {
    let model = model();
    let images = numbers(5, BATCH * IMAGE);
    let expected = bits(&mut model.session(1).unwrap(), &images);
    for threads in 1..=5 {
        let mut session = model.session(threads).unwrap();
        assert_eq!(session.threads(), threads);
        assert_eq!(bits(&mut session, &images), expected);
        bits(&mut session, &numbers(6, IMAGE));
        assert_eq!(bits(&mut session, &images), expected);
    }
}

#[test]
fn each_image_of_a_batch_has_the_result_it_has_alone() {
    let mut session = model().session(2).unwrap();
    let images = numbers(9, BATCH * IMAGE);
    let together = session.run(&images).unwrap().main().to_vec();
    for (image, expected) in images.chunks(IMAGE).zip(together.chunks(10)) {
        assert_eq!(session.run(image).unwrap().main(), expected);
    }
}

#[test]
fn outputs_are_found_by_name() {
    let mut session = model().session(1).unwrap();
    let images = numbers(2, 2 * IMAGE);
    let outputs = session.run(&images).unwrap();
    assert_eq!(outputs.main().len(), 2 * 10);
    assert_eq!(outputs.get("probabilities"), Some(outputs.main()));
    assert_eq!(outputs.get("c1").map(<[f32]>::len), Some(2 * 32 * 9 * 11));
    assert_eq!(outputs.get("c2"), None);
    let sum: f32 = outputs.main()[..10].iter().sum();
    assert!((sum - 1.0).abs() < 1e-6);
}

#[test]
fn inputs_of_another_length_are_refused() {
    let mut session = model().session(2).unwrap();
    for len in [0, 1, IMAGE - 1, IMAGE + 1, (BATCH + 1) * IMAGE] {
        let error = session.run(&vec![0.0; len]).unwrap_err();
        assert!(matches!(error, Error::Input { found, image: IMAGE, batch: BATCH } if found == len));
    }
    assert!(session.run(&vec![0.0; IMAGE]).is_ok());
}

#[test]
fn any_value_is_survived() {
    let mut session = model().session(2).unwrap();
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e-40] {
        session.run(&[value; IMAGE]).unwrap();
    }
    let images = numbers(3, IMAGE);
    let expected = bits(&mut model().session(1).unwrap(), &images);
    assert_eq!(bits(&mut session, &images), expected);
}

#[test]
fn sessions_of_one_model_run_side_by_side() {
    let model = model();
    let images = numbers(4, IMAGE);
    let expected = bits(&mut model.session(1).unwrap(), &images);
    thread::scope(|scope| {
        for threads in [1, 2, 3, 2] {
            let (model, images, expected) = (&model, &images, &expected);
            scope.spawn(move || {
                let mut session = model.session(threads).unwrap();
                for _ in 0..20 {
                    assert_eq!(&bits(&mut session, images), expected);
                }
            });
        }
    });
}

#[test]
fn workers_wake_after_parking_and_serve_any_caller() {
    let mut session = model().session(3).unwrap();
    let images = numbers(4, IMAGE);
    let expected = bits(&mut session, &images);
    for _ in 0..3 {
        thread::sleep(Duration::from_millis(20));
        let images = images.clone();
        session = thread::spawn({
            let expected = expected.clone();
            move || {
                assert_eq!(bits(&mut session, &images), expected);
                session
            }
        })
        .join()
        .unwrap();
    }
}

#[test]
fn sessions_are_dropped_idle_and_unused() {
    let model = model();
    for pause in [0, 5] {
        let mut session = model.session(4).unwrap();
        bits(&mut session, &numbers(1, IMAGE));
        thread::sleep(Duration::from_millis(pause));
        drop(session);
        drop(model.session(4).unwrap());
    }
}

#[test]
fn a_level_that_the_machine_lacks_is_refused() {
    let model = model();
    for level in Level::ALL.into_iter().filter(|level| !level.is_available()) {
        let error = model.session_with(Options { threads: 1, level: Some(level) }).unwrap_err();
        assert!(matches!(error, Error::Unavailable(refused) if refused == level));
        assert!(error.to_string().contains("portable"));
    }
}

#[test]
fn a_session_wants_a_thread() {
    assert!(matches!(model().session(0).unwrap_err(), Error::Threads(0)));
}

#[test]
fn models_and_sessions_go_where_they_are_needed() {
    fn shared<T: Send + Sync>() {}
    fn sent<T: Send>() {}
    shared::<resnetc_runtime::Model>();
    sent::<Session>();
    assert!(resnetc_runtime::default_threads() >= 1);
}

#[test]
fn a_profile_has_each_step_with_each_threads_time_in_it() {
    let model = model();
    let images = numbers(5, 2 * IMAGE);
    for threads in 1..=3 {
        let mut session = model.session(threads).unwrap();
        let profile = session.profile(&images).unwrap();
        assert_eq!(profile.images, 2);
        let names: Vec<&str> = profile.steps.iter().map(|step| &*step.name).collect();
        let blocks = ["block.4.step"; 2].into_iter().chain(["block.5.step"; 2]).chain(["block.6.step"; 2]);
        let expected: Vec<&str> = ["step"; 2].into_iter().chain(blocks).chain(["step"; 5]).collect();
        assert_eq!(names, expected);
        for (step, next) in profile.steps.iter().zip(profile.steps.iter().skip(1)) {
            assert_eq!(step.span.end, next.span.start, "spans leave no gap");
        }
        for step in &profile.steps {
            assert_eq!(step.busy.len(), threads);
            for busy in &step.busy {
                assert!(busy.start <= busy.end && busy.end <= step.span.end, "{step:?}");
            }
            assert_eq!(step.busy[0].start, step.span.start);
        }
        assert_eq!(profile.time(), profile.steps[12].span.end - profile.steps[0].span.start);
    }
}

#[test]
fn a_profile_has_the_steps_of_each_round() {
    let mut session = model().session(2).unwrap();
    let one = session.profile(&numbers(5, IMAGE)).unwrap();
    let all = session.profile(&numbers(5, BATCH * IMAGE)).unwrap();
    let steps = one.steps.len();
    assert_eq!((steps, all.steps.len()), (13, 26));
    assert!(all.steps[..steps].iter().all(|step| step.images == (0..2)));
    assert!(all.steps[steps..].iter().all(|step| step.images == (2..3) && step.time() > Duration::ZERO));
    let macs = |steps: &[resnetc_runtime::StepProfile]| steps.iter().map(|step| step.macs).sum::<u64>();
    assert_eq!(macs(&all.steps), 3 * macs(&one.steps));
    assert_eq!(macs(&all.steps[steps..]), macs(&one.steps));
}

#[test]
fn a_profile_counts_the_work_of_its_images() {
    let mut session = model().session_with(Options { threads: 1, level: Some(Level::Portable) }).unwrap();
    let one = session.profile(&numbers(5, IMAGE)).unwrap();
    let two = session.profile(&numbers(5, 2 * IMAGE)).unwrap();
    let stem = &two.steps[1];
    assert_eq!((&*stem.kernel, stem.macs), ("direct 3x3", 2 * 9 * 11 * 32 * 9 * 3));
    assert_eq!(stem.tile, Some([2, 16]));
    assert_eq!(two.steps[0].tile, None);
    for (one, two) in one.steps.iter().zip(&two.steps) {
        assert_eq!(2 * one.macs, two.macs);
        assert!(one.bytes < two.bytes && two.bytes <= 2 * one.bytes, "weights are read once");
    }
}

#[test]
fn a_profiled_run_is_refused_and_computed_as_any_other() {
    let mut session = model().session(2).unwrap();
    assert!(matches!(session.profile(&[0.0; IMAGE + 1]), Err(Error::Input { .. })));
    let images = numbers(5, BATCH * IMAGE);
    let expected = bits(&mut session, &images);
    session.profile(&images).unwrap();
    assert_eq!(bits(&mut session, &images), expected);
}
