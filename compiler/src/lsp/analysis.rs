//! What is known of one version of a document.

use std::path::PathBuf;

use crate::diagnostics::{FileId, Report, Sources};
use crate::model::trace::Traced;
use crate::syntax::ast::File;
use crate::{Spec, Survey};

/// The document among the sources of its analysis; those behind it are the compiler's own.
pub const OWN: FileId = FileId(0);

/// A document, read and checked.
pub struct Analysis {
    spec: Spec,
    survey: Survey,
}

impl Analysis {
    /// Reads and checks a text whose paths are relative to a folder.
    pub fn new(text: String, folder: PathBuf) -> Self {
        let spec = Spec::in_folder("this document", text, folder);
        let survey = spec.survey();
        Self { spec, survey }
    }

    /// What could be read of the text.
    pub fn file(&self) -> &File {
        self.spec.file()
    }

    /// Whether all of the text could be read.
    pub fn is_well_formed(&self) -> bool {
        self.spec.check_syntax().is_ok()
    }

    /// What is wrong.
    pub fn report(&self) -> &Report {
        &self.survey.report
    }

    /// The texts that spans point into.
    pub fn sources(&self) -> &Sources {
        &self.survey.report.sources
    }

    /// The models, as far as they can be expanded.
    pub fn models(&self) -> &[Traced] {
        &self.survey.models
    }
}
