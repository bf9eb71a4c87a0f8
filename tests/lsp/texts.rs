//! Texts, places in them, and edits of them.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

pub const SPEC: &str = "\
// A network of its own blocks.
model mine(depth = 8, width = 16) {
    require depth % 6 == 2, \"depth is 6n + 2\"
    let n = (depth - 2) / 6
    input image(3, 32, 32)
    shortcut zero_pad
    stem { conv 3x3, width; norm; relu }
    stage layer1 { n of unit(width) }
    stage layer2 { n of unit(width * 2), stride 2 }
    head { global_avg_pool; linear 10 }
    output layer1 as c1
}

// Two 3x3 convolutions.
block unit(wide, groups = 1) {
    residual {
        conv 3x3, wide, stride, groups; norm; relu
        conv 3x3, wide, groups
        norm
    }
    relu
}
";

/// The largest spec that is shipped.
pub fn largest() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/imagenet/resnet.resnet")
}

/// A text without its `|`, and where that was.
pub fn cursor(marked: &str) -> (String, Value) {
    let at = marked.find('|').expect("a cursor");
    let before = &marked[..at];
    let line = before.matches('\n').count();
    let character: usize = before.rsplit('\n').next().unwrap().chars().map(char::len_utf16).sum();
    (marked.replacen('|', "", 1), json!({"line": line, "character": character}))
}

/// A text with a cursor behind its first `before`.
pub fn marked(text: &str, before: &str) -> String {
    let at = text.find(before).unwrap_or_else(|| panic!("no {before:?}")) + before.len();
    format!("{}|{}", &text[..at], &text[at..])
}

/// `line:character-line:character`
pub fn range(range: &Value) -> String {
    let at = |p: &Value| format!("{}:{}", p["line"], p["character"]);
    format!("{}-{}", at(&range["start"]), at(&range["end"]))
}

/// A text with edits made, from the last to the first.
pub fn edited(text: &str, edits: &Value) -> String {
    let mut text = text.to_owned();
    let offset = |text: &str, p: &Value| {
        let line: usize =
            text.split_inclusive('\n').take(p["line"].as_u64().unwrap() as usize).map(str::len).sum();
        let mut units = p["character"].as_u64().unwrap();
        let mut at = line;
        while units > 0 {
            let c = text[at..].chars().next().unwrap();
            units -= c.len_utf16() as u64;
            at += c.len_utf8();
        }
        at
    };
    let mut edits = edits.as_array().unwrap().clone();
    let key = |e: &Value| {
        (e["range"]["start"]["line"].as_u64().unwrap(), e["range"]["start"]["character"].as_u64().unwrap())
    };
    edits.sort_by_key(key);
    for edit in edits.iter().rev() {
        let bytes = offset(&text, &edit["range"]["start"])..offset(&text, &edit["range"]["end"]);
        text.replace_range(bytes, edit["newText"].as_str().unwrap());
    }
    text
}

pub fn codes(diagnostics: &[Value]) -> Vec<String> {
    let show = |d: &Value| format!("{} {}", d["code"].as_str().unwrap(), range(&d["range"]));
    diagnostics.iter().map(show).collect()
}

/// The file of a `file:` address without escapes.
pub fn path_of(uri: &Value) -> PathBuf {
    Path::new(uri.as_str().unwrap().strip_prefix("file://").unwrap()).to_owned()
}
