//! Processes that this one starts, and that are to end with it.
//!
//! Each is in a process group of its own, so that what it starts ends too, and a terminal's interrupt reaches
//! it by way of [`end_all`] alone.

use std::io;
use std::process::{Child, Command};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The numbers of those that run.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

fn running() -> MutexGuard<'static, Vec<u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A process that [`end_all`] ends.
pub struct Running(pub Child);

impl Running {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        // An interrupt waits meanwhile, so that it misses none.
        let mut running = running();
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(command, 0);
        let child = command.spawn()?;
        running.push(child.id());
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.0.try_wait(), Ok(None)) {
            end(self.0.id());
            // Nothing is left to be told.
            let _ = self.0.wait();
        }
        running().retain(|id| *id != self.0.id());
    }
}

/// Asks all that run to end: for an interrupt's handler, which ends this process.
pub fn end_all() {
    let running = running();
    running.iter().for_each(|id| end(*id));
    // Kept until this process is gone: nothing is started any more, and no end is taken for a failure.
    std::mem::forget(running);
}

#[cfg(unix)]
fn end(id: u32) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;
    // It may have ended by itself.
    let Ok(group) = i32::try_from(id).map(Pid::from_raw) else { return };
    let _ = killpg(group, Signal::SIGTERM);
    // If it was stopped, it has to go on to end.
    let _ = killpg(group, Signal::SIGCONT);
}

#[cfg(not(unix))]
fn end(_: u32) {}
