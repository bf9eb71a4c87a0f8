//! The one canonical layout of a file.
//!
//! A tree becomes lines: an indentation, code without line ends, and a comment behind it. What the
//! author wrote on one line (statements joined by `;`, braces) stays on one line while it fits.
//! Each decision reads only the tree and the widths, so formatting its own output changes nothing.

use super::ast::*;

/// Columns that a line of code may have; a comment behind it may go past.
const WIDTH: usize = 100;
const INDENT: usize = 4;

/// Writes a tree that was read without errors.
pub fn format(file: &File) -> String {
    let mut writer = Writer::default();
    for (n, item) in file.items.iter().enumerate() {
        if n > 0 {
            writer.blank();
        }
        writer.item(item);
    }
    writer.comments(&file.trailing, !file.items.is_empty());
    writer.finish()
}

/// How an item begins, on one line: a model or block without its braces.
pub fn signature(item: &Item) -> String {
    match head(item) {
        (head, parts) if parts.is_empty() => head,
        (head, parts) => format!("{head}({})", parts.join(", ")),
    }
}

/// What stands before an item's parentheses, and what in them.
fn head(item: &Item) -> (String, Vec<String>) {
    let name = &item.name.text;
    match &item.kind {
        ItemKind::Alias { base } => {
            (format!("model {name} = {}", base.name.text), base.args.iter().map(call_arg).collect())
        }
        ItemKind::Model { params, .. } => (format!("model {name}"), params.iter().map(param).collect()),
        ItemKind::Block { params, .. } => (format!("block {name}"), params.iter().map(param).collect()),
    }
}

#[derive(Default)]
struct Line {
    indent: usize,
    code: String,
    remark: Option<String>,
}

#[derive(Default)]
struct Writer {
    lines: Vec<Line>,
    indent: usize,
}

impl Writer {
    fn line(&mut self, code: String, remark: Option<&Comment>) {
        self.lines.push(Line { indent: self.indent, code, remark: remark.map(comment) });
    }

    fn blank(&mut self) {
        self.lines.push(Line::default());
    }

    /// Columns that are left for code.
    fn room(&self) -> usize {
        WIDTH.saturating_sub(self.indent)
    }

    fn comments(&mut self, comments: &[Comment], after_something: bool) {
        for (n, c) in comments.iter().enumerate() {
            if c.blank && (n > 0 || after_something) {
                self.blank();
            }
            self.line(comment(c), None);
        }
    }

    fn lead(&mut self, lead: &Lead) {
        self.comments(&lead.comments, false);
        if lead.gap && !lead.comments.is_empty() {
            self.blank();
        }
    }

    fn item(&mut self, item: &Item) {
        self.lead(&item.lead);
        let (head, parts) = head(item);
        let code = match &item.kind {
            ItemKind::Alias { .. } => self.parenthesised(head, parts, 0),
            ItemKind::Model { body, .. } | ItemKind::Block { body, .. } => {
                let head = self.parenthesised(head, parts, " {".len());
                self.body(head, body, 0)
            }
        };
        self.line(code, item.remark.as_ref());
    }

    /// `head(parts)`, or `head` without parts; on several lines, of which the last is given back.
    fn parenthesised(&mut self, head: String, mut parts: Vec<String>, tail: usize) -> String {
        let Some(last) = parts.last_mut() else { return head };
        last.push(')');
        self.fill(head + "(", parts, "", tail)
    }

    /// Behind `code`, a body; gives back what its last line has so far. `tail` columns must be left
    /// behind its closing brace for it to stay on the line.
    fn body(&mut self, code: String, body: &Body, tail: usize) -> String {
        let open = if code.is_empty() { code } else { code + " " };
        if let Some(flat) = flat_body(body).filter(|flat| width(&open) + width(flat) + tail <= self.room()) {
            return open + &flat;
        }
        self.line(open + "{", body.remark.as_ref());
        self.indent += INDENT;
        self.statements(&body.statements);
        self.comments(&body.trailing, !body.statements.is_empty());
        self.indent -= INDENT;
        "}".to_owned()
    }

    fn statements(&mut self, statements: &[Statement]) {
        for (n, group) in
            statements.chunk_by(|_, next| next.joined && next.lead.comments.is_empty()).enumerate()
        {
            let Some((last, others)) = group.split_last() else { continue };
            let first = &group[0];
            if n > 0 && first.lead.blank {
                self.blank();
            }
            self.lead(&first.lead);
            let flat: Option<Vec<_>> = group.iter().map(flat_statement).collect();
            let flat = flat.map(|parts| parts.join("; ")).filter(|code| width(code) <= self.room());
            match flat {
                Some(code) if others.iter().all(|s| s.remark.is_none()) => {
                    self.line(code, last.remark.as_ref())
                }
                _ => group.iter().for_each(|s| self.statement(s)),
            }
        }
    }

    /// One statement, on as many lines as it takes.
    fn statement(&mut self, statement: &Statement) {
        let code = match &statement.kind {
            StatementKind::Command(command) => self.command(command),
            StatementKind::Require { condition, message } => {
                self.fill("require".to_owned(), vec![expr(condition), text(&message.text)], " ", 0)
            }
            StatementKind::Repeat { count, block, args } => {
                let mut parts = vec![repetition(count, block)];
                parts.extend(args.iter().map(arg));
                self.fill(String::new(), parts, "", 0)
            }
            StatementKind::Let { .. } | StatementKind::Rename { .. } | StatementKind::Error => {
                flat_statement(statement).unwrap_or_default()
            }
        };
        self.line(code, statement.remark.as_ref());
    }

    fn command(&mut self, command: &Command) -> String {
        let name = command.name.as_ref().map_or(String::new(), |name| format!(" as {}", name.text));
        let tail = if command.body.is_some() { " {".len() } else { width(&name) };
        let mut code =
            self.fill(command.word.text.clone(), command.args.iter().map(arg).collect(), " ", tail);
        let mut bodies = command.body.iter().map(|b| ("", b)).collect::<Vec<_>>();
        bodies.extend(command.clauses.iter().map(|c| (c.word.text.as_str(), &c.body)));
        for (n, (word, body)) in bodies.iter().enumerate() {
            if !word.is_empty() {
                code = format!("{code} {word}");
            }
            let tail = bodies.get(n + 1).map_or(width(&name), |(next, _)| width(next) + "  {".len());
            code = self.body(code, body, tail);
        }
        code + &name
    }

    /// `head` and `parts` with commas between, `tail` columns left behind. Where the line is full it
    /// is written and the next one begins, further in; the last one is given back.
    fn fill(&mut self, head: String, parts: Vec<String>, gap: &str, tail: usize) -> String {
        let mut code = head;
        let count = parts.len();
        for (n, part) in parts.into_iter().enumerate() {
            let (gap, behind) = (if n == 0 { gap } else { " " }, if n + 1 == count { tail } else { 1 });
            if n > 0 && width(&code) + width(gap) + width(&part) + behind > self.room() {
                self.line(std::mem::take(&mut code), None);
                code = " ".repeat(INDENT) + &part;
            } else {
                code = code + gap + &part;
            }
            if n + 1 < count {
                code.push(',');
            }
        }
        code
    }

    /// The text. Comments behind adjacent lines are aligned.
    fn finish(self) -> String {
        let mut out = String::new();
        let alike = |a: &Line, b: &Line| a.remark.is_some() && b.remark.is_some() && a.indent == b.indent;
        for run in self.lines.chunk_by(alike) {
            let widest = run.iter().map(|line| width(&line.code)).max().unwrap_or(0);
            for line in run {
                if !line.code.is_empty() {
                    out.extend(std::iter::repeat_n(' ', line.indent));
                    out.push_str(&line.code);
                }
                if let Some(remark) = &line.remark {
                    out.extend(std::iter::repeat_n(' ', widest - width(&line.code) + 1));
                    out.push_str(remark);
                }
                out.push('\n');
            }
        }
        out
    }
}

/// A statement on one line, if it can stand there; comments around it are the caller's.
fn flat_statement(statement: &Statement) -> Option<String> {
    Some(match &statement.kind {
        StatementKind::Let { name, value } => format!("let {} = {}", name.text, expr(value)),
        StatementKind::Require { condition, message } => {
            format!("require {}, {}", expr(condition), text(&message.text))
        }
        StatementKind::Rename { from, to } => format!("rename {} -> {}", text(&from.text), text(&to.text)),
        StatementKind::Repeat { count, block, args } => {
            let args: Vec<_> = args.iter().map(arg).collect();
            [vec![repetition(count, block)], args].concat().join(", ")
        }
        StatementKind::Command(command) => flat_command(command)?,
        StatementKind::Error => String::new(),
    })
}

fn flat_command(command: &Command) -> Option<String> {
    let mut code = command.word.text.clone();
    if !command.args.is_empty() {
        code = code + " " + &list(&command.args, arg);
    }
    if let Some(body) = &command.body {
        code = code + " " + &flat_body(body)?;
    }
    for clause in &command.clauses {
        code = code + " " + &clause.word.text + " " + &flat_body(&clause.body)?;
    }
    if let Some(name) = &command.name {
        code = code + " as " + &name.text;
    }
    Some(code)
}

/// A body on one line, if it was written so and nothing in it needs a line of its own. One that no
/// line can hold is given up early.
fn flat_body(body: &Body) -> Option<String> {
    let has_comments = body.remark.is_some() || !body.trailing.is_empty();
    if body.statements.is_empty() && !has_comments {
        return Some("{ }".to_owned());
    }
    let is_plain = |s: &Statement| s.remark.is_none() && s.lead.comments.is_empty();
    if !body.inline || has_comments || !body.statements.iter().all(is_plain) {
        return None;
    }
    let mut flat = String::from("{ ");
    for (n, statement) in body.statements.iter().enumerate() {
        if width(&flat) > WIDTH {
            return None;
        }
        flat.push_str(if n > 0 { "; " } else { "" });
        flat.push_str(&flat_statement(statement)?);
    }
    Some(flat + " }")
}

fn repetition(count: &Expr, block: &Call) -> String {
    let args = list(&block.args, call_arg);
    let args = if args.is_empty() { args } else { format!("({args})") };
    format!("{} of {}{args}", expr(count), block.name.text)
}

fn param(param: &Param) -> String {
    match &param.default {
        Some(default) => format!("{} = {}", param.name.text, expr(default)),
        None => param.name.text.clone(),
    }
}

fn arg(arg: &Arg) -> String {
    match &arg.name {
        Some(name) => format!("{} {}", name.text, expr(&arg.value)),
        None => expr(&arg.value),
    }
}

fn call_arg(arg: &CallArg) -> String {
    match &arg.name {
        Some(name) => format!("{} = {}", name.text, expr(&arg.value)),
        None => expr(&arg.value),
    }
}

fn expr(e: &Expr) -> String {
    match &e.kind {
        ExprKind::Int(number) => number.to_string(),
        ExprKind::Float(_, written) => written.clone(),
        ExprKind::Text(characters) => text(characters),
        ExprKind::Bool(truth) => truth.to_string(),
        ExprKind::Size(sizes) => sizes.iter().map(i64::to_string).collect::<Vec<_>>().join("x"),
        ExprKind::Path(path) => path.text.clone(),
        ExprKind::Call(call) => format!("{}({})", call.name.text, list(&call.args, call_arg)),
        ExprKind::Tuple(parts) => format!("({})", list(parts, expr)),
        ExprKind::Unary(UnaryOp::Neg, of) => format!("-{}", expr(of)),
        ExprKind::Unary(UnaryOp::Not, of) => format!("!{}", expr(of)),
        ExprKind::Binary(op, left, right) => format!("{} {} {}", expr(left), sign(*op), expr(right)),
        ExprKind::Error => String::new(),
    }
}

fn sign(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::Rem => "%",
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Eq => "==",
        BinaryOp::Ne => "!=",
        BinaryOp::Lt => "<",
        BinaryOp::Le => "<=",
        BinaryOp::Gt => ">",
        BinaryOp::Ge => ">=",
        BinaryOp::And => "&&",
        BinaryOp::Or => "||",
    }
}

fn list<T>(parts: &[T], show: impl Fn(&T) -> String) -> String {
    parts.iter().map(show).collect::<Vec<_>>().join(", ")
}

fn text(characters: &str) -> String {
    format!("\"{}\"", characters.replace('\\', "\\\\").replace('"', "\\\""))
}

/// `// text`, with a space unless the author drew something: `///`, `//!`, a rule.
fn comment(c: &Comment) -> String {
    let parted = c.text.chars().next().is_none_or(|c| c.is_whitespace() || c.is_ascii_punctuation());
    if parted { format!("//{}", c.text) } else { format!("// {}", c.text) }
}

fn width(code: &str) -> usize {
    code.chars().count()
}
