//! Standard output and standard error: colours where they are wanted, and nothing that panics.

use std::io::{self, BufWriter, IsTerminal, StdoutLock, Write};
use std::path::Path;

use super::failure::Failure;

/// The standard output, locked and buffered. Errors are kept for whoever writes.
pub(super) struct Terminal {
    out: BufWriter<StdoutLock<'static>>,
    colour: bool,
    colour_errors: bool,
}

/// How a text is set off.
#[derive(Clone, Copy)]
pub(super) enum Style {
    Bold,
    Dim,
    Bar,
}

impl Terminal {
    pub(super) fn new() -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self {
            out: BufWriter::new(io::stdout().lock()),
            colour: wanted && io::stdout().is_terminal(),
            colour_errors: wanted && io::stderr().is_terminal(),
        }
    }

    /// The text, set off if this is a terminal that shows colours.
    pub(super) fn paint(&self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Bar => "36",
        };
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// A failure in one line on standard error. That nobody reads it is no further failure.
    pub(super) fn complain(&self, kind: &str, failure: &Failure) {
        self.note(kind, &failure.line());
    }

    /// A line on standard error: `kind: text`.
    pub(super) fn note(&self, kind: &str, text: &str) {
        let kind = match (self.colour_errors, kind) {
            (true, "error") => "\x1b[1;31merror:\x1b[0m".to_owned(),
            (true, _) => format!("\x1b[1;33m{kind}:\x1b[0m"),
            (false, _) => format!("{kind}:"),
        };
        let _ = writeln!(io::stderr(), "{kind} {text}");
    }

    /// Writes out what is held back.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Terminal {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// A path that can be printed: control characters, which a file's name may have, as `?`.
pub(super) fn shown(path: &Path) -> String {
    path.to_string_lossy().replace(char::is_control, "?")
}

/// A bar of `cells` characters, filled to an eighth of one.
pub(super) fn bar(fraction: f32, cells: usize) -> String {
    const EIGHTHS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
    let filled = (fraction.clamp(0.0, 1.0) * (8 * cells) as f32).round() as usize;
    let mut bar = "█".repeat(filled / 8);
    if !filled.is_multiple_of(8) {
        bar.push(EIGHTHS[filled % 8]);
    }
    let blank = cells - bar.chars().count();
    bar.push_str(&" ".repeat(blank));
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_its_width_whatever_the_fraction() {
        for fraction in [0.0, 0.01, 0.5, 0.999, 1.0, 2.0, f32::NAN] {
            assert_eq!(bar(fraction, 10).chars().count(), 10, "{fraction}");
        }
        assert_eq!(bar(0.5, 4), "██  ");
        assert_eq!(bar(0.125, 4), "▌   ");
    }

    #[test]
    fn names_cannot_command_the_terminal() {
        assert_eq!(shown(Path::new("a\x1b[31mb\n.png")), "a?[31mb?.png");
    }
}
