//! How loud this participant wants everybody, for as long as the call goes on: whoever comes back is as loud as
//! before. Nobody is told.

use std::collections::HashMap;

use maru_media::audio::volume::Volume;
use maru_protocol::PeerId;

use super::Actor;

/// How loud one peer is wanted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub volume: Volume,
    /// Not to be heard at all; the volume is kept for later.
    pub muted: bool,
}

impl Wanted {
    fn gain(self) -> f32 {
        if self.muted { 0.0 } else { self.volume.gain() }
    }
}

/// How loud everybody is wanted. Only who is in the room is ever added.
#[derive(Default)]
pub(super) struct Volumes(HashMap<PeerId, Wanted>);

impl Volumes {
    pub fn of(&self, peer: PeerId) -> Wanted {
        self.0.get(&peer).copied().unwrap_or_default()
    }

    /// A new call begins: nobody in it is known.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl Actor {
    /// Changes how loud a peer is from now on. One who is gone meanwhile stays as it was.
    pub(super) fn want_volume(&mut self, peer: PeerId, change: impl FnOnce(&mut Wanted)) {
        if self.call.peers().iter().any(|present| present.id() == peer) {
            change(self.volumes.0.entry(peer).or_default());
            self.apply_volume(peer);
        }
    }

    /// Has a peer's sound, once there is any, played as loud as it is wanted.
    pub(super) fn apply_volume(&self, peer: PeerId) {
        if let Some(media) = self.shared.media_of(peer) {
            media.audio.set_gain(self.volumes.of(peer).gain());
        }
    }
}
