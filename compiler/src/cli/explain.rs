//! `resnetc explain`: the long form of a diagnostic's code, or what a word of the language is.

use clap::{Arg, ArgMatches, Command};

use crate::Error;
use crate::diagnostics::{Code, explain, nearest};
use crate::model::catalogue::COMMANDS;
use crate::model::reference;

use super::{Outcome, terminal};

pub fn command() -> Command {
    Command::new("explain")
        .about(
            "Explain a diagnostic or a word, as in `resnetc explain R0204`; without either, list the codes",
        )
        .arg(Arg::new("code").value_name("CODE|WORD"))
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let Some(code) = matches.get_one::<String>("code") else {
        let list: String = Code::ALL.iter().map(|c| format!("{c}  {}\n", c.title())).collect();
        return terminal::print(&list);
    };
    if let Some(text) = explain(code) {
        return terminal::print(&text);
    }
    if let Some(text) = reference::word(code) {
        return terminal::print(&format!("{text}\n"));
    }
    let codes: Vec<String> = Code::ALL.iter().map(Code::to_string).collect();
    let near = nearest(&code.to_ascii_uppercase(), codes.iter().map(String::as_str));
    let near = near.or_else(|| nearest(code, COMMANDS.iter().map(|command| command.word)));
    let hint = near.map_or("`resnetc explain` lists the codes".to_owned(), |n| format!("there is `{n}`"));
    Err(Error::Usage(format!("there is no code and no word `{code}`: {hint}")).into())
}
