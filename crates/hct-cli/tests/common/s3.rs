//! A small S3 server on loopback: one bucket, uploads in parts, reads by ranges.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What the server has.
#[derive(Default)]
pub struct Bucket {
    pub objects: HashMap<String, Vec<u8>>,
    /// Uploads that have not ended, by their numbers, and their parts.
    pub uploads: HashMap<u64, BTreeMap<u64, Vec<u8>>>,
    /// Uploads begun.
    pub begun: u64,
    /// Whether parts are refused from the second on.
    pub refuses_parts: bool,
}

pub struct S3 {
    pub endpoint: String,
    pub bucket: Arc<Mutex<Bucket>>,
}

impl S3 {
    pub fn start() -> S3 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let bucket: Arc<Mutex<Bucket>> = Arc::default();
        let shared = Arc::clone(&bucket);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let bucket = Arc::clone(&shared);
                // Whoever asked may have gone.
                thread::spawn(move || drop(answer(stream, &bucket)));
            }
        });
        S3 { endpoint, bucket }
    }

    /// The variables by which programs find it.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT", self.endpoint.clone()),
            ("AWS_ALLOW_HTTP", "true".into()),
            ("AWS_ACCESS_KEY_ID", "key".into()),
            ("AWS_SECRET_ACCESS_KEY", "secret".into()),
            ("AWS_REGION", "us-east-1".into()),
        ]
    }
}

struct Request {
    method: String,
    path: String,
    query: HashMap<String, String>,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> std::io::Result<Request> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let query = query.split('&').map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), value.to_owned())
    });
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let len = headers
        .get("content-length")
        .map_or(0, |len| len.parse().unwrap());
    let mut body = vec![0; len];
    reader.read_exact(&mut body)?;
    Ok(Request {
        method,
        path: path.to_owned(),
        query: query.collect(),
        headers,
        body,
    })
}

fn answer(mut stream: TcpStream, bucket: &Mutex<Bucket>) -> std::io::Result<()> {
    let request = read(&stream)?;
    let mut bucket = bucket.lock().unwrap();
    let upload = request.query.get("uploadId").and_then(|id| id.parse().ok());
    let (status, more, body) = match (&request.method[..], upload) {
        ("POST", None) => {
            bucket.begun += 1;
            let id = bucket.begun;
            bucket.uploads.insert(id, BTreeMap::new());
            (
                "200 OK",
                String::new(),
                xml("InitiateMultipartUploadResult", "UploadId", id),
            )
        }
        ("PUT", Some(id)) => {
            let part: u64 = request.query["partNumber"].parse().unwrap();
            match part > 1 && bucket.refuses_parts {
                true => ("403 Forbidden", String::new(), Vec::new()),
                false => {
                    bucket
                        .uploads
                        .get_mut(&id)
                        .unwrap()
                        .insert(part, request.body);
                    ("200 OK", format!("ETag: \"{part}\"\r\n"), Vec::new())
                }
            }
        }
        ("POST", Some(id)) => {
            let parts = bucket.uploads.remove(&id).unwrap();
            let whole: Vec<u8> = parts.into_values().flatten().collect();
            bucket.objects.insert(request.path, whole);
            (
                "200 OK",
                String::new(),
                xml("CompleteMultipartUploadResult", "ETag", 1),
            )
        }
        ("DELETE", Some(id)) => {
            bucket.uploads.remove(&id);
            ("204 No Content", String::new(), Vec::new())
        }
        _ => match bucket.objects.get(&request.path) {
            None => ("404 Not Found", String::new(), Vec::new()),
            Some(object) => get(object, &request.headers),
        },
    };
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    match request.method == "HEAD" {
        true => Ok(()),
        false => stream.write_all(&body),
    }
}

/// An object, or a range of it: `bytes=2-5` or `bytes=-3`.
fn get(object: &[u8], headers: &HashMap<String, String>) -> (&'static str, String, Vec<u8>) {
    let same = "ETag: \"1\"\r\nLast-Modified: Wed, 25 Nov 2026 00:00:00 GMT\r\n";
    let range = headers
        .get("range")
        .and_then(|range| range.strip_prefix("bytes="));
    let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
        return ("200 OK", same.to_owned(), object.to_vec());
    };
    let last: usize = last.parse().unwrap();
    let range = match first.parse::<usize>() {
        Ok(first) => first..object.len().min(last + 1),
        Err(_) => object.len().saturating_sub(last)..object.len(),
    };
    let (first, last, all) = (range.start, range.end - 1, object.len());
    let headers = format!("{same}Content-Range: bytes {first}-{last}/{all}\r\n");
    ("206 Partial Content", headers, object[range].to_vec())
}

fn xml(outer: &str, inner: &str, value: u64) -> Vec<u8> {
    format!("<?xml version=\"1.0\"?><{outer}><{inner}>{value}</{inner}></{outer}>").into_bytes()
}
