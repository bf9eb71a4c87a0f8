//! The page: its head, its sections in order, its style and its script.

mod comparison;
mod layers;
mod network;
mod passes;
mod steps;
mod tables;

use crate::numbers::{grouped, short, size};

use super::compare::compare;
use super::draw;
use super::figure::{Figure, STYLE};
use super::markup::Element;
use super::{Report, Subject};

const PAGE_STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The page may load nothing from anywhere.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/// The page of a report.
pub fn page(report: &Report) -> String {
    let title = match &report.other {
        Some(other) => format!("{} against {}", report.main.name, other.name),
        None => report.main.name.clone(),
    };
    let sections = sections(report);
    let body = Element::new("body")
        .child(header(report, &title))
        .child(contents(&sections))
        .child(Element::new("main").children(sections.into_iter().map(Section::element)))
        .child(footer())
        .child(Element::new("script").source(SCRIPT));
    let html = Element::new("html").attribute("lang", "en").child(head(&title)).child(body);
    format!("<!DOCTYPE html>\n{}\n", html.to_text())
}

/// A section of the page.
struct Section {
    id: &'static str,
    title: String,
    content: Vec<Element>,
}

impl Section {
    fn element(self) -> Element {
        let section = Element::new("section").attribute("id", self.id);
        section.child(Element::new("h2").text(self.title)).children(self.content)
    }
}

fn head(title: &str) -> Element {
    let meta = |name: &'static str, value: &str, content: &str| {
        Element::new("meta").attribute(name, value).attribute("content", content)
    };
    Element::new("head")
        .child(Element::new("meta").attribute("charset", "utf-8"))
        .child(meta("http-equiv", "Content-Security-Policy", POLICY))
        .child(meta("name", "viewport", "width=device-width, initial-scale=1"))
        .child(meta("name", "color-scheme", "light dark"))
        .child(Element::new("title").text(format!("{title} · resnetc report")))
        // Without one of its own a browser asks the server for a picture.
        .child(Element::new("link").attribute("rel", "icon").attribute("href", "data:,"))
        .child(Element::new("style").source(STYLE).source(PAGE_STYLE))
}

fn header(report: &Report, title: &str) -> Element {
    let main = &report.main;
    let [c, h, w] = main.network.nodes[0].shape;
    let line = format!("{c}×{h}×{w} in, {}.", main.conditions());
    Element::new("header")
        .child(Element::new("h1").text(title))
        .child(Element::new("p").class("subtitle").text(line))
        .child(totals(main))
}

/// The numbers that people ask for first.
fn totals(subject: &Subject) -> Element {
    let network = &subject.network;
    let mut numbers = vec![
        ("parameters", short(network.total_params()), grouped(network.total_params())),
        ("MACs an image", short(network.total_macs()), grouped(network.total_macs())),
        (
            "packed weights",
            size(subject.weight_bytes),
            format!("{} bytes", grouped(subject.weight_bytes as u64)),
        ),
        ("arena", size(subject.schedule.arena), format!("{} bytes", grouped(subject.schedule.arena as u64))),
    ];
    if let Some(profile) = &subject.profile {
        let floor = 100.0 * profile.floor_ms() / profile.ms().max(f64::MIN_POSITIVE);
        let told = format!("{floor:.0} % of the time is the machine’s floor");
        numbers.push(("a run", format!("{:.2} ms", profile.ms()), told));
    }
    Element::new("dl").class("totals").children(numbers.into_iter().map(|(name, value, told)| {
        let value = Element::new("dd").attribute("title", told).text(value);
        Element::new("div").child(Element::new("dt").text(name)).child(value)
    }))
}

fn contents(sections: &[Section]) -> Element {
    let link = |section: &Section| {
        Element::new("a").attribute("href", format!("#{}", section.id)).text(&section.title)
    };
    Element::new("nav").attribute("aria-label", "Contents").children(sections.iter().map(link))
}

fn footer() -> Element {
    let version = env!("CARGO_PKG_VERSION");
    Element::new("footer").child(Element::new("p").text(format!("Written by resnetc {version}.")))
}

fn sections(report: &Report) -> Vec<Section> {
    let subjects: Vec<&Subject> = [Some(&report.main), report.other.as_ref()].into_iter().flatten().collect();
    let mut sections = Vec::new();
    if let Some(other) = &report.other {
        sections.push(comparison::section(&compare(&report.main, other), [&report.main, other]));
    }
    sections.push(network::section(&subjects));
    let each = |of: fn(&Subject) -> Vec<Element>| {
        let named = subjects.iter().map(|&subject| {
            let heading = (subjects.len() > 1).then(|| Element::new("h3").text(&subject.name));
            heading.into_iter().chain(of(subject)).collect::<Vec<_>>()
        });
        named.flatten().collect::<Vec<_>>()
    };
    sections.extend([
        Section { id: "layers", title: "Layers".to_owned(), content: layers::layers(&report.main) },
        Section {
            id: "roofline",
            title: "Roofline".to_owned(),
            content: each(|subject| vec![frame(&draw::roofline::roofline(subject))]),
        },
    ]);
    if let Some(times) = draw::times::times(&report.main) {
        let content = vec![frame(&times), steps::times(&report.main)];
        sections.push(Section { id: "times", title: "Time".to_owned(), content });
    }
    sections.push(Section { id: "memory", title: "Memory".to_owned(), content: each(memory) });
    sections.push(Section { id: "passes", title: "Passes".to_owned(), content: each(passes::passes) });
    sections
}

fn memory(subject: &Subject) -> Vec<Element> {
    vec![frame(&draw::memory::memory(subject)), steps::buffers(subject)]
}

/// A figure with its caption; what is too wide for a screen moves within its frame.
fn frame(figure: &Figure) -> Element {
    let label = format!("{}, which can be scrolled", figure.title);
    let caption = Element::new("figcaption")
        .child(Element::new("b").text(&figure.title))
        .text(". ")
        .text(&figure.description);
    Element::new("figure")
        .attribute("data-figure", &figure.name)
        .child(tables::scroll(&label, figure.inline()))
        .child(caption)
}
