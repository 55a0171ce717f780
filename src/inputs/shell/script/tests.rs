//! Text to commands.
