//! What the relay has done, for whoever watches the server.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that is added to from anywhere.
#[derive(Debug, Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds.
    pub(super) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    /// One less, for numbers of what there is now.
    pub(super) fn sub(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    /// The number.
    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// All that is counted. Everything but `allocations` and `streams` only grows.
#[derive(Debug, Default)]
pub(crate) struct RelayCounters {
    /// Allocations there are now.
    pub(crate) allocations: Count,
    /// Allocations there ever were.
    pub(crate) allocations_made: Count,
    /// TCP, TLS and WebSocket connections there are now.
    pub(crate) streams: Count,
    /// Answers to STUN Binding requests.
    pub(crate) bindings: Count,
    /// Packets from clients that were passed on, and their data's bytes.
    pub(crate) packets_out: Count,
    /// See `packets_out`.
    pub(crate) bytes_out: Count,
    /// Packets for clients that were passed on, and their data's bytes.
    pub(crate) packets_in: Count,
    /// See `packets_in`.
    pub(crate) bytes_in: Count,
    /// Packets dropped because a socket, or a client that reads too slowly, took no more.
    pub(crate) dropped_full: Count,
    /// Packets dropped because they were over a bandwidth.
    pub(crate) dropped_bandwidth: Count,
    /// Packets dropped because there was no permission, no channel or no allocation for them.
    pub(crate) dropped_not_permitted: Count,
    /// Packets dropped because the filter forbids where they were to go.
    pub(crate) dropped_forbidden: Count,
    /// What was neither STUN nor channel data.
    pub(crate) malformed: Count,
    /// Requests that were not even answered: too many from one address.
    pub(crate) unanswered: Count,
    /// Requests refused, by reason.
    pub(crate) refused: Refused,
}

/// Requests refused, by the error code that they were answered with.
#[derive(Debug, Default)]
pub(crate) struct Refused {
    /// 400: what should be in the request is not, or is wrong.
    pub(crate) bad_request: Count,
    /// 401: credentials that are missing, forged or expired. Every client's first request is one.
    pub(crate) unauthorized: Count,
    /// 403: the filter forbids the peer.
    pub(crate) forbidden: Count,
    /// 420: an attribute that this server does not know.
    pub(crate) unknown_attribute: Count,
    /// 437: there is no allocation, or there is one already.
    pub(crate) allocation_mismatch: Count,
    /// 438: a nonce that is too old.
    pub(crate) stale_nonce: Count,
    /// 440, 443: an address of the wrong family.
    pub(crate) address_family: Count,
    /// 441: credentials of another user than the allocation's.
    pub(crate) wrong_credentials: Count,
    /// 442: a transport other than UDP.
    pub(crate) transport: Count,
    /// 486: the user's quota.
    pub(crate) user_quota: Count,
    /// 508: all that the server has, or all that one allocation may have.
    pub(crate) capacity: Count,
}

impl Refused {
    /// The counter of an error code.
    pub(super) fn by(&self, code: u16) -> &Count {
        match code {
            401 => &self.unauthorized,
            403 => &self.forbidden,
            420 => &self.unknown_attribute,
            437 => &self.allocation_mismatch,
            438 => &self.stale_nonce,
            440 | 443 => &self.address_family,
            441 => &self.wrong_credentials,
            442 => &self.transport,
            486 => &self.user_quota,
            508 => &self.capacity,
            _ => &self.bad_request,
        }
    }

    /// Every counter with its code and its name.
    pub(crate) fn all(&self) -> [(&'static str, u64); 11] {
        [
            ("bad_request", self.bad_request.get()),
            ("unauthorized", self.unauthorized.get()),
            ("forbidden", self.forbidden.get()),
            ("unknown_attribute", self.unknown_attribute.get()),
            ("allocation_mismatch", self.allocation_mismatch.get()),
            ("stale_nonce", self.stale_nonce.get()),
            ("address_family", self.address_family.get()),
            ("wrong_credentials", self.wrong_credentials.get()),
            ("transport", self.transport.get()),
            ("user_quota", self.user_quota.get()),
            ("capacity", self.capacity.get()),
        ]
    }
}
