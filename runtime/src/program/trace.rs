//! A run as a Chrome trace: what Perfetto and `chrome://tracing` open.
//!
//! In: a [`Profile`]. Out: one JSON object of the Trace Event Format: `traceEvents` with a row for each
//! thread, on it a complete event (`ph` is `X`) for each step from when the thread began its share until
//! it had computed it, in microseconds. What is empty between two events was spent waiting for others.

use std::io::{self, Write};
use std::ops::Range;
use std::time::Duration;

use serde_json::{Value, json};

use crate::Profile;

/// Writes the trace of one run under the name of the process that it shows.
///
/// # Errors
///
/// Those of `out`.
pub(super) fn write(out: &mut impl Write, process: &str, profile: &Profile) -> io::Result<()> {
    let trace = json!({ "displayTimeUnit": "ms", "traceEvents": events(process, profile) });
    writeln!(out, "{trace}")
}

fn events(process: &str, profile: &Profile) -> Vec<Value> {
    let threads = profile.steps.iter().map(|step| step.busy.len()).max().unwrap_or(0);
    let name = |kind: &str, thread: usize, name: &str| json!({ "ph": "M", "name": kind, "pid": 1, "tid": thread, "args": { "name": name } });
    let mut events = vec![name("process_name", 0, process)];
    events.extend((0..threads).map(|thread| name("thread_name", thread, &format!("thread {thread}"))));
    for step in &profile.steps {
        for (thread, Range { start, end }) in step.busy.iter().enumerate() {
            events.push(json!({
                "ph": "X",
                "name": step.name,
                "cat": step.kernel,
                "pid": 1,
                "tid": thread,
                "ts": microseconds(*start),
                "dur": microseconds(end.saturating_sub(*start)),
                "args": { "images": [step.images.start, step.images.end], "kernel": step.kernel, "macs": step.macs, "bytes": step.bytes },
            }));
        }
    }
    events
}

fn microseconds(time: Duration) -> f64 {
    time.as_nanos() as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StepProfile;

    #[test]
    fn each_thread_has_a_row_and_each_step_an_event_on_it() {
        let at = Duration::from_nanos;
        let step = StepProfile {
            name: "conv1".into(),
            images: 0..1,
            kernel: "direct 7x7".into(),
            tile: None,
            macs: 5,
            products: 5,
            element: crate::plan::Element::F32,
            bytes: 6,
            span: at(1_000)..at(5_000),
            busy: vec![at(1_000)..at(2_500), at(1_500)..at(4_750)],
        };
        let mut out = Vec::new();
        write(&mut out, "tiny", &Profile { images: 1, steps: vec![step] }).expect("a vector takes all");
        let trace: Value = serde_json::from_slice(&out).expect("JSON");
        let events = trace["traceEvents"].as_array().expect("an array");
        let of = |phase: &'static str| events.iter().filter(move |event| event["ph"] == phase);
        let names: Vec<&Value> = of("M").map(|event| &event["args"]["name"]).collect();
        assert_eq!(names, ["tiny", "thread 0", "thread 1"]);
        let spans: Vec<_> =
            of("X").map(|e| (e["tid"].as_u64(), e["ts"].as_f64(), e["dur"].as_f64())).collect();
        assert_eq!(spans, [(Some(0), Some(1.0), Some(1.5)), (Some(1), Some(1.5), Some(3.25))]);
        assert!(of("X").all(|event| event["name"] == "conv1"));
    }
}
