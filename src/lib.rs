//! malloclint finds missing and wrong memory-allocator settings of Python services.

pub mod facts;
pub mod inputs;
pub mod text;
