select event, count(*) n from read_ndjson('$F', columns={event: 'VARCHAR'})
group by 1 order by 2 desc, 1;
