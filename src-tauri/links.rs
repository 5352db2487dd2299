//! Links to rooms that the system opens with this app: `maru://HOST/ROOM`. What they mean is
//! `maru_protocol::invite`'s to say, and a click on one joins nothing: the page asks.

use maru_engine::Problem;
use maru_protocol::{Invite, InviteError};
use tauri::{AppHandle, Manager as _};

use crate::app::App;
use crate::page::News;
use crate::{platform, windows};

/// Longer than any room on any host.
const LINK_MAX_BYTES: usize = 2048;

/// Brings the window to the front and tells the page where a link leads.
pub fn open(handle: &AppHandle, link: &str) {
    handle.state::<App>().page.tell(news(link));
    windows::show(handle);
}

/// What a link says, or why it says nothing.
pub fn news(link: &str) -> News {
    let read = if link.len() > LINK_MAX_BYTES {
        let start = link.char_indices().take_while(|(at, _)| *at < 40).map(|(_, letter)| letter);
        Err(InviteError::BadAddress { address: start.collect::<String>() + "…" })
    } else {
        Invite::parse(link)
    };
    match read {
        Ok(invite) => News::Invited { room: invite.room().as_str().to_owned(), invite: invite.to_string() },
        Err(error) => News::Problem { problem: Problem::from(error) },
    }
}

/// Links that come as an event of the system and not as an argument: macOS. An AppImage, which nobody
/// installed, says here that it opens them.
pub fn listen(handle: &AppHandle) {
    use tauri_plugin_deep_link::DeepLinkExt as _;
    let links = handle.deep_link();
    if cfg!(target_os = "macos") {
        let opened = handle.clone();
        links.on_open_url(move |event| {
            for url in event.urls() {
                open(&opened, url.as_str());
            }
        });
        for url in links.get_current().ok().flatten().unwrap_or_default() {
            open(handle, url.as_str());
        }
    }
    if platform::is_app_image(&handle.env())
        && let Err(error) = links.register_all()
    {
        tracing::info!("links to rooms do not open in this app: {error}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_to_its_room_without_what_else_is_in_it() {
        let invited = |invite: &str, room: &str| News::Invited { invite: invite.into(), room: room.into() };
        assert_eq!(news("maru://example.org/standup"), invited("https://example.org/standup", "standup"));
        assert_eq!(
            news("maru://example.org:8443/%ED%9A%8C%EC%9D%98#token=sesame"),
            invited("https://example.org:8443/%ED%9A%8C%EC%9D%98", "회의")
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_is_answered_with_a_sentence() {
        for link in [
            "maru://",
            "maru://example.org/",
            "maru:///standup",
            "file:///etc/passwd",
            &"maru://é".repeat(999),
        ] {
            let News::Problem { problem } = news(link) else { panic!("{link} leads somewhere") };
            assert!(problem.text.len() < 300, "{}", problem.text);
        }
    }
}
