/*
checks:
  - not_null: customer
  - not_null: [a, b]
    name: keys_are_there
    where: status <> 'test'
    section: Keys
    severity: warn
    error: "> 0.1%"
    warn: "> 0"
    action: reject
  - unique: [region, ts]
  - accepted: { status: [F, O, P, 1, true] }
  - range: { load_mw: { min: 0, max: 200000 } }
  - matches: { code: "^[A-Z]{3}$" }
  - references: { tailnum: raw.planes.tailnum }
  - rows: { min: 1000 }
  - fresh: { ts: 2d }
  - expect: "amount >= 0"
  - expect: "amount < 10"
    name: small
    error: 10
  - parity: { with: raw.load, compare: ["rows", "sum(load_mw)"], by: [region], tolerance: 0.1% }
  - change: { rows: 30% }
  - sql: |
      select * from mart.a
      where x = '$${y}'
  - { error: "> 5", some_new_kind: 1 }
*/
select 1 as a
