"""Tiles of HCT V3: §10 to §13 of docs/FORMAT.md."""

import math
import struct

from entropy import (
    Binary, Reader, Uint, f32, finite_f32, need, rans, stored_table, table_of_weights, unzigzag,
)


# §10 Lossless tiles

def lossless_tile(data, size, width, rotated, joint=False):
    """joint: whether the dtype has joint numbers"""
    r = Reader(data)
    coding = r.code(0, 1, 2) if joint else r.code(0, 1)
    n = size // width
    if coding == 0:
        out = r.take(size)
    elif coding == 1:
        out = byte_planes(r, n, width, rotated)
    else:
        out = joint_numbers(r, n, width)
    r.finish()
    return bytes(out)


def byte_planes(r, n, width, rotated):
    """§10.1"""
    planes = [byte_plane(r, n) for _ in range(width)] if n else []
    out = bytearray(n * width)
    for p, plane in enumerate(planes):
        out[p::width] = plane
    if rotated:
        for i in range(0, n * width, width):
            v = int.from_bytes(out[i:i + width], 'little')
            v = v >> 1 | (v & 1) << (8 * width - 1)
            out[i:i + width] = v.to_bytes(width, 'little')
    return out


def byte_plane(r, n):
    mode = r.code(0, 1, 2, 3)
    if mode == 0:
        return r.take(n)
    if mode == 1:
        return r.take(1) * n
    table = stored_table(r.blob(), 256)
    return bytes(rans(r.blob(), n, 8 if mode == 2 else 32, lambda i, before: table))


def joint_numbers(r, n, width):
    """§10.2"""
    first = r.number('H')
    need(first <= 1793, 'the first joint number is out of range')
    table = stored_table(r.blob(), 256)
    symbols = rans(r.blob(), n, 32, lambda i, before: table)
    escapes = Reader(r.blob())
    fives = r.take(-(-5 * n // 8))
    need(int.from_bytes(fives, 'little') >> 5 * n == 0, 'fives have bits past their end')
    lower = r.take((width - 2) * n)
    out = bytearray()
    for i, symbol in enumerate(symbols):
        number = first + symbol - 1 if symbol else escapes.number('H')
        need(number <= 2047, 'a joint number is out of range')
        # Of the two bytes that it may be in; at the end there may be one.
        five = int.from_bytes(fives[5 * i // 8:5 * i // 8 + 2], 'little') >> 5 * i % 8 & 31
        out += lower[(width - 2) * i:(width - 2) * (i + 1)]
        out += struct.pack('<H', (five & 1) << 15 | number << 4 | five >> 1)
    escapes.finish()
    return out


# §11 Sparse tiles

def bits(groups, width, n):
    need(len(groups) == -(-n // width), 'a bitmap has the wrong length')
    flat = [g >> b & 1 for g in groups for b in range(width)]
    need(not any(flat[n:]), 'a bitmap has bits past its end')
    return flat[:n]


def places(dec, count, gap, n):
    """Positions as gaps: of §11.1 and §12.5."""
    at = -1
    for _ in range(count.get(dec)):
        at += 1 + gap.get(dec)
        need(at < n, 'a position lies past the end')
        yield at


def positions(r, n, cols):
    """§11.1"""
    mode = r.code(0, 1, 2, 3)
    if mode == 0:
        return [1] * n
    body = Reader(r.blob())
    if mode == 1:
        return bits(body.rest(), 8, n)
    if mode == 3:
        dec, mask = Binary(body.rest()), [0] * n
        for at in places(dec, Uint(), Uint(), n):
            mask[at] = 1
        dec.finish()
        return mask
    contexts = 5 if body.code(0, 1) else 1
    tables = []
    for _ in range(contexts):
        p = body.up_to(4095, 1)
        ones = [bin(g).count('1') for g in range(16)]
        tables.append(table_of_weights([max(1, p**o * (4096 - p)**(4 - o) // 2) for o in ones]))
    back = cols // 4

    def table(i, before):
        if contexts == 1 or back == 0 or i < back:
            return tables[0]
        return tables[bin(before[i - back]).count('1')]
    return bits(rans(body.rest(), -(-n // 4), 8, table), 4, n)


def running_mean():
    """§12.2: send a value, get the prediction of the next."""
    m = seen = 0
    while True:
        s = yield (m + 8) >> 4
        seen = min(seen + 1, 16)
        error = 16 * s - m
        m += error // seen if error >= 0 else -(-error // seen)


def predicted(dec, n):
    model, mean, out = Uint(), running_mean(), []
    prediction = next(mean)
    for _ in range(n):
        out.append(model.signed(dec) + prediction)
        need(abs(out[-1]) < 1 << 16, 'a scale is out of range')
        prediction = mean.send(out[-1])
    return out


def half(pattern):
    return struct.unpack('<e', struct.pack('<H', pattern))[0]


def exponent(r):
    e = unzigzag(r.varint())
    need(-164 <= e <= 114, 'an exponent is out of range')
    return e


def block_tile(r, k, most):
    """§11.2"""
    unit = 2.0 ** exponent(r)
    blocks = -(-k // 32)
    need(r.varint() == blocks, 'wrong number of blocks')
    if r.code(0, 1) == 0:
        scales = list(struct.unpack(f'<{blocks}H', r.take(2 * blocks)))
    else:
        dec = Binary(r.blob())
        scales = predicted(dec, blocks)
        dec.finish()
    need(all(0 <= s < 0x7c00 for s in scales), 'a scale is out of range')
    if r.code(0, 1) == 1:
        table = stored_table(r.blob(), 2 * most + 1)
        symbols = rans(r.rest(), k, 8, lambda i, before: table)
    else:
        symbols = r.rest()
        need(len(symbols) == (k if most == 127 else -(-k // 2)), 'wrong number of symbols')
        if most == 7:
            symbols = [half_byte for b in symbols for half_byte in (b & 15, b >> 4)][:k]
    need(all(s <= 2 * most for s in symbols), 'a symbol is reserved')
    scales = [half(s) * unit for s in scales]
    return [finite_f32((s - most) * scales[j // 32]) for j, s in enumerate(symbols)]


def half_tile(r, k):
    """§11.3"""
    unit = 2.0 ** exponent(r)
    halves = struct.unpack(f'<{k}e', lossless_tile(r.rest(), 2 * k, 2, True))
    need(all(map(math.isfinite, halves)), 'a half is not finite')
    return [finite_f32(h * unit) for h in halves]


def sparse_tile(data, n, cols, quantizer):
    r = Reader(data)
    mask = positions(r, n, cols)
    k = sum(mask)
    kept = iter(half_tile(r, k) if quantizer == 2 else block_tile(r, k, (7, 127)[quantizer]))
    return [next(kept) if keep else 0.0 for keep in mask]


# §12 Trellis planes

EXP2 = [32768, 34219, 35734, 37316, 38968, 40693, 42495, 44376,
        46341, 48393, 50535, 52773, 55109, 57549, 60097, 62757]
POLYNOMIALS = {1: (0, 0), 4: (5, 2), 8: (11, 4), 16: (19, 4), 32: (37, 8),
               64: (67, 20), 128: (157, 86), 256: (333, 242), 512: (527, 226)}
GAINS = struct.unpack('<32f', struct.pack(
    '<32I', 0x3F800000, 0x3F82CD87, 0x3F85AAC3, 0x3F88980F, 0x3F8B95C2, 0x3F8EA43A, 0x3F91C3D3, 0x3F94F4F0,
    0x3F9837F0, 0x3F9B8D3A, 0x3F9EF532, 0x3FA27043, 0x3FA5FED7, 0x3FA9A15B, 0x3FAD583F, 0x3FB123F6,
    0x3FB504F3, 0x3FB8FBAF, 0x3FBD08A4, 0x3FC12C4D, 0x3FC5672A, 0x3FC9B9BE, 0x3FCE248C, 0x3FD2A81E,
    0x3FD744FD, 0x3FDBFBB8, 0x3FE0CCDF, 0x3FE5B907, 0x3FEAC0C7, 0x3FEFE4BA, 0x3FF5257D, 0x3FFA83B3))


def log_scales(dec, n, most=4096):
    """§12.2"""
    flag = Uint().get(dec)
    need(flag <= 1, 'a scale coding is reserved')
    out = predicted(dec, n) if flag else [0] * n
    need(all(abs(s) <= most for s in out), 'a scale is out of range')
    return out


class Trellis:
    def __init__(self, r, plane):
        """§12.1"""
        self.plane = plane
        pattern = r.number('I')
        need(1 <= pattern <= 0x72FFFFFE, 'the step is out of range')
        self.step = struct.unpack('<f', struct.pack('<I', pattern))[0]
        dec, model = Binary(r.blob()), Uint()
        self.classes, self.offset, self.width = model.get(dec) + 1, 0, 1
        need(self.classes <= 32, 'a class count is reserved')
        if self.classes > 1:
            self.offset, self.width = model.signed(dec), model.get(dec) + 1
            need(abs(self.offset) <= 8192 and self.width <= 4096, 'the class map is out of range')
        self.cols = log_scales(dec, plane['cols'])
        self.col_factors = self.factors(dec, plane['cols']) if plane['column gains'] else None
        dec.finish()
        dec = Binary(r.blob())
        self.quantizers = 1 if plane['states'] == 1 else 2
        self.read_contexts(dec)
        dec.finish()

    def read_contexts(self, dec):
        """§12.3"""
        precision, most = Uint(), Uint()
        log_models, shift_models = [Uint() for _ in range(8)], [Uint() for _ in range(3)]
        t = precision.get(dec)
        need(t <= 2, 'a precision is reserved')
        steps = 4 << t
        self.tables, self.points, seen = [], [], []
        for i in range(self.classes * self.quantizers):
            before, shifts = seen[i - self.quantizers] if i >= self.quantizers else ([], [0] * 3)
            length = most.signed(dec) + len(before)
            need(self.quantizers <= length <= 128, 'a context has a bad length')
            logs = []
            for j in range(length):
                if j == 0:
                    prediction = before[0] if before else 16 * steps
                elif j < len(before):
                    prediction = logs[-1] + before[j] - before[j - 1]
                else:
                    prediction = 2 * logs[-1] - logs[-2] if j > 1 else logs[0]
                prediction = min(max(prediction, 0), 16 * steps)
                logs.append(log_models[min(j, 7)].signed(dec) + prediction)
                need(0 <= logs[-1] <= 16 * steps, 'a log-frequency is out of range')
            shifts = list(shifts)
            for j in range(min(3, length - 1)):
                shifts[j] += shift_models[j].signed(dec)
                need(abs(shifts[j]) <= 64, 'a shift is out of range')
            seen.append((logs, shifts))
            weights = [EXP2[v % steps * 16 // steps] << v // steps for v in logs]
            self.tables.append(table_of_weights(
                weights[:1] + [w for w in weights[1:] for _ in range(2)]))
            points = [0.0]
            for j in range(1, length):
                v = f32((2 * j - i % self.quantizers + shifts[min(j, 3) - 1] / 32) * self.step)
                points += [v, -v]
            self.points.append(points)

    def factors(self, dec, n):
        """§12.5: of n gains"""
        fine = self.plane['fine gains']
        gains = [g if fine else 4 * g for g in log_scales(dec, n, 2048 if fine else 512)]
        return [GAINS[g % 32] * 2.0 ** (g // 32) for g in gains]

    def tile(self, data, first_col, rows, cols):
        """§12.5"""
        r, n, q_count = Reader(data), rows * cols, self.quantizers
        dec = Binary(r.blob())
        row_scales = log_scales(dec, rows)
        row_factors = self.factors(dec, rows) if self.plane['gains'] else None
        dec.finish()
        patches = r.blob()
        base = [q_count * min(max((row + col - self.offset) // self.width, 0), self.classes - 1)
                for row in row_scales for col in self.cols[first_col:first_col + cols]]
        # Where each symbol belongs
        spots = [row * cols + col for col in range(cols) for row in range(rows)] if self.plane['column order'] else range(n)
        lanes = self.plane['lanes']
        h0, h1 = POLYNOMIALS[self.plane['states']]
        state, contexts = [0] * lanes, []

        def table(i, before):
            lane = i % lanes
            if q_count == 2 and i >= lanes:
                # §12.4: the step that the lane's symbol before calls for
                odd = (before[i - lanes] + 1) // 2 & 1
                s = state[lane]
                state[lane] = s >> 1 ^ (s & 1) * (h0 >> 1) ^ odd * (h1 >> 1)
            contexts.append(base[spots[i]] + (state[lane] & 1))
            return self.tables[contexts[-1]]
        symbols = rans(r.rest(), n, lanes, table)
        out = [self.points[c][s] for c, s in zip(contexts, symbols)]
        dec, value = Binary(patches), Uint()
        for at in places(dec, Uint(), Uint(), n):
            v = value.signed(dec)
            need(abs(v) <= 1 << 24, 'a patch is out of range')
            out[at] = f32(v * self.step)
        dec.finish()
        out = [v for _, v in sorted(zip(spots, out), key=lambda pair: pair[0])]
        if row_factors:
            out = [f32(v * row_factors[i // cols]) for i, v in enumerate(out)]
        if self.col_factors:
            out = [f32(v * self.col_factors[first_col + i % cols]) for i, v in enumerate(out)]
        return out


# §13 Transform

def inverse_dct(values, rows, cols, transform):
    def along(values, n):
        """The inverse of every run of n values."""
        if n == 1:
            return values
        basis = [[math.sqrt((2 if k else 1) / n) * math.cos(math.pi * (2 * i + 1) * k / (2 * n))
                  for k in range(n)] for i in range(n)]
        return [sum(map(float.__mul__, row, values[at:at + n]))
                for at in range(0, len(values), n) for row in basis]
    if transform & 2:
        turned = along([values[r * cols + c] for c in range(cols) for r in range(rows)], rows)
        values = [turned[c * rows + r] for r in range(rows) for c in range(cols)]
    if transform & 1:
        values = along(values, cols)
    return [f32(v) for v in values]
