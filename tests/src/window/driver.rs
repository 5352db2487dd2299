//! The little of WebDriver (W3C, REC-webdriver1) that a window test needs, as JSON over HTTP.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::{Method, Request, header};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// For one command; the slowest one starts the app.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// The key under which WebDriver gives an element's id (section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session: one run of the app.
pub struct Driver {
    port: u16,
    session: String,
}

/// An element of the page, until the page is loaded anew.
#[derive(Clone, Debug)]
pub struct Element(String);

/// What the driver, or the way to it, said instead of an answer.
pub type Refusal = String;

impl Driver {
    /// Starts the app with these capabilities, through the driver on this port.
    ///
    /// # Errors
    /// What was said instead: the driver may not listen yet.
    pub async fn start(port: u16, capabilities: &Value) -> Result<Self, Refusal> {
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = exchange(port, Method::POST, "/session", Some(body)).await?;
        let session = answer["sessionId"].as_str().ok_or("no session")?;
        Ok(Self { port, session: session.to_owned() })
    }

    /// The first element that matches.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(&self, css: &str) -> Result<Element, Refusal> {
        let found = self.post("/element", json!({ "using": "css selector", "value": css })).await?;
        Ok(Element(found[ELEMENT].as_str().ok_or("no element")?.to_owned()))
    }

    /// Whether an element is shown.
    ///
    /// # Errors
    /// When it is not on the page any more.
    pub async fn is_displayed(&self, element: &Element) -> Result<bool, Refusal> {
        Ok(self.get(&format!("/element/{}/displayed", element.0)).await? == true)
    }

    /// A property of an element, as text; `None` where it has none.
    ///
    /// # Errors
    /// When it is not on the page any more.
    pub async fn property(&self, element: &Element, name: &str) -> Result<Option<String>, Refusal> {
        let value = self.get(&format!("/element/{}/property/{name}", element.0)).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// An attribute of an element; `None` where it has none.
    ///
    /// # Errors
    /// When it is not on the page any more.
    pub async fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>, Refusal> {
        let value = self.get(&format!("/element/{}/attribute/{name}", element.0)).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// Clicks an element in its middle.
    ///
    /// # Errors
    /// When something else is there.
    pub async fn click(&self, element: &Element) -> Result<(), Refusal> {
        self.post(&format!("/element/{}/click", element.0), json!({})).await.map(drop)
    }

    /// Empties a field.
    ///
    /// # Errors
    /// When it is not one that can be typed into.
    pub async fn clear(&self, element: &Element) -> Result<(), Refusal> {
        self.post(&format!("/element/{}/clear", element.0), json!({})).await.map(drop)
    }

    /// Types into a field.
    ///
    /// # Errors
    /// When it is not one that can be typed into.
    pub async fn send_keys(&self, element: &Element, text: &str) -> Result<(), Refusal> {
        self.post(&format!("/element/{}/value", element.0), json!({ "text": text })).await.map(drop)
    }

    /// Runs the body of a function in the page and gives what it returns.
    ///
    /// # Errors
    /// When it throws.
    pub async fn execute(&self, script: &str, arguments: &[Value]) -> Result<Value, Refusal> {
        self.post("/execute/sync", json!({ "script": script, "args": arguments })).await
    }

    /// Loads the page anew.
    ///
    /// # Errors
    /// When the page does not come.
    pub async fn refresh(&self) -> Result<(), Refusal> {
        self.post("/refresh", json!({})).await.map(drop)
    }

    /// What the window shows, as a PNG file.
    ///
    /// # Errors
    /// When there is no window any more.
    pub async fn screenshot(&self) -> Result<Vec<u8>, Refusal> {
        let picture = self.get("/screenshot").await?;
        BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).map_err(|error| error.to_string())
    }

    async fn get(&self, path: &str) -> Result<Value, Refusal> {
        exchange(self.port, Method::GET, &format!("/session/{}{path}", self.session), None).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, Refusal> {
        exchange(self.port, Method::POST, &format!("/session/{}{path}", self.session), Some(body)).await
    }
}

/// One command and its answer, on a connection of its own, within [`COMMAND_LIMIT`].
async fn exchange(port: u16, method: Method, path: &str, body: Option<Value>) -> Result<Value, Refusal> {
    let body = body.map(|body| body.to_string()).unwrap_or_default();
    match timeout(COMMAND_LIMIT, request(port, method, path, body)).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer within {COMMAND_LIMIT:?}: {path}")),
    }
}

async fn request(port: u16, method: Method, path: &str, body: String) -> Result<Value, Refusal> {
    let socket = TcpStream::connect(("127.0.0.1", port)).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(socket)).await.map_err(|error| error.to_string())?;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, format!("127.0.0.1:{port}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| error.to_string())?;
    tokio::spawn(connection); // ends with the sender
    let response = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let accepted = response.status().is_success();
    let bytes = response.into_body().collect().await.map_err(|error| error.to_string())?.to_bytes();
    let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    if accepted { Ok(answer["value"].clone()) } else { Err(answer["value"].to_string()) }
}
