//! A run on one thread asks the system for nothing.
//!
//! The program starts itself once more. That child makes a session, gives up every system call but
//! read, write, exit and sigreturn (strict seccomp), and runs: another call would kill it. It needs
//! the process's only thread, which is why this test has no harness.

mod network;

use std::env;
use std::process::{Command, ExitCode};

/// Set in the child: what it is to do once it is confined.
const TASK: &str = "RESNETC_TEST_CONFINED";
/// The child's exit status where the system has no strict seccomp.
const REFUSED: i32 = 77;

fn main() -> ExitCode {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        println!("skipped: this machine is not Linux on x86-64");
        return ExitCode::SUCCESS;
    }
    match env::var(TASK) {
        Ok(task) => confined::main(&task),
        Err(_) => {
            // That a call kills is what makes a child that lives tell anything.
            let (call, _) = start("call");
            if call.code() == Some(REFUSED) {
                println!("skipped: strict seccomp is refused here");
                return ExitCode::SUCCESS;
            }
            assert!(!call.success(), "a system call went through");
            let (run, said) = start("run");
            assert!(run.success(), "a run made a system call: {run}");
            assert_eq!(said, b"ran");
            println!("a run on one thread makes no system call ... ok");
            ExitCode::SUCCESS
        }
    }
}

/// How the child ended, and what it wrote.
fn start(task: &str) -> (std::process::ExitStatus, Vec<u8>) {
    let child = Command::new(env::current_exe().unwrap()).env(TASK, task).output().unwrap();
    (child.status, child.stdout)
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod confined {
    use std::process::ExitCode;

    use crate::REFUSED;
    use crate::network::{IMAGE, model, numbers};

    pub fn main(task: &str) -> ExitCode {
        let mut session = model().session(1).unwrap();
        let images = numbers(3, IMAGE);
        let expected = session.run(&images).unwrap().main().to_vec();
        let mut same = true;
        // SAFETY: it changes what this thread may do, and nothing in memory.
        if unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_STRICT) } != 0 {
            std::process::exit(REFUSED);
        }
        match task {
            "run" => {
                for _ in 0..3 {
                    same &= session.run(&images).is_ok_and(|outputs| outputs.main() == expected);
                }
            }
            _ => {
                // SAFETY: it takes nothing. glibc may answer `getpid` without a call, not this.
                unsafe { libc::syscall(libc::SYS_getppid) };
            }
        }
        let said = if same { "ran" } else { "differs" };
        // SAFETY: the text is there, and this thread is the only one. Nothing that would be dropped
        // matters: to free memory may be a system call.
        unsafe {
            libc::write(1, said.as_ptr().cast(), said.len());
            libc::syscall(libc::SYS_exit, 0);
        }
        ExitCode::FAILURE
    }
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod confined {
    pub fn main(_: &str) -> std::process::ExitCode {
        std::process::ExitCode::FAILURE
    }
}
