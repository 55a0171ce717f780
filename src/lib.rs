//! malloclint finds missing and wrong memory-allocator settings of Python services.

pub mod facts;
pub mod finding;
pub mod inputs;
pub mod model;
pub mod pages;
pub mod rules;
pub mod text;
