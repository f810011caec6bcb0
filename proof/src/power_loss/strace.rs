//! Running a program so that what it asks of the disk is written down.

use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// Everything that changes a file or a folder, or makes that lasting. Those with a `?` are not there on every machine. What of it the recording can't
/// follow makes it fail.
const CALLS: &str = "trace=?open,openat,?openat2,?creat,write,pwrite64,writev,pwritev,?pwritev2,ftruncate,?truncate,fallocate,fsync,fdatasync,\
    sync_file_range,sync,syncfs,msync,mmap,sendfile,splice,copy_file_range,?unlink,unlinkat,?rename,?renameat,renameat2,?link,linkat,?symlink,\
    symlinkat,?mkdir,mkdirat,?rmdir";

/// No text is longer.
const LONGEST: &str = "67108864";

/// Runs `program`, and writes its calls to `log`.
///
/// # Errors
/// When there is no strace, when it may not trace, and when the program fails.
pub(super) fn run(program: &Path, arguments: &[&str], log: &Path) -> anyhow::Result<()> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "--seccomp-bpf", "-y", "-xx", "-s", LONGEST, "-e", "signal=none", "-e", CALLS, "-o"]);
    strace.arg(log).arg("--").arg(program).args(arguments);
    let ran = match strace.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            bail!("the program strace is missing: `bash ci/install` installs it")
        }
        ran => ran.context("can't start strace")?,
    };
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let hint = if said.contains("ptrace") || said.contains("PTRACE") {
            "strace may not trace here, which takes the right to ptrace (a container has it with `--cap-add=SYS_PTRACE`)"
        } else {
            "the traced program has failed"
        };
        bail!("{hint}: {}: {}", ran.status, said.trim());
    }
    Ok(())
}
