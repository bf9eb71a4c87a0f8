[
  (body)
  (parameters)
  (arguments)
] @fold
