insert into function file('$O', 'CSV')
select ids.customer c, count() n, sum(props.amount) s, max(time) l
from file('$F', 'JSONEachRow', 'time String, event LowCardinality(String),
	ids Tuple(customer Nullable(String), device String),
	props Tuple(amount Nullable(Float64), product_id String)')
where c is not null group by c
settings max_threads=$T, input_format_json_ignore_unknown_keys_in_named_tuple=1,
	input_format_skip_unknown_fields=1, engine_file_truncate_on_insert=1;
