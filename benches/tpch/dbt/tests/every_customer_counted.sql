select total.customers
from (select sum(customers) as customers from {{ ref('mart_customer_distribution') }}) as total
cross join (select count(*) as customers from {{ ref('clean_customer') }}) as all_of_them
where total.customers <> all_of_them.customers
