//! What errors say: each its own part, the reason behind it in the next of the chain.

use std::error::Error as _;
use std::io;

use hct_core::{Dtype, Error};

#[test]
fn no_message_repeats_its_source() {
    let io = Error::Io {
        context: "reading the file",
        source: io::Error::other("the disk is on fire"),
    };
    let inner = Error::WrongLength {
        bytes: 3,
        dtype: Dtype::F32,
        shape: vec![2],
    };
    for (error, behind) in [
        (io, "the disk is on fire"),
        (
            inner.in_tensor("w"),
            "3 bytes are not a F32 tensor of shape [2]",
        ),
    ] {
        let source = error.source().unwrap().to_string();
        assert_eq!(source, behind);
        assert!(!error.to_string().contains(&source), "{error}");
    }
}

#[test]
fn only_values_and_steps_are_out_of_range() {
    let step = Error::StepOutOfRange {
        step: 0.0,
        least: 1.0,
        most: 2.0,
    };
    let large = Error::TooLarge {
        magnitude: 2.0,
        limit: 1.0,
    };
    for error in [Error::NotFinite, large, step] {
        assert!(error.is_out_of_range());
        assert!(error.in_tensor("w").is_out_of_range());
    }
    for error in [
        Error::Empty,
        Error::DuplicateName,
        Error::NotCodable { dtype: Dtype::I8 },
        Error::Argument {
            what: "retention",
            why: "2 is not in (0, 1]".into(),
        },
    ] {
        assert!(!error.is_out_of_range());
        assert!(!error.in_tensor("w").is_out_of_range());
    }
}
