copy (select ids.customer c, count(*) n, sum(props.amount) s, max(time) l
      from read_ndjson('$F', columns={time: 'VARCHAR', event: 'VARCHAR',
		ids: 'STRUCT(customer VARCHAR, device VARCHAR)',
		props: 'STRUCT(amount DOUBLE, product_id VARCHAR)'})
      where ids.customer is not null group by 1)
to '$O' (format csv, header false);
