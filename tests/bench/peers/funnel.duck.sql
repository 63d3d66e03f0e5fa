with s as (
	select cust, t, case event when 'view_product' then 1 when 'click_product' then 2
		when 'submit_order' then 3 else 4 end st
	from (select epoch_ms(time::timestamptz) t, event, ids.customer cust
		from read_ndjson('$F', columns={time: 'VARCHAR', event: 'VARCHAR',
			ids: 'STRUCT(customer VARCHAR, device VARCHAR)'}))
	where event in ('view_product', 'click_product', 'submit_order', 'pay_success')
		and cust is not null),
a as (
	select *, min(case when st = 2 then t end) over w e2,
		case when st = 3 then min(case when st = 4 then t end) over w end x4,
		case when st = 2 then min(case when st = 3 then t end) over w end x3
	from s window w as (partition by cust order by t, st
		rows between 1 following and unbounded following)),
b as (
	select *, min(x3) over w e3, case when st = 2 then min(x4) over w end y4
	from a window w as (partition by cust order by t, st
		rows between 1 following and unbounded following)),
d as (
	select *, min(y4) over w e4
	from b window w as (partition by cust order by t, st
		rows between 1 following and unbounded following))
select count(*), sum((l >= 2)::int), sum((l >= 3)::int), sum((l >= 4)::int)
from (select cust, max(case when e4 - t <= 604800000 then 4 when e3 - t <= 604800000 then 3
		when e2 - t <= 604800000 then 2 else 1 end) l
	from d where st = 1 group by 1);
