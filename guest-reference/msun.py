"""sin, cos, pow and log in binary64, as section 8 of NUMERICS.md states them.

The algorithms are those of FreeBSD's msun, which the Rust crate `libm` 0.2.16 translates. The results
equal the crate's in every bit, because every operation below is one IEEE-754 operation of numpy in the
same order; the platform's own functions are never called. Arguments and results are numpy arrays.
pow and log take only what section 3 gives them: see their docstrings.

    msun.py sin|cos|pow|log      binary64 arguments on stdin, results on stdout, little-endian;
                                 pow reads pairs
"""

import math
import sys

import numpy as np

HIGH = np.uint64(0xFFFFFFFF_00000000)


def real(high, low=0):
    """The binary64 number with these two words of bits."""
    return np.array(high << 32 | low, np.uint64).view(np.float64)[()]


def bits(x):
    return np.asarray(x, np.float64).view(np.uint64)


def high_word(x):
    """Sign, exponent and the upper 20 bits of the fraction, as signed integers."""
    return (bits(x) >> np.uint64(32)).astype(np.uint32).view(np.int32).astype(np.int64)


def truncated(x):
    """x with the lower 32 bits of its fraction cleared."""
    return (bits(x) & HIGH).view(np.float64)


def from_high(high):
    return (np.asarray(high, np.int64).astype(np.uint64) << np.uint64(32)).view(np.float64)


def exponent(x):
    return (bits(x) >> np.uint64(52)).astype(np.int64) & 0x7FF


# sin and cos on [-pi/4, pi/4]: x is the argument, y what its rounding lost.

S1, S2, S3 = real(0xBFC55555, 0x55555549), real(0x3F811111, 0x1110F8A6), real(0xBF2A01A0, 0x19C161D5)
S4, S5, S6 = real(0x3EC71DE3, 0x57B1FE7D), real(0xBE5AE5E6, 0x8A2B9CEB), real(0x3DE5D93A, 0x5ACFD57C)
C1, C2, C3 = real(0x3FA55555, 0x5555554C), real(0xBF56C16C, 0x16C15177), real(0x3EFA01A0, 0x19CB1590)
C4, C5, C6 = real(0xBE927E4F, 0x809C52AD), real(0x3E21EE9E, 0xBDB4B1C4), real(0xBDA8FAE9, 0xBE8838D4)


def sin_head(x):
    """sin where nothing was lost."""
    z = x * x
    w = z * z
    r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6)
    return x + z * x * (S1 + z * r)


def sin_both(x, y):
    z = x * x
    w = z * z
    r = S2 + z * (S3 + z * S4) + z * w * (S5 + z * S6)
    v = z * x
    return x - ((z * (0.5 * y - v * r) - y) - v * S1)


def cos_both(x, y):
    z = x * x
    w = z * z
    r = z * (C1 + z * (C2 + z * C3)) + w * w * (C4 + z * (C5 + z * C6))
    hz = 0.5 * z
    w = 1.0 - hz
    return w + (((1.0 - w) - hz) + (z * r - x * y))


# Reduction to a multiple n of pi/2 and a rest y0 + y1.

TO_INT = real(0x43380000)
INV_PIO2 = real(0x3FE45F30, 0x6DC9C883)
PIO2_1, PIO2_1T = real(0x3FF921FB, 0x54400000), real(0x3DD0B461, 0x1A626331)
PIO2_2, PIO2_2T = real(0x3DD0B461, 0x1A600000), real(0x3BA3198A, 0x2E037073)
PIO2_3, PIO2_3T = real(0x3BA3198A, 0x2E000000), real(0x397B839A, 0x252049C1)


def reduce_near(x, n):
    """|x| up to 9·pi/4, at no multiple of pi/2: n is -4 … 4."""
    z = x - n * PIO2_1
    y0 = z - n * PIO2_1T
    return y0, (z - y0) - n * PIO2_1T


def reduce_medium(x):
    """|x| below 2^20·pi/2. A further round wherever the one before cancelled too many bits."""
    n = (x * INV_PIO2 + TO_INT) - TO_INT
    r = x - n * PIO2_1
    w = n * PIO2_1T
    y0 = r - w
    for lost, head, tail in ((16, PIO2_2, PIO2_2T), (49, PIO2_3, PIO2_3T)):
        again = exponent(x) - exponent(y0) > lost
        t = r
        head_w = n * head
        new_r = t - head_w
        new_w = n * tail - ((t - new_r) - head_w)
        r, w = np.where(again, new_r, r), np.where(again, new_w, w)
        y0 = r - w
    return n.astype(np.int64), y0, (r - y0) - w


TWO_OVER_PI = [
    0xA2F983, 0x6E4E44, 0x1529FC, 0x2757D1, 0xF534DD, 0xC0DB62, 0x95993C, 0x439041, 0xFE5163, 0xABDEBB, 0xC561B7,
    0x246E3A, 0x424DD2, 0xE00649, 0x2EEA09, 0xD1921C, 0xFE1DEB, 0x1CB129, 0xA73EE8, 0x8235F5, 0x2EBB44, 0x84E99C,
    0x7026B4, 0x5F7E41, 0x3991D6, 0x398353, 0x39F49C, 0x845F8B, 0xBDF928, 0x3B1FF8, 0x97FFDE, 0x05980F, 0xEF2F11,
    0x8B5A0A, 0x6D1F6D, 0x367ECF, 0x27CB09, 0xB74F46, 0x3F669E, 0x5FEA2D, 0x7527BA, 0xC7EBE5, 0xF17B3D, 0x0739F7,
    0x8A5292, 0xEA6BFB, 0x5FB11F, 0x8D5D08, 0x560330, 0x46FC7B, 0x6BABF0, 0xCFBC20, 0x9AF436, 0x1DA9E3, 0x91615E,
    0xE61B08, 0x659985, 0x5F14A0, 0x68408D, 0xFFD880, 0x4D7327, 0x310606, 0x1556CA, 0x73A8C9, 0x60E27B, 0xC08C6B,
]
PIO2 = [float(real(high, low)) for high, low in (
    (0x3FF921FB, 0x40000000), (0x3E74442D, 0), (0x3CF84698, 0x80000000), (0x3B78CC51, 0x60000000),
    (0x39F01B83, 0x80000000))]


def reduce_large(x):
    """One finite |x| from 2^20·pi/2 on, with as much of 2/pi as it needs, in whole numbers until the last step."""
    mantissa, e = math.frexp(abs(x))
    whole = int(math.ldexp(mantissa, 72))
    pieces = [whole >> 48, whole >> 24 & 0xFFFFFF, whole & 0xFFFFFF]
    e -= 24
    first = max((e - 3) // 24, 0)
    q = e - 24 * (first + 1)
    last = 4
    while True:
        total = 0
        for i in range(last + 1):
            total <<= 24
            total += sum(piece * TWO_OVER_PI[first + i - j] for j, piece in enumerate(pieces) if first + i >= j)
        point = 24 * last - q  # binary digits behind the point
        n, rest = total >> point & 7, total & (1 << point) - 1
        above = rest >> point - 1
        if above:
            n, rest = n + 1, (1 << point) - rest
        chunks = [rest >> 24 * i & 0xFFFFFF for i in range(last)]  # the lowest first
        top = rest >> 24 * last
        if top or any(chunks[4:]):
            break
        last += next(k for k in range(1, 5) if chunks[4 - k])
    chunks += [top & 0xFFFFFF, top >> 24]
    high = q + 24
    while not chunks[-1]:
        chunks.pop()
        high -= 24
    chunks = [math.ldexp(c, high - 24 * i) for i, c in enumerate(reversed(chunks))]  # the highest first
    terms = [sum(PIO2[k] * chunks[i - k] for k in range(min(4, i) + 1)) for i in range(len(chunks))]
    y0 = 0.0
    for term in reversed(terms):
        y0 = y0 + term
    y1 = terms[0] - y0
    for term in terms[1:]:
        y1 = y1 + term
    sign = -1 if above else 1
    return (n, sign * y0, sign * y1) if x > 0 else (-n, -sign * y0, -sign * y1)


# High words of the last number of each interval, and the high word of the multiple of pi/2 inside it.
NEAR = [(0x4002D97C, 0x3FF921FB), (0x400F6A7A, 0x400921FB), (0x4015FDBC, 0x4012D97C), (0x401C463B, 0x401921FB)]


def reduce(x):
    """n, y0, y1 with x = n·pi/2 + y0 + y1, for finite |x| above pi/4."""
    x = np.asarray(x, np.float64)
    n, y0, y1 = np.zeros(x.shape, np.int64), np.zeros(x.shape), np.zeros(x.shape)
    magnitude = high_word(np.abs(x))
    medium = magnitude < 0x413921FB
    below = 0x3FE921FB
    for count, (end, multiple) in enumerate(NEAR, 1):
        # Where pi itself lies in the way, any multiple of it has the same 20 bits of fraction.
        near = (magnitude > below) & (magnitude <= end) & (magnitude != multiple)
        signed = np.where(x[near] < 0, -count, count)
        y0[near], y1[near] = reduce_near(x[near], signed.astype(np.float64))
        n[near] = signed
        medium &= ~near
        below = end
    n[medium], y0[medium], y1[medium] = reduce_medium(x[medium])
    for i in np.nonzero(magnitude >= 0x413921FB)[0]:
        n[i], y0[i], y1[i] = reduce_large(float(x[i]))
    return n, y0, y1


def sin(x):
    """Of finite arguments."""
    result = np.array(x, np.float64)
    magnitude = high_word(np.abs(result))
    small = (magnitude <= 0x3FE921FB) & (magnitude >= 0x3E500000)
    result[small] = sin_head(result[small])
    large = magnitude > 0x3FE921FB
    n, y0, y1 = reduce(result[large])
    result[large] = by_quarter(n, sin_both(y0, y1), cos_both(y0, y1))
    return result


def cos(x):
    """Of finite arguments."""
    x = np.array(x, np.float64)
    result = np.ones(x.shape)
    magnitude = high_word(np.abs(x))
    small = (magnitude <= 0x3FE921FB) & (magnitude >= 0x3E46A09E)
    result[small] = cos_both(x[small], 0.0)
    large = magnitude > 0x3FE921FB
    n, y0, y1 = reduce(x[large])
    result[large] = by_quarter(n + 1, sin_both(y0, y1), cos_both(y0, y1))
    return result


def by_quarter(n, sine, cosine):
    """The sine of n·pi/2 + y, from sine and cosine of y."""
    value = np.where(n & 1, cosine, sine)
    return np.where(n & 2, -value, value)


DP_H, DP_L = real(0x3FE2B803, 0x40000000), real(0x3E4CFDEB, 0x43CFD006)
L1, L2, L3 = real(0x3FE33333, 0x33333303), real(0x3FDB6DB6, 0xDB6FABFF), real(0x3FD55555, 0x518F264D)
L4, L5, L6 = real(0x3FD17460, 0xA91D4101), real(0x3FCD864A, 0x93C9DB65), real(0x3FCA7E28, 0x4A454EEF)
P1, P2, P3 = real(0x3FC55555, 0x5555553E), real(0xBF66C16C, 0x16BEBD93), real(0x3F11566A, 0xAF25DE2C)
P4, P5 = real(0xBEBBBD41, 0xC5D26BF1), real(0x3E663769, 0x72BEA4D0)
LG2, LG2_H, LG2_L = real(0x3FE62E42, 0xFEFA39EF), real(0x3FE62E43), real(0xBE205C61, 0x0CA86C39)
CP, CP_H, CP_L = real(0x3FEEC709, 0xDC3A03FD), real(0x3FEEC709, 0xE0000000), real(0xBE3E2FE0, 0x145B01F5)


def log2(x):
    """In two pieces, of normal x > 0."""
    high = high_word(x)
    n = (high >> 20) - 0x3FF
    j = high & 0xFFFFF
    k = ((j > 0x3988E) & (j < 0xBB67A)).astype(np.int64)
    wrap = (j >= 0xBB67A).astype(np.int64)
    n, high = n + wrap, (j | 0x3FF00000) - (wrap << 20)
    ax = ((high.astype(np.uint64) << np.uint64(32)) | (bits(x) & ~HIGH)).view(np.float64)
    middle = np.where(k, 1.5, 1.0)
    u = ax - middle
    v = 1.0 / (ax + middle)
    ss = u * v
    s_h = truncated(ss)
    t_h = from_high((high >> 1 | 0x20000000) + 0x80000 + (k << 18))
    t_l = ax - (t_h - middle)
    s_l = v * ((u - s_h * t_h) - s_h * t_l)
    s2 = ss * ss
    r = s2 * s2 * (L1 + s2 * (L2 + s2 * (L3 + s2 * (L4 + s2 * (L5 + s2 * L6)))))
    r = r + s_l * (s_h + ss)
    s2 = s_h * s_h
    t_h = truncated(3.0 + s2 + r)
    t_l = r - ((t_h - 3.0) - s2)
    u = s_h * t_h
    v = s_l * t_h + t_l * ss
    p_h = truncated(u + v)
    p_l = v - (p_h - u)
    z_h = CP_H * p_h
    z_l = CP_L * p_h + p_l * CP + np.where(k, DP_L, 0.0)
    t = n.astype(np.float64)
    dp_h = np.where(k, DP_H, 0.0)
    t1 = truncated(((z_h + z_l) + dp_h) + t)
    return t1, z_l - (((t1 - t) - dp_h) - z_h)


def exp2(p_h, p_l):
    """2^(p_h + p_l), where the result is normal."""
    z = p_l + p_h
    magnitude = np.abs(z)
    n = np.where(high_word(magnitude) > 0x3FE00000, np.floor(magnitude + 0.5), 0.0)
    n = np.where(z < 0, -n, n)
    p_h = p_h - n
    t = truncated(p_l + p_h)
    u = t * LG2_H
    v = (p_l - (t - p_h)) * LG2 + t * LG2_L
    z = u + v
    w = v - (z - u)
    t = z * z
    t1 = z - t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5))))
    r = (z * t1) / (t1 - 2.0) - (w + z * w)
    return np.ldexp(1.0 - (r - z), n.astype(np.int64))


def pow(x, y):
    """x^y for normal x > 0 and -1 < y <= 0, where the result is normal."""
    x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    t1, t2 = log2(x)
    y1 = truncated(y)
    return exp2(y1 * t1, (y - y1) * t1 + y * t2)


LN2_HI, LN2_LO = real(0x3FE62E42, 0xFEE00000), real(0x3DEA39EF, 0x35793C76)
LG = [real(0x3FE55555, 0x55555593), real(0x3FD99999, 0x9997FA04), real(0x3FD24924, 0x94229359),
      real(0x3FCC71C5, 0x1D8E78AF), real(0x3FC74664, 0x96CB03DE), real(0x3FC39A09, 0xD078C69F),
      real(0x3FC2F112, 0xDF3E5244)]


def log(x):
    """The natural logarithm of normal x > 0."""
    high = high_word(x) + (0x3FF00000 - 0x3FE6A09E)
    k = ((high >> 20) - 0x3FF).astype(np.float64)
    high = (high & 0xFFFFF) + 0x3FE6A09E
    f = ((high.astype(np.uint64) << np.uint64(32)) | (bits(x) & ~HIGH)).view(np.float64) - 1.0
    hfsq = 0.5 * f * f
    s = f / (2.0 + f)
    z = s * s
    w = z * z
    t1 = w * (LG[1] + w * (LG[3] + w * LG[5]))
    t2 = z * (LG[0] + w * (LG[2] + w * (LG[4] + w * LG[6])))
    return s * (hfsq + (t2 + t1)) + k * LN2_LO - hfsq + f + k * LN2_HI


def main():
    function = {"sin": sin, "cos": cos, "pow": pow, "log": log}[sys.argv[1]]
    arguments = np.frombuffer(sys.stdin.buffer.read(), "<f8")
    pairs = arguments.reshape(-1, 2).T if function is pow else arguments[np.newaxis]
    sys.stdout.buffer.write(function(*pairs).astype("<f8").tobytes())


if __name__ == "__main__":
    main()
