//! Dockerfiles and Containerfiles: a lossless parser ([`parse`]) and what it yields ([`syntax`]).

pub mod parse;
pub mod syntax;

pub use parse::parse;
