//! Encoders of §7 to §9 of docs/FORMAT.md, written from there: plain, and of anything that is valid.

pub(super) fn put_varint(out: &mut Vec<u8>, mut v: u64) {
    while v > 127 {
        out.push(v as u8 | 128);
        v >>= 7;
    }
    out.push(v as u8);
}

pub(super) fn put_blob(out: &mut Vec<u8>, bytes: &[u8]) {
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

pub(super) fn zigzag(v: i64) -> u64 {
    if v < 0 {
        !(v as u64) << 1 | 1
    } else {
        (v as u64) << 1
    }
}

/// Probability of a zero, and bits seen.
#[derive(Clone, Copy)]
pub(super) struct Bit(u32, u32);

impl Bit {
    pub const NEW: Bit = Bit(32768, 0);
}

/// The adaptive binary coder (§7).
pub(super) struct Binary {
    low: u64,
    range: u32,
    cached: Option<u8>,
    pending: usize,
    out: Vec<u8>,
}

impl Binary {
    pub fn new() -> Self {
        Binary {
            low: 0,
            range: u32::MAX,
            cached: None,
            pending: 0,
            out: Vec::new(),
        }
    }

    fn shift(&mut self) {
        let carry = (self.low >> 32) as u8;
        let top = (self.low >> 24) as u8;
        if carry == 0 && top == 255 {
            self.pending += 1;
        } else {
            self.out.extend(self.cached.map(|byte| byte + carry));
            let pending = std::iter::repeat_n(255u8.wrapping_add(carry), self.pending);
            self.out.extend(pending);
            self.pending = 0;
            self.cached = Some(top);
        }
        self.low = self.low << 8 & 0xffff_ffff;
    }

    fn normalize(&mut self) {
        while self.range < 1 << 24 {
            self.shift();
            self.range <<= 8;
        }
    }

    pub fn bit(&mut self, Bit(p, n): &mut Bit, bit: bool) {
        let bound = (self.range >> 16) * *p;
        let s = (1 + (*n + 1).ilog2()).min(6);
        *n = (*n + 1).min(255);
        if bit {
            self.low += u64::from(bound);
            self.range -= bound;
            *p = (*p - (*p >> s)).max(64);
        } else {
            self.range = bound;
            *p = (*p + ((65535 - *p) >> s)).min(65472);
        }
        self.normalize();
    }

    pub fn raw(&mut self, bit: bool) {
        self.range >>= 1;
        if bit {
            self.low += u64::from(self.range);
        }
        self.normalize();
    }

    pub fn finish(mut self) -> Vec<u8> {
        // The last pushes the byte before out.
        (0..5).for_each(|_| self.shift());
        for _ in 0..8 {
            if self.out.last() != Some(&0) {
                break;
            }
            self.out.pop();
        }
        self.out
    }
}

/// §7.1
#[derive(Clone)]
pub(super) struct Uint {
    length: [Bit; 65],
    mantissa: [[Bit; 8]; 65],
}

impl Uint {
    pub fn new() -> Self {
        Uint {
            length: [Bit::NEW; 65],
            mantissa: [[Bit::NEW; 8]; 65],
        }
    }

    pub fn put(&mut self, enc: &mut Binary, v: u64) {
        let len = (v + 1).ilog2() as usize;
        for i in 0..len {
            enc.bit(&mut self.length[i], true);
        }
        if len < 63 {
            enc.bit(&mut self.length[len], false);
        }
        let mut node = 1;
        for k in (0..len).rev() {
            let bit = (v + 1) >> k & 1;
            if node < 8 {
                enc.bit(&mut self.mantissa[len][node], bit == 1);
                node = 2 * node + bit as usize;
            } else {
                enc.raw(bit == 1);
            }
        }
    }

    pub fn signed(&mut self, enc: &mut Binary, v: i64) {
        self.put(enc, zigzag(v));
    }
}

/// Start and frequency of each symbol (§8).
pub(super) type Table = Vec<(u32, u32)>;

/// The table of frequencies that sum to 4096.
pub(super) fn table(frequencies: &[u32]) -> Table {
    let starts = frequencies.iter().scan(0, |start, &f| {
        *start += f;
        Some(*start - f)
    });
    let table: Table = starts.zip(frequencies.iter().copied()).collect();
    assert_eq!(frequencies.iter().sum::<u32>(), 4096);
    table
}

/// §8.1: frequencies, the last of which is not 0.
pub(super) fn put_table(enc: &mut Binary, models: &mut [Uint; 15], frequencies: &[u32]) {
    let [len, of_bits @ ..] = models;
    len.put(enc, frequencies.len() as u64);
    let mut before = 0u32;
    for &f in frequencies {
        of_bits[32 - before.leading_zeros() as usize].put(enc, f.into());
        before = f;
    }
}

pub(super) fn table_models() -> [Uint; 15] {
    std::array::from_fn(|_| Uint::new())
}

/// A stored table alone in its stream.
pub(super) fn stored(frequencies: &[u32]) -> Vec<u8> {
    let mut enc = Binary::new();
    put_table(&mut enc, &mut table_models(), frequencies);
    enc.finish()
}

/// §8.2
pub(super) fn table_of_weights(weights: &[u64]) -> Table {
    let total: u64 = weights.iter().sum();
    let share = |&w: &u64| {
        if w == 0 {
            0
        } else {
            (4096 * w / total).max(1) as i64
        }
    };
    let mut f: Vec<i64> = weights.iter().map(share).collect();
    let mut s = 4096 - f.iter().sum::<i64>();
    while s != 0 {
        let largest = f.iter().max().copied().unwrap_or_default();
        let m = f.iter().position(|&f| f == largest).unwrap_or_default();
        let d = if s > 0 { s } else { -(-s).min(f[m] / 2) };
        f[m] += d;
        s -= d;
    }
    table(&f.iter().map(|&f| f as u32).collect::<Vec<_>>())
}

/// §9, of the start and the frequency of each symbol in turn.
pub(super) fn rans(symbols: &[(u32, u32)], lanes: usize) -> Vec<u8> {
    let mut states = vec![1u32 << 16; lanes];
    let mut words = Vec::new();
    for (i, &(start, f)) in symbols.iter().enumerate().rev() {
        let x = &mut states[i % lanes];
        if u64::from(*x) >= u64::from(f) << 20 {
            words.push(*x as u16);
            *x >>= 16;
        }
        *x = ((*x / f) << 12) + *x % f + start;
    }
    let states = states.iter().flat_map(|x| x.to_le_bytes());
    let words = words.iter().rev().flat_map(|w| w.to_le_bytes());
    states.chain(words).collect()
}
