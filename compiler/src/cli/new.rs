//! `resnetc new`: a project to start from.

use std::path::{Path, PathBuf};

use clap::{Arg, ArgMatches, Command, value_parser};

use crate::{Error, files};

use super::{Outcome, terminal};

pub fn command() -> Command {
    Command::new("new")
        .about("Start a project: a folder with a spec to edit and the next commands to type")
        .arg(
            Arg::new("name")
                .value_name("NAME")
                .required(true)
                .value_parser(value_parser!(PathBuf))
                .help("The folder, and the model's name"),
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let folder = matches.get_one::<PathBuf>("name").cloned().unwrap_or_default();
    let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if !is_name(&name) {
        return Err(Error::Usage(format!(
            "`{name}` is no model's name: use letters, digits and `_`, and begin with a letter"
        ))
        .into());
    }
    if folder.exists() {
        return Err(Error::Usage(format!("{} is there already", folder.display())).into());
    }
    let fail = |source| Error::Write { path: folder.clone(), source };
    if let Some(parent) = folder.parent() {
        std::fs::create_dir_all(parent).map_err(fail)?;
    }
    // Not one that somebody else has made meanwhile.
    std::fs::create_dir(&folder).map_err(fail)?;
    if let Err(error) = fill(&folder, &name) {
        // A folder that is there already is in the way of the next try.
        let _ = std::fs::remove_dir_all(&folder);
        return Err(error.into());
    }
    terminal::print(&next(&folder, &name))
}

/// Writes a project's files.
fn fill(folder: &Path, name: &str) -> Result<(), Error> {
    let spec = folder.join(format!("{name}.resnet"));
    files::write_whole(&spec, SPEC.replace("NAME", name).as_bytes())?;
    files::write_whole(&folder.join("README.md"), README.replace("NAME", name).as_bytes())
}

fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn next(folder: &Path, name: &str) -> String {
    format!(
        "made {0}\n\nnext:\n  cd {0}\n  resnetc summary {name}.resnet\n  \
         resnetc run {name}.resnet --random-weights -- bench\n",
        folder.display()
    )
}

const SPEC: &str = "\
// A residual network for 32 x 32 pictures of ten classes (He et al. 2015, section 4.2).
model NAME(depth = 20, classes = 10) {
    require depth % 6 == 2 && depth >= 8, \"depth is 6n + 2\"
    let n = (depth - 2) / 6
    input image(3, 32, 32)
    normalize mean(0.485, 0.456, 0.406), std(0.229, 0.224, 0.225)
    shortcut zero_pad // none | zero_pad | projection | projection_all

    stem { conv 3x3, 16; norm; relu }
    stage layer1 { n of NAME_block(16) }
    stage layer2 { n of NAME_block(32), stride 2 }
    stage layer3 { n of NAME_block(64), stride 2 }
    head { global_avg_pool; linear classes }
}

// A block of your own; `basic` and `bottleneck` are there already.
block NAME_block(width) {
    residual {
        conv 3x3, width, stride; norm; relu
        conv 3x3, width; norm
    }
    relu
}
";

const README: &str = "\
# NAME

    resnetc check NAME.resnet                            # is it right?
    resnetc summary NAME.resnet --set depth=56           # layers, parameters, MACs
    resnetc run NAME.resnet --random-weights -- bench    # how fast is it here?
    resnetc build NAME.resnet --weights NAME.safetensors -o NAME
    ./NAME classify picture.jpg

Tensors are named as torchvision names them: `conv1`, `bn1`, `layer1.0.conv1`, ..., `fc`.
";
