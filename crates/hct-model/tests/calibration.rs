//! Files of calibration statistics: what is written is read, lies are refused, and merging is what
//! one run over everything gives.

use std::path::Path;

use hct_model::{
    CalibrationFault, CalibrationFile, CalibrationInfo, CalibrationWriter, Error, GroupTensor,
    StatisticsGroup, merge_calibrations,
};
use hct_strategies::{Calibration, Moments, SymmetricMatrix};

fn full(size: usize, entry: impl Fn(usize, usize) -> f32) -> Moments {
    let packed = (0..size).flat_map(|i| (i..size).map(move |j| (i, j)));
    let packed = packed.map(|(i, j)| entry(i, j)).collect();
    Moments::Full(SymmetricMatrix::new(size, packed).unwrap())
}

/// Two groups: one of two matrices with everything, one of a diagonal alone.
fn groups(scale: f32, tokens: u64) -> Vec<StatisticsGroup> {
    let wave = |i: usize, j: usize| ((i * 5 + j * 3) as f32 * scale).sin();
    let entry = move |i: usize, j: usize| if i == j { 3.0 + i as f32 } else { wave(i, j) };
    let tensor = |name: &str, rows: usize| GroupTensor {
        name: name.to_owned(),
        weighted: Some(full(4, move |i, j| entry(i, j) * 0.25)),
        weighted_reliability: 0.5,
        rows: Some((0..rows).map(|row| row as f32 * scale).collect()),
    };
    vec![
        StatisticsGroup {
            tokens,
            inputs: full(4, entry),
            reliability: 0.75,
            tensors: vec![tensor("a.weight", 3), tensor("b.weight", 5)],
        },
        StatisticsGroup {
            tokens,
            inputs: Moments::Diagonal(vec![scale, 0.0, 2.0]),
            reliability: 0.0,
            tensors: vec![GroupTensor {
                name: "c.weight".to_owned(),
                weighted: None,
                weighted_reliability: 0.0,
                rows: None,
            }],
        },
    ]
}

fn info(model: &str, tokens: u64) -> CalibrationInfo {
    CalibrationInfo {
        model: model.to_owned(),
        tokens,
        texts: vec![format!("text of {tokens}")],
        ..CalibrationInfo::default()
    }
}

fn written(info: &CalibrationInfo, groups: &[StatisticsGroup]) -> Vec<u8> {
    let shapes = groups.iter().map(StatisticsGroup::shape).collect();
    let mut writer = CalibrationWriter::new(Path::new("x"), Vec::new(), info, shapes).unwrap();
    for group in groups {
        writer.write(group).unwrap();
    }
    writer.finish().unwrap()
}

fn open(bytes: &[u8]) -> Result<CalibrationFile<&[u8]>, Error> {
    CalibrationFile::new("x", bytes)
}

#[test]
fn what_is_written_is_read() {
    let (info, groups) = (info("m", 70), groups(0.7, 70));
    let bytes = written(&info, &groups);
    let file = open(&bytes).unwrap();
    assert_eq!(file.info(), &info);
    assert_eq!(file.groups().len(), 2);
    for (number, group) in groups.iter().enumerate() {
        assert_eq!(&file.group(number).unwrap(), group);
    }
    assert!(file.group(2).is_err());
    let b = file.statistics("b.weight").unwrap().unwrap();
    b.check(5, 4).unwrap();
    assert_eq!(
        (b.tokens, b.reliability, b.weighted_reliability),
        (70, 0.75, 0.5)
    );
    assert_eq!(
        (&b.inputs, &b.rows),
        (&groups[0].inputs, &groups[0].tensors[1].rows)
    );
    assert_eq!(b.weighted, groups[0].tensors[1].weighted);
    let c = file.statistics("c.weight").unwrap().unwrap();
    assert_eq!((c.inputs.diagonal(), c.rows), (vec![0.7, 0.0, 2.0], None));
    assert!(file.statistics("d.weight").unwrap().is_none());
}

#[test]
fn groups_that_were_not_announced_are_refused() {
    let groups = groups(0.7, 70);
    let shapes = vec![groups[0].shape()];
    let begin = |shapes| CalibrationWriter::new(Path::new("x"), Vec::new(), &info("m", 1), shapes);
    let mut writer = begin(shapes).unwrap();
    assert!(writer.write(&groups[1]).is_err());
    writer.write(&groups[0]).unwrap();
    assert!(writer.write(&groups[0]).is_err());
    let twice = vec![groups[0].shape(), groups[0].shape()];
    assert!(begin(twice).is_err());
    assert!(begin(vec![groups[0].shape()]).unwrap().finish().is_err());
}

/// The file with something in its header replaced by something as long.
fn changed(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    let at = bytes
        .windows(from.len())
        .position(|part| part == from.as_bytes());
    let at = at.unwrap_or_else(|| panic!("no {from}"));
    let mut bytes = bytes.to_vec();
    bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    bytes
}

#[test]
fn files_that_lie_are_refused() {
    let bytes = written(&info("m", 70), &groups(0.7, 70));
    let fault = |bytes: &[u8]| match open(bytes) {
        Err(Error::Calibration { reason, .. }) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken for a good one"),
    };
    use CalibrationFault as Fault;
    let of = |from: &str, to: &str| fault(&changed(&bytes, from, to));
    assert!(matches!(
        of("hct.calibration", "hct.calibratiom"),
        Fault::NotCalibration
    ));
    assert!(matches!(
        of(r#""hct.calibration":"1""#, r#""hct.calibration":"2""#),
        Fault::Version { newest: 1, .. }
    ));
    assert!(matches!(
        of(r#"\"tokens\":70"#, r#"\"tokens\":-7"#),
        Fault::Json { .. }
    ));
    assert!(matches!(
        of(r#"\"columns\":4"#, r#"\"columns\":5"#),
        Fault::Field { .. }
    ));
    assert!(matches!(
        of(r#"\"rows\":5"#, r#"\"rows\":6"#),
        Fault::Field { .. }
    ));
    assert!(matches!(
        of(r#"\"full\":true "#.trim_end(), r#"\"full\":null"#),
        Fault::Json { .. }
    ));
    assert!(matches!(
        of(r#"\"name\":\"b.weight\""#, r#"\"name\":\"a.weight\""#),
        Fault::Duplicate { .. }
    ));
    for len in 0..bytes.len() {
        assert!(open(&bytes[..len]).is_err(), "cut to {len}");
    }
}

#[test]
fn numbers_that_are_no_statistics_are_refused_when_they_are_read() {
    let bytes = written(&info("m", 70), &groups(0.7, 70));
    // The last numbers of the file are the diagonal and the reliabilities of `c.weight`.
    let damage = |from_end: usize, number: f32| {
        let mut bytes = bytes.clone();
        let at = bytes.len() - 4 * from_end;
        bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        let file = open(&bytes).unwrap();
        assert!(file.statistics("a.weight").is_ok());
        let read = file.tensor("c.weight");
        matches!(
            read,
            Err(Error::Calibration {
                reason: CalibrationFault::Numbers { .. },
                ..
            })
        )
    };
    assert!(!damage(3, 1.0));
    for number in [-1.0, f32::NAN, f32::INFINITY] {
        assert!(damage(3, number) && damage(1, number), "{number}");
    }
    assert!(damage(1, 1.5));
}

#[test]
fn merging_takes_means_by_tokens_and_trusts_what_files_agree_on() {
    let (one, other) = (groups(0.7, 30), groups(0.8, 90));
    let (a, b) = (
        written(&info("m", 30), &one),
        written(&info("m", 90), &other),
    );
    let files = [open(&a).unwrap(), open(&b).unwrap()];
    let merged = merge_calibrations(&files, Path::new("y"), Vec::new()).unwrap();
    let merged = open(&merged).unwrap();
    assert_eq!(merged.info().tokens, 120);
    assert_eq!(merged.info().texts, ["text of 30", "text of 90"]);
    let group = merged.group(0).unwrap();
    assert_eq!(group.tokens, 120);
    let (Moments::Full(mean), Moments::Full(x), Moments::Full(y)) =
        (&group.inputs, &one[0].inputs, &other[0].inputs)
    else {
        panic!("matrices became diagonals")
    };
    for ((mean, x), y) in mean.packed().iter().zip(x.packed()).zip(y.packed()) {
        assert!((mean - (0.25 * x + 0.75 * y)).abs() < 1e-6);
    }
    let rows = group.tensors[1].rows.as_deref().unwrap();
    assert!((rows[4] - 4.0 * (0.25 * 0.7 + 0.75 * 0.8)).abs() < 1e-6);
    assert_eq!(merged.group(1).unwrap().tensors[0].weighted, None);

    // The same statistics twice, of as many tokens: half of what was uncertain is certain now.
    let files = [open(&a).unwrap(), open(&a).unwrap()];
    let twice = merge_calibrations(&files, Path::new("y"), Vec::new()).unwrap();
    let twice = open(&twice).unwrap().group(0).unwrap();
    assert!((twice.reliability - 0.875).abs() < 1e-6);
    assert!((twice.tensors[0].weighted_reliability - 0.75).abs() < 1e-6);
    assert_eq!(twice.inputs, one[0].inputs);
}

#[test]
fn statistics_of_other_models_are_not_merged() {
    let fault = |a: &[u8], b: &[u8]| {
        let files = [open(a).unwrap(), open(b).unwrap()];
        match merge_calibrations(&files, Path::new("y"), Vec::new()) {
            Err(Error::Calibration { reason, .. }) => reason,
            _ => panic!("merged"),
        }
    };
    let groups = groups(0.7, 30);
    let a = written(&info("m", 30), &groups);
    let other = written(&info("n", 30), &groups);
    assert!(matches!(fault(&a, &other), CalibrationFault::OtherModel));
    let fewer = written(&info("m", 30), &groups[..1]);
    assert!(matches!(
        fault(&a, &fewer),
        CalibrationFault::OtherTensors { .. }
    ));
    assert!(matches!(
        fault(&fewer, &a),
        CalibrationFault::OtherTensors { .. }
    ));
    let none: [CalibrationFile<&[u8]>; 0] = [];
    assert!(merge_calibrations(&none, Path::new("y"), Vec::new()).is_err());
}
