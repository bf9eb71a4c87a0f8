//! Elements of HTML and SVG as a tree, and the one place that writes them as text: what is text is escaped.

use std::fmt::{Display, Write};

/// Elements that never have content.
const EMPTY: &[&str] = &["meta", "link", "rect", "line", "path", "circle", "polyline"];

/// An element with its attributes and content.
#[derive(Clone, Debug, PartialEq)]
pub struct Element {
    name: &'static str,
    attributes: Vec<(&'static str, String)>,
    content: Vec<Content>,
}

#[derive(Clone, Debug, PartialEq)]
enum Content {
    Element(Element),
    Text(String),
    /// A style or a script of ours, which is not escaped.
    Source(&'static str),
}

impl Element {
    /// An element without attributes or content.
    pub fn new(name: &'static str) -> Self {
        Self { name, attributes: Vec::new(), content: Vec::new() }
    }

    /// With an attribute.
    #[must_use]
    pub fn attribute(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push((name, value.to_string()));
        self
    }

    /// With a coordinate or length, to a hundredth.
    #[must_use]
    pub fn length(self, name: &'static str, value: f64) -> Self {
        // Adding 0 makes a negative zero a positive one.
        self.attribute(name, (value * 100.0).round() / 100.0 + 0.0)
    }

    /// With a class.
    #[must_use]
    pub fn class(self, class: &str) -> Self {
        self.attribute("class", class)
    }

    /// With text behind what it has.
    #[must_use]
    pub fn text(mut self, text: impl Display) -> Self {
        self.content.push(Content::Text(text.to_string()));
        self
    }

    /// With an element behind what it has.
    #[must_use]
    pub fn child(mut self, child: Self) -> Self {
        self.content.push(Content::Element(child));
        self
    }

    /// With elements behind what it has.
    #[must_use]
    pub fn children(mut self, children: impl IntoIterator<Item = Self>) -> Self {
        self.content.extend(children.into_iter().map(Content::Element));
        self
    }

    /// With a style or script of ours.
    #[must_use]
    pub fn source(mut self, source: &'static str) -> Self {
        self.content.push(Content::Source(source));
        self
    }

    /// As text, which is HTML and, if all of it is SVG, XML too.
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        // Writing to a string cannot fail.
        let _ = write!(out, "<{}", self.name);
        for (name, value) in &self.attributes {
            let _ = write!(out, " {name}=\"{}\"", escaped(value));
        }
        if EMPTY.contains(&self.name) && self.content.is_empty() {
            *out += "/>";
            return;
        }
        *out += ">";
        for content in &self.content {
            match content {
                Content::Element(element) => element.write(out),
                Content::Text(text) => *out += &escaped(text),
                Content::Source(source) => *out += source,
            }
        }
        let _ = write!(out, "</{}>", self.name);
        if BREAKS.contains(&self.name) {
            *out += "\n";
        }
    }
}

/// Elements behind which a line ends, so that a page has lines of a readable length.
const BREAKS: &[&str] =
    &["h1", "h2", "h3", "p", "tr", "svg", "g", "figure", "section", "li", "details", "summary", "style"];

/// Text as it stands between tags and in quotes; characters that XML does not have become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\t' | '\n' | '\r' => out.push(character),
            '\0'..='\x1f' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_attributes_are_escaped() {
        let element = Element::new("b").attribute("title", "\"<\"").text("a < b & c\u{1}");
        assert_eq!(element.to_text(), "<b title=\"&quot;&lt;&quot;\">a &lt; b &amp; c\u{fffd}</b>");
    }

    #[test]
    fn lengths_are_short() {
        let rect = Element::new("rect").length("x", 1.0 / 3.0).length("y", -0.001).length("width", 2.0);
        assert_eq!(rect.to_text(), r#"<rect x="0.33" y="0" width="2"/>"#);
    }
}
