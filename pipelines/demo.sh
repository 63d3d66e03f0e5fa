#!/bin/sh
# Make up a bank, run its night, show what came out.
#
# usage: demo.sh DIRECTORY [CUSTOMERS [DAYS]]
#
# The tools are found on PATH.  DIRECTORY is made anew.
set -eu
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?usage: demo.sh DIRECTORY [CUSTOMERS [DAYS]]}
customers=${2:-5000} days=${3:-30}
day=2024-05-01
run=$dir/cdp/runs/$day

title() { printf '\n%s\n' "$*"; }

# table FIELD...: members of flat NDJSON as columns, the first left-aligned.
table() {
  awk -v fields="$*" '
    function member(name,   v) {
      if (!match($0, "\"" name "\":(\"[^\"]*\"|[^,}]*)")) return "-"
      v = substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 3)
      gsub(/"/, "", v)
      return v
    }
    BEGIN { n = split(fields, f, " ") }
    NR == 1 { for (i = 1; i <= n; i++) printf i == 1 ? "  %-22s" : "%14s", f[i]; print "" }
    { for (i = 1; i <= n; i++) printf i == 1 ? "  %-22s" : "%14s", member(f[i]); print "" }'
}

# over_http FILE: what a service of the house posts as it happens; the file becomes what the
# endpoint made of it.
over_http() {
  if ! command -v curl >/dev/null || cdp-collect --version | grep -q 'without libmicrohttpd'; then
    echo "  (no curl, or built without libmicrohttpd: it stays a file)"
    return
  fi
  cdp-collect -q --stats --listen 127.0.0.1:0 --port-file "$dir/port" --spool "$dir/spool" \
    --ack fsync --received "$day" -j 1 2>"$dir/endpoint.json" &
  until [ -s "$dir/port" ]; do
    kill -0 $! || return
    sleep 0.1
  done
  curl -sS -f --data-binary "@$1" "http://127.0.0.1:$(cat "$dir/port")/native"
  kill $!
  wait $!
  find "$dir/spool" -name '*.ndjson' | sort | xargs cat /dev/null | gzip >"$1"
  table in out rejected <"$dir/endpoint.json"
}

rm -rf "$dir"
mkdir -p "$dir"
start=$(cdp-filter --eval "day(date('$day') - duration('${days}d'))" |
  sed 's/.*"value":"\([0-9-]*\)".*/\1/')
cdp-gen --customers "$customers" --days "$days" --start "$start" -o "$dir/raw"
title "A bank of $customers customers and $days days of raw logs, in $dir/raw:"
du -sh "$dir"/raw/* | awk '{ sub(/.*\//, "", $2); printf "  %-12s %6s\n", $2, $1 }'

last=$(cdp-filter --eval "day(date('$day') - duration('1d'))" |
  sed 's/.*"value":"\([0-9-]*\)".*/\1/')
title 'The transactions of its last day come in over HTTP (cdp-collect --listen):'
over_http "$dir/raw/core/transactions-$last.ndjson.gz"

begin=$(date +%s)
"$here/nightly.sh" -i "$dir/raw" -w "$dir/cdp" -a "$day"
title "Its night, $(($(date +%s) - begin)) seconds; what each stage took in, gave out, knew already, set aside:"
table stage in out duplicates rejected <"$run/stages.ndjson"

title 'What the last day is worth, source by source (cdp-quality):'
grep '"quality_source"' "$run/quality.ndjson" |
  table source events rejected duplicates plausibility continuity completeness timeliness

title 'Who was it (cdp-idmap): persons, those of them without a name, and ids that link nobody:'
head -n 1 "$run/identity.ndjson" | table persons anonymous ids contested blocked

title "One customer with some of $(cat "$here"/../samples/tags/*.json | grep -c '{"name":') tags (cdp-tag):"
cdp-filter -e "has(tags.last_product) && has(tags.rfm) && has(tags.favourite_trade) && tags.aum > 100000 && tags.maturing_30d" \
  --fields one_id,tags.name,tags.age,tags.city,tags.life_stage,tags.stage,tags.activity,tags.last_seen,tags.favourite_channel,tags.aum,tags.aum_tier,tags.aum_rank,tags.risk_type,tags.held_categories,tags.holding_profit,tags.next_maturity,tags.purchase_amount,tags.rfm,tags.favourite_trade,tags.card_spend_90d,tags.interest_drift,tags.message_response,tags.churn_risk,tags.intent_score,tags.value_type,tags.offer \
  "$run/profiles.ndjson" | sed -n 1p | sed 's/,"tags":/,/; s/,\{0,1\}"\([a-z0-9_]*\)":/\n\1 /g; s/[{}]//g' |
  awk 'NF { item = "  " $0; if (length(line item) > 96) { print line; line = "" } line = line item }
    END { print line }'

title 'Audiences of the night (cdp-segment):'
cdp-segment --count --table -d "$here/../samples/bank/segments.json" "$run/profiles.ndjson" |
  sed 's/^/  /'

title 'Some of the ready-made ones (samples/segments):'
cdp-segment --count --table -d "$here/../samples/segments/finance.json" --segment sleeping_giants \
  --segment fund_absent --segment leaving_high_end --segment rich_prospects \
  --segment wealthy_mothers --segment maturing_large --segment over_their_risk \
  "$run/profiles.ndjson" | sed 's/^/  /'

title 'A table of the core system, in GB18030: its telephone numbers as an audience (import):'
printf '{"segments":[{"name":"branch_table","import":{"files":["%s"],"kind":"phone","key":"手机号","charset":"GB18030"}}]}\n' \
  "$dir/raw/core/customers.gb18030.csv" >"$dir/lists.json"
cdp-segment -q -d "$dir/lists.json" --count --ids "$run/map.ndjson" --max-rejects 5% \
  --kinds "$here/../samples/bank/ids.json" --report "$dir/lists.ndjson" "$run/profiles.ndjson" >"$dir/counts.ndjson"
table segment rows matched unmatched no_profile duplicate rejected <"$dir/lists.ndjson"

title 'What sets two of them apart (cdp-portrait), no group of fewer than 10 told of:'
cdp-portrait --rank --table --min-cell 10 --with "$run/members.ndjson" --segment high_intent \
  --segment fund_lovers --tag activity --tag aum_tier --tag city --tag risk \
  "$run/profiles.ndjson" | sed 's/^/  /'

title 'From a look at a product to the payment, within 7 days (cdp-funnel):'
cdp-funnel --trusted --table --window 7d --step view_product --step click_buy \
  --step submit_order --step pay_success "$run/identified.ndjson" | sed 's/^/  /'

title 'Messages of the night (cdp-journey, cdp-push); what quiet hours held goes out at 09:00:'
cdp-filter --count-by "props.channel + ' ' + event" "$run/receipts.ndjson" | table by count
cdp-push -d "$here/../samples/bank/push.json" --state "$dir/cdp/state/push" \
  --outbox "$dir/cdp/outbox" --as-of "${day}T09:00:00+08:00" /dev/null |
  cdp-filter --count-by "props.channel + ' ' + event" | table by count | sed 1d
for f in "$dir"/cdp/outbox/*; do
  printf '  outbox: %s, %d lines\n' "$f" "$(wc -l <"$f")"
done

cat <<EOF

Try next (PATH=$(dirname "$(command -v cdp-funnel)"):\$PATH):
  cdp-funnel --table --by "props['\\\$os']" --step view_product --step pay_success \\
    $run/identified.ndjson
EOF
