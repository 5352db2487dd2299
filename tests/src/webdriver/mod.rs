//! The little of WebDriver (W3C, REC-webdriver1) that tests of a page need: to a driver as JSON over
//! HTTP, to Firefox in its own framing. The commands are the same.

mod http;
mod marionette;

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::Method;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use marionette::Marionette;

/// For one command; the slowest one starts the app.
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// The key under which WebDriver gives an element's id (section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A session: one run of the app or of a browser.
pub struct Driver(Wire);

enum Wire {
    Http { port: u16, session: String },
    Marionette(Mutex<Marionette>),
}

/// A command under both of its names.
struct Command {
    method: Method,
    path: String,
    name: &'static str,
    parameters: Value,
}

/// An element of the page, until the page is loaded anew.
#[derive(Clone, Debug)]
pub struct Element(String);

/// What the driver, or the way to it, said instead of an answer.
pub type Refusal = String;

impl Driver {
    /// Starts a session with these capabilities, through the driver on this port.
    ///
    /// # Errors
    /// What was said instead: the driver may not listen yet.
    pub async fn start(port: u16, capabilities: &Value) -> Result<Self, Refusal> {
        let body = json!({ "capabilities": { "alwaysMatch": capabilities } });
        let answer = http::exchange(port, Method::POST, "/session", &body, COMMAND_LIMIT).await?;
        let session = answer["sessionId"].as_str().ok_or("no session")?;
        Ok(Self(Wire::Http { port, session: session.to_owned() }))
    }

    /// Starts a session with the Firefox that listens on this port.
    ///
    /// # Errors
    /// What was said instead: it may not listen yet.
    pub async fn start_firefox(port: u16) -> Result<Self, Refusal> {
        let mut firefox = Marionette::connect(port, COMMAND_LIMIT).await?;
        let capabilities = json!({ "capabilities": { "alwaysMatch": {} } });
        firefox.exchange("WebDriver:NewSession", &capabilities, COMMAND_LIMIT).await?;
        Ok(Self(Wire::Marionette(Mutex::new(firefox))))
    }

    /// Loads a page.
    ///
    /// # Errors
    /// When the page does not come.
    pub async fn navigate(&self, url: &str) -> Result<(), Refusal> {
        self.post("/url", "WebDriver:Navigate", json!({ "url": url })).await.map(drop)
    }

    /// Closes the page, as a person does: it may say goodbye.
    ///
    /// # Errors
    /// When it is closed already.
    pub async fn close(&self) -> Result<(), Refusal> {
        let command = Command {
            method: Method::DELETE,
            path: "/window".into(),
            name: "WebDriver:CloseWindow",
            parameters: json!({}),
        };
        self.send(command).await.map(drop)
    }

    /// Gives the window another size.
    ///
    /// # Errors
    /// When it cannot have one.
    pub async fn resize(&self, width_px: u32, height_px: u32) -> Result<(), Refusal> {
        let size = json!({ "width": width_px, "height": height_px });
        self.post("/window/rect", "WebDriver:SetWindowRect", size).await.map(drop)
    }

    /// The first element that matches.
    ///
    /// # Errors
    /// When there is none.
    pub async fn find(&self, css: &str) -> Result<Element, Refusal> {
        let by = json!({ "using": "css selector", "value": css });
        let found = self.post("/element", "WebDriver:FindElement", by).await?;
        Ok(Element(found[ELEMENT].as_str().ok_or("no element")?.to_owned()))
    }

    /// Whether an element is shown.
    ///
    /// # Errors
    /// When it is not on the page any more.
    pub async fn is_displayed(&self, element: &Element) -> Result<bool, Refusal> {
        let path = format!("/element/{}/displayed", element.0);
        Ok(self.get(&path, "WebDriver:IsElementDisplayed", json!({ "id": element.0 })).await? == true)
    }

    /// A property of an element, as text; `None` where it has none.
    ///
    /// # Errors
    /// When it is not on the page any more.
    pub async fn property(&self, element: &Element, name: &str) -> Result<Option<String>, Refusal> {
        let path = format!("/element/{}/property/{name}", element.0);
        let parameters = json!({ "id": element.0, "name": name });
        let value = self.get(&path, "WebDriver:GetElementProperty", parameters).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// An attribute of an element; `None` where it has none.
    ///
    /// # Errors
    /// When it is not on the page any more.
    pub async fn attribute(&self, element: &Element, name: &str) -> Result<Option<String>, Refusal> {
        let path = format!("/element/{}/attribute/{name}", element.0);
        let parameters = json!({ "id": element.0, "name": name });
        let value = self.get(&path, "WebDriver:GetElementAttribute", parameters).await?;
        Ok(value.as_str().map(str::to_owned))
    }

    /// Clicks an element in its middle.
    ///
    /// # Errors
    /// When something else is there.
    pub async fn click(&self, element: &Element) -> Result<(), Refusal> {
        let path = format!("/element/{}/click", element.0);
        self.post(&path, "WebDriver:ElementClick", json!({ "id": element.0 })).await.map(drop)
    }

    /// Empties a field.
    ///
    /// # Errors
    /// When it is not one that can be typed into.
    pub async fn clear(&self, element: &Element) -> Result<(), Refusal> {
        let path = format!("/element/{}/clear", element.0);
        self.post(&path, "WebDriver:ElementClear", json!({ "id": element.0 })).await.map(drop)
    }

    /// Types into a field.
    ///
    /// # Errors
    /// When it is not one that can be typed into.
    pub async fn send_keys(&self, element: &Element, text: &str) -> Result<(), Refusal> {
        let path = format!("/element/{}/value", element.0);
        let parameters = json!({ "id": element.0, "text": text });
        self.post(&path, "WebDriver:ElementSendKeys", parameters).await.map(drop)
    }

    /// Runs the body of a function in the page and gives what it returns, or what its promise comes to.
    ///
    /// # Errors
    /// When it throws.
    pub async fn execute(&self, script: &str, arguments: &[Value]) -> Result<Value, Refusal> {
        let parameters = json!({ "script": script, "args": arguments });
        self.post("/execute/sync", "WebDriver:ExecuteScript", parameters).await
    }

    /// Has chromedriver give Chromium a command of its own kind.
    ///
    /// # Errors
    /// When this is no Chromium, or it refuses.
    pub async fn chromium(&self, command: &str, parameters: Value) -> Result<Value, Refusal> {
        let body = json!({ "cmd": command, "params": parameters });
        self.post("/goog/cdp/execute", "", body).await
    }

    /// Loads the page anew.
    ///
    /// # Errors
    /// When the page does not come.
    pub async fn refresh(&self) -> Result<(), Refusal> {
        self.post("/refresh", "WebDriver:Refresh", json!({})).await.map(drop)
    }

    /// What the window shows, as a PNG file.
    ///
    /// # Errors
    /// When there is no window any more.
    pub async fn screenshot(&self) -> Result<Vec<u8>, Refusal> {
        let parameters = json!({ "full": false, "hash": false });
        let picture = self.get("/screenshot", "WebDriver:TakeScreenshot", parameters).await?;
        BASE64_STANDARD.decode(picture.as_str().unwrap_or_default()).map_err(|error| error.to_string())
    }

    async fn get(&self, path: &str, name: &'static str, parameters: Value) -> Result<Value, Refusal> {
        self.send(Command { method: Method::GET, path: path.to_owned(), name, parameters }).await
    }

    async fn post(&self, path: &str, name: &'static str, parameters: Value) -> Result<Value, Refusal> {
        self.send(Command { method: Method::POST, path: path.to_owned(), name, parameters }).await
    }

    async fn send(&self, command: Command) -> Result<Value, Refusal> {
        match &self.0 {
            Wire::Http { port, session } => {
                let path = format!("/session/{session}{}", command.path);
                http::exchange(*port, command.method, &path, &command.parameters, COMMAND_LIMIT).await
            }
            Wire::Marionette(firefox) => {
                firefox.lock().await.exchange(command.name, &command.parameters, COMMAND_LIMIT).await
            }
        }
    }
}
