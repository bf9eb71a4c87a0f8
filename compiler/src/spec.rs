//! Loading specs: a file, `FILE.resnet:MODEL`, or a shipped model's name.

mod survey;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::Error;
use crate::diagnostics::{Code, Diagnostic, FileId, Report, Severity, Sink, Sources, Span, nearest};
use crate::files::{self, MOST_SPEC, MOST_TEXT};
use crate::model::limits::{Budget, Limits};
use crate::model::shipped::{LABELS, SPECS, STANDARD, Shipped};
use crate::model::{self, Network, Request, Setting};
use crate::syntax::{self, ast};

pub use survey::Survey;

/// Models and blocks that a file may have: each is held against all others.
const MAX_ITEMS: usize = 256;

/// A spec that has been read and parsed, and the model of it that is meant.
#[derive(Debug)]
pub struct Spec {
    sources: Sources,
    file: ast::File,
    library: &'static [ast::File],
    sink: Sink,
    model: Option<String>,
    /// The spec's own file, if it has one.
    path: Option<PathBuf>,
    /// The folder that paths in the spec are relative to; none for a shipped spec.
    folder: Option<PathBuf>,
    limits: Limits,
}

impl Spec {
    /// Opens what a user calls a SPEC: a path, a path and a model joined by `:`, or the name of a
    /// shipped model.
    ///
    /// # Errors
    ///
    /// If there is no such file or model. Mistakes in the text are reported by [`Spec::check`].
    pub fn open(spec: &str) -> Result<Self, Error> {
        let (path, model) = match spec.rsplit_once(':') {
            Some((path, model)) if path.ends_with(".resnet") => (path, Some(model)),
            _ => (spec, None),
        };
        // A bare word is a shipped model, whatever lies in this folder: a program of that name, say.
        let named = Path::new(path).extension().is_some_and(|e| e == "resnet") || path.contains(['/', '\\']);
        if !named && (shipped_models().contains_key(path) || !Path::new(path).is_file()) {
            return Self::shipped(spec);
        }
        let text = files::read_text(Path::new(path), MOST_SPEC)?;
        let folder = Path::new(path).parent().map_or_else(PathBuf::new, Path::to_owned);
        let spec = Self::parse(path, text, model.map(str::to_owned), Some(folder));
        Ok(Self { path: Some(path.into()), ..spec })
    }

    /// A spec from text; `name` is what diagnostics call it.
    pub fn from_text(name: &str, text: &str, model: Option<&str>) -> Self {
        Self::parse(name, text.to_owned(), model.map(str::to_owned), Some(PathBuf::new()))
    }

    fn shipped(name: &str) -> Result<Self, Error> {
        let models = shipped_models();
        let Some(shipped) = models.get(name) else {
            let near = nearest(name, models.keys().map(String::as_str));
            let hint =
                near.map_or_else(|| "`resnetc list` shows them".to_owned(), |n| format!("there is `{n}`"));
            return Err(Error::Usage(format!("`{name}` is no .resnet file and no shipped model: {hint}")));
        };
        Ok(Self::parse(shipped.name, shipped.text.to_owned(), Some(name.to_owned()), None))
    }

    fn parse(name: &str, text: String, model: Option<String>, folder: Option<PathBuf>) -> Self {
        let mut sources = Sources::default();
        let mut sink = Sink::default();
        let is_long = text.len() as u64 > MOST_SPEC;
        let id = sources.add(name, if is_long { String::new() } else { text });
        if is_long {
            sink.push(too_long(id));
        }
        let mut file = syntax::parse(id, sources.text(id), &mut sink);
        if let Some(item) = file.items.get(MAX_ITEMS) {
            let message = format!("the file has more than {MAX_ITEMS} models and blocks");
            sink.push(Diagnostic::error(Code::R0401, item.name.span, message, "not read from here on"));
            file.items.truncate(MAX_ITEMS);
        }
        let shipped = STANDARD.len() + if folder.is_some() { SPECS.len() } else { 0 };
        for file in STANDARD.iter().chain(SPECS).take(shipped) {
            sources.add(file.name, file.text);
        }
        let library = &LIBRARY[..shipped];
        Self { sources, file, library, sink, model, path: None, folder, limits: Limits::USUAL }
    }

    /// The same, of which the network may become so large.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// The syntax tree.
    pub fn file(&self) -> &ast::File {
        &self.file
    }

    /// Names of the models in the file.
    pub fn models(&self) -> Vec<&str> {
        model::model_names(&self.file)
    }

    /// The folder that the spec's own paths are relative to.
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// The files of a network's weights: the one that is given, else that which the spec names, else those of
    /// an ensemble's members. Empty if there are none.
    ///
    /// # Errors
    ///
    /// If some of an ensemble's members have weights, and others none.
    pub fn weights_files(&self, network: &Network, given: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
        let beside = |name: &String| self.folder().unwrap_or(Path::new("")).join(name);
        if let Some(path) = given.map(Path::to_owned).or_else(|| network.weights.as_ref().map(beside)) {
            return Ok(vec![path]);
        }
        let has_some = network.members.iter().any(|member| member.weights.is_some());
        match network.members.iter().find(|member| member.weights.is_none()) {
            Some(without) if has_some => {
                Err(Error::Usage(format!("no weights of the member `{}`: name its checkpoint", without.name)))
            }
            Some(_) => Ok(Vec::new()),
            None => {
                Ok(network.members.iter().filter_map(|member| member.weights.as_ref().map(beside)).collect())
            }
        }
    }

    /// What is wrong with the syntax alone, if anything is.
    ///
    /// # Errors
    ///
    /// Every syntax error.
    pub fn check_syntax(&self) -> Result<(), Report> {
        let diagnostics = self.sink.clone().into_sorted();
        if diagnostics.is_empty() {
            Ok(())
        } else {
            Err(Report { sources: self.sources.clone(), diagnostics })
        }
    }

    /// Checks the model under `NAME=VALUE` settings, and expands it.
    ///
    /// # Errors
    ///
    /// A [`Report`] of everything that is wrong, or a setting that is none.
    pub fn check(&self, settings: &[String]) -> Result<Checked, Error> {
        let mut sources = self.sources.clone();
        let settings = settings
            .iter()
            .map(|s| Setting::parse(s, &mut sources))
            .collect::<Result<Vec<_>, _>>()
            .map_err(Error::Usage)?;
        let mut sink = self.sink.clone();
        let files = RefCell::new(self.path.clone().into_iter().collect::<Vec<_>>());
        let read = |name: &str| {
            files.borrow_mut().extend(self.folder.as_ref().map(|folder| folder.join(name)));
            self.read(name)
        };
        let request = Request {
            file: &self.file,
            library: self.library,
            model: self.model.as_deref(),
            settings: &settings,
            read: &read,
            budget: &Budget::new(self.limits),
        };
        let network = model::check(&request, &mut sink);
        let diagnostics = sink.into_sorted();
        let errors = diagnostics.iter().any(|d| d.severity == Severity::Error);
        let report = Report { sources, diagnostics };
        match network {
            Some(network) if !errors => Ok(Checked { network, warnings: report, files: files.into_inner() }),
            _ => Err(Error::Spec(Box::new(report))),
        }
    }

    /// Reads a text that the spec names.
    fn read(&self, name: &str) -> Result<String, String> {
        let Some(folder) = &self.folder else {
            let file = Path::new(name).file_name();
            let found = LABELS.iter().find(|l| Path::new(l.name).file_name() == file);
            return found.map(|l| l.text.to_owned()).ok_or_else(|| format!("{name} is not shipped"));
        };
        let path = folder.join(name);
        files::read_named_text(&path, MOST_TEXT).or_else(|error| {
            let file = Path::new(name).file_name().filter(|_| error.kind() == io::ErrorKind::NotFound);
            let shipped = LABELS.iter().find(|l| file.is_some() && Path::new(l.name).file_name() == file);
            shipped.map(|l| l.text.to_owned()).ok_or_else(|| format!("{}: {error}", path.display()))
        })
    }
}

/// A checked model, and what is worth a warning.
#[derive(Debug)]
pub struct Checked {
    /// The network.
    pub network: Network,
    /// Warnings; often none.
    pub warnings: Report,
    /// The files that were read: the spec, and those that it names.
    pub files: Vec<PathBuf>,
}

/// What is said of a text that is not looked at.
fn too_long(file: FileId) -> Diagnostic {
    let message = format!("the spec is longer than {} MiB", MOST_SPEC >> 20);
    Diagnostic::error(Code::R0401, Span { file, start: 0, end: 0 }, message, "none of it is read")
}

/// The standard blocks, and then the shipped specs, read once: the sources behind a spec's own.
static LIBRARY: LazyLock<Vec<ast::File>> = LazyLock::new(|| {
    let mut sources = Sources::default();
    sources.add("", "");
    let mut sink = Sink::default();
    let parse = |shipped: &Shipped| {
        let id = sources.add(shipped.name, shipped.text);
        syntax::parse(id, shipped.text, &mut sink)
    };
    let parsed = STANDARD.iter().chain(SPECS).map(parse).collect();
    debug_assert!(!sink.has_errors(), "shipped files parse: {sink:?}");
    parsed
});

/// Every shipped model and the file that it is in.
pub fn shipped_models() -> BTreeMap<String, &'static Shipped> {
    let mut models = BTreeMap::new();
    for (shipped, file) in SPECS.iter().zip(&LIBRARY[STANDARD.len()..]) {
        models.extend(model::model_names(file).into_iter().map(|m| (m.to_owned(), shipped)));
    }
    models
}
