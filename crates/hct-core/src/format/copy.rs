//! Copying tensors from file to file, coded as they are.

use std::io::Write;

use super::chunk::Chunk;
use super::reader::HctReader;
use super::record::{Fragment, Recipe, TensorRecord};
use super::source::ReadAt;
use super::writer::HctWriter;
use crate::Result;

impl<W: Write> HctWriter<W> {
    /// Writes tensor `number` of another file as it is there, chunk by chunk, each of which is
    /// checked: nothing is decoded, and memory holds one chunk. `file` is the shard it belongs to
    /// here.
    ///
    /// # Errors
    /// When there is no such tensor, it is damaged or cannot be read, there is a tensor of that name
    /// already, `file` is no shard, or writing fails. Bytes that nothing refers to may then have been
    /// written.
    pub fn copy_tensor<R: ReadAt>(
        &mut self,
        from: &HctReader<R>,
        number: usize,
        file: Option<usize>,
    ) -> Result<&TensorRecord> {
        let mut record = from.record(number)?.clone();
        let name = record.name.clone();
        from.expect(&record)?;
        self.check_shard(file)
            .and_then(|()| self.take_name(&name))
            .map_err(|e| e.in_tensor(&name))?;
        self.put_due_block()?;
        for (i, chunk) in chunks_mut(&mut record.recipe).into_iter().enumerate() {
            let start = self.bytes_written();
            let mut unwritten = false;
            let what = || format!("chunk {i}");
            let copied = from.pass(chunk, what, |bytes| {
                self.write(bytes).inspect_err(|_| unwritten = true)
            });
            copied.map_err(|error| match unwritten {
                true => error,
                false => error.in_tensor(&name),
            })?;
            chunk.offset = start;
        }
        record.file = file;
        Ok(self.push(record))
    }
}

/// The chunks of a tensor in the order in which they follow each other in its file.
fn chunks_mut(recipe: &mut Recipe) -> Vec<&mut Chunk> {
    match recipe {
        Recipe::Unchanged(_) => Vec::new(),
        Recipe::Lossless(lossless) => lossless.tiles.iter_mut().collect(),
        Recipe::Delta(_, delta) => std::iter::once(&mut delta.common)
            .chain(&mut delta.tiles)
            .collect(),
        Recipe::Fragments { fragments, .. } => fragments
            .iter_mut()
            .flat_map(|fragment| match fragment {
                Fragment::Plane(plane) => vec![plane],
                Fragment::Product(left, right) => vec![left, right],
            })
            .flat_map(|plane| std::iter::once(&mut plane.common).chain(&mut plane.tiles))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Dtype, EncodedFragment, EncodedTensor, Error, FileKind, MatrixView, Preparation,
        SparseFormat, TensorMeta, Transform, encode_sparse,
    };

    const FLOATS: usize = 24 * 40;

    fn meta(name: &str) -> TensorMeta {
        TensorMeta {
            name: name.into(),
            dtype: Dtype::F32,
            shape: vec![24, 40],
        }
    }

    /// A lossless tensor, a sum with a product in it, and an empty tensor.
    fn add_all(writer: &mut HctWriter<Vec<u8>>, file: Option<usize>, names: &[&str]) {
        let values: Vec<f32> = (0..FLOATS).map(|i| (i as f32 * 0.37).sin()).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|x| x.to_le_bytes()).collect();
        let plane = |rows: usize, cols: usize| {
            let matrix = MatrixView::from_values(&values[..rows * cols], rows, cols).unwrap();
            let preparation = Preparation::tiled(Transform::None);
            encode_sparse(matrix, preparation, SparseFormat::Int8, 1.0).unwrap()
        };
        for &name in names {
            let meta = match name {
                "empty" => TensorMeta {
                    shape: vec![0, 40],
                    ..meta(name)
                },
                _ => meta(name),
            };
            let tensor = match name {
                "exact" => EncodedTensor::lossless(&meta, &bytes).unwrap(),
                "empty" => EncodedTensor::lossless(&meta, &[]).unwrap(),
                _ => EncodedTensor::fragments(vec![
                    EncodedFragment::Product(plane(24, 3), plane(3, 40)),
                    EncodedFragment::Plane(plane(24, 40)),
                ])
                .unwrap(),
            };
            writer.add_tensor(meta, tensor, file, name).unwrap();
        }
    }

    fn file_of(names: &[&str]) -> Vec<u8> {
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        let shard = writer.add_file(FileKind::Shard, "s", b"{}", 0, 2).unwrap();
        add_all(&mut writer, Some(shard), names);
        writer.finish().unwrap()
    }

    #[test]
    fn copied_tensors_make_the_file_that_coding_them_makes() {
        let names = ["exact", "sum", "empty", "again"];
        let parts = [["sum", "again"], ["empty", "exact"]];
        let parts = parts.map(|part| HctReader::open(file_of(&part)).unwrap());
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        let shard = writer.add_file(FileKind::Shard, "s", b"{}", 0, 2).unwrap();
        for name in names {
            let found = parts.iter().find_map(|p| Some((p, p.find(name).ok()?)));
            let (part, number) = found.unwrap();
            let record = writer.copy_tensor(part, number, Some(shard)).unwrap();
            assert_eq!(record.name, name);
        }
        assert!(writer.finish().unwrap() == file_of(&names));
    }

    #[test]
    fn what_is_damaged_or_has_no_place_is_not_copied() {
        let file = file_of(&["sum"]);
        let mut bytes = file.clone();
        bytes[60] ^= 1;
        let damaged = HctReader::open(bytes).unwrap();
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        let error = writer.copy_tensor(&damaged, 0, None).unwrap_err();
        assert!(error.to_string().contains("sum"), "{error}");

        let whole = HctReader::open(file).unwrap();
        let mut writer = HctWriter::new(Vec::new()).unwrap();
        assert!(writer.copy_tensor(&whole, 1, None).is_err());
        assert!(writer.copy_tensor(&whole, 0, Some(0)).is_err());
        writer.copy_tensor(&whole, 0, None).unwrap();
        let twice = writer.copy_tensor(&whole, 0, None).unwrap_err();
        assert!(
            matches!(twice, Error::Tensor { source, .. } if matches!(*source, Error::DuplicateName))
        );
    }
}
