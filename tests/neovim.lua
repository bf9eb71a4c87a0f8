-- What tests/neovim.sh runs inside Neovim: one spec, and each feature once, by Neovim's own client.
-- Ends Neovim with 0, or says what is wrong and ends it with 1.

local server, file = vim.env.RESNETC, vim.env.SPEC

local function fail(message)
  io.stderr:write("tests/neovim.lua: " .. message .. "\n")
  vim.cmd("cquit 1")
end

local function check(condition, message)
  if not condition then
    error(message, 0)
  end
end

-- Waits until something holds; Neovim goes on with its events meanwhile.
local function wait_for(what, condition)
  check(vim.wait(20000, condition, 20), "waited in vain for " .. what)
end

local function place(pattern, offset)
  for row, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(pattern, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { row, column - 1 + (offset or 0) })
      return row
    end
  end
  error("no " .. pattern .. " in the buffer", 0)
end

local function request(method, more)
  local params = vim.tbl_extend("force", vim.lsp.util.make_position_params(0, "utf-16"), more or {})
  local answers, problem = vim.lsp.buf_request_sync(0, method, params, 20000)
  check(answers, method .. ": " .. tostring(problem))
  for _, answer in pairs(answers) do
    check(not answer.error, method .. ": " .. vim.inspect(answer.error))
    return answer.result
  end
end

local function run()
  vim.cmd("edit " .. vim.fn.fnameescape(file))
  local buffer = vim.api.nvim_get_current_buf()
  local client = vim.lsp.start_client({ name = "resnetc", cmd = { server, "lsp" } })
  check(client and vim.lsp.buf_attach_client(buffer, client), "the server does not start")
  wait_for("the server", function()
    local found = vim.lsp.get_client_by_id(client)
    return found ~= nil and found.initialized
  end)

  -- A misspelt command is told as it is typed, and mended by its quick fix.
  local row = place("max_pool")
  local line = vim.api.nvim_buf_get_lines(buffer, row - 1, row, false)[1]
  vim.api.nvim_buf_set_lines(buffer, row - 1, row, false, { (line:gsub("max_pool", "max_pol")) })
  wait_for("a diagnostic", function()
    return #vim.diagnostic.get(buffer) == 1
  end)
  local diagnostic = vim.diagnostic.get(buffer)[1]
  check(diagnostic.code == "R0104" and diagnostic.lnum == row - 1, vim.inspect(diagnostic))
  place("max_pol")
  local range = vim.lsp.util.make_range_params(0, "utf-16").range
  local actions = request("textDocument/codeAction", { range = range, context = { diagnostics = {} } })
  check(#actions == 1, "one quick fix: " .. vim.inspect(actions))
  vim.lsp.util.apply_workspace_edit(actions[1].edit, "utf-16")
  check(vim.api.nvim_buf_get_lines(buffer, row - 1, row, false)[1] == line, "the quick fix mends the line")
  wait_for("no diagnostic", function()
    return #vim.diagnostic.get(buffer) == 0
  end)

  place("conv 7x7")
  local hover = request("textDocument/hover").contents.value
  check(hover:find("3 x 224 x 224 → 64 x 112 x 112", 1, true), hover)

  place("shortcut projection", #"shortcut ")
  local words = vim.tbl_map(function(item)
    return item.label
  end, request("textDocument/completion"))
  check(vim.tbl_contains(words, "zero_pad"), vim.inspect(words))

  -- A standard block opens in a buffer of its own, which cannot be written.
  place("of basic(", #"of ")
  vim.lsp.util.jump_to_location(request("textDocument/definition"), "utf-16")
  check(vim.api.nvim_get_current_line():find("^block basic"), vim.api.nvim_get_current_line())
  check(vim.bo.readonly, "the standard block's file is for reading only")
  vim.api.nvim_set_current_buf(buffer)

  place("n1 of")
  local references = request("textDocument/references", { context = { includeDeclaration = true } })
  check(#references == 2, vim.inspect(references))
  vim.lsp.util.apply_workspace_edit(request("textDocument/rename", { newName = "first" }), "utf-16")
  check(vim.fn.search("first of basic", "w") > 0 and vim.fn.search("n1 of basic", "w") == 0, "the name is changed")
  vim.cmd("undo")

  local whole = vim.lsp.util.make_given_range_params({ 1, 0 }, { vim.fn.line("$"), 0 }, 0, "utf-16").range
  check(#request("textDocument/inlayHint", { range = whole }) > 8, "lines have their shapes")
  check(#request("textDocument/documentSymbol") == 20, "models are listed")

  vim.api.nvim_buf_set_lines(buffer, row - 1, row, false, { "  " .. line })
  local edits = request("textDocument/formatting", { options = { tabSize = 4, insertSpaces = true } })
  vim.lsp.util.apply_text_edits(edits, buffer, "utf-16")
  check(vim.api.nvim_buf_get_lines(buffer, row - 1, row, false)[1] == line, "the line is formatted")

  vim.lsp.stop_client(client)
  wait_for("the server's end", function()
    return vim.lsp.client_is_stopped(client)
  end)
end

local ok, problem = pcall(run)
if ok then
  print("ok")
  vim.cmd("qall!")
else
  fail(tostring(problem))
end
