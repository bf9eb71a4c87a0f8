//! What helps to read a text: hovers, shapes, symbols, definitions, uses and their renaming.

use std::fs;

use serde_json::{Value, json};

use crate::client::Client;
use crate::texts::{SPEC, cursor, edited, marked, path_of, range};

#[test]
fn symbols_are_models_and_blocks_with_what_they_name() {
    let client = Client::start();
    let uri = "file:///tmp/symbols.resnet";
    client.open(uri, &format!("{SPEC}model big = mine(depth = 20)\nmodel broken {{ ,, }}\n"));
    let symbols = client.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    let show = |s: &Value| format!("{} {}", s["detail"].as_str().unwrap(), s["name"].as_str().unwrap());
    let names: Vec<_> = symbols.as_array().unwrap().iter().map(show).collect();
    assert_eq!(names, ["model mine", "block unit", "model big", "model broken"]);
    let inner: Vec<_> = symbols[0]["children"].as_array().unwrap().iter().map(show).collect();
    assert_eq!(
        inner,
        [
            "parameter depth",
            "parameter width",
            "let n",
            "stem stem",
            "stage layer1",
            "stage layer2",
            "head head"
        ]
    );
    assert_eq!(range(&symbols[0]["range"]), "1:0-11:1");
    assert_eq!(range(&symbols[0]["selectionRange"]), "1:6-1:10");
}

fn hovered(client: &Client, marked: &str) -> String {
    client.at("textDocument/hover", marked, json!({}))["contents"]["value"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[test]
fn hovering_tells_what_a_line_computes_and_what_a_word_means() {
    let client = Client::start();
    // The stem's convolution: 3 * 16 * 9 weights, over 32 x 32 positions.
    let told = hovered(&client, &marked(SPEC, "stem { con"));
    assert!(told.contains("**conv**: Convolution."), "{told}");
    assert!(
        told.contains(
            "In `mine`: 3 x 32 x 32 → 16 x 32 x 32, 432 parameters, 442,368 MACs, receptive field 3 x 3."
        ),
        "{told}"
    );
    // In a block: its first instance, and how many there are.
    let told = hovered(&client, &marked(SPEC, "        conv 3x3, wide, gro"));
    assert!(told.contains("`groups`: groups of channels; 1"), "{told}");
    assert!(told.contains("parameter `groups`: 1"), "{told}");
    assert!(told.contains("16 x 32 x 32 → 16 x 32 x 32, 2,304 parameters"), "{told}");
    assert!(told.contains("the first of 2, `layer1.0.conv2`"), "{told}");
    // Names, with their values; blocks, with their comment; modes, with theirs.
    assert!(hovered(&client, &marked(SPEC, "    let n")).contains("constant `n`: 1"));
    assert!(hovered(&client, &marked(SPEC, "block unit(wi")).contains("parameter `wide`: 16, 32"));
    let told = hovered(&client, &marked(SPEC, "n of uni"));
    assert!(
        told.contains("block unit(wide, groups = 1)") && told.contains("Two 3x3 convolutions."),
        "{told}"
    );
    assert!(hovered(&client, &marked(SPEC, "shortcut zero")).contains("Option A"));
    let told = hovered(&client, &marked(SPEC, "model mi"));
    assert!(told.contains("A network of its own blocks.") && told.contains(" MACs"), "{told}");
    assert!(hovered(&client, &marked(SPEC, "    requir")).contains("require CONDITION"));
    assert_eq!(hovered(&client, &marked(SPEC, "// A netw")), "");
    // Behind a mistake shapes are not known; before it they are, and in other models.
    let broken = SPEC.replace("linear 10", "linaer 10; relu");
    assert!(hovered(&client, &marked(&broken, "stem { con")).contains("432 parameters"));
    assert!(hovered(&client, &marked(&broken, "linaer 10; re")).contains("its shape is not known"));
}

#[test]
fn shapes_stand_at_the_ends_of_lines() {
    let client = Client::start();
    let uri = "file:///tmp/inlay.resnet";
    let hints = |text: &str| {
        client.open(uri, text);
        let whole = json!({"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}});
        let found =
            client.ask("textDocument/inlayHint", json!({"textDocument": {"uri": uri}, "range": whole}));
        let show = |h: &Value| {
            format!(
                "{}:{} {}",
                h["position"]["line"],
                h["position"]["character"],
                h["label"].as_str().unwrap()
            )
        };
        found.as_array().unwrap().iter().map(show).collect::<Vec<_>>()
    };
    let text = SPEC.replace("norm; relu }\n    stage", "norm; relu } // \u{1f600}\n    stage");
    assert_eq!(
        hints(&text),
        [
            "6:46 16 x 32 x 32",
            "7:37 16 x 32 x 32",
            "8:51 32 x 16 x 16",
            "9:39 10 x 1 x 1",
            "16:50 16 x 32 x 32, …",
            "17:30 16 x 32 x 32, …",
            "18:12 16 x 32 x 32, …",
            "19:5 16 x 32 x 32, …",
            "20:8 16 x 32 x 32, …",
        ]
    );
    assert_eq!(hints(&SPEC.replace("linear 10", "linear")).len(), 8, "all but the broken line");
}

#[test]
fn a_range_that_ends_before_it_begins_has_no_shapes() {
    let client = Client::start();
    let uri = "file:///tmp/backward.resnet";
    client.open(uri, SPEC);
    let backward = json!({"start": {"line": 9, "character": 0}, "end": {"line": 6, "character": 0}});
    let params = json!({"textDocument": {"uri": uri}, "range": backward});
    assert_eq!(client.ask("textDocument/inlayHint", params), json!([]));
}

#[test]
fn names_lead_to_their_definitions_and_uses() {
    let client = Client::start();
    let definition =
        |text: &str, before: &str| client.at("textDocument/definition", &marked(text, before), json!({}));
    let uses = |text: &str, before: &str| {
        let context = json!({"context": {"includeDeclaration": true}});
        let found = client.at("textDocument/references", &marked(text, before), context);
        found.as_array().unwrap().iter().map(|l| range(&l["range"])).collect::<Vec<_>>()
    };
    assert_eq!(range(&definition(SPEC, "layer1 { n of un")["range"]), "14:6-14:10");
    assert_eq!(range(&definition(SPEC, "layer1 { n")["range"]), "3:8-3:9");
    assert_eq!(range(&definition(SPEC, "output lay")["range"]), "7:10-7:16");
    assert_eq!(uses(SPEC, "block unit(wide"), ["14:11-14:15", "16:18-16:22", "17:18-17:22"]);
    assert_eq!(uses(SPEC, "model mine(depth"), ["1:11-1:16", "2:12-2:17", "3:13-3:18"]);
    // A parameter that an alias names, behind characters of two code units.
    let alias = format!("{SPEC}model \u{1f600} ;\nmodel big = mine(depth = 20) /* \u{1f600} */\n");
    assert_eq!(uses(&alias, "big = mine(dep").last().unwrap(), "23:17-23:22");
    // A standard block opens in a file that nobody can write to.
    let text = "model a { input image(3, 32, 32)\n stage s { 2 of basic(16) } }\n";
    let found = definition(text, "2 of bas");
    let path = path_of(&found["uri"]);
    let line = found["range"]["start"]["line"].as_u64().unwrap() as usize;
    assert!(fs::read_to_string(&path).unwrap().lines().nth(line).unwrap().starts_with("block basic(width)"));
    assert!(fs::metadata(&path).unwrap().permissions().readonly());
    // In it, too, names lead on; and nothing in it is wrong.
    let uri = found["uri"].as_str().unwrap();
    client.open(uri, &fs::read_to_string(&path).unwrap());
    assert_eq!(client.diagnostics(uri, 1), [] as [Value; 0]);
    assert!(definition(text, "stag").is_null());
}

#[test]
fn renaming_changes_every_use_and_keeps_the_meaning() {
    let client = Client::start();
    let uri = "file:///tmp/at.resnet";
    let rename = |text: &str, before: &str, name: &str| {
        let (plain, position) = cursor(&marked(text, before));
        client.open(uri, &plain);
        client.answer(
            "textDocument/rename",
            json!({"textDocument": {"uri": uri}, "position": position, "newName": name}),
        )
    };
    let renamed = |text: &str, before: &str, name: &str| {
        let answer = rename(text, before, name);
        edited(text, &answer["result"]["changes"][uri])
    };
    let found = renamed(SPEC, "block uni", "pair");
    assert_eq!(found, SPEC.replace("unit", "pair"));
    // A bare option is a use of the parameter, and stays the option.
    let found = renamed(SPEC, "block unit(wide, gro", "g");
    assert_eq!(found, SPEC.replace("groups = 1", "g = 1").replace(", groups", ", groups g"));
    client.open(uri, &found);
    assert_eq!(client.diagnostics(uri, 1), [] as [Value; 0]);
    let found = renamed(SPEC, "stage lay", "first");
    assert_eq!(found, SPEC.replace("layer1", "first"));
    for (before, name, why) in [
        ("block uni", "two words", "is no name"),
        ("block uni", "of", "word of the language"),
        ("block unit(wi", "groups", "is taken"),
        ("block unit(wi", "stride", "is taken"),
        ("    stem { con", "x", "nothing is named here"),
    ] {
        let answer = rename(SPEC, before, name);
        assert!(answer["error"]["message"].as_str().unwrap_or_default().contains(why), "{name}: {answer}");
    }
    let hiding = "model a { input image(3, 32, 32)\n stage s { 2 of basic(16); 1 of mine(16) } }\n\
                  block mine(wide) { conv 3x3, wide }\n";
    for (before, name) in [("block mi", "basic"), ("block mine(wi", "bias"), ("block mine(wi", "same")] {
        let answer = rename(hiding, before, name);
        assert!(
            answer["error"]["message"].as_str().unwrap_or_default().contains("is taken"),
            "{name}: {answer}"
        );
    }
    let members = "model small = cifar_resnet\n\
                   model both { member small\n member cifar_plain\n output small.layer1 as c2 }\n";
    assert_eq!(renamed(members, "model sma", "tiny"), members.replace("small", "tiny"));
    let standard = "model a { input image(3, 32, 32)\n stage s { 2 of basic(16) } }\n";
    let answer = rename(standard, "2 of bas", "x");
    assert!(answer["error"]["message"].as_str().unwrap().contains("the compiler's own"), "{answer}");
    assert_eq!(
        client.at("textDocument/prepareRename", &marked(SPEC, "block uni"), json!({}))["placeholder"],
        "unit"
    );
}
