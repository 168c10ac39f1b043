AUDIT (
  name revenue_not_negative
);

SELECT * FROM @this_model WHERE revenue < 0
