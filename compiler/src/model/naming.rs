//! Names of operations, and so of their tensors in a checkpoint, as torchvision gives them.

/// How the operations of one scope are named.
#[derive(Clone, Debug)]
pub struct Naming {
    prefix: String,
    style: Style,
    blocks: usize,
}

#[derive(Clone, Debug)]
enum Style {
    /// `conv1`, `bn1`, `conv2`, …: by kind.
    Kinds(Vec<(&'static str, usize)>),
    /// `0`, `1`, …: by position.
    Positions(usize),
}

impl Naming {
    /// A scope whose operations are named by kind.
    pub fn kinds(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), style: Style::Kinds(Vec::new()), blocks: 0 }
    }

    /// A scope whose operations are named by position.
    pub fn positions(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), style: Style::Positions(0), blocks: 0 }
    }

    /// How much each name within this scope has of the scope's own.
    pub fn bytes(&self) -> usize {
        self.prefix.len()
    }

    /// A name within this scope, as the whole network knows it.
    pub fn join(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}.{name}", self.prefix) }
    }

    /// The path of the next operation of a word; `given` is its name behind `as`.
    pub fn next(&mut self, word: &'static str, given: Option<&str>) -> String {
        let name = match &mut self.style {
            Style::Positions(count) => {
                *count += 1;
                (*count - 1).to_string()
            }
            Style::Kinds(counts) => {
                let stem = match word {
                    "norm" => "bn",
                    "linear" => "fc",
                    "max_pool" => "maxpool",
                    "avg_pool" | "global_avg_pool" => "avgpool",
                    other => other,
                };
                // A name of its own takes no number from the others.
                if let Some(given) = given {
                    return self.join(given);
                }
                let count = match counts.iter_mut().find(|(s, _)| *s == stem) {
                    Some((_, count)) => count,
                    None => {
                        counts.push((stem, 0));
                        &mut counts.last_mut().unwrap_or_else(|| unreachable!("just pushed")).1
                    }
                };
                *count += 1;
                let numbered = matches!(word, "conv" | "norm") || *count > 1;
                if numbered { format!("{stem}{count}") } else { stem.to_owned() }
            }
        };
        self.join(given.unwrap_or(&name))
    }

    /// The scope of the next block of a stage: `layer1.0`, `layer1.1`, ….
    pub fn next_block(&mut self) -> Self {
        self.blocks += 1;
        Self::kinds(self.join(&(self.blocks - 1).to_string()))
    }
}
