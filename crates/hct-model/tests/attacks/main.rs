//! One test per way that what comes from strangers can lie: the right error, naming the file and the
//! tensor. Damage, rather than lies, is in `tests/corruption.rs` and in those of hct-core.

mod bombs;
mod carried;
#[path = "../common/mod.rs"]
mod common;
mod folders;
mod gguf;
mod headers;
mod made;
mod nesting;
mod parts;
mod paths;
mod recovery;
