"""Writes arima.json: `python3 make_arima.py`, with statsforecast 2.1.1. Exact maximum likelihood from conditional least squares (its `method="ML"` stays at 0), and its automatic choice.
"""
import json
import math
from pathlib import Path

import numpy as np
from statsforecast.models import ARIMA, AutoARIMA

from series import AIR_PASSENGERS, NILE, hourly, ramped

LOG_AIR = [math.log(value) for value in AIR_PASSENGERS]
CASES = [
    ("airline model", LOG_AIR, (0, 1, 1), (0, 1, 1), 12, False),
    ("airline with autoregression", LOG_AIR, (2, 1, 1), (1, 1, 0), 12, False),
    ("nile with mean", NILE, (1, 0, 1), (0, 0, 0), 1, True),
    ("nile differenced", NILE, (1, 1, 1), (0, 0, 0), 1, False),
    ("drift", ramped(120), (1, 1, 1), (0, 0, 0), 1, True),
    ("hours", hourly(240), (2, 0, 1), (1, 1, 1), 24, False),
]

fixed = []
for name, values, order, seasonal, season, constant in CASES:
    values = [float(value) for value in values]
    model = ARIMA(order=order, season_length=season, seasonal_order=seasonal, include_mean=constant, include_drift=constant and order[1] == 1)
    model.fit(np.array(values))
    found = model.model_
    fixed.append({
        "name": name, "values": values, "order": [order[0], order[1], order[2], *seasonal, season, int(constant)],
        "coefficients": {key: float(value) for key, value in found["coef"].items()},
        "log_likelihood": float(found["loglik"]),
        "forecast": [float(value) for value in model.predict(24)["mean"]],
    })

automatic = []
for name, values, season in [("log air passengers", LOG_AIR, 12), ("air passengers", AIR_PASSENGERS, 12), ("nile", NILE, 1), ("ramped", ramped(120), 1)]:
    values = [float(value) for value in values]
    found = AutoARIMA(season_length=season, approximation=False).fit(np.array(values)).model_
    p, q, P, Q, m, d, D = found["arma"]
    automatic.append({"name": name, "values": values, "season": season, "order": [p, d, q, P, D, Q, m], "aicc": float(found["aicc"])})

Path(__file__).with_name("arima.json").write_text(json.dumps({"fixed": fixed, "automatic": automatic}) + "\n")
