//! Goldens: logits that PyTorch computed in float64 from synthetic weights.

use resnetc::model::Network;
use resnetc::{Spec, graph};
use resnetc_runtime::{Model, Options};
use serde_json::Value;

use crate::synthetic::{self, Norms};

/// One network's golden.
#[derive(Debug)]
pub struct Golden {
    /// The spec, and its settings as `NAME=VALUE`.
    pub spec: String,
    /// See [`Golden::spec`].
    pub settings: Vec<String>,
    /// `[n, c, h, w]` of the input.
    pub input: [usize; 4],
    /// What its norms measured.
    pub norms: Norms,
    /// `[n, classes]`, float64.
    pub logits: Vec<f64>,
}

impl Golden {
    /// Reads `goldens/NAME.json`.
    pub fn read(name: &str) -> Self {
        let path = crate::path(&format!("goldens/{name}.json"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let json: Value = serde_json::from_str(&text).expect("a golden is JSON");
        let numbers = |v: &Value| -> Vec<f64> {
            v.as_array().expect("a list").iter().map(|n| n.as_f64().expect("a number")).collect()
        };
        let settings = json["set"].as_object().expect("settings").iter();
        let norms = json["norms"].as_object().expect("norms").iter();
        let input: Vec<usize> = numbers(&json["input"]).into_iter().map(|d| d as usize).collect();
        let small = json["small"].as_array().expect("small norms").iter();
        Self {
            spec: json["spec"].as_str().expect("a spec").to_owned(),
            settings: settings.map(|(k, v)| format!("{k}={}", v.to_string().trim_matches('"'))).collect(),
            input: input.try_into().expect("four dimensions"),
            norms: Norms {
                scales: norms
                    .map(|(name, v)| {
                        let v = numbers(v);
                        (name.clone(), (v[0], v[1]))
                    })
                    .collect(),
                small: small.map(|n| n.as_str().expect("a name").to_owned()).collect(),
            },
            logits: json["logits"].as_array().expect("logits").iter().flat_map(numbers).collect(),
        }
    }

    /// The checked network; a spec that is not shipped is in `specs/`.
    pub fn network(&self) -> Network {
        let own = crate::path(&format!("specs/{}.resnet", self.spec));
        let name = if own.exists() { own.display().to_string() } else { self.spec.clone() };
        let spec = Spec::open(&name).expect("the spec is there");
        spec.check(&self.settings).unwrap_or_else(|e| panic!("{}: {e}", self.spec)).network
    }

    /// The synthetic weights of a network, in the order that it wants them.
    pub fn values(&self, network: &Network) -> Vec<Vec<f32>> {
        let wanted = graph::wanted(network);
        wanted.iter().map(|t| synthetic::tensor(&t.name, &t.shape, &self.norms)).collect()
    }

    /// The input batch, NCHW.
    pub fn images(&self) -> Vec<f32> {
        synthetic::input(self.input)
    }

    /// Relative L2 error of what the compiled plan gives.
    pub fn error(&self, options: Options) -> f64 {
        let network = self.network();
        let model = compile(&network, self.values(&network), self.input[0]);
        let mut session = model.session_with(options).expect("a session");
        let outputs = session.run(&self.images()).expect("a run");
        crate::relative_error(outputs.main().iter().map(|&v| f64::from(v)), &self.logits)
    }
}

/// A network with its weights, planned for a batch, as the runtime runs it.
pub fn compile(network: &Network, values: Vec<Vec<f32>>, batch: usize) -> Model {
    let mut graph = graph::lower(network, Some(values));
    resnetc::passes::run(&mut graph);
    assert_eq!(graph::verify(&graph), [], "the passes keep the invariants");
    let options = resnetc::Options { batch, ..resnetc::Options::default() };
    let planned = resnetc::plan::plan(&graph, &resnetc::plan_options(network, &options)).expect("a plan");
    let weights = planned.weights.expect("the graph has weights");
    let file = resnetc_runtime::weights::encode(&planned.plan, &weights).expect("as many as planned");
    Model::from_bytes(planned.plan, file).expect("a model")
}
