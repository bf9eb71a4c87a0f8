//! Two subjects side by side: their totals, and their layers by name.

use std::collections::HashMap;

use super::subject::Subject;

/// The first subject's and the second's; none where a subject does not have it.
pub type Pair<T> = [Option<T>; 2];

/// What differs between two subjects.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Figures of the whole networks.
    pub totals: Vec<Total>,
    /// Layers that only one has, that differ in counts, or whose times are known.
    pub layers: Vec<LayerPair>,
}

/// A figure of the whole networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Total {
    /// What it is.
    pub what: &'static str,
    /// Its unit.
    pub unit: Unit,
    /// The values.
    pub values: Pair<f64>,
}

/// What a value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Milliseconds.
    Milliseconds,
}

/// A layer of either network, or of both.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerPair {
    /// Its name.
    pub name: String,
    /// Trained values; none where there is no such layer.
    pub params: Pair<u64>,
    /// Multiply-accumulates for one image.
    pub macs: Pair<u64>,
    /// Milliseconds of its step.
    pub ms: Pair<f64>,
}

/// Compares two subjects.
pub fn compare(first: &Subject, second: &Subject) -> Comparison {
    let both = [first, second];
    let names = union(&both.map(names));
    let rows: [HashMap<&str, Row>; 2] = both.map(rows);
    let pair = |name: &str| {
        let own = [0, 1].map(|side: usize| rows[side].get(name).copied());
        LayerPair {
            name: name.to_owned(),
            params: own.map(|row| row?.counts.map(|(params, _)| params)),
            macs: own.map(|row| row?.counts.map(|(_, macs)| macs)),
            ms: own.map(|row| row?.ms),
        }
    };
    let tells = |pair: &LayerPair| {
        pair.params[0] != pair.params[1] || pair.macs[0] != pair.macs[1] || pair.ms != [None, None]
    };
    Comparison { totals: totals(both), layers: names.into_iter().map(pair).filter(tells).collect() }
}

fn totals(both: [&Subject; 2]) -> Vec<Total> {
    let total = |what, unit, of: &dyn Fn(&Subject) -> Option<f64>| Total { what, unit, values: both.map(of) };
    let count = |what, of: fn(&Subject) -> u64| total(what, Unit::Count, &|s: &Subject| Some(of(s) as f64));
    // Another precision's memory would be taken for that of the plan that was timed.
    let bytes = |what, of: fn(&Subject) -> usize| {
        total(what, Unit::Bytes, &|s: &Subject| s.is_planned_as_timed().then(|| of(s) as f64))
    };
    vec![
        count("parameters", |s| s.network.total_params()),
        count("MACs an image", |s| s.network.total_macs()),
        count("layers", |s| s.network.nodes.len() as u64 - 1),
        count("steps of the plan", |s| s.schedule.steps.len() as u64),
        bytes("packed weights", |s| s.weight_bytes),
        bytes("arena", |s| s.schedule.arena),
        bytes("most alive at once", |s| s.live_bytes),
        total("time of a run", Unit::Milliseconds, &|s| s.profile.as_ref().map(super::Profile::ms)),
        total("the machine’s floor", Unit::Milliseconds, &|s| {
            s.profile.as_ref().map(super::Profile::floor_ms)
        }),
    ]
}

#[derive(Clone, Copy, Default)]
struct Row {
    counts: Option<(u64, u64)>,
    ms: Option<f64>,
}

fn names(subject: &Subject) -> Vec<&str> {
    let nodes: Vec<&str> = subject.network.nodes.iter().map(|node| node.path.as_str()).collect();
    let timed = subject.profile.iter().flat_map(|profile| &profile.layers);
    union(&[nodes, timed.map(|layer| layer.name.as_str()).collect()])
}

fn rows(subject: &Subject) -> HashMap<&str, Row> {
    let network = &subject.network;
    let mut rows: HashMap<&str, Row> = HashMap::new();
    for node in &network.nodes {
        rows.entry(&node.path).or_default().counts = Some((network.params(node), network.macs(node)));
    }
    for layer in subject.profile.iter().flat_map(|profile| &profile.layers) {
        let ms = &mut rows.entry(&layer.name).or_default().ms;
        *ms = Some(ms.unwrap_or(0.0) + layer.ms);
    }
    rows
}

/// All names once: the first's, and the second's own where they stand in the second.
fn union<'a>([first, second]: &[Vec<&'a str>; 2]) -> Vec<&'a str> {
    let mut rest: HashMap<&str, usize> = HashMap::new();
    for (place, &name) in first.iter().enumerate() {
        rest.entry(name).or_insert(place);
    }
    // Behind which of the first's names each of the second's own comes.
    let mut behind: Vec<(usize, usize, &str)> =
        rest.iter().map(|(&name, &place)| (place + 1, 0, name)).collect();
    let mut last = 0;
    for (place, &name) in second.iter().enumerate() {
        match rest.get(name) {
            Some(&own) => last = own + 1,
            None => behind.push((last, place + 1, name)),
        }
    }
    behind.sort_unstable();
    behind.dedup_by_key(|(_, _, name)| *name);
    behind.into_iter().map(|(_, _, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Options, Spec, compile};

    fn subject(spec: &str) -> Subject {
        let network = Spec::open(spec).and_then(|spec| spec.check(&[])).unwrap().network;
        let compiled = compile(&network, None, &Options::default()).unwrap();
        Subject::new(spec, network, &compiled)
    }

    #[test]
    fn names_of_both_are_in_the_order_of_both() {
        let union = union(&[vec!["a", "c", "d"], vec!["a", "b", "c", "e"]]);
        assert_eq!(union, ["a", "b", "c", "e", "d"]);
    }

    #[test]
    fn a_plain_network_lacks_the_shortcuts() {
        let both = compare(&subject("resnet18"), &subject("plain18"));
        assert_eq!(both.totals[0].values, [Some(11_689_512.0), Some(11_515_688.0)]);
        let only: Vec<&LayerPair> = both.layers.iter().filter(|layer| layer.params[1].is_none()).collect();
        assert_eq!(only.len(), 8 + 3 * 2, "8 sums, and 3 projections of a convolution and a norm");
        assert_eq!(only.len(), both.layers.len(), "all other layers are the same");
        assert!(only.iter().any(|layer| layer.name == "layer2.0.downsample.0"));
    }
}
