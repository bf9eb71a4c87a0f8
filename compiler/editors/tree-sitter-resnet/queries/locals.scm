[
  (model_definition)
  (block_definition)
] @local.scope

(model_definition name: (identifier) @local.definition.type)
(model_alias name: (identifier) @local.definition.type)
(block_definition name: (identifier) @local.definition.function)
(parameter name: (identifier) @local.definition.parameter)
(let_statement name: (identifier) @local.definition.constant)

(model_alias base: (identifier) @local.reference)
(model_alias base: (call name: (identifier) @local.reference))
(repetition block: (identifier) @local.reference)
(repetition block: (call name: (identifier) @local.reference))

(command (identifier) @local.reference)
(option value: (identifier) @local.reference)
(arguments (identifier) @local.reference)
(tuple (identifier) @local.reference)
(binary_expression (identifier) @local.reference)
(unary_expression (identifier) @local.reference)
