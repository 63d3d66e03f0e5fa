copy (select json from read_ndjson_objects('$F')
      where json->>'$.event' = 'transfer' and (json->>'$.props.amount')::double >= 50000)
to '$O' (format csv, header false, quote '', delimiter E'\x01');
