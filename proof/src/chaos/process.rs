use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};

/// A process of ours, which is killed when this is dropped; when our process is killed, it ends with its input.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
}

impl Process {
    /// Starts it.
    pub(super) fn start(command: &mut Command) -> anyhow::Result<Self> {
        // In a group of its own it is continued by the system when it is stopped and we die: its input has ended then.
        let command = command.process_group(0).stdin(Stdio::piped());
        let child = command.spawn().with_context(|| format!("can't start {command:?}"))?;
        Ok(Self { child })
    }

    /// Its number.
    pub(super) fn number(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    /// Sends it a signal, unless it has ended: then its number may be another's.
    pub(super) fn signal(&mut self, signal: Signal) {
        if !self.has_ended() {
            // It is our child that nobody has waited for, so the number is its own.
            let _ = kill_process(Pid::from_child(&self.child), signal);
        }
    }

    /// Kills it, and waits until it is gone.
    pub(super) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Lets its input end.
    pub(super) fn close(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for its end, or kills it after this time; says whether it ended by itself.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while Instant::now() < end {
            if self.has_ended() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.kill();
        false
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
