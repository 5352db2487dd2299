//! Network namespaces of one test: machines of its own. Making them takes root, on Linux. What connects them
//! is the business of [`crate::lan`] and [`crate::routed`].

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Gone with this value, and with the test's process.
pub(crate) struct Namespaces {
    prefix: String,
    /// Removes those that it was told of when its standard input closes.
    cleaner: Child,
}

impl Namespaces {
    /// With the first one, of this name; `None`, said on standard error, where none can be made.
    pub fn with(first: &str) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("maru{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut cleaner = Command::new("sh");
        cleaner.args([
            "-c",
            "while read -r n; do all=\"$all $n\"; done; for n in $all; do ip netns del \"$n\"; done",
        ]);
        cleaner.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        cleaner.process_group(0); // whatever ends all of the test's group must not end what cleans up after it
        let mut namespaces = Self { prefix, cleaner: cleaner.spawn().expect("sh") };
        match namespaces.try_add(first) {
            Ok(_) => Some(namespaces),
            Err(problem) => {
                eprintln!(
                    "NOT TESTED: no machines on a network can be made here ({problem}). Run the tests as root, with \
                     iproute2 and nftables installed, to test what networks do to a call."
                );
                None
            }
        }
    }

    /// One more; returns its whole name.
    ///
    /// # Panics
    /// When it cannot be made although others could.
    pub fn add(&mut self, name: &str) -> String {
        self.try_add(name).unwrap_or_else(|problem| panic!("half a network: {problem}"))
    }

    fn try_add(&mut self, name: &str) -> Result<String, String> {
        let name = self.name(name);
        let told = self.cleaner.stdin.as_mut().map(|stdin| writeln!(stdin, "{name}"));
        told.and_then(Result::ok).ok_or("sh ended")?;
        run(&["ip", "netns", "add", &name])?;
        run(&["ip", "-n", &name, "link", "set", "lo", "up"])?;
        Ok(name)
    }

    /// The whole name of one.
    pub fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.prefix)
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        drop(self.cleaner.stdin.take());
        let _ = self.cleaner.wait();
    }
}

/// A program that will run in the namespace of this whole name.
pub(crate) fn within(namespace: &str, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new("ip");
    command.args(["netns", "exec", namespace]).arg(program);
    command
}

/// Runs a command to its end; an error says which, and what it said.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let (program, arguments) = words.split_first().ok_or("no command")?;
    let output =
        Command::new(program).args(arguments).output().map_err(|error| format!("{program}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    output.status.success().then_some(()).ok_or_else(|| format!("{}: {}", words.join(" "), text.trim()))
}
