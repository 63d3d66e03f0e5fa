# shellcheck shell=sh disable=SC2154
# What nights have in common; sourced by the scripts beside it, which set `script`, their name in
# messages, and `work`, where their results and state are.

say() { printf '%s: %s\n' "$script" "$*" >&2; }
die() {
  status=$1
  shift
  say "$*"
  exit "$status"
}

# lock DIR...: these directories of $work are there, and no other run has $work, nor a stage of one
# that was killed alone: stages inherit the lock.
lock() {
  for dir; do mkdir -p "$work/$dir" || die 4 "cannot make $work/$dir"; done
  exec 9>"$work/lock" || die 4 "cannot open $work/lock"
  flock -n 9 || die 6 "another run holds $work/lock"
}

# begin: results are built in $new, which is gone however the run ends.
begin() {
  new=$work/.new.$$
  trap 'rm -rf "$new"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  rm -rf "$work"/.new.* # of runs that were killed; the lock says that none is alive
}

# stage NAME OUTPUT COMMAND...: the output goes to a file of the run, the counts to
# stages.ndjson.  Status 3 means that more was rejected than --max-rejects allows; 5 (messages
# that wait) is good for push alone.
stage() {
  name=$1 output=$new/$2
  shift 2
  "$@" --stats >"$output" 2>"$new/err"
  status=$?
  sed -n "s/^{\"tool\":/{\"stage\":\"$name\",\"tool\":/p" "$new/err" >>"$new/stages.ndjson"
  [ "$name:$status" = push:5 ] && return
  grep -v '^{"tool":' "$new/err" >&2
  case $status in
    0) ;;
    3) die 4 "$name rejected more than it may" ;;
    *) die 4 "$name failed with status $status" ;;
  esac
}

# late INPUT SEGMENTS TAGS SOURCE...: the run cannot begin without this input.  What is computed
# from it, and whose it is, is told to those downstream in $work/late.ndjson.
late() {
  input=$1 segments=$2 tags=$3
  shift 3
  for source; do
    set -- "$@" --affected "$source"
    shift
  done
  for f in "$tags"/*.json; do set -- "$@" --tags "$f"; done
  cdp-segment -q -d "$segments" "$@" -o "$work/late.ndjson" &&
    say "$(wc -l <"$work/late.ndjson") tags and audiences are late: $work/late.ndjson"
  die 1 "$input"
}
