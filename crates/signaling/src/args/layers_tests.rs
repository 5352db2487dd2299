//! Every layer, over every other.

use std::collections::HashMap;
use std::io::Write as _;

use super::*;

/// Settings by these flags, these variables, and a file of this text.
fn layered(flags: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> Result<Args, String> {
    let mut on_disk = tempfile::NamedTempFile::new().unwrap();
    let mut arguments: Vec<OsString> = vec!["maru-server".into()];
    if let Some(text) = file {
        on_disk.write_all(text.as_bytes()).unwrap();
        arguments.extend(["--config".into(), on_disk.path().into()]);
    }
    arguments.extend(flags.iter().map(OsString::from));
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    read(&arguments, |name| variables.get(name).map(OsString::from)).map_err(|wrong| match wrong {
        Wrong::Flag(error, sources) => format!("{error}\n{}", sources.join("\n")),
        Wrong::Setting(sentence) => sentence,
    })
}

fn participants(flags: &[&str], variables: &[(&str, &str)], file: Option<&str>) -> u32 {
    layered(flags, variables, file).unwrap().config(usize::MAX).unwrap().limits.peers_per_room
}

#[test]
fn a_flag_wins_over_the_environment_and_that_over_the_file_and_that_over_the_default() {
    let flag = ["--max-peers-per-room", "3"];
    let env = [("MARU_SERVER_MAX_PEERS_PER_ROOM", "4")];
    let file = Some("max-peers-per-room = 5");
    assert_eq!(participants(&flag, &env, file), 3);
    assert_eq!(participants(&["--max-peers-per-room=3"], &env, file), 3);
    assert_eq!(participants(&[], &env, file), 4);
    assert_eq!(participants(&[], &[], file), 5);
    assert_eq!(participants(&[], &[], None), maru_protocol::Limits::default().peers_per_room);
    assert_eq!(participants(&[], &[("MARU_SERVER_MAX_PEERS_PER_ROOM", "")], file), 5, "empty is none");
}

#[test]
fn settings_of_which_there_are_several_are_replaced_as_a_whole() {
    let origins = |flags: &[&str], variables: &[(&str, &str)], file| {
        layered(flags, variables, file).unwrap().config(usize::MAX).unwrap().allowed_origins
    };
    let env = [("MARU_SERVER_ALLOW_ORIGIN", "https://a.example  https://b.example")];
    let file = Some("allow-origin = [\"https://c.example\", \"https://d.example\"]");
    assert_eq!(origins(&["--allow-origin", "https://e.example"], &env, file), ["https://e.example"]);
    assert_eq!(origins(&[], &env, file), ["https://a.example", "https://b.example"]);
    assert_eq!(origins(&[], &[], file), ["https://c.example", "https://d.example"]);
}

#[test]
fn rules_about_flags_hold_wherever_the_settings_come_from() {
    let missing = layered(&[], &[], Some("tls-cert = \"cert.pem\"")).unwrap_err();
    assert!(missing.contains("--tls-key"), "{missing}");
    let both = layered(&["--acme-domain", "a.example"], &[], Some("tls-self-signed = true")).unwrap_err();
    assert!(both.contains("cannot be used with"), "{both}");
    assert!(layered(&["--acme-domain", "a.example"], &[], Some("tls-self-signed = false")).is_ok());
    assert!(layered(&["--tls-key", "key.pem"], &[("MARU_SERVER_TLS_CERT", "cert.pem")], None).is_ok());
}

#[test]
fn what_is_wrong_is_named_with_where_it_comes_from() {
    for (variables, file, said) in [
        (
            &[][..],
            "max-peer-per-rom = 5",
            &["\"max-peer-per-rom\"", "Did you mean \"max-peers-per-room\"?"][..],
        ),
        (&[], "max_rooms = 5", &["Did you mean \"max-rooms\"?"]),
        (&[], "colour = \"blue\"", &["\"colour\"", "maru-server --help"]),
        (&[], "config = \"other.toml\"", &["\"config\""]),
        (&[], "[tls]\ncert = 1", &["\"tls\""]),
        (&[], "max-rooms = ", &["is not TOML", "line 1"]),
        (&[], "max-rooms = 1.5", &["\"max-rooms\"", "whole number"]),
        (&[], "tls-self-signed = \"maybe\"", &["true or false"]),
        (&[], "stun = [1]", &["list of texts"]),
        (&[], "max-peers-per-room = 1", &["2..=1000", "--max-peers-per-room comes from /"]),
        (&[("MARU_SERVER_TLS_SELF_SIGNED", "maybe")], "", &["MARU_SERVER_TLS_SELF_SIGNED", "true or false"]),
        (&[("MARU_SERVER_MAX_ROOMS", "many")], "", &["--max-rooms comes from MARU_SERVER_MAX_ROOMS"]),
    ] {
        let error = layered(&[], variables, Some(file)).unwrap_err();
        for part in said {
            assert!(error.contains(part), "{part:?} is not in: {error}");
        }
    }
    let error = layered(&["--config", "/no/such/file"], &[], None).unwrap_err();
    assert!(error.contains("/no/such/file cannot be read"), "{error}");
}

#[test]
fn the_token_may_be_in_a_file_of_its_own() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().to_str().unwrap().to_owned();
    let config = |flags: &[&str]| layered(flags, &[], None).unwrap().config(usize::MAX);
    let error = config(&["--token-file", &path]).unwrap_err().to_string();
    assert!(error.contains("is empty"), "a private server does not become an open one: {error}");
    file.write_all(b"sesame\n").unwrap();
    assert_eq!(config(&["--token-file", &path]).unwrap().token.as_deref(), Some("sesame"));
    let error = config(&["--token-file", "/no/such/file"]).unwrap_err();
    assert!(format!("{error:#}").contains("/no/such/file"), "{error:#}");
    let both = layered(&["--token", "a", "--token-file", &path], &[], None).unwrap_err();
    assert!(both.contains("cannot be used with"), "{both}");
}

#[test]
fn the_server_takes_no_more_connections_than_the_system_gives_files() {
    let most =
        |flags: &[&str], files| layered(flags, &[], None).unwrap().config(files).unwrap().max_connections;
    assert_eq!(most(&[], 1024), 896);
    assert_eq!(most(&["--max-connections", "10"], 1024), 10);
}

/// A file of `deploy/`.
fn deployed(name: &str) -> String {
    std::fs::read_to_string(format!("{}/deploy/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn the_settings_to_begin_with_are_taken_the_proposed_ones_too() {
    let text = deployed("server.toml");
    assert!(layered(&[], &[], Some(&text)).is_ok());
    // A line that is a setting when it is no comment any more; each by itself, some exclude each other.
    let proposed =
        text.lines().filter_map(|line| line.strip_prefix("# ").filter(|line| line.contains(" = ")));
    let mut count = 0;
    for line in proposed {
        count += 1;
        let needed = match line.split(' ').next() {
            Some("tls-cert") => "tls-key = \"key.pem\"",
            Some("tls-key") => "tls-cert = \"cert.pem\"",
            Some("acme-email") => "acme-domain = \"call.example.org\"",
            _ => "",
        };
        layered(&[], &[], Some(&format!("{line}\n{needed}")))
            .unwrap_or_else(|error| panic!("{line}: {error}"));
    }
    assert_eq!(count, 7);
}

#[test]
fn the_variables_that_services_set_are_those_of_the_program() {
    let known: Vec<String> = command().get_arguments().filter_map(Arg::get_long).map(variable).collect();
    for file in ["maru-server.service", "Containerfile"] {
        let text = deployed(file);
        let named =
            text.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with(PREFIX));
        let named: Vec<&str> = named.collect();
        assert!(named.len() >= 2, "{file} sets something");
        for name in named {
            assert!(known.iter().any(|known| known == name), "{name} in {file}");
        }
    }
}
