//! A deployment file: which layers compute in which precision, where a network runs.
//!
//! A line a rule, `precision int8`, or `precision bf16 layer4 *.conv3` for some layers: a layer's path, a
//! part of the network's, or a pattern in which `*` stands for any text. The last rule that fits a layer
//! counts. `#` begins a comment.

use std::fmt;

use super::Precision;

/// Rules in order; a network without any is f32.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    precision: Precision,
    /// Any layer, if there are none.
    patterns: Vec<String>,
}

/// Why a text is no deployment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct DeploymentError {
    line: usize,
    reason: String,
}

impl Deployment {
    /// All layers in one precision.
    pub fn all(precision: Precision) -> Self {
        let mut deployment = Self::default();
        deployment.add(precision, Vec::new());
        deployment
    }

    /// A further rule, which goes before those that are there.
    pub fn add(&mut self, precision: Precision, patterns: Vec<String>) {
        self.rules.push(Rule { precision, patterns });
    }

    /// Further rules, which go before those that are there.
    pub fn extend(&mut self, others: Self) {
        self.rules.extend(others.rules);
    }

    /// The precision of the layer with that path.
    pub fn precision(&self, path: &str) -> Precision {
        let fits = |rule: &&Rule| {
            rule.patterns.is_empty() || rule.patterns.iter().any(|pattern| fits(pattern, path))
        };
        self.rules.iter().rfind(fits).map_or(Precision::F32, |rule| rule.precision)
    }

    /// The patterns that fit none of these layers.
    pub fn idle<'a>(&'a self, paths: &[&str]) -> impl Iterator<Item = &'a str> {
        let patterns = self.rules.iter().flat_map(|rule| &rule.patterns).map(String::as_str);
        patterns.filter(move |pattern| !paths.iter().any(|path| fits(pattern, path)))
    }

    /// Reads the file's text.
    ///
    /// # Errors
    ///
    /// The first line that is no rule.
    pub fn parse(text: &str) -> Result<Self, DeploymentError> {
        let mut deployment = Self::default();
        for (index, line) in text.lines().enumerate() {
            let wrong = |reason| DeploymentError { line: index + 1, reason };
            let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
            match (words.next(), words.next()) {
                (None, _) => {}
                (Some("precision"), Some(name)) => {
                    let precision = Precision::from_name(name).ok_or_else(|| wrong(unknown(name)))?;
                    deployment.add(precision, words.map(str::to_owned).collect());
                }
                (Some("precision"), None) => return Err(wrong(format!("which precision? {}", known()))),
                (Some(word), _) => {
                    let told =
                        format!("`{word}` is no rule: write `precision int8`, or `precision bf16 layer4`");
                    return Err(wrong(told));
                }
            }
        }
        Ok(deployment)
    }
}

impl fmt::Display for Deployment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Rule { precision, patterns } in &self.rules {
            write!(f, "precision {precision}")?;
            patterns.iter().try_for_each(|pattern| write!(f, " {pattern}"))?;
            writeln!(f)?;
        }
        Ok(())
    }
}

fn known() -> String {
    format!("there are {}", Precision::ALL.map(Precision::name).join(", "))
}

fn unknown(name: &str) -> String {
    format!("`{name}` is no precision: {}", known())
}

/// Whether a path is the pattern, lies below it, or is what it says with `*` for any text.
fn fits(pattern: &str, path: &str) -> bool {
    if path.strip_prefix(pattern).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')) {
        return true;
    }
    let Some((first, rest)) = pattern.split_once('*') else { return false };
    let Some(mut path) = path.strip_prefix(first) else { return false };
    let mut pieces = rest.split('*').peekable();
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            return path.ends_with(piece);
        }
        match path.find(piece) {
            Some(at) => path = &path[at + piece.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_fits_counts() {
        let text = "precision int8 # all\n\nprecision bf16 layer4 *.conv3\nprecision f32 layer4.0.conv1\n";
        let deployment = Deployment::parse(text).unwrap();
        for (path, precision) in [
            ("conv1", Precision::Int8),
            ("layer1.0.conv2", Precision::Int8),
            ("layer1.0.conv3", Precision::Bf16),
            ("layer4.1.conv1", Precision::Bf16),
            ("layer4.0.conv1", Precision::F32),
            ("layer40", Precision::Int8),
        ] {
            assert_eq!(deployment.precision(path), precision, "{path}");
        }
        assert_eq!(Deployment::parse(&deployment.to_string()), Ok(deployment));
        assert_eq!(Deployment::default().precision("fc"), Precision::F32);
    }

    #[test]
    fn patterns_that_fit_nothing_are_found() {
        let deployment = Deployment::parse("precision bf16 layer9 fc f*x").unwrap();
        assert_eq!(deployment.idle(&["layer1.conv", "fc"]).collect::<Vec<_>>(), ["layer9", "f*x"]);
    }

    #[test]
    fn what_is_no_rule_is_named_with_its_line() {
        let told = |text: &str| Deployment::parse(text).unwrap_err().to_string();
        assert!(told("\nprecision fp16").starts_with("line 2: `fp16` is no precision"));
        assert!(told("layer4 bf16").starts_with("line 1: `layer4` is no rule"));
        assert!(told("precision").starts_with("line 1: which precision?"));
    }
}
