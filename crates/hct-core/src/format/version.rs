//! The version of the format, and which ones a decoder takes.

use crate::{Error, Result};

/// Newest version that this crate writes and reads. It reads every older minor version too, and
/// writes the oldest that has all that a file uses.
pub const FORMAT_VERSION: (u16, u16) = (3, 1);

/// Errs unless `minor` is a version of major 3 that a decoder of 3.`own` reads.
pub(super) fn check_minor(minor: u16, own: u16) -> Result<()> {
    let (major, _) = FORMAT_VERSION;
    if minor <= own {
        return Ok(());
    }
    Err(Error::Version {
        major,
        minor,
        newest: (major, own),
    })
}

/// Errs when a file that claims `minor` uses something that came with a later version `since`.
pub(super) fn check_claim(minor: u16, since: u16) -> Result<()> {
    if since <= minor {
        return Ok(());
    }
    let major = FORMAT_VERSION.0;
    Err(Error::invalid(
        "version",
        format!("the file says {major}.{minor} but uses what came with {major}.{since}"),
    ))
}

/// Errs when what says that it is of `minor` uses nothing later than `since`, which comes before it: no writer says so.
pub(super) fn check_smallest(minor: u16, since: u16) -> Result<()> {
    if minor <= since {
        return Ok(());
    }
    let major = FORMAT_VERSION.0;
    Err(Error::invalid(
        "version",
        format!("it is said to be {major}.{minor}, where {major}.{since} has all that is used"),
    ))
}

#[cfg(all(test, feature = "encode"))]
mod tests {
    use super::*;
    use crate::{
        Dtype, EncodedTensor, HctReader, HctWriter, Limits, MatrixView, Preparation, TensorMeta,
        Transform, TrellisAnalysis, TrellisSettings,
    };

    /// A file of one tensor, by a writer that was given something of 3.`since`.
    fn file(since: u16) -> Vec<u8> {
        let meta = TensorMeta {
            name: "w".into(),
            dtype: Dtype::U8,
            shape: vec![3],
        };
        let coded = EncodedTensor::lossless(&meta, &[1, 2, 3]).unwrap();
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        writer.add_tensor(meta, coded, None, "x").unwrap();
        writer.finish_as(since).unwrap()
    }

    /// The same with a recipe that this version reserves.
    fn with_reserved_recipe(mut file: Vec<u8>) -> Vec<u8> {
        let trailer = file.len() - 32;
        let start = u64::from_le_bytes(file[trailer..trailer + 8].try_into().unwrap()) as usize;
        // No flags; label "x"; no files; one tensor "w" of U8, 1 dimension of 3, no shard, label
        // 0, first chunk at 16.
        let before = [0, 1, 1, b'x', 0, 1, 1, b'w', 1, 1, 3, 0, 0, 16];
        assert!(file[start..].starts_with(&before));
        let recipe = start + before.len();
        assert_eq!(file[recipe], 0);
        file[recipe] = 200;
        let crc = crc32fast::hash(&file[start..trailer]);
        file[trailer + 16..trailer + 20].copy_from_slice(&crc.to_le_bytes());
        file
    }

    #[test]
    fn a_file_says_the_oldest_version_that_has_all_of_it() {
        let minor = |file: &[u8]| file[file.len() - 12..file.len() - 8].to_vec();
        assert_eq!(minor(&file(0)), [0; 4]);
        assert_eq!(minor(&file(1)), [1, 0, 0, 0]);
        assert_eq!(file(1)[..16], file(0)[..16]);
    }

    #[test]
    fn a_reader_takes_its_own_version_and_all_before() {
        for (since, own) in [(0, 0), (0, 1), (1, 1)] {
            let reader = HctReader::open_as(file(since), own, Limits::default()).unwrap();
            assert_eq!(reader.tensor(0).unwrap().decode().unwrap(), [1, 2, 3]);
        }
    }

    #[test]
    fn a_later_version_is_named_before_anything_in_it_is_looked_at() {
        let newer = with_reserved_recipe(file(1));
        let error = HctReader::open_as(&newer[..], 0, Limits::default())
            .err()
            .unwrap();
        let named = matches!(
            error,
            Error::Version {
                major: 3,
                minor: 1,
                newest: (3, 0)
            }
        );
        assert!(named, "{error}");
        assert!(error.to_string().contains("3.1") && error.to_string().contains("3.0"));
        // What no version that the reader knows has is an error of its own.
        for (file, own) in [(with_reserved_recipe(file(0)), 0), (newer, 1)] {
            let error = HctReader::open_as(&file[..], own, Limits::default())
                .err()
                .unwrap();
            let Error::Tensor { source, .. } = error else {
                panic!("{error}")
            };
            assert!(matches!(*source, Error::Reserved { value: 200, .. }));
        }
    }

    #[test]
    fn headers_of_other_versions_are_refused_by_name() {
        for (at, major, minor) in [(8, 4, 0), (10, 3, 4)] {
            let mut file = file(0);
            file[at] = 4;
            let error = HctReader::open(file).err().unwrap();
            let Error::Version {
                major: a,
                minor: b,
                newest,
            } = error
            else {
                panic!("{error}")
            };
            assert_eq!(((a, b), newest), ((major, minor), FORMAT_VERSION));
        }
    }

    /// A file of one plane, coded by a trellis of `states` states.
    fn of_states(states: usize) -> Vec<u8> {
        let values: Vec<f32> = (0..64).map(|i| (i * 37 % 19) as f32 - 9.0).collect();
        let matrix = MatrixView::from_values(&values, 8, 8).unwrap();
        let how = Preparation::tiled(Transform::None);
        let analysis = TrellisAnalysis::new(matrix, how, TrellisSettings::new(states)).unwrap();
        let plane = analysis.encode(1.0, &analysis.train(1.0, 64)).unwrap();
        let meta = TensorMeta {
            name: "w".into(),
            dtype: Dtype::F32,
            shape: vec![8, 8],
        };
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        let coded = EncodedTensor::plane(plane);
        writer.add_tensor(meta, coded, None, "x").unwrap();
        writer.finish().unwrap()
    }

    #[test]
    fn trellises_of_512_states_came_with_3_1() {
        for (states, since) in [(1, 0), (64, 0), (256, 0), (512, 1)] {
            let mut file = of_states(states);
            let minor = file.len() - 12;
            assert_eq!(file[minor], since, "{states} states");
            let open = |file: &[u8], own| {
                HctReader::open_as(file.to_vec(), own, Limits::default()).map(|_| ())
            };
            assert!(open(&file, 1).is_ok());
            match since {
                0 => assert!(open(&file, 0).is_ok()),
                _ => assert!(matches!(
                    open(&file, 0),
                    Err(Error::Version {
                        minor: 1,
                        newest: (3, 0),
                        ..
                    })
                )),
            }
            // No checksum covers the version: what is read of a wrong one is right, and checking tells.
            let check =
                |file: &[u8]| HctReader::open(file.to_vec()).and_then(|r| r.check_version());
            assert!(check(&file).is_ok());
            file[minor] ^= 1;
            assert_eq!(open(&file, 1).is_ok(), since == 0, "{states} states");
            assert!(matches!(check(&file), Err(Error::Invalid { .. })));
        }
    }

    #[test]
    fn a_file_may_not_use_more_than_it_claims() {
        assert!(check_claim(1, 1).is_ok() && check_claim(2, 0).is_ok());
        assert!(matches!(check_claim(0, 1), Err(Error::Invalid { .. })));
    }
}
