//! Expression engines live here; cargo needs a library target even while the crate only pins sources.
