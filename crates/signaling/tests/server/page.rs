//! The page with which a browser joins.

use std::collections::BTreeSet;
use std::io::Read as _;

use maru_signaling::Config;

use crate::client::{Answer, Server, get};

const BROTLI: &str = "Accept-Encoding: gzip, deflate, br, zstd\r\n";

/// The values of these attributes.
fn references(html: &str) -> Vec<&str> {
    let parts = html.split(" href=\"").skip(1).chain(html.split(" src=\"").skip(1));
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

/// What a style sheet or a module takes in, as paths beside its own.
fn imports(file: &Answer) -> Vec<String> {
    let text = file.text();
    let from = text.lines().filter_map(|line| line.trim().strip_suffix("\";")?.split_once("from \""));
    from.map(|(_, path)| path.to_owned()).filter(|path| path.starts_with('.')).collect()
}

#[tokio::test]
async fn every_room_gets_the_same_page_whatever_its_name() {
    let server = Server::start().await;
    let page = get(server.address, "/", "").await;
    assert_eq!(page.status, 200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.text().contains("<base href=\"/\" />"), "{}", page.text());
    for path in [
        "/standup",
        "/%ED%9A%8C%EC%9D%98%EC%8B%A4",
        "/a%2Fb",
        "/main.js",
        "/index.html",
        "/v1.2.3",
        "/%F0%9F%8F%A0",
        "/-",
        "/?room=ws",
        "/health.",
        "/%77s",
        "/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
    ] {
        let room = get(server.address, path, "").await;
        assert_eq!((room.status, &room.body), (200, &page.body), "{path}");
    }
    let two_segments = get(server.address, "/<b>/alert", "").await;
    assert!(!two_segments.text().contains("alert"), "{}", two_segments.text());
}

#[tokio::test]
async fn all_that_the_page_refers_to_is_there_and_stays_in_the_browsers_cache() {
    let server = Server::start().await;
    let page = get(server.address, "/standup", "").await;
    let mut wanted: BTreeSet<String> = references(page.text()).into_iter().map(str::to_owned).collect();
    assert!(wanted.remove("/"), "the base");
    assert!(wanted.iter().any(|path| path.ends_with("/main.js")), "{wanted:?}");
    let mut seen = BTreeSet::new();
    while let Some(path) = wanted.pop_first() {
        let file = get(server.address, &format!("/{path}"), "").await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("cache-control"), Some("public, max-age=31536000, immutable"), "{path}");
        let kind = match path.rsplit('.').next().unwrap() {
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            other => panic!("a page with {other}"),
        };
        assert_eq!(file.header("content-type"), Some(kind));
        if kind.contains("javascript") {
            let directory = url::Url::parse("http://maru/").unwrap().join(&path).unwrap();
            for import in imports(&file) {
                let import = directory.join(&import).unwrap().path()[1..].to_owned();
                if !seen.contains(&import) {
                    wanted.insert(import);
                }
            }
        }
        seen.insert(path);
    }
}

#[tokio::test]
async fn a_page_that_the_browser_has_costs_an_empty_answer() {
    let server = Server::start().await;
    for path in ["/standup", "/-/of-another-version/main.js"] {
        let first = get(server.address, path, BROTLI).await;
        assert_eq!(first.header("cache-control"), Some("no-cache"), "{path}");
        assert_eq!(first.header("vary"), Some("accept-encoding"));
        let tag = first.header("etag").unwrap();
        for known in [tag.to_owned(), format!("\"other\", {tag}"), format!("W/{tag}")] {
            let again = get(server.address, path, &format!("{BROTLI}If-None-Match: {known}\r\n")).await;
            assert_eq!((again.status, again.body.len(), again.header("etag")), (304, 0, Some(tag)));
        }
        let changed = get(server.address, path, &format!("{BROTLI}If-None-Match: \"other\"\r\n")).await;
        assert_eq!((changed.status, changed.body), (200, first.body));
    }
}

#[tokio::test]
async fn files_come_compressed_to_who_takes_that() {
    let server = Server::start().await;
    let path = "/-/any/style/controls.css";
    let plain = get(server.address, path, "").await;
    assert_eq!(plain.header("content-encoding"), None);

    let brotli = get(server.address, path, BROTLI).await;
    assert_eq!(brotli.header("content-encoding"), Some("br"));
    assert!(brotli.body.len() * 2 < plain.body.len());
    let mut text = Vec::new();
    brotli::BrotliDecompress(&mut &brotli.body[..], &mut text).unwrap();
    assert_eq!(text, plain.body);

    let page = get(server.address, "/", "").await;
    for (path, plain) in [(path, plain), ("/", page)] {
        let gzip = get(server.address, path, "Accept-Encoding: gzip\r\n").await;
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        let mut text = Vec::new();
        flate2::read::GzDecoder::new(&gzip.body[..]).read_to_end(&mut text).unwrap();
        assert_eq!(text, plain.body);
        assert_ne!(gzip.header("etag"), plain.header("etag"), "other bytes, another tag");
    }
}

#[tokio::test]
async fn what_is_no_part_of_the_page_is_not_served() {
    let server = Server::start().await;
    for path in [
        "/-/x/package.json",
        "/-/x/types/engine.d.ts",
        "/-/x/test/view.test.js",
        "/-/x/../Cargo.toml",
        "/-/x/%2e%2e/Cargo.toml",
        "/-/x//etc/hostname",
        "/-/x/",
        "/-/",
        "/style/base.css",
    ] {
        assert_eq!(get(server.address, path, "").await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_browser_is_told_to_let_nothing_in_but_the_page() {
    let server = Server::start().await;
    for path in ["/", "/standup", "/health", "/ws", "/-/x/no.js", "/no/where"] {
        let answer = get(server.address, path, "").await;
        let policy = answer.header("content-security-policy").unwrap();
        let directives: Vec<&str> = policy.split("; ").collect();
        for expected in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'self'",
            "form-action 'none'",
            &format!("connect-src 'self' ws://{0} wss://{0}", server.address),
        ] {
            assert!(directives.contains(&expected), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(answer.header("referrer-policy"), Some("no-referrer"));
        assert_eq!(answer.header("cross-origin-opener-policy"), Some("same-origin"));
        let permissions = answer.header("permissions-policy").unwrap();
        for expected in ["camera=(self)", "microphone=(self)", "screen-wake-lock=(self)", "fullscreen=(self)"]
        {
            assert!(permissions.contains(expected), "{permissions}");
        }
        assert!(permissions.contains("geolocation=()"), "{permissions}");
    }
    let file = get(server.address, "/-/x/main.js", "").await;
    assert_eq!(file.header("content-security-policy"), Some("default-src 'none'"));
    assert_eq!(file.header("x-content-type-options"), Some("nosniff"));
}

#[tokio::test]
async fn a_host_that_is_none_gets_into_no_header() {
    let server = Server::start().await;
    for host in ["evil.example;script-src *", "a b", "\"", "x' 'unsafe-inline'"] {
        let stream = tokio::net::TcpStream::connect(server.address).await.unwrap();
        let answer = crate::client::ask(stream, "GET /", host, "").await;
        if let Some(policy) = answer.header("content-security-policy") {
            assert!(policy.ends_with("connect-src 'self'"), "{policy}");
        }
    }
}

#[tokio::test]
async fn the_page_knows_the_path_that_it_lives_under() {
    let config = Config { base_path: "/maru".into(), ..Config::default() };
    let server = Server::with(config).await;
    let there = get(server.address, "/maru", "").await;
    assert_eq!((there.status, there.header("location")), (308, Some("/maru/")));
    let page = get(server.address, "/maru/standup", "").await;
    assert!(page.text().contains("<base href=\"/maru/\" />"), "{}", page.text());
    let main = references(page.text()).into_iter().find(|path| path.ends_with("/main.js")).unwrap();
    assert_eq!(get(server.address, &format!("/maru/{main}"), "").await.status, 200);
    assert_eq!(get(server.address, "/maru/health", "").await.status, 200);
    for outside in ["/", "/standup", "/health", "/ws", "/marusia"] {
        assert_eq!(get(server.address, outside, "").await.status, 404, "{outside}");
    }
    let mut ada = crate::client::Client::connect(&format!("ws://{}/maru/ws", server.address)).await;
    ada.send(crate::client::join("standup", "Ada")).await;
    let links = ada.joined().await.links;
    assert_eq!(links[0].url, format!("http://{}/maru/standup", server.address));
}

#[tokio::test]
async fn somebody_who_works_on_the_page_sees_what_is_on_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("index.html");
    std::fs::write(&file, "<head><script src=\"main.js\"></script></head>").unwrap();
    std::fs::write(directory.path().join("main.js"), "1").unwrap();
    let config = Config { page_directory: Some(directory.path().to_owned()), ..Config::default() };
    let server = Server::with(config).await;
    let page = get(server.address, "/standup", "").await;
    assert!(page.text().contains("<script src=\"-/dev/main.js\">"), "{}", page.text());
    let script = get(server.address, "/-/dev/main.js", "").await;
    assert_eq!((script.text(), script.header("cache-control")), ("1", Some("no-cache")));
    std::fs::write(directory.path().join("main.js"), "2").unwrap();
    assert_eq!(get(server.address, "/-/dev/main.js", "").await.text(), "2");
    std::fs::remove_file(file).unwrap();
    assert_eq!(get(server.address, "/standup", "").await.status, 404);
}
