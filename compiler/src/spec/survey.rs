//! Everything that can be said of a file at once: all its models and blocks, broken or not.

use std::path::PathBuf;

use crate::diagnostics::{Code, Diagnostic, Report, Sink};
use crate::model::limits::Budget;
use crate::model::trace::Traced;
use crate::model::{self, Request};
use crate::syntax::ast::{File, Item, ItemKind};

use super::Spec;

/// How much is expanded of a file, in networks as large as one may be.
const MOST_USED: f64 = 2.0;

/// What is known of a file.
#[derive(Debug)]
pub struct Survey {
    /// What is wrong, said once however many models it concerns.
    pub report: Report,
    /// Each model whose input is known, expanded as far as it can be read, in the order of the file.
    pub models: Vec<Traced>,
}

impl Spec {
    /// A spec from a text that is, or will be, a file of this folder.
    pub fn in_folder(name: &str, text: String, folder: PathBuf) -> Self {
        Self::parse(name, text, None, Some(folder))
    }

    /// The standard blocks and, but for a shipped spec, the shipped models.
    pub fn library(&self) -> &[File] {
        self.library
    }

    /// Checks every model of the file under its own defaults, and every block that no model asks for.
    pub fn survey(&self) -> Survey {
        let read = |name: &str| self.read(name);
        let request = Request {
            file: &self.file,
            library: self.library,
            model: None,
            settings: &[],
            read: &read,
            budget: &Budget::new(self.limits),
        };
        let mut all = self.sink.clone();
        let mut models = Vec::new();
        let names = self.models();
        let asked = if names.is_empty() { vec![None] } else { names.into_iter().map(Some).collect() };
        let mut used = 0.0;
        for model in asked {
            if used > MOST_USED {
                let left_out = self.file.items.iter().filter(|item| Some(&*item.name.text) == model);
                left_out.for_each(|item| all.push_once(unchecked(item)));
                continue;
            }
            let mut sink = self.sink.clone();
            let budget = &Budget::new(self.limits);
            models.extend(model::trace(&Request { model, budget, ..request }, &mut sink));
            self.add_new(sink, &mut all);
            used += budget.used();
        }
        for item in self.file.items.iter().filter(|item| !is_reached(item, &models)) {
            if used > MOST_USED {
                all.push_once(unchecked(item));
                continue;
            }
            let mut sink = self.sink.clone();
            let budget = &Budget::new(self.limits);
            model::check_block(&Request { budget, ..request }, item, &mut sink);
            self.add_new(sink, &mut all);
            used += budget.used();
        }
        let report = Report { sources: self.sources.clone(), diagnostics: all.into_sorted() };
        Survey { report, models }
    }

    /// Adds what was found besides the mistakes of the syntax.
    fn add_new(&self, found: Sink, all: &mut Sink) {
        let known: Vec<&Diagnostic> = self.sink.iter().collect();
        found.into_sorted().into_iter().filter(|d| !known.contains(&d)).for_each(|d| all.push_once(d));
    }
}

/// What is said of a model or block that was left out.
fn unchecked(item: &Item) -> Diagnostic {
    let message = "the file has more than is checked at once";
    Diagnostic::warning(Code::R0401, item.name.span, message, "not checked")
        .with_help("move it to a file of its own")
}

/// Whether any model went through a block.
fn is_reached(block: &Item, models: &[Traced]) -> bool {
    let ItemKind::Block { body, .. } = &block.kind else { return true };
    let (file, inside) = (body.span.file, body.span.range());
    let mut steps = models.iter().flat_map(|m| &m.trace.steps);
    steps.any(|s| s.span.file == file && inside.contains(&(s.span.start as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NodeId;
    use crate::model::receptive::receptive_fields;

    fn survey(text: &str) -> Survey {
        Spec::from_text("mine.resnet", text, None).survey()
    }

    fn codes(survey: &Survey) -> Vec<Code> {
        survey.report.diagnostics.iter().map(|d| d.code).collect()
    }

    #[test]
    fn a_mistake_in_one_model_hides_nothing_of_another_nor_of_blocks_that_nobody_uses() {
        let found = survey(
            "model a { input image(3, 32, 32)\n stem { conv 3x3 16 ,, } }\n\
             model b { input image(3, 32, 32)\n stem { conv 3x3, 16; relu7 } }\n\
             block c(width) { conv 3x3, widht; norm }\n\
             block d(width) { conv 3x3, width, stride }\n",
        );
        assert_eq!(codes(&found), [Code::R0002, Code::R0002, Code::R0104, Code::R0102]);
        let [_, b] = &found.models[..] else { panic!("{} models", found.models.len()) };
        let conv = &b.trace.steps[0];
        assert_eq!(conv.output, Some([16, 32, 32]));
        assert_eq!((b.params(conv), b.macs(conv)), (432, 442_368));
        assert_eq!(b.trace.steps[1].output, None);
    }

    #[test]
    fn an_input_past_the_limit_is_still_the_first_operation() {
        let found = survey("model m { input image(3, 65536, 65536)\n stem { conv 3x3, 16; relu } }");
        assert_eq!(codes(&found), [Code::R0401]);
        let network = &found.models[0].network;
        let inputs: Vec<_> = network.nodes.iter().map(|n| n.inputs.clone()).collect();
        assert_eq!(inputs, [vec![], vec![NodeId(0)], vec![NodeId(1)]]);
        assert_eq!(receptive_fields(network), [Some([1; 2]), Some([3; 2]), Some([3; 2])]);
    }

    #[test]
    fn a_mistake_elsewhere_hides_nothing_of_an_ensemble() {
        let found = survey(
            "model a { input image(3, 32, 32)\n stem { conv 3x3 16 ,, } }\n\
             model b { member cifar_resnet\n member resnet18 as other }\n",
        );
        assert_eq!(codes(&found), [Code::R0002, Code::R0002, Code::R0310]);
    }

    #[test]
    fn a_mistake_in_a_block_is_said_once_for_all_models() {
        let found = survey(
            "model a { input image(3, 32, 32)\n stage s { 1 of c(16) } }\n\
             model b { input image(3, 64, 64)\n stage s { 2 of c(24) } }\n\
             block c(width) { conv 3x3, width, groups 5 }\n",
        );
        assert_eq!(codes(&found), [Code::R0202]);
        assert_eq!(found.report.diagnostics[0].secondary.len(), 2);
    }

    #[test]
    fn a_file_of_many_large_models_is_checked_in_part_and_says_so() {
        let model = |i| format!("model m{i} {{ input image(3, 8, 8)\n stage s {{ 20000 of idle }} }}\n");
        let text: String = (0..9).map(model).collect();
        let found = survey(&format!("{text}block idle {{ relu }}\nblock other {{ relu }}\n"));
        assert_eq!(found.models.len(), 5);
        // The other four models, and the block that none of them uses.
        let told = found.report.diagnostics.iter().map(|d| (d.code, &*d.message));
        let left_out = (Code::R0401, "the file has more than is checked at once");
        assert_eq!(told.collect::<Vec<_>>(), [left_out; 5]);
    }

    #[test]
    fn a_file_of_too_many_items_is_read_up_to_the_limit() {
        let blocks: String = (0..257).map(|i| format!("block b{i} {{ relu }}\n")).collect();
        let found =
            survey(&format!("model m {{ input image(3, 8, 8)\n stage s {{ 1 of b256 }} }}\n{blocks}"));
        assert_eq!(codes(&found), [Code::R0401]);
    }
}
