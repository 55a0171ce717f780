//! BuildKit's own parser, and where it and ours may differ.

pub(crate) mod known;
pub(crate) mod oracle;
mod view;
