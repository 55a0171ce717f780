//! Values of the domain as words of the command line, so that each is declared once.

use clap::ValueEnum;
use clap::builder::PossibleValue;

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
