//! What helps while a text is written: diagnostics, fixes, completion, the format.

use std::fs;

use serde_json::{Value, json};

use crate::client::Client;
use crate::texts::{SPEC, codes, edited, path_of, range};

#[test]
fn diagnostics_follow_the_text_and_name_their_places() {
    let client = Client::start();
    let uri = "file:///tmp/mine.resnet";
    client.open(uri, SPEC);
    assert_eq!(client.diagnostics(uri, 1), [] as [Value; 0]);

    // `relu` of the stem becomes `rleu`: a letter goes, another comes, in one notification.
    let (line, column) = (6, SPEC.lines().nth(6).unwrap().find("relu").unwrap());
    let place = |from: usize, to: usize| json!({"start": {"line": line, "character": column + from}, "end": {"line": line, "character": column + to}});
    client.change(uri, 2, json!([{"range": place(1, 2), "text": ""}, {"range": place(2, 2), "text": "e"}]));
    let found = client.diagnostics(uri, 2);
    assert_eq!(codes(&found), [format!("R0104 6:{column}-6:{}", column + 4)]);
    assert_eq!(found[0]["severity"], 1);
    assert_eq!(found[0]["source"], "resnetc");
    let message = found[0]["message"].as_str().unwrap();
    assert!(
        message.contains("there is no command `rleu`") && message.contains("help: there is `relu`"),
        "{message}"
    );
    let page = path_of(&found[0]["codeDescription"]["href"]);
    assert!(fs::read_to_string(&page).unwrap().starts_with("R0104: an unknown command"));
    assert!(fs::metadata(&page).unwrap().permissions().readonly());

    client.change(uri, 3, json!([{"text": SPEC}]));
    assert_eq!(client.diagnostics(uri, 3), [] as [Value; 0]);
    client.tell("textDocument/didClose", json!({"textDocument": {"uri": uri}}));
    let gone = client.receive();
    assert_eq!(gone["params"]["diagnostics"], json!([]), "{gone}");
}

#[test]
fn text_that_cannot_be_read_hides_no_other_mistake() {
    let client = Client::start();
    let uri = "file:///tmp/broken.resnet";
    // A comment of two, three and four bytes a letter; then a model that is broken, one that is not,
    // and a block that nobody uses.
    let text = "// ä \u{4e16} \u{1f600}\n\
                model a { input image(3, 32, 32)\n stem { conv 3x3 ,, 16 } }\n\
                model b { input image(3, 32, 32)\n labels \"\u{1f600}\", \"ä\"; stem { conv 3x3, 16, groups 3 } }\n\
                block c(width) { conv 3x3, widht }\n";
    client.open(uri, text);
    let found = client.diagnostics(uri, 1);
    assert_eq!(codes(&found), ["R0002 2:18-2:19", "R0202 4:40-4:48", "R0102 5:27-5:32"]);

    // What is wrong in a standard block is told where it is asked for, and points into its file.
    client.open(uri, "model a { input image(3, 32, 32)\n stage s { 1 of bottleneck_se(64, 4, 512) } }\n");
    let found = client.diagnostics(uri, 1);
    assert_eq!(codes(&found)[0].split(' ').next(), Some("R0303"), "{found:?}");
    let related = found[0]["relatedInformation"].as_array().unwrap();
    let inside = related.iter().find(|r| r["location"]["uri"] != uri).unwrap();
    let path = path_of(&inside["location"]["uri"]);
    assert!(path.ends_with("std/bottleneck.resnet") && path.is_file(), "{path:?}");
}

#[test]
fn quick_fixes_mend_what_they_are_offered_for() {
    let client = Client::start();
    let uri = "file:///tmp/fix.resnet";
    for (wrong, right, title) in [
        ("norm; rleu }", "norm; relu }", "write `relu` instead of `rleu`"),
        ("n of unti(width) }", "n of unit(width) }", "write `unit` instead of `unti`"),
        ("conv 3x3, wdth;", "conv 3x3, width;", "write `width` instead of `wdth`"),
        ("shortcut zero_pda", "shortcut zero_pad", "write `zero_pad` instead of `zero_pda`"),
        ("depth % 6 = 2", "depth % 6 == 2", "write `==` instead of `=`"),
        ("global_avg_pool; linear", "linear", "insert `global_avg_pool;`"),
        ("unit(width * 2), stride = 2", "unit(width * 2), stride 2", "remove `=`"),
        ("conv 3x3, width, stride;", "conv 3x3, width, stride 2;", "insert `2`"),
        ("conv 3x3, width, groups 3;", "conv 3x3, width, groups 1;", "write `1` instead of `3`"),
    ] {
        // Of each pair the shorter is what the spec has, or nearly.
        let spec = match wrong {
            w if w.contains("linear") => SPEC.replace("global_avg_pool; linear", "linear"),
            w if w.contains("stride;") || w.contains("groups 3") => SPEC.replace("conv 3x3, width;", wrong),
            _ => SPEC.replace(right, wrong),
        };
        assert_ne!(spec, SPEC, "{wrong}");
        client.open(uri, &spec);
        let found = client.diagnostics(uri, 1);
        assert!(!found.is_empty(), "{wrong}");
        let range = found[0]["range"].clone();
        let params = json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": found}});
        let actions = client.ask("textDocument/codeAction", params);
        assert_eq!(actions[0]["title"], title, "{actions}");
        assert_eq!(actions[0]["diagnostics"][0]["code"], found[0]["code"]);
        let mended = edited(&spec, &actions[0]["edit"]["changes"][uri]);
        client.open(uri, &mended);
        assert_eq!(client.diagnostics(uri, 1), [] as [Value; 0], "{mended}");
    }
    let elsewhere = json!({"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}});
    client.open(uri, &SPEC.replace("relu }", "rleu }"));
    let params = json!({"textDocument": {"uri": uri}, "range": elsewhere, "context": {"diagnostics": []}});
    assert_eq!(client.ask("textDocument/codeAction", params), json!([]));
}

#[test]
fn completion_offers_what_may_stand_there_in_broken_text_too() {
    let client = Client::start();
    let offered = |marked: &str| {
        let found = client.at("textDocument/completion", marked, json!({}));
        found.as_array().cloned().unwrap_or_default()
    };
    let labels = |marked: &str| {
        offered(marked).iter().map(|i| i["label"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels("mo|"), ["model", "block"]);
    let top = labels("model a { |");
    assert!(["input", "shortcut", "stage", "let"].iter().all(|w| top.contains(&(*w).to_owned())), "{top:?}");
    assert!(!top.contains(&"conv".to_owned()), "{top:?}");
    let inner = labels("model a(n = 2) { stem { let k = 1\n \u{2297} ; c| }");
    assert!(
        ["conv", "residual", "k", "n", "channels"].iter().all(|w| inner.contains(&(*w).to_owned())),
        "{inner:?}"
    );
    assert!(
        ["input", "stage", "preactivate", "stride"].iter().all(|w| !inner.contains(&(*w).to_owned())),
        "{inner:?}"
    );
    assert_eq!(labels("model a { shortcut |"), ["none", "zero_pad", "projection", "projection_all"]);
    assert_eq!(labels("model a { resize 256, bi|"), ["bilinear", "bicubic"]);
    let options = labels("block b(w) { conv 3x3, w, stride, |");
    assert_eq!(options, ["pad", "dilation", "groups", "bias"]);
    assert_eq!(labels("block b(w) { conv 3x3, w, pad |")[..2], ["same", "w"]);
    let blocks = labels(&format!("{SPEC}model b {{ stage s {{ 3 of |"));
    assert!(blocks[0] == "unit" && blocks.contains(&"bottleneck_se".to_owned()), "{blocks:?}");
    assert_eq!(
        labels("model b { stage s { 3 of bottleneck(64, |")[..4],
        ["width", "groups", "base", "expansion"]
    );
    assert_eq!(labels("model b { stage s { 3 of basic(64), |"), ["stride"]);
    assert!(labels("model b = resn|").contains(&"resnet50".to_owned()));
    assert_eq!(labels("model b = resnet50(shortcut = |")[0], "none");
    assert!(labels("model b = resnet50(|").starts_with(&["n1".to_owned()]));
    assert_eq!(
        labels(&SPEC.replace("output layer1 as c1", "output l|")),
        ["stem", "layer1", "layer2", "head"]
    );
    assert_eq!(labels("block b { residual { relu } p|"), ["projection"]);
    for nowhere in ["model a { // |", "model a { weights \"|\"", "model a { stem { conv 3|", "model |"] {
        assert_eq!(labels(nowhere), [] as [&str; 0], "{nowhere}");
    }
    // A parameter comes with what belongs behind its name.
    let found = offered("model b { stage s { 3 of basic(|");
    assert_eq!(
        (&found[0]["textEdit"]["newText"], &found[0]["detail"]),
        (&json!("width = "), &json!("block basic(width)"))
    );
    // Documentation, and an edit that replaces the whole word.
    let found = offered("// \u{1f600}\nmodel a { stem { \"\u{1f600}\"; max_|po 3x3 } }");
    let pool = found.iter().find(|i| i["label"] == "max_pool").unwrap();
    assert!(pool["documentation"]["value"].as_str().unwrap().contains("Maximum over windows."), "{pool}");
    assert_eq!(range(&pool["textEdit"]["range"]), "1:23-1:29");
}

#[test]
fn formatting_touches_what_differs_and_nothing_that_is_broken() {
    let client = Client::start();
    let uri = "file:///tmp/format.resnet";
    let options = json!({"textDocument": {"uri": uri}, "options": {"tabSize": 4, "insertSpaces": true}});
    let crooked =
        SPEC.replace("    stem { conv", "  // \u{1f600}\n  stem {conv").replace("        norm\n", "norm\n");
    client.open(uri, &crooked);
    let edits = client.ask("textDocument/formatting", options.clone());
    assert_eq!(edits.as_array().unwrap().len(), 1);
    let right = SPEC.replace("    stem { conv", "    // \u{1f600}\n    stem { conv");
    assert_eq!(edited(&crooked, &edits), right);
    client.open(uri, SPEC);
    assert_eq!(client.ask("textDocument/formatting", options.clone()), json!([]));
    client.open(uri, &crooked.replace("conv 3x3, width;", "conv 3x3,, width;"));
    assert!(client.ask("textDocument/formatting", options).is_null());
}
