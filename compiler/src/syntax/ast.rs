//! The syntax tree of a `.resnet` file, spans and comments included.
//!
//! The tree is uniform on purpose: nearly every line of a spec is a [`Command`], a word with
//! arguments, braces and a name. What words there are and what they take is the model stage's
//! business ([`crate::model::catalogue`]), so the parser, the formatter and an editor need no
//! change when an operation is added.

use crate::diagnostics::Span;

/// A parsed file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    /// Models and blocks, in order.
    pub items: Vec<Item>,
    /// Comments behind the last item.
    pub trailing: Vec<Comment>,
}

/// A model, an alias of one, or a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Comments above, and whether a blank line parts it from what is before.
    pub lead: Lead,
    /// Name of the model or block.
    pub name: Ident,
    /// What it is.
    pub kind: ItemKind,
    /// A comment behind it on its last line.
    pub remark: Option<Comment>,
    /// From the keyword to the closing brace.
    pub span: Span,
}

/// The forms of an item.
#[derive(Clone, Debug, PartialEq)]
pub enum ItemKind {
    /// `model NAME(params) { ... }`
    Model {
        /// Parameters with their defaults.
        params: Vec<Param>,
        /// The statements.
        body: Body,
    },
    /// `model NAME = BASE(arguments)`: a model under other parameters and settings.
    Alias {
        /// The model that is meant, and what it is given.
        base: Call,
    },
    /// `block NAME(params) { ... }`
    Block {
        /// Parameters with their defaults.
        params: Vec<Param>,
        /// The statements.
        body: Body,
    },
}

/// `NAME` or `NAME = default`.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The parameter's name.
    pub name: Ident,
    /// Its value when the caller gives none.
    pub default: Option<Expr>,
}

/// Statements between braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// A comment behind the opening brace on its line.
    pub remark: Option<Comment>,
    /// In order.
    pub statements: Vec<Statement>,
    /// Comments between the last statement and the closing brace.
    pub trailing: Vec<Comment>,
    /// The braces and all between them.
    pub span: Span,
    /// Whether the braces stood on one line.
    pub inline: bool,
}

/// One statement, with what the formatter must keep around it.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Comments above, and whether a blank line parts it from what is before.
    pub lead: Lead,
    /// Whether it stands on the same line as the statement before it, behind a `;`.
    pub joined: bool,
    /// A comment behind it on its own line.
    pub remark: Option<Comment>,
    /// What it says.
    pub kind: StatementKind,
    /// From its first to its last character.
    pub span: Span,
}

/// The forms of a statement.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// `let NAME = value`
    Let {
        /// The name.
        name: Ident,
        /// Its value.
        value: Expr,
    },
    /// `require condition, "message"`
    Require {
        /// Must be true.
        condition: Expr,
        /// Said when it is not.
        message: Text,
    },
    /// `rename "from" -> "to"`
    Rename {
        /// A pattern on the network's own tensor names; `*` stands for any run of characters.
        from: Text,
        /// The checkpoint's name; each `*` is what the pattern's stood for.
        to: Text,
    },
    /// `COUNT of BLOCK(arguments), options`
    Repeat {
        /// How many blocks.
        count: Expr,
        /// Which block, and its arguments.
        block: Call,
        /// `stride 2` and the like.
        args: Vec<Arg>,
    },
    /// Any other line.
    Command(Command),
    /// Text that could not be read; a diagnostic says why.
    Error,
}

/// `WORD args { ... } WORD { ... } as NAME`
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// The operation, container or setting.
    pub word: Ident,
    /// Arguments, separated by commas.
    pub args: Vec<Arg>,
    /// Statements between braces.
    pub body: Option<Body>,
    /// Further braces with a word before them: `residual { ... } projection { ... }`.
    pub clauses: Vec<Clause>,
    /// `as NAME`
    pub name: Option<Path>,
}

/// `WORD { ... }` behind a command's own braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Clause {
    /// The word.
    pub word: Ident,
    /// The statements.
    pub body: Body,
}

/// An argument: `64`, `3x3`, `stride 2`, or a bare `stride` (an option's value under its own name,
/// or a variable; what it is depends on the command).
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// The option's name in `stride 2`; none in `64` and in a bare `stride`.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
    /// All of it.
    pub span: Span,
}

/// `NAME(arguments)`; without arguments the parentheses may be left out where a call is expected.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub name: Ident,
    /// `value` and `NAME = value`.
    pub args: Vec<CallArg>,
    /// All of it.
    pub span: Span,
}

/// `value` or `NAME = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct CallArg {
    /// The parameter's name, where it is given.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it is.
    pub span: Span,
}

/// The forms of an expression, from the tightest to the loosest.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `42`
    Int(i64),
    /// `0.485`, `1e-5`; the text as written is kept for the formatter.
    Float(f64, String),
    /// `"text"`
    Text(String),
    /// `true`, `false`
    Bool(bool),
    /// `3x3`, `3x224x224`
    Size(Vec<i64>),
    /// `width`, `layer2`, `stages.0.blocks`
    Path(Path),
    /// `max(a, b)`, and `mean(0.4, 0.4, 0.4)` as an argument
    Call(Call),
    /// `(a)`, `(a, b)`
    Tuple(Vec<Expr>),
    /// `-a`, `!a`
    Unary(UnaryOp, Box<Expr>),
    /// `a * b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Text that could not be read; a diagnostic says why.
    Error,
}

/// A prefix operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `!`
    Not,
}

/// An infix operator; binds as in Rust: `* / %`, then `+ -`, then comparisons (which do not chain),
/// then `&&`, then `||`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is its own sign")]
pub enum BinaryOp {
    Mul,
    Div,
    Rem,
    Add,
    Sub,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
}

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub struct Ident {
    /// The word.
    pub text: String,
    /// Where it is.
    pub span: Span,
}

/// A string, without its quotes and with its escapes (`\"`, `\\`) resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The characters.
    pub text: String,
    /// Where it is, quotes included.
    pub span: Span,
}

/// `stages.0.blocks`: words and numbers joined by dots, no space between.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The whole, dots included.
    pub text: String,
    /// Where it is.
    pub span: Span,
}

/// What stands before an item or statement.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lead {
    /// Comments on lines of their own.
    pub comments: Vec<Comment>,
    /// Whether a blank line comes before all that.
    pub blank: bool,
    /// Whether a blank line parts the comments from what they stand above.
    pub gap: bool,
}

/// `// text`
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// Everything behind the slashes, trailing space removed.
    pub text: String,
    /// Whether a blank line comes before it (not kept for the first of a lead, which has its own).
    pub blank: bool,
}
