//! HCT files at URLs, on servers good and bad.

mod server;

use std::error::Error as _;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hct_core::{Dtype, HctReader, TensorMeta, TensorRecord};
use hct_model::{Error, HctFile, Header, Metered, Safetensors, TensorInfo, encode, verify};
use hct_strategies::{Plan, Strategy, StrategyName, StrategySpec};
use server::{Fault, SIGNATURE, Server};

const ROWS: u64 = 8192;
const COLS: u64 = 192;

/// A file of three matrices, in two fragments each, much longer than what is read to open it.
fn file() -> Vec<u8> {
    let tensors: Vec<TensorInfo> = (0..3)
        .map(|i| TensorInfo {
            name: format!("t{i}"),
            dtype: Dtype::F32,
            shape: vec![ROWS, COLS],
        })
        .collect();
    let header = Header::of(&tensors).unwrap();
    let mut bytes = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.header_bytes());
    let mut state = 7u64;
    for _ in 0..3 * ROWS * COLS {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let x = (state >> 40) as f32 / 8_388_608.0 - 1.0;
        bytes.extend(x.to_le_bytes());
    }
    let source = Safetensors::new("made up", [("m.safetensors", bytes)]).unwrap();
    let options = hct_model::CompressOptions {
        side_files: true,
        provenance: None,
        base: None,
        hashes: false,
    };
    encode(&source, Vec::new(), &*fragments(), options, &())
        .unwrap()
        .0
}

fn fragments() -> Box<dyn Strategy> {
    let spec = StrategySpec::builder(StrategyName::Adaptive)
        .cosine(0.999)
        .fragments(2);
    match spec.finish().unwrap().plan([], None).unwrap() {
        Plan::Strategy(strategy) => strategy,
        _ => unreachable!("a cosine is no size"),
    }
}

fn open(server: &Server) -> Result<HctFile, Error> {
    HctFile::open(&server.url)
}

/// The messages of an error and of all that is behind it.
fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        text += &format!(": {error}");
        behind = error.source();
    }
    text
}

#[test]
fn opening_takes_a_request_and_a_tensor_another() {
    let bytes = file();
    let server = Server::start(bytes.clone(), Fault::None);
    let model = open(&server).unwrap();
    let (requests, read) = server.counts();
    assert_eq!((requests, read), (1, 64 << 10));
    let local = HctReader::open(bytes).unwrap();
    for i in 0..2 {
        let record: &TensorRecord = &local.index().tensors[i];
        let decoded = model.tensor(i).unwrap().decode().unwrap();
        assert!(decoded == local.decode(i).unwrap());
        assert_eq!(
            server.counts(),
            (1, record.payload_bytes()),
            "{}",
            record.name
        );
    }
}

#[test]
fn rows_and_fragments_transfer_what_they_need() {
    let bytes = file();
    let server = Server::start(bytes.clone(), Fault::None);
    let model = open(&server).unwrap();
    // What is read of the same file here, trailer and index aside.
    let (source, count) = Metered::new(&bytes);
    let metered = HctReader::open(source).unwrap();
    let opened = count.load(Ordering::Relaxed);
    server.counts();
    let needed = metered
        .tensor(0)
        .unwrap()
        .rows(700..710)
        .unwrap()
        .decode()
        .unwrap();
    let rows = model
        .tensor(0)
        .unwrap()
        .rows(700..710)
        .unwrap()
        .decode()
        .unwrap();
    assert!(rows == needed);
    let tiles = count.load(Ordering::Relaxed) - opened;
    let (requests, read) = server.counts();
    assert!(read <= tiles + tiles / 100, "{read} of {tiles}");
    assert!(
        requests <= 4 && tiles < metered.index().tensors[0].payload_bytes() * 2 / 3,
        "{requests} {tiles}"
    );

    let first = open(&server).unwrap().with_fragments(1);
    server.counts();
    let record = &model.index().tensors[1];
    first.tensor(1).unwrap().decode().unwrap();
    let (_, read) = server.counts();
    let whole = record.payload_bytes();
    assert!(0 < read && read < whole * 2 / 3, "{read} of {whole}");
}

#[test]
fn everything_is_checked_as_in_a_file() {
    let mut bytes = file();
    let server = Server::start(bytes.clone(), Fault::None);
    assert!(verify(&open(&server).unwrap(), &()).is_empty());
    bytes[5000] ^= 4;
    let server = Server::start(bytes, Fault::None);
    let failures = verify(&open(&server).unwrap(), &());
    assert_eq!(failures.len(), 1);
    assert_eq!(failures[0].name, "t0");
}

#[test]
fn what_fails_for_now_is_asked_for_again() {
    let bytes = file();
    for fault in [Fault::Unavailable(2), Fault::CutOff(2)] {
        let server = Server::start(bytes.clone(), fault);
        let model = open(&server).unwrap();
        model.verify(1).unwrap();
        assert!(server.counts().0 >= 4, "{fault:?}");
    }
}

#[test]
fn what_cannot_be_read_says_why_in_time() {
    let bytes = file();
    let begin = Instant::now();
    let said = |fault| {
        let server = Server::start(bytes.clone(), fault);
        let result = open(&server).and_then(|model| model.verify(0).map(|()| model));
        chain(&result.err().unwrap())
    };
    let no_ranges = said(Fault::NoRanges);
    assert!(no_ranges.contains("download the file"), "{no_ranges}");
    let not_found = said(Fault::NotFound);
    assert!(not_found.contains("no such object"), "{not_found}");
    let short = said(Fault::Short);
    // By object_store, of the range that was asked for and the one that came.
    assert!(short.contains("Requested"), "{short}");
    let query = HctFile::open("s3://models/m.hct?signature=s3cret")
        .err()
        .unwrap();
    let query = chain(&query);
    assert!(
        query.contains("queries go with http") && !query.contains("s3cret"),
        "{query}"
    );
    let ftp = HctFile::open("ftp://127.0.0.1/m.hct").err().unwrap();
    assert!(chain(&ftp).contains("not a kind of URL"), "{}", chain(&ftp));
    assert!(begin.elapsed() < Duration::from_secs(60));
}

#[test]
fn a_signed_url_is_asked_for_as_it_is_and_never_shown() {
    let bytes = file();
    let server = Server::start(bytes.clone(), Fault::Unsigned);
    let signed = format!("{}?{SIGNATURE}", server.url);
    let model = HctFile::open(&signed).unwrap();
    model.verify(1).unwrap();
    assert_eq!(model.name().to_str().unwrap(), format!("{}?…", server.url));
    let wrong = format!("{}?X-Sig=s3cret", server.url);
    // Nobody listens there.
    let nobody = "http://me:s3cret@127.0.0.1:1/m.hct?X-Sig=s3cret".to_owned();
    for url in [wrong, nobody] {
        let said = chain(&HctFile::open(&url).err().unwrap());
        assert!(
            said.contains("m.hct?…") && !said.contains("s3cret"),
            "{said}"
        );
    }
}

#[test]
fn an_object_that_changes_is_not_read_on() {
    let bytes = file();
    for fault in [Fault::ChangedAt(2), Fault::SilentlyChangedAt(2)] {
        let server = Server::start(bytes.clone(), fault);
        let model = open(&server).unwrap();
        model.verify(0).unwrap();
        let error = model.verify(1).unwrap_err();
        let text = chain(&error);
        assert!(text.contains("changed"), "{fault:?}: {text}");
    }
}

#[test]
fn a_file_smaller_than_a_request_is_one() {
    let meta = TensorMeta {
        name: "w".into(),
        dtype: Dtype::U8,
        shape: vec![5],
    };
    let tensor = hct_core::EncodedTensor::lossless(&meta, b"hello").unwrap();
    let mut writer = hct_core::HctWriter::new(Vec::new()).unwrap();
    writer.add_tensor(meta, tensor, None, "test").unwrap();
    let server = Server::start(writer.finish().unwrap(), Fault::None);
    let model = open(&server).unwrap();
    assert_eq!(model.tensor(0).unwrap().decode().unwrap(), b"hello");
    assert_eq!(server.counts().0, 1);
}
