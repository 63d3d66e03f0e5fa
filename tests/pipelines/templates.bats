# samples/tags: every tag tells customers apart, and what it says is so.
bats_require_minimum_version 1.5.0
load ../helper

# One small bank, its night, and its profiles with all tags.
setup_file() {
  export RAW=$BATS_FILE_TMPDIR/raw DIR=$BATS_FILE_TMPDIR RUN=$BATS_FILE_TMPDIR/cdp/runs/2024-05-01
  cdp-gen --seed 5 --customers 1000 --days 30 -o "$RAW"
  "$TOP/pipelines/nightly.sh" -i "$RAW" -w "$DIR/cdp" -a 2024-05-01
  cdp-tag -d "$SAMPLES/tags/general.json" -d "$SAMPLES/tags/finance.json" --nulls -v --as-of 2024-05-01 \
    --calendar "$SAMPLES/calendar.json" --entities "$RAW/core/products.ndjson" \
    --entities "$RAW/core/entities.ndjson" "$RUN/identified.ndjson" >"$DIR/profiles" 2>"$DIR/notes"
  jq -r '[.one_id, .time, .event, .props.amount // 0, .props.product // "", .props.category // "",
    .props.channel // "", .props.direction // "", .props.trade // "", .props.path // ""] | @tsv' \
    <(grep '"event":"' "$RUN/identified.ndjson") >"$DIR/events.tsv"
}

setup() {
  cd "$BATS_TEST_TMPDIR"
}

truth() {
  jq -r "$1" "$RAW/truth.json"
}

# How many customers have tags like each of these conditions.
customers() {
  jq -sc "map(.tags) | [$(printf '(map(select(%s)) | length),' "$@")empty]" "$DIR/profiles"
}

# One line a customer: one_id and the values of TAGS, as SQLite prints them.
ours() {
  jq -r "[.one_id, (.tags | $1)] | map(if . == null then \"\" else . end) | join(\"|\")" "$DIR/profiles" |
    LC_ALL=C sort
}

# The same from a query; customers of whom there is no event are not in it.
theirs() {
  sqlite3 :memory: 'create table e(id, time text, event text, amount real, product text,
      category text, channel text, direction text, trade text, path text);' \
    '.mode tabs' ".import $DIR/events.tsv e" '.mode list' "delete from e where time >= '2024-04-30T16';" "$1" |
    LC_ALL=C sort
}

@test "there are more than 120 tags, each with title, class and owner" {
  jq -s '[.[].tags[]] | length > 120 and all(.title and .class and .owner and .type)' \
    "$SAMPLES/tags/general.json" "$SAMPLES/tags/finance.json" >got
  [ "$(cat got)" = true ]
}

@test "every tag takes several values, or has one for some" {
  jq -r '.tags | to_entries[] | "\(.key)\t\(.value)"' "$DIR/profiles" | LC_ALL=C sort -u | cut -f1 |
    uniq -c | awk '$1 < 2' >same
  [ ! -s same ] || { cat same; false; }
}

@test "no tag is in error but for attributes that visitors do not have" {
  grep -v 'the profile has no such attribute$' "$DIR/notes" >errors || [ $? -eq 1 ]
  [ ! -s errors ] || { cat errors; false; }
}

@test "lives are those that were planted" {
  customers '.payroll == true' '.parent == true' .infant_mother '.risk_expired == true' .has_card .mortgage \
    .has_loan '.overdue_stage and .overdue_stage != "M0"' .leaving >got
  truth '.life | [.payroll, .parents, .mothers, .expired, .cards, .loans.mortgage, (.loans | add), .overdue,
    .leaving] | tojson' >want
  same want got
  [ "$(truth .life.leaving)" -gt 5 ]
}

@test "relations, customers, tiers and arms of the campaign are those that were planted" {
  customers .spouse_here .legal_person .guarantor >got
  truth '.relations | [.spouse_of, .legal_person_of, .guarantees] | tojson' >want
  same want got
  customers .is_customer .is_new_customer '.campaign_arm == "control"' '.campaign_arm == "treated"' \
    '.campaign_shows > 0' >got
  truth '[.persons.customers, .persons.opened, .campaign.arms[].assigned, .campaign.arms[1].exposed] | tojson' >want
  same want got
  jq -r '.tags.aum_tier // empty' "$DIR/profiles" | sort | uniq -c | awk '{ print $2, $1 }' | sort >got
  truth '.aum_tiers[] | select(.customers > 0) | "\(.tier) \(.customers)"' | sort >want
  same want got
}

@test "what is counted over all customers is what there is" {
  jq -s 'map(.tags) | [(map(.purchases) | add), (map(.holdings) | add), (map(.messages_60d) | add),
    (map(.card_pays_90d) | add), (map(.branch_visits_90d) | add), (map(.crashes_30d) | add)]' "$DIR/profiles" |
    jq -c . >got
  truth '[.events.by_name.pay_success, .holdings.present, .ledger.message_delivered, .ledger.card_pay,
    .ledger.branch_visit, .events.by_name.app_crash] | tojson' >want
  same want got
}

@test "trades and activity agree with SQL, customer by customer" {
  ours '.purchases, (.purchase_amount * 100 | round), ((.largest_purchase // 0) * 100 | round), .products_viewed_7d,
    .days_active_30d, .logins_7d, (.transfers_in_30d * 100 | round), .channels, .visits_7d, .visits_prev_7d,
    .first_purchase_day, .days_since_purchase, .last_seen' >all
  theirs "select id, sum(event = 'pay_success'),
      cast(round(sum(case event when 'pay_success' then amount else 0 end) * 100) as int),
      cast(round(coalesce(max(case event when 'pay_success' then amount end), 0) * 100) as int),
      count(distinct case when event = 'view_product' and time >= '2024-04-23T16' then product end),
      count(distinct case when event = 'app_start' and time >= '2024-03-31T16' then date(time, '+8 hours') end),
      sum(event = 'login' and time >= '2024-04-23T16'),
      cast(round(sum(case when event = 'transfer_success' and direction = 'in' and time >= '2024-03-31T16'
        then amount else 0 end) * 100) as int),
      count(distinct case event when 'app_start' then channel end),
      sum((event = 'app_start' or event = 'page_view' and path = '/') and time >= '2024-04-23T16'),
      sum((event = 'app_start' or event = 'page_view' and path = '/') and time >= '2024-04-16T16'
        and time < '2024-04-23T16'),
      min(case event when 'pay_success' then date(time, '+8 hours') end),
      julianday('2024-05-01') - julianday(max(case event when 'pay_success' then date(time, '+8 hours') end)),
      max(case event when 'app_start' then time end)
    from e group by id" | sed 's/\.0|/|/g' >want
  join -t'|' -o 0 want all | LC_ALL=C sort >both
  [ "$(wc -l <both)" -gt 1000 ]
  join -t'|' both all >got
  same want got
}

@test "preferences and spending agree with SQL, customer by customer" {
  ours '.favourite_category, .favourite_trade, .favourite_channel, (.card_spend_90d * 100 | round),
    (.baby_spend_90d * 100 | round), .message_clicks_60d, (.outflow_30d * 100 | round)' >all
  theirs "with t(id, kind, v, n) as (
      select id, 'c', category, count(*) from e where event = 'view_product' group by id, category union all
      select id, 't', trade, count(*) from e where event = 'card_pay' group by id, trade union all
      select id, 'd', channel, count(*) from e where event = 'app_start' group by id, channel),
    r(id, kind, v, place) as (select id, kind, v, row_number() over (partition by id, kind order by n desc, v) from t)
    select e.id, (select v from r where r.id = e.id and kind = 'c' and place = 1),
      (select v from r where r.id = e.id and kind = 't' and place = 1),
      (select v from r where r.id = e.id and kind = 'd' and place = 1),
      cast(round(sum(case when event = 'card_pay' then amount else 0 end) * 100) as int),
      cast(round(sum(case when event = 'card_pay' and trade = 'baby' then amount else 0 end) * 100) as int),
      sum(event = 'message_clicked' and time >= '2024-03-01T16'),
      cast(round(sum(case when event = 'interbank_out' and time >= '2024-03-31T16' then amount else 0 end) * 100) as int)
    from e group by e.id" >want
  join -t'|' -o 0 want all | LC_ALL=C sort >both
  join -t'|' both all >got
  same want got
}

@test "ranks cut the customers where they should" {
  # spenders by amount: of n the first tenth, and up to three tenths
  jq -s '[.[].tags | select(.card_spend_90d > 0)] | sort_by(-.card_spend_90d) | length as $n |
    to_entries | all((if .key < $n * 0.1 then "top_10" elif .key < $n * 0.3 then "top_30" else "others" end) == .value.spend_rank)' \
    "$DIR/profiles" >got
  [ "$(cat got)" = true ]
  # who has no purchase has no cell; important is who bought for more than the mean
  jq -s '([.[].tags | select(.purchases > 0).purchase_amount] | add / length) as $mean |
    all(.[].tags; if .purchases == 0 then .rfm == null else (.rfm | startswith("important")) == (.purchase_amount >= $mean) end)' \
    "$DIR/profiles" >got
  [ "$(cat got)" = true ]
}

@test "leaving customers have sent their money somewhere" {
  jq -s '[.[].tags | select(.leaving)] | all(.outflow_to != null and .churn_score >= 60 and .offer == "retain")' \
    "$DIR/profiles" >got
  [ "$(cat got)" = true ]
}

@test "more than 30 audiences, each with somebody in it and not everybody" {
  for f in general finance; do
    cdp-segment --count -d "$SAMPLES/segments/$f.json" "$RUN/profiles.ndjson"
  done >counts
  [ "$(wc -l <counts)" -gt 30 ]
  jq -r 'select(.customers == 0 or .share > 0.9) | .segment' counts >wrong
  [ ! -s wrong ] || { cat wrong; false; }
}

@test "who holds a fund and stayed away for a month is so by rows and events alone" {
  jq -sr 'map(select(.detail == "holding")) | reduce sort_by(.time)[] as $r ({};
      if $r.deleted then del(.[$r.row]) else .[$r.row] = $r end)
    | [.[] | select(.props.category == "fund").one_id] | unique[]' \
    <(grep '"detail":"holding"' "$RUN/identified.ndjson") >holders
  awk -F'\t' '($3 == "app_start" || $3 == "page_view" && $10 == "/") && $2 >= "2024-03-31T16" { print $1 }' \
    "$DIR/events.tsv" | sort -u | comm -23 holders - >want
  cdp-segment -d "$SAMPLES/segments/finance.json" --segment fund_absent "$RUN/profiles.ndjson" |
    jq -r .one_id >got
  [ -s want ]
  same want got
}

@test "who leaves and whose mother's child is small are those that were planted" {
  cdp-segment -d "$SAMPLES/segments/finance.json" --count "$RUN/profiles.ndjson" >counts
  [ "$(jq 'select(.segment == "leaving_high_end").customers' counts)" -eq "$(truth .life.leaving)" ]
  cdp-segment -d "$SAMPLES/segments/finance.json" --segment wealthy_mothers "$RUN/profiles.ndjson" | jq -r .one_id |
    sort >members
  jq -r 'select(.tags | .infant_mother and (.purchase_power == "strong" or .purchase_power == "good")).one_id' \
    "$DIR/profiles" | sort >want
  same want members
}
