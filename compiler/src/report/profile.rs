//! Profiles: what `PROGRAM profile --json` wrote, read and checked.

use std::collections::HashMap;
use std::path::Path;

use serde_json::Value;

use crate::{Error, files};

/// The times of a network on a machine, and what that machine can do.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// The model that was run.
    pub model: String,
    /// What its layers computed in.
    pub precision: String,
    /// Images in a run.
    pub batch: u64,
    /// Threads.
    pub threads: u64,
    /// The instruction set.
    pub isa: String,
    /// Runs whose median the times are.
    pub runs: u64,
    /// What the machine can do.
    pub limits: Limits,
    /// The steps.
    pub layers: Vec<LayerTime>,
}

/// A machine's measured peaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Multiply-accumulates of floats, in 1e9 a second.
    pub gmacs: f64,
    /// Those of bf16; 0 where the network has none.
    pub bf16_gmacs: f64,
    /// Those of 8 bits; 0 where the network has none.
    pub int8_gmacs: f64,
    /// Bytes from memory, in 1e9 a second.
    pub gbytes: f64,
}

/// A step's time.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerTime {
    /// Its name.
    pub name: String,
    /// What computed it.
    pub kernel: String,
    /// Milliseconds of all rounds.
    pub ms: f64,
    /// The least that the machine's limits allow, in milliseconds.
    pub floor_ms: f64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Bytes that memory moves at least.
    pub bytes: u64,
    /// Which limit is the floor.
    pub bound: Bound,
}

/// What limits a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// Its products.
    Compute,
    /// Its bytes.
    Memory,
}

impl Bound {
    /// In a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Memory => "memory",
        }
    }
}

impl Profile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or is no profile.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = files::read_text(path, files::MOST_TEXT)?;
        Self::parse(&text).map_err(|reason| Error::Profile { path: path.to_owned(), reason })
    }

    /// Reads a profile's text.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| format!("no profile, which `PROGRAM profile --json` writes: {error}"))?;
        let top = Object { value: &value, path: String::new() };
        let limits = top.object("limits")?;
        let layers = top.list("layers")?;
        let profile = Self {
            model: top.text("model")?,
            precision: top.text("precision")?,
            batch: top.count("batch")?,
            threads: top.count("threads")?,
            isa: top.text("isa")?,
            runs: top.count("runs")?,
            limits: Limits {
                gmacs: limits.number("gmacs_per_s")?,
                bf16_gmacs: limits.number("bf16_gmacs_per_s")?,
                int8_gmacs: limits.number("int8_gmacs_per_s")?,
                gbytes: limits.number("gbytes_per_s")?,
            },
            layers: layers.iter().map(layer).collect::<Result<_, _>>()?,
        };
        if profile.layers.is_empty() {
            return Err("the profile has no layers".to_owned());
        }
        if profile.limits.gmacs <= 0.0 || profile.limits.gbytes <= 0.0 {
            return Err("the profile's `limits` are not above 0".to_owned());
        }
        Ok(profile)
    }

    /// Milliseconds of all layers.
    pub fn ms(&self) -> f64 {
        self.layers.iter().map(|layer| layer.ms).sum()
    }

    /// The least milliseconds of all layers.
    pub fn floor_ms(&self) -> f64 {
        self.layers.iter().map(|layer| layer.floor_ms).sum()
    }

    /// The layers in the order of a schedule's names; those that it does not have come last.
    pub fn sort_by(&mut self, names: &[&str]) {
        let mut places: HashMap<&str, usize> = HashMap::new();
        for (place, &name) in names.iter().enumerate() {
            places.entry(name).or_insert(place);
        }
        self.layers.sort_by_key(|layer| places.get(layer.name.as_str()).copied().unwrap_or(usize::MAX));
    }
}

fn layer(object: &Object<'_>) -> Result<LayerTime, String> {
    let ms = object.number("ms")?;
    let bound = match object.text("bound")?.as_str() {
        "compute" => Bound::Compute,
        "memory" => Bound::Memory,
        other => return Err(object.wrong("bound", &format!("`compute` or `memory`, not `{other}`"))),
    };
    Ok(LayerTime {
        name: object.text("name")?,
        kernel: object.text("kernel")?,
        ms,
        floor_ms: ms * object.number("limit_percent")? / 100.0,
        macs: object.count("macs")?,
        bytes: object.count("bytes")?,
        bound,
    })
}

/// A JSON object, and where it is in the file: for errors that say where.
struct Object<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Object<'a> {
    fn field(&self, name: &str) -> Result<&'a Value, String> {
        let field = self.value.get(name);
        field.ok_or_else(|| {
            format!("no profile, which `PROGRAM profile --json` writes: it has no `{}{name}`", self.path)
        })
    }

    fn wrong(&self, name: &str, wanted: &str) -> String {
        format!("`{}{name}` must be {wanted}", self.path)
    }

    fn text(&self, name: &str) -> Result<String, String> {
        let text = self.field(name)?.as_str();
        text.map(str::to_owned).ok_or_else(|| self.wrong(name, "a string"))
    }

    fn count(&self, name: &str) -> Result<u64, String> {
        self.field(name)?.as_u64().ok_or_else(|| self.wrong(name, "a whole number"))
    }

    /// A number that is not negative.
    fn number(&self, name: &str) -> Result<f64, String> {
        let number = self.field(name)?.as_f64().filter(|number| *number >= 0.0);
        number.ok_or_else(|| self.wrong(name, "a number from 0"))
    }

    fn object(&self, name: &str) -> Result<Self, String> {
        Ok(Self { value: self.field(name)?, path: format!("{}{name}.", self.path) })
    }

    fn list(&self, name: &str) -> Result<Vec<Self>, String> {
        let list = self.field(name)?.as_array().ok_or_else(|| self.wrong(name, "a list"))?;
        let item = |(index, value)| Self { value, path: format!("{}{name}[{index}].", self.path) };
        Ok(list.iter().enumerate().map(item).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"model":"m","precision":"f32","batch":1,"threads":2,"isa":"avx2","runs":9,
        "limits":{"gmacs_per_s":80,"bf16_gmacs_per_s":0,"int8_gmacs_per_s":0,"gbytes_per_s":20},
        "layers":[{"name":"b","kernel":"direct 3x3","tile":null,"ms":2.0,"share_percent":50,"macs":100,
        "gmacs_per_s":1,"bytes":50,"limit_percent":25,"bound":"compute"},
        {"name":"a","kernel":"load","tile":null,"ms":1.0,"share_percent":50,"macs":0,"gmacs_per_s":0,
        "bytes":50,"limit_percent":10,"bound":"memory"}],"total":{}}"#;

    #[test]
    fn a_profile_is_read_and_sorted() {
        let mut profile = Profile::parse(GOOD).unwrap();
        assert_eq!((profile.ms(), profile.floor_ms()), (3.0, 0.6));
        profile.sort_by(&["a", "b"]);
        assert_eq!(profile.layers[0].name, "a");
        assert_eq!(profile.layers[1].bound, Bound::Compute);
    }

    #[test]
    fn what_is_no_profile_says_why() {
        let told = |from: &str, to: &str| Profile::parse(&GOOD.replace(from, to)).unwrap_err();
        assert!(Profile::parse("{").unwrap_err().contains("profile --json"));
        assert!(Profile::parse("[]").unwrap_err().contains("no `limits`"));
        assert_eq!(told(r#""ms":2.0"#, r#""ms":"2""#), "`layers[0].ms` must be a number from 0");
        assert_eq!(told(r#""ms":2.0"#, r#""ms":-2"#), "`layers[0].ms` must be a number from 0");
        assert_eq!(told(r#""macs":100"#, r#""macs":1.5"#), "`layers[0].macs` must be a whole number");
        assert!(told(r#""bound":"memory""#, r#""bound":"luck""#).contains("layers[1].bound"));
        assert!(told(r#""gbytes_per_s":20"#, r#""gbytes_per_s":0"#).contains("above 0"));
        assert!(told(r#""gmacs_per_s":80,"#, "").contains("no `limits.gmacs_per_s`"));
    }
}
