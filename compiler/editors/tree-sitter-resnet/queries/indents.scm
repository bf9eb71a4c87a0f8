[
  (body)
  (parameters)
  (arguments)
  (tuple)
] @indent.begin

["}" ")"] @indent.branch @indent.end

(comment) @indent.ignore
