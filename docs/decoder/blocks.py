"""Block-quantized weights: §19 of docs/FORMAT.md."""

from entropy import Binary, Reader, TableModels, Uint, need, rans
from tiles import running_mean

# §19.2: code, name, weights and bytes of a block | places of FP16 numbers | fields
LAYOUTS = """
2 Q4_0 32 18 | 0 | 32 16:16:4
3 Q4_1 32 20 | 0 2 | zero 32; 32 32:16:4
6 Q5_0 32 22 | 0 | 32 48:16:4 16:1:1
7 Q5_1 32 24 | 0 2 | zero 32; 32 64:16:4 32:1:1
8 Q8_0 32 34 | 0 | 32 16:32:8
9 Q8_1 32 36 | 0 2 | 32 32:32:8
10 Q2_K 256 84 | 80 82 | 16 0:16:4 / of 0 by 1; 16 4:16:4 / zero 16 of 0 1; 256 128:32:2
11 Q3_K 256 110 | 108 | 16 768:8:4 832:4:2 / 256 256:32:2 0:32:1
12 Q4_K 256 144 | 0 2 | 4 32:4:6, 4 96:4:4 38:4:2 / of 0 by 3; 4 64:4:6, 4 100:4:4 70:4:2 / zero 32 of 0 1; 256 128:32:4
13 Q5_K 256 176 | 0 2 | 4 32:4:6, 4 96:4:4 38:4:2 / of 0 by 3; 4 64:4:6, 4 100:4:4 70:4:2 / zero 32 of 0 1; 256 384:32:4 128:32:1
14 Q6_K 256 210 | 208 | 16 1536:16:8 / 256 0:64:4 1024:32:2
15 Q8_K 256 292 |  | 4 0:4:8 / 256 32:256:8 / 16 2080:1:8:2 / 16 2088:1:8:2
16 IQ2_XXS 256 66 | 0 | 32 16:4:8:8 / 24 48:3:8:8 / 8 72:1:8:8
17 IQ2_XS 256 74 | 0 | 32 16:1:8:2 / 32 24:1:8:2 / 16 528:1:4
18 IQ3_XXS 256 98 | 0 | 64 16:64:8 / 24 528:3:8:4 / 8 552:1:8:4
19 IQ1_S 256 50 | 0 | 32 16:32:8 / 8 272:1:8:2 / 8 280:1:8:2
20 IQ4_NL 32 18 | 0 | 32 16:16:4
21 IQ3_S 256 110 | 0 | 64 16:64:8 / 8 528:8:8 / 32 592:32:8 / 8 848:1:4
22 IQ2_S 256 82 | 0 | 32 16:32:8 / 32 272:32:8 / 8 528:8:8 / 16 592:1:4
23 IQ4_XS 256 136 | 0 | 8 32:1:4 16:1:2 / 256 64:16:4
29 IQ1_M 256 56 |  | 32 0:32:8 / 16 256:16:8 / 8 384:8:8
34 TQ1_0 256 54 | 52 | 48 0:48:8 / 4 384:4:8
35 TQ2_0 256 66 | 64 | 256 0:32:2
39 MXFP4 32 17 |  | 1 0:1:8 / 32 8:16:4
40 NVFP4 64 36 |  | 4 0:4:8 / 64 32:8:4
"""


def parse_field(text):
    *context, parts = text.split(';')
    parts = [(int(count), [(*map(int, s.split(':')),) for s in slices])
             for count, *slices in map(str.split, parts.split(','))]
    return context[0].split() if context else [], parts


def parse_layouts():
    for line in LAYOUTS.strip().splitlines():
        head, halves, fields = line.split('|')
        code, _, _, size = head.split()
        yield int(code), (int(size), [int(h) for h in halves.split()],
                          [parse_field(f) for f in fields.split('/')])


LAYOUTS = dict(parse_layouts())


def bit_of(i, bit, group, width, stride=None):
    """§19.1"""
    each = 8 // width * group
    q, r = divmod(i, each)
    return bit + 8 * (q * (stride or group) + r % group) + width * (r // group)


def magnitude(half):
    exponent, mantissa = half >> 10 & 31, half & 1023
    return mantissa + 1024 << exponent - 1 if exponent else mantissa


class Blocks:
    """Tiles of blocks of one type."""

    def __init__(self, code):
        need(code in LAYOUTS, f'{code} is a reserved value')
        self.size, self.halves, self.fields = self.layout = LAYOUTS[code]

    def __eq__(self, other):
        return self.layout is other.layout

    def tile(self, data, n):
        r = Reader(data)
        if r.code(0, 1) == 0:
            out = r.take(n)
            r.finish()
            return out
        blocks = [0] * (n // self.size)
        halves, fields = [], []
        if self.halves:
            dec = Binary(r.blob())
            for at in self.halves:
                halves.append(self.read_halves(dec, len(blocks)))
                for b, half in enumerate(halves[-1]):
                    blocks[b] |= half << 8 * at
            dec.finish()
        for context, parts in self.fields:
            places = [[(bit_of(i, *s), s[2]) for s in slices] for count, slices in parts for i in range(count)]
            bits = sum(width for _, width in places[0])
            contexts, of, run = self.contexts(context, bits, halves, fields)
            dec, own, models, tables = Binary(r.blob()), Uint(), TableModels(), []
            for _ in range(contexts):
                flag = own.get(dec)
                need(flag == 1 or flag == 0 and tables, 'a context has no table')
                tables.append(models.table(dec, 1 << bits) if flag else tables[-1])
            dec.finish()
            count = len(blocks) * len(places)
            symbols = rans(r.blob(), count, 8, lambda i, _: tables[of[i // run] if of else 0])
            fields.append(symbols)
            for i, symbol in enumerate(symbols):
                b, i = divmod(i, len(places))
                for bit, width in places[i]:
                    blocks[b] |= (symbol & (1 << width) - 1) << bit
                    symbol >>= width
        r.finish()
        return b''.join(block.to_bytes(self.size, 'little') for block in blocks)

    def read_halves(self, dec, n):
        sign, model, mean, out = [32768, 0], Uint(), running_mean(), []
        prediction = next(mean)
        for _ in range(n):
            negative = dec.bit(sign)
            value = model.signed(dec) + prediction
            need(0 <= value < 1 << 15, 'a scale is out of range')
            out.append(negative << 15 | value)
            prediction = mean.send(value)
        return out

    def contexts(self, context, bits, halves, fields):
        """How many there are, those of runs of symbols, and the length of the runs."""
        if not context:
            return 1, None, 1
        if context[0] == 'of':
            field, shift = int(context[1]), int(context[3])
            return 1 << bits - shift, [s >> shift for s in fields[field]], 1
        run, factors = int(context[1]), [int(f) for f in context[3:]]
        scales, least = ([magnitude(h) for h in halves[k]] for k in range(2))
        if factors:
            a, b = (fields[f] for f in factors)
            each = len(a) // len(scales) if scales else 1
            scales = [scales[i // each] * f for i, f in enumerate(a)]
            least = [least[i // each] * f for i, f in enumerate(b)]
        of = [min(15, 16 * m // (d << bits)) if d else 0 for d, m in zip(scales, least)]
        return 16, of, run
