//! Child processes that end with the test, also when it fails, and also when it is killed.

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

/// A program and everything it started, as one process group.
pub struct Group {
    leader: Child,
    /// Kills the group when this process is gone: then the pipe to it closes. A killed test drops nothing.
    watcher: Child,
}

impl Group {
    /// Starts a program at the head of a group of its own.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> Self {
        let program = command.get_program().to_string_lossy().into_owned();
        let started = command.process_group(0).spawn();
        let leader = started.unwrap_or_else(|error| {
            panic!("cannot start {program}: {error}; `cargo xtask test` installs what the tests need")
        });
        let mut watcher = Command::new("sh");
        watcher.args(["-c", "read -r _; kill -KILL -- \"-$0\"", &leader.id().to_string()]);
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        let watcher = watcher.spawn().unwrap_or_else(|error| panic!("cannot start sh: {error}"));
        Self { leader, watcher }
    }

    /// The program that was started.
    pub fn leader(&mut self) -> &mut Child {
        &mut self.leader
    }

    /// Lets the program sleep, or wakes it, as a laptop's lid does.
    pub fn sleep(&self, asleep: bool) {
        signal(if asleep { "-STOP" } else { "-CONT" }, &self.leader.id().to_string());
    }

    /// Asks the program to end, as Ctrl+C does.
    pub fn interrupt(&self) {
        signal("-INT", &self.leader.id().to_string());
    }

    /// The program's process id.
    pub fn id(&self) -> u32 {
        self.leader.id()
    }
}

impl Group {
    /// All processes of the group that run now.
    pub fn members(&self) -> Vec<u32> {
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_member = |id: &u32| {
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
            // After the name, in parentheses: state, parent, group.
            let group = stat.rsplit(')').next().unwrap_or_default().split_whitespace().nth(2);
            group.and_then(|group| group.parse().ok()) == Some(self.leader.id())
        };
        ids.filter(is_member).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = self.watcher.kill();
        let _ = self.watcher.wait();
        signal("-KILL", &format!("-{}", self.leader.id()));
        let _ = self.leader.wait();
    }
}

/// A process that somebody else started.
pub struct Stranger(u32);

impl Stranger {
    /// The process that was given this argument and that is not `except`.
    pub fn with_argument(argument: &str, except: u32) -> Option<Self> {
        let processes = fs::read_dir("/proc").ok()?.flatten();
        let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let found = ids.find(|id: &u32| {
            let command = fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
            *id != except && command.split(|byte| *byte == 0).any(|word| word == argument.as_bytes())
        });
        found.map(Self)
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.0
    }

    /// Asks the process to end, as a system does that shuts down.
    pub fn terminate(&self) {
        signal("-TERM", &self.0.to_string());
    }

    /// Has the process do nothing any more.
    pub fn hang(&self) {
        signal("-STOP", &self.0.to_string());
    }

    /// Ends the process as a crash does.
    pub fn kill(&self) {
        signal("-KILL", &self.0.to_string());
    }

    /// Whether it ended; one that nobody has waited for yet counts.
    pub fn has_ended(&self) -> bool {
        match fs::read_to_string(format!("/proc/{}/stat", self.0)) {
            // The state follows the name, which is in parentheses.
            Ok(stat) => stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z')),
            Err(_) => true,
        }
    }
}

fn signal(signal: &str, target: &str) {
    let _ = Command::new("kill").args([signal, "--", target]).status();
}

/// A port of the loopback interface where nobody listens yet.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
