//! `resnetc accuracy`: what a precision changes in a network's answers, and in which layers.
//!
//! Two plans of one network run on the same pictures, every value being an output. Reported are how often
//! the first answers agree, how often each is right where the folder tells what the pictures show, and each
//! layer's signal-to-noise ratio, the worst first. With `--json` one object: `images`, `agreement`,
//! `logits_error` (relative, L2), `precisions`, `top1` and `top5` (of both, or null), and `layers` (`path`,
//! `snr_db`).

use clap::{ArgMatches, Command};
use serde_json::json;

use crate::precision::Precisions;
use crate::precision::probe::{add_probes, layer};
use crate::{Compiled, Error, Options, compile_graph, fuse, join};

use super::pictures::{Pictures, run_batch};
use super::terminal::{self, Progress};
use super::{Outcome, args, pictures};

/// Images in one run.
const BATCH: usize = 8;
/// Layers that are shown, without `--json`.
const SHOWN: usize = 10;

pub fn command() -> Command {
    Command::new("accuracy")
        .about("Compare a precision with f32 on pictures: answers, and each layer's signal-to-noise ratio")
        .arg(args::spec())
        .args(args::weights())
        .args(args::settings())
        .args(args::precisions())
        .args(pictures::arguments("2000"))
        .arg(args::json())
        .after_help(
            "Examples:\n  resnetc accuracy resnet50 --weights resnet50.pth --images val/ --precision bf16\n  \
             resnetc accuracy resnet50 --weights resnet50.pth --images val/ --precision int8 \\\n      \
             --calibration resnet50.calibration\n\n\
             The layers with the least ratio gain most from another precision: name them in a --deployment.",
        )
}

pub fn run(matches: &ArgMatches) -> Outcome {
    let (spec, checked) = args::check(matches)?;
    let network = &checked.network;
    let checkpoints = args::any_checkpoints(matches, &spec, &checked)?;
    let options = Options { batch: BATCH, ..args::options(matches)? };
    let values = join(network, &checkpoints, &options.renames)?;
    if let Some(calibration) = &options.precisions.calibration {
        calibration.check(network, &values)?;
    }
    let mut graph = fuse(network, Some(values));
    add_probes(&mut graph);
    let compile = |options: &Options| -> Result<Compiled, Error> { compile_graph(network, &graph, options) };
    let tested = compile(&options)?;
    let precision = tested.plan.precision();
    let exact = compile(&Options { precisions: Precisions::default(), ..options })?;
    let pictures = Pictures::list(matches, &exact)?;
    if let Some(reason) = pictures.unmatched() {
        terminal::warn(&format!("nothing is told of right answers: {reason}"));
    }
    let progress = Progress::new("comparing");
    let mut comparison = Comparison::new(&exact);
    let mut other = pictures.session(tested)?;
    let mut session = pictures.session(exact)?;
    pictures.for_each(&mut session, "comparing", &progress, |session, batch| {
        let found = run_batch(&mut other, batch)?;
        let expected = run_batch(session, batch)?;
        comparison.add(&Values::of(&expected), &Values::of(&found), &batch.classes);
        Ok(())
    })?;
    progress.finish(&format!("compared on {} images", comparison.images));
    let text = match matches.get_flag("json") {
        true => comparison.json(&precision),
        false => comparison.text(&precision),
    };
    terminal::print(&text)
}

/// All values of a run, by name.
struct Values<'a>(Vec<(&'a str, &'a [f32])>);

impl<'a> Values<'a> {
    fn of(outputs: &resnetc_runtime::Outputs<'a>) -> Self {
        Self(outputs.iter().map(|(output, values)| (&*output.name, values)).collect())
    }

    fn get(&self, name: &str) -> &'a [f32] {
        self.0.iter().find(|(other, _)| *other == name).map_or(&[], |(_, values)| values)
    }

    fn main(&self) -> &'a [f32] {
        self.0.first().map_or(&[], |(_, values)| values)
    }
}

/// Sums of squares: of what should be, and of what differs.
#[derive(Clone, Copy, Debug, Default)]
struct Squares {
    signal: f64,
    noise: f64,
}

impl Squares {
    fn add(&mut self, expected: &[f32], found: &[f32]) {
        for (expected, found) in expected.iter().zip(found) {
            self.signal += f64::from(*expected).powi(2);
            self.noise += f64::from(expected - found).powi(2);
        }
    }

    /// In decibels; infinite if nothing differs.
    fn ratio(self) -> f64 {
        if self.noise == 0.0 { f64::INFINITY } else { 10.0 * (self.signal / self.noise).log10() }
    }
}

/// How often an answer was right.
#[derive(Clone, Copy, Debug, Default)]
struct Right {
    top1: usize,
    top5: usize,
}

impl Right {
    fn add(&mut self, logits: &[f32], class: usize) {
        // What is no number is not right.
        let others = logits.iter().enumerate().filter(|(other, _)| *other != class);
        let better = others.filter(|(_, logit)| !logits[class].ge(*logit)).count();
        self.top1 += usize::from(better == 0);
        self.top5 += usize::from(better < 5);
    }
}

/// What two precisions of a network did on some images.
struct Comparison {
    /// Name of each layer's output, and its path.
    layers: Vec<(String, String)>,
    squares: Vec<Squares>,
    logits: Squares,
    images: usize,
    agreed: usize,
    /// Images of which the class is known, and how often each was right.
    known: usize,
    right: [Right; 2],
}

impl Comparison {
    fn new(compiled: &Compiled) -> Self {
        let names = compiled.plan.outputs.iter().map(|output| output.name.to_string());
        let layers: Vec<(String, String)> =
            names.filter_map(|name| layer(&name).map(str::to_owned).map(|path| (name, path))).collect();
        Self {
            squares: vec![Squares::default(); layers.len()],
            layers,
            logits: Squares::default(),
            images: 0,
            agreed: 0,
            known: 0,
            right: [Right::default(); 2],
        }
    }

    fn add(&mut self, expected: &Values<'_>, found: &Values<'_>, classes: &[Option<usize>]) {
        for ((name, _), squares) in self.layers.iter().zip(&mut self.squares) {
            squares.add(expected.get(name), found.get(name));
        }
        self.logits.add(expected.main(), found.main());
        let size = (expected.main().len() / classes.len().max(1)).max(1);
        let both = expected.main().chunks(size).zip(found.main().chunks(size));
        for ((expected, found), class) in both.zip(classes) {
            self.images += 1;
            self.agreed += usize::from(first(expected) == first(found));
            if let Some(class) = class.filter(|class| *class < size) {
                self.known += 1;
                self.right[0].add(expected, class);
                self.right[1].add(found, class);
            }
        }
    }

    fn logits_error(&self) -> f64 {
        (self.logits.noise / self.logits.signal).sqrt()
    }

    /// Layers with their ratios, the least first.
    fn worst(&self) -> Vec<(&str, f64)> {
        let ratios = self.layers.iter().zip(&self.squares).map(|((_, path), s)| (&**path, s.ratio()));
        // Those that differ in nothing are left out; one that is no number is the worst of all.
        let mut ratios: Vec<(&str, f64)> = ratios.filter(|(_, ratio)| *ratio != f64::INFINITY).collect();
        let key = |ratio: f64| if ratio.is_nan() { f64::NEG_INFINITY } else { ratio };
        ratios.sort_by(|(_, a), (_, b)| key(*a).total_cmp(&key(*b)));
        ratios
    }

    fn part(&self, count: usize, of: usize) -> f64 {
        count as f64 / of.max(1) as f64
    }

    fn json(&self, precision: &str) -> String {
        let right = |count: fn(&Right) -> usize| {
            (self.known > 0).then(|| self.right.each_ref().map(|right| self.part(count(right), self.known)))
        };
        let layers: Vec<_> =
            self.worst().iter().map(|(path, ratio)| json!({ "path": path, "snr_db": ratio })).collect();
        let value = json!({
            "images": self.images,
            "agreement": self.part(self.agreed, self.images),
            "logits_error": self.logits_error(),
            "precisions": ["f32", precision],
            "top1": right(|right| right.top1),
            "top5": right(|right| right.top5),
            "layers": layers,
        });
        format!("{value}\n")
    }

    fn text(&self, precision: &str) -> String {
        let percent = |count, of| 100.0 * self.part(count, of);
        let mut out = format!(
            "{} against f32, {} images\nagreement       {:.2} % of the first answers ({} differ)\n\
             logits          {:.2e} relative error\n",
            precision,
            self.images,
            percent(self.agreed, self.images),
            self.images - self.agreed,
            self.logits_error(),
        );
        if self.known > 0 {
            let [exact, tested] = self.right;
            for (name, exact, tested) in
                [("top 1", exact.top1, tested.top1), ("top 5", exact.top5, tested.top5)]
            {
                let (exact, tested) = (percent(exact, self.known), percent(tested, self.known));
                out += &format!(
                    "{name:<15} {tested:.2} % right, f32 {exact:.2} % ({:+.2} points)\n",
                    tested - exact
                );
            }
        }
        let worst = self.worst();
        out += &format!("\n{:24}  signal to noise\n", "layer");
        for (path, ratio) in worst.iter().take(SHOWN) {
            out += &format!("{path:24}  {ratio:>6.1} dB\n");
        }
        if let Some(more) = worst.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            out += &format!("and {more} layers with better ratios (--json has all)\n");
        }
        out
    }
}

/// The class of the greatest value, the first of equals.
fn first(logits: &[f32]) -> Option<usize> {
    let best = logits.iter().enumerate().rev().max_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map(|(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_noise_is_20_decibels() {
        let mut squares = Squares::default();
        squares.add(&[1.0, -2.0], &[1.1, -1.8]);
        assert!((squares.ratio() - 20.0).abs() < 1e-5);
        assert_eq!(Squares::default().ratio(), f64::INFINITY);
    }

    #[test]
    fn answers_agree_by_their_first_greatest_value() {
        assert_eq!(first(&[0.5, 2.0, 2.0]), Some(1));
        assert_eq!(first(&[]), None);
        let mut right = Right::default();
        right.add(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 4);
        right.add(&[6.0, 5.0, 4.0, 3.0, 2.0, 1.0], 5);
        right.add(&[f32::NAN; 6], 0);
        assert_eq!((right.top1, right.top5), (0, 1));
    }
}
