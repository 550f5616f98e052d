//! What is recovered is whole, and as it was.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use hct_core::Limits;
use hct_model::{
    HctModel, RecoverReport, TensorSource, recover as recover_file, recover_to, verify,
};

use super::MOST;
use super::damage::{Damaged, Whole};
use super::handed_out::folder;
use super::repair::{seal_blocks, seal_index};

/// Recovers what there is of any bytes, which has no wrong checksum and no other tensors than it says.
pub fn recovered(data: &[u8]) {
    let name = Path::new("fuzzed");
    let left = recover_to(name, data, Vec::new(), Limits::default(), &());
    let Ok((output, report)) = left else {
        return;
    };
    let model = HctModel::new("recovered", output).unwrap();
    says_what_it_has(&model, &report);
}

fn says_what_it_has(model: &HctModel<Vec<u8>>, report: &RecoverReport) {
    assert_eq!(model.tensors().len(), report.tensors);
    assert_eq!(model.index().files.len(), report.files);
    let decoded = model.index().tensors.iter();
    if decoded.fold(0, |sum: u64, t| sum.saturating_add(t.decoded_bytes())) < MOST {
        for lost in verify(model, &()) {
            assert!(!lost.error.contains("checksum") && lost.kind != "recovery block");
        }
    }
}

/// A file of which all is known, damaged: what is recovered of it is as it was, what is not is named or
/// counted, and of a file from which nothing is missing it is all. Where recovery blocks lie under
/// checksums that fit, the output is whole all the same.
pub fn recover(data: &[u8]) {
    let Some(Damaged {
        of,
        mut file,
        hidden,
        ..
    }) = Damaged::of(data)
    else {
        return;
    };
    if hidden {
        seal_blocks(&mut file);
        seal_index(&mut file);
        return recovered(&file);
    }
    let folder = folder();
    let (input, output) = (folder.path().join("damaged"), folder.path().join("output"));
    fs::write(&input, &file).unwrap();
    let done = recover_file(&input, &output, false, Limits::default(), &());
    let left = fs::read_dir(folder.path()).unwrap().count();
    match done {
        Err(_) => assert_eq!(left, 1, "something is left after an error"),
        Ok(report) => {
            assert_eq!(left, 2, "more than the output");
            as_it_was(fs::read(output).unwrap(), of, &report);
        }
    }
}

fn as_it_was(output: Vec<u8>, of: &Whole, report: &RecoverReport) {
    assert!(
        !report.complete || !of.ours || output == of.file,
        "complete, but not as it was"
    );
    let model = HctModel::new("recovered", output).unwrap();
    says_what_it_has(&model, report);
    let lost: BTreeSet<&str> = report.lost.iter().map(|lost| &lost.name[..]).collect();
    for (number, info) in model.tensors().iter().enumerate() {
        let original = &of.tensors[&info.name];
        assert!(model.read(number).unwrap() == *original, "{}", info.name);
    }
    for entry in &model.index().files {
        // A header that was lost is made anew, and said to be lost.
        if lost.contains(&entry.path[..]) {
            continue;
        }
        assert!(
            model.carried(entry).unwrap() == of.carried[&entry.path],
            "{}",
            entry.path
        );
    }
    let has: BTreeSet<&str> = model.tensors().iter().map(|t| &t.name[..]).collect();
    let unknown = { of.tensors.keys() }
        .filter(|name| !has.contains(&name[..]) && !lost.contains(&name[..]))
        .count() as u64;
    assert!(
        unknown <= report.missing_tensors || report.end_missing,
        "{unknown} were lost silently"
    );
}
