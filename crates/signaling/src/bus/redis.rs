//! Redis: the scripts, how they are called, and what they give back. Everything here ends in bounded time.

use std::time::Duration;

use maru_protocol::{LeftReason, PeerId, PeerInfo, Status};
use redis::aio::{MultiplexedConnection, PubSub};
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisError, Script, Value};

use super::{Answer, Claim, DEAD_AFTER, Entry, Envelope, NodeId, Request, TIMEOUT, Verdict};

/// After how long without a sign of life a node is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);

/// What a participant's entry may take, in bytes.
const INFO_BYTES: usize = 8 * 1024;

/// Of every key and channel: the braces keep all of them in one slot of a cluster.
const NODES: &str = "{maru}:nodes";

/// Why Redis did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum BusError {
    #[error("{0}")]
    Redis(#[from] RedisError),
    #[error("it does not answer")]
    Silent,
    #[error("its answer makes no sense")]
    Nonsense,
    #[error("it does not deliver messages")]
    Deaf,
}

/// What does not change while a node runs.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) me: NodeId,
    pub(super) window: Duration,
    pub(super) capacity: u32,
}

/// Two connections: one for questions, one that listens. A clone is one more user of that for questions.
#[derive(Clone)]
pub(super) struct Link {
    connection: MultiplexedConnection,
    settings: Settings,
    sync: String,
    beat: String,
    farewell: String,
}

/// The channel on which a node listens.
fn channel(node: NodeId) -> String {
    format!("{{maru}}:node:{node}")
}

impl Link {
    /// Connects, and listens for messages for this node.
    pub(super) async fn open(client: &Client, settings: Settings) -> Result<(Self, PubSub), BusError> {
        let opening = async {
            let limits = AsyncConnectionConfig::new()
                .set_connection_timeout(Some(TIMEOUT))
                .set_response_timeout(Some(TIMEOUT));
            let mut connection = client.get_multiplexed_async_connection_with_config(&limits).await?;
            let mut listening = client.get_async_pubsub().await?;
            listening.subscribe(channel(settings.me)).await?;
            let sync = Script::new(include_str!("sync.lua")).load_async(&mut connection).await?;
            let beat = Script::new(include_str!("beat.lua")).load_async(&mut connection).await?;
            let farewell = Script::new(include_str!("farewell.lua")).load_async(&mut connection).await?;
            let mut link = Self { connection, settings, sync, beat, farewell };
            // Before it says anything about rooms: members of a node that is not there are away.
            link.beat().await?;
            Ok((link, listening))
        };
        tokio::time::timeout(TIMEOUT * 2, opening).await.map_err(|_| BusError::Silent)?
    }

    /// Says and asks about rooms. The second of each pair counts entries that make no sense.
    pub(super) async fn sync(&mut self, requests: &[Request]) -> Result<Vec<(Answer, u64)>, BusError> {
        let mut pipeline = redis::pipe();
        for request in requests {
            self.ask(&mut pipeline, request);
        }
        let answers: Vec<Value> = bounded(pipeline.query_async(&mut self.connection)).await?;
        if answers.len() != requests.len() {
            return Err(BusError::Nonsense);
        }
        answers.into_iter().map(|value| answer(value).ok_or(BusError::Nonsense)).collect()
    }

    fn ask(&self, pipeline: &mut redis::Pipeline, request: &Request) {
        let Settings { me, window, capacity } = &self.settings;
        let name = request.room.to_string();
        let command = pipeline.cmd("EVALSHA").arg(&self.sync).arg(2);
        command.arg(format!("{{maru}}:room:{name}")).arg(NODES);
        command.arg(me.to_string()).arg(name).arg(NodeId::random().to_string());
        command.arg(millis(*window)).arg(millis(DEAD_AFTER)).arg(*capacity).arg(u8::from(request.full));
        command.arg(request.members.len());
        for Claim { info, enters, order, seated, away } in &request.members {
            command.arg(info.id.to_string()).arg(if *enters { "enter" } else { "have" }).arg(*order);
            command.arg(millis(*seated)).arg(away.map_or(-1, millis)).arg(flags(info.status));
            // Strings and lists only: there is nothing in it that JSON cannot say.
            command.arg(serde_json::to_string(info).unwrap_or_default());
        }
        command.arg(request.left.len());
        for (id, reason) in &request.left {
            let why = match reason {
                LeftReason::Left => "left",
                LeftReason::Removed => "removed",
                LeftReason::Lost | LeftReason::Unknown => "lost",
            };
            command.arg(id.to_string()).arg(why);
        }
    }

    /// Gives a sign of life; says when the nodes gave theirs.
    pub(super) async fn beat(&mut self) -> Result<Vec<(NodeId, Duration)>, BusError> {
        let Settings { me, window, .. } = &self.settings;
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.beat).arg(1).arg(NODES).arg(me.to_string()).arg(millis(DEAD_AFTER));
        command.arg(millis(*window)).arg(millis(FORGOTTEN_AFTER));
        let (_, ages): (u64, Vec<Value>) = bounded(command.query_async(&mut self.connection)).await?;
        let ages = ages.into_iter().filter_map(|pair| <(String, u64)>::from_redis_value(pair).ok());
        let ages = ages.filter_map(|(node, age)| Some((NodeId::parse(&node)?, Duration::from_millis(age))));
        Ok(ages.collect())
    }

    /// Says something to this node itself: it comes back over the connection that listens.
    pub(super) async fn echo(&mut self) -> Result<(), BusError> {
        let mut command = redis::cmd("PUBLISH");
        command.arg(channel(self.settings.me)).arg(ECHO);
        let _: u64 = bounded(command.query_async(&mut self.connection)).await?;
        Ok(())
    }

    /// Sends signals; says of each whether a node took it.
    pub(super) async fn pass(&mut self, envelopes: &[Envelope]) -> Result<Vec<bool>, BusError> {
        let mut pipeline = redis::pipe();
        for envelope in envelopes {
            pipeline.cmd("PUBLISH").arg(channel(envelope.node)).arg(envelope.to_wire());
        }
        let taken: Vec<u64> = bounded(pipeline.query_async(&mut self.connection)).await?;
        Ok(taken.into_iter().map(|nodes| nodes > 0).collect())
    }

    /// This node stops.
    pub(super) async fn farewell(&mut self) -> Result<(), BusError> {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.farewell).arg(1).arg(NODES).arg(self.settings.me.to_string());
        let _: Value = bounded(command.arg(millis(DEAD_AFTER)).query_async(&mut self.connection)).await?;
        Ok(())
    }
}

/// What [`Link::echo`] says.
pub(super) const ECHO: &[u8] = b"echo";

async fn bounded<T>(asking: impl Future<Output = Result<T, RedisError>>) -> Result<T, BusError> {
    tokio::time::timeout(TIMEOUT, asking).await.map_err(|_| BusError::Silent)?.map_err(BusError::from)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn flags(status: Status) -> u8 {
    u8::from(status.muted) | u8::from(status.camera_off) << 1 | u8::from(status.sharing) << 2
}

/// Reads what `sync.lua` gives back.
fn answer(value: Value) -> Option<(Answer, u64)> {
    type Raw = (String, u64, u64, Vec<Value>, Vec<Value>);
    let (epoch, now, made, verdicts, entries) = Raw::from_redis_value(value).ok()?;
    let verdicts = verdicts.into_iter().map(|one| {
        let (id, verdict, horizon) = <(String, String, u64)>::from_redis_value(one).ok()?;
        let verdict = match &verdict[..] {
            "full" => Verdict::Full,
            "new" => Verdict::New,
            "back" => Verdict::Back(horizon),
            "kept" => Verdict::Kept,
            "missing" => Verdict::Missing,
            "lost" => Verdict::Lost,
            _ => return None,
        };
        Some((PeerId::parse(&id)?, verdict))
    });
    let verdicts = verdicts.collect::<Option<Vec<_>>>()?;
    let all = entries.len();
    let entries: Vec<Entry> = entries.into_iter().filter_map(entry).collect();
    let garbled = (all - entries.len()) as u64;
    let age = Duration::from_millis(now.saturating_sub(made));
    Some((Answer { epoch, age, verdicts, entries }, garbled))
}

fn entry(value: Value) -> Option<Entry> {
    type Raw = (String, String, u64, u64, u8, u8, Vec<u8>);
    let (id, node, order, at, away, flags, info) = Raw::from_redis_value(value).ok()?;
    if info.len() > INFO_BYTES {
        return None;
    }
    let mut info: PeerInfo = serde_json::from_slice(&info).ok()?;
    if PeerId::parse(&id)? != info.id {
        return None;
    }
    info.status = Status { muted: flags & 1 != 0, camera_off: flags & 2 != 0, sharing: flags & 4 != 0 };
    Some(Entry { info, node: NodeId::parse(&node)?, order, at, away: away != 0 })
}
