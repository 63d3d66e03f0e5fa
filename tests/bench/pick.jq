# jq -s --argjson n N -f pick.jq DEFINITION...: N of their tags, taken evenly over the files,
# each with those that it needs.
[.[].tags[]] as $all
| ($all | map({ (.name): . }) | add) as $by
| def needs: [tojson | match("tags\\.([a-z0-9_]+)"; "g").captures[0].string | select($by[.])] | unique;
  # the names of a tag and of all that it needs, those that need nothing first
  def closure: . as $name | [($by[$name] | needs[] | closure[]), $name];
  ($all | length) as $size
| reduce range($size) as $i ({ tags: {} };
    if (.tags | length) >= $n then .
    else
      (.tags + ([$all[$i * 37 % $size].name | closure[] | { (.): true }] | add)) as $more
      | if ($more | length) <= $n then .tags = $more else . end
    end)
| .tags as $picked
| { tags: [$all[] | select($picked[.name])] }
