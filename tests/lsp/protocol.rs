//! How a session begins and ends, what is answered in any case, and how soon.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::client::Client;
use crate::texts::{SPEC, cursor, largest};

#[test]
fn a_session_begins_and_ends_as_the_protocol_says() {
    let client = Client::raw();
    let early = client.answer("textDocument/hover", json!({}));
    assert_eq!(early["error"]["code"], -32002);
    let answer = client.ask("initialize", json!({"capabilities": {}}));
    assert_eq!(answer["serverInfo"]["name"], "resnetc");
    assert_eq!(answer["capabilities"]["textDocumentSync"], 2);
    assert_eq!(client.answer("initialize", json!({"capabilities": {}}))["error"]["code"], -32600);
    client.ask("shutdown", Value::Null);
    assert_eq!(client.answer("textDocument/hover", json!({}))["error"]["code"], -32600);
    client.tell("exit", Value::Null);
    assert_eq!(client.exit_code(), Some(0));

    let client = Client::start();
    client.tell("exit", Value::Null);
    assert_eq!(client.exit_code(), Some(1), "without a shutdown");
    assert_eq!(Client::start().exit_code(), Some(1), "whose input ends");
}

#[test]
fn what_is_malformed_or_unknown_or_cancelled_is_answered_and_the_next_request_is_met() {
    let client = Client::start();
    client.send(b"Content-Length: 8\r\n\r\n{\"id\": 1");
    let told = client.receive();
    assert_eq!((&told["id"], &told["error"]["code"]), (&Value::Null, &json!(-32700)));
    client.write(&json!({"id": 77, "method": ["hover"]}));
    let told = client.receive();
    assert_eq!((&told["id"], &told["error"]["code"]), (&json!(77), &json!(-32600)));
    assert_eq!(client.answer("textDocument/moniker", json!({}))["error"]["code"], -32601);
    assert_eq!(client.answer("textDocument/documentSymbol", json!({"a": 1}))["error"]["code"], -32602);
    let nowhere = json!({"textDocument": {"uri": "file:///nowhere"}});
    assert_eq!(client.answer("textDocument/documentSymbol", nowhere)["error"]["code"], -32803);
    client.tell("$/setTrace", json!({"value": "off"}));
    client.tell("textDocument/didChange", json!({"nonsense": true}));
    assert_eq!(client.receive()["method"], "window/showMessage");

    // In one write, so that the cancellation is there before the request's turn.
    let uri = "file:///tmp/a.resnet";
    let open = json!({"method": "textDocument/didOpen", "params": {"textDocument":
        {"uri": uri, "languageId": "resnet", "version": 1, "text": fs::read_to_string(largest()).unwrap()}}});
    let symbols = |id| json!({"id": id, "method": "textDocument/documentSymbol", "params": {"textDocument": {"uri": uri}}});
    let cancel = json!({"method": "$/cancelRequest", "params": {"id": "second"}});
    let all = [open, symbols("first"), symbols("second"), cancel];
    let framed = |m: &Value| format!("Content-Length: {}\r\n\r\n{m}", m.to_string().len());
    client.send(all.iter().map(framed).collect::<String>().as_bytes());
    let mut answers = [client.receive(), client.receive()];
    while answers.iter().any(|a| a["id"].is_null()) {
        let next = client.receive();
        answers = [answers[usize::from(answers[0]["id"].is_null())].clone(), next];
    }
    assert_eq!(answers[0]["id"], "first");
    assert!(answers[0]["result"].is_array(), "{}", answers[0]);
    assert_eq!((&answers[1]["id"], &answers[1]["error"]["code"]), (&json!("second"), &json!(-32800)));
    assert!(client.ask("shutdown", Value::Null).is_null());
}

#[test]
fn answers_on_the_largest_spec_come_while_one_types() {
    let client = Client::start();
    let uri = "file:///tmp/largest.resnet";
    let text = fs::read_to_string(largest()).unwrap();
    client.open(uri, &text);
    client.diagnostics(uri, 1);
    let mut slowest = Duration::ZERO;
    for version in 2..12 {
        client.change(uri, version, json!([{"text": format!("{text}// {version}\n")}]));
        let begun = Instant::now();
        client.diagnostics(uri, version);
        slowest = slowest.max(begun.elapsed());
    }
    println!("the slowest of 10 analyses took {slowest:?}");
    // What a person notices is 50 ms; a machine with other work is given ten times that.
    assert!(slowest < Duration::from_millis(500), "{slowest:?}");
}

/// Asks everything about a place of a text, and wants an answer to each.
fn ask_all(client: &Client, text: &str, at: usize) {
    let uri = "file:///tmp/all.resnet";
    let (text, position) = cursor(&format!("{}|{}", &text[..at], &text[at..]));
    client.open(uri, &text);
    let whole = json!({"start": {"line": 0, "character": 0}, "end": position});
    let place = json!({
        "textDocument": {"uri": uri}, "position": position, "range": whole, "newName": "other",
        "options": {"tabSize": 4, "insertSpaces": true},
    });
    let mut place_in_context = place.clone();
    place_in_context["context"] = json!({"includeDeclaration": true, "diagnostics": []});
    for (method, params) in [
        ("hover", &place),
        ("completion", &place),
        ("definition", &place),
        ("references", &place_in_context),
        ("documentHighlight", &place),
        ("prepareRename", &place),
        ("rename", &place),
        ("documentSymbol", &place),
        ("formatting", &place),
        ("inlayHint", &place),
        ("codeAction", &place_in_context),
    ] {
        let answer = client.answer(&format!("textDocument/{method}"), params.clone());
        // -32803 is a renaming that is refused.
        let code = &answer["error"]["code"];
        let is_refused = *code == -32803 && method.contains("ename");
        assert!(code.is_null() || is_refused, "{method} at {at} of\n{text}\n{answer}");
    }
}

#[test]
fn every_request_is_met_at_every_place_of_a_text_that_is_cut_off_there() {
    let client = Client::start();
    let spec = SPEC.replace("of unit(width)", "of basic(width)").replace("10 }", "10 } // \u{1f600} ä\r");
    for at in spec.char_indices().map(|(at, _)| at).step_by(5).chain([spec.len()]) {
        ask_all(&client, &spec[..at], at);
    }
}

#[test]
fn every_request_is_met_in_every_bad_spec() {
    let client = Client::start();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/bad");
    let mut met = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        // What is past a limit of the language takes its time.
        if !name.ends_with(".resnet") || name.starts_with("too_many") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        text.char_indices().map(|(at, _)| at).step_by(40).for_each(|at| ask_all(&client, &text, at));
        met += 1;
    }
    assert!(met > 100, "only {met} specs were found");
}
