//! What has come and is not answered yet: a request can be cancelled while it waits.

use std::collections::VecDeque;
use std::sync::mpsc::Receiver;

use lsp_server::{Message, RequestId};
use lsp_types::notification::{Cancel, Notification};
use lsp_types::{CancelParams, NumberOrString};

use super::frame::Incoming;

/// Messages in order.
pub struct Queue {
    receiver: Receiver<Incoming>,
    waiting: VecDeque<Incoming>,
}

impl Queue {
    /// A queue that a reader fills.
    pub fn new(receiver: Receiver<Incoming>) -> Self {
        Self { receiver, waiting: VecDeque::new() }
    }

    /// The next message, once there is one; `None` at the end of the stream.
    pub fn next(&mut self) -> Option<Incoming> {
        self.take_in();
        if self.waiting.is_empty() {
            let next = self.receiver.recv().ok()?;
            self.add(next);
        }
        self.waiting.pop_front().or_else(|| self.next())
    }

    /// Whether nothing waits.
    pub fn is_idle(&mut self) -> bool {
        self.take_in();
        self.waiting.is_empty()
    }

    fn take_in(&mut self) {
        while let Ok(next) = self.receiver.try_recv() {
            self.add(next);
        }
    }

    /// A cancellation changes the request that it is for; what is answered already stays answered.
    fn add(&mut self, incoming: Incoming) {
        let Some(id) = cancels(&incoming) else { return self.waiting.push_back(incoming) };
        let is_meant = |i: &&mut Incoming| matches!(i, Incoming::Message(Message::Request(r)) if r.id == id);
        if let Some(request) = self.waiting.iter_mut().find(is_meant) {
            *request = Incoming::Cancelled(id);
        }
    }
}

fn cancels(incoming: &Incoming) -> Option<RequestId> {
    let Incoming::Message(Message::Notification(notification)) = incoming else { return None };
    let is_cancel = notification.method == Cancel::METHOD;
    let params = is_cancel.then(|| serde_json::from_value::<CancelParams>(notification.params.clone()));
    Some(match params?.ok()?.id {
        NumberOrString::Number(id) => id.into(),
        NumberOrString::String(id) => id.into(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use serde_json::json;

    #[test]
    fn a_request_is_cancelled_only_while_it_waits() {
        let (sender, receiver) = channel();
        let mut queue = Queue::new(receiver);
        let say = |value| sender.send(Incoming::Message(serde_json::from_value(value).unwrap())).unwrap();
        say(json!({"id": 1, "method": "a"}));
        assert!(matches!(queue.next(), Some(Incoming::Message(_))));
        say(json!({"id": 2, "method": "a"}));
        say(json!({"id": "x", "method": "a"}));
        for id in [json!(1), json!("x"), json!(9)] {
            say(json!({"method": "$/cancelRequest", "params": {"id": id}}));
        }
        assert!(matches!(queue.next(), Some(Incoming::Message(Message::Request(r))) if r.id == 2.into()));
        assert!(matches!(queue.next(), Some(Incoming::Cancelled(id)) if id == "x".to_owned().into()));
        assert!(queue.is_idle());
        drop(sender);
        assert!(queue.next().is_none());
    }
}
