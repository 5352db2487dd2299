//! Follows the call for what the desktop shows of it outside of the window: the tray, notifications, staying
//! awake, the small window. Refuses to know how any of them works.
//!
//! One task owns all of it and takes orders: menus and windows wait for the main thread, which must never wait
//! for them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use maru_engine::{CallView, ChatMessage, Engine, Event};
use maru_protocol::PeerId;
use tauri::{AppHandle, Manager as _};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant as Deadline, sleep_until};

use crate::app::App;
use crate::awake::Awake;
use crate::menu::{self, ShareEntry, Sharing};
use crate::mini::Mini;
use crate::notify::Notifier;
use crate::tray::Tray;
use crate::windows;
use crate::words::Words;

/// More than windows and pages say before they are listened to.
const ORDERS: usize = 64;

/// Another app is in front for this long before the small window comes: a glance elsewhere needs none.
const PATIENCE: Duration = Duration::from_millis(600);

/// Tells the desk's task what happened.
pub struct Desk(Sender<Order>);

/// What the task is told; what the engine reports it hears by itself.
enum Order {
    Words(Box<Words>),
    Focus(bool),
    Settings,
}

impl Desk {
    /// Says things in these words from now on. Nothing is shown before.
    pub fn speak(&self, words: Words) {
        self.tell(Order::Words(Box::new(words)));
    }

    /// The settings may be others now.
    pub fn settings_changed(&self) {
        self.tell(Order::Settings);
    }

    /// The call's window came to the front, or another app did.
    pub fn focus(&self, in_front: bool) {
        self.tell(Order::Focus(in_front));
    }

    fn tell(&self, order: Order) {
        if self.0.try_send(order).is_err() {
            tracing::debug!("the desk is behind");
        }
    }
}

/// What a desk's task works with.
pub struct Orders(Receiver<Order>);

/// A desk, and the orders that [`follow`] takes.
pub fn desk() -> (Desk, Orders) {
    let (sender, receiver) = channel(ORDERS);
    (Desk(sender), Orders(receiver))
}

/// Follows the engine for as long as it runs.
pub fn follow(handle: &AppHandle, engine: &Engine, Orders(mut orders): Orders) {
    let (mut events, engine) = (engine.events(), engine.clone());
    let mut task = Task::new(handle.clone());
    tauri::async_runtime::spawn(async move {
        loop {
            let patience = task.patience.map(Deadline::from_std);
            tokio::select! {
                event = events.recv() => match event {
                    Ok(Event::View { view }) => task.see(&view),
                    Ok(Event::Chat { message }) => task.hear(&message, &engine.view()),
                    Ok(Event::Levels { .. } | Event::Stats { .. }) => {}
                    Err(RecvError::Lagged(_)) => task.see(&engine.view()),
                    Err(RecvError::Closed) => return,
                },
                Some(order) = orders.recv() => {
                    task.take(order);
                    task.see(&engine.view());
                }
                () = sleep_until(patience.unwrap_or_else(Deadline::now)), if patience.is_some() => {
                    task.patience = None;
                    task.away = true;
                    task.see(&engine.view());
                }
            }
        }
    });
}

struct Task {
    handle: AppHandle,
    words: Option<Words>,
    seen: Seen,
    awake: Awake,
    tray: Tray,
    /// Of the menu bar, where there is one.
    share: Option<ShareEntry>,
    notifier: Notifier,
    mini: Mini,
    /// When another app has been in front for long enough.
    patience: Option<Instant>,
    /// It has.
    away: bool,
}

impl Task {
    fn new(handle: AppHandle) -> Self {
        Self {
            handle,
            words: None,
            seen: Seen::default(),
            awake: Awake::default(),
            tray: Tray::default(),
            share: None,
            notifier: Notifier::default(),
            mini: Mini::default(),
            patience: None,
            away: false,
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Words(words) if self.words.as_ref() != Some(&*words) => {
                self.share = menu::set_up(&self.handle, &words).unwrap_or_else(|error| {
                    tracing::warn!("no menu bar: {error}");
                    None
                });
                self.tray.remove(&self.handle); // it comes back in these words
                self.words = Some(*words);
            }
            Order::Words(_) | Order::Settings => {}
            Order::Focus(in_front) => {
                self.away = false;
                self.patience = (!in_front).then(|| Instant::now() + PATIENCE);
            }
        }
    }

    fn see(&mut self, view: &CallView) {
        let Some(words) = &self.words else { return };
        let settings = self.handle.state::<App>().settings.get().desktop;
        let joined = self.seen.joined(view);
        if !joined.is_empty() && !in_front(&self.handle) {
            for notification in self.notifier.joined(&joined, &settings, words) {
                notification.show(&self.handle);
            }
        }
        let in_call = self.seen.in_call;
        self.awake.set(in_call, &words.awake);
        let sharing = Sharing::of(view);
        if let Some(share) = &mut self.share {
            share.show(sharing, words);
        }
        if in_call {
            self.tray.show(&self.handle, view.me.muted, sharing, words);
        } else {
            self.tray.remove(&self.handle);
        }
        let somebody = in_call && !view.peers.is_empty();
        self.mini.set(&self.handle, settings.mini_window && somebody && self.away);
    }

    fn hear(&mut self, message: &ChatMessage, view: &CallView) {
        // Without an id it is the own one.
        let own = message.from.is_none() || message.from == view.me.id;
        let Some(words) = self.words.as_ref().filter(|_| !own && !in_front(&self.handle)) else { return };
        let settings = self.handle.state::<App>().settings.get().desktop;
        if let Some(notification) = self.notifier.wrote(message, &settings, words, Instant::now()) {
            notification.show(&self.handle);
        }
    }
}

/// What was seen of the call last.
#[derive(Default)]
struct Seen {
    in_call: bool,
    peers: HashMap<PeerId, String>,
}

impl Seen {
    /// Who joined since the last look; nobody on the first one into a room, where all were there before us.
    fn joined(&mut self, view: &CallView) -> Vec<String> {
        let in_call = view.call.is_in_room();
        let was_in_call = std::mem::replace(&mut self.in_call, in_call);
        let peers: HashMap<_, _> = view.peers.iter().map(|peer| (peer.id, peer.name.clone())).collect();
        let before = std::mem::replace(&mut self.peers, peers);
        let newcomers = view.peers.iter().filter(|peer| !before.contains_key(&peer.id));
        newcomers.filter(|_| was_in_call && in_call).map(|peer| peer.name.clone()).collect()
    }
}

fn in_front(handle: &AppHandle) -> bool {
    handle.get_webview_window(windows::MAIN).is_some_and(|window| window.is_focused().unwrap_or(false))
}
