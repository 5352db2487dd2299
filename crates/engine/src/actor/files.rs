//! Who is offered a file, and what the person is told of that.

use maru_protocol::PeerId;

use super::Actor;
use crate::call::{Generation, Peer, is_connected};
use crate::notice::{NoticeCode, Problem, Sentence};
use crate::peer::FileChannel;

impl Actor {
    /// Whether a peer's program can take files.
    pub(super) fn takes_files(&self, peer: PeerId) -> bool {
        let peer = self.call.peers().iter().find(|known| known.id() == peer);
        peer.is_some_and(|peer| peer.info().capabilities.files)
    }

    /// Offers a picked file to everybody who can take files.
    pub(super) fn offer_file(&mut self, handle: u32) {
        match self.offer_to_all(handle) {
            Ok(()) => {}
            Err(problem) => self.notice = Some(problem.notice(NoticeCode::File)),
        }
    }

    fn offer_to_all(&self, handle: u32) -> Result<(), Problem> {
        if !self.call.state().is_in_room() {
            let text = "You are not in a room, so nobody can take this file. Join a room first.";
            return Err(Problem::new(Sentence::FileNotInARoom {}, text));
        }
        let here = self.call.peers().iter().filter(|peer| is_connected(peer.state()));
        let (can, cannot): (Vec<_>, Vec<_>) = here.partition(|peer| peer.info().capabilities.files);
        let name_of = |peer: &Peer| peer.info().name.as_str().to_owned();
        if can.is_empty() && cannot.is_empty() {
            let text = "Nobody is connected who could take this file. Wait until somebody is here.";
            return Err(Problem::new(Sentence::FileNobody {}, text));
        }
        if !can.is_empty()
            && !self.files.offer(handle, can.iter().map(|peer| (peer.id(), name_of(peer))).collect())
        {
            let text = "This file is not known any more. Pick it again.";
            return Err(Problem::new(Sentence::FileNotPicked {}, text));
        }
        if cannot.is_empty() {
            return Ok(());
        }
        let name = cannot.into_iter().map(name_of).collect::<Vec<_>>().join(", ");
        let text = format!("{name} cannot take files: their program is too old for that, or another one.");
        Err(Problem::new(Sentence::FileNotFor { name }, text))
    }

    /// A connection has a channel for files.
    pub(super) fn file_channel(&mut self, peer: PeerId, generation: Generation, channel: FileChannel) {
        if self.connections.get(&peer).is_none_or(|(current, _)| *current != generation) {
            return; // given up meanwhile
        }
        let Some(known) = self.call.peers().iter().find(|known| known.id() == peer) else { return };
        self.files.channel(peer, known.info().name.as_str().to_owned(), channel);
    }
}
