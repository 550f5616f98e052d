//! A small web server on loopback, with faults.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// What is wrong with the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// It sends whole files only.
    NoRanges,
    /// The first so many requests fail for now.
    Unavailable(u64),
    /// The first so many responses break off half-way.
    CutOff(u64),
    /// It sends less than was asked for, and says that it is all.
    Short,
    /// From this request on the object is another, and the server minds what it is asked for.
    ChangedAt(u64),
    /// The same of one that does not mind, and has no tags but times.
    SilentlyChangedAt(u64),
    /// There is nothing.
    NotFound,
    /// It answers those who ask by the query [`SIGNATURE`] alone.
    Unsigned,
}

/// What a URL may be signed with.
pub const SIGNATURE: &str = "X-Sig=s3cr%2Fet&expires=9";

/// A server of one object at any path.
pub struct Server {
    pub url: String,
    requests: Arc<AtomicU64>,
    bytes: Arc<AtomicU64>,
}

impl Server {
    pub fn start(object: Vec<u8>, fault: Fault) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/models/m.hct", listener.local_addr().unwrap());
        let server = Server {
            url,
            requests: Arc::default(),
            bytes: Arc::default(),
        };
        let (requests, bytes) = (Arc::clone(&server.requests), Arc::clone(&server.bytes));
        let object = Arc::new(object);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let number = requests.fetch_add(1, Ordering::SeqCst);
                let (object, bytes) = (Arc::clone(&object), Arc::clone(&bytes));
                thread::spawn(move || {
                    // Whoever asked may have gone.
                    let _ = answer(stream, &object, fault, number, &bytes);
                });
            }
        });
        server
    }

    /// Requests and bytes of the object since the last call.
    pub fn counts(&self) -> (u64, u64) {
        (
            self.requests.swap(0, Ordering::SeqCst),
            self.bytes.swap(0, Ordering::SeqCst),
        )
    }
}

fn answer(
    stream: TcpStream,
    object: &[u8],
    fault: Fault,
    number: u64,
    sent: &AtomicU64,
) -> std::io::Result<()> {
    let mut asked: Option<Range<usize>> = None;
    let (mut if_match, mut signed) = (None, false);
    for line in BufReader::new(stream.try_clone()?).lines() {
        let line = line?;
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(": ").unwrap_or((&line, ""));
        match name.to_ascii_lowercase().as_str() {
            request if request.starts_with("get ") => {
                signed = line.contains(&format!("?{SIGNATURE} "));
            }
            "range" => asked = range(value, object.len()),
            "if-match" => if_match = Some(value.to_owned()),
            _ => {}
        }
    }
    let mut out = stream;
    let changed =
        matches!(fault, Fault::ChangedAt(at) | Fault::SilentlyChangedAt(at) if number >= at);
    let tag = if changed { "\"after\"" } else { "\"before\"" };
    let status = |out: &mut TcpStream, line: &str| {
        write!(
            out,
            "HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
    };
    match fault {
        Fault::NotFound => return status(&mut out, "404 Not Found"),
        Fault::Unsigned if !signed => return status(&mut out, "403 Forbidden"),
        Fault::Unavailable(first) if number < first => {
            return status(&mut out, "503 Service Unavailable");
        }
        Fault::ChangedAt(_) if if_match.is_some_and(|wanted| wanted != tag) => {
            return status(&mut out, "412 Precondition Failed");
        }
        _ => {}
    }
    let asked = asked.filter(|_| fault != Fault::NoRanges);
    let mut range = asked.clone().unwrap_or(0..object.len());
    if fault == Fault::Short {
        range.end -= 1;
    }
    let body = &object[range.clone()];
    match asked {
        Some(_) => write!(
            out,
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {}-{}/{}\r\n",
            range.start,
            range.end - 1,
            object.len()
        )?,
        None => write!(out, "HTTP/1.1 200 OK\r\n")?,
    }
    let hour = if changed { 1 } else { 0 };
    if !matches!(fault, Fault::SilentlyChangedAt(_)) {
        write!(out, "ETag: {tag}\r\n")?;
    }
    write!(
        out,
        "Last-Modified: Wed, 25 Nov 2026 0{hour}:00:00 GMT\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        body.len()
    )?;
    let body = match fault {
        Fault::CutOff(first) if number < first => &body[..body.len() / 2],
        _ => body,
    };
    sent.fetch_add(body.len() as u64, Ordering::SeqCst);
    out.write_all(body)
}

/// `bytes=2-5`, `bytes=2-` or `bytes=-3`.
fn range(value: &str, len: usize) -> Option<Range<usize>> {
    let (first, last) = value.strip_prefix("bytes=")?.split_once('-')?;
    match (first.parse::<usize>(), last.parse::<usize>()) {
        (Ok(first), Ok(last)) => Some(first..len.min(last + 1)),
        (Ok(first), Err(_)) => Some(first..len),
        (Err(_), Ok(last)) => Some(len.saturating_sub(last)..len),
        _ => None,
    }
}
