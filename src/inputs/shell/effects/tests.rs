//! Text to effects.
