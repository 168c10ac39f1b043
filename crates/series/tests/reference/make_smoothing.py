"""Writes smoothing.json: `python3 make_smoothing.py`, with statsforecast 2.1.1.

For exponential smoothing the parameters and first states it found, their likelihood and the forecast: ours says the same
of them, and finds a likelihood that is at least as great. For the theta family the forecasts; for complex smoothing of
the series as it is the squared errors from the second on, and the forecast.
"""
import json
import warnings
from pathlib import Path

import numpy as np
from statsforecast.models import AutoCES, AutoETS, DynamicOptimizedTheta, DynamicTheta, OptimizedTheta, Theta

from series import AIR_PASSENGERS, NILE, ramped

warnings.filterwarnings("ignore")
SERIES = {"air passengers": (AIR_PASSENGERS, 12), "nile": (NILE, 1), "ramped": (ramped(), 1)}
HORIZON = 24


def floats(values):
    return [round(float(value), 10) for value in values]


def smoothed(name, form):
    values, season = SERIES[name]
    errors, trend, seasonal = form
    model = AutoETS(season_length=season, model=errors + trend[0] + seasonal, damped=trend == "Ad")
    values = np.array(values, dtype=float)
    fit = model.fit(values).model_
    alpha, beta, gamma, phi = (0.0 if np.isnan(value) else float(value) for value in fit["par"][:4])
    first = [float(value) for value in fit["states"][0]]
    trended = trend != "N"
    return {
        "series": name,
        "form": f"ETS({errors},{trend},{seasonal})",
        "values": floats(values),
        "weights": [alpha, beta, gamma, phi if trend == "Ad" else 1.0],
        "level": first[0],
        "trend": first[1] if trended else 0.0,
        # Theirs is the latest first.
        "season": first[1 + trended :][::-1] if seasonal != "N" else [],
        "deviance": -2 * float(fit["loglik"]),
        "forecast": floats(model.predict(HORIZON)["mean"]),
    }


def theta(name, model, ours):
    values, season = SERIES[name]
    values = np.array(values, dtype=float)
    forecast = model(season_length=season).forecast(y=values, h=HORIZON)["mean"]
    seasons = [season] if season > 1 else []
    return {"series": name, "model": ours, "values": floats(values), "seasons": seasons, "forecast": floats(forecast)}


def complex_smoothed(name):
    values = np.array(SERIES[name][0], dtype=float)
    model = AutoCES(season_length=1, model="N").fit(values)
    errors = (values - model.predict_in_sample()["fitted"])[1:]
    forecast = model.predict(HORIZON)["mean"]
    return {"series": name, "values": floats(values), "squares": float(errors @ errors), "forecast": floats(forecast)}


plain = [("A", "N", "N"), ("A", "A", "N"), ("A", "Ad", "N"), ("M", "N", "N"), ("M", "Ad", "N")]
seasonal = [(e, t, s) for e in "AM" for t in ("N", "Ad") for s in "AM" if (e, s) != ("A", "M")]
ets = [smoothed(name, form) for name in ("nile", "ramped") for form in plain if (name, form[0]) != ("ramped", "M")]
ets += [smoothed("air passengers", form) for form in seasonal]
models = [
    (Theta, "theta"),
    (OptimizedTheta, "optimised_theta"),
    (DynamicTheta, "dynamic_theta"),
    (DynamicOptimizedTheta, "dynamic_optimised_theta"),
]
thetas = [theta(name, model, ours) for name in SERIES for model, ours in models]
complexes = [complex_smoothed(name) for name in SERIES]
Path(__file__).with_name("smoothing.json").write_text(json.dumps({"ets": ets, "theta": thetas, "ces": complexes}) + "\n")
