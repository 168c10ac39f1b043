MODEL (
  name mart.revenue,
  kind FULL,
  description 'What each customer has bought so far. Finance reads this table.',
  audits (unique_values(columns := (customer)), revenue_not_negative)
);

SELECT
  customer,
  COUNT(*) AS orders,
  SUM(amount) AS revenue,
  MAX(ordered_on) AS last_order_on
FROM clean.orders
GROUP BY customer
