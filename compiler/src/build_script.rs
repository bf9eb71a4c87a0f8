//! Compiling a network from a `build.rs`.
//!
//! ```no_run
//! // In the main function of build.rs; `resnetc` is a build dependency with
//! // `default-features = false`.
//! resnetc::build_script::Build::new("specs/mine.resnet")
//!     .weights("weights/mine.safetensors")
//!     .batch(8)
//!     .run();
//! ```
//!
//! ```ignore
//! // main.rs
//! include!(concat!(env!("OUT_DIR"), "/mine.rs")); // mod mine
//! let model = mine::model()?;
//! ```

use std::path::{Path, PathBuf};

use crate::diagnostics::Report;
use crate::emit::{self, Weights};
use crate::files::write_whole;
use crate::model::Limits;
use crate::precision::{Precision, Precisions};
use crate::weights::{self, Rename};
use crate::{Algorithms, Compiled, Error, Options, Spec, compile_values, join};

/// A network to be compiled by a build script.
#[derive(Clone, Debug)]
pub struct Build {
    spec: String,
    weights: Option<PathBuf>,
    settings: Vec<String>,
    limits: Limits,
    options: Options,
    precision: Precision,
    deployment: Option<PathBuf>,
    calibration: Option<PathBuf>,
}

impl Build {
    /// Compiles a spec: a path relative to the package, `FILE.resnet:MODEL`, or a shipped model.
    pub fn new(spec: impl Into<String>) -> Self {
        Self {
            spec: spec.into(),
            weights: None,
            settings: Vec::new(),
            limits: Limits::USUAL,
            options: Options::default(),
            precision: Precision::F32,
            deployment: None,
            calibration: None,
        }
    }

    /// The checkpoint; without it, the one that the spec names.
    #[must_use]
    pub fn weights(mut self, path: impl Into<PathBuf>) -> Self {
        self.weights = Some(path.into());
        self
    }

    /// Sets a parameter of the model, as `--set NAME=VALUE` does.
    #[must_use]
    pub fn set(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        self.settings.push(format!("{name}={value}"));
        self
    }

    /// Takes a network past the usual limits, as `--allow-large` does.
    #[must_use]
    pub fn allow_large(mut self) -> Self {
        self.limits = Limits::LARGE;
        self
    }

    /// The largest number of images in one run; 1 unless set.
    #[must_use]
    pub fn batch(mut self, batch: usize) -> Self {
        self.options.batch = batch;
        self
    }

    /// Multiplies each convolution's products as they stand, as `--exact` does.
    #[must_use]
    pub fn exact(mut self) -> Self {
        self.options.algorithms = Algorithms::Exact;
        self
    }

    /// What layers compute in; f32 unless set.
    #[must_use]
    pub fn precision(mut self, precision: Precision) -> Self {
        self.precision = precision;
        self
    }

    /// A deployment file: the precisions of single layers, before the one of all.
    #[must_use]
    pub fn deployment(mut self, path: impl Into<PathBuf>) -> Self {
        self.deployment = Some(path.into());
        self
    }

    /// The activations' ranges, which int8 needs: what `resnetc calibrate` wrote.
    #[must_use]
    pub fn calibration(mut self, path: impl Into<PathBuf>) -> Self {
        self.calibration = Some(path.into());
        self
    }

    /// A pattern from the network's tensor names to the checkpoint's; `*` stands for any run.
    #[must_use]
    pub fn rename(mut self, from: &str, to: &str) -> Self {
        self.options.renames.push(Rename { from: from.to_owned(), to: to.to_owned() });
        self
    }

    /// Compiles into a folder: `NAME.rs`, a module `NAME` with a function `model`; its packed
    /// weights, which the module embeds; and its class names. Gives the module's path.
    ///
    /// # Errors
    ///
    /// Whatever is wrong with the spec or its weights.
    pub fn write_to(&self, folder: &Path) -> Result<PathBuf, Error> {
        Ok(self.compile_into(folder)?.module)
    }

    fn compile_into(&self, folder: &Path) -> Result<Written, Error> {
        if self.options.batch == 0 {
            return Err(Error::Usage("a batch has at least one image".to_owned()));
        }
        let spec = Spec::open(&self.spec)?.with_limits(self.limits);
        let checked = spec.check(&self.settings)?;
        let paths = spec.weights_files(&checked.network, self.weights.as_deref())?;
        if paths.is_empty() {
            return Err(Error::Usage(format!(
                "{}: no weights are given, and the spec names none",
                self.spec
            )));
        }
        let checkpoints = paths.iter().map(|path| weights::read(path)).collect::<Result<Vec<_>, _>>()?;
        let mut options = self.options.clone();
        options.precisions = Precisions::all(self.precision);
        if let Some(path) = &self.deployment {
            options.precisions.read_deployment(path)?;
        }
        if let Some(path) = &self.calibration {
            options.precisions.read_calibration(path)?;
        }
        let values = join(&checked.network, &checkpoints, &options.renames)?;
        let compiled = compile_values(&checked.network, Some(values), &options)?;
        let module = write_files(&compiled, folder)?;
        let mut read = checked.files;
        read.extend(paths);
        read.extend(self.deployment.iter().chain(&self.calibration).cloned());
        Ok(Written { module, read, warnings: checked.warnings })
    }

    /// Compiles into `OUT_DIR`, tells cargo what to watch, and ends the build script with the
    /// diagnostics if anything is wrong.
    pub fn run(&self) {
        let Some(folder) = std::env::var_os("OUT_DIR") else {
            eprintln!("error: OUT_DIR is not set: `run` is for build scripts, `write_to` for others");
            std::process::exit(1);
        };
        println!("cargo::rerun-if-changed=build.rs");
        match self.compile_into(Path::new(&folder)) {
            Ok(written) => {
                for path in written.read {
                    println!("cargo::rerun-if-changed={}", path.display());
                }
                show_warnings(&written.warnings);
            }
            Err(error) => {
                eprintln!("{error}");
                std::process::exit(1);
            }
        }
    }
}

/// What compiling a network left, and what it depends on.
struct Written {
    module: PathBuf,
    /// Every file that was read.
    read: Vec<PathBuf>,
    warnings: Report,
}

fn show_warnings(warnings: &Report) {
    for warning in &warnings.diagnostics {
        println!("cargo::warning={}: {}", warning.code, warning.message);
    }
}

fn write_files(compiled: &Compiled, folder: &Path) -> Result<PathBuf, Error> {
    let plan = &compiled.plan;
    let name = emit::module_name(&plan.name);
    let packed = folder.join(format!("{name}.weights"));
    write_whole(&packed, compiled.weights.as_deref().unwrap_or_default())?;
    if !plan.labels.is_empty() {
        write_whole(&folder.join(emit::labels_file(plan)), plan.labels.join("\n").as_bytes())?;
    }
    let module = folder.join(format!("{name}.rs"));
    // Included files are found from the module's own folder.
    let source = emit::network(plan, &Weights::Embedded(format!("{name}.weights")));
    write_whole(&module, source.as_bytes())?;
    Ok(module)
}
