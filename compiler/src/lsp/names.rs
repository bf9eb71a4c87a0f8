//! Names: where each is defined, and where it is used.
//!
//! By the text alone, as the checker binds them: a block sees its parameters and its own constants; a
//! model's constants hold in all its parts, wherever they stand; a block of the file hides a standard
//! one. Uses are those of the document; definitions may lie in the compiler's own files.

use crate::diagnostics::Span;
use crate::model::bind::{Role, roles};
use crate::model::catalogue::{self, ArgKind, CommandSpec, Family};
use crate::syntax::ast::{
    Arg, Body, Call, Command, Expr, ExprKind, File, Item, ItemKind, Param, Statement, StatementKind,
};

/// Aliases that are followed to a model with parameters.
const MAX_ALIASES: usize = 16;

/// The names of a document.
#[derive(Debug, Default)]
pub struct Names {
    /// What is named.
    pub symbols: Vec<Symbol>,
    /// Each place of the document that names something, definitions too.
    pub uses: Vec<Use>,
    /// The models and blocks.
    items: Vec<Span>,
}

/// Something with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Symbol {
    /// What it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Where it is defined.
    pub place: Span,
}

/// What a name can stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A model.
    Model,
    /// A block.
    Block,
    /// A model's or block's parameter.
    Param,
    /// A constant.
    Let,
    /// A stage.
    Part,
}

/// A place that names a symbol.
#[derive(Clone, Debug, PartialEq)]
pub struct Use {
    /// The name.
    pub span: Span,
    /// Index into [`Names::symbols`].
    pub symbol: usize,
    /// Whether the name is an option's as well: a bare `stride`.
    pub is_option: bool,
}

impl Names {
    /// The names of a file among the compiler's own.
    pub fn new(file: &File, library: &[File]) -> Self {
        let mut walk = Walk { file, library, names: Self::default(), scope: Vec::new() };
        file.items.iter().for_each(|item| walk.item(item));
        walk.names.items = file.items.iter().map(|item| item.span).collect();
        walk.names
    }

    /// What is named at a byte of the document; the end of a name is still of it.
    pub fn at(&self, offset: u32) -> Option<(&Use, &Symbol)> {
        let found = self.uses.iter().find(|u| u.span.start <= offset && offset <= u.span.end)?;
        Some((found, &self.symbols[found.symbol]))
    }

    /// The model or block that a place of the document is in, by its place in the file.
    pub fn item_of(&self, place: Span) -> usize {
        self.items.partition_point(|item| item.start <= place.start)
    }

    /// Every use of what is used here.
    pub fn uses_of(&self, symbol: usize) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(move |u| u.symbol == symbol)
    }

    fn intern(&mut self, kind: Kind, name: &str, place: Span) -> usize {
        let symbol = Symbol { kind, name: name.to_owned(), place };
        self.symbols.iter().position(|s| *s == symbol).unwrap_or_else(|| {
            self.symbols.push(symbol);
            self.symbols.len() - 1
        })
    }

    fn define(&mut self, kind: Kind, name: &str, place: Span) -> usize {
        let symbol = self.intern(kind, name, place);
        self.uses.push(Use { span: place, symbol, is_option: false });
        symbol
    }
}

/// The block that a name stands for: of several, the file's last.
pub fn find_block<'a>(file: &'a File, library: &'a [File], name: &str) -> Option<&'a Item> {
    let is_meant = |i: &&Item| i.name.text == name && matches!(i.kind, ItemKind::Block { .. });
    let standard = || library.iter().flat_map(|f| &f.items).find(is_meant);
    file.items.iter().rev().find(is_meant).or_else(standard)
}

/// The model that a name stands for: of several, the file's first.
pub fn find_model<'a>(file: &'a File, library: &'a [File], name: &str) -> Option<&'a Item> {
    let is_meant = |i: &&Item| i.name.text == name && !matches!(i.kind, ItemKind::Block { .. });
    file.items.iter().chain(library.iter().flat_map(|f| &f.items)).find(is_meant)
}

/// The parameters of a model or block; those of an alias are its model's.
pub fn params_of<'a>(file: &'a File, library: &'a [File], item: &'a Item) -> &'a [Param] {
    let mut at = item;
    for _ in 0..MAX_ALIASES {
        match &at.kind {
            ItemKind::Model { params, .. } | ItemKind::Block { params, .. } => return params,
            ItemKind::Alias { base } => match find_model(file, library, &base.name.text) {
                Some(next) => at = next,
                None => return &[],
            },
        }
    }
    &[]
}

struct Walk<'a> {
    file: &'a File,
    library: &'a [File],
    names: Names,
    /// Parameters and constants in force.
    scope: Vec<(&'a str, usize)>,
}

impl<'a> Walk<'a> {
    fn item(&mut self, item: &'a Item) {
        let kind = if matches!(item.kind, ItemKind::Block { .. }) { Kind::Block } else { Kind::Model };
        self.names.define(kind, &item.name.text, item.name.span);
        self.scope.clear();
        match &item.kind {
            ItemKind::Alias { base } => self.call(Kind::Model, base),
            ItemKind::Block { params, body } => {
                self.params(params);
                self.statements(&body.statements);
            }
            ItemKind::Model { params, body } => {
                self.params(params);
                self.model(body);
            }
        }
    }

    fn params(&mut self, params: &'a [Param]) {
        for param in params {
            param.default.iter().for_each(|default| self.expr(default));
            let symbol = self.names.define(Kind::Param, &param.name.text, param.name.span);
            self.scope.push((&param.name.text, symbol));
        }
    }

    /// Parts come last: they see all constants.
    fn model(&mut self, body: &'a Body) {
        let first = self.names.uses.len();
        let is_part = |s: &&Statement| match &s.kind {
            StatementKind::Command(c) => {
                c.word.text == "output"
                    || catalogue::find(&c.word.text).is_some_and(|spec| spec.family == Family::Part)
            }
            _ => false,
        };
        body.statements.iter().filter(|s| !is_part(s)).for_each(|s| self.statement(s));
        let parts: Vec<_> = body.statements.iter().filter(is_part).collect();
        // An output may stand before the stage that it names.
        let (outputs, parts): (Vec<&Statement>, Vec<&Statement>) = parts
            .into_iter()
            .partition(|s| matches!(&s.kind, StatementKind::Command(c) if c.word.text == "output"));
        parts.into_iter().for_each(|s| self.statement(s));
        for statement in outputs {
            if let StatementKind::Command(command) = &statement.kind {
                self.output(command, first);
            }
        }
    }

    /// `output layer1.0.conv1` names the stage `layer1`, or the member of that name, one of those since the
    /// first use.
    fn output(&mut self, command: &Command, first: usize) {
        let Some(ExprKind::Path(path)) = command.args.first().map(|a| &a.value.kind) else { return };
        let name = path.text.split('.').next().unwrap_or_default();
        let kinds = [Kind::Part, Kind::Model];
        let is_meant = |symbol: &Symbol| kinds.contains(&symbol.kind) && symbol.name == name;
        let parts = self.names.uses[first..].iter().map(|u| u.symbol);
        if let Some(symbol) = parts.into_iter().find(|s| is_meant(&self.names.symbols[*s])) {
            let span = Span { end: path.span.start + name.len() as u32, ..path.span };
            self.names.uses.push(Use { span, symbol, is_option: false });
        }
    }

    fn statements(&mut self, statements: &'a [Statement]) {
        let mark = self.scope.len();
        statements.iter().for_each(|s| self.statement(s));
        self.scope.truncate(mark);
    }

    fn statement(&mut self, statement: &'a Statement) {
        match &statement.kind {
            StatementKind::Let { name, value } => {
                self.expr(value);
                let symbol = self.names.define(Kind::Let, &name.text, name.span);
                self.scope.push((&name.text, symbol));
            }
            StatementKind::Require { condition, .. } => self.expr(condition),
            StatementKind::Repeat { count, block, args } => {
                self.expr(count);
                self.call(Kind::Block, block);
                self.args(&catalogue::REPEAT, args);
            }
            StatementKind::Command(command) => self.command(command),
            StatementKind::Rename { .. } | StatementKind::Error => {}
        }
    }

    fn command(&mut self, command: &'a Command) {
        match catalogue::find(&command.word.text) {
            Some(spec) => self.args(spec, &command.args),
            None => command.args.iter().for_each(|arg| self.expr(&arg.value)),
        }
        let clauses = command.clauses.iter().map(|clause| &clause.body);
        command.body.iter().chain(clauses).for_each(|body| self.statements(&body.statements));
    }

    fn args(&mut self, spec: &'static CommandSpec, args: &'a [Arg]) {
        for (arg, role) in args.iter().zip(roles(spec, args)) {
            match role {
                Role::Bare(option) if option.kind == ArgKind::Flag => {}
                Role::Bare(option) => self.name(option.name, arg.span, true),
                Role::Value(option, value) => self.value(spec, option.kind, value),
                Role::Unknown(_) | Role::Surplus => self.expr(&arg.value),
            }
        }
    }

    fn value(&mut self, spec: &CommandSpec, kind: ArgKind, value: &'a Expr) {
        match (&value.kind, kind) {
            (ExprKind::Path(path), ArgKind::Name) if spec.family == Family::Part => {
                self.names.define(Kind::Part, &path.text, path.span);
            }
            (ExprKind::Path(path), ArgKind::Name) if spec.word == "member" => {
                self.asked(Kind::Model, &path.text, path.span);
            }
            (ExprKind::Path(_), ArgKind::Name | ArgKind::Word(_)) => {}
            (ExprKind::Path(path), ArgKind::Pad) if path.text == "same" => {}
            _ => self.expr(value),
        }
    }

    /// A block or model that is asked for by its name.
    fn asked(&mut self, kind: Kind, name: &str, span: Span) -> Option<&'a Item> {
        let find = if kind == Kind::Block { find_block } else { find_model };
        let item = find(self.file, self.library, name)?;
        let symbol = self.names.intern(kind, &item.name.text, item.name.span);
        self.names.uses.push(Use { span, symbol, is_option: false });
        Some(item)
    }

    /// A block or model that is asked for, and the parameters that are named for it.
    fn call(&mut self, kind: Kind, call: &'a Call) {
        let item = self.asked(kind, &call.name.text, call.name.span);
        let params = item.map_or(&[][..], |item| params_of(self.file, self.library, item));
        for arg in &call.args {
            let name = arg.name.as_ref();
            let param = name.and_then(|name| params.iter().find(|p| p.name.text == name.text));
            if let (Some(name), Some(param)) = (name, param) {
                let symbol = self.names.intern(Kind::Param, &param.name.text, param.name.span);
                self.names.uses.push(Use { span: name.span, symbol, is_option: false });
            }
            // The mode of a shortcut is a word.
            if name.is_none_or(|name| name.text != "shortcut" || kind == Kind::Block) {
                self.expr(&arg.value);
            }
        }
    }

    fn expr(&mut self, expr: &'a Expr) {
        match &expr.kind {
            ExprKind::Path(path) => self.name(&path.text, path.span, false),
            ExprKind::Call(call) => call.args.iter().for_each(|a| self.expr(&a.value)),
            ExprKind::Tuple(items) => items.iter().for_each(|e| self.expr(e)),
            ExprKind::Unary(_, operand) => self.expr(operand),
            ExprKind::Binary(_, left, right) => {
                self.expr(left);
                self.expr(right);
            }
            ExprKind::Int(_)
            | ExprKind::Float(..)
            | ExprKind::Text(_)
            | ExprKind::Bool(_)
            | ExprKind::Size(_)
            | ExprKind::Error => {}
        }
    }

    fn name(&mut self, name: &str, span: Span, is_option: bool) {
        if let Some((_, symbol)) = self.scope.iter().rev().find(|(known, _)| *known == name) {
            self.names.uses.push(Use { span, symbol: *symbol, is_option });
        }
    }
}
