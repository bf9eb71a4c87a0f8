//! Signals that would end a process without a word: they become errors that are told.
//!
//! In: nothing. Out, from [`explain`] on: a file that grows past the limit of the process (`SIGXFSZ`) is an
//! error of the write, as a full disk is; and a mapped file that is cut while it is read (`SIGBUS`) ends the
//! process with a line on standard error and code 1. That is for commands, which own their process: a
//! library leaves signals to the program that it is in.

/// What is said of a mapped file that is no longer there.
#[cfg(target_os = "linux")]
const CUT: &str = "error: a file of weights was cut, or can no longer be read, while it was in use; \
    to replace such a file, rename another onto it\n";

/// Has these signals told, from here on.
pub fn explain() {
    #[cfg(target_os = "linux")]
    system::explain();
}

#[cfg(target_os = "linux")]
mod system {
    use std::mem::zeroed;
    use std::ptr::null_mut;

    use libc::{c_int, c_void, siginfo_t};

    use super::CUT;

    pub(super) fn explain() {
        // A function and not SIG_IGN, which processes that this one starts would inherit.
        handle(libc::SIGXFSZ, pass as *const () as usize);
        handle(libc::SIGBUS, tell as *const () as usize);
    }

    /// The system may refuse; signals then do what they did.
    fn handle(signal: c_int, handler: usize) {
        // SAFETY: zeros are a `sigaction` without flags and with an empty mask.
        let mut action: libc::sigaction = unsafe { zeroed() };
        action.sa_sigaction = handler;
        // Rust's threads have stacks for signals, and what the handler needs may be more than a thread has left.
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
        // SAFETY: `handler` is one of the functions below, which are of the type that SA_SIGINFO asks for and
        // call nothing but what a handler may.
        unsafe { libc::sigaction(signal, &raw const action, null_mut()) };
    }

    /// Lets the call that was interrupted fail.
    extern "C" fn pass(_: c_int, _: *mut siginfo_t, _: *mut c_void) {}

    /// Says what happened and ends the process.
    extern "C" fn tell(signal: c_int, info: *mut siginfo_t, _: *mut c_void) {
        // SAFETY: with SA_SIGINFO the system passes a `siginfo_t`; `write`, `_exit`, `signal` and `raise` may be
        // called in a handler, and the text is there for ever.
        unsafe {
            // That an address has no file behind it any more is what is explained; anything else ends the
            // process as if this handler were not there, once it returns: until then the signal waits.
            if (*info).si_code != libc::BUS_ADRERR {
                libc::signal(signal, libc::SIG_DFL);
                libc::raise(signal);
                return;
            }
            libc::write(libc::STDERR_FILENO, CUT.as_ptr().cast(), CUT.len());
            libc::_exit(1);
        }
    }
}
