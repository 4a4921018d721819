//! Replays a log in one model per policy: ghosts, and what each policy breaks or mends.
#![forbid(unsafe_code)]
