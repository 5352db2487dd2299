//! Advertises the rooms of this program's own server, each for as long as somebody is in it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::SystemTime;

use tokio::task::spawn_blocking;

use super::advert::{Advert, Fingerprint, RoomKey, SALT_BYTES};
use super::random;
use super::wire::Wire;
use crate::hub::Hub;

/// Rooms that are advertised at a time: those of the people on one machine, and of their guests.
const MOST: usize = 32;

/// What is advertised, by the room's key; taken back when it is dropped.
struct Said<'a> {
    wire: &'a Wire,
    rooms: HashMap<Arc<str>, Saying>,
}

struct Saying {
    /// The record's.
    name: String,
    guests: bool,
    since: u64,
}

impl Drop for Said<'_> {
    fn drop(&mut self) {
        for saying in self.rooms.values() {
            self.wire.withdraw(&saying.name);
        }
    }
}

/// Advertises until it is dropped.
pub(in crate::automatic) async fn announce(
    wire: Arc<Wire>,
    hub: Arc<Hub>,
    fingerprint: Fingerprint,
    port: u16,
) {
    let salt: [u8; SALT_BYTES] = random();
    let mut said = Said { wire: &wire, rooms: HashMap::new() };
    loop {
        let occupied: HashMap<Arc<str>, bool> = hub.occupied().into_iter().take(MOST).collect();
        said.rooms.retain(|room, saying| {
            let stays = occupied.contains_key(room);
            if !stays {
                wire.withdraw(&saying.name);
            }
            stays
        });
        for (room, guests) in occupied {
            let before = said.rooms.get(&room);
            if before.is_some_and(|before| before.guests == guests) {
                continue;
            }
            let since = before.map_or_else(now, |before| before.since);
            let secret = Arc::clone(&room);
            let Ok(key) = spawn_blocking(move || RoomKey::derive(&secret, &salt)).await else { continue };
            match wire.say(Advert::new(&key, salt, fingerprint, port, since, guests)) {
                Ok(name) => {
                    if let Some(old) = said.rooms.insert(room, Saying { name, guests, since }) {
                        wire.withdraw(&old.name);
                    }
                }
                Err(error) => tracing::warn!(%error, "a room cannot be found from this network"),
            }
        }
        hub.occupancy_changed().await;
    }
}

/// Milliseconds of UNIX time.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
