//! What may stand at the cursor: commands, blocks, options, words and names, with their documentation.

use lsp_types::{
    CompletionItem, CompletionItemKind as Kind, CompletionParams, CompletionResponse, CompletionTextEdit,
    Documentation, MarkupContent, MarkupKind, Range, TextEdit,
};

use crate::model::catalogue::{
    self, ArgKind, ArgSpec, COMMANDS, Choice, CommandSpec, Family, GRAMMAR, SHORTCUT_MODES,
};
use crate::model::reference;
use crate::syntax::ast::{Item, Param};
use crate::syntax::context::{Context, context};
use crate::syntax::signature;

use super::analysis::Analysis;
use super::{Answer, State, docs};

/// What may stand at a position; nothing in comments, strings and numbers.
pub fn complete(state: &State, params: CompletionParams) -> Answer<Option<CompletionResponse>> {
    let place = params.text_document_position;
    let document = state.documents.get(&place.text_document.uri)?;
    let offset = document.text.offset(place.position);
    let Some(here) = context(document.text.as_str(), offset) else { return Ok(None) };
    let mut found = Found { range: document.text.range(here.word.clone()), items: Vec::new() };
    Completer { here: &here, analysis: document.analysis(), found: &mut found }.complete();
    // Behind a space only what must be one of a few is shown unasked.
    let trigger = params.context.and_then(|c| c.trigger_character);
    if trigger.as_deref() == Some(" ") {
        found.items.retain(|i| matches!(i.kind, Some(Kind::ENUM_MEMBER | Kind::CLASS | Kind::MODULE)));
    }
    Ok(Some(CompletionResponse::Array(found.items)))
}

/// What was found, in the order in which it is shown.
struct Found {
    /// The word that is replaced.
    range: Range,
    items: Vec<CompletionItem>,
}

impl Found {
    fn add(&mut self, label: &str, kind: Kind, detail: &str, docs: String) {
        self.add_text(label, label.to_owned(), kind, detail, docs);
    }

    /// An argument that is given by name.
    fn add_named(&mut self, name: &str, detail: &str, docs: String) {
        self.add_text(name, format!("{name} = "), Kind::PROPERTY, detail, docs);
    }

    fn add_text(&mut self, label: &str, text: String, kind: Kind, detail: &str, docs: String) {
        if self.items.iter().any(|i| i.label == label) {
            return;
        }
        let docs = MarkupContent { kind: MarkupKind::Markdown, value: docs };
        self.items.push(CompletionItem {
            label: label.to_owned(),
            kind: Some(kind),
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
            documentation: (!docs.value.is_empty()).then_some(Documentation::MarkupContent(docs)),
            sort_text: Some(format!("{:04}", self.items.len())),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit { range: self.range, new_text: text })),
            ..CompletionItem::default()
        });
    }

    fn choices(&mut self, choices: &[Choice]) {
        choices.iter().for_each(|c| self.add(c.word, Kind::ENUM_MEMBER, "", reference::choice(c)));
    }

    /// Words of the grammar.
    fn grammar(&mut self, words: &[&str]) {
        for choice in GRAMMAR.iter().filter(|c| words.contains(&c.word)) {
            self.add(choice.word, Kind::KEYWORD, "", reference::choice(choice));
        }
    }

    fn items<'a>(&mut self, items: impl IntoIterator<Item = &'a Item>) {
        for item in items {
            self.add(&item.name.text, Kind::CLASS, &signature(item), docs::item(item));
        }
    }

    /// The parameters of a model or block that are not given yet.
    fn params(&mut self, of: &Item, params: &[Param], given: &[&str]) {
        for param in params.iter().filter(|p| !given.contains(&p.name.text.as_str())) {
            self.add_named(&param.name.text, &signature(of), docs::item(of));
        }
    }
}

struct Completer<'a> {
    here: &'a Context<'a>,
    analysis: &'a Analysis,
    found: &'a mut Found,
}

impl Completer<'_> {
    fn complete(&mut self) {
        let statement = self.here.statement.as_slice();
        match (self.here.around.last(), statement) {
            (None, []) => self.found.grammar(&["model", "block"]),
            (None, ["model", _, "="]) => self.found.items(self.analysis.all_models()),
            (None, ["model", _, "=", base, "(", ..]) => self.alias(base),
            (None, _) => {}
            (Some(word), []) => self.beginnings(word),
            (Some(_), [.., "of"]) => self.found.items(self.analysis.all_blocks()),
            (Some(_), _) if self.here.paren.is_some() => self.in_parentheses(),
            (Some(_), ["let", _, _, ..] | ["require", ..]) => self.values(),
            (Some(_), ["let" | "rename", ..]) => {}
            (Some(_), ["residual", .., "}"]) => self.found.grammar(&["projection"]),
            (Some(_), [.., "}"]) => {}
            (Some(_), [word, rest @ ..]) => self.behind(word, rest),
        }
    }

    /// What a statement can begin with in the braces of a word.
    fn beginnings(&mut self, around: &str) {
        let is_top = around == "model";
        for spec in COMMANDS {
            let fits = match spec.family {
                Family::Setting | Family::Part => is_top,
                Family::Container if spec.word == "preactivate" => around == "residual",
                Family::Container | Family::Operation => !is_top,
            };
            if fits {
                let kind = if spec.family == Family::Operation { Kind::FUNCTION } else { Kind::KEYWORD };
                self.found.add(spec.word, kind, spec.doc, reference::command(spec));
            }
        }
        self.found.grammar(if is_top { &["let", "require", "rename"] } else { &["let", "require"] });
        if !is_top {
            self.names();
        }
    }

    /// Behind the word of a command, or the count of a repetition.
    fn behind(&mut self, word: &str, rest: &[&str]) {
        let of = rest.iter().rposition(|t| *t == "of");
        match (catalogue::find(word), of) {
            (_, Some(of)) => {
                // Behind the block, options; behind its name alone, nothing.
                let args = arguments(&rest[of + 1..]);
                if let [_, options @ ..] = args.as_slice()
                    && !options.is_empty()
                {
                    self.argument(&catalogue::REPEAT, options);
                }
            }
            (Some(spec), None) => self.argument(spec, &arguments(rest)),
            (None, None) => self.found.grammar(&["of"]),
        }
    }

    /// The last of a command's arguments, which is being written.
    fn argument(&mut self, spec: &'static CommandSpec, args: &[Vec<&str>]) {
        let Some((current, before)) = args.split_last() else { return };
        let find = |name: &str| spec.args.iter().find(|a| a.name == name);
        let mut given: Vec<&str> = Vec::new();
        for arg in before {
            let named = arg.first().and_then(|first| find(first));
            let place = spec.args.iter().find(|a| a.positional && !given.contains(&a.name));
            given.extend(named.or(place).map(|a| a.name));
        }
        match current.as_slice() {
            [] => {
                let place = spec.args.iter().find(|a| a.positional && !given.contains(&a.name));
                place.into_iter().for_each(|place| self.value(spec, place));
                let options = spec.args.iter().filter(|a| !a.positional && !given.contains(&a.name));
                options.for_each(|a| self.found.add(a.name, Kind::PROPERTY, a.doc, reference::argument(a)));
            }
            [name] if find(name).is_some() => find(name).into_iter().for_each(|a| self.value(spec, a)),
            [.., last] if ends_value(last) => {
                if spec.family == Family::Operation || matches!(spec.word, "output" | "member") {
                    self.found.grammar(&["as"]);
                }
            }
            _ => self.values(),
        }
    }

    /// What an argument can be.
    fn value(&mut self, spec: &CommandSpec, arg: &ArgSpec) {
        match arg.kind {
            ArgKind::Word(words) => self.found.choices(words),
            ArgKind::Flag => {
                ["true", "false"]
                    .iter()
                    .for_each(|w| self.found.add(w, Kind::ENUM_MEMBER, "", String::new()));
            }
            ArgKind::Name if spec.word == "output" => self.parts(),
            ArgKind::Name if spec.word == "member" => self.found.items(self.analysis.all_models()),
            ArgKind::Pad => {
                self.found.add("same", Kind::ENUM_MEMBER, arg.doc, reference::argument(arg));
                self.values();
            }
            ArgKind::Pair | ArgKind::Count => self.values(),
            ArgKind::Name
            | ArgKind::Number
            | ArgKind::Colours
            | ArgKind::Dims
            | ArgKind::Text
            | ArgKind::Texts => {}
        }
    }

    /// The parts of the models.
    fn parts(&mut self) {
        let models = self.analysis.models().iter().map(|m| &m.network);
        for network in models {
            network.parts.iter().for_each(|part| self.found.add(part, Kind::MODULE, "part", String::new()));
        }
    }

    fn in_parentheses(&mut self) {
        let Some(at) = self.here.paren else { return };
        let (before, inside) = (&self.here.statement[..at], &self.here.statement[at + 1..]);
        if let [.., "of", name] = before
            && begins_argument(inside)
            && let Some(block) = self.analysis.block(name)
        {
            let params = self.analysis.params_of(block);
            self.found.params(block, params, &given_names(inside));
        }
        self.values();
    }

    /// The arguments of an alias.
    fn alias(&mut self, base: &str) {
        let inside = &self.here.statement[5..];
        if let [.., "shortcut", "="] = inside {
            return self.found.choices(SHORTCUT_MODES);
        }
        if !begins_argument(inside) {
            return;
        }
        let given = given_names(inside);
        if let Some(model) = self.analysis.model(base) {
            self.found.params(model, self.analysis.params_of(model), &given);
        }
        for (name, doc) in [("shortcut", "The shortcut's mode."), ("input", "The image's size.")] {
            if !given.contains(&name) {
                self.found.add_named(name, doc, String::new());
            }
        }
    }

    /// What an expression can begin with.
    fn values(&mut self) {
        self.names();
        self.found.grammar(&["min", "max"]);
    }

    /// The names that mean something here.
    fn names(&mut self) {
        for name in self.here.names.iter().rev() {
            self.found.add(name, Kind::VARIABLE, "", String::new());
        }
        let is_block = self.here.around.first() == Some(&"block");
        self.found.grammar(if is_block { &["stride", "channels"] } else { &["channels"] });
    }
}

/// Tokens between commas outside parentheses; the last is what is being written.
fn arguments<'a>(tokens: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut args = vec![Vec::new()];
    let mut depth = 0;
    for token in tokens {
        match *token {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if *token == "," && depth == 0 {
            args.push(Vec::new());
        } else if let Some(last) = args.last_mut() {
            last.push(*token);
        }
    }
    args
}

/// Whether an argument is yet to begin within parentheses.
fn begins_argument(inside: &[&str]) -> bool {
    inside.last().is_none_or(|last| *last == ",")
}

/// The parameters that are given by name.
fn given_names<'a>(inside: &[&'a str]) -> Vec<&'a str> {
    inside.windows(2).filter(|pair| pair[1] == "=").map(|pair| pair[0]).collect()
}

/// Whether no operand can follow a token.
fn ends_value(token: &str) -> bool {
    token.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | ')' | '"'))
}
