//! Tables, and the frames within which what is wide moves.

use crate::report::markup::Element;

/// A column: its title, and whether it holds numbers.
#[derive(Clone, Copy)]
pub struct Column {
    pub title: &'static str,
    pub numbers: bool,
}

/// A column of words.
pub const fn words(title: &'static str) -> Column {
    Column { title, numbers: false }
}

/// A column of numbers.
pub const fn numbers(title: &'static str) -> Column {
    Column { title, numbers: true }
}

/// A cell: what it shows, and what it is sorted by.
pub struct Cell {
    shown: String,
    key: Option<f64>,
}

impl Cell {
    /// A word, or several.
    pub fn word(text: impl Into<String>) -> Self {
        Self { shown: text.into(), key: None }
    }

    /// A number as it is shown.
    pub fn number(shown: impl Into<String>, value: f64) -> Self {
        Self { shown: shown.into(), key: Some(value) }
    }

    /// Nothing, which is less than any number.
    pub fn none() -> Self {
        Self { shown: "–".to_owned(), key: Some(-1.0) }
    }
}

/// A table that can be sorted by its columns; the first column's cells head their rows.
pub fn table(caption: &str, columns: &[Column], rows: Vec<Vec<Cell>>) -> Element {
    let head = Element::new("thead").child(Element::new("tr").children(columns.iter().map(head_cell)));
    let body = Element::new("tbody").children(rows.into_iter().map(|cells| row(cells, columns)));
    let table = Element::new("table")
        .class("sortable")
        .child(Element::new("caption").text(caption))
        .child(head)
        .child(body);
    scroll(&format!("{caption}, which can be scrolled"), table)
}

fn head_cell(column: &Column) -> Element {
    let head = Element::new("th").attribute("scope", "col");
    let head = if column.numbers { head.class("number") } else { head };
    head.child(Element::new("button").attribute("type", "button").text(column.title))
}

fn row(cells: Vec<Cell>, columns: &[Column]) -> Element {
    let cell = |(place, (cell, column)): (usize, (Cell, &Column))| {
        let element = match place {
            0 => Element::new("th").attribute("scope", "row"),
            _ => Element::new("td"),
        };
        let element = if column.numbers { element.class("number") } else { element };
        let element = match cell.key {
            Some(key) => element.attribute("data-key", key),
            None => element,
        };
        element.text(cell.shown)
    };
    Element::new("tr").children(cells.into_iter().zip(columns).enumerate().map(cell))
}

/// A frame that scrolls sideways, by keys too.
pub fn scroll(label: &str, content: Element) -> Element {
    Element::new("div")
        .class("scroll")
        .attribute("role", "region")
        .attribute("aria-label", label)
        .attribute("tabindex", 0)
        .child(content)
}

/// What is shown when it is asked for.
pub fn fold(summary: &str, content: impl IntoIterator<Item = Element>) -> Element {
    Element::new("details").class("fold").child(Element::new("summary").text(summary)).children(content)
}
