//! What requests run on.

use std::io;
use std::sync::OnceLock;

use tokio::runtime::{Builder, Runtime};

/// The runtime of all requests; made when it is first asked for.
pub(super) fn runtime() -> io::Result<&'static Runtime> {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    if let Some(runtime) = RUNTIME.get() {
        return Ok(runtime);
    }
    // One may be there already, of a program that brings its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("hct-remote")
        .enable_all()
        .build()?;
    Ok(RUNTIME.get_or_init(|| runtime))
}
