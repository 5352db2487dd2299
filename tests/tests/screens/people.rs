//! Invented people: some are engines with a painted portrait for a camera, some have nothing but a place in the room.

use std::fs;
use std::path::PathBuf;

use futures_util::SinkExt as _;
use maru_engine::Choice;
use maru_media::DeviceId;
use maru_protocol::{Capabilities, ClientInfo, ClientMessage, DisplayName, RoomName, SUBPROTOCOL, Status};
use maru_tests::participant::Participant;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
/// Red, green, blue.
type Colour = [f32; 3];

/// Wall, skin, hair and clothes of each person.
const LOOKS: [[Colour; 4]; 4] = [
    [[206.0, 190.0, 164.0], [232.0, 184.0, 150.0], [74.0, 48.0, 34.0], [58.0, 92.0, 96.0]],
    [[148.0, 172.0, 178.0], [142.0, 92.0, 66.0], [34.0, 28.0, 28.0], [186.0, 98.0, 62.0]],
    [[190.0, 176.0, 196.0], [244.0, 208.0, 180.0], [28.0, 26.0, 32.0], [226.0, 212.0, 190.0]],
    [[176.0, 188.0, 156.0], [206.0, 150.0, 112.0], [150.0, 92.0, 44.0], [70.0, 64.0, 104.0]],
];

/// Files with portraits in them.
pub struct Portraits(TempDir);

impl Portraits {
    pub fn paint() -> Self {
        let folder = TempDir::new().unwrap();
        for (number, look) in LOOKS.iter().enumerate() {
            fs::write(folder.path().join(format!("portrait-{number}.y4m")), portrait(look)).unwrap();
        }
        Self(folder)
    }

    fn file(&self, number: usize) -> PathBuf {
        self.0.path().join(format!("portrait-{}.y4m", number % LOOKS.len()))
    }

    /// Has somebody with this portrait join.
    pub async fn join(&self, number: usize, server: &str, room: &str, name: &str) -> Participant {
        let camera = DeviceId::new(self.id(number));
        Participant::join_with(server, room, name, |config| {
            config.camera = Choice::Device(camera);
            config.microphone = Choice::Device(DeviceId::new("silence"));
            config.decode = false; // nobody looks
        })
        .await
    }

    /// The camera with this portrait, as a device.
    pub fn id(&self, number: usize) -> String {
        format!("file:{}", self.file(number).display())
    }
}

/// Whether a point is within an ellipse, 0 to 1 with a soft edge.
fn within(x: f32, y: f32, centre: (f32, f32), radii: (f32, f32)) -> f32 {
    let distance = ((x - centre.0) / radii.0).hypot((y - centre.1) / radii.1);
    ((1.0 - distance) * radii.0.min(radii.1) / 2.0 + 0.5).clamp(0.0, 1.0)
}

fn over(under: Colour, colour: Colour, share: f32) -> Colour {
    std::array::from_fn(|channel| under[channel] + (colour[channel] - under[channel]) * share)
}

fn colour_at(x: f32, y: f32, [wall, skin, hair, clothes]: &[Colour; 4]) -> Colour {
    let shade = 1.08 - 0.3 * y / HEIGHT as f32 - 0.1 * x / WIDTH as f32;
    let mut colour = wall.map(|channel| channel * shade);
    let shadow = skin.map(|channel| channel * 0.86);
    colour = over(colour, *hair, within(x, y, (320.0, 158.0), (88.0, 104.0)));
    colour = over(colour, *clothes, within(x, y, (320.0, 404.0), (196.0, 130.0)));
    colour = over(colour, shadow, within(x, y, (320.0, 262.0), (34.0, 44.0)));
    colour = over(colour, *skin, within(x, y, (320.0, 178.0), (66.0, 84.0)));
    colour = over(colour, *hair, within(x, y, (314.0, 104.0), (78.0, 34.0)));
    for eye in [294.0, 346.0] {
        colour = over(colour, [38.0, 28.0, 26.0], within(x, y, (eye, 176.0), (5.5, 6.5)));
    }
    let mouth =
        within(x, y, (320.0, 214.0), (22.0, 12.0)) * (1.0 - within(x, y, (320.0, 207.0), (26.0, 12.0)));
    over(colour, [150.0, 62.0, 58.0], mouth)
}

/// One picture, five times a second, in 4:2:0 (BT.601).
fn portrait(look: &[Colour; 4]) -> Vec<u8> {
    let mut file = format!("YUV4MPEG2 W{WIDTH} H{HEIGHT} F5:1 Ip A1:1 C420jpeg\nFRAME\n").into_bytes();
    let at = |x: usize, y: usize| colour_at(x as f32, y as f32, look);
    let luma = |[r, g, b]: Colour| 16.0 + 0.257 * r + 0.504 * g + 0.098 * b;
    file.extend((0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))).map(|(x, y)| luma(at(x, y)) as u8));
    let halves = || (0..HEIGHT / 2).flat_map(|y| (0..WIDTH / 2).map(move |x| (2 * x, 2 * y)));
    let blue = |[r, g, b]: Colour| 128.0 - 0.148 * r - 0.291 * g + 0.439 * b;
    let red = |[r, g, b]: Colour| 128.0 + 0.439 * r - 0.368 * g - 0.071 * b;
    file.extend(halves().map(|(x, y)| blue(at(x, y)) as u8));
    file.extend(halves().map(|(x, y)| red(at(x, y)) as u8));
    file
}

/// Somebody of whom only the signaling is there: no path to them is ever made.
pub struct Ghost(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Ghost {
    pub async fn join(server: &str, room: &str, name: &str) -> Self {
        let mut request = server.into_client_request().unwrap();
        request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse().unwrap());
        let (socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
        let mut ghost = Self(socket);
        ghost
            .say(&ClientMessage::Join {
                room: RoomName::parse(room).unwrap(),
                name: DisplayName::parse(name).unwrap(),
                token: None,
                client: ClientInfo { name: "ghost".into(), version: "0".into() },
                capabilities: Capabilities::default(),
                status: Status { muted: true, camera_off: true, sharing: false },
                resume: None,
            })
            .await;
        ghost
    }

    pub async fn leave(mut self) {
        self.say(&ClientMessage::Leave).await;
    }

    async fn say(&mut self, message: &ClientMessage) {
        let text = serde_json::to_string(message).unwrap();
        self.0.send(Message::Text(text.into())).await.unwrap();
    }
}
