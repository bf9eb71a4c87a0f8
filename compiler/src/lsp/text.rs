//! A text with its lines: from the protocol's positions, which count UTF-16 code units, to bytes and
//! back.

use std::ops::Range as Bytes;

use lsp_types::{Position, Range, TextEdit};

/// A text and where its lines begin.
#[derive(Clone, Debug)]
pub struct Text {
    text: String,
    starts: Vec<usize>,
}

impl Text {
    /// Finds the lines of a text: they end with `\n`, `\r\n` or `\r`.
    pub fn new(text: String) -> Self {
        let bytes = text.as_bytes();
        let ends_line = |(at, byte): (usize, &u8)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let ends = bytes.iter().enumerate().filter(|e| ends_line(*e)).map(|(at, _)| at + 1);
        let starts = std::iter::once(0).chain(ends).collect();
        Self { text, starts }
    }

    /// All of it.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The bytes of a line, without its end.
    pub fn line(&self, line: usize) -> Bytes<usize> {
        let start = self.starts.get(line).copied().unwrap_or(self.text.len());
        let end = self.starts.get(line + 1).copied().unwrap_or(self.text.len());
        let content = self.text[start..end].trim_end_matches(['\r', '\n']);
        start..start + content.len()
    }

    /// The line that a byte is on.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts.partition_point(|start| *start <= offset).saturating_sub(1)
    }

    /// The bytes of the word around a byte: letters, digits and `_`.
    pub fn word(&self, offset: usize) -> Bytes<usize> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let (before, behind) = self.text.split_at(offset);
        let start = before.trim_end_matches(is_part).len();
        start..offset + behind.find(|c| !is_part(c)).unwrap_or(behind.len())
    }

    /// The position of a byte; of one amid a character, that character's.
    pub fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.line_of(offset);
        let start = self.starts[line];
        let before =
            self.text[start..].char_indices().take_while(|(at, c)| start + at + c.len_utf8() <= offset);
        let units: usize = before.map(|(_, c)| c.len_utf16()).sum();
        Position { line: line as u32, character: units as u32 }
    }

    /// The byte of a position. One behind its line's end is the line's end, one behind the last line
    /// the text's end, one amid a character that character's begin.
    pub fn offset(&self, position: Position) -> usize {
        let line = self.line(position.line as usize);
        let mut units = 0;
        for (at, c) in self.text[line.clone()].char_indices() {
            units += c.len_utf16();
            if units > position.character as usize {
                return line.start + at;
            }
        }
        line.end
    }

    /// Bytes as the protocol has them.
    pub fn range(&self, bytes: Bytes<usize>) -> Range {
        Range { start: self.position(bytes.start), end: self.position(bytes.end) }
    }

    /// The bytes of a range; none of one that ends before it begins.
    pub fn bytes(&self, range: Range) -> Bytes<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }

    /// With other characters in place of a range.
    pub fn replaced(&self, range: Range, with: &str) -> Self {
        let bytes = self.bytes(range);
        Self::new([&self.text[..bytes.start], with, &self.text[bytes.end..]].concat())
    }

    /// The smallest run of whole lines whose replacement makes this text another; `None` if it is that
    /// already.
    pub fn edit_to(&self, other: &str) -> Option<TextEdit> {
        if self.text == other {
            return None;
        }
        let (old, new): (Vec<_>, Vec<_>) =
            (self.text.split_inclusive('\n').collect(), other.split_inclusive('\n').collect());
        let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
        let rest = old.len().min(new.len()) - same;
        let behind = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
        let length = |lines: &[&str]| lines.iter().map(|l| l.len()).sum::<usize>();
        let start = length(&old[..same]);
        let end = self.text.len() - length(&old[old.len() - behind..]);
        let new_text = new[same..new.len() - behind].concat();
        Some(TextEdit { range: self.range(start..end), new_text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn positions_count_utf16_and_offsets_bytes() {
        // Bytes: a 1, ä 2, 😀 4, b 1; code units: 1, 1, 2, 1.
        let text = Text::new("aä😀b\r\nc\rd\n".to_owned());
        for (offset, position) in [
            (0, at(0, 0)),
            (1, at(0, 1)),
            (3, at(0, 2)),
            (7, at(0, 4)),
            (8, at(0, 5)),
            (10, at(1, 0)),
            (12, at(2, 0)),
            (14, at(3, 0)),
        ] {
            assert_eq!(text.position(offset), position);
            assert_eq!(text.offset(position), offset);
        }
        assert_eq!(text.offset(at(0, 3)), 3, "amid a pair of surrogates");
        assert_eq!(text.position(5), at(0, 2), "amid a character");
        assert_eq!(text.offset(at(0, 99)), 8);
        assert_eq!(text.offset(at(99, 0)), 14);
    }

    #[test]
    fn a_word_reaches_to_both_sides() {
        let text = Text::new("ä one_2(\u{1f600}".to_owned());
        assert_eq!([text.word(3), text.word(5), text.word(8)], [3..8, 3..8, 3..8]);
        assert_eq!(text.word(0), 0..0);
        assert_eq!(text.word(9), 9..9);
    }

    #[test]
    fn a_range_is_replaced_and_a_backward_one_inserts() {
        let text = Text::new("one\ntwo\n".to_owned());
        let change = |start, end| text.replaced(Range { start, end }, "X").as_str().to_owned();
        assert_eq!(change(at(0, 1), at(1, 1)), "oXwo\n");
        assert_eq!(change(at(1, 1), at(0, 1)), "one\ntXwo\n");
    }

    #[test]
    fn an_edit_touches_only_the_lines_that_differ() {
        let text = Text::new("a\nb\nc\nd".to_owned());
        let edit = text.edit_to("a\nB\nc\nd").unwrap();
        assert_eq!((edit.range, edit.new_text.as_str()), (Range { start: at(1, 0), end: at(2, 0) }, "B\n"));
        assert_eq!(text.edit_to("a\nb\nc\nd"), None);
        for other in ["", "a\n", "d", "a\na\nb\nc\nd", "a\nb\nc\nd\n", "b\na\nd"] {
            let edit = text.edit_to(other).unwrap();
            assert_eq!(text.replaced(edit.range, &edit.new_text).as_str(), other);
        }
    }
}
