//! Values of the domain as words of the command line, so that each is declared once.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command, Error, ValueEnum};

use crate::finding::Confidence;
use crate::policy::FailOn;
use crate::report::Format;
use crate::templates::{Goal, PreloadStyle};

impl ValueEnum for Goal {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Balanced, Self::LowMemory, Self::Throughput]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let value = PossibleValue::new(self.name());
        Some(value.help(match self {
            Self::Balanced => "Memory and speed alike",
            Self::LowMemory => "Memory first",
            Self::Throughput => "Speed first",
        }))
    }
}

impl ValueEnum for PreloadStyle {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Soname, Self::Path]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Soname => (
                "soname",
                "The library's bare name, which the loader finds on every architecture",
            ),
            Self::Path => (
                "path",
                "An absolute path, by way of a link where the image is for several architectures",
            ),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

impl ValueEnum for Confidence {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Possible, Self::Likely, Self::Certain]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.word()))
    }
}

impl ValueEnum for FailOn {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::Info, Self::Warning, Self::Error, Self::Never]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let (name, help) = match self {
            Self::Info => ("info", "Advice, too"),
            Self::Warning => (
                "warning",
                "What is wrong on some platform or clearly harmful",
            ),
            Self::Error => ("error", "What does not do what is written"),
            Self::Never => ("never", "Findings never do"),
        };
        Some(PossibleValue::new(name).help(help))
    }
}

/// A report, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// How it is written.
    pub format: Format,
    /// The file; standard output where none is named.
    pub file: Option<PathBuf>,
}

/// Reads `FORMAT` or `FORMAT=FILE`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FormatParser;

impl TypedValueParser for FormatParser {
    type Value = Output;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Output, Error> {
        let text = value.to_string_lossy();
        let (name, file) = match text.split_once('=') {
            Some((name, file)) => (name, Some(file)),
            None => (&*text, None),
        };
        let parser = EnumValueParser::<Format>::new();
        let format = parser.parse_ref(command, argument, OsStr::new(name))?;
        Ok(Output {
            format,
            file: file.filter(|file| !file.is_empty()).map(PathBuf::from),
        })
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let formats = Format::value_variants().iter();
        Some(Box::new(formats.filter_map(ValueEnum::to_possible_value)))
    }
}
