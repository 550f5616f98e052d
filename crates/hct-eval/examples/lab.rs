//! lab
use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use hct_core::Dtype;
use hct_eval::{Model, ModelFiles, Reference, LanguageModel};
use hct_model::{Checkpoint, TensorInfo, TensorSource, CheckpointSource, CompressOptions, encode};
use hct_strategies::{CalibratedEncoder, Calibration, LAB};
struct Lab<'a> { base: &'a dyn TensorSource, infos: Vec<TensorInfo>, data: Vec<Option<Vec<u8>>> }
impl TensorSource for Lab<'_> {
    fn tensors(&self) -> &[TensorInfo] { &self.infos }
    fn read(&self, i: usize) -> Result<Cow<'_, [u8]>, hct_model::Error> {
        match &self.data[i] { Some(b) => Ok(Cow::Borrowed(b)), None => self.base.read(i) }
    }
}
fn lm(f: &ModelFiles, s: &dyn TensorSource) -> LanguageModel { match Model::load(f, s).unwrap() { Model::Language(m) => m, _ => panic!() } }
fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (folder, cal, texts, steps) = (&args[0], &args[1], &args[2], &args[3]);
    let folder = Path::new(folder);
    let tokens: usize = std::env::var("HCT_TOKENS").ok().and_then(|t| t.parse().ok()).unwrap_or(2048);
    let ck = Checkpoint::open(folder).unwrap();
    let files = ModelFiles::read(folder).unwrap();
    let before = lm(&files, &ck);
    let refs: Vec<(String, Reference)> = texts.split(',').map(|t| {
        let text = std::fs::read_to_string(t).unwrap();
        let w = before.windows(&text, 512, Some(tokens)).unwrap();
        (Path::new(t).file_stem().unwrap().to_string_lossy().into_owned(), Reference::new(&before, w, &mut |_| ()).unwrap())
    }).collect();
    drop(before);
    let calibration: Arc<dyn Calibration> = Arc::new(hct_model::CalibrationFile::open(Path::new(cal)).unwrap());
    for step in steps.split(',') {
        let step: f64 = step.parse().unwrap();
        LAB.lock().unwrap().clear();
        let t0 = std::time::Instant::now();
        let options = CompressOptions { side_files: false, provenance: None, base: None };
        let (_file, report) = encode(&ck as &dyn CheckpointSource, Vec::new(), &CalibratedEncoder::new(calibration.clone(), step), options, &()).unwrap();
        let secs = t0.elapsed().as_secs_f64();
        let lab = std::mem::take(&mut *LAB.lock().unwrap());
        let damage: f64 = lab.values().map(|v| v.2).sum();
        let mut infos = ck.tensors().to_vec();
        let data = infos.iter_mut().map(|i| lab.get(&i.name).map(|v| { i.dtype = Dtype::F32; v.0.iter().flat_map(|x| x.to_le_bytes()).collect() })).collect();
        let after = lm(&files, &Lab { base: &ck, infos, data });
        let mut line = format!("step {step:.4} bpw {:.3} predicted {damage:.4} {secs:.0}s", report.bits_per_weight());
        for (name, r) in &refs {
            let c = r.compare(&after, &mut |_| ()).unwrap();
            line += &format!(" | {name} KL {:.4} x{:.3} {:.1}%", c.kld_mean, c.perplexity / c.reference_perplexity, 100.0 * c.top1);
        }
        println!("{line}");
    }
}
