#!/usr/bin/env python3
"""A decoder of HCT V3 files written from docs/FORMAT.md alone; § numbers are its sections.

It favours being read over speed and needs only the Python standard library.

    hct_decode.py --list FILE.hct
    hct_decode.py FILE.hct TENSOR OUT.bin [FRAGMENTS] [--base BASE]...
    hct_decode.py --carried FILE.hct PATH OUT

BASE is what FILE.hct is coded against: a safetensors file, or an HCT file, whose own base follows
with one more --base.
"""

import hashlib
import json
import math
import struct
import sys
import zlib
from pathlib import Path

from blocks import Blocks
from delta import Delta
from entropy import Bad, Binary, Reader, Uint, f32, need
from tiles import Trellis, inverse_dct, lossless_tile, sparse_tile


# §3 – §6 The file

DTYPES = ('BOOL 8, U8 8, I8 8, U16 16, I16 16, U32 32, I32 32, U64 64, I64 64, F16 16, BF16 16, '
          'F32 32, F64 64, C64 64, F8_E4M3 8, F8_E5M2 8, F8_E8M0 8, F6_E2M3 6, F6_E3M2 6, F4 4, '
          'F8_E4M3FNUZ 8, F8_E5M2FNUZ 8')
DTYPES = [(name, int(size)) for name, size in map(str.split, DTYPES.split(','))]


VERSION = 3, 1  # the newest that this decoder reads (§2)


def need_version(major, minor):
    need(major == VERSION[0] and minor <= VERSION[1],
         f'version {major}.{minor}, and this decoder reads up to {VERSION[0]}.{VERSION[1]}')


def hash_of(r):
    """§4; there is no BLAKE3 in Python's library to check it with"""
    return r.take(32) if r.code(0, 1) else None


class Chunks:
    """Hands out the chunks of one record, each beginning where the one before ended (§3)."""

    def __init__(self, offset, end):
        self.offset, self.end = offset, end

    def next(self, r):
        chunk = (self.offset, r.varint(), r.number('I'))
        self.offset += chunk[1]
        need(chunk[0] >= 16 or chunk[1] == 0, 'a chunk lies in the header')
        need(self.offset <= self.end, 'a chunk lies past the payload')
        return chunk

    def several(self, r, n):
        need(n <= (len(r.data) - r.pos) // 5, 'the index has fewer chunks than it claims')
        return [self.next(r) for _ in range(n)]


class Safetensors:
    """A safetensors file as a base."""

    def __init__(self, path):
        self.data = Path(path).read_bytes()
        need(len(self.data) >= 8, 'too short for a safetensors file')
        self.start = 8 + struct.unpack_from('<Q', self.data)[0]
        need(self.start <= len(self.data), 'the header of the safetensors file is cut short')
        self.tensors = json.loads(self.data[8:self.start])

    def whole(self, name):
        need(name in self.tensors and name != '__metadata__', 'the base has no such tensor')
        t = self.tensors[name]
        begin, end = t['data_offsets']
        return t['dtype'], t['shape'], self.data[self.start + begin:self.start + end]


class File:
    def __init__(self, path, base=None):
        self.base = base
        self.data = data = Path(path).read_bytes()
        need(len(data) >= 48, 'too short for an HCT file')
        need(data[:8] == b'\x89HCT\r\n\x1a\n', 'not an HCT file')
        major, framing = struct.unpack_from('<HH', data, 8)
        need_version(major, framing)
        need(framing == 0, 'reserved framing')
        need(data[12:16] == bytes(4), 'reserved header bytes')
        offset, length, crc, minor, reserved, magic = struct.unpack('<QQIHH8s', data[-32:])
        need(magic == b'HCT3END\n', 'not an HCT trailer')
        need_version(major, minor)
        need(reserved == 0, 'reserved trailer bytes')
        self.minor = minor
        need(offset >= 16 and offset + length == len(data) - 32, 'the index does not fit')
        self.end = offset
        r = Reader(self.chunk((offset, length, crc)))
        self.provenance, self.hint, self.files, self.tensors = None, None, [], {}
        self.file_hashes = []
        self.read_entries(r)
        r.finish()

    def read_entries(self, r):
        """§4; adds to what is there, for the index may come in pieces (§20)"""
        flags = r.up_to(7)
        if flags & 1:
            self.provenance = r.string()
            need(0 < len(self.provenance.encode()) <= 1 << 16, 'the provenance is empty or too long')
        if flags & 2:
            self.hint = r.string()
            need(0 < len(self.hint.encode()) <= 4096, 'the base hint is empty or too long')
        labels = [r.string() for _ in range(r.varint())]
        before, tensors = len(self.files), []
        for _ in range(r.varint()):
            self.files.append(self.read_file(r))
        for _ in range(r.varint()):
            tensor = self.read_tensor(r, len(labels))
            need(tensor['name'] not in self.tensors, 'a tensor name is there twice')
            self.tensors[tensor['name']] = tensor
            tensors.append(tensor)
        # In a piece of the index there may be none though other pieces have some.
        hashed = flags & 4
        self.file_hashes += [hash_of(r) if hashed else None for _ in self.files[before:]]
        for tensor in tensors:
            tensor['blake3'] = hash_of(r) if hashed else None

    def chunk(self, chunk):
        offset, length, crc = chunk
        data = self.data[offset:offset + length]
        need(zlib.crc32(data) == crc, f'the checksum at {offset} is wrong')
        return data

    def read_file(self, r):
        """§4, §15"""
        kind, path, packing = r.code(0, 1, 2), r.string(), r.code(0, 1)
        length = r.varint()
        return kind, path, packing, length, Chunks(r.varint(), self.end).next(r)

    def carried(self, path):
        """§15"""
        for _, name, packing, length, chunk in self.files:
            if name == path:
                need(length <= 256 << 20, 'a carried file is too large')
                data = self.chunk(chunk)
                if packing:
                    stream = zlib.decompressobj()
                    data = stream.decompress(data, length + 1)
                    need(stream.eof and not stream.unused_data, 'not one whole zlib stream')
                need(len(data) == length, 'a carried file has the wrong length')
                return data
        raise Bad('no such file')

    def read_tensor(self, r, labels):
        """§4, §5"""
        t = {'name': r.string(), 'dtype': r.code(*range(len(DTYPES)))}
        name, size = DTYPES[t['dtype']]
        t['shape'] = [r.varint() for _ in range(r.up_to(64))]
        n = 1
        for d in t['shape']:
            n *= d
            need(n < 1 << 64, 'a tensor is too large')
        need(n * size < 1 << 64 and n * size % 8 == 0, 'a size overflows or is not whole bytes')
        t['bytes'] = n * size // 8
        t['shard'] = r.up_to(len(self.files)) - 1
        need(t['shard'] < 0 or self.files[t['shard']][0] != 1, 'a shard is not a shard')
        r.up_to(labels - 1)
        offset = r.varint()
        chunks = Chunks(offset, self.end)
        recipe = r.code(0, 1, 2, 3, 4, 5)
        need(offset == 0 or recipe != 2, 'an offset without chunks')
        if 2 <= recipe <= 4:
            t['base'] = r.string() or t['name'], r.take(32)
        if recipe == 2:
            return t
        if recipe == 5:
            t['blocks'] = Blocks(r.u8())
            need(name == 'U8' and t['bytes'] % t['blocks'].size == 0, 'not whole blocks in U8')
        if recipe in (0, 3, 5):
            need(recipe != 3 or size <= 32, 'elements of this type have no difference')
            t['tile'] = r.up_to(1 << 24, 1)
            need(t['tile'] % -(-size // 8) == 0, 'a lossless tile splits an element')
            need('blocks' not in t or t['tile'] % t['blocks'].size == 0, 'a tile splits a block')
            if recipe == 3:
                t['header'] = chunks.next(r)
            t['tiles'] = chunks.several(r, -(-t['bytes'] // t['tile']))
            need(offset == 0 or t['tiles'] or recipe == 3, 'an offset without chunks')
            return t
        need(name in ('F16', 'BF16', 'F32'), 'fragments of another dtype')
        rows, cols = r.varint(), r.varint()
        need(rows and cols and rows * cols == n, 'the folded shape does not fit')
        t['rows'], t['cols'], t['fragments'] = rows, cols, []
        for _ in range(r.up_to(64, 1)):
            if r.code(0, 1) == 0:
                t['fragments'].append([self.read_plane(r, rows, cols, chunks)])
            else:
                rank = r.up_to(min(rows, cols), 1)
                left = self.read_plane(r, rows, rank, chunks)
                t['fragments'].append([left, self.read_plane(r, rank, cols, chunks)])
        return t

    def read_plane(self, r, rows, cols, chunks):
        """§5.3"""
        p = {'rows': rows, 'cols': cols}
        p['tile'] = height, width = r.up_to(rows, 1), r.up_to(cols, 1)
        need(height * width <= 1 << 22 and (width == cols or height == 1), 'not a tiling')
        p['transform'] = r.code(0, 1, 2, 3)
        flags = r.code(*range(64))
        for bit, flag in enumerate(('whole', 'means', 'gains', 'column order', 'column gains', 'fine gains')):
            p[flag] = flags >> bit & 1
        p['quantizer'] = r.code(0, 1, 2, 3)
        if p['quantizer'] == 3:
            states = r.code(0, 2, 3, 4, 5, 6, 7, 8, 9)
            need(states < 9 or self.minor >= 1, 'the file uses what came with 3.1')
            p['states'], p['lanes'] = 1 << states, 1 << r.code(3, 5)
        need(flags < 4 or p['quantizer'] == 3, 'gains and column order go with the trellis only')
        need(not p['fine gains'] or p['gains'] or p['column gains'], 'fine gains without gains')
        need(not p['column order'] or not p['transform'] and not p['whole'] and width == cols,
             'column order with a transform or pieces of rows')
        p['header'] = chunks.next(r)
        p['tiles'] = chunks.several(r, -(-rows // height) * -(-cols // width))
        return p

    def plane(self, p):
        """§6"""
        r = Reader(self.chunk(p['header']))
        means = None
        if p['means']:
            unit = r.number('f')
            need(0 < unit < math.inf, 'the unit of the means is out of range')
            dec, model = Binary(r.blob()), Uint()
            multiples = [model.signed(dec) for _ in range(p['cols'])]
            need(all(abs(m) <= 1 << 24 for m in multiples), 'a mean is out of range')
            dec.finish()
            means = [f32(m * unit) for m in multiples]
        trellis = Trellis(r, p) if p['quantizer'] == 3 else None
        r.finish()
        rows, cols, (height, width) = p['rows'], p['cols'], p['tile']
        out, tiles = [], iter(p['tiles'])
        for top in range(0, rows, height):
            for left in range(0, cols, width):
                h, w = min(height, rows - top), min(width, cols - left)
                data = self.chunk(next(tiles))
                if trellis:
                    values = trellis.tile(data, left, h, w)
                else:
                    values = sparse_tile(data, h * w, w, p['quantizer'])
                if p['transform'] and not p['whole']:
                    values = inverse_dct(values, h, w, p['transform'])
                out += values
        if p['transform'] and p['whole']:
            out = inverse_dct(out, rows, cols, p['transform'])
        if means:
            out = [f32(v + means[i % cols]) for i, v in enumerate(out)]
        return out

    def whole(self, name):
        """A tensor as a base."""
        need(name in self.tensors, 'the base has no such tensor')
        t = self.tensors[name]
        return DTYPES[t['dtype']][0], t['shape'], self.decode(name)

    def base_of(self, t):
        """§5.4"""
        name, sha256 = t['base']
        called = f' ({self.hint!r} when it was made)' if self.hint else ''
        need(self.base is not None, f'this needs its base{called}; give it with --base')
        dtype, shape, data = self.base.whole(name)
        need((dtype, shape) == (DTYPES[t['dtype']][0], t['shape']), 'another dtype or shape in the base')
        need(hashlib.sha256(data).digest() == sha256, 'this is not the base: its contents differ')
        return data

    def decode(self, name, fragments=64):
        """§5"""
        need(name in self.tensors, 'no such tensor')
        t = self.tensors[name]
        dtype, size = DTYPES[t['dtype']]
        base = self.base_of(t) if 'base' in t else None
        if 'header' in t:
            delta, step = Delta(self.chunk(t['header']), dtype, size), t['tile']
            return b''.join(delta.tile(self.chunk(c), base[i * step:(i + 1) * step])
                            for i, c in enumerate(t['tiles']))
        if 'tiles' not in t and 'fragments' not in t:
            return base
        if 'tiles' in t:
            width, rotated = -(-size // 8), dtype in ('F16', 'BF16', 'F32', 'F64')
            sizes = [min(t['tile'], t['bytes'] - at) for at in range(0, t['bytes'], t['tile'])]
            if 'blocks' in t:
                return b''.join(t['blocks'].tile(self.chunk(c), n) for n, c in zip(sizes, t['tiles']))
            joint = dtype in ('BF16', 'F32')
            return b''.join(lossless_tile(self.chunk(c), n, width, rotated, joint)
                            for n, c in zip(sizes, t['tiles']))
        used = [[self.plane(p) for p in fragment] for fragment in t['fragments'][:max(fragments, 1)]]
        if base is not None:
            total = from_dtype(base, dtype)
        elif len(used[0]) == 1:
            total = used.pop(0)[0]  # not added to +0, which would lose the sign of a zero
        else:
            total = [0.0] * (t['rows'] * t['cols'])
        cols = t['cols']
        for planes in used:
            if len(planes) == 1:
                total = [f32(a + b) for a, b in zip(total, planes[0])]
                continue
            (left, right), rank = planes, len(planes[0]) // t['rows']
            for i in range(len(total)):
                for k in range(rank):
                    product = f32(left[i // cols * rank + k] * right[k * cols + i % cols])
                    total[i] = f32(total[i] + product)
        return b''.join(to_dtype(v, dtype) for v in total)


def from_dtype(data, dtype):
    if dtype == 'BF16':
        data = b''.join(b'\0\0' + data[i:i + 2] for i in range(0, len(data), 2))
    return [v[0] for v in struct.iter_unpack('<e' if dtype == 'F16' else '<f', data)]


def to_dtype(v, dtype):
    """§5.2"""
    if dtype == 'F32':
        return struct.pack('<f', v)
    if dtype == 'F16':
        try:
            return struct.pack('<e', v)
        except OverflowError:
            return struct.pack('<e', math.copysign(65504, v))
    pattern = struct.unpack('<I', struct.pack('<f', v))[0]
    pattern = (pattern + 0x7fff + (pattern >> 16 & 1)) >> 16
    return struct.pack('<H', pattern & 0x8000 | min(pattern & 0x7fff, 0x7f7f))


def open_base(paths):
    """The first of the files, each being coded against the next."""
    base = None
    need(len(paths) < 8, 'too many bases in a row')
    for path in reversed(paths):
        with open(path, 'rb') as file:
            is_hct = file.read(8) == b'\x89HCT\r\n\x1a\n'
        base = File(path, base) if is_hct else Safetensors(path)
    return base


def main(args):
    args, bases = list(args), []
    while '--base' in args[:-1]:
        at = args.index('--base')
        bases.append(args[at + 1])
        del args[at:at + 2]
    base = open_base(bases)
    if args[:1] == ['--list'] and len(args) == 2:
        file = File(args[1])
        if file.provenance is not None:
            print('made by', repr(file.provenance))
        if file.hint is not None:
            print('its base was', repr(file.hint))
        for kind, path, _, length, _ in file.files:
            print(('shard', 'side file', 'GGUF')[kind], repr(path), length)
        for t in file.tensors.values():
            how = f"{len(t['fragments'])} fragments" if 'fragments' in t else 'lossless'
            if 'base' in t:
                changed = 'tiles' in t or 'fragments' in t
                how = f"{how} on base {t['base'][0]!r}" if changed else f"base {t['base'][0]!r}"
            print('tensor', repr(t['name']), DTYPES[t['dtype']][0], t['shape'], how)
    elif args[:1] == ['--carried'] and len(args) == 4:
        Path(args[3]).write_bytes(File(args[1]).carried(args[2]))
    elif len(args) in (3, 4) and not args[0].startswith('--'):
        fragments = int(args[3]) if len(args) == 4 else 64
        Path(args[2]).write_bytes(File(args[0], base).decode(args[1], fragments))
    else:
        print(__doc__)
        return 2
    return 0


if __name__ == '__main__':
    try:
        sys.exit(main(sys.argv[1:]))
    except Bad as error:
        sys.exit(f'error: {error}')
