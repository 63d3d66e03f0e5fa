# cdp-portrait: distributions, overlaps, drilling down, small cells.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
}

# people COUNT [SEED]: profiles with ties, nulls, missing tags, lists, numbers in several spellings.
people() {
  awk -v n="$1" -v seed="${2-1}" '
    function pick(k) { seed = (seed * 16807) % 2147483647; return int(seed / 2147483647 * k) }
    function tag(text) { tags = tags (tags == "" ? "" : ",") text }
    function list(k,   s, i) {
      s = "["
      for (i = 0; i < k; i++) s = s (i ? "," : "") "\"" likes[pick(pick(4) + 1) + 1] "\""
      return s "]"
    }
    BEGIN {
      split("fund loan card gold", likes, " ")
      for (i = 0; i < n; i++) {
        tags = ""
        k = pick(5)
        if (k < 3) tag("\"tier\":\"" substr("gold  silvernone  ", k * 6 + 1, k == 1 ? 6 : 4) "\"")
        if (k == 3) tag("\"tier\":null")
        if (pick(9)) tag("\"level\":" (pick(3) ? pick(6) : pick(6) ".0"))
        if (pick(8)) tag("\"aum\":" (pick(2) ? pick(20) * 50 : pick(100) * pick(20) "." pick(10) pick(10)))
        if (pick(4)) tag("\"likes\":" list(pick(4)))
        if (pick(3)) tag("\"active\":" (pick(2) ? "true" : "false"))
        tag("\"city\":\"c" pick(pick(45) + 1) "\"")
        printf "{\"one_id\":\"%06d\",\"as_of\":\"2024-05-01T00:00:00.000Z\",\"tags\":{%s}}\n", i, tags
      }
    }'
}

four() {
  cdp-portrait --base 'has(tags.level) && tags.level != null' --with vip --segment vip \
    --where 'rich:=tags.aum > 500' --where "fund:='fund' in tags.likes" "$@" 2>/dev/null
}

field() {
  jq -c "[.$1]" | jq -sc 'flatten'
}

@test "the distributions of a thousand profiles are those that SQL computes" {
  for seed in 1 2 3; do
    people 1200 $seed >profiles
    awk 'NR % 3 == 1 { printf "%06d\n", NR - 1 }' profiles >members
    sed 's/.*/{"one_id":"&","segment":"vip"}/' members >vip
    four profiles >told
    run -0 sqlite3 :memory: ".read $TOP/tests/tools/cdp-portrait.sql"
    [ "$output" = '1|6|3|4|1' ]
  done
}

@test "the same rows come for any order of profiles and any number of jobs" {
  people 3000 >profiles
  awk 'NR % 3 == 1 { printf "{\"one_id\":\"%06d\",\"segment\":\"vip\"}\n", NR - 1 }' profiles >vip
  for options in '' '--bins 7' '--min-cell 20' '--quantile-bins 4 --table' '--values 3 --csv' \
    '--matrix' '--drill tier=gold,null --drill likes=fund,[]' '--drill aum=50,100 --list'; do
    # shellcheck disable=SC2086
    {
      four $options profiles >want
      [ -s want ]
      tac profiles | four $options | cmp want -
      four $options -j 4 profiles | cmp want -
      split -n l/3 profiles part.
      four $options part.ac part.aa part.ab | cmp want -
    }
  done
}

@test "the shares of a tag add up to one, those of bins too" {
  people 500 >profiles
  for options in '--values 5' '--bins 3' '--quantile-bins 3'; do
    # shellcheck disable=SC2086
    cdp-portrait --where 'gold:=tags.tier == "gold"' $options --tag aum --tag level --tag city profiles |
      jq -s '[.[] | select(.result == "portrait")] | group_by(.tag)[] | (map(.count) | add)' >sums
    [ "$(sort -u sums | wc -l)" -eq 1 ]
    [ "$(wc -l <sums)" -eq 3 ]
  done
}

@test "counts of the drill are those of the list and of a filter" {
  people 800 >profiles
  cdp-portrait --where 'gold:=tags.tier == "gold"' --drill active=true --drill 'some:=tags.aum > 100' \
    profiles >levels
  cdp-portrait --where 'gold:=tags.tier == "gold"' --drill active=true --drill 'some:=tags.aum > 100' \
    --list profiles >list 2>/dev/null
  cdp-filter -e 'tags.tier == "gold" && tags.active && tags.aum > 100' profiles 2>/dev/null |
    jq -r .one_id >want
  jq -r .one_id list | diff - want
  [ "$(jq 'select(.audience == "gold" and .level == 2).customers' levels)" = "$(wc -l <want)" ]
}

@test "one list has the customers of every level" {
  people 800 >profiles
  drill() { cdp-portrait --where 'gold:=tags.tier == "gold"' --drill active=true --drill 'some:=tags.aum > 100' "$@" profiles; }
  drill 2>/dev/null >levels
  drill --list --from-level 0 2>/dev/null >list
  for level in 0 1 2; do
    n=$(jq "select(.audience == \"gold\" and .level == $level).customers" levels)
    [ "$(jq -s "map(select(.level >= $level)) | length" list)" = "$n" ]
    [ "$(drill --list --from-level $level 2>/dev/null | wc -l)" = "$n" ]
  done
  cdp-filter -e 'tags.tier == "gold" && tags.active' profiles 2>/dev/null | jq -r .one_id >want
  jq -r 'select(.level >= 1).one_id' list | diff - want
  same <(drill --list 2>/dev/null) <(jq -c 'select(.level == 2)' list)
}

@test "of several profiles of a customer the one that came furthest counts in a list" {
  printf '{"one_id":"1","tags":{"a":%s}}\n' 1 2 >profiles
  run -0 cdp-portrait --drill a=2 --list --from-level 0 profiles
  [ "$output" = '{"result":"drill_customer","one_id":"1","audience":"base","level":1}' ]
}

@test "the matrix has what both audiences and either have" {
  printf '{"one_id":"%s","tags":{"a":%s,"b":%s}}\n' 1 true true 2 true false 3 false true 4 true true \
    5 false false >profiles
  cdp-portrait --where a:=tags.a --where b:=tags.b --matrix profiles >out
  [ "$(field customers <out)" = '[3,2,2,3]' ]
  [ "$(field jaccard <out)" = '[1,0.5,0.5,1]' ]
  [ "$(field share <out)" = '[1,0.6667,0.6667,1]' ]
}

@test "an intersection is an audience" {
  people 300 >profiles
  awk 'NR % 2 { printf "{\"one_id\":\"%06d\",\"segment\":\"odd\"}\n", NR - 1 }' profiles >with
  awk 'NR % 3 == 1 { printf "{\"one_id\":\"%06d\",\"segment\":\"third\"}\n", NR - 1 }' profiles >>with
  cdp-portrait --with with --where 'both:=segments.odd && segments.third' --tag tier profiles >got
  awk 'NR % 6 == 1' profiles >some
  cdp-portrait --tag tier some | jq -c 'select(.result == "portrait") | [.value, .count]' | sort >want
  jq -c 'select(.result == "portrait") | [.value, .count]' got | sort | diff - want
}

@test "money of any size is told digit by digit" {
  printf '{"one_id":"%s","tags":{"m":%s}}\n' 1 12345678901234567890.01 2 12345678901234567890.02 \
    3 12345678901234567890.010 4 -0.00000000000000000001 >profiles
  cdp-portrait profiles >out
  [ "$(grep -o '"value":[^,]*' out | xargs)" = \
    'value:-1e-20 value:12345678901234567890.01 value:12345678901234567890.02' ]
  [ "$(jq -r 'select(.result == "portrait").count' out | xargs)" = '1 2 1' ]
}

@test "small cells are suppressed in every form, and a list of customers is refused" {
  people 400 >profiles
  cdp-portrait --where 'gold:=tags.tier == "gold"' --where 'rich:=tags.aum > 900' --min-cell 15 profiles >out
  [ "$(jq -s 'map(select(.count != null and .count > 0 and .count < 15)) | length' out)" -eq 0 ]
  [ "$(jq -s 'map(select(.suppressed)) | length' out)" -gt 10 ]
  [ "$(jq -s 'map(select(.suppressed and (.count != null or .share != null or .base_share != null))) | length' out)" -eq 0 ]
  [ "$(jq -s 'map(select(.result == "quantiles")) | length' out)" -eq 0 ]
  run -2 --separate-stderr cdp-portrait --drill tier=gold --list --min-cell 5 profiles
  [[ ${stderr_lines[0]} == 'cdp-portrait: --list and --min-cell exclude each other' ]]
  cdp-portrait --where 'few:=int(one_id) < 3' --where 'most:=int(one_id) > 2' --min-cell 5 profiles >out
  [ "$(jq -c 'select(.result == "audience") | [.audience, .customers]' out | xargs)" = \
    '[base,400] [few,null] [most,null]' ]
  [ "$(jq -s 'map(select(.result == "portrait")) | length' out)" -eq 0 ]
}

@test "profiles of one person do not make a group" {
  { people 50; people 50; } >profiles
  run -2 --separate-stderr cdp-portrait --min-cell 5 -j 3 profiles
  [ "$output" = '' ]
  [ "$stderr" = 'cdp-portrait: --min-cell needs one profile a customer: 50 are of customers who have another' ]
  cdp-portrait profiles | grep -q '"audience":"base","customers":100,'
}

@test "who is in an audience without a profile is not counted" {
  echo '{"one_id":"a","tags":{"x":1}}' >profiles
  printf '{"one_id":"%s","segment":"s"}\n' a gone >with
  [ "$(cdp-portrait --with with --segment s profiles | jq -c 'select(.result == "audience").customers' | xargs)" = '1 1' ]
}

@test "an audience without anybody, and a tag that nobody has, are told" {
  echo '{"one_id":"a","tags":{"x":1}}' >profiles
  run -0 --separate-stderr cdp-portrait --where 'none:=tags.x == 2' --tag y profiles
  [ "${stderr_lines[0]}" = "cdp-portrait: audience 'none': nobody with a profile is in it" ]
  [ "${stderr_lines[1]}" = "cdp-portrait: tag 'y': no profile has it" ]
}

@test "what does not go together is refused before anything is read" {
  echo '{"one_id":"a","segment":"buyers"}' >with
  while IFS='|' read -r options message; do
    eval "run -2 --separate-stderr cdp-portrait $options missing"
    [ "${stderr_lines[0]}" = "cdp-portrait: $message" ]
  done <<'END'
--rank|--rank needs an audience
--matrix --where a:=true|--matrix needs two audiences
--list|--list needs --drill
--drill a=1 --from-level 1|--from-level needs --list
--drill a=1 --list --from-level 2|--from-level: there are 1 steps
--rank --matrix --where a:=true --where b:=true|--rank, --matrix and --drill exclude each other
--bins 3 --quantile-bins 3|--bins and --quantile-bins exclude each other
--drill a=1 --tag a|--tag is for portraits: not with --drill
--where a:=true --where a:=false|--where: 'a' is named twice
--where base:=true|--where: 'base' is the name of all
--where rich|--where: 'rich' is no condition; one is written =EXPR or LABEL:=EXPR
--where a:=tag.x|--where: 1:1: unknown name 'tag'; did you mean 'tags'?
--base tags.|--base: 1:6: unexpected end, expected a member name
--segment s|--segment: unknown segment 's'
--with with --segment buyer|--segment: unknown segment 'buyer'; did you mean 'buyers'?
--with with --where a:=segments.t|--where: 1:1: unknown segment 't'
--drill a|--drill: 'a' is neither TAG=VALUE,... nor a condition, which is written =EXPR or LABEL:=EXPR
--where a:=true --where b:=true --where c:=true --where d:=true --where e:=true|at most 4 audiences
--bins 1|option '--bins': '1' is not an integer from 2 to 10000
END
}
