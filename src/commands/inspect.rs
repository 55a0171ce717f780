//! `malloclint inspect`: live processes.

use std::io;

use super::{Status, trouble};
use crate::cli::{Inspect, InspectFormat};
use crate::inspect;
use crate::report::Lines;

pub(super) fn run(
    arguments: &Inspect,
    out: &mut dyn io::Write,
    err: &mut dyn io::Write,
) -> io::Result<Status> {
    let pids = match (arguments.pids.as_slice(), arguments.tree) {
        ([], _) => inspect::pythons(),
        (pids, true) => inspect::with_descendants(pids),
        (pids, false) => pids.to_vec(),
    };
    if pids.is_empty() {
        return trouble(
            "no process here runs Python that this user may read: name one by its PID",
            err,
        );
    }
    let (mut accounts, mut failed) = (Vec::new(), false);
    for pid in pids {
        match inspect::look(pid) {
            Ok(account) => accounts.push(account),
            Err(why) => {
                failed = true;
                trouble(&why.to_string(), err)?;
            }
        }
    }
    let mut lines = Lines::to(out);
    match arguments.format {
        InspectFormat::Json => inspect::json(&accounts, &mut lines)?,
        InspectFormat::Human => {
            for (index, account) in accounts.iter().enumerate() {
                if index > 0 {
                    io::Write::write_all(&mut lines, b"\n")?;
                }
                inspect::human(account, &mut lines)?;
            }
        }
    }
    io::Write::flush(&mut lines)?;
    Ok(if failed {
        Status::Trouble
    } else {
        Status::Clean
    })
}
