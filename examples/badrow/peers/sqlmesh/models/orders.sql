MODEL (
  name clean.orders,
  kind FULL,
  audits (unique_values(columns := (order_id)))
);

SELECT
  order_id,
  LOWER(TRIM(customer)) AS customer,
  ordered_on,
  amount::DECIMAL(18, 2) AS amount
FROM READ_CSV('data/orders.csv')
