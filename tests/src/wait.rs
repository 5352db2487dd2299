//! Waiting for something to become true, with a bound and a message that says what did not.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep};

/// Between two looks at something that cannot be waited for, such as a web page.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks again and again until `look` finds something.
///
/// # Panics
/// When the time is over, with `what`.
pub async fn eventually<T>(what: &str, limit: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        sleep(LOOK_EVERY).await;
    }
}

/// The time of day in UNIX milliseconds, as time codes have it.
pub fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_millis() as u64
}
