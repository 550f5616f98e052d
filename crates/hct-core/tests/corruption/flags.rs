//! Which flags of planes go together.

use hct_core::{
    Dtype, EncodedPlane, EncodedTensor, Error, Gains, HctReader, MatrixView, Preparation,
    SparseFormat, Transform, encode_sparse,
};

use crate::common::{Kind, column_order, file_of, meta, preparation, trellis};
use crate::facing::{alone, face};
use crate::sealing::{index_range, sealed};

const WHOLE: u8 = 1;
const ROW_GAINS: u8 = 4;
const COLUMN_ORDER: u8 = 8;
const COLUMN_GAINS: u8 = 16;
const FINE_GAINS: u8 = 32;

/// Opens the file of a plane of 24 × 24 values with every byte of flags there is, which must be behind `before`
/// and before `after` in its record; tells which are taken.
fn taken(plane: EncodedPlane, before: &[u8], flags: u8, after: &[u8]) -> Vec<u8> {
    let file = file_of(
        meta("t", Dtype::F32, &[24, 24]),
        EncodedTensor::plane(plane),
    );
    assert!(face(&file));
    let range = index_range(&file);
    let (payload, mut index) = (&file[..range.start], file[range.clone()].to_vec());
    let pattern = [before, &[flags], after].concat();
    let found = index.windows(pattern.len()).position(|w| w == pattern);
    let at = found.unwrap() + before.len();
    let mut taken = Vec::new();
    for flags in 0..=255 {
        index[at] = flags;
        let file = sealed(payload, &index, &file);
        match HctReader::open(&file[..]) {
            Ok(_) => taken.push(flags),
            Err(error) => {
                let Error::Tensor { source, .. } = error else {
                    panic!("{error}");
                };
                let known = matches!(*source, Error::Reserved { .. } | Error::Invalid { .. });
                assert!(known, "{source}");
            }
        }
        // Whether its bytes then are what the flags call for or not.
        face(&file);
    }
    taken
}

#[test]
fn flags_that_do_not_go_together_are_refused() {
    alone(|| {
        let values = Kind::Gaussian.values(24, 24, 1);
        let matrix = MatrixView::from_values(&values, 24, 24).unwrap();
        let plain = Preparation::tiled(Transform::None);
        let gains = |flags: u8| flags & FINE_GAINS == 0 || flags & (ROW_GAINS | COLUMN_GAINS) != 0;
        // Tiles of 24 × 24, no transform, flags; the trellis, 8 states, 8 lanes.
        let plane = column_order(matrix, plain, 8, 0.3, Gains::default()).unwrap();
        let expected =
            |flags: &u8| gains(*flags) && (flags & COLUMN_ORDER == 0 || flags & WHOLE == 0);
        let expected: Vec<u8> = (0..64).filter(expected).collect();
        assert_eq!(
            taken(plane, &[24, 24, 0], COLUMN_ORDER, &[3, 3, 3]),
            expected
        );
        // With a transform.
        let how = preparation(Transform::Dct2, false, None);
        let plane = trellis(matrix, how, 8, 0.3).unwrap();
        let expected = |flags: &u8| gains(*flags) && flags & COLUMN_ORDER == 0;
        let expected: Vec<u8> = (0..64).filter(expected).collect();
        assert_eq!(taken(plane, &[24, 24, 3], 0, &[3, 3, 3]), expected);
        // In tiles that are pieces of rows.
        let how = preparation(Transform::None, false, Some(8));
        let plane = trellis(matrix, how, 8, 0.3).unwrap();
        assert_eq!(taken(plane, &[1, 8, 0], 0, &[3, 3, 3]), expected);
        // Of another quantizer.
        let plane = encode_sparse(matrix, plain, SparseFormat::Half, 0.5).unwrap();
        assert_eq!(taken(plane, &[24, 24, 0], 0, &[2]), [0, 1, 2, 3]);
    });
}
