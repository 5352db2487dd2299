//! Candidates, the peer's and ours, one by one.

use webrtc::peer_connection::RTCIceCandidateInit;

use super::Actor;
use super::callbacks::Callback;
use crate::call::ConnectionEvent;
use crate::peer::mdns;
use crate::peer::told::told;

/// Whether a candidate's line is one of UDP (RFC 8839, section 5.1).
fn is_udp(candidate: &str) -> bool {
    candidate.split(' ').nth(2).is_some_and(|transport| transport.eq_ignore_ascii_case("udp"))
}

impl Actor<'_> {
    /// A bad candidate is one path less, not the end of the connection.
    pub(super) async fn add_candidate(&self, candidate: RTCIceCandidateInit) {
        if !is_udp(&candidate.candidate) {
            return; // all our sockets are UDP; or the empty line that some end their candidates with
        }
        if mdns::name(&candidate.candidate).is_some() {
            return self.look_up(candidate);
        }
        if let Err(error) = self.pc.add_ice_candidate(candidate).await {
            tracing::debug!(%error, "a peer's candidate cannot be used");
        }
    }

    /// Takes up the candidate again once its name is known.
    fn look_up(&self, candidate: RTCIceCandidateInit) {
        let callbacks = self.callbacks.clone();
        self.spawn(async move {
            if let Some(line) = mdns::resolve(&candidate.candidate).await {
                let resolved = RTCIceCandidateInit { candidate: line, ..candidate };
                let _ = callbacks.send(Callback::Resolved(resolved)).await;
            }
        });
    }

    /// Tells the peer one of our candidates, or as much of it as the person wants to be told.
    pub(super) fn tell(&mut self, candidate: RTCIceCandidateInit) {
        let names = &mut self.names;
        let line = told(&candidate.candidate, self.config.network.addresses, |address| names.of(address));
        if let Some(candidate_line) = line {
            self.event(ConnectionEvent::Candidate {
                candidate: candidate_line,
                sdp_mid: candidate.sdp_mid,
                sdp_m_line_index: candidate.sdp_mline_index,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_udp;

    #[test]
    fn only_candidates_of_udp_are_tried() {
        assert!(is_udp("candidate:1 1 UDP 2113937151 192.168.1.5 50000 typ host"));
        for other in ["", "candidate:1 1", "candidate:1 1 tcp 1 192.168.1.5 9 typ host tcptype active"] {
            assert!(!is_udp(other), "{other}");
        }
    }
}
