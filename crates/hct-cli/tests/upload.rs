//! Files that are uploaded in parts to an object store as they are made.

mod common;
#[path = "common/s3.rs"]
mod s3;

use std::fs;
use std::path::Path;

use common::{Run, copy_sample, f32_bytes, hct_with, put, safetensors, succeed, weights};
use s3::S3;
use tempfile::TempDir;

fn run(dir: &Path, store: &S3, args: &str) -> Run {
    let variables = store.variables();
    let variables: Vec<_> = variables.iter().map(|(k, v)| (*k, &v[..])).collect();
    hct_with(dir, args, &variables)
}

#[test]
fn what_is_uploaded_is_what_a_file_would_be() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    copy_sample(dir);
    let store = S3::start();
    for (number, options) in ["", "--bpw 5", "--strategy lossless"].iter().enumerate() {
        let url = format!("s3://models/{number}.hct");
        let args = format!("compress sample.safetensors {options} --json -o");
        let uploaded = run(dir, &store, &format!("{args} {url}"));
        let local = succeed(dir, &format!("{args} {number}.hct")).json();
        assert_eq!(uploaded.json()["output_bytes"], local["output_bytes"]);
        let bucket = store.bucket.lock().unwrap();
        let object = &bucket.objects[&format!("/models/{number}.hct")];
        assert!(
            *object == fs::read(dir.join(format!("{number}.hct"))).unwrap(),
            "{options}"
        );
        // A size takes several tries, one of which is sent.
        assert_eq!(bucket.begun, number as u64 + 1);
    }
    // There as any other: it is read, and not replaced unasked.
    let info = run(dir, &store, "info s3://models/0.hct --sections --json").json();
    assert_eq!(
        info["tensors"],
        succeed(dir, "info 0.hct --json").json()["tensors"]
    );
    let again = "compress sample.safetensors -o s3://models/0.hct";
    run(dir, &store, again).fails(2, &["already exists"]);
    assert_eq!(run(dir, &store, &format!("{again} --force")).code, 0);

    // Parts are joined there.
    for part in 1..=2 {
        let url = format!("s3://models/part-{part}.hct");
        let coded = run(
            dir,
            &store,
            &format!("compress sample.safetensors --part {part}/2 -o {url}"),
        );
        assert_eq!(coded.code, 0, "{}", coded.stderr);
    }
    let parts = "s3://models/part-1.hct s3://models/part-2.hct";
    let merged = run(
        dir,
        &store,
        &format!("merge {parts} -o s3://models/merged.hct --json"),
    );
    let bucket = store.bucket.lock().unwrap();
    let merged_bytes = merged.json()["output_bytes"].as_u64().unwrap();
    let object = &bucket.objects["/models/merged.hct"];
    assert_eq!(object.len() as u64, merged_bytes);
    assert!(*object == fs::read(dir.join("0.hct")).unwrap());
}

/// A file of a matrix of 16 weights that has `values` of them.
fn put_matrix(dir: &Path, file: &str, values: usize) {
    let matrix = common::Made {
        name: "w",
        dtype: "F32",
        shape: vec![4, 4],
        bytes: f32_bytes(&weights(values, 1)),
    };
    put(dir, file, &safetensors(&[matrix]));
}

/// A file of several parts, whose second one fails.
#[test]
fn an_upload_that_fails_leaves_no_object_and_no_parts() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    // Noise, which takes what it takes: above two parts of 64 MiB.
    let noise: Vec<f32> = {
        let mut state = 1u64;
        let next = |_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            f32::from_bits((state >> 33) as u32 & 0xbfff_ffff)
        };
        (0..36 << 20).map(next).collect()
    };
    let tensors = [common::Made {
        name: "noise",
        dtype: "F32",
        shape: vec![36 << 10, 1 << 10],
        bytes: f32_bytes(&noise),
    }];
    put(dir, "noise.safetensors", &safetensors(&tensors));
    let store = S3::start();
    store.bucket.lock().unwrap().refuses_parts = true;
    let compress = "compress noise.safetensors --strategy lossless -o s3://models/noise.hct";
    run(dir, &store, compress).fails(1, &["s3://models/noise.hct"]);
    {
        let bucket = store.bucket.lock().unwrap();
        assert_eq!(bucket.begun, 1);
        assert!(bucket.uploads.is_empty() && bucket.objects.is_empty());
    }
    // What is wrong with the input leaves nothing either.
    put_matrix(dir, "wrong.safetensors", 15);
    run(
        dir,
        &store,
        "compress wrong.safetensors -o s3://models/w.hct",
    )
    .fails(1, &[]);
    let bucket = store.bucket.lock().unwrap();
    assert!(bucket.uploads.is_empty() && bucket.objects.is_empty());
    drop(bucket);
    // A web server takes no parts.
    let http = store.endpoint.clone() + "/models/m.hct";
    put_matrix(dir, "small.safetensors", 16);
    run(
        dir,
        &store,
        &format!("compress small.safetensors -o {http}"),
    )
    .fails(1, &["s3://"]);
}

/// From bucket to bucket: an index, the shards beside it, and the file that the folder makes.
#[test]
fn a_sharded_checkpoint_is_compressed_where_it_is() {
    let dir = TempDir::new().unwrap();
    let dir = dir.path();
    let store = S3::start();
    let mut index = String::new();
    for shard in 1..=2u64 {
        let name = format!("model-0000{shard}-of-00002.safetensors");
        let matrix = common::Made {
            name: ["first", "second"][shard as usize - 1],
            dtype: "F32",
            shape: vec![64, 80],
            bytes: f32_bytes(&weights(64 * 80, shard)),
        };
        index += &format!(r#""{}":"{name}","#, matrix.name);
        put(dir, &format!("m/{name}"), &safetensors(&[matrix]));
    }
    let index = format!(r#"{{"weight_map":{{{}}}}}"#, index.trim_end_matches(','));
    put(dir, "m/model.safetensors.index.json", index.as_bytes());
    for (path, bytes) in common::tree(&dir.join("m")) {
        let key = format!("/models/{}", path.display());
        store.bucket.lock().unwrap().objects.insert(key, bytes);
    }
    succeed(dir, "compress m -o m.hct");
    let url = "s3://models/model.safetensors.index.json";
    let there = run(dir, &store, &format!("compress {url} -o s3://models/m.hct"));
    assert_eq!(there.code, 0, "{}", there.stderr);
    let bucket = store.bucket.lock().unwrap();
    assert!(bucket.objects["/models/m.hct"] == fs::read(dir.join("m.hct")).unwrap());
    drop(bucket);
    store
        .bucket
        .lock()
        .unwrap()
        .objects
        .remove("/models/model-00002-of-00002.safetensors");
    let missing = format!("compress {url} -o s3://models/n.hct");
    run(dir, &store, &missing).fails(1, &["model-00002-of-00002", "no such object"]);
}
