//! A report of a network: one HTML page with its figures, which needs nothing from anywhere.
//!
//! In: a [`Subject`], and another to hold it against. What is drawn is first plain data ([`structure`], [`schedule`],
//! [`trace`], [`compare`]), then SVG, then a page; [`figures`] gives each picture as a file of its own.

pub mod compare;
mod draw;
mod figure;
mod markup;
mod page;
mod profile;
mod scale;
pub mod schedule;
pub mod structure;
mod subject;
pub mod trace;

pub use figure::Figure;
pub use profile::{Bound, LayerTime, Limits, Profile};
pub use subject::Subject;

/// What a report is about.
#[derive(Clone, Debug)]
pub struct Report {
    /// The network.
    pub main: Subject,
    /// What it is held against.
    pub other: Option<Subject>,
}

/// The page.
pub fn to_html(report: &Report) -> String {
    page::page(report)
}

/// Every picture of the page; those of the other subject have names that end with `-other`.
pub fn figures(report: &Report) -> Vec<Figure> {
    let mut figures = of_subject(&report.main);
    if let Some(other) = &report.other {
        let rename = |figure: Figure| Figure { name: format!("{}-other", figure.name), ..figure };
        figures.extend(of_subject(other).into_iter().map(rename));
        let subjects = [&report.main, other];
        figures.extend(draw::pairs::pairs(&compare::compare(&report.main, other), subjects));
    }
    figures
}

fn of_subject(subject: &Subject) -> Vec<Figure> {
    let always = [draw::network::network(subject), draw::roofline::roofline(subject)];
    let mut figures: Vec<Figure> = always.into_iter().chain(draw::times::times(subject)).collect();
    figures.extend([draw::memory::memory(subject), draw::passes::passes(subject)]);
    figures
}
