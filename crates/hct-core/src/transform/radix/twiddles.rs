//! Twiddle factors of the split radix.

use std::sync::OnceLock;

/// Cosine and sine of an angle.
pub(super) type Factor = [f32; 2];

/// The factors of a length and of all shorter ones.
pub(super) struct Twiddles {
    of_4: [Factor; 1],
    of_8: [Factor; 2],
    of_16: [Factor; 4],
    /// By the logarithm of the length.
    tables: [&'static [Factor]; usize::BITS as usize],
}

impl Twiddles {
    /// Those of transforms up to a power of two of at least 16.
    pub fn up_to(len: usize) -> Self {
        let mut tables = [&[][..]; usize::BITS as usize];
        for (log, table) in tables.iter_mut().enumerate().skip(2) {
            if log <= len.ilog2() as usize {
                *table = table_of(1 << log);
            }
        }
        let few = |log: usize| tables[log].iter().copied();
        Twiddles {
            of_4: few_of(few(2)),
            of_8: few_of(few(3)),
            of_16: few_of(few(4)),
            tables,
        }
    }

    pub fn of_4(&self) -> Factor {
        self.of_4[0]
    }

    pub fn of_8(&self) -> &[Factor; 2] {
        &self.of_8
    }

    pub fn of_16(&self) -> &[Factor; 4] {
        &self.of_16
    }

    /// A quarter as many as the length.
    pub fn of(&self, len: usize) -> &'static [Factor] {
        self.tables[len.ilog2() as usize]
    }
}

fn few_of<const N: usize>(mut factors: impl Iterator<Item = Factor>) -> [Factor; N] {
    std::array::from_fn(|_| factors.next().unwrap_or_default())
}

/// Cosine and sine of (2i + 1)·π/2n for i < n/4, rounded from double precision; made once.
fn table_of(len: usize) -> &'static [Factor] {
    static TABLES: [OnceLock<Box<[Factor]>>; usize::BITS as usize] =
        [const { OnceLock::new() }; usize::BITS as usize];
    TABLES[len.ilog2() as usize].get_or_init(|| {
        // The angles are those that rustdct takes, negative as they are.
        let step = std::f64::consts::PI * -2.0 / (4 * len) as f64;
        let factor = |i: usize| {
            let angle = step * (2 * i + 1) as f64;
            [angle.cos() as f32, -(angle.sin() as f32)]
        };
        (0..len / 4).map(factor).collect()
    })
}
