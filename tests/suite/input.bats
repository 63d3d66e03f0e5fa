# What every tool that reads records does about the ways input comes and fails.
load ../helper

setup() {
  sample >"$BATS_TEST_TMPDIR/in"
  cd "$BATS_TEST_TMPDIR"
  answer want <in
}

# The tool on the arguments given: files or options.
tool() {
  fresh
  "${cmd[@]}" "$@"
}

# Bad input between good lines: the good ones are answered, status 3, one message.
bad_line() {
  { sed 1q in; cat bad; tail -n +2 in; } >mixed
  status=0
  tool mixed >got 2>err || status=$?
  [ "$status" -eq 3 ]
  one_message err
  grep -q "^$TOOL: mixed:2: " err
  same want got
  status=0
  tool --rejects rejects mixed >got 2>err || status=$?
  [ "$status" -eq 3 ]
  [ "$(wc -l <rejects)" -eq 1 ]
  grep -q '^{"reject":{"reason":".*"at":"mixed:2","tool":"'"$TOOL"' ' rejects
}

@test "a file, standard input and - are answered alike" {
  tool in >got
  same want got
  tool - <in >got
  same want got
}

@test "no input is no error" {
  tool /dev/null >got 2>err
  [ ! -s err ]
}

@test "a last line without newline counts" {
  head -c -1 in >cut
  tool cut >got
  same want got
}

@test "CR before LF is dropped" {
  sed 's/$/\r/' in >crlf
  tool crlf >got
  same want got
}

@test "a byte order mark at the start is skipped" {
  { printf '\357\273\277'; cat in; } >bom
  tool bom >got
  same want got
}

@test "blank lines are skipped" {
  sed 's/^/\n  \n/' in >blank
  tool blank >got
  same want got
}

@test "gzip and zstd are recognised by content, also in several members" {
  gzip -c in >packed
  tool packed >got
  same want got
  tool <packed >got
  same want got
  { sed 1q in | gzip; tail -n +2 in | gzip; } >packed
  tool packed >got
  same want got
  zstd -q -c in >packed
  tool packed >got
  same want got
}

@test "a cut gzip stream is an error, not an end" {
  gzip -c in | head -c -6 >cut
  status=0
  tool cut >got 2>err || status=$?
  [ "$status" -eq 4 ]
  one_message err
  grep -q "^$TOOL: cut: " err
}

@test "a NUL byte rejects its line alone" {
  printf '{"a":"x\0y"}\n' >bad
  bad_line
  grep -q '"raw":' rejects
}

@test "invalid UTF-8 rejects its line alone, and the bytes are kept" {
  printf '{"a":"\377"}\n' >bad
  bad_line
  [ "$(sed 's/.*"raw_b64":"\([^"]*\)".*/\1/' rejects | base64 -d)" = "$(cat bad)" ]
}

@test "text that is no record rejects its line alone" {
  printf 'no record\n' >bad
  bad_line
  grep -q '"raw":"no record"}$' rejects
}

@test "a cut record rejects its line alone" {
  printf '{"time":"2024-04-25T06:59:46.123Z","event":"x"\n' >bad
  bad_line
}

@test "nesting beyond the ceiling rejects its line alone" {
  { printf '{"a":'; printf '[%.0s' {1..100000}; printf '\n'; } >bad
  bad_line
}

@test "a line of 17 MiB rejects itself alone and is kept in a file of its own" {
  { printf '{"a":"'; head -c 17825792 /dev/zero | tr '\0' x; printf '"}\n'; } >bad
  bad_line
  grep -q '"raw_file":"rejects.long","offset":0,"length":17825800,"sha256":' rejects
  [ "$(sha256sum <rejects.long | cut -c1-64)" = \
    "$(sed 's/.*"sha256":"\([0-9a-f]*\)".*/\1/' rejects)" ]
  cmp rejects.long <(head -c -1 bad)
}

@test "numbers beyond a double are valid" {
  sed 's/}$/,"x_huge":1e999,"x_long":'"$(printf '9%.0s' {1..400})"'}/' in >huge
  tool huge >got 2>err
  [ ! -s err ]
}

@test "no more than ten bad lines are told one by one" {
  { cat in; seq 1000; } >bad
  status=0
  tool bad >got 2>err || status=$?
  [ "$status" -eq 3 ]
  [ "$(wc -l <err)" -eq 11 ]
  [ "$(tail -n 1 err)" = "$TOOL: 990 more records rejected" ]
}

@test "--max-rejects is how many bad lines are no failure" {
  { cat in; echo bad; echo bad; } >bad
  tool --max-rejects 2 bad >got 2>err
  same want got
  tool --max-rejects 40% bad >got 2>err
  run -3 tool --max-rejects 1 bad
  run -3 tool --max-rejects 39% bad
}

@test "--strict stops at the first bad line with status 3" {
  { cat in; echo bad; echo worse; } >bad
  run -3 --separate-stderr tool --strict bad
  [ "${#stderr_lines[@]}" -eq 1 ]
}

@test "--quiet says nothing about single records" {
  { cat in; echo bad; } >bad
  run -3 --separate-stderr tool --quiet bad
  [ -z "$stderr" ]
}

@test "--stats ends with one line of counts" {
  { cat in; echo; echo bad; } >bad
  status=0
  tool --stats bad >got 2>err || status=$?
  [ "$status" -eq 3 ]
  tail -n 1 err | grep -q '^{"tool":"'"$TOOL"'","in":4,"out":[0-9]*,"rejected":1,"blank":1,'
}

@test "rejects may not be one of the inputs" {
  cp in both
  run -2 --separate-stderr tool --rejects both both
  same in both
}

@test "rejects to a full disk are a failure" {
  { cat in; echo bad; } >bad
  status=0
  tool -q --rejects /dev/full bad >got 2>err || status=$?
  [ "$status" -eq 4 ]
  one_message err
}

@test "a missing file is told, and the next one is read" {
  status=0
  tool missing in >got 2>err || status=$?
  [ "$status" -eq 4 ]
  [ "$(cat err)" = "$TOOL: missing: No such file or directory" ]
  same want got
}

@test "a directory is told, and the next file is read" {
  status=0
  tool . in >got 2>err || status=$?
  [ "$status" -eq 4 ]
  [ "$(cat err)" = "$TOOL: .: Is a directory" ]
  same want got
}

@test "an unreadable file is told, and the next one is read" {
  # Nobody can read here, not even the superuser.
  status=0
  tool /proc/self/mem in >got 2>err || status=$?
  [ "$status" -eq 4 ]
  [ "$(cat err)" = "$TOOL: /proc/self/mem: Input/output error" ]
  same want got
}

@test "a closed standard input is an error" {
  fresh
  run -4 --separate-stderr sh -c '"$@" <&-' sh "${cmd[@]}"
  [ "$stderr" = "$TOOL: standard input: Bad file descriptor" ]
}

@test "- may be given only once" {
  run -2 tool - -
}

@test "the number of jobs changes nothing" {
  has_option jobs || skip "has no -j"
  yes "$(cat in)" | head -n 6000 >many
  { cat many; echo bad; cat many; echo worse; } >more
  status=0
  tool -j 1 more >want 2>wanterr || status=$?
  [ "$status" -eq 3 ]
  for jobs in 2 4; do
    status=0
    tool -j $jobs more >got 2>goterr || status=$?
    [ "$status" -eq 3 ]
    same want got
    same wanterr goterr
  done
}

@test "single-byte reads change nothing" {
  [ "$MODE" != asan ] || skip "nothing can be preloaded before the sanitizer"
  { cat in; echo bad; cat in; } >more
  status=0
  tool <more >want 2>wanterr || status=$?
  got=0
  fresh
  CDP_INJECT=read:0:short LD_PRELOAD=$TOP/build/$MODE/inject.so "${cmd[@]}" <more \
    >got 2>goterr || got=$?
  [ "$status" -eq "$got" ]
  same want got
  same wanterr goterr
}
