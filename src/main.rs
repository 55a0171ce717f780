//! The `malloclint` program: arguments, run, exit code.

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut err = io::stderr();
    let cli = match malloclint::Cli::read(std::env::args_os(), &mut err) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    malloclint::run(&cli, &mut out, &mut err).into()
}
