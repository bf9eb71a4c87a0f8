//! Stem and head out of the layers that are in no block.

use super::block::fail;
use super::description::{Conv, Head, Linear, Stem, StemSize};
use super::error::ImportError;
use super::layers::{Kind, Layer};
use super::names::{number, numbered};

/// A stem of more convolutions is none.
const MAX_CONVS: usize = 4;

/// The stem, and the layers that must be the head's.
#[derive(Debug)]
pub struct Begin<'a> {
    /// Channels of the image.
    pub image: usize,
    /// The stem.
    pub stem: Stem,
    classifiers: Vec<&'a Layer>,
    norms: Vec<&'a Layer>,
}

/// Takes the stem out of the layers that are in no block.
///
/// # Errors
///
/// If there is none, or its convolutions do not read each other.
pub fn begin(outside: &[Layer]) -> Result<Begin<'_>, ImportError> {
    let (classifiers, rest): (Vec<&Layer>, Vec<&Layer>) =
        outside.iter().partition(|layer| classifier(layer).is_some());
    let (layers, norms): (Vec<&Layer>, Vec<&Layer>) =
        rest.into_iter().partition(|layer| matches!(layer.kind, Kind::Conv(_)));
    if layers.is_empty() {
        return fail("there is no convolution before the blocks", &outside.iter().collect::<Vec<_>>());
    }
    let (image, mut convs) = chain(&layers)?;
    let norms = give_norms(&mut convs, norms);
    let size = stem_size(&convs);
    Ok(Begin { image, stem: Stem { convs, size }, classifiers, norms })
}

impl Begin<'_> {
    /// The head: a linear layer, or a 1x1 convolution in its place, that reads the `features` of the last
    /// stage, and a norm over them.
    ///
    /// # Errors
    ///
    /// All layers without a place.
    pub fn head(&self, features: usize) -> Result<Head, ImportError> {
        let linear = match self.classifiers[..] {
            [] => None,
            [layer] => match classifier(layer) {
                Some((inputs, linear)) if inputs == features => Some(linear),
                _ => {
                    let why = format!("a classifier that does not read the last stage's {features} channels");
                    return fail(why, &[layer]);
                }
            },
            _ => return fail("more than one linear layer outside of blocks", &self.classifiers),
        };
        let norm = match self.norms[..] {
            [] => None,
            [layer] if layer.kind == Kind::Norm { channels: features } => Some(layer.path.clone()),
            _ => return fail("norms without a place outside of blocks", &self.norms),
        };
        Ok(Head { norm, linear })
    }
}

/// A linear layer, or a 1x1 convolution with a bias, and the features that it reads.
fn classifier(layer: &Layer) -> Option<(usize, Linear)> {
    let (inputs, features, bias) = match &layer.kind {
        Kind::Linear { inputs, features, bias } => (*inputs, *features, *bias),
        Kind::Conv(conv) if conv.kernel == [1, 1] && conv.bias => (conv.group_input, conv.channels, true),
        Kind::Conv(_) | Kind::Norm { .. } => return None,
    };
    Some((inputs, Linear { features, bias, path: layer.path.clone() }))
}

/// The image's channels, and the stem's convolutions, of which each reads what the one before it gives.
fn chain(layers: &[&Layer]) -> Result<(usize, Vec<Conv>), ImportError> {
    let mut image = None;
    let mut convs: Vec<Conv> = Vec::new();
    for layer in layers {
        let Kind::Conv(conv) = &layer.kind else { continue };
        let channels = convs.last().map_or(*image.get_or_insert(conv.group_input), |last| last.channels);
        if conv.group_input != channels {
            let why = format!("convolutions outside of blocks, of which {} does not read", layer.path);
            return fail(format!("{why} the {channels} channels before it"), layers);
        }
        let (channels, kernel, bias) = (conv.channels, conv.kernel, conv.bias);
        convs.push(Conv { channels, kernel, groups: 1, bias, path: layer.path.clone(), norm: None });
    }
    if convs.len() > MAX_CONVS {
        return fail("too many convolutions outside of blocks", layers);
    }
    Ok((image.unwrap_or_default(), convs))
}

/// Gives each convolution its norm: the one whose name says so, or else the first that fits. The others
/// are left.
fn give_norms<'a>(convs: &mut [Conv], mut norms: Vec<&'a Layer>) -> Vec<&'a Layer> {
    for by_name in [true, false] {
        for conv in convs.iter_mut().filter(|conv| conv.norm.is_none()) {
            let fits = |norm: &&Layer| {
                norm.kind == Kind::Norm { channels: conv.channels }
                    && (!by_name || belongs(&norm.path, &conv.path))
            };
            let place = norms.iter().position(fits);
            conv.norm = place.map(|place| norms.remove(place).path.clone());
        }
    }
    norms
}

/// Whether a norm's name is a convolution's: the next of its sequence, or of its number.
fn belongs(norm: &str, conv: &str) -> bool {
    let ((scope, norm), (other, conv)) = (split_last(norm), split_last(conv));
    let next = number(conv).is_some_and(|place| number(norm) == Some(place + 1));
    let word = |part| numbered(part).filter(|(word, _)| !word.is_empty()).map(|(_, number)| number);
    scope == other && (next || (word(norm).is_some() && word(norm) == word(conv)))
}

/// A path's scope and its last part.
fn split_last(path: &str) -> (&str, &str) {
    path.rsplit_once('.').unwrap_or(("", path))
}

/// How a stem of these convolutions takes the size down, as the public implementations have it.
fn stem_size(convs: &[Conv]) -> StemSize {
    match convs {
        [only] if only.kernel.iter().all(|&side| side < 5) => StemSize::Keep,
        [.., last] if convs.len() > 1 && last.path.starts_with("maxpool") => StemSize::StrideStride,
        _ => StemSize::StridePool,
    }
}
