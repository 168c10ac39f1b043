"""The series that the reference values are for, the same as `series` in the Rust tests."""
import math

# Box and Jenkins (1970), series G: passengers of international airlines in thousands, monthly, 1949 to 1960.
AIR_PASSENGERS = [
    112, 118, 132, 129, 121, 135, 148, 148, 136, 119, 104, 118,
    115, 126, 141, 135, 125, 149, 170, 170, 158, 133, 114, 140,
    145, 150, 178, 163, 172, 178, 199, 199, 184, 162, 146, 166,
    171, 180, 193, 181, 183, 218, 230, 242, 209, 191, 172, 194,
    196, 196, 236, 235, 229, 243, 264, 272, 237, 211, 180, 201,
    204, 188, 235, 227, 234, 264, 302, 293, 259, 229, 203, 229,
    242, 233, 267, 269, 270, 315, 364, 347, 312, 274, 237, 278,
    284, 277, 317, 313, 318, 374, 413, 405, 355, 306, 271, 306,
    315, 301, 356, 348, 355, 422, 465, 467, 404, 347, 305, 336,
    340, 318, 362, 348, 363, 435, 491, 505, 404, 359, 310, 337,
    360, 342, 406, 396, 420, 472, 548, 559, 463, 407, 362, 405,
    417, 391, 419, 461, 472, 535, 622, 606, 508, 461, 390, 432,
]

# US Geological Survey by way of Cobb (1978): flow of the Nile at Aswan in 10^8 cubic metres, yearly, 1871 to 1970.
NILE = [
    1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140,
    1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969,
    831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759,
    781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890,
    744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740,
]


def noise(count, seed):
    """Numbers in [-0.5, 0.5) that are the same everywhere: a linear congruential generator."""
    state, out = seed, []
    for _ in range(count):
        state = (state * 1103515245 + 12345) % 2**31
        out.append(state / 2**31 - 0.5)
    return out


def hourly(count=800):
    """A day of 24 and a week of 168 hours, with noise."""
    return [
        100 + 0.02 * t + 20 * math.sin(2 * math.pi * t / 24) + 10 * math.cos(2 * math.pi * t / 168) + 5 * e
        for t, e in zip(range(count), noise(count, 7))
    ]


def demand(count=60):
    """Demand that comes now and then."""
    gaps, sizes = noise(count, 11), noise(count, 23)
    return [float(int(1 + 12 * (size + 0.5))) if gap > 0.1 else 0.0 for gap, size in zip(gaps, sizes)]


def ramped(count=120):
    """An autoregression of the first order around a slope, with noise."""
    value, out = 0.0, []
    for t, e in zip(range(count), noise(count, 5)):
        value = 0.7 * value + 10 * e
        out.append(50 + 0.3 * t + value)
    return out
