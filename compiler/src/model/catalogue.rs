//! The table of commands: every word that a spec can use, what it takes, and what it is for.
//!
//! Pure data. The checker binds arguments by it, diagnostics find near names in it, and the
//! operation reference is printed from it.

/// A word that a statement can begin with.
#[derive(Debug)]
pub struct CommandSpec {
    /// The word.
    pub word: &'static str,
    /// Which family it is of.
    pub family: Family,
    /// Its arguments, the positional ones first and in order.
    pub args: &'static [ArgSpec],
    /// One sentence.
    pub doc: &'static str,
}

/// What a command is, which decides where it can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Of the whole model; stands at the model's top.
    Setting,
    /// Stem, stage, head; stands at the model's top.
    Part,
    /// Braces around operations; stands among operations.
    Container,
    /// Computes; stands in a part, a container or a block.
    Operation,
}

/// One argument of a command.
#[derive(Debug)]
pub struct ArgSpec {
    /// Its name, by which it can always be given.
    pub name: &'static str,
    /// What its value is.
    pub kind: ArgKind,
    /// Whether it can be given by its place.
    pub positional: bool,
    /// Whether it must be given.
    pub required: bool,
    /// Its meaning, with the default.
    pub doc: &'static str,
}

/// The kind of an argument's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    /// Height and width: `3x3`, `(3, 1)`, or one number for both; at least 1.
    Pair,
    /// Padding: a number, `(vertical, horizontal)`, or `same`.
    Pad,
    /// A whole number, at least 1.
    Count,
    /// A number, with or without a fraction.
    Number,
    /// Three numbers, one a colour.
    Colours,
    /// Channels, height and width.
    Dims,
    /// True when the word stands alone; or `true`, `false`.
    Flag,
    /// One of these words.
    Word(&'static [Choice]),
    /// A name, with dots.
    Name,
    /// A string.
    Text,
    /// Any number of strings.
    Texts,
}

/// A word that an argument can be.
#[derive(Debug, PartialEq, Eq)]
pub struct Choice {
    /// The word.
    pub word: &'static str,
    /// One sentence.
    pub doc: &'static str,
}

const fn choice(word: &'static str, doc: &'static str) -> Choice {
    Choice { word, doc }
}

const fn required(name: &'static str, kind: ArgKind, doc: &'static str) -> ArgSpec {
    ArgSpec { name, kind, positional: true, required: true, doc }
}

const fn positional(name: &'static str, kind: ArgKind, doc: &'static str) -> ArgSpec {
    ArgSpec { name, kind, positional: true, required: false, doc }
}

const fn option(name: &'static str, kind: ArgKind, doc: &'static str) -> ArgSpec {
    ArgSpec { name, kind, positional: false, required: false, doc }
}

const fn command(
    word: &'static str,
    family: Family,
    args: &'static [ArgSpec],
    doc: &'static str,
) -> CommandSpec {
    CommandSpec { word, family, args, doc }
}

/// The words of `shortcut`.
pub const SHORTCUT_MODES: &[Choice] = &[
    choice("none", "No addition: the plain network."),
    choice(
        "zero_pad",
        "Option A: identity; where shapes differ it is subsampled, and zero channels are added.",
    ),
    choice(
        "projection",
        "Option B: identity; where shapes differ, a 1x1 convolution with the stride, and norm.",
    ),
    choice("projection_all", "Option C: a 1x1 convolution and norm everywhere."),
];

const AVERAGES: &[Choice] = &[
    choice("probabilities", "The mean of the members' softmax."),
    choice("logits", "The mean of what the members give before a softmax."),
];

const FILTERS: &[Choice] = &[
    choice("bilinear", "Antialiased, as Pillow has it."),
    choice("bicubic", "Antialiased, as Pillow has it."),
];

/// Words of the grammar itself, and the names that are always there.
pub const GRAMMAR: &[Choice] = &[
    choice("model", "A network: `model NAME(parameters) { … }`, or `model NAME = BASE(arguments)`."),
    choice("block", "What stages repeat: `block NAME(parameters) { … }`."),
    choice("let", "A constant: `let NAME = VALUE`."),
    choice("require", "What must hold: `require CONDITION, \"MESSAGE\"`."),
    choice("rename", "From the network's tensor names to the checkpoint's: `rename \"FROM\" -> \"TO\"`."),
    choice("of", "A repetition: `COUNT of BLOCK(arguments), stride S`."),
    choice("projection", "What a projection is in this block: `residual { … } projection { … }`."),
    choice("as", "The name of an operation or an output."),
    choice("min", "The lesser of two whole numbers: `min(a, b)`."),
    choice("max", "The greater of two whole numbers: `max(a, b)`."),
    choice("channels", "Channels of the value at this place."),
    choice("stride", "In a block: the repetition's stride for its first block, 1 for the others."),
];

const STRIDE: ArgSpec = option("stride", ArgKind::Pair, "step between windows; 1");
const POOL_STRIDE: ArgSpec = option("stride", ArgKind::Pair, "step between windows; the window's size");
const PAD: ArgSpec =
    option("pad", ArgKind::Pad, "zeros around the map; (size - 1) / 2 * dilation; `same` is TensorFlow's");
const MAX_PAD: ArgSpec = option("pad", ArgKind::Pad, "padding around the map; (size - 1) / 2");
const AVG_PAD: ArgSpec = option("pad", ArgKind::Pad, "padding around the map; 0");
const CEIL: ArgSpec = option("ceil_mode", ArgKind::Flag, "round the output's size up; false");
const SIZE: ArgSpec = required("size", ArgKind::Pair, "height and width of the window");

/// Every command.
pub const COMMANDS: &[CommandSpec] = &[
    command(
        "input",
        Family::Setting,
        &[ArgSpec {
            name: "image",
            kind: ArgKind::Dims,
            positional: false,
            required: true,
            doc: "channels, height, width",
        }],
        "The image that the network takes.",
    ),
    command(
        "normalize",
        Family::Setting,
        &[
            option("mean", ArgKind::Colours, "subtracted from pixels scaled to 0..1; 0"),
            option("std", ArgKind::Colours, "divides what is left; 1"),
        ],
        "What is done to each colour of a picture.",
    ),
    command(
        "resize",
        Family::Setting,
        &[
            required("shorter_side", ArgKind::Count, "length of the shorter side, before a centre crop"),
            positional("filter", ArgKind::Word(FILTERS), "antialiased filter; bilinear"),
        ],
        "How a picture is brought to size; without it, straight to the input's height and width.",
    ),
    command(
        "labels",
        Family::Setting,
        &[
            option("file", ArgKind::Text, "a text file beside the spec, a name a line"),
            positional("names", ArgKind::Texts, "the names themselves"),
        ],
        "Names of the classes, in order.",
    ),
    command(
        "shortcut",
        Family::Setting,
        &[required("mode", ArgKind::Word(SHORTCUT_MODES), "how a residual's shortcut is made")],
        "The shortcut of every residual: none, option A, B or C.",
    ),
    command(
        "weights",
        Family::Setting,
        &[required("file", ArgKind::Text, "a checkpoint beside the spec")],
        "The checkpoint that is used when none is given.",
    ),
    command(
        "output",
        Family::Setting,
        &[required("of", ArgKind::Name, "a part, or the path of an operation")],
        "A further result of a run, under the name behind `as`.",
    ),
    command(
        "ensemble",
        Family::Setting,
        &[positional("average", ArgKind::Word(AVERAGES), "what is averaged; probabilities")],
        "A model of members, whose answers are averaged.",
    ),
    command(
        "member",
        Family::Setting,
        &[
            required("of", ArgKind::Name, "a model of the file, or a shipped one"),
            option("weights", ArgKind::Text, "its checkpoint beside the spec; the model's own"),
        ],
        "A network of an ensemble, under its own name or that behind `as`.",
    ),
    command("stem", Family::Part, &[], "What comes before the stages."),
    command(
        "stage",
        Family::Part,
        &[required("name", ArgKind::Name, "the first part of its tensors' names")],
        "A run of blocks.",
    ),
    command("head", Family::Part, &[], "What comes behind the stages."),
    command("residual", Family::Container, &[], "A branch, and a shortcut beside it that is added."),
    command(
        "preactivate",
        Family::Container,
        &[],
        "First in a residual: its branch and its projection read what this gives.",
    ),
    command("gate", Family::Container, &[], "Multiplies its input by what the body gives."),
    command(
        "sequential",
        Family::Container,
        &[required("name", ArgKind::Name, "the first part of the names within")],
        "Operations named by their position.",
    ),
    command(
        "scope",
        Family::Container,
        &[required("name", ArgKind::Name, "the first part of the names within")],
        "Operations under a name of their own.",
    ),
    command(
        "conv",
        Family::Operation,
        &[
            SIZE,
            required("channels", ArgKind::Count, "channels out"),
            STRIDE,
            PAD,
            option("dilation", ArgKind::Pair, "step between taps; 1"),
            option("groups", ArgKind::Count, "groups of channels; 1"),
            option("bias", ArgKind::Flag, "whether a bias is added; false"),
        ],
        "Convolution.",
    ),
    command(
        "norm",
        Family::Operation,
        &[option("eps", ArgKind::Number, "added to the variance; 1e-5")],
        "Batch normalisation.",
    ),
    command("relu", Family::Operation, &[], "max(x, 0)."),
    command("relu6", Family::Operation, &[], "min(max(x, 0), 6)."),
    command(
        "leaky_relu",
        Family::Operation,
        &[positional("slope", ArgKind::Number, "factor of negative values; 0.01")],
        "x if x > 0, else slope * x.",
    ),
    command("silu", Family::Operation, &[], "x * sigmoid(x), also called swish."),
    command("gelu", Family::Operation, &[], "x * Phi(x), by the error function."),
    command("sigmoid", Family::Operation, &[], "1 / (1 + exp(-x))."),
    command("tanh", Family::Operation, &[], "Hyperbolic tangent."),
    command("hard_sigmoid", Family::Operation, &[], "min(max(x + 3, 0), 6) / 6."),
    command("hard_swish", Family::Operation, &[], "x * hard_sigmoid(x)."),
    command("max_pool", Family::Operation, &[SIZE, POOL_STRIDE, MAX_PAD, CEIL], "Maximum over windows."),
    command(
        "avg_pool",
        Family::Operation,
        &[
            SIZE,
            POOL_STRIDE,
            AVG_PAD,
            CEIL,
            option("count_include_pad", ArgKind::Flag, "whether padding counts in the mean; true"),
        ],
        "Mean over windows.",
    ),
    command("global_avg_pool", Family::Operation, &[], "Mean over the map."),
    command(
        "linear",
        Family::Operation,
        &[
            required("features", ArgKind::Count, "features out"),
            option("bias", ArgKind::Flag, "whether a bias is added; true"),
        ],
        "Fully connected layer.",
    ),
    command("softmax", Family::Operation, &[], "Softmax over the channels."),
    command(
        "blur_pool",
        Family::Operation,
        &[
            required("size", ArgKind::Count, "taps a side of the binomial filter"),
            option("stride", ArgKind::Count, "step between outputs; 2"),
        ],
        "Blur with mirrored edges, then subsampling.",
    ),
    command(
        "zero_pad_channels",
        Family::Operation,
        &[
            required("channels", ArgKind::Count, "channels out; half of the new ones in front"),
            option("stride", ArgKind::Count, "step between the rows and columns that are kept; 1"),
        ],
        "Zero channels before and behind.",
    ),
    command(
        "dropout",
        Family::Operation,
        &[positional("rate", ArgKind::Number, "only used in training; 0.5")],
        "Dropout: nothing at inference.",
    ),
    command(
        "drop_path",
        Family::Operation,
        &[positional("rate", ArgKind::Number, "only used in training; 0")],
        "Stochastic depth: nothing at inference.",
    ),
];

/// What stands behind `COUNT of BLOCK(arguments)`.
pub const REPEAT: CommandSpec = command(
    "of",
    Family::Operation,
    &[option("stride", ArgKind::Count, "the stride of the first block; 1")],
    "So many blocks, one after the other.",
);

/// The command of a word.
pub fn find(word: &str) -> Option<&'static CommandSpec> {
    COMMANDS.iter().find(|c| c.word == word)
}
