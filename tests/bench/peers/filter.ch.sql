insert into function file('$O', 'RawBLOB', 'line String')
select concat(line, '\n') from file('$F', 'LineAsString', 'line String')
where simpleJSONExtractString(line, 'event') = 'transfer'
  and simpleJSONExtractFloat(line, 'amount') >= 50000
settings engine_file_truncate_on_insert=1, max_threads=$T;
