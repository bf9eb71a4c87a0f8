//! How far results are from the truth over many networks: what the bounds rest on.
//!
//!     RESNETC_NETWORKS=500 cargo test --release -p resnetc-tests --test networks -- --ignored --nocapture
//!
//! prints it; with `RESNETC_WORST=1` also the network of each greatest error.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::differential::check;
use super::runner::hold;
use super::subject::Subject;

/// Parts of all outputs that are nearer than what is printed.
const PARTS: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

/// The errors of some outputs, and the greatest one's network.
#[derive(Default)]
struct Errors {
    all: Vec<f64>,
    worst: Option<(f64, String)>,
}

impl Errors {
    fn add(&mut self, error: f64, network: impl FnOnce() -> String) {
        if self.worst.as_ref().is_none_or(|(worst, _)| error > *worst) {
            self.worst = Some((error, network()));
        }
        self.all.push(error);
    }

    fn print(&mut self, of: &str) {
        self.all.sort_unstable_by(f64::total_cmp);
        let at = |part: f64| self.all[(part * (self.all.len() - 1) as f64) as usize];
        let parts = PARTS.map(|part| format!("{:8.1e}", at(part))).join(" ");
        if let Some((worst, network)) = &self.worst {
            println!("{of:40} {parts} {worst:8.1e} of {}", self.all.len());
            if std::env::var_os("RESNETC_WORST").is_some() {
                println!("{network}");
            }
        }
    }
}

#[test]
#[ignore = "a measurement: it prints the errors, which `bounds` bounds"]
fn errors_of_many_networks() {
    let errors: RefCell<BTreeMap<String, Errors>> = RefCell::default();
    hold(|case| {
        let text = case.network.spec();
        let subject = Subject::new(&text, case.batch);
        check(&subject, &case.chances, &mut |variant, found| {
            let kind = variant.name.split([',', ':']).next().unwrap_or_default();
            let mut errors = errors.borrow_mut();
            for (from, error) in [("the plan", found.plan), ("the oracle", found.oracle)] {
                let of = format!("{kind} from {from}");
                errors
                    .entry(of)
                    .or_default()
                    .add(error, || format!("{}: {case:?}\n{}", found.output, variant.name));
            }
            Ok(())
        })
    });
    for (of, errors) in errors.borrow_mut().iter_mut() {
        errors.print(of);
    }
}
