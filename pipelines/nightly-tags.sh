#!/bin/sh
# The tags' night: what came in since the last one, and what is known from before -> profiles,
# those that changed, audiences, and who entered and left them.
#
# usage: nightly-tags.sh -i DAYS -w WORK -a DATE [-t TAGS] [-s SEGMENTS] [-e ENTITIES] [-m MAP]
#                        [-c CALENDAR] [-z ZONE] [-k VERSIONS] [-j JOBS] [-l]
#
#   -i DAYS         directory of files that arrived, each named by its day: 2024-04-30.ndjson,
#                   also .gz and .zst, events, profile updates and detail rows with a one_id; and
#                   2024-04-30.merges, the merge log of cdp-idmap of that day, if there is one
#   -w WORK         directory of versions and state, made if missing
#   -a DATE         base time: the midnight that ends the last day of input (2024-05-01)
#   -t TAGS         directory whose *.json define the tags (default: samples/tags)
#   -s SEGMENTS     the audiences (default: samples/bank/segments.json)
#   -e ENTITIES     directory of entity tables, all of its files (default: none)
#   -m MAP          identity map of cdp-idmap, for the profiles' ids and lists of ids (default: none)
#   -c CALENDAR     trading days that tags ask for (default: samples/calendar.json)
#   -z ZONE         zone of civil days (default: Asia/Shanghai)
#   -k VERSIONS     how many versions to keep (default: 100)
#   -j JOBS         threads of each tool (default: the tools' own)
#   -l              only list the base times that are missing up to DATE
#
# The first run takes all days up to DATE as history.  Later ones read one day each: base times
# that were missed since the last version are made up for, one by one.  A version appears as
# WORK/versions/DATE at once, when every stage has ended well.  A run that was killed anywhere is
# repeated by the same command line and gives the same bytes: the state of cdp-tag knows what it
# has read, and the store of cdp-segment replaces the version of its base time.
#
# Status: 0 done (also: nothing was missing); 1 input missing or stale; 2 usage; 4 a stage failed;
# 6 another run holds the lock.
set -u
LC_ALL=C
export LC_ALL

here=$(cd "$(dirname "$0")" && pwd)
days='' work='' as_of='' tags=$here/../samples/tags segments=$here/../samples/bank/segments.json
entities='' map='' calendar=$here/../samples/calendar.json zone=Asia/Shanghai keep=100 jobs='' list=''

script=nightly-tags
# shellcheck source=pipelines/night.sh
. "$here/night.sh"

usage() {
  sed -n '5,22s/^# \{0,1\}//p' "$0" >&2
  exit 2
}
while getopts i:w:a:t:s:e:m:c:z:k:j:l opt; do
  case $opt in
    i) days=$OPTARG ;;
    w) work=$OPTARG ;;
    a) as_of=$OPTARG ;;
    t) tags=$OPTARG ;;
    s) segments=$OPTARG ;;
    e) entities=$OPTARG ;;
    m) map=$OPTARG ;;
    c) calendar=$OPTARG ;;
    z) zone=$OPTARG ;;
    k) keep=$OPTARG ;;
    j) jobs=$OPTARG ;;
    l) list=1 ;;
    *) usage ;;
  esac
done
if [ -z "$days" ] || [ -z "$work" ] || [ -z "$as_of" ]; then usage; fi
case $keep in '' | *[!0-9]* | 0) die 2 "'$keep' is no number of versions" ;; esac

# day DATE HOURS: the civil day that is so many hours after noon of DATE; by the calendar, in UTC,
# where every day has 24 of them.
day() {
  cdp-filter --tz UTC --eval "day(date('$1') + duration('12h') + duration('$2h'))" 2>/dev/null |
    sed -n 's/.*"value":"\([0-9-]*\)".*/\1/p'
}
earlier() { expr "x$1" \< "x$2" >/dev/null; }
[ "$(day "$as_of" 0)" = "$as_of" ] || die 2 "'$as_of' is no date"

# --- one run at a time ---

lock versions state

# --- what is missing ---

last=''
for version in "$work"/versions/*; do
  [ -d "$version" ] && last=${version##*/} # in order
done
missing=''
if [ -z "$last" ]; then
  missing=$as_of
else
  base=$last
  while earlier "$base" "$as_of"; do
    base=$(day "$base" 24)
    missing="$missing $base"
  done
fi
if [ -n "$list" ]; then
  for base in $missing; do echo "$base"; done
  exit 0
fi
# Only as many versions as asked for; also by a run that finds nothing to do, as the one before may
# have been killed here.
prune() {
  rm -rf "$work"/.new.*
  set -- "$work"/versions/*
  while [ $# -gt "$keep" ]; do
    mv -T "$1" "$work/.new.old" && rm -rf "$work/.new.old"
    shift
  done
}
if [ -z "$missing" ]; then
  prune
  exit 0
fi

# --- stale or missing input stops the run before anything is computed ---

# input DAY: its file.
input() {
  for f in "$days/$1.ndjson" "$days/$1.ndjson.gz" "$days/$1.ndjson.zst"; do
    [ -s "$f" ] && echo "$f" && return 0
  done
  return 1
}
# remember DAY FILE: state/inputs has what the file of each day held, compressed or not.  One that
# held the same under another day is a copy.
inputs=$work/state/inputs
remember() {
  sum=$(cdp-filter -q --trusted "$2" 2>/dev/null | sha256sum | cut -d' ' -f1)
  grep -v "^$1 " "$new/inputs" >"$new/others"
  copy=$(sed -n "s/ $sum\$//p" "$new/others" | head -n 1)
  [ -z "$copy" ] || die 1 "input of $1 is that of $copy: $2"
  echo "$1 $sum" >>"$new/others"
  mv "$new/others" "$new/inputs"
}
begin
mkdir "$new" || die 4 "cannot make $new"
[ -e "$inputs" ] || : >"$inputs"
cp "$inputs" "$new/inputs" || die 4 "cannot copy $inputs"
first=${missing# }
first=$(day "${first%% *}" -24)
for f in "$days"/????-??-??.ndjson*; do
  of=${f##*/}
  of=${of%%.*}
  earlier "$of" "$first" && ! grep -q "^$of " "$new/inputs" && [ -s "$f" ] && remember "$of" "$f"
done
for base in $missing; do
  today=$(day "$base" -24)
  file=$(input "$today") || die 1 "input of $today is missing or empty: $days/$today.ndjson"
  cdp-filter -q --trusted --tz "$zone" -e "day(time) == '$today'" "$file" 2>/dev/null | head -n 1 | grep -q . ||
    die 1 "input of $today has nothing of that day: $file"
  remember "$today" "$file"
done
sync "$new/inputs" || die 4 "cannot write $new/inputs to disk"
mv "$new/inputs" "$inputs" || die 4 "cannot write $inputs"
rmdir "$new"

# --- stages ---

# tag NAME OUTPUT BASE ARGUMENT...: the tags of a base time.
tag() {
  name=$1 output=$2 base=$3
  shift 3
  for f in "$tags"/*.json; do set -- "$@" -d "$f"; done
  if [ -n "$entities" ]; then
    for f in "$entities"/*; do set -- "$@" --entities "$f"; done
  fi
  [ -z "$map" ] || set -- --ids "$map" "$@"
  [ -z "$jobs" ] || set -- -j "$jobs" "$@"
  # Tags that are not due tonight keep their values.
  [ -z "$last" ] || set -- --carry "$work/versions/$last/profiles.ndjson" "$@"
  stage "$name" "$output" cdp-tag -q --trusted --tz "$zone" --as-of "$base" --calendar "$calendar" \
    --state "$work/state/tags" "$@"
}

# segment NAME OUTPUT BASE ARGUMENT...
segment() {
  name=$1 output=$2 base=$3
  shift 3
  stage "$name" "$output" cdp-segment -q --tz "$zone" --as-of "$base" --store "$work/state/audiences" "$@"
}

# night BASE: one version.
night() {
  base=$1 today=$(day "$1" -24)
  mkdir "$new" || die 4 "cannot make $new"
  set -- "$(input "$today")"
  if [ -z "$last" ]; then # all there is
    set --
    for f in "$days"/????-??-??.ndjson*; do
      f=${f##*/}
      earlier "$today" "${f%%.*}" || set -- "$@" "$days/$f"
    done
  fi
  [ -e "$days/$today.merges" ] && set -- --merges "$days/$today.merges" "$@"
  tag tags profiles.ndjson "$base" "$@"
  tag changed changed.ndjson "$base" --changed /dev/null
  # What entered and left is told against the version before: the store has two.
  set -- --trusted -d "$segments" --keep $((keep > 1 ? keep : 2)) "$new/profiles.ndjson"
  [ -z "$map" ] || set -- --ids "$map" "$@"
  [ -e "$days/$today.merges" ] && set -- --merges "$days/$today.merges" "$@"
  for f in "$tags"/*.json; do set -- --tags "$f" "$@"; done
  segment segments out "$base" --report "$new/lists.ndjson" "$@"
  segment audiences audiences.ndjson "$base" --count
  if [ -n "$last" ]; then
    # Who became another person neither left nor entered.
    set -- --changes
    [ -e "$days/$today.merges" ] && set -- --merges "$days/$today.merges" "$@"
    segment changes changes.ndjson "$base" "$@"
  fi
  publish "$base"
}

# The directory is complete, and on disk, before its name appears.
publish() {
  rm -f "$new/err" "$new/out"
  sync "$new"/* "$new" || die 4 "cannot write $new to disk"
  mv -T "$new" "$work/versions/$1" || die 4 "cannot publish $1"
  sync "$work/versions"
  last=$1
}

for base in $missing; do night "$base"; done

prune
exit 0
