//! Into a room: what a person typed, and what is made ready before it is typed to its end.

use maru_protocol::{DisplayName, Invite, RoomName};

use super::Actor;
use crate::api::CallState;
use crate::call::Input;
use crate::notice::{NameField, NoticeCode, Problem};
use crate::signaling::FixedServer;

impl Actor {
    /// Has the connection to the server open that would be joined, where there is one to be expected.
    pub(super) fn expect(&mut self, room: Option<&str>) {
        let idle = matches!(self.call.state(), CallState::Idle | CallState::Leaving);
        let room = room.filter(|_| idle);
        let invited = room.filter(|room| Invite::is_meant(room));
        let address = match invited {
            // Of one that is not complete yet there is nothing to say.
            Some(invite) => where_to(invite).ok().and_then(|(_, server)| server).map(Into::into),
            None => room.and_then(|_| self.locator.expected()),
        };
        self.ahead.expect(address, invited.is_some());
    }

    /// Enters a room, or says why not.
    pub(super) fn join(&mut self, room: &str, name: &str) {
        // What was wrong with a device still is, and on the join form it was easy to miss.
        self.notice.take_if(|notice| !notice.code.is_of_device());
        let room = where_to(room);
        let name = DisplayName::parse(name).map_err(|error| Problem::name(NameField::Display, error));
        match room.and_then(|room| Ok((room, name?))) {
            Ok(((room, invited), name)) => {
                self.name = name.as_str().to_owned();
                if matches!(self.call.state(), CallState::Idle | CallState::Leaving) {
                    self.invited = invited;
                }
                if self.call.state() == CallState::Idle {
                    self.chat.clear();
                    self.files.clear();
                    self.volumes.clear();
                    self.shared.forget_departed();
                }
                self.input(Input::Join { room, name });
            }
            Err(problem) => self.notice = Some(problem.notice(NoticeCode::BadName)),
        }
    }
}

/// The room that a person typed; or, of an invite, its room and its server.
fn where_to(typed: &str) -> Result<(RoomName, Option<FixedServer>), Problem> {
    if Invite::is_meant(typed) {
        let invite = Invite::parse(typed)?;
        let server = FixedServer::of_invite(&invite)?;
        return Ok((invite.room().clone(), Some(server)));
    }
    let room = RoomName::parse(typed).map_err(|error| Problem::name(NameField::Room, error))?;
    Ok((room, None))
}
