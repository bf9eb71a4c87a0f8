//! Runs ask for no memory: a session has all of it when it is made.
//!
//! One test alone, since what other threads of this process allocate is counted too.

mod network;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use network::{BATCH, IMAGE, model, numbers};
use resnetc_runtime::Options;
use resnetc_runtime::isa::Level;

/// The system's allocator, with a count of what it is asked for.
struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

fn count(bytes: usize) {
    CALLS.fetch_add(1, Ordering::SeqCst);
    BYTES.fetch_add(bytes, Ordering::SeqCst);
}

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn counts() -> (usize, usize) {
    (CALLS.load(Ordering::SeqCst), BYTES.load(Ordering::SeqCst))
}

#[test]
fn a_run_allocates_nothing() {
    let model = model();
    let images = numbers(5, BATCH * IMAGE);
    for level in Level::available() {
        for threads in 1..=2 {
            let before = counts();
            let mut session = model.session_with(Options { threads, level: Some(level) }).unwrap();
            assert!(counts() > before, "the counter does not count");
            // Its workers may still be starting, which takes memory; behind a run they are there.
            session.run(&images).unwrap();
            for images in [&images[..IMAGE], &images, &images[..IMAGE]] {
                let before = counts();
                let outputs = session.run(images).unwrap();
                let values = outputs.iter().map(|(_, values)| values.len()).sum::<usize>();
                let (after, found) = (counts(), outputs.get("probabilities").map(<[f32]>::len));
                assert_eq!(after, before, "{threads} threads at {}", level.name());
                assert_eq!((values > 0, found), (true, Some(images.len() / IMAGE * 10)));
            }
        }
    }
}
