//! Kernels that are told of more than there is: what the other tests rest on is that these are seen.

use std::os::unix::process::ExitStatusExt;

use super::*;
use crate::guarded::processes::{run_alone, task};

/// An activation of a map that lies before a page that faults, or behind one.
fn case(seed: u64) -> Case {
    let mut layout = Layout::new(1, seed);
    let input = layout.place(View::new(0, [16, 3, 3]));
    let output = layout.place(View::new(0, [16, 3, 3]));
    let op = Op::Activate { input, output, activation: Activation::Relu };
    Case { op, inputs: vec![input], layout, weights: vec![], batch: 1, n: 1, seed }
}

#[test]
fn a_child_runs_a_kernel_on_too_large_a_map() {
    let Some(task) = task() else { return };
    let words: Vec<&str> = task.split(' ').collect();
    let level = Level::from_name(words[0]).unwrap();
    let seed = words[2].parse().unwrap();
    let mut case = case(seed);
    let (arena, edge) = (case.memory(), case.layout.edge);
    let Op::Activate { input, output, .. } = &mut case.op else { unreachable!("the case is one") };
    // One row more, behind or before.
    let view = if words[1] == "read" { input } else { output };
    match (words[3], edge) {
        ("within", _) => {}
        (_, Edge::Behind) => view.offset += view.row(),
        (_, Edge::Before) => view.offset -= view.row(),
    }
    case.run_on(Isa::new(level).unwrap(), Split::Rows, 1, &arena);
}

#[test]
fn a_kernel_that_leaves_an_operand_ends_the_process() {
    let child = "kernels::tests::faults::a_child_runs_a_kernel_on_too_large_a_map";
    for level in Level::available().map(Level::name) {
        for how in ["read", "write"] {
            for seed in 0..2 {
                let of = |place| run_alone(child, &format!("{level} {how} {seed} {place}")).unwrap();
                assert!(of("within").success());
                assert_eq!(of("beside").signal(), Some(libc::SIGSEGV), "{how} at {level}, {seed}");
            }
        }
    }
}
