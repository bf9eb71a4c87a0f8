//! `resnetc explain`: the long form of a diagnostic's code.

use clap::{Arg, ArgMatches, Command};

use crate::Error;
use crate::diagnostics::{Code, explain, nearest};

use super::{Outcome, terminal};

pub fn command() -> Command {
    Command::new("explain")
        .about("Explain a diagnostic, as in `resnetc explain R0204`; without a code, list them")
        .arg(Arg::new("code").value_name("CODE"))
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let Some(code) = matches.get_one::<String>("code") else {
        let list: String = Code::ALL.iter().map(|c| format!("{c}  {}\n", c.title())).collect();
        return terminal::print(&list);
    };
    if let Some(text) = explain(code) {
        return terminal::print(&text);
    }
    let codes: Vec<String> = Code::ALL.iter().map(Code::to_string).collect();
    let near = nearest(&code.to_ascii_uppercase(), codes.iter().map(String::as_str));
    let hint = near.map_or("`resnetc explain` lists them".to_owned(), |n| format!("there is `{n}`"));
    Err(Error::Usage(format!("there is no code `{code}`: {hint}")).into())
}
