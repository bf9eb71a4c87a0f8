//! What is known of one version of a document.

use std::cell::OnceCell;
use std::path::PathBuf;

use crate::diagnostics::{FileId, Report, Sources};
use crate::model::trace::Traced;
use crate::syntax::ast::{Body, File, Item, ItemKind, Param, Statement, StatementKind};
use crate::{Spec, Survey};

use super::instances::Instances;
use super::names::{self, Names};

/// The document among the sources of its analysis; those behind it are the compiler's own.
pub const OWN: FileId = FileId(0);

/// A document, read and checked.
pub struct Analysis {
    spec: Spec,
    survey: Survey,
    names: OnceCell<Names>,
    instances: OnceCell<Instances>,
}

impl Analysis {
    /// Reads and checks a text whose paths are relative to a folder.
    pub fn new(text: String, folder: PathBuf) -> Self {
        let spec = Spec::in_folder("this document", text, folder);
        let survey = spec.survey();
        Self { spec, survey, names: OnceCell::new(), instances: OnceCell::new() }
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

    /// What became of each statement in them.
    pub fn instances(&self) -> &Instances {
        self.instances.get_or_init(|| Instances::new(self.models()))
    }

    /// What is named where.
    pub fn names(&self) -> &Names {
        self.names.get_or_init(|| Names::new(self.file(), self.spec.library()))
    }

    /// The block of a name, the file's own or a standard one.
    pub fn block(&self, name: &str) -> Option<&Item> {
        names::find_block(self.file(), self.spec.library(), name)
    }

    /// The model of a name, the file's own or a shipped one.
    pub fn model(&self, name: &str) -> Option<&Item> {
        names::find_model(self.file(), self.spec.library(), name)
    }

    /// Every block that can be asked for, the file's own first.
    pub fn all_blocks(&self) -> impl Iterator<Item = &Item> {
        self.all_items().filter(|i| matches!(i.kind, ItemKind::Block { .. }))
    }

    /// Every model that an alias can stand for, the file's own first.
    pub fn all_models(&self) -> impl Iterator<Item = &Item> {
        self.all_items().filter(|i| !matches!(i.kind, ItemKind::Block { .. }))
    }

    fn all_items(&self) -> impl Iterator<Item = &Item> {
        std::iter::once(self.file()).chain(self.spec.library()).flat_map(|file| &file.items)
    }

    /// The parameters of a model or block.
    pub fn params_of<'a>(&'a self, item: &'a Item) -> &'a [Param] {
        names::params_of(self.file(), self.spec.library(), item)
    }

    /// Every statement of the document, each before those in its braces.
    pub fn statements(&self) -> Vec<&Statement> {
        let bodies = self.file().items.iter().filter_map(|item| match &item.kind {
            ItemKind::Model { body, .. } | ItemKind::Block { body, .. } => Some(body),
            ItemKind::Alias { .. } => None,
        });
        let mut found = Vec::new();
        bodies.for_each(|body| collect(body, &mut found));
        found
    }
}

fn collect<'a>(body: &'a Body, found: &mut Vec<&'a Statement>) {
    for statement in &body.statements {
        found.push(statement);
        if let StatementKind::Command(command) = &statement.kind {
            let clauses = command.clauses.iter().map(|clause| &clause.body);
            command.body.iter().chain(clauses).for_each(|body| collect(body, found));
        }
    }
}
