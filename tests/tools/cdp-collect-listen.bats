# The endpoint of cdp-collect: what was acknowledged is there, whatever happens.
bats_require_minimum_version 1.5.0
load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  cdp-collect -V | grep -q 'without libmicrohttpd' && skip 'built without libmicrohttpd'
  pid=
  listen_env=()
}

teardown() {
  [ -z "$pid" ] || kill -9 "$pid" 2>/dev/null || true
}

# until_true COMMAND...: within ten seconds.
until_true() {
  local end=$((SECONDS + 10))
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.02
  done
}

# listen [OPTION...]: in the background, on a port of its own; fd 3 of bats stays ours.
listen() {
  rm -f port
  env "${listen_env[@]}" cdp-collect --listen 127.0.0.1:0 --port-file port "$@" >>out 2>>err 3>&- &
  pid=$!
  until_true test -s port
  url=http://127.0.0.1:$(cat port)
}

finish() {
  kill "$pid"
  wait "$pid"
}

# A record of event $1 and number $2, as Sensors libraries write it.
record() {
  printf '{"type":"track","event":"%s","time":1714028386123,"distinct_id":"u1","_track_id":%d,"properties":{"n":%d}}' \
    "$1" "$2" "$2"
}

# send EVENT N [CURL OPTION...]: prints the status.
send() {
  local event=$1 n=$2
  shift 2
  record "$event" "$n" | base64 -w0 |
    curl -s -o /dev/null -m 10 -w '%{http_code}\n' --data-urlencode data@- "$@" \
      "$url/sa?project=default"
}

code() {
  curl -s -o answer -m 10 -w '%{http_code}\n' "$@"
}

numbers() {
  cat "$@" | jq .props.n | sort -n
}

@test "a record goes to standard output before it is acknowledged" {
  listen
  [ "$(send buy 7)" = 200 ]
  [ "$(jq -c '[.event, .time, .props.n, .ids]' out)" = \
    '["buy","2024-04-25T06:59:46.123Z",7,{"anonymous":"u1"}]' ]
  jq -e '.received | test("^20.*Z$")' out
  finish
}

@test "compressed, chunked and in the query, it is the same record" {
  listen
  record buy 1 | base64 -w0 | { printf data=; jq -sRr @uri; } | gzip |
    curl -s -f -H 'Transfer-Encoding: chunked' --data-binary @- "$url/sa"
  curl -s -f -G --data-urlencode "data=$(record buy 1 | base64 -w0)" "$url/sa.gif"
  finish
  [ "$(jq -c 'del(.received)' out | sort -u | wc -l)" -eq 1 ]
  [ "$(wc -l <out)" -eq 2 ]
}

@test "every answer has what a browser must see" {
  echo '{"p":["k"]}' >keys
  listen --limit body=1000 --keys keys
  head -c 2000 /dev/zero >big
  for ask in "-d x=y $url/sa?token=k" "-d x=y $url/sa" "-X OPTIONS $url/sa" \
    "-X DELETE $url/sa" "--data-binary @big $url/sa?token=k" "$url/healthz" \
    "$url/nowhere?token=k" "$url/sa?token=k&$(head -c 20000 /dev/zero | tr '\0' a)"; do
    # shellcheck disable=SC2086
    curl -s -i -m 10 -H 'Origin: https://bank.example' $ask >>answers
  done
  finish
  tr -d '\r' <answers >all
  [ "$(grep -c '^HTTP/1.1' all)" -eq 8 ]
  for line in 'Access-Control-Allow-Origin: https://bank.example' \
    'Access-Control-Allow-Credentials: true' 'Access-Control-Max-Age: 86400' \
    'Access-Control-Allow-Methods: GET, POST, OPTIONS' 'Vary: Origin' \
    'Access-Control-Allow-Headers: content-type, authorization, anonymousid, sentat, x-write-key'; do
    [ "$(grep -cxF "$line" all)" -eq 8 ]
  done
  [ "$(awk '/^HTTP/ { print $2 }' all | tr '\n' ' ')" = '200 403 204 405 413 200 200 431 ' ]
}

@test "headers that a browser asks for are allowed" {
  listen
  curl -s -i -X OPTIONS -H 'Origin: https://a' -H \
    'Access-Control-Request-Headers: content-type,rsa-retry-attempt' "$url/v1/track" >answer
  grep -q '^Access-Control-Allow-Headers: content-type,rsa-retry-attempt' answer
  finish
}

@test "what is malformed is acknowledged, kept with the reason, and can be read again" {
  listen --rejects bad --stats
  [ "$(code -d 'data=!!!' "$url/sa")" = 200 ]
  [ "$(record buy 1 | sed 's/"time":1714028386123/"time":"noon"/' | base64 -w0 |
    code --data-urlencode data@- "$url/sa")" = 200 ]
  [ "$(send buy 2)" = 200 ]
  [ "$(wc -l <bad)" -eq 2 ]
  finish
  [ "$(tail -n 1 err | jq -c '[.in, .out, .rejected]')" = '[3,1,2]' ]
  [ "$(jq -r .reject.at bad | sort -u)" = '127.0.0.1 POST /sa' ]
  jq -c '.raw |= sub("noon"; "2024-04-25T06:59:46Z")' bad >mended
  run -3 --separate-stderr cdp-collect -q --replay mended
  [ "$(jq .props.n <<<"$output")" = 1 ]
}

@test "native records come a line each, compressed or not" {
  for i in {1..1000}; do
    echo "{\"time\":\"2024-04-25T06:59:46.123Z\",\"event\":\"buy\",\"ids\":{\"customer\":\"C1\"},\"props\":{\"n\":$i}}"
  done >in
  listen --rejects bad --ack fsync --spool spool
  [ "$(code --data-binary @in "$url/native")" = 200 ]
  { printf '\357\273\277'; head -n 2 in; echo '{"event":"x"}'; printf 'half'; } | gzip >some
  [ "$(code --data-binary @some "$url/native")" = 200 ]
  [ "$(printf 'not gzip' | sed 's/^/\x1f\x8b/' | code --data-binary @- "$url/native")" = 200 ]
  finish
  jq -c 'del(.received)' spool/*.ndjson | cmp - <(cat in; head -n 2 in)
  [ "$(jq -r '.raw // "bytes"' bad | tr '\n' ' ')" = '{"event":"x"} half bytes ' ]
}

@test "rejects of an earlier run stay" {
  printf 'one\nhal' >bad
  listen --rejects bad
  code -d 'data=!!!' "$url/sa"
  finish
  [ "$(wc -l <bad)" -eq 2 ]
  [ "$(head -n 1 bad)" = one ]
  tail -n 1 bad | jq -e .reject
}

@test "files of a spool come whole, by size, by age and when asked" {
  listen --spool spool --rotate 1h --rotate 400
  for i in 1 2 3 4 5; do send buy $i; done
  until_true sh -c '[ "$(ls spool/*.ndjson | wc -l)" -ge 2 ]'
  for f in spool/*.ndjson; do [ "$(tail -c 1 "$f" | od -An -c | tr -d ' ')" = '\n' ]; done
  finish
  [ "$(numbers spool/*.ndjson | tr '\n' ' ')" = '1 2 3 4 5 ' ]
  [ -z "$(find spool -name '*.part')" ]

  rm -r spool
  listen --spool spool --rotate 100ms
  send buy 1
  until_true sh -c 'ls spool/*.ndjson'
  finish

  rm -r spool
  listen --spool spool
  send buy 1
  code -d 'data=!!!' "$url/sa"
  run -1 compgen -G 'spool/*.*'
  kill -HUP "$pid"
  until_true sh -c 'ls spool/*.ndjson spool/*.rejects'
  finish
}

@test "one spool is one process's" {
  listen --spool spool
  run -4 cdp-collect --listen 127.0.0.1:0 --spool spool
  [[ "$output" = *"is locked by process $pid"* ]]
  finish
}

@test "kill -9 loses nothing that was acknowledged" {
  for ack in write fsync; do
    rm -rf spool acked
    n=0
    for _ in 1 2 3; do
      listen --spool spool --ack $ack --rotate 2000
      for lane in 1 2 3; do
        (
          exec 3>&-
          for i in {1..200}; do
            [ "$(send buy $((n + lane * 1000 + i)))" = 200 ] || break
            echo $((n + lane * 1000 + i)) >>"acked.$lane"
          done
        ) &
        lanes[lane]=$!
      done
      until_true sh -c '[ "$(cat acked.* | wc -l)" -gt 30 ]'
      kill -9 "$pid"
      wait "${lanes[@]}"
      cat acked.* >>acked
      rm acked.*
      n=$((n + 10000))
    done
    listen --spool spool
    finish
    [ "$(wc -l <acked)" -gt 90 ]
    [ -z "$(sort -n acked | comm -23 <(sort acked) <(numbers spool/*.ndjson | sort))" ]
    [ "$(numbers spool/*.ndjson | uniq -d | wc -l)" -eq 0 ]
    [ -z "$(find spool -name '*.part')" ]
  done
}

@test "a full disk is told to clients, and no half line stays" {
  ulimit -S -f 1
  listen --spool spool --dedup 9d
  ulimit -S -f unlimited
  codes=$(for i in {1..12}; do send buy "$i"; done)
  grep -q 200 <<<"$codes"
  [ "$(tail -n 1 <<<"$codes")" = 503 ]
  [ "$(code "$url/healthz")" = 503 ]
  prlimit --pid "$pid" --fsize=unlimited:unlimited
  # A balancer that sends only to the healthy must see it healthy before a record comes.
  until_true sh -c "curl -sf $url/healthz"
  # They come again, as they were told.
  for i in {1..12}; do [ "$(send buy "$i")" = 200 ]; done
  [ "$(code "$url/healthz")" = 200 ]
  finish
  [ "$(numbers spool/*.ndjson | tr '\n' ' ')" = "$(echo {1..12}) " ]
  grep -q 'clients are told to come again' err
  grep -q 'records are kept again' err
}

injected() {
  [ -e "$TOP/build/$MODE/inject.so" ] || skip "no build/$MODE/inject.so"
  listen_env=("LD_PRELOAD=$TOP/build/$MODE/inject.so" "CDP_INJECT=$1")
}

@test "a disk that fails to keep is told to those who wait, and to nobody else" {
  # Two are for the file of the port, one for the directory, then comes the first record's.
  injected fsync:4:EIO
  listen --spool spool --ack fsync --dedup 9d
  listen_env=()
  [ "$(send buy 1)" = 503 ]
  [ "$(send buy 1)" = 200 ]
  [ "$(send buy 2)" = 200 ]
  finish
  [ "$(numbers spool/*.ndjson | tr '\n' ' ')" = '1 2 ' ]
}

@test "torn at any write, it has all that was acknowledged and no half line" {
  for k in {1..14}; do
    rm -rf spool acked
    injected "write:$k:tear"
    rm -f port
    env "${listen_env[@]}" cdp-collect -q --listen 127.0.0.1:0 --port-file port --spool spool \
      2>/dev/null 3>&- &
    pid=$!
    until_true sh -c "test -s port || ! kill -0 $pid 2>/dev/null"
    [ ! -s port ] || url=http://127.0.0.1:$(cat port)
    for i in {1..8}; do
      [ "$(send buy "$i")" != 200 ] || echo "$i" >>acked
    done
    kill -9 "$pid" 2>/dev/null || true
    wait "$pid" || true
    listen_env=()
    listen --spool spool
    finish
    touch acked
    cat spool/*.ndjson 2>/dev/null | jq -e .props.n >kept || [ ! -s acked ]
    [ -z "$(comm -23 <(sort acked) <(sort kept))" ]
  done
}

@test "a reader that is gone ends it, and clients know" {
  mkfifo pipe
  rm -f port
  cdp-collect -q --listen 127.0.0.1:0 --port-file port >pipe 3>&- &
  pid=$!
  exec 4<pipe
  until_true test -s port
  url=http://127.0.0.1:$(cat port)
  [ "$(send buy 1)" = 200 ]
  exec 4<&-
  [ "$(send buy 2)" = 503 ]
  local status=0
  wait "$pid" || status=$?
  [ "$status" -eq 141 ]
}

@test "a reader that is slow is back-pressure, not a loss" {
  mkfifo pipe
  rm -f port
  cdp-collect -q --listen 127.0.0.1:0 --port-file port --limit wait=50ms >pipe 3>&- &
  pid=$!
  exec 4<pipe
  until_true test -s port
  url=http://127.0.0.1:$(cat port)
  long=$(head -c 100000 /dev/zero | tr '\0' x)
  for i in {1..14}; do
    c=$(record "buy" "$i" | sed "s/\"n\":/\"pad\":\"$long\",\"n\":/" | base64 -w0 |
      code --data-urlencode data@- "$url/sa")
    [ "$c" != 200 ] || echo "$i" >>acked
    echo "$c" >>codes
  done
  [ "$(sort -u codes | tr '\n' ' ')" = '200 503 ' ]
  cat <&4 >got &
  reader=$!
  exec 4<&-
  until_true sh -c "[ \"\$(curl -s -o /dev/null -w '%{http_code}' -d data= $url/sa)\" = 200 ]"
  [ "$(send buy 99)" = 200 ]
  kill "$pid"
  wait "$pid"
  wait "$reader"
  jq -e .event got >/dev/null
  [ -z "$(comm -23 <({ cat acked; echo 99; } | sort) <(numbers got | sort))" ]
}

@test "SIGTERM lets what is under way finish" {
  listen
  exec 5<>"/dev/tcp/127.0.0.1/$(cat port)"
  body=data=$(record buy 1 | base64 -w0 | jq -sRr @uri)
  printf 'POST /sa HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s' \
    ${#body} "${body:0:10}" >&5
  until_true sh -c "curl -s $url/metrics | grep -q 'connections 2'"
  kill "$pid"
  until_true sh -c "! curl -s -m 2 $url/healthz"
  printf %s "${body:10}" >&5
  read -r -t 10 line <&5
  [[ "$line" = 'HTTP/1.1 200 OK'* ]]
  wait "$pid"
  [ "$(numbers out)" = 1 ]
}

@test "a slow client is cut off, others are served" {
  listen --limit time=1s
  exec 5<>"/dev/tcp/127.0.0.1/$(cat port)"
  printf 'POST /sa HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\nx' >&5
  [ "$(send buy 1)" = 200 ]
  run -1 read -r -t 10 line <&5
  finish
}

@test "keys are looked for in query, headers and path" {
  echo '{"app":["k1","k2"],"web":["k3"]}' >keys
  listen --keys keys
  [ "$(code -d x= "$url/sa")" = 403 ]
  [ "$(code -d x= "$url/sa?token=k9")" = 403 ]
  [ "$(code -d x= "$url/sa?token=k1")" = 200 ]
  [ "$(code -d x= "$url/sa?project=app&token=k2")" = 200 ]
  [ "$(code -d x= "$url/sa?project=app&token=k3")" = 403 ]
  [ "$(code -d x= -u k3: "$url/sa")" = 200 ]
  [ "$(code -d x= -H 'X-Write-Key: k3:secret' "$url/sa")" = 200 ]
  [ "$(code -d x= -H 'Authorization: Bearer k1' "$url/sa")" = 200 ]
  [ "$(code -d x= "$url/k1/sa")" = 200 ]
  [ "$(code "$url/healthz")" = 200 ]
  curl -s "$url/metrics" | grep -x 'cdp_collect_forbidden_total 3'
  finish
}

@test "records tell the project whose key a request carried, also when it is in the body" {
  echo '{"app \"1\"":["k1","k2"],"web":["k3"]}' >keys
  listen --keys keys
  for k in k1 k2 k3; do
    [ "$(code -H 'Content-Type: application/json' -u "$k:" --data-raw \
      '{"writeKey":"'"$k"'","batch":[{"type":"track","event":"buy","messageId":"'"$k"'","userId":"u","timestamp":"2024-05-01T00:00:00Z"}]}' \
      "$url/v1/batch")" = 200 ]
  done
  finish
  run jq -c '[.event_id, .project]' out
  [ "${lines[0]}" = '["k1","app \"1\""]' ]
  [ "${lines[1]}" = '["k2","app \"1\""]' ]
  [ "${lines[2]}" = '["k3","web"]' ]
}

@test "a key that nobody listed stays as it came, and one of two projects is an error" {
  echo '{"app":["k1"]}' >keys
  echo '{"writeKey":"k9","type":"track","event":"buy","messageId":"m","userId":"u","timestamp":"2024-05-01T00:00:00Z"}' >message
  run cdp-collect -f segment --keys keys message
  [ "$status" -eq 0 ]
  [ "$(jq -r .project <<<"$output")" = k9 ]
  sed -i s/k9/k1/ message
  [ "$(cdp-collect -f segment --keys keys message | jq -r .project)" = app ]
  echo '{"app":["k1"],"web":["k1"]}' >keys
  run -2 cdp-collect -f segment --keys keys message
  [[ $output == *"keys: web: a key that is also of 'app'"* ]]
}

@test "pages of other origins may not send" {
  listen --origin https://www.bank.example --origin https://m.bank.example
  [ "$(send buy 1 -H 'Origin: https://m.bank.example')" = 200 ]
  [ "$(send buy 2)" = 200 ]
  [ "$(send buy 3 -H 'Origin: https://evil.example')" = 403 ]
  curl -s -i -X OPTIONS -H 'Origin: https://evil.example' "$url/sa" >answer
  run -1 grep -i 'access-control' answer
  finish
  [ "$(numbers out | tr '\n' ' ')" = '1 2 ' ]
}

@test "a body that inflates without end is set aside" {
  listen --rejects bad --limit inflated=1M
  head -c 50000000 /dev/zero | gzip >bomb
  [ "$(code --data-binary @bomb "$url/sa")" = 200 ]
  [ "$(wc -l <bad)" -eq 1 ]
  finish
}

@test "what is sent twice is kept once, also by many at once" {
  listen --dedup 9d --stats --ack fsync
  for _ in 1 2 3 4; do
    (for i in {1..20}; do send buy "$i"; done >>codes.$BASHPID) 3>&- &
    lanes+=($!)
  done
  wait "${lanes[@]}"
  [ "$(cat codes.* | sort | uniq -c | tr -s ' ')" = ' 80 200' ]
  finish
  [ "$(numbers out | tr '\n' ' ')" = "$(echo {1..20}) " ]
  [ "$(tail -n 1 err | jq -c '[.in, .out, .duplicates]')" = '[80,20,60]' ]
}

@test "what was seen is known to the next one, and nothing else is" {
  listen --dedup 9d --state seen --spool spool
  for i in {1..5}; do [ "$(send buy "$i")" = 200 ]; done
  finish
  listen --dedup 9d --state seen --spool spool
  for i in {1..8}; do [ "$(send buy "$i")" = 200 ]; done
  kill -9 "$pid"
  wait "$pid" || true
  # What came a moment before may come again, but is there.
  listen --dedup 9d --state seen --spool spool --stats
  for i in {1..9}; do [ "$(send buy "$i")" = 200 ]; done
  finish
  [ "$(numbers spool/*.ndjson | uniq | tr '\n' ' ')" = '1 2 3 4 5 6 7 8 9 ' ]
  [ "$(tail -n 1 err | jq .duplicates)" -ge 5 ]
  [ "$(numbers spool/*.ndjson | uniq -d | sed '/^[678]$/d' | wc -l)" -eq 0 ]
}

@test "counts are those of what was written" {
  listen
  for i in 1 2 3; do send buy "$i"; done
  code -d 'data=!!!' "$url/sa"
  curl -s "$url/metrics" >m
  grep -x 'cdp_collect_records_total 3' m
  grep -x 'cdp_collect_rejects_total 1' m
  grep -x "cdp_collect_written_bytes_total $(wc -c <out)" m
  grep -x 'cdp_collect_requests_total{status="200"} 4' m
  grep -x 'cdp_collect_request_seconds_count 4' m
  grep -x 'cdp_collect_in_flight 1' m
  finish
}

@test "options that make no sense are refused" {
  while read -r args; do
    # shellcheck disable=SC2086
    run -2 cdp-collect $args
  done <<'END'
--spool d
--ack fsync
--listen 127.0.0.1
--listen 127.0.0.1:x
--listen 127.0.0.1:0 file
--listen 127.0.0.1:0 -o out
--listen 127.0.0.1:0 --replay
--listen 127.0.0.1:0 --strict
--listen 127.0.0.1:0 --rotate 1m
--listen 127.0.0.1:0 --limit body
--listen 127.0.0.1:0 --limit bodi=1
--listen 127.0.0.1:0 --limit connections=0
--listen 127.0.0.1:0 --spool d --rotate x
END
  run -2 bash -c 'set -o pipefail; cdp-collect --listen 127.0.0.1:0 --ack fsync | cat'
}
