//! Hands what was encoded once to every peer that can take it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use maru_media::video::packet::Payload;
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Pictures that may wait for one peer: more than this and its path is too slow anyway.
const VIDEO_QUEUE: usize = 6;
/// Audio packets that may wait for one peer: 200 ms.
const AUDIO_QUEUE: usize = 10;

/// One encoded picture as RTP payloads, shared by all peers.
pub(crate) struct VideoUnit {
    pub key: bool,
    /// RTP timestamp, 90 kHz.
    pub timestamp: u32,
    pub payloads: Vec<Payload>,
}

/// One Opus packet, shared by all peers.
#[derive(Clone)]
pub(crate) struct AudioUnit {
    /// RTP timestamp, 48 kHz.
    pub timestamp: u32,
    /// The first packet after silence (RFC 3551, section 4.1).
    pub first: bool,
    pub payload: Bytes,
}

/// What the encoders write to and the connections subscribe to.
#[derive(Default)]
pub(crate) struct Fanout {
    video: Mutex<Vec<VideoSubscriber>>,
    audio: Mutex<Vec<AudioSubscriber>>,
    key_wanted: AtomicBool,
    next_id: AtomicU64,
}

struct VideoSubscriber {
    id: u64,
    queue: mpsc::Sender<Arc<VideoUnit>>,
    /// It has the picture that the next one builds on.
    in_sync: bool,
}

struct AudioSubscriber {
    id: u64,
    queue: mpsc::Sender<AudioUnit>,
}

/// One connection's ends of the queues; dropping it unsubscribes.
pub(crate) struct Subscription {
    id: u64,
    fanout: Arc<Fanout>,
    pub video: mpsc::Receiver<Arc<VideoUnit>>,
    pub audio: mpsc::Receiver<AudioUnit>,
}

impl Fanout {
    /// From now on; video begins with a key frame, which is asked for here.
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (video_in, video) = mpsc::channel(VIDEO_QUEUE);
        let (audio_in, audio) = mpsc::channel(AUDIO_QUEUE);
        self.video.lock().push(VideoSubscriber { id, queue: video_in, in_sync: false });
        self.audio.lock().push(AudioSubscriber { id, queue: audio_in });
        self.request_key_frame();
        Subscription { id, fanout: Arc::clone(self), video, audio }
    }

    /// Asks the encoder for a key frame; many requests at once make one.
    pub fn request_key_frame(&self) {
        self.key_wanted.store(true, Ordering::Release);
    }

    /// Whether one was asked for.
    pub fn key_frame_wanted(&self) -> bool {
        self.key_wanted.load(Ordering::Acquire)
    }

    /// Forgets the requests so far: the next picture answers them.
    pub fn take_key_frame_request(&self) -> bool {
        self.key_wanted.swap(false, Ordering::AcqRel)
    }

    /// Whether anybody would get a picture.
    pub fn has_video_subscribers(&self) -> bool {
        !self.video.lock().is_empty()
    }

    /// A picture for everybody who is in sync; a peer that cannot take it waits for the next key frame.
    pub fn video(&self, unit: &Arc<VideoUnit>) {
        let mut key_wanted = false;
        for subscriber in self.video.lock().iter_mut() {
            subscriber.in_sync |= unit.key;
            if !subscriber.in_sync {
                key_wanted = true;
                continue;
            }
            if let Err(TrySendError::Full(_)) = subscriber.queue.try_send(Arc::clone(unit)) {
                subscriber.in_sync = false;
                key_wanted = true;
            }
        }
        if key_wanted {
            self.request_key_frame();
        }
    }

    /// A packet for everybody; a peer that cannot take it loses it, as a network would lose it.
    pub fn audio(&self, unit: &AudioUnit) {
        for subscriber in self.audio.lock().iter() {
            let _ = subscriber.queue.try_send(unit.clone());
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.fanout.video.lock().retain(|subscriber| subscriber.id != self.id);
        self.fanout.audio.lock().retain(|subscriber| subscriber.id != self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(key: bool) -> Arc<VideoUnit> {
        Arc::new(VideoUnit { key, timestamp: 0, payloads: Vec::new() })
    }

    #[test]
    fn a_new_peer_begins_with_a_key_frame_and_asks_for_it() {
        let fanout = Arc::new(Fanout::default());
        let mut peer = fanout.subscribe();
        assert!(fanout.take_key_frame_request());
        fanout.video(&unit(false));
        assert!(peer.video.try_recv().is_err());
        assert!(fanout.take_key_frame_request(), "still waiting, so still asking");
        fanout.video(&unit(true));
        fanout.video(&unit(false));
        assert!(peer.video.try_recv().unwrap().key);
        assert!(!peer.video.try_recv().unwrap().key);
        assert!(!fanout.key_frame_wanted());
    }

    #[test]
    fn a_slow_peer_loses_pictures_up_to_a_key_frame_and_the_others_do_not() {
        let fanout = Arc::new(Fanout::default());
        let mut slow = fanout.subscribe();
        let mut quick = fanout.subscribe();
        fanout.video(&unit(true));
        for _ in 0..VIDEO_QUEUE {
            fanout.video(&unit(false));
            assert!(quick.video.try_recv().is_ok());
        }
        assert!(fanout.take_key_frame_request());
        while slow.video.try_recv().is_ok() {}
        fanout.video(&unit(false));
        assert!(slow.video.try_recv().is_err(), "it lacks the picture before this one");
        fanout.video(&unit(true));
        assert!(slow.video.try_recv().unwrap().key);
    }

    #[test]
    fn a_dropped_subscription_is_forgotten() {
        let fanout = Arc::new(Fanout::default());
        let peer = fanout.subscribe();
        assert!(fanout.has_video_subscribers());
        drop(peer);
        assert!(!fanout.has_video_subscribers());
    }
}
