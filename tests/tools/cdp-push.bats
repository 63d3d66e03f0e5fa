load ../helper

setup() {
  cd "$BATS_TEST_TMPDIR"
  cat >push.json <<'END'
{"channels":{
  "sms":{"type":"outbox","path":"sms.ndjson"},
  "mail":{"type":"outbox","path":"m/mail.csv","format":"csv"},
  "call":{"type":"program","argv":["./call"],"batch":3,"timeout":"10s"},
  "app":{"type":"program","argv":["./app"],"batch":3}}}
END
  # Programs note what they are given before they answer.
  program call 'tee -a call.log | sed "$accept"'
  program app 'tee -a app.log | sed "$accept"'
}

# program NAME SCRIPT
program() {
  printf '#!/bin/sh\naccept='\''%s'\''\n%s\n' \
    's/^{"message_id":"\([^"]*\)".*/{"message_id":"\1","state":"accepted"}/' "$2" >"$1"
  chmod +x "$1"
}

# message ID PERSON CHANNEL [MEMBERS]
message() {
  printf '{"message_id":"%s","one_id":"00000000000000%s","strategy":"s","version":1,"node":"n1","wave":1,"channel":"%s","to":"13800000000","template":"hi {{name}}","vars":{"name":"A"}%s}\n' \
    "$1" "$2" "$3" "${4-}"
}

push() {
  cdp-push -d push.json --state state --outbox out --as-of "${at-2024-04-25T02:00:00Z}" "$@"
}

# ID=STATE[:REASON] of each receipt.
states() {
  sed 's/.*"event":"message_\([a-z]*\)".*"message_id":"\([^"]*\)"\(.*"reason":"\([a-z_]*\)"\)\{0,1\}.*/\2=\1:\4/; s/:$//' "$@" |
    tr '\n' ' '
}

ids() {
  cat "$@" 2>/dev/null | sed -n 's/^{"message_id":"\([^"]*\)".*/\1/p' | sort
}

quiet() {
  sed 's/^{"channels"/{"quiet_hours":{"sms":{"from":"21:00","to":"08:00"}},"channels"/' \
    push.json >tmp
  mv tmp push.json
}

caps() {
  sed "s/^{\"channels\"/{\"caps\":[$1],\"channels\"/" push.json >tmp
  mv tmp push.json
}

# many COUNT CHANNEL [PREFIX]: message ids in no order.
many() {
  awk -v count="$1" -v channel="$2" -v prefix="${3-m}" 'BEGIN {
    for (i = 0; i < count; i++)
      printf "{\"message_id\":\"%s%05d\",\"one_id\":\"00000000000000%02x\",\"strategy\":\"s\"," \
        "\"channel\":\"%s\",\"to\":\"138\",\"template\":\"hi {{name}}\",\"vars\":{\"name\":\"A\"}}\n",
        prefix, i * 7919 % 99991, i % 50, channel }'
}

@test "a message is rendered, handed over and answered with a receipt" {
  message m1 aa sms >in
  push in >receipts
  echo '{"message_id":"m1","one_id":"00000000000000aa","channel":"sms","to":"13800000000","text":"hi A","strategy":"s","version":1,"node":"n1","wave":1,"time":"2024-04-25T02:00:00.000Z"}' >want
  same want out/sms.ndjson
  echo '{"one_id":"00000000000000aa","time":"2024-04-25T02:00:00.000Z","event":"message_accepted","ids":{},"props":{"message_id":"m1","strategy":"s","version":1,"node":"n1","wave":1,"channel":"sms"},"event_id":"m1-accepted","source":"cdp-push"}' >want
  same want receipts
}

@test "a message is sent once, and its receipt is given again byte for byte" {
  message m1 aa sms >in
  push in >first
  push in >second
  same first second
  at=2024-04-29T00:00:00Z
  push in >third
  same first third
  [ "$(ids out/sms.ndjson)" = m1 ]
}

@test "a repeated run answers for what it found in the spool as well" {
  message m1 aa sms ',"not_before":"2024-04-25T03:00:00Z"' >in
  run -5 push in
  at=2024-04-25T04:00:00Z
  push /dev/null >first
  [ "$(states first)" = "m1=accepted " ]
  push /dev/null >second
  same first second
}

@test "the order of the input changes nothing, caps included" {
  caps '{"channel":null,"per":"1d","max":2},{"channel":"sms","per":"calendar_day","max":1}'
  { many 300 sms; many 250 mail n; many 40 call o; } >in
  push in >want
  mv out want.out
  for order in 'sort' 'sort -r' 'tac'; do
    rm -rf state out
    $order <in >turned
    push turned >got
    same want got
    diff -r want.out out
  done
  # Two for each of the 50 persons, one of them a text message.
  [ "$(grep -c accepted want)" -eq 100 ]
  [ "$(wc -l <out/sms.ndjson)" -eq 50 ]
}

@test "caps go to the earliest not_before, then to the lowest message id" {
  caps '{"channel":"sms","per":"7d","max":2}'
  {
    message m3 aa sms ',"not_before":"2024-04-25T01:00:00Z"'
    message m2 aa sms ',"not_before":"2024-04-25T01:00:00Z"'
    message m1 aa sms ',"not_before":"2024-04-25T01:30:00Z"'
    message m0 aa mail
  } >in
  push in >receipts
  [ "$(states receipts)" = "m0=accepted m1=suppressed:cap m2=accepted m3=accepted " ]
}

@test "a rolling cap forgets a send exactly its length later" {
  caps '{"channel":"sms","per":"1d","max":1}'
  message m1 aa sms | push >/dev/null
  at=2024-04-26T01:59:59.999Z
  message m2 aa sms | push >receipts
  [ "$(states receipts)" = "m2=suppressed:cap " ]
  at=2024-04-26T02:00:00Z
  message m3 aa sms | push >receipts
  [ "$(states receipts)" = "m3=accepted " ]
}

@test "a cap of the calendar day ends at midnight of the zone" {
  caps '{"channel":"sms","per":"calendar_day","max":1}'
  at=2024-04-25T15:59:59Z
  message m1 aa sms | push >/dev/null
  message m2 aa sms | push >receipts
  [ "$(states receipts)" = "m1=accepted m2=suppressed:cap " ]
  at=2024-04-25T16:00:00Z
  message m3 aa sms | push >receipts
  [ "$(states receipts)" = "m3=accepted " ]
}

@test "only accepted sends count: what failed makes room for the next" {
  caps '{"channel":null,"per":"1d","max":1}'
  program call 'sed "$accept; s/accepted/failed/"'
  { message m1 aa call; message m2 aa sms; message m3 aa mail; } >in
  run -5 push -o receipts in
  [ "$(states receipts)" = "m1=failed:refused m2=accepted m3=suppressed:cap " ]
}

@test "quiet hours hold a message until their end" {
  quiet
  at=2024-04-25T21:00:00+08:00
  { message m1 aa sms; message m2 aa mail; } >in
  run -5 push -o receipts in
  [ "$(states receipts)" = "m1=held:quiet_hours m2=accepted " ]
  grep -q '"until":"2024-04-26T00:00:00.000Z"' receipts
  at=2024-04-26T07:59:59+08:00
  run -5 push -o receipts /dev/null
  [ ! -s receipts ]
  at=2024-04-26T08:00:00+08:00
  push /dev/null >receipts
  [ "$(states receipts)" = "m1=accepted " ]
  [ "$(ids out/sms.ndjson)" = m1 ]
}

@test "a held message goes out once although it comes again" {
  quiet
  at=2024-04-25T23:00:00+08:00
  message m1 aa sms >in
  run -5 push -o first in
  at=2024-04-25T23:30:00+08:00
  run -5 push -o second in
  same first second
  at=2024-04-26T09:00:00+08:00
  push in >third
  [ "$(states third)" = "m1=accepted " ]
  [ "$(ids out/sms.ndjson)" = m1 ]
}

@test "a message that expired while it was held is not sent" {
  quiet
  at=2024-04-25T23:00:00+08:00
  message m1 aa sms ',"expires":"2024-04-25T23:59:00+08:00"' >in
  run -5 push -o receipts in
  at=2024-04-26T09:00:00+08:00
  push /dev/null >receipts
  [ "$(states receipts)" = "m1=suppressed:expired " ]
  [ ! -e out/sms.ndjson ]
}

@test "until of a message for later is when the quiet hours after it are over" {
  quiet
  message m1 aa sms ',"not_before":"2024-04-25T23:00:00+08:00"' >in
  run -5 push -o receipts in
  [ "$(states receipts)" = "m1=held:not_before " ]
  grep -q '"until":"2024-04-26T00:00:00.000Z"' receipts
}

@test "what is never sent says why" {
  {
    message m1 aa sms ',"expires":"2024-04-25T02:00:00Z"'
    message m2 aa sms ',"to":null'
    message m3 aa sms ',"vars":{"name":null}'
    echo '{"message_id":"m4","one_id":"00000000000000aa","channel":"sms","suppressed":"blank_group","time":"2024-04-25T02:00:00.000Z"}'
    message m5 aa sms ',"expires":"2024-04-25T02:00:00.001Z"'
  } >in
  push in >receipts
  [ "$(states receipts)" = "m1=suppressed:expired m2=suppressed:no_address m3=suppressed:missing_variable m4=suppressed:blank_group m5=accepted " ]
  grep -q '"reason":"missing_variable","detail":"name"' receipts
  [ "$(ids out/sms.ndjson)" = m5 ]
}

@test "programs get messages in batches and their answers count, whatever the order" {
  program call 'n=$(wc -l <call.log 2>/dev/null || echo 0); tee -a call.log | sed "$accept" | sort -r; echo "$n" >>batches'
  many 10 call >in
  push in >receipts
  [ "$(grep -c accepted receipts)" -eq 10 ]
  [ "$(wc -l <batches)" -eq 4 ]
  ids call.log >got
  ids in >want
  same want got
}

@test "a program may ask to be given a message again, once in a run" {
  program call 'sed "$accept; s/\"accepted\"/\"retry\",\"detail\":\"line busy\"/"'
  many 4 call >in
  run -5 push -o receipts in
  [ "$(grep -c '"event":"message_held".*"reason":"retry","detail":"line busy"' receipts)" -eq 4 ]
  program call 'sed "$accept"'
  run -5 push -o again in
  same receipts again
  at=2024-04-25T02:05:00Z
  push -o receipts /dev/null
  [ "$(grep -c accepted receipts)" -eq 4 ]
}

@test "a missing answer is ambiguous: held, told, and sent again only by --ambiguous resend" {
  program call 'tee -a call.log | sed 1d | sed "$accept"'
  many 3 call >in
  run -5 --separate-stderr push -o receipts in
  [[ $stderr == *"channel 'call': 1 messages may or may not have been sent; held"* ]]
  [ "$(grep -c accepted receipts)" -eq 2 ]
  [ "$(grep -c '"reason":"ambiguous"' receipts)" -eq 1 ]
  program call 'tee -a call.log | sed "$accept"'
  at=2024-04-25T02:05:00Z
  run -5 push /dev/null
  [ "$(wc -l <call.log)" -eq 3 ]
  push --ambiguous resend -o receipts /dev/null
  [ "$(grep -c accepted receipts)" -eq 1 ]
  [ "$(wc -l <call.log)" -eq 4 ]
}

@test "what may have been sent counts against a cap" {
  caps '{"channel":null,"per":"1d","max":1}'
  program call 'cat >/dev/null'
  { message m1 aa call; message m2 aa sms; } >in
  run -5 push -o receipts in
  [ "$(states receipts)" = "m1=held:ambiguous m2=suppressed:cap " ]
}

@test "a program that fails keeps what it answered and is given no more" {
  program call 'tee -a call.log | sed 1q | sed "$accept"; exit 7'
  many 9 call >in
  run -5 --separate-stderr push -o receipts in
  [[ $stderr == *"channel 'call': './call' ended with status 7"* ]]
  [ "$(wc -l <call.log)" -eq 3 ]
  [ "$(grep -c accepted receipts)" -eq 1 ]
  [ "$(grep -c '"reason":"ambiguous"' receipts)" -eq 2 ]
  [ "$(grep -c '"reason":"channel_down"' receipts)" -eq 6 ]
}

@test "a program that cannot be run has sent nothing: its messages wait" {
  rm call
  { message m1 aa call; message m2 aa sms; } >in
  run -5 --separate-stderr push -o receipts in
  [[ $stderr == *"channel 'call': cannot run './call'"* ]]
  [ "$(states receipts)" = "m1=held:channel_down m2=accepted " ]
  program call 'sed "$accept"'
  at=2024-04-25T02:05:00Z
  push -o receipts /dev/null
  [ "$(states receipts)" = "m1=accepted " ]
}

@test "a slow program keeps no other channel waiting" {
  mkfifo gate
  program call 'cat gate >/dev/null; sed "$accept"'
  program app 'sed "$accept"; echo done >>app.done'
  { message m1 aa call; many 9 app n; many 9 sms o; } >in
  push -o receipts in &
  # The others are all served while the program waits at its gate.
  until [ "$(wc -l 2>/dev/null <app.done)" = 3 ] && [ "$(wc -l 2>/dev/null <out/sms.ndjson)" = 9 ]; do
    sleep 0.05
  done
  : >gate
  wait $!
  [ "$(grep -c accepted receipts)" -eq 19 ]
}

@test "an outbox that cannot be written is status 4, and the others are served" {
  mkdir -p out/sms.ndjson
  { message m1 aa sms; message m2 aa mail; } >in
  run -4 --separate-stderr push in
  [[ $stderr == "cdp-push: channel 'sms': out/sms.ndjson: Is a directory" ]]
  [ "$(grep -c m2, out/m/mail.csv)" -eq 1 ]
  rmdir out/sms.ndjson
  at=2024-04-25T02:05:00Z
  push in >receipts
  [ "$(states receipts)" = "m1=accepted m2=accepted " ]
}

@test "a full disk is told, and what did not get out waits" {
  [ -e "$TOP/build/$MODE/inject.so" ] || skip "needs the shim"
  many 50 sms >in
  CDP_INJECT=write:1:ENOSPC LD_PRELOAD=$TOP/build/$MODE/inject.so run -4 --separate-stderr push in
  [ "$(ids out/sms.ndjson)" = "" ]
  at=2024-04-25T02:05:00Z
  push in >receipts
  [ "$(grep -c accepted receipts)" -eq 50 ]
  [ "$(wc -l <out/sms.ndjson)" -eq 50 ]
}

@test "--dry-run says what would happen and touches nothing" {
  { message m1 aa sms; message m2 aa call; } >in
  push --dry-run in >dry
  [ ! -e state ]
  [ ! -e out ]
  [ ! -e call.log ]
  push in >real
  same real dry
  { cat in; message m3 aa sms; } >more
  cp -r state before
  push --dry-run more >dry
  [ "$(states dry)" = "m1=accepted m2=accepted m3=accepted " ]
  [ "$(ids out/sms.ndjson)" = m1 ]
  push /dev/null >got
  same real got
}

@test "two runs on one state exclude each other" {
  mkfifo gate
  message m1 aa sms >in
  push gate >first &
  exec {hold}>gate
  run -4 --separate-stderr push in
  [[ $stderr == *"is locked by process"* ]]
  cat in >&"$hold"
  exec {hold}>&-
  wait $!
  [ "$(states first)" = "m1=accepted " ]
}

@test "a torn row is cut off and sent whole" {
  quiet
  at=2024-04-25T12:00:00+08:00
  message m1 aa sms | push >/dev/null
  printf '{"message_id":"m2","one' >>out/sms.ndjson
  message m3 aa sms | push >/dev/null
  [ "$(ids out/sms.ndjson | tr '\n' ' ')" = "m1 m3 " ]
}

@test "an outbox that was taken away is begun anew" {
  message m1 aa mail | push >/dev/null
  mv out/m/mail.csv taken
  message m2 aa mail | push >/dev/null
  [ "$(cut -d, -f1 taken | tr '\n' ' ')" = "message_id m1 " ]
  [ "$(cut -d, -f1 out/m/mail.csv | tr '\n' ' ')" = "message_id m2 " ]
}

@test "line feeds, commas and quotes in a text stay in their CSV field" {
  message m1 aa mail ',"template":"a,\"b\"\nc"' | push >/dev/null
  printf 'message_id,one_id,channel,to,text,strategy,version,node,wave,time\nm1,00000000000000aa,mail,13800000000,"a,""b""\nc",s,1,n1,1,2024-04-25T02:00:00.000Z\n' >want
  same want out/m/mail.csv
}

@test "--stats counts states" {
  { message m1 aa sms; message m2 aa sms ',"not_before":"2025-01-01T00:00:00Z"'; } >in
  run -5 --separate-stderr push --stats -o receipts in
  [[ $stderr == *'"accepted":1,"failed":0,"suppressed":0,"held":1,"known":0,"spooled":1}' ]]
}

# Killed at the n-th write or sync, for every n: the next runs send what is missing and
# nothing twice.
killed() {
  local n
  for ((n = 1;; n++)); do
    rm -rf state out mark got
    CDP_INJECT=$1:$n:$2 CDP_INJECT_MARK=mark LD_PRELOAD=$TOP/build/$MODE/inject.so \
      push -o got in 2>/dev/null || true
    [ -e mark ] || break
    [ ! -e got ] || same want got
    # A second death, at another place.
    CDP_INJECT=$1:$((n % 3 + 1)):$2 LD_PRELOAD=$TOP/build/$MODE/inject.so \
      push -o got in 2>/dev/null || true
    push -o got in
    same want got
    diff -r want.out out
  done
  [ "$n" -gt 3 ]
}

kill_setup() {
  [ -e "$TOP/build/$MODE/inject.so" ] || skip "needs the shim"
  { many 40 sms; many 40 mail n | sed 's/hi /hi,\\n/'; } >in
  push in >want
  mv out want.out
}

@test "killed at any sync, nothing is lost and nothing sent twice" {
  kill_setup
  killed fsync kill
}

@test "killed at or within any write, nothing is lost and nothing sent twice" {
  kill_setup
  killed write kill
  killed write tear
}

@test "killed at any sync, a program is never given a message again" {
  [ -e "$TOP/build/$MODE/inject.so" ] || skip "needs the shim"
  local n
  program call 'unset LD_PRELOAD; tee -a call.log | sed "$accept"'
  many 8 call >in
  for ((n = 1;; n++)); do
    rm -rf state call.log mark
    CDP_INJECT=fsync:$n:kill CDP_INJECT_MARK=mark LD_PRELOAD=$TOP/build/$MODE/inject.so \
      push -o got in 2>/dev/null || true
    [ -e mark ] || break
    push -o got in 2>/dev/null || [ $? -eq 5 ]
    [ -z "$(ids call.log | uniq -d)" ]
    [ "$(wc -l <got)" -eq 8 ]
    # What was not given to the program is held as ambiguous, not lost.
    [ "$(grep -c -e accepted -e ambiguous got)" -eq 8 ]
    at=2024-04-25T02:05:00Z push --ambiguous resend -o got /dev/null
    [ "$(ids call.log | uniq | wc -l)" -eq 8 ]
  done
  [ "$n" -gt 3 ]
}

@test "killed at any moment, a large run ends as if it had not been" {
  many 30000 sms >in
  push in >want
  mv out want.out
  rm -rf state
  for delay in 0.02 0.05 0.1 0.15 0.2 0.3 0.4 0.6; do
    timeout -s KILL $delay cdp-push -d push.json --state state --outbox out \
      --as-of 2024-04-25T02:00:00Z -o got in || true
  done
  push -o got in
  same want got
  diff -r want.out out
}
