# Tools that answer as they go: output never waits on input.
load ../helper

setup() {
  sample >"$BATS_TEST_TMPDIR/in"
  cd "$BATS_TEST_TMPDIR"
  sed 1q in >line
  answer want <line
}

# One line goes in; its answer must come out while the input stays open.
lone_line() {
  mkfifo to from
  fresh
  "${cmd[@]}" "$@" <to >from &
  exec {to}>to {from}<from
  cat line >&"$to"
  IFS= read -r -t 20 answer <&"$from"
  [ "$answer" = "$(sed 1q want)" ]
  exec {to}>&-
  cat <&"$from" >/dev/null
  wait $!
}

@test "a lone line is answered while the input stays open" {
  lone_line
}

@test "so it is with more than one job" {
  has_option jobs || skip "has no -j"
  lone_line -j 4
}

@test "a bad line is told while the input stays open" {
  mkfifo to errors
  fresh
  "${cmd[@]}" <to 2>errors >/dev/null &
  exec {to}>to {errors}<errors
  echo bad >&"$to"
  IFS= read -r -t 20 message <&"$errors"
  [[ $message == "$TOOL: standard input:1: "* ]]
  exec {to}>&-
  status=0
  wait $! || status=$?
  [ "$status" -eq 3 ]
}

@test "endless input to a full disk ends at once with status 4" {
  fresh
  run -4 --separate-stderr timeout 20 bash -c '
    yes "$(cat line)" | "$@" >/dev/full
    exit ${PIPESTATUS[1]}' bash "${cmd[@]}"
  [ "$stderr" = "$TOOL: standard output: No space left on device" ]
}

@test "endless input to a reader that leaves ends at once" {
  fresh
  run -141 --separate-stderr timeout 20 bash -c '
    yes "$(cat line)" | "$@" | head -n 1
    exit ${PIPESTATUS[1]}' bash "${cmd[@]}"
  [ "$output" = "$(sed 1q want)" ]
  [ -z "$stderr" ]
}

@test "--strict ends with more jobs although the input stays open" {
  has_option jobs || skip "has no -j"
  mkfifo to
  fresh
  timeout 20 "${cmd[@]}" -j 4 --strict <to >got 2>err &
  exec {to}>to
  { cat line; echo bad; } >&"$to"
  status=0
  wait $! || status=$?
  exec {to}>&-
  [ "$status" -eq 3 ]
  same want got
}
