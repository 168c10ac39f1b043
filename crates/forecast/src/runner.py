"""Lockgate speaks to a model through this: a line of JSON in, a line of JSON out, one process for each thread."""

import importlib.util
import json
import math
import os
import sys

# What the model prints is no answer, nor what libraries below Python print.
answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
os.dup2(2, 1)
spec = importlib.util.spec_from_file_location("model", sys.argv[1])
model = importlib.util.module_from_spec(spec)
spec.loader.exec_module(model)
if not callable(getattr(model, "forecast", None)):
    sys.exit("it defines no forecast(values, horizon, seasons)")


def say(answer):
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


say({"ready": True})
for line in sys.stdin:
    asked = json.loads(line)
    try:
        said = [float(value) for value in model.forecast(asked["values"], asked["horizon"], asked["seasons"])]
        say({"forecast": [value if math.isfinite(value) else None for value in said]})
    except Exception as error:  # the next series may suit it
        say({"error": f"{type(error).__name__}: {error}"})
