//! Files with other contents of some tensors.

use hct_core::Dtype;
use hct_model::{
    Amended, Amendments, CheckpointSource, CompressOptions, Error, HctModel, Header, Safetensors,
    TensorInfo, TensorSource, amend, encode, prove, verify, verify_deep,
};
use hct_strategies::{Plan, Strategy, StrategyName, StrategySpec};

const OPTIONS: CompressOptions<'_> = CompressOptions {
    side_files: true,
    provenance: Some("{\"made\":\"by a test\"}"),
    base: None,
    hashes: true,
};

fn checkpoint() -> Safetensors<Vec<u8>> {
    let info = |name: &str, dtype, shape: &[u64]| TensorInfo {
        name: name.into(),
        dtype,
        shape: shape.to_vec(),
    };
    let infos = [
        info("a.norm", Dtype::F32, &[96]),
        info("b.matrix", Dtype::F32, &[96, 128]),
        info("c.norm", Dtype::BF16, &[128]),
        info("d.matrix", Dtype::F32, &[64, 96]),
    ];
    let header = Header::of(&infos).unwrap();
    let mut file = (header.header_bytes().len() as u64).to_le_bytes().to_vec();
    file.extend(header.header_bytes());
    let mut state = 7u64;
    for _ in 0..header.data_len() / 4 {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        file.extend(((state >> 40) as f32 / 8_388_608.0 - 1.0).to_le_bytes());
    }
    Safetensors::new("made up", [("a.safetensors", file)])
        .unwrap()
        .with_side_file("config.json", b"{}".to_vec())
        .unwrap()
}

fn strategy() -> Box<dyn Strategy> {
    let spec = StrategySpec::builder(StrategyName::Rdo).rel_mse(0.01);
    let plan = spec.finish().unwrap().plan(std::iter::empty(), None);
    match plan.unwrap() {
        Plan::Strategy(strategy) => strategy,
        _ => panic!("it asks for no size"),
    }
}

fn file() -> Vec<u8> {
    let source = checkpoint();
    encode(&source, Vec::new(), &*strategy(), OPTIONS, &())
        .unwrap()
        .0
}

fn open(file: &[u8]) -> HctModel<&[u8]> {
    HctModel::new("m.hct", file).unwrap()
}

fn amended(file: &[u8], amendments: &Amendments) -> Result<Vec<u8>, Error> {
    amend(&open(file), amendments, Vec::new(), OPTIONS.provenance, &())
}

#[test]
fn what_is_amended_is_what_it_was_given_and_all_else_what_it_was() {
    let file = file();
    let new: Vec<u8> = (0..96u16)
        .flat_map(|i| f32::from(i).to_le_bytes())
        .collect();
    let bits: Vec<u8> = (0..256u16).map(|i| (i * 37 % 251) as u8).collect();
    let amendments = Amendments::from([(0, new.clone()), (2, bits.clone())]);
    let changed = amended(&file, &amendments).unwrap();
    let (before, after) = (open(&file), open(&changed));
    assert_eq!(before.tensors(), after.tensors());
    assert_eq!(*after.read(0).unwrap(), new);
    assert_eq!(*after.read(2).unwrap(), bits);
    for number in [1, 3] {
        assert_eq!(before.read(number).unwrap(), after.read(number).unwrap());
        let record = |model: &HctModel<&[u8]>| {
            let record = &model.index().tensors[number];
            (record.label.clone(), record.payload_bytes(), record.hash)
        };
        assert_eq!(record(&before), record(&after));
    }
    assert!(after.index().tensors[0].label.contains("tuned"));
    assert_eq!(after.side_file("config.json").unwrap().unwrap(), b"{}");
    assert_eq!(after.index().provenance.as_deref(), OPTIONS.provenance);
    assert!(verify(&after, &()).is_empty());
    assert!(verify_deep(&after, &()).is_empty());
    // Against the checkpoint it holds with the amendments, and without them it does not.
    let source = checkpoint();
    prove(&after, &Amended::new(&source, &amendments), &()).unwrap();
    prove(&before, &source, &()).unwrap();
    let wrong = prove(&after, &source, &()).unwrap_err();
    assert!(matches!(&wrong, Error::NotAsWritten { what, .. } if what.contains("a.norm")));
}

#[test]
fn nothing_amended_is_the_same_file() {
    let file = file();
    assert!(amended(&file, &Amendments::new()).unwrap() == file);
}

#[test]
fn ranges_of_what_is_amended_are_of_the_new_bytes() {
    let source = checkpoint();
    let amendments = Amendments::from([(0, (0..=255).cycle().take(384).collect())]);
    let seen = Amended::new(&source, &amendments);
    assert_eq!(*seen.read_range(0, 4..9).unwrap(), [4, 5, 6, 7, 8]);
    assert_eq!(
        seen.read_range(1, 8..16).unwrap(),
        source.read_range(1, 8..16).unwrap()
    );
    assert!(seen.read_range(0, 380..385).is_err());
}

#[test]
fn other_lengths_and_other_numbers_are_refused() {
    let file = file();
    for (number, len, says) in [(0, 383, "a.norm"), (2, 0, "c.norm"), (4, 4, "4")] {
        let error = amended(&file, &Amendments::from([(number, vec![0; len])])).unwrap_err();
        let said = hct_model::error_chain(&error);
        assert!(said.contains(says), "{said}");
    }
    let mut damaged = file.clone();
    // Somewhere in a tensor that is copied.
    for byte in &mut damaged[200..2000] {
        *byte ^= 0x10;
    }
    assert!(amended(&damaged, &Amendments::new()).is_err());
}
