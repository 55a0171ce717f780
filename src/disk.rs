//! The one door to the disk: what may be read of a project, and how its files are called.

mod places;
mod root;

pub(crate) use places::{absolute, is_repository, places, shown, straight, top};
pub use root::Roots;
pub(crate) use root::{bytes, head, length, limited};
