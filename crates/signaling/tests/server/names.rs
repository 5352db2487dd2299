//! Names that would like to be more than text.

use crate::client::{Server, get};

const HOSTILE: [&str; 7] = [
    "<img src=x onerror=alert(1)>",
    "\"><script>alert(1)</script>",
    "javascript:alert(1)",
    "../../etc/passwd",
    "{{constructor.constructor('alert(1)')()}}",
    "a\u{202e}b%0d%0aSet-Cookie: x=1",
    "?room=other#fragment",
];

#[tokio::test]
async fn a_hostile_name_arrives_as_it_was_written_and_its_link_says_nothing_else() {
    let server = Server::start().await;
    for hostile in HOSTILE {
        let (mut ada, joined) = server.join(hostile, "Ada").await;
        assert_eq!(joined.room, hostile);
        let (_ben, there) = server.join(hostile, hostile).await;
        assert_eq!(there.peers.len(), 1);
        assert_eq!(ada.peer_joined().await.name.as_str(), hostile);

        let url = &joined.links[0].url;
        let base = format!("http://{}/", server.address);
        let segment = url.strip_prefix(&base).unwrap();
        let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
        assert!(segment.bytes().all(harmless), "{url}");
        let decoded = percent_encoding::percent_decode_str(segment).decode_utf8().unwrap();
        assert_eq!(decoded, hostile, "the page reads from it which room is meant");
    }
}

#[tokio::test]
async fn no_answer_repeats_what_was_asked_for() {
    let server = Server::start().await;
    let reference = get(server.address, "/", "").await;
    for hostile in HOSTILE {
        let encoded = percent_encoding::utf8_percent_encode(hostile, percent_encoding::NON_ALPHANUMERIC);
        for path in [format!("/{encoded}"), format!("/?room={encoded}")] {
            let page = get(server.address, &path, "").await;
            assert_eq!((page.status, &page.body), (200, &reference.body), "{path}");
            for (name, value) in &page.headers {
                assert!(!value.contains("alert") && name != "set-cookie", "{name}: {value}");
            }
        }
        let nowhere = get(server.address, &format!("/-/{encoded}/{encoded}.js"), "").await;
        assert_eq!(nowhere.status, 404);
        assert!(!nowhere.text().contains("alert"), "{}", nowhere.text());
    }
}
