/*
checks:
  - not_null
  - name: lonely
  - not_null: a
    sevrity: warn
  - severity: warning
    not_null: b
  - not_null: c
    unique: d
  - not_null: d
    error: ">= 5"
    warn: "> 200%"
  - not_null: e
    error: 0.5
    warn: [1]
  - not_null: f
    action: drop
    where: 12
    name: ""
  - [not_null, a]
  - anomaly: { of: "mean(load_mw)" }
  -
*/
select 1 as a
