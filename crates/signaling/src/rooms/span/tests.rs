//! Three nodes in virtual time: whatever is late, lost or out of reach, in the end all agree.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::time::{Duration, Instant};

use maru_protocol::{
    Capabilities, ClientInfo, ClosingReason, DisplayName, PeerId, ResumeToken, RoomName, ServerMessage,
    Status,
};
use proptest::prelude::*;

use super::model::Store;
use crate::Config;
use crate::bus::{Answer, News, NodeId, Request};
use crate::rooms::{ConnectionId, Input, Join, Output, Rooms};

const NODES: usize = 3;
const CLIENTS: usize = 5;
const STEP: Duration = Duration::from_millis(500);

/// What can happen.
#[derive(Clone, Debug)]
enum Event {
    /// Somebody joins, comes back or connects a second time, at a node.
    Join(usize, usize),
    Leave(usize),
    Break(usize),
    Muted(usize, bool),
    /// A node asks the store; the answer is on its way.
    Ask(usize),
    /// The answer arrives.
    Hear(usize),
    /// The oldest hint arrives, or is lost.
    Hint(bool),
    Cut(usize),
    Mend(usize),
    Wipe,
    /// A node dies, and another is started in its place.
    Kill(usize),
    Wait(u32),
}

fn event() -> impl Strategy<Value = Event> {
    let (node, client) = (0..NODES, 0..CLIENTS);
    prop_oneof![
        8 => (client.clone(), node.clone()).prop_map(|(client, node)| Event::Join(client, node)),
        1 => client.clone().prop_map(Event::Leave),
        2 => client.clone().prop_map(Event::Break),
        1 => (client, any::<bool>()).prop_map(|(client, muted)| Event::Muted(client, muted)),
        6 => node.clone().prop_map(Event::Ask),
        6 => node.clone().prop_map(Event::Hear),
        4 => any::<bool>().prop_map(Event::Hint),
        1 => node.clone().prop_map(Event::Cut),
        1 => node.clone().prop_map(Event::Mend),
        1 => Just(Event::Wipe),
        1 => node.prop_map(Event::Kill),
        2 => (1..100_u32).prop_map(Event::Wait),
    ]
}

/// What a client makes of another: as `engine::call` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    offers: bool,
    /// The connection between the two stands.
    connected: bool,
    /// It was given up while away and came back, and the client offers by itself, or the other closed the
    /// connection, and the client takes another one: either way it gives way.
    returned: bool,
    away: bool,
    status: Status,
}

struct Client {
    identity: ResumeToken,
    at: Option<(usize, ConnectionId)>,
    joined: bool,
    /// Whether it means to be in the room.
    stays: bool,
    status: Status,
    known: BTreeMap<PeerId, Known>,
    /// Who was away without a connection.
    gone: BTreeMap<PeerId, Status>,
}

struct Node {
    rooms: Rooms,
    id: NodeId,
    linked: bool,
    asked: Option<Vec<(Request, Answer)>>,
}

struct World {
    now: Instant,
    store: Store,
    nodes: Vec<Node>,
    clients: Vec<Client>,
    hints: VecDeque<(NodeId, News)>,
    connections: u64,
    ids: u64,
    tokens: usize,
    config: Config,
}

fn token(number: usize) -> ResumeToken {
    serde_json::from_str(&format!("\"00000000-0000-4000-8000-{number:012x}\"")).unwrap()
}

impl World {
    fn new() -> Self {
        let config = Config::default();
        let window = config.resume_window.as_millis() as i64;
        let store = Store::new(1_000_000, window, CLIENTS);
        let client = |number| Client {
            identity: token(number),
            at: None,
            joined: false,
            stays: false,
            status: Status::default(),
            known: BTreeMap::new(),
            gone: BTreeMap::new(),
        };
        let mut world = Self {
            now: Instant::now(),
            store,
            nodes: Vec::new(),
            clients: (0..CLIENTS).map(client).collect(),
            hints: VecDeque::new(),
            connections: 0,
            ids: 0,
            tokens: CLIENTS,
            config,
        };
        for index in 0..NODES {
            let node = world.node();
            world.nodes.push(node);
            world.mend(index);
        }
        world
    }

    fn node(&mut self) -> Node {
        self.ids += 1;
        let id = NodeId(self.ids);
        let clock = self.store.now as u64 * 1000;
        Node { rooms: Rooms::spanning(&self.config, id, self.now, clock), id, linked: false, asked: None }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Join(client, node) => self.join(client, node),
            Event::Leave(client) => {
                let gone = self.clients[client].identity.peer_id();
                for other in &mut self.clients {
                    other
                        .known
                        .get_mut(&gone)
                        .into_iter()
                        .for_each(|known| (known.connected, known.returned) = (false, true));
                }
                // Who calls again is somebody else: the client forgets its token.
                self.tokens += 1;
                let client = &mut self.clients[client];
                client.identity = token(self.tokens);
                (client.stays, client.joined) = (false, false);
                client.known.clear();
                client.gone.clear();
                if let Some((node, connection)) = client.at.take() {
                    self.input(node, connection, Input::Leave);
                }
            }
            Event::Break(client) => {
                self.clients[client].joined = false;
                if let Some((node, connection)) = self.clients[client].at.take() {
                    self.input(node, connection, Input::Broken);
                }
            }
            Event::Muted(client, muted) => {
                let status = Status { muted, ..Status::default() };
                self.clients[client].status = status;
                if let Some((node, connection)) = self.clients[client].at {
                    self.input(node, connection, Input::Status(status));
                }
            }
            Event::Ask(node) => self.ask(node),
            Event::Hear(node) => self.hear(node),
            Event::Hint(arrives) => {
                if let Some((to, news)) = self.hints.pop_front()
                    && arrives
                    && let Some(node) = self.nodes.iter_mut().find(|node| node.id == to && node.linked)
                {
                    node.rooms.heard(news);
                }
            }
            Event::Cut(node) => self.cut(node),
            Event::Mend(node) => self.mend(node),
            Event::Wipe => {
                // Every connection to it breaks.
                (0..NODES).for_each(|node| self.cut(node));
                self.store.wipe();
            }
            Event::Kill(node) => {
                for client in &mut self.clients {
                    if client.at.is_some_and(|(at, _)| at == node) {
                        client.at = None;
                        client.joined = false;
                    }
                }
                self.nodes[node] = self.node();
                self.mend(node);
            }
            Event::Wait(steps) => (0..steps).for_each(|_| self.step()),
        }
    }

    fn join(&mut self, index: usize, node: usize) {
        self.connections += 1;
        let connection = ConnectionId(self.connections);
        let client = &mut self.clients[index];
        client.stays = true;
        client.joined = false;
        let join = Join {
            identity: client.identity.clone(),
            room: RoomName::parse("standup").unwrap(),
            name: DisplayName::parse("Ada").unwrap(),
            client: ClientInfo { name: "test".into(), version: "1".into() },
            capabilities: Capabilities::default(),
            status: client.status,
            bases: Vec::new(),
            ice_servers: Vec::new(),
        };
        let old = client.at.replace((node, connection));
        if let Some((node, connection)) = old {
            self.input(node, connection, Input::Broken);
        }
        self.input(node, connection, Input::Join(Box::new(join)));
    }

    fn input(&mut self, node: usize, connection: ConnectionId, input: Input) {
        let outputs = self.nodes[node].rooms.handle(self.now, connection, input);
        self.take(node, outputs);
    }

    fn ask(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if !node.linked || node.asked.is_some() || !node.rooms.has_requests() {
            return;
        }
        let mut asked = Vec::new();
        for request in node.rooms.requests(self.now, 8) {
            let (answer, news) = self.store.sync(node.id, &request);
            self.hints.extend(news);
            asked.push((request, answer));
        }
        node.asked = Some(asked);
    }

    fn hear(&mut self, index: usize) {
        for (request, answer) in self.nodes[index].asked.take().unwrap_or_default() {
            let outputs = self.nodes[index].rooms.answered(self.now, &request, &answer);
            self.take(index, outputs);
        }
    }

    fn cut(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if std::mem::replace(&mut node.linked, false) {
            // What was asked was done, but the answer is lost.
            for (request, _) in node.asked.take().unwrap_or_default() {
                node.rooms.unanswered(request);
            }
            let outputs = node.rooms.bus_down(self.now);
            self.take(index, outputs);
        }
    }

    fn mend(&mut self, index: usize) {
        let node = &mut self.nodes[index];
        if !std::mem::replace(&mut node.linked, true) {
            self.store.beat(node.id);
            node.rooms.bus_up(self.now);
        }
    }

    fn step(&mut self) {
        self.now += STEP;
        self.store.now += STEP.as_millis() as i64;
        for index in 0..NODES {
            let outputs = self.nodes[index].rooms.expire(self.now);
            self.take(index, outputs);
            if self.nodes[index].linked {
                let nodes = self.store.beat(self.nodes[index].id);
                let outputs = self.nodes[index].rooms.tick(self.now, &nodes);
                self.take(index, outputs);
            }
            self.ask(index);
            self.hear(index);
        }
    }

    /// Does what a node says, as clients do.
    fn take(&mut self, node: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Pass(_) => {}
                Output::Close(connection) => {
                    for client in &mut self.clients {
                        if client.at == Some((node, connection)) {
                            client.at = None;
                            client.joined = false;
                        }
                    }
                }
                Output::Send { to, message } => {
                    for connection in to {
                        let at = self.clients.iter().position(|one| one.at == Some((node, connection)));
                        if let Some(index) = at {
                            self.told(index, &message);
                        }
                    }
                }
            }
        }
    }

    fn told(&mut self, index: usize, message: &ServerMessage) {
        let me = self.clients[index].identity.peer_id();
        let client = &mut self.clients[index];
        let fresh = |offers, status| Known { offers, connected: false, returned: false, away: false, status };
        let offer = |client: &mut Client, peer: PeerId, status| {
            client.gone.remove(&peer);
            match client.known.get_mut(&peer).filter(|known| known.connected) {
                Some(known) => (known.away, known.status) = (false, status),
                None => drop(client.known.insert(peer, fresh(true, status))),
            }
        };
        match message {
            ServerMessage::Joined { peers, .. } => {
                client.joined = true;
                client.gone.clear();
                let listed: HashSet<PeerId> = peers.iter().map(|peer| peer.id).collect();
                assert!(!listed.contains(&me), "nobody finds itself");
                client.known.iter_mut().for_each(|(id, known)| known.away = !listed.contains(id));
                for peer in peers {
                    match client.known.get_mut(&peer.id).filter(|known| known.connected) {
                        Some(known) => known.status = peer.status,
                        None => drop(client.known.insert(peer.id, fresh(false, peer.status))),
                    }
                }
            }
            ServerMessage::PeerJoined { peer } => offer(client, peer.id, peer.status),
            ServerMessage::PeerLeft { peer, .. } => {
                client.known.remove(peer);
                client.gone.remove(peer);
                let other = self.clients.iter_mut().find(|other| other.identity.peer_id() == *peer);
                if let Some(known) = other.and_then(|other| other.known.get_mut(&me)) {
                    (known.connected, known.returned) = (false, true);
                }
            }
            ServerMessage::PeerAway { peer } => {
                if let Some(known) = client.known.get_mut(peer) {
                    known.away = true;
                }
            }
            ServerMessage::PeerBack { peer } => match client.gone.remove(peer) {
                Some(status) => {
                    offer(client, *peer, status);
                    client.known.get_mut(peer).into_iter().for_each(|known| known.returned = true);
                }
                None => {
                    if let Some(known) = client.known.get_mut(peer) {
                        known.away = false;
                    }
                }
            },
            ServerMessage::Status { from, status } => {
                if let Some(known) = client.known.get_mut(from) {
                    known.status = *status;
                }
                if let Some(known) = client.gone.get_mut(from) {
                    *known = *status;
                }
            }
            ServerMessage::Closing { reason: ClosingReason::Replaced, .. } => {
                panic!("a client has one connection only, so none of its own is replaced while it lives")
            }
            ServerMessage::Closing { .. } | ServerMessage::Error { .. } => {}
            other => panic!("{other:?}"),
        }
        self.settle();
    }

    /// Connects who offers with who waits for it, and gives up who is away without a connection.
    fn settle(&mut self) {
        for one in 0..CLIENTS {
            for other in 0..CLIENTS {
                let (a, b) = (self.clients[one].identity.peer_id(), self.clients[other].identity.peer_id());
                let there = |client: &Client, id| {
                    let known = client.known.get(&id).filter(|known| !known.away && client.joined);
                    known.copied()
                };
                let (mine, theirs) = (there(&self.clients[one], b), there(&self.clients[other], a));
                if let (Some(mine), Some(theirs)) = (mine, theirs)
                    && mine.offers
                    && !theirs.offers
                {
                    self.clients[one].known.insert(b, Known { connected: true, ..mine });
                    self.clients[other].known.insert(a, Known { connected: true, ..theirs });
                }
            }
            let Client { known, gone, .. } = &mut self.clients[one];
            known.retain(|id, known| {
                let stays = known.connected || !known.away;
                if !stays {
                    gone.insert(*id, known.status);
                }
                stays
            });
        }
    }

    /// Everything works again, and everybody who means to be there connects.
    fn heal(&mut self) {
        for index in 0..NODES {
            self.mend(index);
        }
        for step in 0..140 {
            for index in 0..CLIENTS {
                if self.clients[index].stays && self.clients[index].at.is_none() {
                    self.join(index, (index + step) % NODES);
                }
            }
            while !self.hints.is_empty() {
                self.happen(Event::Hint(true));
            }
            self.step();
        }
    }

    fn check(&self) {
        let there: HashSet<PeerId> =
            self.clients.iter().filter(|one| one.stays).map(|one| one.identity.peer_id()).collect();
        for client in self.clients.iter().filter(|one| one.stays) {
            let me = client.identity.peer_id();
            assert!(client.joined, "everybody is in");
            for other in self.clients.iter().filter(|other| other.stays && other.identity != client.identity)
            {
                let id = other.identity.peer_id();
                let Some(known) = client.known.get(&id) else { panic!("one does not know another") };
                assert!(!known.away, "nobody seems away who is there");
                assert_eq!(known.status, other.status, "the status is known to all");
                let Some(back) = other.known.get(&me) else { panic!("one does not know another") };
                let roles = (known.offers, back.offers);
                let settled = known.connected && back.connected;
                // Two who wait for each other ask after some seconds, and who asks is offered to. Two who
                // offer to each other would insist.
                let insist = known.offers && back.offers && !known.returned && !back.returned;
                assert!(settled || !insist, "no two offer to each other: {roles:?}");
            }
            // Who left without its server's hearing of it is gone when the connection to it dies, too.
            let gone = |id, known: &Known| there.contains(id) || known.away;
            assert!(client.known.iter().all(|(id, known)| gone(id, known)), "who is gone is gone for all");
        }
        for node in &self.nodes {
            for room in node.rooms.rooms.values() {
                let members: HashSet<PeerId> = room.members().iter().map(|member| member.info.id).collect();
                assert_eq!(members, there, "all nodes have the same members");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_late_lost_or_out_of_reach_in_the_end_all_nodes_and_all_clients_agree(
        events in prop::collection::vec(event(), 1..60)
    ) {
        let mut world = World::new();
        for event in events {
            world.happen(event);
        }
        world.heal();
        world.check();
    }
}
