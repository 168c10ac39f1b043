"""Writes mstl.json: `python3 make_mstl.py`, with statsmodels 0.15.0 (which statsforecast's MSTL calls).

The filters are those of R's `stl`: seasons by local constants, jumps of a tenth of the windows, two inner rounds.
"""
import json
import math
from pathlib import Path

import numpy as np
import statsmodels.api as sm

from series import AIR_PASSENGERS, hourly


def odd(value):
    return value | 1


def decomposed(name, values, seasons):
    left = np.array(values, dtype=float)
    parts = [np.zeros(len(values)) for _ in seasons]
    trend = None
    for _ in range(2 if len(seasons) > 1 else 1):
        for i, season in enumerate(seasons):
            left = left + parts[i]
            window = 7 + 4 * (i + 1)
            slow = odd(math.ceil(1.5 * season / (1 - 1.5 / window)))
            low = odd(season + 1)
            jumps = dict(seasonal_jump=math.ceil(window / 10), trend_jump=math.ceil(slow / 10), low_pass_jump=math.ceil(low / 10))
            stl = sm.tsa.STL(left, period=season, seasonal=window, trend=slow, low_pass=low, seasonal_deg=0, **jumps)
            fit = stl.fit(inner_iter=2, outer_iter=0)
            parts[i], trend = np.asarray(fit.seasonal), np.asarray(fit.trend)
            left = left - parts[i]
    rounded = lambda numbers: [round(float(number), 9) for number in numbers]
    return {"name": name, "values": values, "seasons": seasons, "trend": rounded(trend), "parts": [rounded(p) for p in parts]}


cases = [decomposed("air passengers", AIR_PASSENGERS, [12]), decomposed("hourly", hourly(500), [24, 168])]
Path(__file__).with_name("mstl.json").write_text(json.dumps(cases) + "\n")
