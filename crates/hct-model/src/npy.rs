//! NumPy's format for one array, version 1.0.

use hct_core::Dtype;

/// Data begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// How the elements of a dtype are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Elements {
    /// As they are stored; this is NumPy's name for them.
    Stored(&'static str),
    /// As f32, because NumPy lacks the dtype: every value of it is one of f32 exactly.
    F32,
}

impl Elements {
    /// How `dtype` is written, if it can be.
    pub fn of(dtype: Dtype) -> Option<Elements> {
        Some(Elements::Stored(match dtype {
            Dtype::Bool => "|b1",
            Dtype::U8 => "|u1",
            Dtype::I8 => "|i1",
            Dtype::U16 => "<u2",
            Dtype::I16 => "<i2",
            Dtype::U32 => "<u4",
            Dtype::I32 => "<i4",
            Dtype::U64 => "<u8",
            Dtype::I64 => "<i8",
            Dtype::F16 => "<f2",
            Dtype::F32 => "<f4",
            Dtype::F64 => "<f8",
            Dtype::C64 => "<c8",
            Dtype::BF16 => return Some(Elements::F32),
            _ => return None,
        }))
    }

    /// NumPy's name for what is written.
    pub fn descr(self) -> &'static str {
        match self {
            Elements::Stored(descr) => descr,
            Elements::F32 => "<f4",
        }
    }
}

/// All that comes before the elements of an array, which are in row-major order.
pub fn header(elements: Elements, shape: &[u64]) -> Vec<u8> {
    let dimensions: Vec<String> = shape.iter().map(u64::to_string).collect();
    let shape = match &dimensions[..] {
        [one] => format!("({one},)"),
        all => format!("({})", all.join(", ")),
    };
    let descr = elements.descr();
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    // Magic, version and length take ten bytes, the line end one.
    let unpadded = 10 + text.len() + 1;
    text += &" ".repeat(unpadded.next_multiple_of(ALIGNMENT) - unpadded);
    text.push('\n');
    // A tensor has at most 64 dimensions: far less than a u16 counts.
    let mut out = b"\x93NUMPY\x01\x00".to_vec();
    out.extend((text.len() as u16).to_le_bytes());
    out.extend(text.as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_numpys_own() {
        let f4 = Elements::of(Dtype::F32).unwrap();
        let text = |shape: &[u64]| String::from_utf8(header(f4, shape)[10..].to_vec()).unwrap();
        let start = "{'descr': '<f4', 'fortran_order': False, 'shape': ";
        assert_eq!(text(&[]).trim_end(), format!("{start}(), }}"));
        assert_eq!(text(&[7]).trim_end(), format!("{start}(7,), }}"));
        assert_eq!(text(&[2, 0, 3]).trim_end(), format!("{start}(2, 0, 3), }}"));
        for shape in [vec![], vec![7], vec![u64::MAX; 64]] {
            let header = header(f4, &shape);
            assert_eq!(header.len() % ALIGNMENT, 0);
            assert_eq!(header[..8], *b"\x93NUMPY\x01\x00");
            let len = u16::from_le_bytes([header[8], header[9]]);
            assert_eq!(usize::from(len), header.len() - 10);
            assert_eq!(header.last(), Some(&b'\n'));
        }
    }

    #[test]
    fn what_numpy_lacks_is_said() {
        assert_eq!(Elements::of(Dtype::BF16), Some(Elements::F32));
        let none = Dtype::ALL.iter().filter(|&&d| Elements::of(d).is_none());
        let names: Vec<_> = none.map(|d| d.name()).collect();
        assert!(
            names
                .iter()
                .all(|n| n.starts_with("F8") || n.starts_with("F6") || *n == "F4")
        );
        assert_eq!(names.len(), 8);
    }
}
