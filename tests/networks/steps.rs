//! Steps of a random network, and their words in a spec.
//!
//! A step is a wish: any of its values is valid at any place, since its words are fitted to the shapes there.
//! Groups become the most that divide the channels, a window that does not fit gets padding, and what has no
//! sense on a map so small is left out. So each part of a network shrinks by itself.

use super::place::{Place, Shape, Within};
use super::window::{Pad, Window, outputs};

/// A word of an activation, or none.
pub type Activation = &'static str;

/// One operation, or a convolution with what usually follows it.
#[derive(Clone, Debug)]
pub enum Step {
    /// `dropout` or `drop_path`: nothing.
    Nothing(&'static str),
    /// An activation by itself.
    Activation(Activation),
    /// A norm behind no convolution.
    Norm(&'static str),
    /// A convolution.
    Conv(Conv),
    /// A maximum or a mean over windows.
    Pool(Pool),
    /// A blur of so many taps, and its stride.
    Blur(usize, usize),
    /// So many zero channels, and the stride.
    Widen(usize, usize),
    /// A gate.
    Gate(Gate),
    /// The mean over the map.
    Mean,
    /// A softmax over the channels.
    Softmax,
}

/// A convolution, its norm and its activation.
#[derive(Clone, Debug)]
pub struct Conv {
    /// Its windows.
    pub window: Window,
    /// Channels out; as many as in if there are none.
    pub width: Option<usize>,
    /// Between taps.
    pub dilation: [usize; 2],
    /// Groups of channels.
    pub groups: Groups,
    /// Whether a bias is added.
    pub bias: bool,
    /// The norm that follows, if there is one.
    pub norm: Option<&'static str>,
    /// What follows that.
    pub activation: Activation,
    /// Whether what it gives is an output of the network.
    pub is_output: bool,
}

/// Groups that a convolution should have.
#[derive(Clone, Copy, Debug)]
pub enum Groups {
    /// As many, or the most that divide its channels.
    Most(usize),
    /// One for each channel.
    Depthwise,
}

/// A pool.
#[derive(Clone, Debug)]
pub struct Pool {
    /// Its windows.
    pub window: Window,
    /// Whether the last window may reach past the padding.
    pub ceil: bool,
    /// Whether padding counts, in a mean; a maximum if there is nothing to say.
    pub counts_pad: Option<bool>,
}

/// A gate.
#[derive(Clone, Debug)]
pub enum Gate {
    /// Its own input, activated.
    Own(Activation),
    /// A convolution of its input, activated.
    Map(usize, Activation),
    /// Squeeze to so many channels, and excitation.
    Squeeze(usize, Activation, Activation),
}

impl Step {
    /// Whether it can take a block's stride.
    pub fn can_stride(&self) -> bool {
        matches!(self, Self::Conv(_) | Self::Pool(_))
    }

    /// Its words at a place, which then is the place behind it; `None` if it has no sense there.
    pub fn words(&self, place: &mut Place, within: Within) -> Option<String> {
        match self {
            Self::Activation(word) => Some(*word).filter(|word| !word.is_empty()).map(str::to_owned),
            Self::Nothing(word) | Self::Norm(word) => Some((*word).to_owned()),
            Self::Softmax => Some("softmax".to_owned()),
            Self::Conv(conv) => Some(conv.words(place, within)),
            Self::Pool(pool) => Some(pool.words(place, within)),
            Self::Blur(taps, stride) => blur(*taps, *stride, place, within),
            Self::Widen(by, stride) => widen(*by, *stride, place, within),
            Self::Gate(gate) => Some(gate.words(place)),
            Self::Mean if within == Within::Part => {
                place.shapes.iter_mut().for_each(|[_, height, width]| [*height, *width] = [1, 1]);
                Some("global_avg_pool".to_owned())
            }
            Self::Mean => None,
        }
    }
}

impl Conv {
    fn words(&self, place: &mut Place, within: Within) -> String {
        let window = self.window.fitted(place, within, self.dilation);
        let [height, width] = window.kernel;
        let channels = match self.groups {
            Groups::Most(_) => self.width.map_or("channels".to_owned(), |width| width.to_string()),
            Groups::Depthwise => "channels".to_owned(),
        };
        let mut words = format!("conv {height}x{width}, {channels}");
        words += &window.stride_words(within, [1, 1]);
        words += &match window.pad {
            Pad::Centred => String::new(),
            _ => window.pad_words([0, 0]),
        };
        if self.dilation != [1, 1] {
            words += &format!(", dilation({}, {})", self.dilation[0], self.dilation[1]);
        }
        let groups = self.groups_at(place);
        match self.groups {
            Groups::Most(_) if groups == 1 => {}
            Groups::Most(_) => words += &format!(", groups {groups}"),
            Groups::Depthwise => words += ", groups channels",
        }
        if self.bias {
            words += ", bias";
        }
        if self.is_output {
            words += &format!(" as {}", place.name_output());
        }
        let maps = window.maps(place, within, self.dilation, false);
        for (shape, [height, width]) in place.shapes.iter_mut().zip(maps) {
            let inputs = shape[0];
            let (channels, groups) = match self.groups {
                Groups::Most(_) => (self.width.unwrap_or(inputs), groups),
                Groups::Depthwise => (inputs, inputs),
            };
            place.macs +=
                window.kernel.iter().product::<usize>() * inputs / groups * channels * height * width;
            *shape = [channels, height, width];
        }
        let activation = Some(self.activation).filter(|word| !word.is_empty());
        [Some(&*words), self.norm, activation].into_iter().flatten().collect::<Vec<_>>().join("; ")
    }

    /// The groups that it can have, if it is not depthwise.
    fn groups_at(&self, place: &Place) -> usize {
        let Groups::Most(most) = self.groups else { return 1 };
        let divides = |groups: &usize| {
            place.shapes.iter().all(|[channels, ..]| {
                channels.is_multiple_of(*groups) && self.width.unwrap_or(*channels).is_multiple_of(*groups)
            })
        };
        (1..=most).rev().find(divides).unwrap_or(1)
    }
}

impl Pool {
    fn words(&self, place: &mut Place, within: Within) -> String {
        let mut window = self.window.clone();
        // The most padding that a pool may have.
        if let Pad::Of(pad) = &mut window.pad {
            *pad = [0, 1].map(|axis| pad[axis].min(window.kernel[axis] / 2));
        }
        let window = window.fitted(place, within, [1, 1]);
        let [height, width] = window.kernel;
        let word = if self.counts_pad.is_some() { "avg_pool" } else { "max_pool" };
        let stride = window.stride_words(within, window.kernel);
        // What a pool's padding is if nothing is said differs.
        let centred = [0, 1].map(|axis| (window.kernel[axis] - 1) / 2);
        let mut words = format!("{word} {height}x{width}{stride}{}", window.pad_words(centred));
        if self.ceil && within == Within::Part {
            words += ", ceil_mode";
        }
        if self.counts_pad == Some(false) {
            words += ", count_include_pad false";
        }
        let maps = window.maps(place, within, [1, 1], self.ceil && within == Within::Part);
        for (shape, [height, width]) in place.shapes.iter_mut().zip(maps) {
            *shape = [shape[0], height, width];
        }
        words
    }
}

impl Gate {
    fn words(&self, place: &mut Place) -> String {
        let words = |word: &str| if word.is_empty() { "dropout".to_owned() } else { word.to_owned() };
        match self {
            Self::Own(activation) => format!("gate {{ {} }}", words(activation)),
            Self::Map(kernel, activation) => {
                let macs = |[channels, height, width]: &Shape| {
                    kernel * kernel * channels * channels * height * width
                };
                place.macs += place.shapes.iter().map(macs).sum::<usize>();
                format!("gate {{ conv {kernel}x{kernel}, channels; {} }}", words(activation))
            }
            Self::Squeeze(width, inner, outer) => match place.channels() {
                Some(channels) => format!(
                    "gate {{ global_avg_pool; conv 1x1, {width}, bias; {}; conv 1x1, {channels}, bias; {} }}",
                    words(inner),
                    words(outer)
                ),
                // Repetitions that differ in their channels know no number for both.
                None => format!("gate {{ global_avg_pool; conv 1x1, channels; {} }}", words(outer)),
            },
        }
    }
}

fn blur(taps: usize, stride: usize, place: &mut Place, within: Within) -> Option<String> {
    // Of an odd number of taps and stride 1 a map keeps its size.
    let (taps, stride) = if within == Within::Part { (taps, stride) } else { (taps | 1, 1) };
    let pad = (stride + taps - 2) / 2;
    if place.shapes.iter().any(|[_, height, width]| pad >= *height.min(width)) {
        return None;
    }
    for [_, height, width] in &mut place.shapes {
        for side in [height, width] {
            *side = outputs(*side, (taps, stride, 1), (pad, pad))?;
        }
    }
    Some(format!("blur_pool {taps}, stride {stride}"))
}

fn widen(by: usize, stride: usize, place: &mut Place, within: Within) -> Option<String> {
    if within != Within::Part {
        return None;
    }
    for [channels, height, width] in &mut place.shapes {
        *channels += by;
        [*height, *width] = [height.div_ceil(stride), width.div_ceil(stride)];
    }
    Some(format!("zero_pad_channels {}, stride {stride}", place.channels()?))
}
