//! Every code that a diagnostic can carry, with the long form that `resnetc explain` prints.
//!
//! R00 is syntax, R01 names and parameters, R02 shapes, R03 what a command takes, R04 limits.

use std::fmt;

macro_rules! codes {
    ($($code:ident $title:literal,)*) => {
        /// The number of a diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $title] $code,)*
        }

        impl Code {
            /// Every code there is.
            pub const ALL: &'static [Code] = &[$(Code::$code),*];

            /// What it is about, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Code::$code => $title),* }
            }

            fn long(self) -> &'static str {
                match self { $(Code::$code => include_str!(concat!("codes/", stringify!($code), ".md"))),* }
            }
        }

        impl fmt::Display for Code {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Code::$code => stringify!($code)),* })
            }
        }
    };
}

codes! {
    R0001 "a character that no spec has",
    R0002 "something else was expected",
    R0003 "an opening that is never closed",
    R0004 "a number out of range",
    R0005 "a string that does not end",
    R0006 "an escape that strings do not have",
    R0007 "nesting too deep",
    R0101 "an unknown block or model",
    R0102 "an unknown name in an expression",
    R0103 "a name that is taken",
    R0104 "an unknown command",
    R0105 "an unknown parameter or option",
    R0106 "a parameter without a value",
    R0107 "too many arguments",
    R0108 "a block that contains itself",
    R0109 "no such output",
    R0110 "two tensors of one name",
    R0201 "a map too small for its window",
    R0202 "channels that the groups do not divide",
    R0203 "a linear layer over a map",
    R0204 "the branch and its shortcut differ in shape",
    R0205 "a gate that does not fit what it multiplies",
    R0206 "a shortcut that zero padding cannot make",
    R0301 "a missing argument",
    R0302 "a value of the wrong kind",
    R0303 "a value out of range",
    R0304 "a command out of place",
    R0305 "a requirement that does not hold",
    R0306 "arithmetic that has no result",
    R0307 "a setting given twice",
    R0308 "a model without an input",
    R0309 "a model that computes nothing",
    R0310 "members that make no ensemble",
    R0401 "a network past the limit",
}

/// The long form of a code such as `R0204`, in any case; `None` if there is no such code.
pub fn explain(code: &str) -> Option<String> {
    let code = Code::ALL.iter().find(|c| c.to_string().eq_ignore_ascii_case(code))?;
    Some(format!("{code}: {}\n\n{}", code.title(), code.long()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Spec};

    /// What a spec is told, code by code.
    fn codes_of(spec: &str) -> Vec<Code> {
        match Spec::from_text("example.resnet", spec, None).check(&[]) {
            Ok(checked) => checked.warnings.diagnostics.iter().map(|d| d.code).collect(),
            Err(Error::Spec(report)) => report.diagnostics.iter().map(|d| d.code).collect(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn each_explanation_has_an_example_of_its_code_alone_and_the_example_mended() {
        for &code in Code::ALL {
            let examples = code.long().split("```resnet\n").skip(1).map(|e| e.split("```").next());
            let [wrong, right] = examples.flatten().map(codes_of).collect::<Vec<_>>().try_into().unwrap();
            assert!(!wrong.is_empty() && wrong.iter().all(|c| *c == code), "{code}: {wrong:?}");
            assert_eq!(right, [], "{code}");
        }
    }
}
