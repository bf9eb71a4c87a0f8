//! A network that is put to the test: with weights, images, and what the oracle says of them.

use ndarray::Array4;
use resnetc::graph::{self, eval};
use resnetc::model::Network;
use resnetc::precision::Calibration;
use resnetc::precision::calibration::{Range, digest};
use resnetc::precision::histogram::{Histogram, Method};
use resnetc::precision::probe::{add_probes, layer};
use resnetc::{Options, Spec};
use resnetc_runtime::Model;
use resnetc_runtime::plan::Preprocess;
use resnetc_tests::synthetic::{self, Norms};

/// A network with all that it is compiled and run with.
pub struct Subject {
    /// The network.
    pub network: Network,
    /// Its weights.
    pub values: Vec<Vec<f32>>,
    /// Images that fill a batch.
    pub images: Vec<f32>,
    /// How many.
    pub batch: usize,
}

impl Subject {
    /// The network of a spec, and so many images.
    ///
    /// # Panics
    ///
    /// If the spec is refused.
    pub fn new(text: &str, batch: usize) -> Self {
        let network = network(text);
        let values = values(&network);
        let images = images(&network, batch);
        Self { network, values, images, batch }
    }

    /// Each output of the graph before any pass, in f64.
    pub fn truth(&self) -> Vec<Vec<f64>> {
        let graph = graph::lower(&self.network, Some(self.values.clone()));
        assert_eq!(graph::verify(&graph), [], "what is lowered keeps the invariants");
        let [c, h, w] = self.network.nodes[0].shape;
        let images = self.images.iter().map(|&v| f64::from(v)).collect();
        let images = Array4::from_shape_vec((self.batch, c, h, w), images).unwrap();
        let truth = eval::eval(&graph, &images).unwrap();
        truth.iter().map(|output| output.iter().copied().collect()).collect()
    }

    /// So many images from the first on, or all.
    pub fn first(&self, n: usize) -> &[f32] {
        &self.images[..n.min(self.batch) * self.size()]
    }

    /// So many images up to the last.
    pub fn last(&self, n: usize) -> &[f32] {
        &self.images[(self.batch - n) * self.size()..]
    }

    /// Values of an image.
    fn size(&self) -> usize {
        self.images.len() / self.batch
    }

    /// The ranges of all values on the images.
    pub fn calibrate(&self) -> Calibration {
        let mut graph = resnetc::fuse(&self.network, Some(self.values.clone()));
        add_probes(&mut graph);
        let options = Options { batch: self.batch, ..Options::default() };
        let compiled = resnetc::compile_graph(&self.network, &graph, &options).unwrap();
        let model = Model::from_bytes(compiled.plan, compiled.weights.unwrap()).unwrap();
        let mut session = model.session(1).unwrap();
        let mut calibration = Calibration {
            model: self.network.name.clone(),
            weights: digest(&self.values),
            images: self.batch,
            ..Calibration::default()
        };
        for (output, values) in session.run(&self.images).unwrap().iter() {
            let Some(path) = layer(&output.name) else { continue };
            let mut histogram = Histogram::default();
            histogram.add(values);
            let (low, high) = histogram.range(Method::Max);
            calibration.ranges.insert(path.to_owned(), Range { low, high, method: Method::Max });
        }
        calibration
    }
}

/// The network of a spec's last model.
///
/// # Panics
///
/// If it is refused.
pub fn network(text: &str) -> Network {
    let spec = Spec::from_text("one.resnet", text, Some("one"));
    spec.check(&[]).unwrap_or_else(|error| panic!("{error}\n{text}")).network
}

/// Weights of a checkpoint that was never trained, but keeps activations of unit size.
pub fn values(network: &Network) -> Vec<Vec<f32>> {
    let norms = Norms {
        scales: network
            .nodes
            .iter()
            .filter(|node| node.layer.word() == "norm")
            .map(|node| (node.path.clone(), (0.2, 1.0)))
            .collect(),
        small: Vec::new(),
    };
    graph::wanted(network).iter().map(|t| synthetic::tensor(&t.name, &t.shape, &norms)).collect()
}

/// Images as programs give them: pixels of 8 bits, normalised. What has more than three channels is no picture.
pub fn images(network: &Network, count: usize) -> Vec<f32> {
    let [c, h, w] = network.nodes[0].shape;
    let mut values = synthetic::input([count, c, h, w]);
    let Preprocess { mean, std, .. } = &network.preprocess;
    if c <= mean.len() {
        for (index, value) in values.iter_mut().enumerate() {
            let channel = index / (h * w) % c;
            let pixel = (255.0 * (*value / 5.0 + 0.5)).round().clamp(0.0, 255.0) / 255.0;
            *value = (pixel - mean[channel]) / std[channel];
        }
    }
    values
}
