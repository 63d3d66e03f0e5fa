select event, count() n from file('$F', 'JSONEachRow', 'event LowCardinality(String)')
group by event order by n desc, event
settings max_threads=$T, input_format_skip_unknown_fields=1;
