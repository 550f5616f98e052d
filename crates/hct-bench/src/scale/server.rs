//! A web server on loopback of one file, which counts what it sends.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write, copy};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use anyhow::Result;

/// The server; it ends with the process.
pub struct Server {
    /// Where the file is.
    pub url: String,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    requests: AtomicU64,
    sent: AtomicU64,
}

impl Server {
    /// Serves `file`.
    pub fn start(file: &Path) -> Result<Server> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Server {
            url: format!("http://{}/model.hct", listener.local_addr()?),
            counts: Arc::default(),
        };
        let (file, counts) = (file.to_owned(), Arc::clone(&server.counts));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (file, counts) = (file.clone(), Arc::clone(&counts));
                // Whoever asked may have gone.
                thread::spawn(move || drop(answer(stream, &file, &counts)));
            }
        });
        Ok(server)
    }

    /// Requests and bytes of the file since the last call.
    pub fn counts(&self) -> (u64, u64) {
        let take = |count: &AtomicU64| count.swap(0, Ordering::SeqCst);
        (take(&self.counts.requests), take(&self.counts.sent))
    }
}

fn answer(mut stream: TcpStream, file: &PathBuf, counts: &Counts) -> std::io::Result<()> {
    counts.requests.fetch_add(1, Ordering::SeqCst);
    let mut file = File::open(file)?;
    let len = file.metadata()?.len();
    let mut asked = None;
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("range: bytes=") {
            asked = range(value, len);
        }
    }
    let status = match &asked {
        Some(range) => {
            let (first, last) = (range.start, range.end - 1);
            format!("206 Partial Content\r\nContent-Range: bytes {first}-{last}/{len}")
        }
        None => "200 OK".into(),
    };
    let range = asked.unwrap_or(0..len);
    let count = range.end - range.start;
    counts.sent.fetch_add(count, Ordering::SeqCst);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nETag: \"1\"\r\nLast-Modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n\
         Content-Length: {count}\r\nConnection: close\r\n\r\n"
    )?;
    file.seek(SeekFrom::Start(range.start))?;
    copy(&mut file.take(count), &mut stream)?;
    Ok(())
}

/// `2-5` or `-3`.
fn range(value: &str, len: u64) -> Option<Range<u64>> {
    let (first, last) = value.split_once('-')?;
    let last: u64 = last.parse().ok()?;
    match first.parse::<u64>() {
        Ok(first) => Some(first..len.min(last + 1)),
        Err(_) => Some(len.saturating_sub(last)..len),
    }
}
