//! What goes to the terminal: results to stdout, everything else to stderr.

use std::cell::Cell;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::Error;
use crate::diagnostics::{Report, Severity};

use super::{Failure, Outcome};

/// Prints a result. A reader that has gone away ends the command quietly.
pub fn print(text: &str) -> Outcome {
    printed(io::stdout().lock().write_all(text.as_bytes()))
}

/// What comes of something that was written to the standard output.
pub fn printed(written: io::Result<()>) -> Outcome {
    match written.and_then(|()| io::stdout().flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::Closed),
        Err(source) => Err(Error::Write { path: "standard output".into(), source }.into()),
    }
}

/// Whether stderr takes colours.
fn colours() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Says something on stderr; if nobody listens, nobody is told.
pub fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Says what went wrong.
pub fn error(error: &Error) {
    match error {
        Error::Spec(report) => diagnostics(report),
        other if colours() => say(&format!("\x1b[1;31merror\x1b[0m: {}", with_causes(other))),
        other => say(&format!("error: {}", with_causes(other))),
    }
}

/// An error's words, and those of its causes that it does not have itself.
fn with_causes(error: &Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !words.contains(&more) {
            words += &format!(": {more}");
        }
        cause = error.source();
    }
    words
}

/// Shows diagnostics, and how many there were.
pub fn diagnostics(report: &Report) {
    if report.diagnostics.is_empty() {
        return;
    }
    let count = |severity| report.diagnostics.iter().filter(|d| d.severity == severity).count();
    let _ = write!(io::stderr(), "{}", report.render(colours()));
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let many = |n: usize, word: &str| format!("{n} {word}{}", if n == 1 { "" } else { "s" });
    match (errors, warnings) {
        (0, w) => say(&many(w, "warning")),
        (e, 0) => say(&many(e, "error")),
        (e, w) => say(&format!("{}, {}", many(e, "error"), many(w, "warning"))),
    }
}

/// One line of warning, to stderr.
pub fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Shows that something is going on: a spinner on a terminal, plain lines elsewhere.
pub struct Progress {
    bar: Option<ProgressBar>,
    /// Tenths that were told where there is no bar.
    tenths: Cell<usize>,
    /// When what is counted began.
    begun: Cell<Instant>,
}

impl Progress {
    /// Begins with a first message.
    pub fn new(message: &str) -> Self {
        let bar = || {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(100));
            bar
        };
        let bar = io::stderr().is_terminal().then(bar);
        let progress = Self { bar, tenths: Cell::new(0), begun: Cell::new(Instant::now()) };
        progress.step(message);
        progress
    }

    /// Goes on to something else, of which nothing is done yet.
    pub fn step(&self, message: &str) {
        self.tenths.set(0);
        self.begun.set(Instant::now());
        match &self.bar {
            Some(bar) => bar.set_message(message.to_owned()),
            None => say(message),
        }
    }

    /// Tells how many of how many are done, all alike.
    pub fn count(&self, what: &str, (done, all): (usize, usize)) {
        self.share(&format!("{what}: {done} of {all}"), done as f64 / all.max(1) as f64);
    }

    /// Tells that a share of the work is done, 0 to 1: on a terminal each time, with the time that is left;
    /// elsewhere each tenth.
    pub fn share(&self, message: &str, share: f64) {
        let tenths = (share * 10.0) as usize;
        match &self.bar {
            Some(bar) => {
                let left = self.begun.get().elapsed().as_secs_f64() * (1.0 - share) / share;
                let left = if share > 0.0 { format!(", {left:.0} s left") } else { String::new() };
                bar.set_message(format!("{message}{left}"));
            }
            None => {
                if tenths > self.tenths.replace(tenths) {
                    say(message);
                }
            }
        }
    }

    /// Whether there is a terminal that shows each step.
    pub fn is_shown(&self) -> bool {
        self.bar.is_some()
    }

    /// Ends, and leaves one line.
    pub fn finish(self, message: &str) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
        say(message);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_is_told_once() {
        let refused = || io::Error::other("no more threads");
        let error = Error::Run(resnetc_runtime::Error::Spawn(refused()));
        assert_eq!(with_causes(&error), "cannot start a thread: no more threads");
        let error = Error::Read { path: "a".into(), source: refused() };
        assert_eq!(with_causes(&error), "cannot read a: no more threads");
    }
}
