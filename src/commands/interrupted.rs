//! What is left in order where somebody ends the program: folders of its own go, and so does what it started.

#[cfg(target_os = "linux")]
pub(super) fn first(clean: impl FnOnce() + Send + 'static) {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    // Where that does not work, signals end the program, as they would without it.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else {
        return;
    };
    std::thread::spawn(move || {
        if let Some(signal) = signals.forever().next() {
            clean();
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    });
}

#[cfg(not(target_os = "linux"))]
pub(super) fn first(_clean: impl FnOnce() + Send + 'static) {}
