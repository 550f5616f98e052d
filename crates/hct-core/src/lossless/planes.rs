//! Elements to byte planes and back.

use crate::entropy::binary::Decoder;
use crate::entropy::freq::{FreqTable, TableModel};
use crate::entropy::symbols::SymbolReader;
use crate::kernels::fresh::Room;
use crate::simd::multiversion;
use crate::wire::Reader;
use crate::{Error, Result};

/// How a plane is coded.
pub(super) const PLANE_RAW: u8 = 0;
pub(super) const PLANE_CONSTANT: u8 = 1;
pub(super) const PLANE_CODED: u8 = 2;
pub(super) const PLANE_WIDE: u8 = 3;

/// Elements put together at a time: of each plane a piece that stays in the first cache.
const PIECE: usize = 4096;
const _: () = assert!(PIECE.is_multiple_of(SymbolReader::PIECE));

/// A plane that is read from front to back.
pub(super) enum Plane<'a> {
    /// No elements.
    Empty,
    Raw(&'a [u8]),
    Constant(u8),
    Coded(SymbolReader<'a>),
}

impl<'a> Plane<'a> {
    /// The plane of `n` elements that `r` comes to.
    ///
    /// # Errors
    /// When its coding is reserved or its beginning not what an encoder makes.
    pub fn open(r: &mut Reader<'a>, n: usize) -> Result<Self> {
        if n == 0 {
            return Ok(Plane::Empty);
        }
        match r.u8()? {
            PLANE_RAW => Ok(Plane::Raw(r.bytes(n)?)),
            PLANE_CONSTANT => Ok(Plane::Constant(r.u8()?)),
            coding @ (PLANE_CODED | PLANE_WIDE) => {
                let mut dec = Decoder::new(r.blob()?);
                let table = FreqTable::read(&mut dec, &mut TableModel::new(), 256)?;
                dec.finish("byte table")?;
                let stream = r.blob()?;
                Ok(Plane::Coded(match coding {
                    PLANE_CODED => SymbolReader::plain(stream, &table)?,
                    _ => SymbolReader::wide(stream, &table)?,
                }))
            }
            value => Err(Error::Reserved {
                field: "byte plane coding",
                value: value.into(),
            }),
        }
    }

    /// The next `room.len()` bytes, which are there; in `room` where they are nowhere else.
    fn next<'r>(&mut self, room: &'r mut [u8]) -> &'r [u8]
    where
        'a: 'r,
    {
        match self {
            Plane::Empty => {}
            Plane::Raw(bytes) => {
                let (piece, rest) = bytes.split_at(room.len());
                *bytes = rest;
                return piece;
            }
            Plane::Constant(byte) => room.fill(*byte),
            Plane::Coded(reader) => reader.read(room),
        }
        room
    }

    /// Checks that a plane read to its end is what an encoder makes.
    ///
    /// # Errors
    /// When it is not.
    pub fn finish(&self) -> Result<()> {
        match self {
            Plane::Coded(reader) => reader.finish(),
            _ => Ok(()),
        }
    }
}

/// Puts elements together of their `planes`, the least significant byte first, and turns them right
/// by a bit where they are `rotated`.
pub(super) fn join(planes: &mut [Plane<'_>], rotated: bool, mut out: Room<'_>) {
    let width = planes.len();
    let mut room = vec![0; width * PIECE];
    while out.len() > 0 {
        let out = out.next(width * PIECE);
        let n = out.len() / width;
        let rooms = room.chunks_exact_mut(PIECE);
        let pieces = planes.iter_mut().zip(rooms);
        let pieces: Vec<&[u8]> = pieces
            .map(|(plane, room)| plane.next(&mut room[..n]))
            .collect();
        match (&pieces[..], rotated) {
            (&[only], false) => out.copy_from_slice(only),
            (&[low, high], true) => rotated_2(low, high, out),
            (&[a, b, c, d], true) => rotated_4([a, b, c, d], out),
            (pieces, _) => any(pieces, rotated, out),
        }
    }
}

multiversion! {
    fn rotated_2(low: &[u8], high: &[u8], out: &mut [u8]) = rotated_2_body;
}

#[inline(always)]
fn rotated_2_body(low: &[u8], high: &[u8], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<2>();
    for ((out, &low), &high) in out.iter_mut().zip(low).zip(high) {
        *out = (u16::from(low) | u16::from(high) << 8)
            .rotate_right(1)
            .to_le_bytes();
    }
}

multiversion! {
    fn rotated_4(planes: [&[u8]; 4], out: &mut [u8]) = rotated_4_body;
}

#[inline(always)]
fn rotated_4_body([a, b, c, d]: [&[u8]; 4], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<4>();
    let low = a.iter().zip(b);
    let high = c.iter().zip(d);
    for (out, ((&a, &b), (&c, &d))) in out.iter_mut().zip(low.zip(high)) {
        let low = u32::from(a) | u32::from(b) << 8;
        let high = u32::from(c) | u32::from(d) << 8;
        *out = (low | high << 16).rotate_right(1).to_le_bytes();
    }
}

/// Elements of any width up to 8 bytes.
fn any(planes: &[&[u8]], rotated: bool, out: &mut [u8]) {
    let width = planes.len();
    let bits = 8 * width as u32;
    for (i, out) in out.chunks_exact_mut(width).enumerate() {
        let bytes = planes.iter().rev().map(|plane| u64::from(plane[i]));
        let v = bytes.fold(0, |v, byte| v << 8 | byte);
        let v = match rotated {
            true => v >> 1 | (v & 1) << (bits - 1),
            false => v,
        };
        out.copy_from_slice(&v.to_le_bytes()[..width]);
    }
}

/// The planes of elements of `width` bytes, turned left by a bit where they are to be `rotated`, in
/// `room` of as many bytes.
#[cfg(feature = "encode")]
pub(super) fn split<'r>(
    bytes: &[u8],
    width: usize,
    rotated: bool,
    room: &'r mut [u8],
) -> impl Iterator<Item = &'r [u8]> {
    let n = bytes.len() / width;
    let mut planes: Vec<&mut [u8]> = Vec::with_capacity(width);
    let mut rest = room;
    for _ in 0..width {
        let (plane, after) = rest.split_at_mut(n);
        planes.push(plane);
        rest = after;
    }
    match (&mut planes[..], rotated) {
        ([only], false) => only.copy_from_slice(bytes),
        ([low, high], true) => split_2(bytes, low, high),
        ([a, b, c, d], true) => split_4(bytes, [a, b, c, d]),
        (planes, _) => split_any(bytes, planes, rotated),
    }
    planes.into_iter().map(|plane| &*plane)
}

#[cfg(feature = "encode")]
multiversion! {
    fn split_2(bytes: &[u8], low: &mut [u8], high: &mut [u8]) = split_2_body;
}

#[cfg(feature = "encode")]
#[inline(always)]
fn split_2_body(bytes: &[u8], low: &mut [u8], high: &mut [u8]) {
    let (elements, _) = bytes.as_chunks::<2>();
    for ((&element, low), high) in elements.iter().zip(low).zip(high) {
        [*low, *high] = u16::from_le_bytes(element).rotate_left(1).to_le_bytes();
    }
}

#[cfg(feature = "encode")]
multiversion! {
    fn split_4(bytes: &[u8], planes: [&mut [u8]; 4]) = split_4_body;
}

#[cfg(feature = "encode")]
#[inline(always)]
fn split_4_body(bytes: &[u8], [a, b, c, d]: [&mut [u8]; 4]) {
    let (elements, _) = bytes.as_chunks::<4>();
    let low = a.iter_mut().zip(b);
    let high = c.iter_mut().zip(d);
    for (&element, ((a, b), (c, d))) in elements.iter().zip(low.zip(high)) {
        [*a, *b, *c, *d] = u32::from_le_bytes(element).rotate_left(1).to_le_bytes();
    }
}

#[cfg(feature = "encode")]
fn split_any(bytes: &[u8], planes: &mut [&mut [u8]], rotated: bool) {
    let width = planes.len();
    let bits = 8 * width as u32;
    for (i, element) in bytes.chunks_exact(width).enumerate() {
        let v = element.iter().rev().fold(0, |v, &b| v << 8 | u64::from(b));
        let v = match rotated {
            true => v << 1 | v >> (bits - 1),
            false => v,
        };
        for (plane, byte) in planes.iter_mut().zip(v.to_le_bytes()) {
            plane[i] = byte;
        }
    }
}
