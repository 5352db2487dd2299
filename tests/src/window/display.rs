//! A screen that nobody sees.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use crate::process::Group;

/// An X server without hardware.
pub struct Display {
    _server: Group,
    name: String,
}

impl Display {
    /// Starts one on a display number that is free.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// Starts one with more arguments.
    ///
    /// # Panics
    /// When it does not start.
    pub fn start_with(arguments: &[&str]) -> Self {
        // `-displayfd 1`: it chooses the number itself and prints it when it is ready.
        let mut command = Command::new("Xvfb");
        command.args(["-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp"]);
        command.args(arguments);
        let mut server = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::null()));
        let output = server.leader().stdout.take().expect("stdout is a pipe");
        let mut number = String::new();
        BufReader::new(output).read_line(&mut number).expect("Xvfb says its display");
        let number = number.trim();
        assert!(!number.is_empty(), "Xvfb ended before it had a display");
        Self { _server: server, name: format!(":{number}") }
    }

    /// For the environment variable `DISPLAY`.
    pub fn name(&self) -> &str {
        &self.name
    }
}
