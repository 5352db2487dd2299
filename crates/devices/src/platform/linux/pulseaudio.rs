//! What has to be known of PulseAudio beside what the sound library does with it.

use std::env;
use std::ffi::CString;
use std::fs;
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use pulseaudio::protocol::command::SourceFlags;
use pulseaudio::{Client, ClientError};

/// A service that has not answered by then hangs.
const ANSWER_LIMIT: Duration = Duration::from_millis(500);
/// The secrets have this length.
const COOKIE_BYTES: usize = 256;
/// Where the sound library looks, in its order; the first one is where PulseAudio makes it.
const COOKIES: [&str; 2] = [".config/pulse/cookie", ".pulse-cookie"];

/// Programs show a secret that they and the service find in the same file, and whoever comes first makes it. The
/// sound library only reads it, and without one it is not let in, not even by PipeWire in PulseAudio's place, to
/// which any will do.
pub fn prepare() {
    if env::var_os("PULSE_COOKIE").is_some() {
        return;
    }
    let Some(home) = env::home_dir() else { return };
    if let Err(error) = ensure_cookie(&home) {
        tracing::warn!(%error, "cannot make the file that lets programs into PulseAudio");
    }
}

fn ensure_cookie(home: &Path) -> std::io::Result<()> {
    if COOKIES.iter().any(|cookie| home.join(cookie).exists()) {
        return Ok(());
    }
    let path = home.join(COOKIES[0]);
    fs::create_dir_all(path.parent().unwrap_or(home))?;
    let mut cookie = [0; COOKIE_BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut cookie)?;
    let mut options = fs::OpenOptions::new();
    // Not the one that another program makes at this very moment.
    match options.write(true).create_new(true).mode(0o600).open(&path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        // Half of one would keep everybody out.
        file => file?.write_all(&cookie).inspect_err(|_| drop(fs::remove_file(&path))),
    }
}

/// The time that this source's card needs at least for a block: zero where that can be chosen, or is not known.
pub fn least_latency(source: &str) -> Duration {
    let Ok(name) = CString::new(source) else { return Duration::ZERO };
    let (answer, answered) = mpsc::channel();
    // A service that hangs keeps this thread, and nobody who waits for it.
    let asking = thread::Builder::new().name("sound-latency".to_owned()).spawn(move || {
        let _ = answer.send(fixed_latency(name));
    });
    if let Err(error) = asking {
        tracing::error!(%error, "cannot start a thread");
        return Duration::ZERO;
    }
    match answered.recv_timeout(ANSWER_LIMIT) {
        Ok(Ok(latency)) => latency,
        Ok(Err(error)) => {
            tracing::debug!(%error, "a microphone's latency is not known");
            Duration::ZERO
        }
        Err(_) => Duration::ZERO,
    }
}

fn fixed_latency(name: CString) -> Result<Duration, ClientError> {
    let client = Client::from_env(c"maru-latency")?;
    let source = futures_executor::block_on(client.source_info_by_name(name))?;
    let can_be_chosen = source.flags.contains(SourceFlags::DYNAMIC_LATENCY);
    Ok(if can_be_chosen { Duration::ZERO } else { Duration::from_micros(source.configured_latency) })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn the_secret_is_made_once_and_for_this_person_only() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join(COOKIES[0]);
        ensure_cookie(home.path()).unwrap();
        let cookie = fs::read(&path).unwrap();
        assert_eq!(cookie.len(), COOKIE_BYTES);
        assert!(cookie.iter().any(|byte| *byte != cookie[0]));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        ensure_cookie(home.path()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), cookie, "made once");
        fs::remove_file(&path).unwrap();
        fs::write(home.path().join(COOKIES[1]), cookie).unwrap();
        ensure_cookie(home.path()).unwrap();
        assert!(!path.exists(), "there is one elsewhere");
    }
}
