# What every tool does when its output, or its diagnostics, cannot be written.
load ../helper

setup() {
  sample >"$BATS_TEST_TMPDIR/in"
  cd "$BATS_TEST_TMPDIR"
}

@test "ordinary input gives status 0, output and no message" {
  fresh
  "${cmd[@]}" <in >out 2>err
  [ -s out ]
  [ ! -s err ]
}

@test "the same input gives the same output again" {
  answer one <in
  answer two <in
  same one two
}

@test "a full disk is told once, with status 4" {
  fresh
  run -4 --separate-stderr sh -c '"$@" <in >/dev/full' sh "${cmd[@]}"
  [ "$stderr" = "$TOOL: standard output: No space left on device" ]
}

@test "a closed standard output is told once, with status 4" {
  fresh
  run -4 --separate-stderr sh -c '"$@" <in >&-' sh "${cmd[@]}"
  [ "$stderr" = "$TOOL: standard output: Bad file descriptor" ]
}

@test "a closed standard error hurts nobody" {
  answer want <in
  fresh
  "${cmd[@]}" <in >got 2>&-
  same want got
}

@test "a reader that went away ends it silently as SIGPIPE does" {
  dead_pipe
  fresh
  status=0
  "${cmd[@]}" <in >&"$dead" 2>err || status=$?
  [ "$status" -eq 141 ]
  [ ! -s err ]
}

@test "so it does where SIGPIPE was ignored" {
  dead_pipe
  fresh
  status=0
  (trap '' PIPE; exec "${cmd[@]}" <in >&"$dead" 2>err) || status=$?
  [ "$status" -eq 141 ]
  [ ! -s err ]
}

@test "-o writes what standard output gets, and leaves no other file" {
  has_option output || skip "has no -o"
  answer want <in
  fresh
  mkdir there
  "${cmd[@]}" -o there/out <in >stdout
  [ ! -s stdout ]
  same want there/out
  [ "$(ls -A there)" = out ]
}

@test "-o into a missing directory fails before anything is read" {
  has_option output || skip "has no -o"
  fresh
  run -4 --separate-stderr "${cmd[@]}" -o missing/out <in
  [ "${#stderr_lines[@]}" -eq 1 ]
  [[ $stderr == "$TOOL: missing/out: "*"No such file or directory" ]]
}

@test "its output does not depend on the locale" {
  answer want <in
  for locale in C.UTF-8 de_DE.UTF-8 tr_TR.UTF-8; do
    fresh
    LC_ALL=$locale "${cmd[@]}" <in >got
    same want got
  done
}

@test "its output does not depend on TZ" {
  answer want <in
  fresh
  TZ=America/New_York "${cmd[@]}" <in >got
  same want got
}
