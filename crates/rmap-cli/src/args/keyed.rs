//! Commands about one key: options, MAP, options, then KEY and everything behind it as data.
//!
//! The parser takes KEY, VALUE and ITEM as one argument that swallows the rest of the line. Only so does a value that looks
//! like an option stay a value. Their number is checked here.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::{ArgAction, Args as Arguments};

use super::{Hex, Lifetime, MapName};
use crate::command_error::CommandError;
use crate::input::Value;

/// Text below the help of each of these commands.
pub(super) const RULE: &str = "Options stand before KEY. KEY and all behind it are data and may begin with a hyphen.\n\
    A KEY that is an option, or one letter away from one, stands behind `--`; in scripts write `rmap ... MAP -- \"$KEY\"`.";

/// `-h` is no option here, as it may be a key.
#[derive(Debug, Clone, Copy, Arguments)]
pub(crate) struct Help {
    /// Print help
    #[arg(long, action = ArgAction::Help)]
    help: Option<bool>,
}

#[derive(Debug, Arguments)]
pub(crate) struct Get {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key.
    #[arg(value_name = "KEY", num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) data: Vec<OsString>,
    #[command(flatten)]
    pub(crate) hex: Hex,
    #[command(flatten)]
    help: Help,
}

impl Get {
    pub(crate) fn key(&self) -> Result<&OsStr, CommandError> {
        only_key(&self.data)
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Set {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key, and the value.
    #[arg(value_names = ["KEY", "VALUE"], num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) data: Vec<OsString>,
    /// Takes the value from a file, byte by byte, or from standard input when it is `-`.
    #[arg(long)]
    pub(crate) file: Option<PathBuf>,
    /// Only if there is no such key.
    #[arg(long, conflicts_with = "test")]
    pub(crate) test_absent: bool,
    /// Only if the key holds exactly this value.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) test: Option<OsString>,
    #[command(flatten)]
    pub(crate) hex: Hex,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
    #[command(flatten)]
    help: Help,
}

impl Set {
    pub(crate) fn key_and_value(&self) -> Result<(&OsStr, Value<'_>), CommandError> {
        match (&self.data[..], &self.file) {
            ([key, value], None) => Ok((key, Value::Argument(value))),
            ([key], Some(file)) => Ok((key, Value::File(file))),
            ([key], None) => Err(missing(&format!("the VALUE of {}, or --file before it,", quoted(key)))),
            ([_, value], Some(_)) => Err(unexpected(&self.data, value, "as --file gives the value")),
            ([_, _, more, ..], _) => Err(unexpected(&self.data, more, "behind the VALUE")),
            ([], _) => Err(missing("the KEY")),
        }
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Delete {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key.
    #[arg(value_name = "KEY", num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) data: Vec<OsString>,
    /// Only if the key holds exactly this value.
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub(crate) test: Option<OsString>,
    #[command(flatten)]
    pub(crate) hex: Hex,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
    #[command(flatten)]
    help: Help,
}

impl Delete {
    pub(crate) fn key(&self) -> Result<&OsStr, CommandError> {
        only_key(&self.data)
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Inc {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key, and what is added: a whole number with or without a sign, 1 unless given.
    #[arg(value_names = ["KEY", "DELTA"], num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) data: Vec<OsString>,
    #[command(flatten)]
    pub(crate) hex: Hex,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
    #[command(flatten)]
    help: Help,
}

impl Inc {
    pub(crate) fn key_and_delta(&self) -> Result<(&OsStr, i64), CommandError> {
        match &self.data[..] {
            [key] => Ok((key, 1)),
            [key, delta] => Ok((key, integer(delta)?)),
            [_, _, more, ..] => Err(unexpected(&self.data, more, "behind the DELTA")),
            [] => Err(missing("the KEY")),
        }
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Append {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key, and the items; without any item the current list is printed.
    #[arg(value_names = ["KEY", "ITEM"], num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) data: Vec<OsString>,
    /// Only those items that are not in the list yet.
    #[arg(long)]
    pub(crate) unique: bool,
    #[command(flatten)]
    pub(crate) hex: Hex,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
    #[command(flatten)]
    help: Help,
}

impl Append {
    pub(crate) fn key_and_items(&self) -> Result<(&OsStr, Vec<&str>), CommandError> {
        key_and_items(&self.data)
    }
}

#[derive(Debug, Arguments)]
pub(crate) struct Remove {
    #[command(flatten)]
    pub(crate) name: MapName,
    /// The key, and the items; every occurrence is removed. A list that becomes empty is deleted.
    #[arg(value_names = ["KEY", "ITEM"], num_args = 1.., required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) data: Vec<OsString>,
    #[command(flatten)]
    pub(crate) hex: Hex,
    #[command(flatten)]
    pub(crate) lifetime: Lifetime,
    #[command(flatten)]
    help: Help,
}

impl Remove {
    pub(crate) fn key_and_items(&self) -> Result<(&OsStr, Vec<&str>), CommandError> {
        let (key, items) = key_and_items(&self.data)?;
        if items.is_empty() {
            return Err(missing(&format!("an ITEM behind the KEY {}", quoted(key))));
        }
        Ok((key, items))
    }
}

fn only_key(data: &[OsString]) -> Result<&OsStr, CommandError> {
    match data {
        [key] => Ok(key),
        [_, more, ..] => Err(unexpected(data, more, "behind the KEY")),
        [] => Err(missing("the KEY")),
    }
}

fn key_and_items(data: &[OsString]) -> Result<(&OsStr, Vec<&str>), CommandError> {
    let [key, items @ ..] = data else { return Err(missing("the KEY")) };
    Ok((key, items.iter().map(|item| text(item)).collect::<Result<_, _>>()?))
}

fn text(item: &OsStr) -> Result<&str, CommandError> {
    item.to_str().ok_or_else(|| CommandError::Usage(format!("the ITEM {} is not UTF-8", quoted(item))))
}

fn integer(delta: &OsStr) -> Result<i64, CommandError> {
    let number = delta.to_str().and_then(|delta| delta.parse().ok());
    number.ok_or_else(|| {
        CommandError::Usage(format!("the DELTA {} is not a whole number of 64 bits", quoted(delta)))
    })
}

fn missing(what: &str) -> CommandError {
    CommandError::Usage(format!("{what} is required, but not given"))
}

/// The line says how to mend the commonest mistake, an option that stands too late.
fn unexpected(data: &[OsString], argument: &OsStr, place: &str) -> CommandError {
    let late = data.iter().skip(1).any(|word| word.as_encoded_bytes().starts_with(b"-"));
    let hint = if late { "; options stand before the KEY" } else { "" };
    CommandError::Usage(format!("unexpected argument {} {place}{hint}", quoted(argument)))
}

fn quoted(argument: &OsStr) -> String {
    format!("'{}'", argument.to_string_lossy().escape_debug())
}
