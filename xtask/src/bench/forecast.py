"""The peers of `cargo xtask bench forecast`: a model of statsforecast or Prophet over a wide file, scored as the M4 competition does.

forecast.py TRAIN.csv TEST.csv SEASONS MODEL: prints one line of JSON. SEASONS is `12` or `24,168`.
"""
import csv, json, logging, sys, time, warnings

import numpy as np
from statsforecast import models

warnings.filterwarnings("ignore")


def wide(path):
    with open(path, newline="") as file:
        rows = list(csv.reader(file))[1:]
    return [np.array([float(cell) for cell in row[1:] if cell != ""]) for row in rows]


def smape(actual, forecast):
    return 200.0 * np.mean(np.abs(actual - forecast) / (np.abs(actual) + np.abs(forecast)))


def mase(past, actual, forecast, season):
    scale = np.mean(np.abs(past[season:] - past[:-season]))
    return np.mean(np.abs(actual - forecast)) / scale


seasons = [int(text) for text in sys.argv[3].split(",")]
train, test = wide(sys.argv[1]), wide(sys.argv[2])
horizon = len(test[0])
name = sys.argv[4]
level = [80]


class Prophet:
    """Daily values; which days they are is of no matter to them."""

    def forecast(self, y, h, level):
        import pandas
        from prophet import Prophet as Model

        logging.disable(logging.CRITICAL)
        days = pandas.date_range("2010-01-01", periods=len(y) + h)
        model = Model(interval_width=level[0] / 100)
        model.fit(pandas.DataFrame({"ds": days[:len(y)], "y": y}))
        said = model.predict(pandas.DataFrame({"ds": days[len(y):]}))
        return {"mean": said.yhat.values, "lo-80": said.yhat_lower.values, "hi-80": said.yhat_upper.values}


make = {
    "DynamicOptimizedTheta": lambda: models.DynamicOptimizedTheta(season_length=seasons[0]),
    "AutoETS": lambda: models.AutoETS(season_length=seasons[0]),
    "Prophet": Prophet,
    "MSTL": lambda: models.MSTL(season_length=seasons if len(seasons) > 1 else seasons[0]),
}[name]
make().forecast(y=train[0], h=horizon, level=level)  # compiled before it is timed
began = time.process_time()
answers = [make().forecast(y=past, h=horizon, level=level) for past in train]
took = time.process_time() - began
forecasts = [answer["mean"] for answer in answers]
inside = [np.mean((answer["lo-80"] <= a) & (a <= answer["hi-80"])) for a, answer in zip(test, answers)]
print(json.dumps({
    "series": len(train),
    "smape": float(np.mean([smape(a, f) for a, f in zip(test, forecasts)])),
    "mase": float(np.mean([mase(p, a, f, seasons[0]) for p, a, f in zip(train, test, forecasts)])),
    "inside": float(100 * np.mean(inside)),
    "per_second": len(train) / took,
}))
