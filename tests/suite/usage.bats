# What every tool does about options, help and errors in its command line.
load ../helper

@test "--help goes to standard output, within 80 columns, status 0" {
  run -0 --separate-stderr "$TOOL" --help
  [ -z "$stderr" ]
  [[ ${lines[0]} == "usage: $TOOL"* ]]
  [[ $output == *"Exit status: see cdp(7)"* ]]
  [[ $output == *"Example:"* ]]
  "$TOOL" --help >"$BATS_TEST_TMPDIR/help"
  [ "$(awk 'length > 80' "$BATS_TEST_TMPDIR/help")" = "" ]
}

@test "-h wins over what stands behind it" {
  run -0 "$TOOL" -h --no-such-option
}

@test "--version ends its first line with the version and names libraries on the second" {
  run -0 --separate-stderr "$TOOL" --version
  [ "${lines[0]}" = "$TOOL (cdp-tools) $(cat "$TOP/VERSION")" ]
  [[ ${lines[1]} == *"tzdata "* ]]
  [ "${#lines[@]}" -eq 2 ]
}

@test "--help and --version to a full disk are failures" {
  run -4 --separate-stderr sh -c '"$0" --help >/dev/full' "$TOOL"
  [ "$stderr" = "$TOOL: standard output: No space left on device" ]
  run -4 sh -c '"$0" --version >/dev/full' "$TOOL"
}

@test "an unknown option is named in one line, with a hint and status 2" {
  run -2 --separate-stderr "$TOOL" --no-such-option
  [ -z "$output" ]
  [[ ${stderr_lines[0]} == "$TOOL: unknown option '--no-such-option'"* ]]
  [ "${stderr_lines[1]}" = "Try '$TOOL --help'." ]
  [ "${#stderr_lines[@]}" -eq 2 ]
  run -2 "$TOOL" -%
}

@test "an abbreviated option is unknown" {
  run -2 --separate-stderr "$TOOL" --hel
  [[ ${stderr_lines[0]} == *"did you mean '--help'?" ]]
}

@test "options that want a value say so when it is missing" {
  while IFS='|' read -r _ long argument _; do
    [ -n "$argument" ] || continue
    run -2 --separate-stderr "$TOOL" "--$long"
    [ "${stderr_lines[0]}" = "$TOOL: option '--$long' requires ${argument//+/|}" ]
  done < <("$TOOL" --dump-options | tail -n +2 | tr '|\t' '+|')
}

@test "options that take no value say so when one is given" {
  while IFS='|' read -r _ long argument _; do
    [ -z "$argument" ] || continue
    run -2 --separate-stderr "$TOOL" "--$long=x"
    [ "${stderr_lines[0]}" = "$TOOL: option '--$long' takes no value" ]
  done < <("$TOOL" --dump-options | tail -n +2 | tr '|\t' '+|')
}

@test "the table of options tells name, purpose and kind, and every option has a text" {
  "$TOOL" --dump-options | awk -F'\t' -v tool="$TOOL" '
    NR == 1 && ($1 != tool || $2 == "" || $3 !~ /^(as-it-goes|at-end|no-input)$/) { bad = 1 }
    NR > 1 && (NF != 4 || $2 == "" || $4 == "" || $4 ~ /\.$/ || length($1) > 1) { bad = 1; print }
    END { exit bad }'
}

@test "every option is in --help, and help names no other" {
  "$TOOL" --dump-options | awk -F'\t' 'NR > 1 { print "--" $2 }' | sort >"$BATS_TEST_TMPDIR/table"
  "$TOOL" --help | grep -o '^  \(-., \|    \)--[a-z0-9-]*' | grep -o -e '--.*' | sort >"$BATS_TEST_TMPDIR/help"
  same "$BATS_TEST_TMPDIR/table" "$BATS_TEST_TMPDIR/help"
}

@test "no option stands twice in the table" {
  run -0 sh -c '"$0" --dump-options | tail -n +2 | cut -f2 | sort | uniq -d' "$TOOL"
  [ -z "$output" ]
  run -0 sh -c '"$0" --dump-options | tail -n +2 | cut -f1 | sed "/^$/d" | sort | uniq -d' "$TOOL"
  [ -z "$output" ]
}

@test "-h -V -o -j -v -q -d -e mean the same in every tool" {
  "$TOOL" --dump-options | awk -F'\t' '
    BEGIN { m["h"] = "help"; m["V"] = "version"; m["o"] = "output"; m["j"] = "jobs"
            m["v"] = "verbose"; m["q"] = "quiet"; m["d"] = "definition"
            m["e"] = "expression" }
    NR > 1 && ($1 in m) && m[$1] != $2 { print; bad = 1 }
    NR > 1 { for (s in m) if (m[s] == $2 && $1 != s) { print; bad = 1 } }
    END { exit bad }'
}

@test "completions for bash and zsh offer every option" {
  "$TOOL" --dump-options | tail -n +2 | cut -f2 | while read -r long; do
    grep -q -e "--$long\b" "$TOP/build/$MODE/completion/bash/$TOOL"
    grep -q -e "--$long\b" "$TOP/build/$MODE/completion/zsh/_$TOOL"
  done
  bash -n "$TOP/build/$MODE/completion/bash/$TOOL"
}

@test "its manual page exists and the line under NAME is its purpose" {
  [ -f "$TOP/man/$TOOL.1" ]
  grep -qxF ".Nd $("$TOOL" --dump-options | head -n 1 | cut -f2)" "$TOP/man/$TOOL.1"
}
