# Every call that can fail does so once: the answer is always status 4 and one message, and
# an output file is whole or not there.  The shim is described in shim.c.
load ../helper

setup() {
  sample >"$BATS_TEST_TMPDIR/in"
  cd "$BATS_TEST_TMPDIR"
  answer want <in
  mkdir out
  where=()
  ! has_option output || where=(-o out/file)
}

# inject CALL ERROR [STEP]: the first, second, ... call fails until none is left to fail.
inject() {
  local n status
  for ((n = 1;; n += n > 60 ? ${3-1} : 1)); do
    rm -f mark out/*
    fresh
    status=0
    CDP_INJECT=$1:$n:$2 CDP_INJECT_MARK=mark LD_PRELOAD=$TOP/build/$MODE/inject.so \
      "${cmd[@]}" "${where[@]}" <in >stdout 2>err || status=$?
    [ -e mark ] || break
    if [ "$status" -ne 0 ]; then
      echo "$1 $n: status $status: $(cat err)"
      [ "$status" -eq 4 ]
      [ "$(wc -l <err)" -eq 1 ]
      [ ! -e out/file ] || same want out/file
    else
      # A failure that loses nothing, such as closing what was only read.
      check_whole
    fi
    [ "$(ls -A out)" = "" ] || [ "$(ls -A out)" = file ]
  done
  [ "$status" -eq 0 ]
  [ "$n" -gt 1 ]
  check_whole
}

check_whole() {
  if [ "${#where[@]}" -gt 0 ]; then same want out/file; else same want stdout; fi
}

@test "read failing is told" {
  [ "$(kind)" != no-input ] || skip "reads nothing"
  inject read EIO
}

@test "write failing is told" {
  inject write ENOSPC
}

@test "close failing is told or harmless" {
  inject close EIO
}

@test "open failing is told" {
  inject open EIO
}

@test "fsync failing is told" {
  has_option output || skip "has no -o"
  inject fsync EIO
}

@test "rename failing is told" {
  has_option output || skip "has no -o"
  inject rename EIO
}

@test "memory running out is told" {
  inject malloc ENOMEM 7
}

@test "short writes lose nothing" {
  fresh
  CDP_INJECT=write:0:short LD_PRELOAD=$TOP/build/$MODE/inject.so "${cmd[@]}" <in >got
  same want got
}
