//! Hands what was encoded once to every peer that can take it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use maru_media::VideoCodec;
use maru_media::video::rtp::Payload;
use parking_lot::Mutex;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Pictures that may wait for one peer: more than this and its path is too slow anyway.
const VIDEO_QUEUE: usize = 6;
/// Audio packets that may wait for one peer: 200 ms.
const AUDIO_QUEUE: usize = 10;

/// One encoded picture as RTP payloads, shared by all peers.
pub(crate) struct VideoUnit {
    pub codec: VideoCodec,
    pub key: bool,
    /// RTP timestamp, 90 kHz.
    pub timestamp: u32,
    pub captured: Instant,
    pub payloads: Vec<Payload>,
}

/// One Opus packet, shared by all peers.
#[derive(Clone)]
pub(crate) struct AudioUnit {
    /// RTP timestamp, 48 kHz.
    pub timestamp: u32,
    /// When its first sample was heard.
    pub captured: Instant,
    /// The first packet after silence (RFC 3551, section 4.1).
    pub first: bool,
    pub payload: Bytes,
}

/// What the encoders write to and the connections subscribe to.
#[derive(Default)]
pub(crate) struct Fanout {
    video: Mutex<Vec<VideoSubscriber>>,
    audio: Mutex<Vec<AudioSubscriber>>,
    key_wanted: KeyWanted,
    next_id: AtomicU64,
}

/// Who wants a key frame, by codec: the others get none for it.
#[derive(Default)]
struct KeyWanted {
    h264: AtomicBool,
    vp8: AtomicBool,
}

impl KeyWanted {
    fn of(&self, codec: VideoCodec) -> &AtomicBool {
        match codec {
            VideoCodec::H264 => &self.h264,
            VideoCodec::Vp8 => &self.vp8,
        }
    }
}

struct VideoSubscriber {
    id: u64,
    codec: VideoCodec,
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
    /// From now on, video in this codec if any; it begins with a key frame, which is asked for here.
    pub fn subscribe(self: &Arc<Self>, video_codec: Option<VideoCodec>) -> Subscription {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let (video_in, video) = mpsc::channel(VIDEO_QUEUE);
        let (audio_in, audio) = mpsc::channel(AUDIO_QUEUE);
        if let Some(codec) = video_codec {
            self.video.lock().push(VideoSubscriber { id, codec, queue: video_in, in_sync: false });
        }
        self.audio.lock().push(AudioSubscriber { id, queue: audio_in });
        self.request_key_frame(video_codec);
        Subscription { id, fanout: Arc::clone(self), video, audio }
    }

    /// Asks the encoder for a key frame; many requests at once make one.
    pub fn request_key_frame(&self, codec: Option<VideoCodec>) {
        if let Some(codec) = codec {
            self.key_wanted.of(codec).store(true, Ordering::Release);
        }
    }

    /// Whether one was asked for.
    pub fn key_frame_wanted(&self, codec: VideoCodec) -> bool {
        self.key_wanted.of(codec).load(Ordering::Acquire)
    }

    /// Forgets the requests so far: the next picture answers them.
    pub fn take_key_frame_request(&self, codec: VideoCodec) -> bool {
        self.key_wanted.of(codec).swap(false, Ordering::AcqRel)
    }

    /// Whether anybody would get a picture in this codec.
    pub fn wants_video(&self, codec: VideoCodec) -> bool {
        self.video.lock().iter().any(|subscriber| subscriber.codec == codec)
    }

    /// A picture for everybody who takes its codec and is in sync; a peer that cannot take it waits for the next key frame.
    pub fn video(&self, unit: &Arc<VideoUnit>) {
        let mut key_wanted = false;
        for subscriber in self.video.lock().iter_mut().filter(|subscriber| subscriber.codec == unit.codec) {
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
            self.request_key_frame(Some(unit.codec));
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

    const H264: VideoCodec = VideoCodec::H264;

    fn unit(key: bool) -> Arc<VideoUnit> {
        unit_in(H264, key)
    }

    fn unit_in(codec: VideoCodec, key: bool) -> Arc<VideoUnit> {
        Arc::new(VideoUnit { codec, key, timestamp: 0, captured: Instant::now(), payloads: Vec::new() })
    }

    #[test]
    fn a_new_peer_begins_with_a_key_frame_and_asks_for_it() {
        let fanout = Arc::new(Fanout::default());
        let mut peer = fanout.subscribe(Some(H264));
        assert!(fanout.take_key_frame_request(H264));
        fanout.video(&unit(false));
        assert!(peer.video.try_recv().is_err());
        assert!(fanout.take_key_frame_request(H264), "still waiting, so still asking");
        fanout.video(&unit(true));
        fanout.video(&unit(false));
        assert!(peer.video.try_recv().unwrap().key);
        assert!(!peer.video.try_recv().unwrap().key);
        assert!(!fanout.key_frame_wanted(H264));
    }

    #[test]
    fn a_slow_peer_loses_pictures_up_to_a_key_frame_and_the_others_do_not() {
        let fanout = Arc::new(Fanout::default());
        let mut slow = fanout.subscribe(Some(H264));
        let mut quick = fanout.subscribe(Some(H264));
        fanout.video(&unit(true));
        for _ in 0..VIDEO_QUEUE {
            fanout.video(&unit(false));
            assert!(quick.video.try_recv().is_ok());
        }
        assert!(fanout.take_key_frame_request(H264));
        while slow.video.try_recv().is_ok() {}
        fanout.video(&unit(false));
        assert!(slow.video.try_recv().is_err(), "it lacks the picture before this one");
        fanout.video(&unit(true));
        assert!(slow.video.try_recv().unwrap().key);
    }

    #[test]
    fn each_peer_gets_its_codec_and_asks_for_key_frames_of_that_one_alone() {
        let fanout = Arc::new(Fanout::default());
        let mut first = fanout.subscribe(Some(H264));
        assert!(fanout.take_key_frame_request(H264));
        let mut second = fanout.subscribe(Some(VideoCodec::Vp8));
        assert!(!fanout.key_frame_wanted(H264));
        assert!(fanout.take_key_frame_request(VideoCodec::Vp8));
        fanout.video(&unit_in(VideoCodec::Vp8, true));
        assert!(first.video.try_recv().is_err());
        assert_eq!(second.video.try_recv().unwrap().codec, VideoCodec::Vp8);
    }

    #[test]
    fn a_peer_without_a_common_codec_gets_sound_alone() {
        let fanout = Arc::new(Fanout::default());
        let mut peer = fanout.subscribe(None);
        assert!(!fanout.wants_video(H264) && !fanout.key_frame_wanted(H264));
        let payload = Bytes::from_static(b"sound");
        fanout.audio(&AudioUnit { timestamp: 0, captured: Instant::now(), first: true, payload });
        assert!(peer.audio.try_recv().is_ok());
        // The sender's queue of pictures must not end the whole sending.
        assert!(peer.video.try_recv().is_err());
    }

    #[test]
    fn a_dropped_subscription_is_forgotten() {
        let fanout = Arc::new(Fanout::default());
        let peer = fanout.subscribe(Some(H264));
        assert!(fanout.wants_video(H264));
        drop(peer);
        assert!(!fanout.wants_video(H264));
    }
}
