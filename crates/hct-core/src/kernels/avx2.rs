//! What the AVX2 kernels share: eight rANS lanes in a vector.
//!
//! Tables are read by scalar loads. The gather instruction of AVX2 does the same in fewer
//! instructions, but took 28 cycles for eight lanes where it was measured (AMD Zen 3; on Intel
//! what was done against Downfall makes it slow as well), eight loads a third of that.

use std::arch::asm;
use std::arch::x86_64::*;

/// Lanes of a vector.
pub(super) const WIDE: usize = 8;

/// For every set of lanes that need a word which bytes of the next words each of them takes, below
/// two zeros: those of lower lanes come first. Other lanes take any.
static TAKEN: Taken = Taken(taken());

#[repr(align(32))]
struct Taken([[[u8; 4]; WIDE]; 256]);

const fn taken() -> [[[u8; 4]; WIDE]; 256] {
    let mut of = [[[0; 4]; WIDE]; 256];
    let mut set = 0;
    while set < 256 {
        let (mut lane, mut next) = (0, 0);
        while lane < WIDE {
            of[set][lane] = [next, (next + 1) % 16, 0x80, 0x80];
            next += 2 * (set >> lane & 1) as u8;
            lane += 1;
        }
        set += 1;
    }
    of
}

/// Loads eight states.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(states: &[u32; WIDE]) -> __m256i {
    // SAFETY: the array holds the 32 bytes that are read.
    unsafe { _mm256_loadu_si256(states.as_ptr().cast()) }
}

/// Stores eight states.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(v: __m256i, states: &mut [u32; WIDE]) {
    // SAFETY: the array holds the 32 bytes that are written.
    unsafe { _mm256_storeu_si256(states.as_mut_ptr().cast(), v) }
}

/// Eight numbers, taken out of the vector in pairs: moving them to general registers is the
/// bottleneck.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn lanes(v: __m256i) -> [usize; WIDE] {
    let (low, high) = (_mm256_castsi256_si128(v), _mm256_extracti128_si256::<1>(v));
    let pairs = [
        _mm_cvtsi128_si64(low),
        _mm_extract_epi64::<1>(low),
        _mm_cvtsi128_si64(high),
        _mm_extract_epi64::<1>(high),
    ];
    std::array::from_fn(|lane| {
        let pair = pairs[lane / 2] as u64;
        match lane % 2 {
            0 => pair as u32 as usize,
            _ => (pair >> 32) as usize,
        }
    })
}

/// Eight bytes as 32-bit numbers.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn widen(bytes: &[u8; WIDE]) -> __m256i {
    // SAFETY: the array holds the 8 bytes that are read.
    let bytes = unsafe { _mm_loadl_epi64(bytes.as_ptr().cast()) };
    _mm256_cvtepu8_epi32(bytes)
}

/// The lowest byte of every lane.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn low_bytes(v: __m256i) -> [u8; WIDE] {
    // Those of four lanes next to each other, in both halves.
    let order = _mm256_set1_epi64x(0x0c08_0400_0c08_0400);
    let packed = _mm256_shuffle_epi8(v, order);
    let halves = _mm_unpacklo_epi32(
        _mm256_castsi256_si128(packed),
        _mm256_extracti128_si256::<1>(packed),
    );
    _mm_cvtsi128_si64(halves).to_le_bytes()
}

/// Entries of a `table` by number: those whose numbers are the lanes of `at`.
///
/// # Safety
/// The numbers must be below the length of the table.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn look_up(table: &[u32], at: __m256i) -> __m256i {
    let numbers = lanes(at);
    // Blends of broadcasts: loads do those by themselves, and blends take any unit. Written in
    // assembly, or the compiler inserts lane by lane, which takes shuffles.
    let entry = |lane: usize| {
        let entry: __m256i;
        // SAFETY: the number is below the length of the table, and no memory is written.
        unsafe {
            asm!(
                "vpbroadcastd {entry}, dword ptr [{table} + 4 * {number}]",
                entry = lateout(ymm_reg) entry,
                table = in(reg) table.as_ptr(),
                number = in(reg) numbers[lane],
                options(pure, readonly, nostack, preserves_flags),
            );
        }
        entry
    };
    let a = _mm256_blend_epi32::<0b0000_0010>(entry(0), entry(1));
    let b = _mm256_blend_epi32::<0b0000_1000>(entry(2), entry(3));
    let c = _mm256_blend_epi32::<0b0010_0000>(entry(4), entry(5));
    let d = _mm256_blend_epi32::<0b1000_0000>(entry(6), entry(7));
    let low = _mm256_blend_epi32::<0b0000_1100>(a, b);
    let high = _mm256_blend_epi32::<0b1100_0000>(c, d);
    _mm256_blend_epi32::<0b1111_0000>(low, high)
}

/// Brings the states below the bound back above it with the words at the start of `words`.
/// Returns the states and the bytes taken.
#[inline]
#[target_feature(enable = "avx2,popcnt")]
pub(super) fn renormalize(x: __m256i, words: &[u8; 2 * WIDE]) -> (__m256i, usize) {
    let need = _mm256_cmpeq_epi32(_mm256_srli_epi32::<16>(x), _mm256_setzero_si256());
    let set = _mm256_movemask_ps(_mm256_castsi256_ps(need)) as usize & 0xff;
    // SAFETY: the array holds the 16 bytes that are read.
    let words = unsafe { _mm_loadu_si128(words.as_ptr().cast()) };
    // SAFETY: the array holds the 32 bytes that are read, and is aligned to as many.
    let bytes = unsafe { _mm256_load_si256(TAKEN.0[set].as_ptr().cast()) };
    let words = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(words), bytes);
    let refilled = _mm256_or_si256(_mm256_slli_epi32::<16>(x), words);
    let x = _mm256_blendv_epi8(x, refilled, need);
    (x, 2 * set.count_ones() as usize)
}
