#!/usr/bin/env python3
"""Writes `dbt/models` from `lockgate/assets`, so that both sides of the benchmark run the same SQL and checks.

    pip install pyyaml && python3 benches/tpch/make_dbt.py

A source becomes a dbt source over the same CSV file with the same column types; a transform becomes a model
materialised as a table; a check becomes one data test, built in where dbt has it and from `dbt/tests/generic` where
users take dbt_utils; a `sql` check becomes a singular test.
"""

import re
import shutil
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ASSETS = HERE / "lockgate" / "assets"
MODELS = HERE / "dbt" / "models"
TYPES = {"int": "integer", "string": "varchar"}


def model_of(asset):
    return asset.replace(".", "_")


def relation(asset):
    schema, table = asset.split(".")
    return f"source('raw', '{table}')" if schema == "raw" else f"ref('{model_of(asset)}')"


def tests_of(check):
    """(column or None, test) pairs of one check, each one dbt test."""
    kind = next(iter(check))
    body = check[kind]
    if kind == "not_null":
        return [(column, "not_null") for column in (body if isinstance(body, list) else [body])]
    if kind == "unique":
        return [(body[0], "unique")] if len(body) == 1 else [(None, {"unique_together": {"columns": body}})]
    if kind == "accepted":
        return [(column, {"accepted_values": {"values": values}}) for column, values in body.items()]
    if kind == "range":
        return [(column, {"in_range": limits}) for column, limits in body.items()]
    if kind == "matches":
        return [(column, {"matches": {"pattern": pattern}}) for column, pattern in body.items()]
    if kind == "references":
        found = []
        for column, target in body.items():
            asset, field = target.rsplit(".", 1)
            found.append((column, {"relationships": {"to": relation(asset), "field": field}}))
        return found
    if kind == "rows":
        return [(None, {"row_count": body})]
    if kind == "expect":
        return [(None, {"expect": {"expression": body}})]
    if kind == "parity":
        compare = ["count(*)" if one == "rows" else one for one in body["compare"]]
        return [(None, {"parity": {"other": relation(body["with"]), "compare": compare}})]
    raise SystemExit(f"no dbt test for `{kind}`")


def to_dbt(sql, names):
    """The SQL with every asset's name as dbt writes it; aliases stay as they are."""
    for name in names:
        sql = re.sub(rf"(from|join) {re.escape(name)}\b", lambda m, n=name: f"{m[1]} {{{{ {relation(n)} }}}}", sql)
    return sql


def write_sources(sources):
    tables = []
    for name, settings in sources.items():
        columns = ", ".join(f"'{column}': '{TYPES.get(kind, kind)}'" for column, kind in settings["columns"].items())
        location = f"read_csv('{settings['read']['path']}', header = true, columns = {{{columns}}})"
        tables.append({"name": name.split(".")[1], "config": {"external_location": location, "formatter": "oldstyle"}})
    # The formatter is the one to which the braces above mean nothing.
    document = {"sources": [{"name": "raw", "tables": tables}]}
    (MODELS / "sources.yml").write_text(yaml.safe_dump(document, sort_keys=False, width=1000))


def main():
    sources, transforms = {}, {}
    for path in sorted(ASSETS.glob("*/*")):
        name = f"{path.parent.name}.{path.stem}"
        if path.suffix == ".yml":
            sources[name] = yaml.safe_load(path.read_text())
        else:
            header, sql = re.fullmatch(r"/\*\n(.*?)\n\*/\n(.*)", path.read_text(), re.S).groups()
            transforms[name] = (yaml.safe_load(header), sql)
    names = [*sources, *transforms]
    shutil.rmtree(MODELS, ignore_errors=True)
    MODELS.mkdir()
    write_sources(sources)
    count = 0
    for name, (settings, sql) in transforms.items():
        folder = MODELS / name.split(".")[0]
        folder.mkdir(exist_ok=True)
        (folder / f"{model_of(name)}.sql").write_text(to_dbt(sql, names))
        columns, tests = {}, []
        for check in settings["checks"]:
            if "sql" in check:
                count += 1
                (HERE / "dbt" / "tests" / f"{check['name']}.sql").write_text(to_dbt(check["sql"], names))
                continue
            for column, test in tests_of(check):
                count += 1
                if isinstance(test, dict):
                    test = {kind: {"arguments": arguments} for kind, arguments in test.items()}
                (columns.setdefault(column, []) if column else tests).append(test)
        model = {"name": model_of(name)}
        if tests:
            model["data_tests"] = tests
        if columns:
            model["columns"] = [{"name": column, "data_tests": found} for column, found in columns.items()]
        document = yaml.safe_dump({"models": [model]}, sort_keys=False, width=120)
        (folder / f"{model_of(name)}.yml").write_text(document)
    print(f"{len(sources)} sources, {len(transforms)} models, {count} tests")


if __name__ == "__main__":
    main()
