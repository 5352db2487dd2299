//! Where settings come from: a flag wins over the environment, that over the file of `--config`, and that
//! over the default. Every flag `--some-thing` is `MARU_SERVER_SOME_THING` in the environment and
//! `some-thing` in the file; nothing here lists them.
//!
//! What was not given as a flag is put in front of the command line as if it had been: so every rule
//! about flags holds for the other two.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory as _, FromArgMatches as _};
use toml::{Table, Value};

use super::Args;

/// The beginning of every variable.
const PREFIX: &str = "MARU_SERVER_";

/// What cannot come from the file.
const NOT_IN_FILE: [&str; 3] = ["config", "help", "version"];

/// Letters in which a key may differ from the one that was meant.
const TYPOS: usize = 4;

/// Reads the settings, or says what is wrong with them and ends the program.
pub(super) fn parse() -> Args {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    match read(&arguments, |name| std::env::var_os(name)) {
        Ok(args) => args,
        Err(Wrong::Flag(error, sources)) => {
            let _ = error.print();
            for source in sources {
                eprintln!("{source}");
            }
            std::process::exit(error.exit_code());
        }
        Err(Wrong::Setting(sentence)) => {
            eprintln!("maru-server: {sentence}");
            std::process::exit(2);
        }
    }
}

/// Why there are no settings.
#[derive(Debug)]
pub(super) enum Wrong {
    /// Also that help was asked for; with where the settings named in it come from, if not from flags.
    Flag(clap::Error, Vec<String>),
    /// A sentence.
    Setting(String),
}

/// Reads the settings from a command line and an environment.
pub(super) fn read(arguments: &[OsString], env: impl Fn(&str) -> Option<OsString>) -> Result<Args, Wrong> {
    let command = command();
    // An empty variable is how some tools write "none".
    let env = |name: &str| env(name).filter(|value| !value.is_empty());
    let file = match given(arguments, "config")
        .map(PathBuf::from)
        .or_else(|| env(&variable("config")).map(Into::into))
    {
        Some(path) => Some((read_file(&path, &command)?, path)),
        None => None,
    };
    let mut layered: Vec<OsString> = arguments.iter().take(1).cloned().collect();
    let mut sources = Vec::new();
    for arg in command.get_arguments() {
        let Some(name) = arg.get_long().filter(|name| given(arguments, name).is_none()) else { continue };
        let of_env = env(&variable(name)).map(|value| (value, variable(name)));
        if let Some((value, source)) = of_env {
            inject_text(&mut layered, arg, name, &value)
                .map_err(|why| Wrong::Setting(format!("{source} cannot be used: {why}.")))?;
            sources.push((name.to_owned(), source));
        } else if let Some((table, path)) = &file
            && let Some(value) = table.get(name)
        {
            inject_value(&mut layered, arg, name, value).map_err(|why| {
                Wrong::Setting(format!("\"{name}\" in {} cannot be used: {why}.", path.display()))
            })?;
            sources.push((name.to_owned(), path.display().to_string()));
        }
    }
    layered.extend(arguments.iter().skip(1).cloned());
    let matches = command.try_get_matches_from(layered).and_then(|matches| Args::from_arg_matches(&matches));
    matches.map_err(|error| {
        let text = error.to_string();
        let named = sources.into_iter().filter(|(name, _)| text.contains(&format!("--{name}")));
        let said = named.map(|(name, source)| format!("--{name} comes from {source}")).collect();
        Wrong::Flag(error, if error_is_help(&text) { Vec::new() } else { said })
    })
}

/// Help names every flag.
fn error_is_help(text: &str) -> bool {
    !text.starts_with("error")
}

/// The command line.
pub(super) fn command() -> Command {
    Args::command().after_help(
        "Each --some-thing is also a variable of the environment, MARU_SERVER_SOME_THING, and a key of the \
         configuration file, some-thing. A flag wins over a variable, that over the file.",
    )
}

/// The variable of a flag.
pub(super) fn variable(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('-', "_").to_uppercase())
}

/// What was given for a flag, if it was: nothing for one without a value.
fn given<'a>(arguments: &'a [OsString], name: &str) -> Option<&'a OsStr> {
    let long = format!("--{name}");
    let mut rest = arguments.iter().skip(1);
    while let Some(argument) = rest.next() {
        if argument == long.as_str() {
            return Some(rest.next().map_or(OsStr::new(""), OsString::as_os_str));
        }
        let value = argument.to_str().and_then(|text| text.strip_prefix(&long)?.strip_prefix('='));
        if let Some(value) = value {
            return Some(OsStr::new(value));
        }
    }
    None
}

fn read_file(path: &Path, command: &Command) -> Result<Table, Wrong> {
    let wrong = |why: String| Wrong::Setting(format!("The configuration file {} {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(format!("cannot be read: {error}.")))?;
    let table: Table = text.parse().map_err(|error| wrong(format!("is not TOML: {error}")))?;
    let known: Vec<&str> = command.get_arguments().filter_map(Arg::get_long).collect();
    for key in table.keys() {
        if NOT_IN_FILE.contains(&key.as_str()) || !known.contains(&key.as_str()) {
            return Err(wrong(format!(
                "has a setting that there is none of: \"{key}\".{}",
                nearest(key, &known)
            )));
        }
    }
    Ok(table)
}

/// A hint at the setting that was meant, if one is near.
fn nearest(key: &str, known: &[&str]) -> String {
    let key = key.replace('_', "-").to_lowercase();
    let distance = |name: &&&str| strsim::damerau_levenshtein(&key, name);
    let names = known.iter().filter(|name| !NOT_IN_FILE.contains(name));
    match names.min_by_key(distance).filter(|name| distance(name) <= TYPOS) {
        Some(name) => format!(" Did you mean \"{name}\"?"),
        None => " `maru-server --help` names all: --some-thing is \"some-thing\" there.".to_owned(),
    }
}

fn inject(layered: &mut Vec<OsString>, name: &str, value: &OsStr) {
    let mut argument = OsString::from(format!("--{name}="));
    argument.push(value);
    layered.push(argument);
}

/// Adds what a variable says.
fn inject_text(layered: &mut Vec<OsString>, arg: &Arg, name: &str, value: &OsStr) -> Result<(), String> {
    match (arg.get_action(), value.to_str()) {
        (ArgAction::SetTrue, Some("1" | "true" | "yes" | "on")) => layered.push(format!("--{name}").into()),
        (ArgAction::SetTrue, Some("0" | "false" | "no" | "off")) => {}
        (ArgAction::SetTrue, _) => return Err("say true or false".to_owned()),
        // Addresses and names of which there may be several: no space is in any.
        (ArgAction::Append, Some(text)) => {
            text.split_whitespace().for_each(|one| inject(layered, name, OsStr::new(one)));
        }
        _ => inject(layered, name, value),
    }
    Ok(())
}

/// Adds what the file says.
fn inject_value(layered: &mut Vec<OsString>, arg: &Arg, name: &str, value: &Value) -> Result<(), String> {
    match (arg.get_action(), value) {
        (ArgAction::SetTrue, Value::Boolean(true)) => layered.push(format!("--{name}").into()),
        (ArgAction::SetTrue, Value::Boolean(false)) => {}
        (ArgAction::SetTrue, _) => return Err("say true or false".to_owned()),
        (_, Value::String(text)) => inject(layered, name, OsStr::new(text)),
        (_, Value::Integer(number)) => inject(layered, name, OsStr::new(&number.to_string())),
        (ArgAction::Append, Value::Array(values)) => {
            for value in values {
                let Value::String(text) = value else { return Err("write a list of texts".to_owned()) };
                inject(layered, name, OsStr::new(text));
            }
        }
        (ArgAction::Append, _) => return Err("write a text, or a list of texts".to_owned()),
        _ => return Err("write a text or a whole number".to_owned()),
    }
    Ok(())
}

#[cfg(test)]
#[path = "layers_tests.rs"]
mod tests;
