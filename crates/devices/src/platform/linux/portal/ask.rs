//! The conversation with the portal (`org.freedesktop.portal.ScreenCast`), on a thread and a connection of its own:
//! whoever gives up only cuts the connection, upon which the portal closes its dialog and whatever it shares.

use std::os::fd::OwnedFd;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use ashpd::desktop::ResponseError;
use ashpd::desktop::screencast::{CursorMode, Screencast, SelectSourcesOptions, SourceType};
use ashpd::zbus::connection::{Builder, Connection};
use ashpd::{Error, PortalError};
use futures_util::future::{AbortHandle, AbortRegistration, Abortable, Either, select};
use futures_util::{StreamExt as _, stream};
use maru_media::ScreenError;

use super::unsupported;
use crate::screen::PATIENCE;

/// How long the portal may take to be there, which includes being started.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// How long the person may take; then the dialog goes.
const CHOICE_LIMIT: Duration = Duration::from_secs(5 * 60);

/// What the person chose.
pub struct Choice {
    /// A connection to PipeWire that leads to it.
    pub remote: OwnedFd,
    /// Its number there.
    pub node: u32,
    /// Dropped, it is not shared any more.
    pub session: Session,
}

/// What is shared as far as the desktop knows.
pub struct Session {
    over: Arc<AtomicBool>,
    talk: AbortHandle,
}

impl Session {
    /// Whether the desktop ended it.
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.talk.abort();
    }
}

/// How far the conversation is.
enum News {
    /// The person is asked.
    Asking,
    /// And has chosen.
    Chosen(OwnedFd, u32),
    Refused(ScreenError),
}

/// Has the portal ask the person what to share, for as long as `is_wanted` says so.
pub fn ask(is_wanted: &dyn Fn() -> bool) -> Result<Choice, ScreenError> {
    let (tell, told) = mpsc::sync_channel(2);
    let (talk, registration) = AbortHandle::new_pair();
    let over = Arc::new(AtomicBool::new(false));
    let session = Session { over: Arc::clone(&over), talk };
    let body = move || {
        futures_executor::block_on(talk_until_aborted(&tell, registration));
        over.store(true, Ordering::Release);
    };
    let thread = thread::Builder::new().name("portal".into()).spawn(body);
    thread.map_err(|error| unsupported(error.to_string()))?;
    let mut asking = false;
    let mut deadline = Instant::now() + ANSWER_LIMIT;
    loop {
        match told.recv_timeout(PATIENCE) {
            Ok(News::Asking) => {
                asking = true;
                deadline = Instant::now() + CHOICE_LIMIT;
            }
            Ok(News::Chosen(remote, node)) => return Ok(Choice { remote, node, session }),
            Ok(News::Refused(error)) => return Err(error),
            Err(RecvTimeoutError::Disconnected) => return Err(unsupported("the desktop's portal failed")),
            Err(RecvTimeoutError::Timeout) if !is_wanted() => return Err(ScreenError::Ended),
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            // Nobody sits there any more.
            Err(RecvTimeoutError::Timeout) if asking => return Err(ScreenError::Ended),
            Err(RecvTimeoutError::Timeout) => {
                return Err(unsupported("the desktop's portal does not answer"));
            }
        }
    }
}

async fn talk_until_aborted(tell: &SyncSender<News>, registration: AbortRegistration) {
    // The channel holds all there ever is to tell; who does not listen has given up.
    let refuse = |error| drop(tell.try_send(News::Refused(error)));
    let connection = match Builder::session() {
        Ok(builder) => builder.build().await,
        Err(error) => Err(error),
    };
    let connection = match connection {
        Ok(connection) => connection,
        Err(error) => return refuse(unsupported(format!("there is no session bus ({error})"))),
    };
    let talk = Abortable::new(talk(&connection, tell), registration);
    if let Ok(Err(error)) = talk.await {
        refuse(error);
    }
    // What is dropped lets go of it some time; the dialog has to go now.
    if let Err(error) = connection.close().await {
        tracing::debug!(%error, "the connection to the portal was closed already");
    }
}

/// Asks, tells what was chosen, and goes on until the desktop ends it.
async fn talk(connection: &Connection, tell: &SyncSender<News>) -> Result<(), ScreenError> {
    let portal = Screencast::with_connection(connection.clone()).await.map_err(refused)?;
    let session = portal.create_session(Default::default()).await.map_err(refused)?;
    let closed = session.receive_closed().await.map_err(refused)?.map(drop);
    let owners = portal.receive_owner_changed().await.map_err(|error| refused(error.into()))?;
    let gone = owners.filter(|owner| std::future::ready(owner.is_none())).map(drop);
    let mut over = pin!(stream::select(closed, gone));
    let choose = pin!(async {
        let _ = tell.try_send(News::Asking);
        // Some desktops ask at the first step, others at the second one.
        let options = options(&portal).await;
        portal.select_sources(&session, options).await?.response()?;
        let chosen = portal.start(&session, None, Default::default()).await?.response()?;
        let Some(stream) = chosen.streams().first() else { return Ok::<_, Error>(None) };
        let remote = portal.open_pipe_wire_remote(&session, Default::default()).await?;
        Ok(Some((remote, stream.pipe_wire_node_id())))
    });
    let chosen = match select(choose, over.next()).await {
        Either::Left((chosen, _)) => chosen.map_err(refused)?.ok_or(ScreenError::Ended)?,
        Either::Right(_) => return Err(ScreenError::Ended),
    };
    let _ = tell.try_send(News::Chosen(chosen.0, chosen.1));
    over.next().await;
    tracing::info!("the desktop ended the share");
    Ok(())
}

/// A screen or a window, with the pointer drawn into it: of what the desktop can.
async fn options(portal: &Screencast) -> SelectSourcesOptions {
    let wanted = SourceType::Monitor | SourceType::Window;
    let sources = portal.available_source_types().await.map_or(wanted, |there| there & wanted);
    let pointers = portal.available_cursor_modes().await.unwrap_or_default();
    let pointer = pointers.contains(CursorMode::Embedded).then_some(CursorMode::Embedded);
    SelectSourcesOptions::default().set_sources(sources).set_cursor_mode(pointer).set_multiple(false)
}

fn refused(error: Error) -> ScreenError {
    match error {
        Error::Response(ResponseError::Cancelled) | Error::Portal(PortalError::Cancelled(_)) => {
            ScreenError::Ended
        }
        Error::PortalNotFound(_) => unsupported(
            "the desktop's portal has no screens to give; the part for this desktop may be missing, such as \
             xdg-desktop-portal-gnome, -kde or -wlr",
        ),
        other => {
            let problem = other.to_string();
            unsupported(format!("the desktop's portal refuses ({})", problem.trim_end_matches('.')))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialog_that_was_closed_is_no_trouble_and_a_portal_that_refuses_is() {
        assert_eq!(refused(Error::Response(ResponseError::Cancelled)), ScreenError::Ended);
        let told = refused(Error::Response(ResponseError::Other)).to_string();
        assert!(
            told.contains("portal refuses") && told.contains("xdg-desktop-portal with PipeWire"),
            "{told}"
        );
    }
}
