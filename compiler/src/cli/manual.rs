//! `resnetc manual`: manual pages.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_mangen::Man;

use crate::{Error, files};

use super::{Outcome, terminal};

pub fn command() -> Command {
    Command::new("manual")
        .about("Write manual pages, for `man`: one of the command and one of each subcommand")
        .arg(
            Arg::new("folder")
                .value_name("FOLDER")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("Where to, such as ~/.local/share/man/man1; made if it is not there"),
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let folder = matches.get_one::<PathBuf>("folder").cloned().unwrap_or_default();
    std::fs::create_dir_all(&folder).map_err(|source| Error::Write { path: folder.clone(), source })?;
    let mut all = super::command().disable_help_subcommand(true);
    all.build();
    write(&folder, "resnetc", &all)?;
    for subcommand in all.get_subcommands() {
        write(&folder, &format!("resnetc-{}", subcommand.get_name()), subcommand)?;
    }
    let pages = all.get_subcommands().count() + 1;
    terminal::print(&format!("wrote {pages} pages to {}\n", folder.display()))
}

/// Writes a command's page.
fn write(folder: &Path, name: &str, command: &Command) -> Result<(), Error> {
    let path = folder.join(format!("{name}.1"));
    let mut page = Vec::new();
    Man::new(command.clone())
        .title(name.to_uppercase())
        .render(&mut page)
        .map_err(|source| Error::Write { path: path.clone(), source })?;
    files::write_whole(&path, &page)
}
