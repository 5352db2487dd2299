//! What is advertised on the network now, as far as this machine heard. It takes every record that has the
//! right shape and refuses to know which room it is about.

use std::collections::HashMap;
use std::net::IpAddr;

use parking_lot::Mutex;
use tokio::sync::watch;

use super::advert::Advert;

/// Records that are kept: more than any honest network has, few enough for a hostile one.
const MOST: usize = 128;

/// Addresses of one machine that are tried.
const MOST_ADDRESSES: usize = 16;

/// A record with the addresses of its machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Notice {
    pub(super) advert: Advert,
    pub(super) addresses: Vec<IpAddr>,
    /// This program said it.
    pub(super) own: bool,
}

/// All of them, by the instance's name on the network.
#[derive(Debug)]
pub(super) struct Board {
    notices: Mutex<HashMap<String, Notice>>,
    changed: watch::Sender<()>,
}

impl Default for Board {
    fn default() -> Self {
        Self { notices: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Board {
    /// A record came, or came anew. What this program says is known better by itself.
    pub(super) fn put(&self, name: &str, mut notice: Notice) {
        notice.addresses.sort();
        notice.addresses.truncate(MOST_ADDRESSES);
        let mut notices = self.notices.lock();
        let known = notices.get(name);
        let of_ourselves = known.is_some_and(|known| known.own) && !notice.own;
        if of_ourselves || known == Some(&notice) || (known.is_none() && notices.len() >= MOST && !notice.own)
        {
            return;
        }
        notices.insert(name.to_owned(), notice);
        self.changed.send_replace(());
    }

    /// A record is gone.
    pub(super) fn remove(&self, name: &str) {
        if self.notices.lock().remove(name).is_some() {
            self.changed.send_replace(());
        }
    }

    /// What the network said is forgotten.
    pub(super) fn clear(&self) {
        self.notices.lock().clear();
        self.changed.send_replace(());
    }

    /// All that is known.
    pub(super) fn all(&self) -> Vec<(String, Notice)> {
        self.notices.lock().iter().map(|(name, notice)| (name.clone(), notice.clone())).collect()
    }

    /// Hears of every change from now on.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::super::advert::{RoomKey, SALT_BYTES};
    use super::*;

    fn notice(port: u16, own: bool) -> Notice {
        let salt = [1; SALT_BYTES];
        let advert = Advert::new(&RoomKey::derive("x", &salt), salt, [2; 32], port, 3, false);
        Notice { advert, addresses: vec![[10, 0, 0, 1].into()], own }
    }

    #[test]
    fn a_flood_of_records_takes_no_more_than_its_share_and_not_ones_own_place() {
        let board = Board::default();
        let one = notice(1, false);
        for n in 0..1000 {
            board.put(&n.to_string(), one.clone());
        }
        assert_eq!(board.all().len(), MOST);
        board.put("own", notice(2, true));
        assert_eq!(board.all().len(), MOST + 1);
        // The network repeats what we said; we know it better.
        board.put("own", Notice { own: false, ..notice(3, false) });
        assert!(board.all().iter().any(|(name, notice)| name == "own" && notice.advert.port == 2));
    }

    #[test]
    fn only_a_change_is_news() {
        let board = Board::default();
        let mut news = board.watch();
        board.put("a", notice(1, false));
        assert!(news.has_changed().unwrap());
        news.mark_unchanged();
        board.put("a", notice(1, false));
        board.remove("b");
        assert!(!news.has_changed().unwrap());
        board.remove("a");
        assert!(news.has_changed().unwrap());
    }
}
