//! `maru-server` as a program: what it says when it cannot start.

use std::process::{Command, Output};

use tokio::net::TcpListener;

fn maru_server(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_maru-server"));
    command.args(arguments).env_remove("RUST_LOG");
    command.output().unwrap()
}

fn failure(arguments: &[&str]) -> String {
    let output = maru_server(arguments);
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[tokio::test]
async fn a_port_in_use_is_a_clear_message_and_no_success() {
    let holder = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = holder.local_addr().unwrap().to_string();
    let text = failure(&["--listen", &address]);
    assert!(text.contains("is in use by another program") && text.contains("choose another port"), "{text}");
}

#[test]
fn an_address_that_is_none_is_a_clear_message() {
    for address in ["standup", "127.0.0.1", "127.0.0.1:99999", "ws://127.0.0.1:6278"] {
        let text = failure(&["--listen", address]);
        assert!(text.contains("is not an address to listen on") && text.contains("127.0.0.1:6278"), "{text}");
    }
    let text = failure(&["--listen", "192.0.2.1:0"]);
    assert!(text.contains("does not have the address 192.0.2.1"), "{text}");
}

#[test]
fn a_bus_that_is_no_url_of_redis_is_a_clear_message_without_what_may_be_a_password() {
    let text = failure(&["--bus", "http://user:sesame@127.0.0.1"]);
    assert!(text.contains("redis://HOST:6379") && !text.contains("sesame"), "{text}");
    let text = failure(&["--bus", "redis://127.0.0.1", "--bus-password-file", "/nowhere/password"]);
    assert!(text.contains("/nowhere/password"), "{text}");
}

#[test]
fn help_and_version_are_on_standard_output() {
    let help = maru_server(&["--help"]);
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("--listen") && text.contains("127.0.0.1:6278"), "{text}");
    let version = String::from_utf8(maru_server(&["--version"]).stdout).unwrap();
    assert_eq!(version.trim(), concat!("maru-server ", env!("CARGO_PKG_VERSION")));
}
