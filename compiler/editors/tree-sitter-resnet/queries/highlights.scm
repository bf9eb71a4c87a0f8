; A later pattern wins over an earlier one.

(identifier) @variable

(comment) @comment
(string) @string
(escape_sequence) @string.escape
(integer) @number
(size) @number
(float) @number.float
(boolean) @boolean

["model" "block" "let" "require" "rename" "of" "as"] @keyword

["=" "->" "==" "!=" "<" "<=" ">" ">=" "&&" "||" "!" "+" "-" "*" "/" "%"] @operator
["(" ")" "{" "}"] @punctuation.bracket
["," ";"] @punctuation.delimiter

; Definitions, and what they are used by.
(model_definition name: (identifier) @type)
(model_alias name: (identifier) @type)
(model_alias base: (identifier) @type)
(model_alias base: (call name: (identifier) @type))
(block_definition name: (identifier) @function)
(repetition block: (identifier) @function)
(repetition block: (call name: (identifier) @function))
(let_statement name: (identifier) @constant)
(parameter name: (identifier) @variable.parameter)
(named_argument name: (identifier) @variable.parameter)

((call name: (identifier) @function.builtin)
  (#any-of? @function.builtin "min" "max"))

; Arguments: an option with its value, with parentheses, or alone.
(option name: (identifier) @property)

([
  (command [(identifier) @property (call name: (identifier) @property)])
  (repetition [(identifier) @property (call name: (identifier) @property)])
]
  (#any-of? @property
    "image" "mean" "std" "shorter_side" "filter" "file" "names" "mode" "name" "size" "channels" "stride" "pad"
    "dilation" "groups" "bias" "eps" "slope" "ceil_mode" "count_include_pad" "features" "rate" "average" "weights"))

([
  (command (identifier) @constant.builtin)
  (option value: (identifier) @constant.builtin)
  (named_argument value: (identifier) @constant.builtin)
]
  (#any-of? @constant.builtin "none" "zero_pad" "projection" "projection_all" "bilinear" "bicubic" "same" "probabilities" "logits"))

; Commands.
(command word: (identifier) @function.call)

((command word: (identifier) @attribute)
  (#any-of? @attribute "input" "normalize" "resize" "labels" "shortcut" "weights" "output" "ensemble" "member"))

((command word: (identifier) @module)
  (#any-of? @module "stem" "stage" "head"))

((command word: (identifier) @keyword)
  (#any-of? @keyword "residual" "preactivate" "gate" "sequential" "scope"))

(clause word: (identifier) @keyword)

((command word: (identifier) @function.builtin)
  (#any-of? @function.builtin
    "conv" "norm" "relu" "relu6" "leaky_relu" "silu" "gelu" "sigmoid" "tanh" "hard_sigmoid" "hard_swish" "max_pool"
    "avg_pool" "global_avg_pool" "linear" "softmax" "blur_pool" "zero_pad_channels" "dropout" "drop_path"))

; Names of parts and results.
((command word: (identifier) @attribute . [(identifier) (path)] @label)
  (#eq? @attribute "output"))
((command word: (identifier) @module . [(identifier) (path)] @label)
  (#eq? @module "stage"))
((command word: (identifier) @keyword . [(identifier) (path)] @label)
  (#any-of? @keyword "sequential" "scope"))
(command name: [(identifier) (path)] @label)
