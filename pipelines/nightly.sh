#!/bin/sh
# The bank's night: raw logs and exports -> clean events -> one person a customer -> tags ->
# audiences -> a funnel -> messages in an outbox.
#
# usage: nightly.sh -i RAW -w WORK -a DATE [-d DEFINITIONS] [-t TAGS] [-c CALENDAR] [-s PERCENT]
#                   [-j JOBS] [-f]
#
#   -i RAW          directory of raw files as cdp-gen(1) makes them
#   -w WORK         directory of results and state, made if missing
#   -a DATE         base time: the midnight that ends the last day of input (2024-05-01)
#   -d DEFINITIONS  audiences, strategies ... (default: samples/bank beside this script)
#   -t TAGS         directory whose *.json define the tags (default: samples/tags)
#   -c CALENDAR     trading days that tags ask for (default: samples/calendar.json)
#   -s PERCENT      records a source may reject before the run is given up (default 2)
#   -j JOBS         threads of each tool (default: the tools' own)
#   -f              run although this base time has been published already
#
# Results are built in a directory of their own and appear as WORK/runs/DATE at once, when every
# stage has ended well; else nothing is published and the run can be repeated.  What was sent is
# in the ledger (WORK/state/push), so a repeated run sends nothing twice.  No pipefail in POSIX
# sh: every stage reads and writes files, and its status is looked at before the next begins.
#
# When input is missing, WORK/late.ndjson tells what is computed from it, and whose it is.
#
# Status: 0 done (also: done before); 1 input missing or stale; 2 usage; 4 a stage failed;
# 6 another run holds the lock.
set -u
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
raw='' work='' as_of='' defs=$here/../samples/bank tags=$here/../samples/tags
calendar=$here/../samples/calendar.json share=2 jobs='' again=''

script=nightly
# shellcheck source=pipelines/night.sh
. "$here/night.sh"

usage() {
  sed -n '5,16s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
while getopts i:w:a:d:t:c:s:j:f opt; do
  case $opt in
    i) raw=$OPTARG ;;
    w) work=$OPTARG ;;
    a) as_of=$OPTARG ;;
    d) defs=$OPTARG ;;
    t) tags=$OPTARG ;;
    c) calendar=$OPTARG ;;
    s) share=$OPTARG ;;
    j) jobs=$OPTARG ;;
    f) again=1 ;;
    *) usage ;;
  esac
done
if [ -z "$raw" ] || [ -z "$work" ] || [ -z "$as_of" ]; then usage; fi

# The last day of input, by the calendar and not by counting hours.
last_day=$(cdp-filter --eval "day(date('$as_of') - duration('1h'))" 2>/dev/null |
  sed -n 's/.*"value":"\([0-9-]*\)".*/\1/p')
[ -n "$last_day" ] || die 2 "'$as_of' is no date"

# --- one run at a time, each base time once ---

lock runs state
if [ -z "$again" ] && [ -e "$work/runs/$as_of" ]; then
  say "$as_of has been published; -f runs it again"
  exit 0
fi

# --- stale or missing input stops the run before anything is computed ---

# need FILE SOURCE...: a raw file, and what tags read of it (cdp-segment --affected).
need() {
  f=$1
  shift
  [ -s "$raw/$f" ] || late "input of $last_day is missing or empty: $raw/$f" \
    "$defs/segments.json" "$tags" "$@"
}
need "sensors/$last_day.log" 'event:*'
need "segment/$last_day.ndjson" 'event:*'
need "access/$last_day.log" 'event:*'
need "core/transactions-$last_day.ndjson.gz" 'event:*'
need core/customers.gb18030.csv 'attribute:*'
need core/profiles.ndjson 'attribute:*'
need core/holdings.ndjson detail:holding
need core/credit.ndjson detail:card detail:loan
need core/relations.ndjson 'relation:*'
need core/ledger.ndjson event:card_pay event:salary_in event:interbank_out event:message_delivered \
  event:message_opened event:message_clicked event:branch_visit event:service_call event:complaint
need core/products.ndjson entity:product
need core/entities.ndjson entity:merchant entity:enterprise entity:manager

# --- stages ---

begin
mkdir -p "$new/rejects" "$new/clean" "$new/duplicates" || die 4 "cannot make $new"

set -- # the options that every tool gets
[ -z "$jobs" ] || set -- -j "$jobs"

# collect NAME ARGUMENT...: one source into clean/NAME.ndjson, its rejects kept.
collect() {
  from=$1
  shift
  stage "collect $from" "clean/$from.ndjson" cdp-collect --as-of "$as_of" -q \
    --rejects "$new/rejects/$from.ndjson" --max-rejects "$share%" --source "$from" "$@"
}
collect app "$@" -f sensors --dedup 3d --duplicates "$new/duplicates/app.ndjson" "$raw"/sensors/*.log
collect ios "$@" -f segment --dedup 3d --duplicates "$new/duplicates/ios.ndjson" "$raw"/segment/*.ndjson
collect web "$@" -f combined --dedup 3d --duplicates "$new/duplicates/web.ndjson" --event page_view --event-param e --id-param cid=cookie "$raw"/access/*.log
collect core "$@" -f native --dedup 3d --duplicates "$new/duplicates/core.ndjson" "$raw"/core/transactions-*.ndjson.gz
collect ledger "$@" -f native "$raw/core/ledger.ndjson"
collect holdings "$@" -f native "$raw/core/holdings.ndjson" "$raw/core/credit.ndjson"
collect profiles "$@" -f native "$raw/core/profiles.ndjson" "$raw/core/relations.ndjson"
collect customers --columns-map "$defs/maps/customers.json" "$raw/core/customers.gb18030.csv"

# quality NAME: what the last day of a source is worth.  Rejects have no time that could be
# relied on; those of the day stand in its files.
quality() {
  cdp-filter -e "reject.at.contains('$last_day')" -o "$new/today.ndjson" \
    "$new/rejects/$1.ndjson" || die 4 "cannot read rejects of $1"
  stage "quality $1" "quality.$1" cdp-quality -q --trusted --as-of "$as_of" --source "$1" \
    --rejects-in "$new/today.ndjson" --duplicates-in "$new/duplicates/$1.ndjson" \
    "$new/clean/$1.ndjson"
  cat "$new/quality.$1" >>"$new/quality.ndjson" || die 4 "cannot write $new/quality.ndjson"
  rm "$new/quality.$1" "$new/today.ndjson"
}
for source in app ios web core; do quality "$source"; done

# The newest run published before this one.
previous='' since=''
for run in "$work"/runs/*; do
  day=${run##*/}
  case $day in *.*) continue ;; esac
  [ -e "$run/members.ndjson" ] && expr "x$day" \< "x$as_of" >/dev/null && previous=$run since=$day
done
# Persons that became one since then.  cdp-idmap tells of each once, to a run that may not live
# to publish it: so the logs are kept until no run asks for them.
kept=$work/state/merges
mkdir -p "$kept" || die 4 "cannot make $kept"
n=1000
while [ -e "$kept/$as_of.$n" ]; do n=$((n + 1)); done

stage idmap identified.ndjson cdp-idmap "$@" -q --trusted --resolve --state "$work/state/idmap" \
  -d "$defs/ids.json" --map-out "$new/map.ndjson" --merges "$kept/$as_of.$n" \
  --conflicts "$new/conflicts.ndjson" --report "$new/identity.ndjson" "$new"/clean/*.ndjson
for log in "$kept"/*; do
  day=${log##*/}
  if [ -z "$since" ] || expr "x${day%.*}" \> "x$since" >/dev/null; then
    cat "$log" >>"$new/merges.ndjson" || die 4 "cannot write $new/merges.ndjson"
  fi
done
tag() {
  for f in "$tags"/*.json; do set -- "$@" -d "$f"; done
  stage tag profiles.ndjson cdp-tag "$@" -q --trusted --as-of "$as_of" --calendar "$calendar" \
    --entities "$raw/core/products.ndjson" --entities "$raw/core/entities.ndjson" \
    --ids "$new/map.ndjson" "$new/identified.ndjson"
}
tag "$@"
# segment NAME OUTPUT ARGUMENT...: audiences, and what came of those that are lists of ids.
segment() {
  name=$1 output=$2
  shift 2
  for f in "$tags"/*.json; do set -- "$@" --tags "$f"; done
  stage "$name" "$output" cdp-segment --as-of "$as_of" -d "$defs/segments.json" \
    --ids "$new/map.ndjson" --kinds "$defs/ids.json" "$@" "$new/profiles.ndjson"
}
segment segment members.ndjson "$@" --report "$new/lists.ndjson" --unmatched "$new/unmatched.ndjson" \
  --rejects "$new/rejects/lists.ndjson" --max-rejects "$share%"
segment audiences audiences.ndjson "$@" -q --max-rejects "$share%" --count

# What changed since then; who became another person neither left nor entered.
if [ -n "$previous" ]; then
  segment changes changes.ndjson -q --max-rejects "$share%" --previous "$previous/members.ndjson" \
    --merges "$new/merges.ndjson"
fi

stage funnel funnel.ndjson cdp-funnel "$@" -q --trusted --window 7d --step view_product \
  --step click_buy --step submit_order --step pay_success "$new/identified.ndjson"

mkdir "$new/messages" || die 4 "cannot make $new/messages"
for strategy in "$defs"/strategies/*.json; do
  name=$(basename "$strategy" .json)
  stage "journey $name" "messages/$name.ndjson" cdp-journey -q --as-of "$as_of" -d "$strategy" \
    --profiles "$new/profiles.ndjson" "$new/members.ndjson"
done
stage push receipts.ndjson cdp-push -q --as-of "$as_of" -d "$defs/push.json" \
  --state "$work/state/push" --outbox "$work/outbox" "$new"/messages/*.ndjson

# --- publish: the directory is complete, and on disk, before its name appears ---

rm -rf "$new/clean" "$new/err"
sync "$new"/* "$new" || die 4 "cannot write $new to disk"
n=1
while [ -e "$work/runs/$as_of.$n" ]; do n=$((n + 1)); done
mv -T "$new" "$work/runs/$as_of.$n" || die 4 "cannot publish $as_of"
ln -sfn "$as_of.$n" "$work/.link" || die 4 "cannot publish $as_of"
mv -T "$work/.link" "$work/runs/$as_of" || die 4 "cannot publish $as_of"
sync "$work/runs"
rm -f "$work/late.ndjson"
for log in "$kept"/*; do
  day=${log##*/}
  [ -z "$since" ] || expr "x${day%.*}" \> "x$since" >/dev/null || rm -f "$log"
done
# Of each base time only the newest run is kept; none is seen while it goes.
for old in "$work/runs/$as_of".*; do
  [ "$old" = "$work/runs/$as_of.$n" ] ||
    { mv -T "$old" "$work/.new.old" && rm -rf "$work/.new.old"; }
done
exit 0
