//! The `malloclint` program: arguments, run, exit code.

use std::io;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = malloclint::Cli::parse();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let mut err = io::stderr();
    malloclint::run(&cli, &mut out, &mut err).into()
}
