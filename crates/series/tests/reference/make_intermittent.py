"""Writes intermittent.json: `python3 make_intermittent.py`, with statsforecast 2.1.1."""
import json
from pathlib import Path

import numpy as np
from statsforecast.models import ADIDA, IMAPA, TSB, CrostonClassic, CrostonSBA

from series import AIR_PASSENGERS, demand

MODELS = {"croston": CrostonClassic(), "sba": CrostonSBA(), "tsb": TSB(alpha_d=0.1, alpha_p=0.1), "adida": ADIDA(), "imapa": IMAPA()}
SERIES = {"demand": demand(60), "longer": demand(201), "no zeros": AIR_PASSENGERS, "late": [0.0] * 20 + [5.0, 0.0, 0.0, 1.0, 7.0, 0.0]}

cases = [
    {
        "name": name,
        "values": [float(value) for value in values],
        "forecasts": {word: float(model.forecast(np.array(values, dtype=float), h=1)["mean"][0]) for word, model in MODELS.items()},
        "fitted": {
            word: [None if np.isnan(value) else float(value) for value in model.forecast(np.array(values, dtype=float), h=1, fitted=True)["fitted"]]
            for word, model in MODELS.items() if word in ("croston", "tsb")
        },
    }
    for name, values in SERIES.items()
]
Path(__file__).with_name("intermittent.json").write_text(json.dumps(cases) + "\n")
