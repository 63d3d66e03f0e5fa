# cdp-gen: the same bank every time, with the dirt asked for and a truth that is true.
bats_require_minimum_version 1.5.0
load ../helper

# One small bank for all tests of this file.
setup_file() {
  export BANK=$BATS_FILE_TMPDIR/bank
  cdp-gen --seed 11 --customers 400 --days 12 --events 24000 --late 4% --duplicate 2% \
    --junk 1.5% --malformed 1% -o "$BANK"
}

setup() {
  cd "$BATS_TEST_TMPDIR"
}

truth() {
  jq -r "$1" "$BANK/truth.json"
}

# Lines without the byte that makes them no UTF-8.
utf8() {
  LC_ALL=C grep -hv "$(printf '\377')" "$@"
}

# What is sound, once each, of the Sensors logs.
sensors() {
  utf8 "$BANK"/sensors/*.log |
    jq -cR 'fromjson? | select((.time | type) == "number" and .time < 4000000000000)' |
    jq -c 'select(.type == "track")' |
    awk 'match($0, /"_track_id":[-0-9]*,"time":[0-9]*/) && !seen[substr($0, RSTART, RLENGTH)]++'
}

# The same of the messages of the iOS app.
segment() {
  utf8 "$BANK"/segment/*.ndjson |
    jq -cR 'fromjson? | select(.type == "track" and .timestamp[0:4] == "2024")' |
    awk 'match($0, /"messageId":"[^"]*"/) && !seen[substr($0, RSTART, RLENGTH)]++'
}

# The same of the access logs: epoch, user and target.
access() {
  awk 'match($0, /\[[0-9][0-9]\/Apr\/2024:[0-9:]* \+0800\] "GET [^ ]* /) {
    day = substr($0, RSTART + 1, 2)
    split(substr($0, RSTART + 13, 8), t, ":")
    target = substr($0, RSTART + 34, RLENGTH - 35)
    # 2024-03-31T16:00:00Z is the start of the first of April
    print 1711900800 + (day - 1) * 86400 + t[1] * 3600 + t[2] * 60 + t[3], $3, target
  }' "$BANK"/access/*.log
}

core() {
  zcat "$BANK"/core/transactions-*.gz | utf8 |
    jq -cR 'fromjson? | select((.time | type) == "string" and .time[0:4] == "2024")' |
    awk 'match($0, /"event_id":"[^"]*"/) && !seen[substr($0, RSTART, RLENGTH)]++'
}

@test "the same arguments give the same files" {
  cdp-gen --seed 3 --customers 50 --days 3 -o one
  cdp-gen --seed 3 --customers 50 --days 3 -o two
  diff -r one two
}

@test "another seed gives other files" {
  cdp-gen --format events --seed 3 --events 100 >one
  cdp-gen --format events --seed 4 --events 100 >two
  run -1 cmp -s one two
}

@test "there is a file for each kind and day" {
  [ "$(ls "$BANK/sensors" | wc -l)" -eq 12 ]
  [ "$(ls "$BANK/segment" | tr '\n' ' ')" = "$(seq -f '2024-04-%02.0f.ndjson' 12 | tr '\n' ' ')" ]
  [ "$(ls "$BANK/access" | tr '\n' ' ')" = "$(seq -f '2024-04-%02.0f.log' 12 | tr '\n' ' ')" ]
  [ "$(ls "$BANK/core" | grep -c '^transactions-2024-04-[01][0-9]\.ndjson\.gz$')" -eq 12 ]
  for f in customers.gb18030.csv accounts.utf8.csv holdings.ndjson profiles.ndjson products.ndjson credit.ndjson relations.ndjson entities.ndjson ledger.ndjson; do
    [ -s "$BANK/core/$f" ]
  done
  [ -s "$BANK/truth-identity.ndjson" ]
}

@test "the number of events is the one asked for" {
  [ "$(cdp-gen --format events --events 12345 --customers 77 | wc -l)" -eq 12345 ]
  [ "$(truth .events.total)" -eq 24000 ]
  [ "$(truth '[.events.by_name[]] | add')" -eq 24000 ]
  [ "$(truth '[.events.by_file[]] | add')" -eq 24000 ]
}

@test "events without dirt are canonical and in order of time" {
  cdp-gen --format events --events 3000 --customers 100 >events
  cut -d'"' -f4 events >times
  LC_ALL=C sort -c times
  run -0 grep -cvE '^\{"time":"[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z","event":"[a-z_]+","ids":\{"' events ||
    [ "$output" = 0 ]
  [ "$(jq -c 'select(.ids | length == 0)' events | wc -l)" -eq 0 ]
}

@test "events with --one-id carry the person of truth-identity.ndjson" {
  cdp-gen --format events --one-id --seed 11 --customers 400 --days 12 --events 24000 |
    jq -r 'select(.ids.customer) | .ids.customer + " " + .one_id' | sort -u >events
  jq -r 'select(.kind == "customer") | .id + " " + .person' "$BANK/truth-identity.ndjson" |
    sort >truth
  [ "$(comm -23 events truth | wc -l)" -eq 0 ]
}

@test "sound lines of the files give the counts of events of the truth" {
  {
    sensors | jq -r .event
    segment | jq -r .event
    access | awk '{ e = "page_view"; if (match($3, /^\/e\.gif\?e=[a-z_]*/)) e = substr($3, 10, RLENGTH - 9); print e }'
    core | jq -r .event
  } | sort | uniq -c | awk '{ print $2, $1 }' >got
  truth '.events.by_name | to_entries[] | select(.value > 0) | "\(.key) \(.value)"' | sort >want
  diff -u want got
}

@test "lines of each kind of file are counted" {
  [ "$(cat "$BANK"/sensors/* | wc -l)" -eq "$(truth .files.sensors.lines)" ]
  [ "$(cat "$BANK"/segment/* | wc -l)" -eq "$(truth .files.segment.lines)" ]
  [ "$(cat "$BANK"/access/* | wc -l)" -eq "$(truth .files.access.lines)" ]
  [ "$(zcat "$BANK"/core/*.gz | wc -l)" -eq "$(truth .files.core.lines)" ]
  [ "$(wc -l <"$BANK/core/holdings.ndjson")" -eq "$(truth .holdings.rows)" ]
  [ "$(wc -l <"$BANK/core/profiles.ndjson")" -eq "$(truth .files.profiles)" ]
  [ "$(wc -l <"$BANK/truth-identity.ndjson")" -eq "$(truth .ids.rows)" ]
}

@test "shares of dirt are those asked for" {
  # of some 20,000 records: within five standard deviations
  truth '[.files.sensors, .files.segment] | (map(.events) | add) as $n |
    [.[0] | .late, .duplicate, .junk, .malformed] as $a | [.[1] | .late, .duplicate, .junk, .malformed] as $b |
    [$a, $b] | transpose | map(add / $n) | @tsv' |
    awk '$1 < 0.03 || $1 > 0.05 || $2 < 0.015 || $2 > 0.025 || $3 < 0.011 || $3 > 0.019 || $4 < 0.006 || $4 > 0.014 { exit 1 }'
  cdp-gen --customers 50 --days 3 --late 0% --duplicate 0% --junk 0% --malformed 0% -o clean
  [ "$(jq '[.files | .sensors, .segment, .access, .core | .late, .duplicate, .junk, .malformed] | add' clean/truth.json)" -eq 0 ]
}

@test "late, repeated and junk records can be found as they are counted" {
  for f in "$BANK"/sensors/*.log; do
    day=$(basename "$f" .log)
    utf8 "$f" | jq -rR --arg day "$day" 'fromjson?
      | select(.type == "track" and (.time | type) == "number" and .time < 4000000000000)
      | "\(._track_id) \(.time) \((.time / 1000 + 28800 | todate)[0:10] != $day) \(
        [.identities[]] | any(. == "null" or . == "undefined" or . == "-1" or
          . == "13800138000" or test("^[0-]+$")))"'
  done >all
  awk '{ if (seen[$1, $2]++) again++; else { late += $3 == "true"; junk += $4 == "true" } }
    END { print late, again, junk }' all >got
  truth '.files.sensors | "\(.late) \(.duplicate) \(.junk)"' >want
  diff -u want got
}

@test "so can those of the iOS app" {
  for f in "$BANK"/segment/*.ndjson; do
    day=$(basename "$f" .ndjson)
    utf8 "$f" | jq -rR --arg day "$day" 'fromjson?
      | select(.type == "track" and .timestamp[0:4] == "2024")
      | "\(.messageId) \((.timestamp[0:19] + "Z" | fromdate + 28800 | todate)[0:10] != $day) \(
        [.anonymousId, .context.traits.phone] | any(. == "null" or . == "undefined" or . == "-1" or
          . == "13800138000" or (. != null and test("^[0-]+$"))))"'
  done | awk '{ if (seen[$1]++) again++; else { late += $2 == "true"; junk += $3 == "true" } }
    END { print late, again, junk }' >got
  truth '.files.segment | "\(.late) \(.duplicate) \(.junk)"' >want
  diff -u want got
  grep -hc '"timestamp":"yesterday"' "$BANK"/segment/* | awk '{ n += $1 } END { print n }' >got
  truth .files.segment.malformed_by.type | diff -u - got
}

@test "malformed lines are of the kinds counted" {
  # cut or not UTF-8: no JSON; the others have a time that is none or in 2099
  cat "$BANK"/sensors/*.log >lines
  [ "$(grep -c '"time":"yesterday"' lines)" -eq "$(truth .files.sensors.malformed_by.type)" ]
  [ "$(grep -c '"time":4070908800000,' lines)" -eq "$(truth .files.sensors.malformed_by.future)" ]
  [ "$(LC_ALL=C grep -c "$(printf '\377')" lines)" -eq "$(truth .files.sensors.malformed_by.utf8)" ]
  [ "$(utf8 lines | jq -R 'try (fromjson | empty) catch 1' | wc -l)" -eq "$(truth .files.sensors.malformed_by.cut)" ]
  [ "$(cat "$BANK"/access/*.log | grep -c '\[32/Foo')" -eq "$(truth .files.access.malformed_by.type)" ]
}

@test "the funnels of the truth are those of its events" {
  cdp-gen --format events --one-id --seed 11 --customers 400 --days 12 --events 24000 |
    jq -r '[.one_id, .time, .event, (.time[0:19] + "Z" | fromdate) * 1000 + (.time[20:23] | tonumber)] | @tsv' |
    LC_ALL=C sort >events
  for i in 0 1 2; do
    # every attempt takes the earliest next step; the furthest counts
    awk -F'\t' -v steps="$(truth ".funnels[$i].steps | join(\" \")")" '
      function finish(  a) {
        for (a = 1; a <= starts; a++) if (depth[a] > best) best = depth[a]
        for (a = 1; a <= best; a++) users[a]++
        starts = best = 0
      }
      BEGIN { n = split(steps, name, " "); for (i = 1; i <= n; i++) step[name[i]] = i }
      $1 != who { finish(); who = $1 }
      !($3 in step) { next }
      {
        for (a = 1; a <= starts; a++)
          if (depth[a] + 1 == step[$3] && last[a] < $4 && $4 - first[a] <= 604800000) {
            depth[a]++; last[a] = $4
          }
        if (step[$3] == 1) { starts++; depth[starts] = 1; first[starts] = last[starts] = $4 }
      }
      END { finish(); for (i = 1; i <= n; i++) printf "%d%s", users[i], i < n ? " " : "\n" }' events >got
    truth ".funnels[$i].users | join(\" \")" >want
    diff -u want got
  done
}

@test "groups of a funnel leave nobody out" {
  truth '.funnels[] | .users as $u | [.by_os[]] | transpose | map(add) | [., $u] | transpose | all(.[0] >= .[1])' >got
  [ "$(sort -u got)" = true ]
  truth '.funnels[] | .users as $u | (.by_first_os, .by_first_channel) | [.[]] | transpose | map(add) == $u' >got
  [ "$(sort -u got)" = true ]
}

@test "Android loses customers where it was planted" {
  truth '.funnels[0].by_os | (.Android[3] / .Android[2] < .iOS[3] / .iOS[2])' >got
  [ "$(cat got)" = true ]
}

@test "the campaign has its lift" {
  cdp-gen --customers 2000 -o big
  jq -e '.campaign.arms | (.[1].rate - .[1].planted | fabs) < 0.01 and
    (.[0].rate - .[0].planted | fabs) < 0.01 and .[0].exposed == 0' big/truth.json
  zcat big/core/*.gz | jq -R 'fromjson?' >events
  jq -r 'select(.event == "campaign_assigned") | .ids.customer + " " + .props.arm' events |
    sort -u >arms
  jq -r 'select(.event == "pay_success" and .props.product == "W000000") | .ids.customer' events |
    sort -u >buyers
  join arms buyers | awk '{ n[$2]++ } END { print n["control"], n["treated"] }' >got
  jq -r '.campaign.arms | "\(.[0].converted) \(.[1].converted)"' big/truth.json >want
  diff -u want got
}

@test "holdings at the end are those of the truth" {
  jq -sr 'reduce .[] as $r ({}; if $r.deleted then del(.[$r.row]) else .[$r.row] = $r.props end)
    | [.[]] | map(select(.status == "holding" and .maturity != null)
      | (.maturity + "T00:00:00Z" | fromdate) / 86400) as $m
    | "\(length) \($m | map(select(. == 19826 + 7)) | length) \($m | map(select(. == 19826 + 3)) | length) \(
      $m | map(select(. == 19826)) | length) \($m | map(select(. <= 19826 + 7)) | length)"' \
    "$BANK/core/holdings.ndjson" >got
    # 19826 days after 1970-01-01 is 2024-04-13, the base time
  truth '.holdings | "\(.present) \(.maturing.in_7_days) \(.maturing.in_3_days) \(.maturing.today) \(.maturing.within_7_days)"' >want
  diff -u want got
}

@test "tiers of the truth are those of the last profiles" {
  jq -sr 'reduce .[] as $r ({}; .[$r.ids.customer] = $r.set.aum) | [.[]] | [
    map(select(. < 10000)), map(select(. >= 10000 and . < 50000)),
    map(select(. >= 50000 and . < 300000)), map(select(. >= 300000 and . < 1000000)),
    map(select(. >= 1000000 and . < 6000000)), map(select(. >= 6000000))] | map(length) | @tsv' \
    "$BANK/core/profiles.ndjson" >got
  truth '[.aum_tiers[].customers] | @tsv' >want
  diff -u want got
}

@test "lives, relations and ledger are those of the truth" {
  jq -sr 'map(select(.set.payroll != null)) | (map(.set) | "\(map(select(.payroll)) | length) \(
    map(select(.child_birth != null)) | length) \(
    map(select(.aum_peak > 2 * .aum and .aum >= 50000)) | length) \(
    map((.child_birth // empty) + "T00:00:00Z" | fromdate / 86400 | select(19826 - . < 1095)) | length) \(
    map(.risk_date + "T00:00:00Z" | fromdate / 86400 | select(19826 - . > 365)) | length)")' \
    "$BANK/core/profiles.ndjson" >got
  truth '.life | "\(.payroll) \(.parents) \(.leaving) \(.with_an_infant) \(.expired)"' >want
  diff -u want got
  jq -sr 'group_by(.detail) | map(length) | @tsv' "$BANK/core/credit.ndjson" >got
  truth '[.life.cards, (.life.loans | add)] | @tsv' >want
  diff -u want got
  jq -r .relation "$BANK/core/relations.ndjson" | sort | uniq -c | awk '{ print $2, $1 }' >got
  truth '.relations | to_entries | sort_by(.key)[] | "\(.key) \(.value)"' >want
  diff -u want got
  jq -r .event "$BANK/core/ledger.ndjson" | sort | uniq -c | awk '{ print $2, $1 }' >got
  truth '.ledger | to_entries | sort_by(.key)[] | "\(.key) \(.value)"' >want
  diff -u want got
  # distinct, and within the 90 days before the base time
  [ "$(jq -r .event_id "$BANK/core/ledger.ndjson" | sort -u | wc -l)" -eq "$(wc -l <"$BANK/core/ledger.ndjson")" ]
  jq -se 'all(.time >= "2024-01-13T16:00:00.000Z" and .time < "2024-04-12T16:00:00.000Z")' "$BANK/core/ledger.ndjson"
}

@test "spouses name each other, and legal persons their enterprise" {
  jq -r 'select(.relation == "spouse_of") | .ids.customer + " " + .to.customer' "$BANK/core/relations.ndjson" | sort >one
  awk '{ print $2, $1 }' one | sort | diff -u one -
  jq -r 'select(.relation == "legal_person_of") | .to.enterprise' "$BANK/core/relations.ndjson" | sort >got
  jq -r 'select(.entity == "enterprise") | .id' "$BANK/core/entities.ndjson" | sort | diff -u - got
}

@test "customers are GB18030 with a row for each, accounts UTF-8 with mark and CRLF" {
  iconv -f GB18030 -t UTF-8 -c "$BANK/core/customers.gb18030.csv" >customers
  head -n 1 customers | grep -q '^客户号,姓名,手机号,'
  [ "$(grep -oE '^C[0-9]{9}' customers | sort -u | wc -l)" -eq "$(truth .persons.customers)" ]
  [ "$(grep -cE '^C[0-9]{9}' customers)" -eq "$(truth .files.customers.rows)" ]
  head -c 3 "$BANK/core/accounts.utf8.csv" | cmp - <(printf '\357\273\277')
  [ "$(grep -c "$(printf '\r')$" "$BANK/core/accounts.utf8.csv")" -eq "$(($(truth .files.accounts.rows) + 1))" ]
}

@test "a directory that is not empty is left alone" {
  mkdir full
  touch full/x
  run -2 --separate-stderr cdp-gen -o full
  [ "$stderr" = "cdp-gen: directory 'full' is not empty" ]
  [ "$(ls full)" = x ]
}

@test "a bank needs a directory" {
  run -2 --separate-stderr cdp-gen
  [ "${stderr_lines[0]}" = "cdp-gen: a directory is needed: -o DIR" ]
}

@test "values that are none are refused" {
  run -2 --separate-stderr cdp-gen --format events --late 3
  [ "${stderr_lines[0]}" = "cdp-gen: option '--late': '3' is not a share such as 3% or 0.25%" ]
  for share in % .5% 3.% 1.23456% 101% -1% 3%% x%; do
    run -2 cdp-gen --format events --junk "$share"
  done
  for date in 2024-02-30 2024-13-01 24-01-01 1999-12-31 today 2024-1-1 '2024-01-01 '; do
    run -2 cdp-gen --format events --start "$date"
  done
  run -2 cdp-gen --format events --late 60% --junk 60%
}

@test "dates follow the calendar" {
  cdp-gen --format events --events 2000 --customers 20 --days 2 --start 2024-02-29 |
    jq -r '(.time[0:19] + "Z" | fromdate) + 28800 | todate[0:10]' | sort -u >got
  printf '2024-02-29\n2024-03-01\n' | diff -u - got
}

@test "a disk that is full is told" {
  [ -c /dev/full ] || skip "no /dev/full"
  run -4 --separate-stderr sh -c 'cdp-gen --format events >/dev/full'
  [ "$stderr" = "cdp-gen: standard output: No space left on device" ]
}
