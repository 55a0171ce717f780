//! How a user wants changes to be spelled.

use serde::Deserialize;

use super::Goal;

/// How a user wants changes to be spelled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// What `LD_PRELOAD` is set to.
    pub preload: PreloadStyle,
    /// What `MALLOC_CONF` is set to where nobody has set it; `None` = the profile that fits.
    pub malloc_conf: Option<&'static str>,
    /// What the profile is to be good for.
    pub goal: Goal,
    /// Images with jemalloc get the thread hook.
    pub thread_hook: bool,
}

/// What `LD_PRELOAD` is set to where the loader finds the library by its name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PreloadStyle {
    /// The bare soname: right on every architecture.
    #[default]
    Soname,
    /// An absolute path; a link that the build makes where several architectures are possible.
    Path,
}
