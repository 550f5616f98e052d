"""Tensors coded against a base: §18 of docs/FORMAT.md."""

from entropy import Binary, Reader, TableModels, Uint, need, rans

# Bits of an element and of its mantissa, for floats with a sign.
FLOATS = {'F32': (32, 23), 'BF16': (16, 7), 'F16': (16, 10), 'F8_E4M3': (8, 3),
          'F8_E4M3FNUZ': (8, 3), 'F8_E5M2': (8, 2), 'F8_E5M2FNUZ': (8, 2)}


class Layout:
    """§18.1"""

    def __init__(self, dtype, size):
        self.bits, self.mantissa = FLOATS.get(dtype, (max(size, 8), None))
        need(self.bits <= 32, 'elements of this type have no difference')
        self.sign, self.mask = 1 << (self.bits - 1), (1 << self.bits) - 1
        self.keys = 1 if self.mantissa is None else 1 << min(self.mantissa, 10)

    def negative(self, v):
        return self.mantissa is not None and v >= self.sign

    def ordered(self, v):
        return v ^ (self.sign - 1) if self.negative(v) else v

    def moved(self, base, d):
        d = -d if self.negative(base) else d
        return self.ordered((self.ordered(base) + d) & self.mask)

    def half_octaves(self, v):
        return 0 if self.mantissa is None else (v & (self.sign - 1)) >> (self.mantissa - 1)

    def key(self, v):
        return 0 if self.mantissa is None else (v >> max(self.mantissa - 10, 0)) & (self.keys - 1)

    def zero(self, base, same):
        return self.sign if self.mantissa is not None and self.negative(base) == same else 0


class Delta:
    def __init__(self, header, dtype, size):
        """§18.2"""
        self.layout = Layout(dtype, size)
        r = Reader(header)
        self.xor, self.row = r.code(0, 1), r.up_to(1 << 24, 1)
        dec, numbers = Binary(r.blob()), Uint()
        r.finish()
        self.classes = 1 + numbers.get(dec)
        self.offset = numbers.signed(dec)
        self.width = 1 + numbers.get(dec)
        need(self.classes <= 32 and abs(self.offset) <= 1 << 13 and self.width <= 1 << 10,
             'the classes are out of range')
        has_drift = numbers.get(dec)
        need(has_drift <= 1, 'a reserved value')
        self.drift, model, at = [], Uint(), 0
        for _ in range(self.layout.keys if has_drift else 0):
            at += model.signed(dec)
            need(-1 << 31 <= at < 1 << 31, 'a drift is out of range')
            self.drift.append(at)
        self.tables, models = [], TableModels()
        for _ in range(self.classes):
            own = numbers.get(dec)
            need(own == 1 or own == 0 and self.tables, 'a class has no table')
            self.tables.append(models.table(dec, 256) if own else self.tables[-1])
        dec.finish()

    def tile(self, data, base):
        """§18.3, §18.4"""
        layout, step = self.layout, self.layout.bits // 8
        base = [int.from_bytes(base[i:i + step], 'little') for i in range(0, len(base), step)]
        r = Reader(data)
        dec, scales, flags = Binary(r.blob()), Uint(), [[32768, 0], [32768, 0]]
        rows, scale, drifts = [], 0, 0
        for _ in range(-(-len(base) // self.row)):
            drifts = dec.bit(flags[drifts]) if self.drift else 0
            scale += scales.signed(dec)
            need(abs(scale) <= 4096, 'the scale of a row is out of range')
            rows.append((scale, drifts))
        dec.finish()

        def table(i, _):
            expected = rows[i // self.row][0] - layout.half_octaves(base[i])
            c = (expected - self.offset) // self.width
            return self.tables[min(max(c, 0), self.classes - 1)]

        symbols = rans(r.blob(), len(base), 8, table)
        raw = r.rest()
        low, at, out = int.from_bytes(raw, 'little'), 0, bytearray()
        for i, (a, symbol) in enumerate(zip(base, symbols)):
            if symbol >= 254:
                v = layout.zero(a, symbol == 254)
            else:
                bucket = (symbol + 1) // 2
                n = (max(bucket, 4) - 4) // 4
                d = (bucket - 4 * n << n) | (low >> at & ((1 << n) - 1))
                at += n
                d = -d if symbol & 1 else d
                if self.xor:
                    v = (a ^ d) & layout.mask
                else:
                    v = layout.moved(a, d + (self.drift[layout.key(a)] if rows[i // self.row][1] else 0))
            out += v.to_bytes(step, 'little')
        need(len(raw) == -(-at // 8) and low >> at == 0, 'the raw bits are too few or too many')
        return bytes(out)
