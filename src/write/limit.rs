//! A limit on the size of files is an error of writing, and no reason to be killed.

/// Lets a file that grows beyond the limit (`ulimit -f`) be an error where it is written.
#[cfg(target_os = "linux")]
pub(super) fn is_an_error() {
    use signal_hook::consts::SIGXFSZ;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Once};
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let noted = Arc::new(AtomicBool::new(false));
        // Where that does not work, the signal ends the program, as it did before.
        let _ = signal_hook::flag::register(SIGXFSZ, noted);
    });
}

#[cfg(not(target_os = "linux"))]
pub(super) fn is_an_error() {}
