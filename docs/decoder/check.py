#!/usr/bin/env python3
"""Compares hct_decode.py with the Rust decoder: first
`cargo run --release -p hct-core --example vectors FOLDER`, then `check.py FOLDER`."""

import struct
import sys
from pathlib import Path

from hct_decode import File


def from_dtype(data, dtype):
    if dtype == 'BF16':
        data = b''.join(b'\0\0' + data[i:i + 2] for i in range(0, len(data), 2))
    kind = 'e' if dtype == 'F16' else 'f'
    return [v[0] for v in struct.iter_unpack('<' + kind, data)]


def check(folder):
    """Decodes every vector and compares; returns whether all agree."""
    worst, wrong = 0.0, 0
    for line in (Path(folder) / 'manifest.txt').read_text().splitlines():
        file, tensor, fragments, kind, dtype, expected = line.split(' ')
        want = (Path(folder) / expected).read_bytes()
        got = File(Path(folder) / file).decode(tensor, int(fragments))
        verdict = 'same bytes' if got == want else 'DIFFERENT'
        if kind == 'dct' and got != want:
            a, b = from_dtype(got, dtype), from_dtype(want, dtype)
            error = max(abs(x - y) for x, y in zip(a, b)) / max(map(abs, b))
            # Rounding may tip over where the values are 16 bits long.
            limit = {'F32': 1e-5, 'F16': 2.0**-10, 'BF16': 2.0**-7}[dtype]
            differ = sum(x != y for x, y in zip(a, b))
            verdict = f'{differ} of {len(b)} differ, by at most {error:.1e} of the largest'
            worst = max(worst, error if dtype == 'F32' else 0)
            wrong += not (len(a) == len(b) and error <= limit)
        else:
            wrong += got != want
        print(f'{file} {tensor} fragments {fragments} {dtype}: {verdict}')
    print(f'wrong: {wrong}; largest F32 error where a DCT is involved: {worst:.1e}')
    return wrong == 0


if __name__ == '__main__':
    sys.exit(0 if check(sys.argv[1]) else 1)
