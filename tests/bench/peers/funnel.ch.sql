select count(), countIf(l >= 2), countIf(l >= 3), countIf(l >= 4)
from (select cust, windowFunnel(604800000)(t, event = 'view_product',
		event = 'click_product', event = 'submit_order', event = 'pay_success') l
	from (select toUInt64(toUnixTimestamp64Milli(parseDateTime64BestEffort(time, 3))) t,
			event, ids.customer cust
		from file('$F', 'JSONEachRow', 'time String, event LowCardinality(String),
			ids Tuple(customer Nullable(String), device String)'))
	where event in ('view_product', 'click_product', 'submit_order', 'pay_success')
		and cust is not null
	group by cust having l >= 1)
settings max_threads=$T, input_format_json_ignore_unknown_keys_in_named_tuple=1,
	input_format_skip_unknown_fields=1;
