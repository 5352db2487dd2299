//! Doors for `fuzz/` into what reads hostile bytes and is nobody else's business.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use maru_protocol::{ResumeToken, ServerMessage};

use crate::Config;
use crate::connection::Arrival;
use crate::relay::Ice;
use crate::rooms::{ConnectionId, Input, Output, Rooms};
use crate::session::{Session, Step};
use crate::visitors::Visitors;

pub use crate::relay::fuzzing as relay;

/// Clients at once.
const CLIENTS: usize = 4;

/// What some clients say, one after the other: which of them, after how many milliseconds, and what; one that says
/// nothing hangs up and comes back. Whatever the server says then can be read, and is said to one of them.
pub fn clients(steps: &[(u8, u16, &str)]) {
    let config = Config::default();
    let mut now = Instant::now();
    let visitors = Visitors::new(config.per_address);
    let mut rooms = Rooms::new(&config);
    let begin = |now| {
        let ice = Ice::new(Vec::new(), None, None).offer(None, true, None);
        let arrival = Arrival { address: Ipv4Addr::LOCALHOST.into(), bases: Vec::new(), ice };
        let visitor = visitors.of(now, Ipv4Addr::LOCALHOST.into());
        Session::new(now, &config, arrival, ResumeToken::random(), visitor)
    };
    let mut count = 0;
    let mut open: Vec<(ConnectionId, Session)> = Vec::new();
    for _ in 0..CLIENTS {
        count += 1;
        open.push((ConnectionId(count), begin(now)));
    }
    for (who, wait, text) in steps {
        now += Duration::from_millis(u64::from(*wait));
        let mut outputs = rooms.expire(now);
        let (connection, session) = &mut open[usize::from(*who) % CLIENTS];
        let mut over = false;
        if text.is_empty() {
            outputs.extend(rooms.handle(now, *connection, Input::Broken));
            over = true;
        } else {
            match session.text(now, text) {
                Step::Room(input) => outputs.extend(rooms.handle(now, *connection, input)),
                Step::Refuse(refusal) => over = refusal.fatal,
                Step::Postpone(..) => over = true,
                Step::Nothing | Step::Tell(_) | Step::Silent => {}
            }
            if over {
                outputs.extend(rooms.handle(now, *connection, Input::Removed));
            }
        }
        if over {
            count += 1;
            (*connection, *session) = (ConnectionId(count), begin(now));
        }
        for output in outputs {
            let Output::Send { to, message } = output else { continue };
            assert!(to.len() <= CLIENTS && to.iter().all(|one| one.0 <= count), "said to nobody");
            let said = serde_json::to_string(&message).unwrap_or_default();
            assert_eq!(serde_json::from_str::<ServerMessage>(&said).ok(), Some(message), "{said}");
        }
    }
}
