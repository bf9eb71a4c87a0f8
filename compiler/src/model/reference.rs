//! The reference of a spec's words, in Markdown, from the table of commands.

use super::bind::usage;
use super::catalogue::{ArgKind, ArgSpec, COMMANDS, Choice, CommandSpec, Family, GRAMMAR, REPEAT};

/// A command: what it is, how it is written, its arguments.
pub fn command(spec: &CommandSpec) -> String {
    let list: String = spec.args.iter().map(|arg| format!("\n- {}", argument(arg))).collect();
    let gap = if list.is_empty() { "" } else { "\n" };
    format!("**{}**: {}\n\n{}{gap}{list}", spec.word, spec.doc, usage(spec))
}

/// An argument in a line.
pub fn argument(arg: &ArgSpec) -> String {
    format!("`{}`: {}", arg.name, arg.doc)
}

/// A word of the grammar, or one that an argument can be.
pub fn choice(choice: &Choice) -> String {
    format!("**{}**: {}", choice.word, choice.doc)
}

/// What is known of a word that a spec can use.
pub fn word(word: &str) -> Option<String> {
    let commands = COMMANDS.iter().chain([&REPEAT]);
    let found = commands.filter(|spec| spec.word == word).map(command);
    let said = GRAMMAR.iter().filter(|grammar| grammar.word == word).map(choice);
    let all: Vec<String> = found.chain(said).collect();
    (!all.is_empty()).then(|| all.join("\n\n"))
}

/// Every word, on a page.
pub fn page() -> String {
    let families = [
        (Family::Operation, "Operations", "They compute, and stand in a part, a container or a block."),
        (Family::Container, "Containers", "Braces around operations."),
        (Family::Part, "Parts", "At a model's top, in the order in which the network computes."),
        (Family::Setting, "Settings", "At a model's top."),
    ];
    let mut page = String::from(
        "# Operations\n\nEvery word that a statement can begin with. Arguments in capitals can be given by their place, those \
         in brackets\nleft out; each can be given by its name. Printed from the compiler's own table.\n",
    );
    for (family, title, doc) in families {
        page += &format!("\n## {title}\n\n{doc}\n");
        COMMANDS.iter().filter(|spec| spec.family == family).for_each(|spec| page += &section(spec));
    }
    page += "\n## Words of the grammar\n\n";
    GRAMMAR.iter().for_each(|grammar| page += &format!("- {}\n", choice(grammar)));
    page
}

fn section(spec: &CommandSpec) -> String {
    let written = usage(spec);
    let written = written.strip_prefix("it is written ").unwrap_or(&written);
    let mut section = format!("\n### {}\n\n{} {written}\n", spec.word, spec.doc);
    if !spec.args.is_empty() {
        section += "\n| argument | is | meaning; default |\n|---|---|---|\n";
    }
    for arg in spec.args {
        section += &format!("| `{}` | {} | {} |\n", arg.name, kind(arg.kind), arg.doc);
    }
    for arg in spec.args {
        let ArgKind::Word(choices) = arg.kind else { continue };
        section += "\n";
        choices.iter().for_each(|word| section += &format!("- {}\n", choice(word)));
    }
    section
}

fn kind(kind: ArgKind) -> &'static str {
    match kind {
        ArgKind::Pair => "`3x3`, `(3, 1)`, or one number for both",
        ArgKind::Pad => "a number, `(vertical, horizontal)`, or `same`",
        ArgKind::Count => "a whole number",
        ArgKind::Number => "a number",
        ArgKind::Colours => "three numbers",
        ArgKind::Dims => "channels, height, width",
        ArgKind::Flag => "the word alone, or `true`, `false`",
        ArgKind::Word(_) => "one of the words below",
        ArgKind::Name => "a name",
        ArgKind::Text => "a string",
        ArgKind::Texts => "strings",
    }
}
