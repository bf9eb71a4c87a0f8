//! A figure: a drawing with its title and description, as SVG of a page or of a file of its own.

use super::markup::Element;

/// The style of figures, in a page and in files.
pub const STYLE: &str = include_str!("figure.css");

/// Something drawn, with the size of its canvas in CSS pixels.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What is drawn, the first undermost.
    pub shapes: Vec<Element>,
}

/// A drawing that tells what it shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The name of its file, without the extension; unique in a report.
    pub name: String,
    /// A few words.
    pub title: String,
    /// What there is to see, in a sentence or two, with the numbers that matter.
    pub description: String,
    /// The drawing.
    pub(super) drawing: Drawing,
}

impl Figure {
    /// The figure as a file: standalone SVG with its style.
    pub fn to_svg(&self) -> String {
        let style = Element::new("style").source(STYLE);
        let svg = self.frame().attribute("xmlns", "http://www.w3.org/2000/svg");
        let svg = svg.children(self.legend()).child(style).children(self.drawing.shapes.clone());
        format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", svg.to_text())
    }

    /// The figure in a page, which has the style.
    pub(super) fn inline(&self) -> Element {
        self.frame().children(self.legend()).children(self.drawing.shapes.clone())
    }

    fn frame(&self) -> Element {
        let Drawing { width, height, .. } = self.drawing;
        Element::new("svg")
            .class("drawing")
            .attribute("role", "img")
            .attribute("aria-label", format!("{}. {}", self.title, self.description))
            .attribute("viewBox", format!("0 0 {} {}", width.ceil(), height.ceil()))
            .length("width", width.ceil())
            .length("height", height.ceil())
    }

    fn legend(&self) -> [Element; 2] {
        [Element::new("title").text(&self.title), Element::new("desc").text(&self.description)]
    }
}

/// A rectangle.
pub fn rect(class: &str, [x, y, width, height]: [f64; 4]) -> Element {
    let rect = Element::new("rect").class(class).length("x", x).length("y", y);
    rect.length("width", width).length("height", height)
}

/// A straight line.
pub fn line(class: &str, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2]) -> Element {
    let line = Element::new("line").class(class).length("x1", x1).length("y1", y1);
    line.length("x2", x2).length("y2", y2)
}

/// Text whose anchor (`start`, `middle`, `end`) is at a point of its baseline.
pub fn text(class: &str, [x, y]: [f64; 2], anchor: &str, text: impl std::fmt::Display) -> Element {
    let element = Element::new("text").class(class).length("x", x).length("y", y);
    element.attribute("text-anchor", anchor).text(text)
}

/// A path.
pub fn path(class: &str, data: &str) -> Element {
    Element::new("path").class(class).attribute("d", data)
}

/// What a pointer that rests on a shape is told.
pub fn hint(shape: Element, text: impl std::fmt::Display) -> Element {
    shape.child(Element::new("title").text(text))
}

/// Shapes that are moved together.
pub fn moved([x, y]: [f64; 2], shapes: Vec<Element>) -> Element {
    let to = |v: f64| (v * 100.0).round() / 100.0 + 0.0;
    Element::new("g").attribute("transform", format!("translate({} {})", to(x), to(y))).children(shapes)
}

/// About how wide a text of a size is in a sans-serif face.
pub fn text_width(text: &str, size: f64) -> f64 {
    text.chars().count() as f64 * size * 0.6
}

/// A title in as few lines of a width as its commas allow, the earlier ones as full as they can be.
pub fn title_lines(title: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in title.split(", ") {
        match lines.last_mut() {
            Some(line) if text_width(&format!("{line}, {word}"), size) <= width => {
                *line += ", ";
                *line += word;
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_break_at_commas_where_they_must() {
        let of = |width| title_lines("3×3 conv, 128, /2, 32 groups", width, 10.0);
        assert_eq!(of(400.0), ["3×3 conv, 128, /2, 32 groups"]);
        assert_eq!(of(110.0), ["3×3 conv, 128, /2", "32 groups"]);
        assert_eq!(of(1.0), ["3×3 conv", "128", "/2", "32 groups"]);
    }
}
