//! The table of all settings in `docs/server.md`, from the definitions themselves.

use std::fmt::Write as _;

use clap::ArgAction;

use super::layers::{command, variable};

const BEGIN: &str = "<!-- settings: written by `MARU_WRITE_DOCS=1 cargo test --package maru-signaling --bin maru-server table` -->\n";
const END: &str = "<!-- end of settings -->\n";

fn table() -> String {
    let mut text =
        "| flag, and key in the file | environment | default | for |\n|---|---|---|---|\n".to_owned();
    let command = command();
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    for (arg, name) in shown.filter_map(|arg| Some((arg, arg.get_long()?))) {
        let value = arg.get_value_names().and_then(|names| names.first()).map(|name| format!(" {name}"));
        let value = value.filter(|_| !matches!(arg.get_action(), ArgAction::SetTrue)).unwrap_or_default();
        let defaults = arg.get_default_values().iter().map(|value| value.to_string_lossy());
        let default = defaults.filter(|value| !value.is_empty()).map(|value| format!("`{value}`"));
        let default =
            if matches!(arg.get_action(), ArgAction::SetTrue) { None } else { default.reduce(|all, _| all) };
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default().replace('|', "\\|");
        let _ = writeln!(
            text,
            "| `--{name}{value}` | `{}` | {} | {help} |",
            variable(name),
            default.unwrap_or_default()
        );
    }
    text
}

#[test]
fn the_table_in_the_docs_is_that_of_the_program() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/server.md");
    let docs = std::fs::read_to_string(path).unwrap().replace("\r\n", "\n");
    let (before, rest) = docs.split_once(BEGIN).expect("the table's beginning is marked");
    let (written, after) = rest.split_once(END).expect("the table's end is marked");
    let table = table();
    if std::env::var_os("MARU_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
    } else {
        assert_eq!(written, table, "write it anew by the command in docs/server.md");
    }
}
