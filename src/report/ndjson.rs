//! One JSON object in each line, a finding each, as it stands in `findings` of `json`.

use std::io;

use super::{Run, json};

pub(super) fn write(run: &Run, out: &mut dyn io::Write) -> io::Result<()> {
    for entry in json::entries(run) {
        super::json_line(&serde_json::to_string(&entry)?, out)?;
    }
    Ok(())
}
